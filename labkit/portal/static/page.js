// A view in a page: makes its parts, says hello, beats, and shows what the Jupyter kernel says.

const BEAT = 2 * SECOND, PATIENCE = 10 * SECOND;

function banner(words) {
  const text = html("pre", { class: "labkit-error-text" });
  const close = html("button", { class: "labkit-button labkit-close", type: "button", text: words.close });
  const element = html("div", { class: "labkit-error", role: "alert" }, text, close);
  element.hidden = true;
  close.addEventListener("click", () => { element.hidden = true; });
  return { element, show: (lines) => { text.textContent = lines.join("\n"); element.hidden = false; },
    lines: () => text.textContent.split("\n"),
  };
}

// Renderings by their widget. One that was taken out of the page hands what a person had chosen to the next, and sleeps:
// JupyterLab renders a view anew when a cell brings its output up to date. It wakes if it was only scrolled away.
const renderings = new Map();

function inherited(identity) {
  const known = renderings.get(identity) ?? new Set();
  renderings.set(identity, known);
  let left = {};
  for (const rendering of known) {
    if (!rendering.root.isConnected && rendering.shown) {
      left = rendering.state();
      rendering.asleep = true;
    }
  }
  return left;
}

/** A view, built anew when the language of its words changes. */
function render({ model, el }) {
  let end = build({ model, el });
  const anew = () => {
    end();
    el.replaceChildren();
    end = build({ model, el });
  };
  model.on("change:words", anew);
  return () => {
    model.off("change:words", anew);
    end();
  };
}

function build({ model, el }) {
  const words = model.get("words"), identity = model.get("identity");
  const parts = {};
  const root = html("div", { class: "labkit-view" });
  const send = (message) => {
    // After a restart of the Jupyter kernel nobody takes messages any more; the words below say so.
    try { model.send(message); } catch (refused) { console.debug("labkit:", refused); }
  };
  // A part that hosts others places their elements itself; the clock always stands at the top.
  const names = model.get("parts"), host = names.find((name) => PARTS[name].hosts);
  const hosted = {};
  for (const name of [...names].sort((one, two) => Number(one === host) - Number(two === host))) {
    parts[name] = new PARTS[name](words, (what, value) => send({ kind: "do", part: name, what, value }), hosted, identity);
    if (host === undefined || name === "clock" || name === host) root.append(parts[name].element);
    else hosted[name] = parts[name];
  }
  const error = banner(words);
  const silent = html("div", { class: "labkit-silent", role: "status" });
  silent.hidden = true;
  root.append(error.element, silent);
  const left = inherited(identity);
  el.append(root);
  // Letters typed on a button of ours are not commands of the notebook.
  let focused = null;
  root.addEventListener("focusin", (event) => {
    event.target.setAttribute("data-lm-suppress-shortcuts", "true");
    focused = event.target.getAttribute("class");
  });
  root.addEventListener("focusout", () => {
    // A control that is taken out of the page loses the focus too, but nobody has left it.
    setTimeout(() => { if (root.isConnected && !root.contains(document.activeElement)) focused = null; });
  });
  const ends = Object.values(parts).map((part) => part.attach?.()).filter(Boolean);

  let asked = null;
  const listen = (message) => {
    if (rendering.asleep) return;
    asked = null;
    silent.hidden = true;
    if (message.kind === "state") {
      for (const [name, state] of Object.entries(message.parts)) parts[name]?.update(state);
      rendering.focus();
    } else if (message.kind === "error") {
      error.show(message.lines);
    }
  };
  model.on("msg:custom", listen);
  const ask = (kind) => {
    asked ??= performance.now();
    send({ kind });
  };
  const beat = setInterval(() => {
    rendering.shown ||= root.isConnected;
    if (rendering.asleep && !root.isConnected) return;
    if (rendering.asleep) {
      rendering.asleep = false;
      ask("hello");
    }
    // A page that sleeps asks late, and is answered late: only a question that stays open counts.
    silent.hidden = asked === null || performance.now() - asked < PATIENCE;
    say(silent, silent.hidden ? "" : words.silent);
    ask("beat");
  }, BEAT);
  const rendering = {
    root,
    shown: root.isConnected,
    asleep: false,
    state: () => ({ focused, windows: Object.entries(parts).map(([name, part]) => [name, part.window]), error: error.element.hidden ? null : error.lines() }),
    focus: () => {
      if (!left.focused || !root.isConnected) return;
      const name = CSS.escape(left.focused.split(" ").at(-1));
      root.querySelector(`.${name}`)?.focus({ preventScroll: true });
      left.focused = null;
    },
    end: () => {
      clearInterval(beat);
      model.off("msg:custom", listen);
      for (const end of ends) end();
      renderings.get(identity).delete(rendering);
    },
  };
  renderings.get(identity).add(rendering);
  for (const [name, chosen] of left.windows ?? []) if (chosen !== undefined && parts[name]) parts[name].window = chosen;
  if (left.error) error.show(left.error);
  ask("hello");
  return rendering.end;
}

export default { render };
