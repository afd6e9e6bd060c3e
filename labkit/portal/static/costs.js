// Costs by day and component, as the lab's meter has them.

const COST_WINDOWS = [["7 d", 7], ["31 d", 31], ["", Infinity]];
const DAY_AT = (day) => Date.parse(`${day}T00:00:00Z`);

class CostChart extends Plot {
  constructor(words, send) {
    super(words, { name: "cost", title: words.cost, hint: words.cost_hint, extra: " labkit-plot-cost", windows: COST_WINDOWS, window: 31 });
    this.days = new Map();
    this.currencies = html("span", { class: "labkit-windows", role: "group", "aria-label": words.currency });
    for (const name of ["USD", "JPY"]) {
      const button = html("button", { class: `labkit-button labkit-cost-${name}`, type: "button", text: name });
      button.addEventListener("click", () => send("currency", name));
      this.currencies.append(button);
    }
    this.element.querySelector(".labkit-head").insertBefore(this.currencies, this.windows);
    this.total = html("div", { class: "labkit-reading", role: "status" });
    this.element.append(this.total);
  }

  update(state) {
    if (!state.all && this.components === undefined) return;
    if (state.all) {
      this.days.clear();
      Object.assign(this, { currency: state.currency, components: state.components, unpriced: [] });
    }
    for (const [day, amounts] of state.days) this.days.set(day, amounts);
    if (state.unpriced) this.unpriced = state.unpriced;
    this.now = state.now;
    this.draw();
  }

  money(amount) {
    return money(amount, this.currency);
  }

  of(day) {
    return Object.values(this.days.get(day) ?? {}).reduce((sum, amount) => sum + amount, 0);
  }

  /** The days of the window, those without any use among them. */
  shown() {
    const known = [...this.days.keys()].sort();
    if (!known.length) return [];
    const last = DAY_AT(known.at(-1)), first = Math.max(DAY_AT(known[0]), last - (this.window - 1) * DAY);
    return Array.from({ length: (last - first) / DAY + 1 }, (_, number) => new Date(first + number * DAY).toISOString().slice(0, 10));
  }

  draw() {
    if (!this.begin()) return;
    for (const button of this.currencies.children) button.setAttribute("aria-pressed", String(button.textContent === this.currency));
    const days = this.drawn = this.shown();
    const high = Math.max(this.currency === "JPY" ? 1 : 0.01, ...days.map((day) => this.of(day))) * 1.08;
    this.place(0, Math.max(7, days.length), high);
    const least = this.currency === "JPY" ? 1 : 0.01;
    const rise = Math.max(least, niceStep(high * 1000, 5) / 1000);
    this.show(
      hatching(`${this.id}-more`, "labkit-hatch-plain"), ...this.values(high, rise, (value) => this.money(value)), ...this.names(days),
      ...days.flatMap((day, number) => this.column(day, number)), ...(days.length ? [] : [this.nothing(this.words.cost_nothing)]), ...this.mark(),
    );
    this.list(days);
  }

  names(days) {
    const { x, right, bottom } = this.scale;
    const each = Math.ceil(days.length / Math.max(2, Math.floor((right - this.left) / 52)));
    return days.flatMap((day, number) => (number % each ? [] : [
      svg("text", { class: "labkit-tick", x: (x(number) + x(number + 1)) / 2, y: bottom + 18, "text-anchor": "middle" }, day.slice(5)),
    ]));
  }

  style(number) {
    return `var(--labkit-series-${(number % 6) + 1})`;
  }

  swatch(number) {
    const colour = this.style(number);
    return number < 6 ? colour : `repeating-linear-gradient(45deg, ${colour} 0 3px, var(--labkit-paper) 3px 5px)`;
  }

  column(day, number) {
    const { x, y } = this.scale, amounts = this.days.get(day) ?? {}, gap = (x(number + 1) - x(number)) * 0.15;
    let under = 0;
    return this.components.flatMap(([name], place) => {
      const amount = amounts[name] ?? 0;
      if (!amount) return [];
      const size = { x: x(number) + gap, width: x(number + 1) - x(number) - 2 * gap, y: y(under + amount), height: y(under) - y(under + amount) };
      under += amount;
      const drawn = [svg("rect", { class: "labkit-cost-bar", "data-component": name, style: `fill: ${this.style(place)}`, ...size })];
      // There are six colours: those after them are hatched as well.
      if (place >= 6) drawn.push(svg("rect", { fill: `url(#${this.id}-more)`, ...size }));
      return drawn;
    });
  }

  list(days) {
    const sums = new Map();
    for (const day of days) {
      for (const [name, amount] of Object.entries(this.days.get(day) ?? {})) sums.set(name, (sums.get(name) ?? 0) + amount);
    }
    const rows = this.components.flatMap(([name, title], place) => (sums.has(name)
      ? [["labkit-ended", `background: ${this.swatch(place)}; height: 10px`, title, this.money(sums.get(name)), ""]] : []));
    this.rows(rows);
    const total = [...sums.values()].reduce((sum, amount) => sum + amount, 0);
    const lines = days.length ? [fill(this.words.cost_total, { value: this.money(total), first: days[0], last: days.at(-1) })] : [];
    if (this.unpriced.length) lines.push(fill(this.words.cost_unpriced, { names: this.unpriced.join(", ") }));
    say(this.total, lines.join("\n"));
  }

  // --- where one looks: a day ----------------------------------------------------------------------------------------

  read(event) {
    this.look(Math.min(this.drawn.length - 1, Math.floor(this.under(event))));
  }

  press(event) {
    if (!this.scale) return;
    const last = this.drawn.length - 1, at = this.cursor ?? last + 1;
    const places = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    if (event.key === "Escape") this.leave();
    else if (event.key in places) {
      this.look(Math.min(last, Math.max(0, places[event.key])));
      say(this.voice, this.tip.textContent);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  mark() {
    const day = this.cursor === null ? undefined : this.drawn[this.cursor];
    this.tip.hidden = day === undefined;
    if (day === undefined) return [];
    const { x, right, bottom } = this.scale, amounts = this.days.get(day) ?? {};
    const rows = this.components.flatMap(([name, title]) => (name in amounts ? [`${title}: ${this.money(amounts[name])}`] : []));
    this.hint([`${day}  ${this.money(this.of(day))}`, ...rows], (x(this.cursor) + x(this.cursor + 1)) / 2, right);
    return [svg("rect", { class: "labkit-day-mark", x: x(this.cursor), y: TOP, width: x(this.cursor + 1) - x(this.cursor), height: bottom - TOP })];
  }
}

PARTS.cost = CostChart;
