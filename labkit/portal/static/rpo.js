// The RPO chart: break points come from Python, between two of them RPO grows one second a second.

const HEIGHT = 260, LEFT = 70, RIGHT = 14, TOP = 22, BOTTOM = 26;
const WINDOWS = [["1 h", HOUR], ["6 h", 6 * HOUR], ["24 h", DAY], ["", Infinity]];
const MOST_ROWS = 12;

/** How many points are at or before an instant; `points` are [at, rpo or null], in order. */
function upto(points, at) {
  let low = 0, high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= at) low = middle + 1; else high = middle;
  }
  return low;
}

/** The value of a curve at an instant, null where there is no replication. */
function rpoAt(points, at) {
  const count = upto(points, at);
  if (count === 0 || points[count - 1][1] === null) return null;
  return points[count - 1][1] + at - points[count - 1][0];
}

/** The points of a window, as a line of pixels [x, y or null]: of each pixel the lowest and the highest at most. */
function pixels(points, begin, end, x, y) {
  const line = [];
  const first = rpoAt(points, begin);
  if (first !== null) line.push([x(begin), y(first)]);
  let column = null;
  const push = (place) => { line.push(place); column.last = null; };
  // Where a line leaves a pixel it has to leave from its last point there.
  const leave = () => { if (column?.last) push(column.last); };
  for (let number = upto(points, begin); number < points.length && points[number][0] <= end; number += 1) {
    const [at, rpo] = points[number];
    const left = x(at);
    if (rpo === null) {
      leave();
      line.push([left, null]);
      column = null;
      continue;
    }
    const top = y(rpo);
    if (column && Math.round(left) === column.left) {
      // Within a pixel only its extremes can be seen.
      if (top < column.min) { column.min = top; push([left, top]); }
      else if (top > column.max) { column.max = top; push([left, top]); }
      else column.last = [left, top];
    } else {
      leave();
      column = { left: Math.round(left), min: top, max: top, last: null };
      push([left, top]);
    }
  }
  leave();
  const last = rpoAt(points, end);
  if (last !== null) line.push([x(end), y(last)]);
  return line;
}

function path(line) {
  let text = "", pen = false;
  for (const [left, top] of line) {
    if (top === null) { pen = false; continue; }
    text += `${pen ? "L" : "M"}${left.toFixed(1)} ${top.toFixed(1)}`;
    pen = true;
  }
  return text;
}

class RpoChart {
  constructor(words) {
    this.words = words;
    this.series = new Map();
    this.titles = new Map();
    this.marks = [];
    this.window = 6 * HOUR;
    this.cursor = null;
    this.width = 640;
    this.visible = true;
    this.svg = svg("svg", { class: "labkit-plot", tabindex: "0", role: "application", "aria-label": words.chart_hint });
    this.tip = html("div", { class: "labkit-tip", "aria-hidden": "true" });
    this.tip.hidden = true;
    this.voice = html("div", { class: "labkit-voice", "aria-live": "polite" });
    this.legend = html("ul", { class: "labkit-legend" });
    this.events = html("ol", { class: "labkit-events" });
    this.windows = html("span", { class: "labkit-windows", role: "group", "aria-label": words.window });
    for (const [name, length] of WINDOWS) {
      const button = html("button", { class: "labkit-button", type: "button", text: name || words.all });
      button.addEventListener("click", () => { this.window = length; this.draw(); });
      button.dataset.window = length;
      this.windows.append(button);
    }
    this.element = html(
      "div", { class: "labkit-rpo", role: "group", "aria-label": words.rpo },
      html("div", { class: "labkit-head" }, html("span", { class: "labkit-title", text: words.rpo }), this.windows),
      html("div", { class: "labkit-canvas" }, this.svg, this.tip, this.voice), this.legend, this.events,
    );
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("blur", () => this.leave());
  }

