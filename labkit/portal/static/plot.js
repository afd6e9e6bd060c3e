// What all charts have in common: the frame, axes, windows of time, where one looks by pointer or keys.

const HEIGHT = 260, LEFT = 70, RIGHT = 14, TOP = 22, BOTTOM = 26;
const WINDOWS = [["1 h", HOUR], ["6 h", 6 * HOUR], ["24 h", DAY], ["", Infinity]];
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map((minutes) => minutes * MINUTE);
const MOST_ROWS = 12, LEAST = 10 * MINUTE;

/** The step of an axis of time or duration: the first of the usual ones that gives at most so many. */
function stepOf(steps, span, most) {
  return steps.find((step) => span / step <= most) ?? steps.at(-1) * Math.ceil(span / steps.at(-1) / most);
}

/** The step of an axis of numbers, 1, 2 or 5 times a power of ten of a unit; units are powers of `base`. */
function niceStep(high, most, base = 1000) {
  let unit = 1;
  while (high / most > unit * base) unit *= base;
  for (let ten = 1; ; ten *= 10) {
    for (const step of [1, 2, 5]) if (high / (step * ten * unit) <= most) return step * ten * unit;
  }
}

/** How many items come at or before an instant; `at` tells an item's, which are in order. */
function before(items, instant, at) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(items[middle]) <= instant) low = middle + 1; else high = middle;
  }
  return low;
}

/** A path of SVG through points [x, y]; a y of null lifts the pen. */
function path(line) {
  let text = "", pen = false;
  for (const [left, top] of line) {
    if (top === null) { pen = false; continue; }
    text += `${pen ? "L" : "M"}${left.toFixed(1)} ${top.toFixed(1)}`;
    pen = true;
  }
  return text;
}

/** About as many pixels as a text takes in a chart. */
function breadth(text) {
  let sum = 0;
  for (const letter of text) sum += letter > "\u2e7f" ? 11.5 : letter > "@" && letter < "[" ? 8 : 5.9;
  return sum;
}

/** A text that fits into so many pixels of a chart, cut with "…" where it does not. */
function fitting(text, width) {
  if (breadth(text) <= width) return text;
  let found = "", left = width - 9;
  for (const letter of text) {
    left -= breadth(letter);
    if (left < 0) break;
    found += letter;
  }
  return `${found}…`;
}

