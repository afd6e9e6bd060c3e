// A dialog: pages, fields, a refusal, the line of Python, buttons. What is typed goes to Python at each change, so that
// fields that depend on others and the line follow, and nothing is lost when the page is loaded anew.

function input(field, change) {
  const make = { flag: flag, choice: choice, many: many, list: area }[field.kind] ?? text;
  const found = make(field, change);
  return found;
}

function text(field, change) {
  const kinds = { number: "text", secret: "password" };
  const box = html("input", { class: "labkit-input", type: kinds[field.kind] ?? "text", autocomplete: "off", spellcheck: "false" });
  if (field.kind === "number") box.setAttribute("inputmode", "numeric");
  box.value = field.value ?? "";
  box.addEventListener("change", () => change(box.value));
  if (!field.choices) return { element: box, focus: box, value: () => box.value, set: (value) => { box.value = value ?? ""; } };
  const list = html("datalist", { id: `labkit-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}` });
  list.append(...field.choices.map((value) => html("option", { value })));
  box.setAttribute("list", list.id);
  if (!box.value && field.choices.length) {
    box.value = field.choices.at(-1); // the newest file is most likely the one
    change(box.value);
  }
  return { element: html("span", {}, box, list), focus: box, value: () => box.value, set: (value) => { box.value = value ?? ""; } };
}

function area(field, change) {
  const box = html("textarea", { class: "labkit-input", rows: "3", spellcheck: "false" });
  box.value = field.value ?? "";
  box.addEventListener("change", () => change(box.value));
  return { element: box, focus: box, value: () => box.value, set: (value) => { box.value = value ?? ""; } };
}

function flag(field, change) {
  const box = html("input", { type: "checkbox" });
  box.checked = Boolean(field.value);
  box.addEventListener("change", () => change(box.checked));
  return { element: box, focus: box, value: () => box.checked, set: (value) => { box.checked = Boolean(value); } };
}

function choice(field, change) {
  const box = html("select", { class: "labkit-input" });
  if (field.value === null) box.append(html("option", { value: "", text: "" }));
  field.choices.forEach((title, place) => box.append(html("option", { value: String(place), text: title })));
  box.value = field.value === null ? "" : String(field.value);
  box.addEventListener("change", () => change(box.value));
  return { element: box, focus: box, value: () => box.value, set: (value) => { box.value = value === null ? "" : String(value); } };
}

function many(field, change) {
  const boxes = field.choices.map((title, place) => {
    const box = html("input", { type: "checkbox" });
    box.checked = (field.value ?? []).includes(place);
    return box;
  });
  const value = () => boxes.flatMap((box, place) => (box.checked ? [place] : []));
  const rows = boxes.map((box, place) => html("label", { class: "labkit-option" }, box, field.choices[place]));
  for (const box of boxes) box.addEventListener("change", () => change(value()));
  const element = html("span", { class: "labkit-options", role: "group", "aria-label": field.title }, ...rows);
  return { element, focus: boxes[0] ?? element, value, set: (places) => boxes.forEach((box, place) => { box.checked = (places ?? []).includes(place); }) };
}

class Dialog {
  constructor(words, send) {
    this.words = words;
    this.send = send;
    this.inputs = new Map();
    this.shape = "";
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
    if (event.key === "Escape") this.send("cancel");
    else if (event.key === "Enter" && event.target.tagName === "INPUT" && event.target.type !== "checkbox") this.press(this.main);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  values() {
    return Object.fromEntries([...this.inputs].map(([name, found]) => [name, found.value()]));
  }

  press(button) {
    this.send("press", { button, values: this.values() });
  }

  update(state) {
    if (!state) {
      this.element.hidden = true;
      this.shape = "";
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

  /** Fields anew only where they are others: what is being typed keeps its place. */
  fill(state, opened) {
    const shape = JSON.stringify([state.title, state.page, state.buttons, state.fields.map((field) => [field.name, field.kind, field.choices])]);
    if (shape === this.shape) {
      for (const field of state.fields) {
        const found = this.inputs.get(field.name);
        if (!found.element.contains(document.activeElement)) found.set(field.value);
      }
      return;
    }
    const focused = [...this.inputs].find(([, found]) => found.element.contains(document.activeElement))?.[0];
    const moved = this.shape === "" || JSON.parse(this.shape)[1] !== state.page;
    this.shape = shape;
    this.inputs.clear();
    this.form.replaceChildren(...state.fields.map((field) => this.row(field)));
    this.main = state.buttons[0] === "back" ? state.buttons[1] : state.buttons[0];
    this.buttons.replaceChildren(...state.buttons.map((name) => this.button(name)));
    const target = this.inputs.get(focused) ?? (opened || moved ? [...this.inputs.values()][0] : null);
    const first = target?.focus ?? (opened || moved ? this.buttons.querySelector(`.labkit-press-${this.main}`) : null);
    first?.focus({ preventScroll: true });
    if (opened) this.element.scrollIntoView({ block: "nearest" });
  }

  row(field) {
    const found = input(field, (value) => this.send("field", { name: field.name, value }));
    found.focus.dataset.key = `field-${field.name}`;
    found.focus.classList.add(`labkit-field-${field.name}`);
    if (field.required) found.focus.setAttribute("aria-required", "true");
    this.inputs.set(field.name, found);
    const title = html("span", { class: "labkit-field-title", text: field.title + (field.required ? " *" : "") });
    const hint = field.hint ? [html("span", { class: "labkit-hint", text: field.hint })] : [];
    const holder = field.kind === "many" ? "div" : "label";
    return html(holder, { class: `labkit-field labkit-field-${field.kind}` }, title, found.element, ...hint);
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
