// A dialog: pages, fields, a refusal, the line of Python, buttons. What is typed goes to Python at each change, so that
// fields that depend on others and the line follow, and nothing is lost when the page is loaded anew.

const PAUSE = 300;

/** A field's element by its kind: `value()`, `set(value)`, and `rest()`, which forgets what was not sent yet. */
function input(field, change) {
  const make = { flag, choice, many, list: area }[field.kind] ?? text;
  const found = { touched: -Infinity, rest: () => {} };
  const told = (value) => {
    found.touched = performance.now();
    change(value);
  };
  return Object.assign(found, make(field, told));
}

/** What is typed is sent at a pause, too: a page that is loaded anew shows it. */
function typed(box, change) {
  let timer = null, sent = box.value;
  const send = () => {
    clearTimeout(timer);
    if (box.value !== sent) change((sent = box.value));
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(send, PAUSE);
  });
  box.addEventListener("change", send);
  const set = (value) => { sent = box.value = value ?? ""; };
  return { element: box, focus: box, value: () => box.value, set, rest: () => clearTimeout(timer) };
}

function text(field, change) {
  const kinds = { secret: "password" };
  const box = html("input", { class: "labkit-input", type: kinds[field.kind] ?? "text", autocomplete: "off", spellcheck: "false" });
  if (field.kind === "number") box.setAttribute("inputmode", "numeric");
  if (field.kind === "secret") return secret(box, field, change);
  box.value = field.value ?? "";
  const found = typed(box, change);
  if (!field.choices) return found;
  const list = html("datalist", { id: `labkit-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}` });
  list.append(...field.choices.map((value) => html("option", { value })));
  box.setAttribute("list", list.id);
  if (!box.value && field.required && field.choices.length) {
    box.value = field.choices.at(-1); // the newest file is most likely the one
    change(box.value);
  }
  return { ...found, element: html("span", {}, box, list) };
}

/** Python says only whether it has one. What was typed stays here; what was typed before a reload counts until then. */
function secret(box, field, change) {
  const set = (filled) => { box.placeholder = filled ? "••••••••" : ""; };
  set(field.value);
  let mine = false;
  box.addEventListener("input", () => { mine = true; });
  return { ...typed(box, change), set, value: () => (mine ? box.value : undefined) };
}

function area(field, change) {
  const box = html("textarea", { class: "labkit-input", rows: "3", spellcheck: "false" });
  box.value = field.value ?? "";
  return typed(box, change);
}

function flag(field, change) {
  const box = html("input", { type: "checkbox" });
  box.checked = Boolean(field.value);
  box.addEventListener("change", () => change(box.checked));
  return { element: box, focus: box, value: () => box.checked, set: (value) => { box.checked = Boolean(value); } };
}

// A choice is sent by its key: its place may be another one when the click arrives.
function choice(field, change) {
  const box = html("select", { class: "labkit-input" });
  if (field.value === null) box.append(html("option", { value: "", text: "" }));
  field.choices.forEach((title, place) => box.append(html("option", { value: field.keys[place], text: title })));
  const set = (place) => { box.value = place === null ? "" : field.keys[place]; };
  set(field.value);
  box.addEventListener("change", () => change(box.value));
  return { element: box, focus: box, value: () => box.value, set };
}

function many(field, change) {
  const boxes = field.choices.map(() => html("input", { type: "checkbox" }));
  const set = (places) => boxes.forEach((box, place) => { box.checked = (places ?? []).includes(place); });
  set(field.value);
  const value = () => boxes.flatMap((box, place) => (box.checked ? [field.keys[place]] : []));
  const rows = boxes.map((box, place) => html("label", { class: "labkit-option" }, box, field.choices[place]));
  for (const box of boxes) box.addEventListener("change", () => change(value()));
  const element = html("span", { class: "labkit-options", role: "group", "aria-label": field.title }, ...rows);
  if (!boxes.length) element.tabIndex = -1;
  return { element, focus: boxes[0] ?? element, value, set };
}