/** A pattern of strokes that tells a surface apart without its colour. */
function hatching(id, name) {
  const pattern = svg("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(svg("rect", { class: `${name}-ground`, width: 6, height: 6 }), svg("line", { class: name, x1: 0, y1: 0, x2: 0, y2: 6 }));
  const found = svg("defs");
  found.append(pattern);
  return found;
}

let plots = 0;

/** A chart over time. Who extends it has `range()`, `draw()`, and `reading(at)`: the lines that are true at an instant. */
class Plot {
  constructor(words, { name, title, hint, extra = "", windows = WINDOWS, window = 6 * HOUR, height = HEIGHT, left = LEFT }) {
    Object.assign(this, { words, window, height, left, cursor: null, width: 640, visible: true, steps: undefined });
    this.id = `labkit-${name}-${plots += 1}`; // of what has to be called by an id in the page
    this.svg = svg("svg", { class: `labkit-plot${extra}`, tabindex: "0", role: "application", "aria-label": hint });
    this.tip = html("div", { class: "labkit-tip", "aria-hidden": "true" });
    this.tip.hidden = true;
    this.voice = html("div", { class: "labkit-voice", "aria-live": "polite" });
    this.legend = html("ul", { class: "labkit-legend" });
    this.windows = html("span", { class: "labkit-windows", role: "group", "aria-label": words.window });
    windows.forEach(([text, length], number) => {
      const button = html("button", { class: `labkit-button labkit-${name}-window-${number}`, type: "button", text: text || words.all });
      button.addEventListener("click", () => { this.window = length; this.moved(); });
      button.dataset.window = length;
      this.windows.append(button);
    });
    this.element = html(
      "div", { class: `labkit-chart labkit-${name}`, role: "group", "aria-label": title },
      html("div", { class: "labkit-head" }, html("span", { class: "labkit-title", text: title }), this.windows),
      html("div", { class: "labkit-canvas" }, this.svg, this.tip, this.voice), this.legend,
    );
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("keydown", (event) => this.press(event));
    this.svg.addEventListener("blur", () => this.leave());
  }

  /** Follow the element's width, and draw only while it can be seen. */
  attach() {
    const sizes = new ResizeObserver(([entry]) => {
      const width = Math.max(320, Math.round(entry.contentRect.width));
      if (width === this.width) return;
      // Also out of sight: drawn for another width it would be as high as it is too narrow.
      const seen = this.visible;
      Object.assign(this, { width, visible: true });
      this.draw();
      this.visible = seen;
    });
    sizes.observe(this.svg.parentElement);
    const sight = new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.draw();
    });
    sight.observe(this.element);
    return () => { sizes.disconnect(); sight.disconnect(); };
  }

  /** Another window of time was chosen. */
  moved() {
    this.draw();
  }

  /** Begin to draw; whether there is anything to draw for. */
  begin() {
    if (this.now === undefined || !this.visible) return false;
    for (const button of this.windows.children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.window) === this.window));
    }
    return true;
  }

  /** The scale of time from `begin` to `end` across the chart, that of values from `base` pixels up to `top`. */
  place(begin, end, high, base = this.height - BOTTOM, top = TOP) {
    const right = this.width - RIGHT, bottom = this.height - BOTTOM;
    const x = (at) => this.left + ((at - begin) / (end - begin)) * (right - this.left);
    const y = (value) => base - (value / high) * (base - top);
    this.scale = { begin, end, x, y, right, bottom };
    return this.scale;
  }

  /** Put what was drawn into the page. */
  show(...drawn) {
    this.svg.dataset.now = this.now;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.replaceChildren(...drawn);
  }

  values(high, rise, said, y = this.scale.y) {
    const found = [];
    for (let value = 0; value <= high; value += rise) {
      found.push(svg("line", { class: "labkit-grid", x1: this.left, x2: this.scale.right, y1: y(value), y2: y(value) }));
      found.push(svg("text", { class: "labkit-tick", x: this.left - 8, y: y(value) + 4, "text-anchor": "end" }, said(value)));
    }
    return found;
  }

  times() {
    const { begin, end, x, right, bottom } = this.scale;
    const found = [], shift = this.offset * MINUTE;
    const run = stepOf(this.steps ?? STEPS, end - begin, Math.max(2, (right - this.left) / 90));
    for (let at = Math.ceil((begin + shift) / run) * run - shift; at <= end; at += run) {
      const shown = instant(at, this.offset);
      const text = shown.slice(11, 16) === "00:00" ? shown.slice(5, 10) : shown.slice(11, 16);
      found.push(svg("line", { class: "labkit-grid", x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }));
      const anchor = x(at) + 18 > this.width ? "end" : "middle"; // the last one stays inside
      const place = anchor === "end" ? this.width : x(at);
      found.push(svg("text", { class: "labkit-tick", x: place, y: bottom + 18, "text-anchor": anchor }, text));
    }
    return found;
  }

  nothing(text) {
    const middle = (this.left + this.width - RIGHT) / 2;
    return svg("text", { class: "labkit-nothing", x: middle, y: this.height / 2, "text-anchor": "middle" }, fitting(text, this.width - this.left));
  }

  // --- where one looks ---------------------------------------------------------------------------------------------

  point(event) {
    if (!this.scale || this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = null; this.read(event); });
  }

  /** The instant under the pointer. */
  under(event) {
    const box = this.svg.getBoundingClientRect();
    const { begin, end, right } = this.scale;
    const share = ((event.clientX - box.left) * (this.width / box.width) - this.left) / (right - this.left);
    return begin + Math.min(1, Math.max(0, share)) * (end - begin);
  }

  read(event) {
    this.look(this.under(event));
  }

  press(event) {
    if (!this.scale) return;
    const { begin, end } = this.scale;
    const step = (end - begin) / (event.shiftKey ? 10 : 100), at = this.cursor ?? end;
    const places = { ArrowLeft: at - step, ArrowRight: at + step, Home: begin, End: end };
    if (event.key === "Escape") this.leave();
    else if (event.key in places) {
      this.look(Math.min(end, Math.max(begin, places[event.key])));
      say(this.voice, this.tip.textContent);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  look(at) {
    this.cursor = at;
    this.draw();
  }

  leave() {
    cancelAnimationFrame(this.asked);
    this.asked = this.cursor = null;
    say(this.voice, "");
    this.draw();
  }

  hair() {
    const { begin, x, right, bottom } = this.scale;
    this.tip.hidden = this.cursor === null;
    if (this.cursor === null) return [];
    this.cursor = Math.max(begin, this.cursor);
    const left = x(this.cursor);
    this.hint([instant(this.cursor, this.offset), ...this.reading(this.cursor)], left, right);
    return [svg("line", { class: "labkit-hair", x1: left, x2: left, y1: TOP, y2: bottom })];
  }

  /** Lines beside a place of the chart. */
  hint(lines, left, right) {
    say(this.tip, lines.join("\n"));
    this.tip.style.left = `${(100 * left) / this.width}%`;
    const turned = left > right * 0.6;
    this.tip.classList.toggle("labkit-left", turned);
    this.tip.style.maxWidth = `${Math.round(100 * (turned ? left : this.width - left) / this.width) - 5}%`;
  }

  /** Rows of the legend: [class, swatch's style, name, value, word]. */
  rows(rows) {
    while (this.legend.childElementCount > rows.length) this.legend.lastChild.remove();
    while (this.legend.childElementCount < rows.length) {
      this.legend.append(html("li", {}, html("span", { class: "labkit-swatch" }), html("b"), html("span"), html("span")));
    }
    rows.forEach(([name, style, title, value, word], number) => {
      const item = this.legend.children[number];
      item.className = name;
      item.children[0].style.cssText = style;
      [title, value, word].forEach((text, place) => say(item.children[place + 1], text));
      item.children[1].title = title;
    });
  }
}
