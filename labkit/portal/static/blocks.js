// Blocks of a page (labkit/portal/blocks.py) as HTML. Texts are texts; nothing here knows a word of the field.

const SIGNS = { good: "✓", warn: "▲", bad: "✕", busy: "◔", off: "○" };
const FILTER_FROM = 13;
const INSTANT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/; // breaks between day and time, not within

/** A cell: a text, a text with a state, or one that opens a page. */
function cell(value, go) {
  if (typeof value === "string") return html("span", { text: value, ...(INSTANT.test(value) ? { class: "labkit-instant" } : {}) });
  if (value.go) {
    const link = html("button", { class: "labkit-link", type: "button", text: value.text, title: value.text });
    link.dataset.key = `go-${value.go.join("/")}`;
    link.addEventListener("click", (event) => { event.stopPropagation(); go(value.go); });
    return link;
  }
  const found = html(
    "span", { class: `labkit-said labkit-is-${value.state || "off"}` },
    html("span", { class: "labkit-sign", "aria-hidden": "true", text: SIGNS[value.state] ?? "○" }), value.text,
  );
  if (value.hint) found.title = value.hint;
  return found;
}

function heading(block) {
  return block.title ? [html("h4", { class: "labkit-block-title", text: block.title })] : [];
}

/** A button that copies a text, and says so. */
function copier(words, text) {
  const button = html("button", { class: "labkit-button labkit-copy", type: "button", text: words.copy });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      // Without a secure context there is no clipboard: the text is selected, for the person's own keys.
      const lines = button.parentElement.querySelector("code");
      const range = document.createRange();
      range.selectNodeContents(lines);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 1500);
  });
  return button;
}

const BLOCKS = {
  cards(block, tools) {
    return block.cards.map((card) => html(
      "div", { class: "labkit-card" },
      html("div", { class: "labkit-card-title", text: card.title }),
      html("div", { class: "labkit-card-value" }, cell(card.value, tools.go)),
      html("div", { class: "labkit-card-beside", text: card.beside }),
    ));
  },

  facts(block, tools) {
    const rows = block.rows.flatMap(([name, value]) => [
      html("dt", { text: name }), html("dd", {}, cell(value, tools.go)),
    ]);
    return [...heading(block), html("dl", { class: "labkit-facts" }, ...rows)];
  },

  note(block) {
    const sign = block.state ? [html("span", { class: `labkit-sign labkit-is-${block.state}`, "aria-hidden": "true", text: SIGNS[block.state] })] : [];
    return [...heading(block), html("p", { class: "labkit-text" }, ...sign, block.text)];
  },

  chart(block, tools) {
    const part = tools.charts[block.part];
    return part ? [part.element] : [];
  },

  commands(block, tools) {
    return [...heading(block), html("div", { class: "labkit-row" }, ...block.commands.map((key) => tools.command(key)))];
  },

  steps(block, tools) {
    const rows = block.rows.map((row, number) => {
      const open = html("button", { class: "labkit-link", type: "button", text: row.title });
      open.dataset.key = `step-${row.title}`;
      open.addEventListener("click", () => tools.go(row.go));
      const state = row.done ? { text: tools.words.done, state: "good" } : { text: tools.words.open, state: "off" };
      return html(
        "li", { class: row.done ? "labkit-step labkit-step-done" : "labkit-step" },
        html("div", { class: "labkit-step-head" }, html("b", { text: `${number + 1} ` }), open, cell(state)),
        html("div", { class: "labkit-step-text", text: row.text }),
        html("div", { class: "labkit-row" }, ...row.commands.map((key) => tools.command(key))),
      );
    });
    return [...heading(block), html("ol", { class: "labkit-steps" }, ...rows)];
  },

  table(block, tools) {
    return [...heading(block), ...(block.rows.length ? table(block, tools) : [html("p", { class: "labkit-empty", text: block.empty })])];
  },
};

/** The rows that are chosen: for a moment what was clicked here, since answers to earlier clicks are on their way. */
function chosenOf(block, tools) {
  const clicked = tools.clicked.get(block.key);
  return new Set(clicked && performance.now() - clicked.at < SECOND ? clicked.rows : block.chosen);
}

