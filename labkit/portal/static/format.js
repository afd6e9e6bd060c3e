// How instants and durations are written (the forms of labkit.engine.units), and how elements are made.

// The parts of a view by their names; each file adds its own: a class made with (words, send), with an `element`,
// `update(state)`, and perhaps `attach()`, which returns what ends it.
const PARTS = {};

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** A duration in ms: "1 h 5 min", "42 s". */
function duration(ms) {
  if (ms !== 0 && Math.abs(ms) < SECOND) return `${ms} ms`;
  let rest = Math.floor(Math.abs(ms) / SECOND);
  const parts = [];
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(rest / length);
    rest %= length;
    if (count) parts.push(`${count} ${unit}`);
  }
  return (ms < 0 ? "-" : "") + (parts.join(" ") || "0 s");
}

/** An instant (ms) on the wall clock of a zone (minutes east of UTC): "2014-10-01 09:00:00". */
function instant(ms, offset) {
  return new Date(ms + offset * MINUTE).toISOString().slice(0, 19).replace("T", " ");
}

/** A number with at most one decimal. */
function short(value) {
  return String(Math.round(value * 10) / 10);
}

/** Bits a second: "20 Mbit/s". */
function rate(bits) {
  for (const [unit, size] of [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]]) {
    if (bits >= size) return `${short(bits / size)} ${unit}`;
  }
  return `${short(bits)} bit/s`;
}

/** A size in bytes: "1.5 GB", units being powers of 1,024. */
function bytes(count) {
  let value = count;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (Math.abs(value) < 1024) return `${short(value)} ${unit}`;
    value /= 1024;
  }
  return `${short(value)} TB`;
}

/** An amount of money: "$1,234.50", "¥1,235". */
function money(amount, currency) {
  const digits = currency === "JPY" ? 0 : 2;
  const shown = amount.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${currency === "JPY" ? "¥" : "$"}${shown}`;
}

/** A text with its {names} filled. */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** An element of HTML; texts are texts, never markup. */
function html(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** An element of SVG. */
function svg(tag, options = {}, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(options)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Say something only where it changed, so that focus and selection stay. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
