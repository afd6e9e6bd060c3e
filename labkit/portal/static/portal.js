// The portal's screen: pages at the top, blocks in the middle, the dialog over them, the bar of commands and the
// notices at the foot.

class Portal {
  constructor(words, send, charts, identity) {
    this.words = words;
    this.send = send;
    this.blocks = new Map();
    this.filters = new Map();
    this.data = null;
    this.tools = {
      words, charts, identity, filters: this.filters, clicked: new Map(), send, go: (path) => send("go", path), command: (key) => this.button(key),
    };
    this.nav = html("nav", { class: "labkit-nav", "aria-label": words.pages });
    this.language = html("select", { class: "labkit-input labkit-language", "aria-label": words.language });
    this.language.append(html("option", { value: "en", text: "English" }), html("option", { value: "ja", text: "日本語" }));
    this.language.dataset.key = "language";
    this.language.addEventListener("change", () => send("language", this.language.value));
    this.file = html("span", { class: "labkit-file" });
    this.crumbs = html("div", { class: "labkit-crumbs" });
    this.title = html("h3", { class: "labkit-page-title", tabindex: "-1" });
    this.tabs = html("div", { class: "labkit-tabs", role: "group", "aria-label": words.parts });
    this.dialog = new Dialog(words, send);
    this.result = html("div", { class: "labkit-result", role: "status" });
    this.body = html("div", { class: "labkit-body" });
    this.bar = html("div", { class: "labkit-command-bar", role: "toolbar", "aria-label": words.commands });
    this.why = html("div", { class: "labkit-why", role: "status" });
    this.foot = html("div", { class: "labkit-foot" }, this.bar, this.why);
    this.notices = html("div", { class: "labkit-notices", role: "log" });
    this.script = html("details", { class: "labkit-script" });
    this.element = html(
      "div", { class: "labkit-portal" },
      html("div", { class: "labkit-top" }, this.nav, html("span", { class: "labkit-right" }, this.file, this.language)),
      html("div", { class: "labkit-head" }, html("div", {}, this.crumbs, this.title), this.tabs),
      this.dialog.element, this.result, this.body, this.foot, this.notices, this.script,
    );
  }

  update(news) {
    const { blocks, all, ...rest } = news;
    if (!all && this.data === null) return; // news before the whole, which is on its way
    if (all) this.blocks.clear();
    const before = this.data;
    this.data = { ...(all ? {} : before), ...rest };
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const page = before?.head.path.join("/"), moved = page !== undefined && page !== this.data.head.path.join("/");
    if (moved) this.tools.clicked.clear();
    if (rest.nav) this.drawNav(rest.nav);
    if (rest.head) this.drawHead(rest.head);
    if (blocks || rest.commands) this.drawBlocks(blocks ?? { order: [...this.blocks.keys()], changed: {} }, Boolean(rest.commands));
    if (rest.commands) this.drawBar(rest.commands);
    if ("dialog" in rest) this.dialog.update(rest.dialog);
    if (rest.result) this.drawResult(rest.result);
    if (rest.notices) this.drawNotices(rest.notices);
    if (rest.script) this.drawScript(rest.script);
    if (before?.dialog && !this.data.dialog && (focused ?? "").match(/^(field|press)-/)) this.refocus(this.opener, moved);
    else this.refocus(focused, moved);
  }

  /** The focus stays on what it was on; what is gone leaves it to the page's title. */
  refocus(key, moved) {
    const at = document.activeElement;
    if (key === undefined || (this.element.contains(at) && at.checkVisibility())) return;
    const same = this.element.querySelector(`[data-key="${CSS.escape(key)}"]`);
    (same && !moved ? same : same ?? this.title).focus({ preventScroll: !moved });
  }

  link(name, { title, go, here }) {
    const made = html("button", { class: `labkit-tab labkit-to-${go.at(-1).replace(/\W+/g, "-")}`, type: "button", text: title });
    made.dataset.key = `${name}-${go.join("/")}`;
    if (here) made.setAttribute("aria-current", "page");
    made.addEventListener("click", () => this.send("go", go));
    return made;
  }