class Dialog {
  constructor(words, send) {
    this.words = words;
    this.send = send;
    this.inputs = new Map(); // by the field's name, with its row and what it was drawn from
    this.page = "";
    this.state = null;
    this.title = html("h3", { class: "labkit-dialog-title" });
    this.subject = html("span", { class: "labkit-dialog-subject" });
    this.pages = html("ol", { class: "labkit-pages" });
    this.text = html("p", { class: "labkit-text" });
    this.form = html("div", { class: "labkit-form" });
    this.error = html("pre", { class: "labkit-refusal", role: "alert" });
    this.lines = html("code");
    this.line = html(
      "div", { class: "labkit-line-box" }, html("span", { class: "labkit-faint", text: words.python }),
      html("pre", { class: "labkit-code" }, this.lines), copier(words, () => this.lines.textContent),
    );
    this.buttons = html("div", { class: "labkit-row labkit-dialog-buttons" });
    this.element = html(
      "div", { class: "labkit-dialog", role: "dialog", "aria-label": "" },
      html("div", { class: "labkit-dialog-head" }, this.title, this.subject), this.pages, this.text, this.form, this.error, this.line, this.buttons,
    );
    this.element.hidden = true;
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.isComposing) return; // Enter and Escape of an input method
    if (event.key === "Escape") this.send("cancel");
    else if (event.key === "Enter" && event.target.tagName === "INPUT" && event.target.type !== "checkbox") this.press(this.main);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  values() {
    const all = [...this.inputs].map(([name, found]) => [name, found.value()]);
    return Object.fromEntries(all.filter(([, value]) => value !== undefined));
  }

  press(button) {
    for (const found of this.inputs.values()) found.rest();
    this.send("press", { button, page: this.state.page, values: this.values() });
  }

  update(state) {
    this.state = state;
    if (!state) {
      for (const found of this.inputs.values()) found.rest();
      this.element.hidden = true;
      this.page = "";
      this.inputs.clear();
      this.form.replaceChildren(); // nothing that was typed stays, a password least of all
      return;
    }
    const opened = this.element.hidden;
    this.element.hidden = false;
    this.element.setAttribute("aria-label", state.title);
    say(this.title, state.title);
    say(this.subject, state.subject);
    say(this.text, state.text);
    this.pages.replaceChildren(...state.pages.map((title, place) => html("li", {
      text: title, class: place === state.page ? "labkit-here" : place < state.page ? "labkit-past" : "",
      ...(place === state.page ? { "aria-current": "step" } : {}),
    })));
    this.fill(state, opened);
    say(this.error, state.error ? state.error.text : "");
    this.error.hidden = !state.error;
    say(this.lines, state.lines.join("\n"));
    this.line.hidden = !state.lines.length;
  }

  /** Fields anew only where they are others, and never under a person's hands: what is being typed keeps its place. */
  fill(state, opened) {
    const page = JSON.stringify([state.title, state.subject, state.page, state.buttons]), moved = page !== this.page;
    this.page = page;
    if (moved) this.inputs.clear();
    const rows = state.fields.map((field) => this.renewed(field));
    for (const name of [...this.inputs.keys()]) {
      if (!state.fields.some((field) => field.name === name)) this.inputs.delete(name);
    }
    place(this.form, rows);
    if (!moved) return;
    this.main = state.buttons[0] === "back" ? state.buttons[1] : state.buttons[0];
    this.buttons.replaceChildren(...state.buttons.map((name) => this.button(name)));
    const first = [...this.inputs.values()][0]?.focus ?? this.buttons.querySelector(`.labkit-press-${this.main}`);
    first.focus({ preventScroll: true });
    if (opened) this.element.scrollIntoView({ block: "nearest" });
  }

  /** The row of a field. */
  renewed(field) {
    const { value, ...drawn } = field, shape = JSON.stringify(drawn), held = this.inputs.get(field.name);
    const busy = held?.row.contains(document.activeElement);
    if (held && (busy || held.shape === shape)) {
      if (!busy && performance.now() - held.touched > SECOND) held.set(value);
      return held.row;
    }
    return this.row(field, shape);
  }

  row(field, shape) {
    const found = input(field, (value) => this.send("field", { name: field.name, value }));
    found.focus.dataset.key = `field-${field.name}`;
    found.focus.classList.add(`labkit-field-${field.name}`);
    if (field.required) found.focus.setAttribute("aria-required", "true");
    this.inputs.set(field.name, found);
    const title = html("span", { class: "labkit-field-title", text: field.title + (field.required ? " *" : "") });
    const hint = field.hint ? [html("span", { class: "labkit-hint", text: field.hint })] : [];
    const holder = field.kind === "many" ? "div" : "label";
    found.shape = shape;
    found.row = html(holder, { class: `labkit-field labkit-field-${field.kind}` }, title, found.element, ...hint);
    found.row.addEventListener("focusout", () => setTimeout(() => { if (this.state) this.fill(this.state, false); }));
    return found.row;
  }

  button(name) {
    const sign = { ok: "✔ ", finish: "✔ " }[name] ?? "";
    const made = html("button", { class: `labkit-button labkit-press-${name}`, type: "button", text: sign + this.words[`button_${name}`] });
    made.dataset.key = `press-${name}`;
    if (name === this.main) made.classList.add("labkit-main");
    made.addEventListener("click", () => (name === "cancel" ? this.send("cancel") : this.press(name)));
    return made;
  }
}