function table(block, tools) {
  const chosen = chosenOf(block, tools);
  const heads = block.columns.map((text) => html("th", { scope: "col", text }));
  if (block.choose) heads.unshift(html("th", { scope: "col", "aria-label": tools.words.choose }));
  const body = html("tbody");
  for (const row of block.rows) body.append(tableRow(block, row, chosen, tools));
  const frame = html(
    "div", { class: "labkit-table-frame" },
    html("table", { class: "labkit-table" }, html("thead", {}, html("tr", {}, ...heads)), body),
  );
  if (block.rows.length < FILTER_FROM) return [frame];
  return [filter(block, body, tools), frame];
}

function tableRow(block, row, chosen, tools) {
  const cells = row.cells.map((value) => html("td", {}, cell(value, tools.go)));
  const line = html("tr", { "data-row": row.id }, ...cells);
  if (!block.choose) return line;
  const one = block.choose === "one";
  const box = html("input", { type: one ? "radio" : "checkbox", name: `${tools.identity}-${block.key}` });
  const first = typeof row.cells[0] === "string" ? row.cells[0] : row.cells[0].text;
  box.setAttribute("aria-label", fill(tools.words.choose_row, { name: first }));
  box.dataset.key = `row-${block.key}-${row.id}`;
  const tell = () => {
    const boxes = [...line.parentElement.querySelectorAll("input:checked")];
    const rows = boxes.map((found) => found.closest("tr").dataset.row);
    tools.clicked.set(block.key, { rows, at: performance.now() });
    tools.send("choose", { key: block.key, rows });
    for (const other of line.parentElement.children) mark(other, other.querySelector("input").checked);
  };
  box.addEventListener("change", tell);
  line.addEventListener("click", (event) => {
    if (event.target === box || event.target.closest("button")) return;
    box.checked = one || !box.checked;
    tell();
  });
  line.prepend(html("td", { class: "labkit-choose" }, box));
  mark(line, chosen.has(row.id));
  return line;
}

function mark(line, chosen) {
  line.querySelector(".labkit-choose input").checked = chosen;
  line.classList.toggle("labkit-chosen", chosen);
}

function sift(body, wanted) {
  for (const row of body.children) row.hidden = !row.textContent.toLowerCase().includes(wanted.toLowerCase());
}

/** A field that hides the rows without its text; what is typed stays while the table changes. */
function filter(block, body, tools) {
  const box = html("input", { class: "labkit-input labkit-filter", type: "search", placeholder: tools.words.filter });
  box.setAttribute("aria-label", tools.words.filter);
  box.dataset.key = `filter-${block.key}`;
  box.value = tools.filters.get(block.key) ?? "";
  const apply = () => {
    tools.filters.set(block.key, box.value);
    sift(body, box.value);
  };
  box.addEventListener("input", apply);
  apply();
  return box;
}

/** A block's element; the same element again when nothing of it changed. */
function drawn(block, tools) {
  const tag = block.kind === "cards" ? "div" : "section";
  const element = html(tag, { class: `labkit-block labkit-block-${block.kind}`, "data-block": block.key });
  if (block.state) element.classList.add(`labkit-note-${block.state}`);
  element.append(...BLOCKS[block.kind](block, tools));
  return element;
}

/** Bring a table up to date in its place: its scrolling, its filter, a click under way and marked text stay. */
function renewed(element, before, block, tools) {
  const shape = ({ kind, title, columns, choose, rows }) => JSON.stringify([kind, title, columns, choose, rows.length >= FILTER_FROM]);
  if (before.kind !== "table" || block.kind !== "table" || !before.rows.length || !block.rows.length) return false;
  if (shape(before) !== shape(block)) return false;
  const body = element.querySelector("tbody"), chosen = chosenOf(block, tools);
  const lines = new Map([...body.children].map((line) => [line.dataset.row, line]));
  const old = new Map(before.rows.map((row) => [row.id, row]));
  place(body, block.rows.map((row) => {
    const line = lines.get(row.id), known = old.get(row.id);
    if (!line || !known) return tableRow(block, row, chosen, tools);
    const cells = [...line.children].slice(block.choose ? 1 : 0);
    row.cells.forEach((value, number) => {
      if (JSON.stringify(value) !== JSON.stringify(known.cells[number])) cells[number].replaceChildren(cell(value, tools.go));
    });
    if (block.choose) mark(line, chosen.has(row.id));
    return line;
  }));
  sift(body, tools.filters.get(block.key) ?? "");
  return true;
}
