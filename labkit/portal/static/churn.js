// Churn against line: what all VMs write, minute by minute, what the line carries, and what waits for it.

const CHURN_HEIGHT = 330, UPPER = 206, LOWER = 232, MOST_COLUMNS = 240, IN_DAY = 1440;

/** The columns of a chart, as labkit.views.churn.columns has them: [first minute, minutes, written, waiting]. */
function churnColumns(minutes, widths, begin, until) {
  let first = Math.floor(begin / MINUTE);
  const last = Math.max(Math.floor(until / MINUTE), first + 1);
  const length = widths.find((width) => (last - first) / width <= MOST_COLUMNS) ?? widths.at(-1);
  first -= first % length;
  const count = Math.floor((last - first) / length);
  const written = new Array(count + 1).fill(0), changes = new Array(count + 1).fill(0);
  let waiting = 0;
  for (const [minute, [wrote, arrived]] of minutes) {
    if (minute >= last) continue;
    if (minute < first) waiting += wrote - arrived;
    else {
      const number = Math.floor((minute - first) / length);
      written[number] += wrote;
      changes[number] += wrote - arrived;
    }
  }
  return Array.from({ length: count }, (_, number) => {
    waiting += changes[number];
    return [first + number * length, length, written[number], waiting];
  });
}

/** Bits a second that the line carries at an instant; `steps` are [at, bits], in order. */
function carries(steps, at) {
  const count = before(steps, at, (step) => step[0]);
  return steps[Math.max(0, count - 1)]?.[1] ?? 0;
}

class ChurnChart extends Plot {
  constructor(words) {
    super(words, { name: "churn", title: words.churn, hint: words.churn_hint, extra: " labkit-plot-churn", height: CHURN_HEIGHT, left: 84 });
    this.minutes = new Map();
    this.line = [];
  }

  update(state) {
    if (!state.all && this.widths === undefined) return;
    if (state.all) {
      this.minutes.clear();
      this.line = [];
      this.widths = state.widths;
      this.offset = state.offset;
      // Of what is older than a day the hours are told: each of their minutes has its part.
      for (const [first, wrote, arrived] of state.hours) {
        for (let minute = 0; minute < 60; minute += 1) this.minutes.set(first + minute, [wrote / 60, arrived / 60]);
      }
    }
    for (const [minute, wrote, arrived] of state.minutes) this.minutes.set(minute, [wrote, arrived]);
    this.line.push(...state.line);
    Object.assign(this, { now: state.now, known: state.known, pending: state.pending, silent: state.silent });
    this.draw();
  }

  range() {
    const first = Math.min(this.line[0]?.[0] ?? this.now, this.now - LEAST);
    return [Math.max(first, this.now - this.window), this.now];
  }

  draw() {
    if (!this.begin()) return;
    const [begin, end] = this.range();
    this.columns = this.known === null ? [] : churnColumns(this.minutes, this.widths, begin, this.known)
      .filter(([first]) => first * MINUTE < this.known);
    const rates = this.columns.map(([, length, written]) => (written * 8) / (length * 60));
    const wrote = Math.max(0, ...rates);
    const steps = this.line.filter(([at], number) => at <= end && (this.line[number + 1]?.[0] ?? Infinity) > begin);
    const line = Math.max(0, ...steps.map(([, bits]) => bits));
    // A line far above what is written would press that flat: then it is named above the chart.
    const high = Math.max(wrote, Math.min(line, wrote ? 4 * wrote : line), 1000) * 1.08;
    const waits = Math.max(1024, ...this.columns.map(([, , , waiting]) => waiting), this.pending ?? 0) * 1.08;
    this.place(begin, end, high, UPPER);
    const bottom = this.height - BOTTOM;
    const low = (bytes) => bottom - (bytes / waits) * (bottom - LOWER);
    this.show(
      hatching(`${this.id}-over`, "labkit-hatch"),
      ...this.values(high, niceStep(high, 5), rate), ...this.values(waits, niceStep(waits, 2, 1024), bytes, low), ...this.times(),
      svg("text", { class: "labkit-tick", x: this.left, y: LOWER - 8 }, this.words.waiting),
      ...this.area(rates), ...this.capacity(steps, line, high), ...this.backlog(low), ...this.hair(),
    );
    this.list(rates);
  }