  /** Follow the element's width, and draw only while it can be seen. */
  attach() {
    const sizes = new ResizeObserver(([entry]) => {
      const width = Math.max(320, Math.round(entry.contentRect.width));
      if (width !== this.width) { this.width = width; this.draw(); }
    });
    sizes.observe(this.svg.parentElement);
    const sight = new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.draw();
    });
    sight.observe(this.element);
    return () => { sizes.disconnect(); sight.disconnect(); };
  }

  update(state) {
    if (!state.all && this.steps === undefined) return; // news before the whole, which is on its way
    if (state.all) {
      this.series.clear();
      this.marks = [];
      Object.assign(this, { target: state.target, offset: state.offset, colours: state.colours, steps: state.steps });
    }
    this.now = state.now;
    for (const [name, title] of Object.entries(state.titles)) this.titles.set(name, title);
    for (const [name, points] of Object.entries(state.series)) {
      const known = this.series.get(name) ?? [];
      known.push(...points);
      this.series.set(name, known);
    }
    this.marks = this.marks.concat(state.marks);
    this.draw();
  }

  /** The names in order; the colour of a curve is by its place in it, as in the still chart. */
  names() {
    return [...this.series.keys()].sort();
  }

  range() {
    const firsts = [...this.series.values()].map((points) => points[0][0]);
    const first = Math.min(...firsts, this.now - MINUTE);
    return [Math.max(first, this.now - this.window), this.now];
  }

  draw() {
    if (this.now === undefined || !this.visible) return;
    for (const button of this.windows.children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.window) === this.window));
    }
    const [begin, end] = this.range();
    const right = this.width - RIGHT, bottom = HEIGHT - BOTTOM;
    const x = (at) => LEFT + ((at - begin) / (end - begin)) * (right - LEFT);
    let high = this.target;
    for (const points of this.series.values()) {
      for (let number = upto(points, begin); number < points.length; number += 1) {
        if (points[number][1] > high) high = points[number][1];
      }
      high = Math.max(high, rpoAt(points, end) ?? 0);
    }
    high *= 1.08;
    const y = (rpo) => bottom - (rpo / high) * (bottom - TOP);
    this.scale = { begin, end, x, y, right, bottom };
    this.svg.dataset.now = this.now;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.replaceChildren(...this.axes(high), ...this.lines(), ...this.numbers(), ...this.hair());
    this.list();
  }

  step(span, most) {
    return this.steps.find((step) => span / step <= most) ?? this.steps.at(-1) * Math.ceil(span / this.steps.at(-1) / most);
  }

  axes(high) {
    const { begin, end, x, y, right, bottom } = this.scale;
    const found = [];
    const rise = this.step(high, 5);
    for (let rpo = 0; rpo <= high; rpo += rise) {
      found.push(svg("line", { class: "labkit-grid", x1: LEFT, x2: right, y1: y(rpo), y2: y(rpo) }));
      found.push(svg("text", { class: "labkit-tick", x: LEFT - 8, y: y(rpo) + 4, "text-anchor": "end" }, duration(rpo)));
    }
    const shift = this.offset * MINUTE, run = this.step(end - begin, Math.max(2, (right - LEFT) / 90));
    for (let at = Math.ceil((begin + shift) / run) * run - shift; at <= end; at += run) {
      const shown = instant(at, this.offset);
      const text = shown.slice(11, 16) === "00:00" ? shown.slice(5, 10) : shown.slice(11, 16);
      found.push(svg("line", { class: "labkit-grid", x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }));
      found.push(svg("text", { class: "labkit-tick", x: x(at), y: bottom + 18, "text-anchor": "middle" }, text));
    }
    return found;
  }

  lines() {
    const { begin, end, x, y, right } = this.scale;
    const found = this.names().map((name, number) => svg("path", {
      class: "labkit-line", d: path(pixels(this.series.get(name), begin, end, x, y)),
      style: `stroke: ${this.colour(number)}`, "stroke-dasharray": this.dash(number),
    }));
    const target = y(this.target);
    const label = fill(this.words.target, { value: duration(this.target) });
    found.push(svg("line", { class: "labkit-target", x1: LEFT, x2: right, y1: target, y2: target }));
    found.push(svg("text", { class: "labkit-target-text", x: right, y: target - 5, "text-anchor": "end" }, label));
    if (!this.series.size) {
      found.push(svg("text", { class: "labkit-nothing", x: (LEFT + right) / 2, y: HEIGHT / 2, "text-anchor": "middle" }, this.words.nothing));
    }
    return found;
  }

  colour(number) {
    const place = number % this.colours.length;
    return `var(--labkit-series-${place + 1}, ${this.colours[place]})`;
  }

  dash(number) {
    return ["none", "7 3", "2 3", "9 3 2 3"][Math.floor(number / this.colours.length) % 4];
  }

  /** Events of the window, as numbered lines. */
  shown() {
    const { begin, end } = this.scale;
    return this.marks.filter(([at]) => at >= begin && at <= end);
  }

  numbers() {
    const { x, bottom } = this.scale;
    let before = -100;
    return this.shown().flatMap(([at], number) => {
      const left = x(at);
      const line = svg("line", { class: "labkit-mark", x1: left, x2: left, y1: TOP - 4, y2: bottom });
      if (left - before < 14) return [line];
      before = left;
      return [line, svg("text", { class: "labkit-tick", x: left, y: TOP - 8, "text-anchor": "middle" }, String(number + 1))];
    });
  }

  list() {
    const rows = this.names().map((name, number) => {
      const rpo = rpoAt(this.series.get(name), this.now);
      const state = rpo === null ? "ended" : rpo > this.target ? "over" : "within";
      return { name, number, rpo, state };
    });
    const most = rows.length > MOST_ROWS
      ? [...rows].sort((one, two) => (two.rpo ?? -1) - (one.rpo ?? -1)).slice(0, MOST_ROWS) : rows;
    while (this.legend.childElementCount > most.length + 1) this.legend.lastChild.remove();
    while (this.legend.childElementCount < most.length + 1) this.legend.append(this.row());
    most.forEach((row, place) => this.fillRow(this.legend.children[place], row));
    const rest = this.legend.lastChild;
    rest.className = "labkit-more";
    say(rest, rows.length > most.length ? fill(this.words.more, { count: rows.length - most.length }) : "");
    const events = this.shown().slice(-20).map(([at, text]) => `${instant(at, this.offset).slice(5)}  ${text}`);
    this.events.start = Math.max(1, this.shown().length - 19);
    if (this.events.dataset.shown !== events.join("\n")) {
      this.events.dataset.shown = events.join("\n");
      this.events.replaceChildren(...events.map((text) => html("li", { text })));
    }
  }

  row() {
    return html("li", {}, html("span"), html("b"), html("span"), html("span"));
  }

  fillRow(item, { name, number, rpo, state }) {
    if (item.childElementCount !== 4) item.replaceChildren(...this.row().children);
    const [swatch, title, value, word] = item.children;
    item.className = `labkit-${state}`;
    swatch.className = "labkit-swatch";
    swatch.style.borderTop = `3px ${this.dash(number) === "none" ? "solid" : "dashed"} ${this.colour(number)}`;
    say(title, this.titles.get(name) ?? name);
    title.title = this.titles.get(name) ?? name;
    say(value, rpo === null ? "" : duration(Math.floor(rpo / SECOND) * SECOND));
    say(word, this.words[state]);
  }

  // --- where one looks ---------------------------------------------------------------------------------------------

  point(event) {
    if (!this.scale || this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = null; this.read(event); });
  }

  read(event) {
    const box = this.svg.getBoundingClientRect();
    const { begin, end, right } = this.scale;
    const share = ((event.clientX - box.left) * (this.width / box.width) - LEFT) / (right - LEFT);
    this.look(begin + Math.min(1, Math.max(0, share)) * (end - begin));
  }

  key(event) {
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
    const found = this.names().map((name) => [name, rpoAt(this.series.get(name), this.cursor)]);
    const known = found.filter(([, rpo]) => rpo !== null).sort((one, two) => two[1] - one[1]).slice(0, MOST_ROWS);
    const rows = known.map(([name, rpo]) => {
      const over = rpo > this.target ? ` (${this.words.over})` : "";
      return `${this.titles.get(name) ?? name}: ${duration(Math.floor(rpo / SECOND) * SECOND)}${over}`;
    });
    const rest = found.filter(([, rpo]) => rpo !== null).length - rows.length;
    if (rest > 0) rows.push(fill(this.words.more, { count: rest }));
    const text = [instant(this.cursor, this.offset), ...rows].join("\n");
    say(this.tip, text);
    this.tip.style.left = `${(100 * left) / this.width}%`;
    this.tip.classList.toggle("labkit-left", left > right * 0.6);
    return [svg("line", { class: "labkit-hair", x1: left, x2: left, y1: TOP, y2: bottom })];
  }
}

PARTS.rpo = RpoChart;
