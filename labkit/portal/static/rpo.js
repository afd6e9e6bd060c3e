// The RPO chart: break points come from Python, between two of them RPO grows one second a second.

/** How many points are at or before an instant; `points` are [at, rpo or null], in order. */
function upto(points, at) {
  return before(points, at, (point) => point[0]);
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

class RpoChart extends Plot {
  constructor(words) {
    super(words, { name: "rpo", title: words.rpo, hint: words.chart_hint });
    this.series = new Map();
    this.titles = new Map();
    this.marks = [];
    this.events = html("ol", { class: "labkit-events" });
    this.element.append(this.events);
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
    if (!this.begin()) return;
    const [begin, end] = this.range();
    let high = this.target;
    for (const points of this.series.values()) {
      for (let number = upto(points, begin); number < points.length; number += 1) {
        if (points[number][1] > high) high = points[number][1];
      }
      high = Math.max(high, rpoAt(points, end) ?? 0);
    }
    high *= 1.08;
    this.place(begin, end, high);
    const axes = [...this.values(high, stepOf(this.steps, high, 5), duration), ...this.times()];
    this.show(...axes, ...this.lines(), ...this.numbers(), ...this.hair());
    this.list();
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
    if (!this.series.size) found.push(this.nothing(this.words.nothing));
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

  reading(at) {
    const found = this.names().map((name) => [name, rpoAt(this.series.get(name), at)]);
    const known = found.filter(([, rpo]) => rpo !== null).sort((one, two) => two[1] - one[1]).slice(0, MOST_ROWS);
    const rows = known.map(([name, rpo]) => {
      const over = rpo > this.target ? ` (${this.words.over})` : "";
      return `${this.titles.get(name) ?? name}: ${duration(Math.floor(rpo / SECOND) * SECOND)}${over}`;
    });
    const rest = found.filter(([, rpo]) => rpo !== null).length - rows.length;
    if (rest > 0) rows.push(fill(this.words.more, { count: rest }));
    return rows;
  }
}

PARTS.rpo = RpoChart;