  drawNav(nav) {
    this.nav.replaceChildren(...nav.map((entry) => this.link("nav", entry)));
  }

  drawHead(head) {
    say(this.title, head.title);
    this.title.title = head.title;
    say(this.file, head.lab);
    this.language.value = head.language;
    this.crumbs.replaceChildren(...head.crumbs.flatMap((entry) => [this.link("crumb", entry), " › "]));
    this.tabs.replaceChildren(...head.tabs.map((entry) => this.link("tab", entry)));
    this.element.dataset.path = head.path.join("/");
  }

  drawBlocks({ order, changed }, commands) {
    for (const [key, block] of Object.entries(changed)) {
      const held = this.blocks.get(key);
      const same = held?.element && renewed(held.element, held.block, block, this.tools);
      this.blocks.set(key, { block, element: same ? held.element : null });
    }
    for (const key of [...this.blocks.keys()]) if (!order.includes(key)) this.blocks.delete(key);
    const elements = order.map((key) => {
      const held = this.blocks.get(key);
      const placed = ["steps", "commands"].includes(held.block.kind); // these hold commands
      if (held.element === null || (commands && placed)) {
        held.element = drawn(held.block, this.tools);
      }
      return held.element;
    });
    place(this.body, elements);
  }

  button(key) {
    const command = this.data.commands[key];
    if (!command) return html("span");
    const made = html("button", { class: "labkit-button labkit-command", type: "button", text: command.title });
    made.dataset.key = `command-${key}`;
    made.dataset.command = key.split("#")[0];
    const tell = () => say(this.why, command.why ? `${command.title}: ${command.why}` : "");
    if (command.why) {
      // Not disabled: whoever gets to it by keyboard or pointer reads why.
      made.setAttribute("aria-disabled", "true");
      made.title = command.why;
    }
    made.addEventListener("focus", tell);
    made.addEventListener("pointerenter", tell);
    made.addEventListener("click", () => {
      if (command.why) return tell();
      this.opener = made.dataset.key;
      this.send("command", key);
    });
    return made;
  }

  drawBar(commands) {
    const shown = Object.values(commands).filter((command) => command.bar);
    this.bar.replaceChildren(...shown.map((command) => this.button(command.key)));
    this.bar.hidden = !shown.length;
    say(this.why, "");
  }

  drawResult(blocks) {
    this.result.replaceChildren(...blocks.map((block) => drawn(block, this.tools)));
    this.result.hidden = !blocks.length;
    if (!blocks.length) return;
    const close = html("button", { class: "labkit-button labkit-close-result", type: "button", text: this.words.button_close });
    close.dataset.key = "close-result";
    close.addEventListener("click", () => this.send("close"));
    this.result.append(close);
    this.result.scrollIntoView({ block: "nearest" });
  }

  drawNotices(notices) {
    this.notices.replaceChildren(...notices.map((notice) => {
      const row = html("div", { class: "labkit-notice" }, cell({ text: notice.text, state: notice.state }));
      if (notice.go) {
        const view = html("button", { class: "labkit-link labkit-view-job", type: "button", text: this.words.view_job });
        view.dataset.key = `notice-${notice.go.join("/")}`;
        view.addEventListener("click", () => this.send("go", notice.go));
        row.append(view);
      }
      const away = html("button", { class: "labkit-link labkit-dismiss", type: "button", text: "×", "aria-label": this.words.close });
      away.addEventListener("click", () => this.send("dismiss", notice.id));
      row.append(away);
      return row;
    }));
  }

  drawScript(lines) {
    this.script.hidden = !lines.length;
    const text = lines.join("\n");
    this.script.replaceChildren(
      html("summary", { text: fill(this.words.script, { count: lines.length }) }),
      html("pre", { class: "labkit-code" }, html("code", { text })), copier(this.words, () => text),
    );
  }
}

Portal.hosts = true;
PARTS.portal = Portal;