  edges(number) {
    const { begin, x } = this.scale, [first, length] = this.columns[number];
    return [x(Math.max(begin, first * MINUTE)), x(Math.min(this.known, (first + length) * MINUTE))];
  }

  /** Mean of what the line carries during a column. */
  mean(number) {
    const [first, length] = this.columns[number], from = first * MINUTE, to = (first + length) * MINUTE;
    let sum = 0, at = from;
    for (let next = before(this.line, from, (step) => step[0]); at < to; next += 1) {
      const until = Math.min(to, this.line[next]?.[0] ?? to);
      sum += carries(this.line, at) * (until - at);
      at = until;
    }
    return sum / (to - from);
  }

  area(rates) {
    if (!this.columns.length) return [this.nothing(this.words.churn_nothing)];
    const { y } = this.scale, line = [], over = [];
    rates.forEach((bits, number) => {
      const [left, right] = this.edges(number), mean = this.mean(number);
      line.push([left, y(bits)], [right, y(bits)]);
      if (bits > mean) {
        const size = { x: left, y: y(bits), width: Math.max(0.5, right - left), height: y(mean) - y(bits) };
        over.push(svg("rect", { class: "labkit-over-line", fill: `url(#${this.id}-over)`, ...size }));
      }
    });
    const ground = [[line[0][0], UPPER], ...line, [line.at(-1)[0], UPPER]];
    return [svg("path", { class: "labkit-written", d: `${path(ground)}Z` }), ...over, svg("path", { class: "labkit-line labkit-written-line", d: path(line) })];
  }

  capacity(steps, line, high) {
    const { begin, end, x, y, right } = this.scale, drawn = [];
    steps.forEach(([at, bits], number) => {
      const top = Math.max(TOP, y(bits));
      drawn.push([x(Math.max(begin, at)), top], [x(steps[number + 1]?.[0] ?? end), top]);
    });
    const now = steps.at(-1)?.[1] ?? 0;
    const label = `${fill(this.words.line, { value: rate(now) })}${now > high ? " ↑" : ""}`;
    const top = Math.max(TOP, y(Math.min(now, high))) - 5;
    return [
      svg("path", { class: "labkit-capacity", d: path(drawn) }),
      svg("text", { class: "labkit-capacity-text", x: right, y: top, "text-anchor": "end" }, label),
    ];
  }

  backlog(low) {
    const line = this.columns.flatMap(([, , , waiting], number) => [[this.edges(number)[1], low(waiting)]]);
    const found = [svg("path", { class: "labkit-line labkit-waiting-line", d: path(line) })];
    if (this.pending !== null) {
      const { x, end } = this.scale;
      const from = line.at(-1);
      if (from) found.push(svg("path", { class: "labkit-line labkit-waiting-line", "stroke-dasharray": "2 3", d: path([from, [x(end), low(this.pending)]]) }));
      found.push(svg("circle", { class: "labkit-waiting-now", cx: x(end), cy: low(this.pending), r: 3.5 }));
    }
    return found;
  }

  list(rates) {
    const { words } = this, last = rates.length - 1;
    const over = last >= 0 && rates[last] > this.mean(last);
    const now = carries(this.line, this.now);
    const rows = [
      [over ? "labkit-over" : "labkit-within", "border-top: 3px solid var(--labkit-series-1)", words.written, last < 0 ? "" : rate(rates[last]),
        last < 0 ? "" : over ? words.too_thin : words.fits],
      [now ? "labkit-ended" : "labkit-over", "border-top: 3px dashed var(--labkit-bad)", words.carries, rate(now), now ? "" : words.line_lost],
    ];
    if (this.pending !== null) rows.push(["labkit-ended", "border-top: 3px solid var(--labkit-series-4)", words.pending, bytes(this.pending), ""]);
    if (this.silent) rows.push(["labkit-over", "", fill(words.silent_vms, { count: this.silent }), "", ""]);
    this.rows(rows);
  }

  reading(at) {
    const { words } = this, found = [`${words.carries}: ${rate(carries(this.line, at))}`];
    const column = this.columns.findIndex(([first, length]) => first * MINUTE <= at && at < (first + length) * MINUTE);
    if (column < 0) return [...found, words.not_known];
    const [, length, written, waiting] = this.columns[column];
    return [`${words.written}: ${rate((written * 8) / (length * 60))}`, ...found, `${words.waiting}: ${bytes(Math.max(0, waiting))}`];
  }
}

PARTS.churn = ChurnChart;
