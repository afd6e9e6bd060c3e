// Recovery points of a VM over time: one is picked by click or keys, and what a failover to it would lose is said.

const LANE = 36, REST = 250;
const SHAPES = {
  "crash-consistent": ["crash", "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z"],
  "application-consistent": ["app", "M0 -6.5L6.5 0L0 6.5L-6.5 0Z"],
  "file-system-consistent": ["files", "M-5 -5H5V5H-5Z"],
};

class PointsChart extends Plot {
  constructor(words, send) {
    super(words, { name: "points", title: words.points, hint: words.points_hint, extra: " labkit-plot-points", window: Infinity, left: 160 });
    this.send = send;
    this.points = [];
    this.looked = null; // the id one looks at
    this.said = html("div", { class: "labkit-reading", role: "status" });
    this.element.append(this.said);
    this.svg.addEventListener("click", (event) => this.click(event));
  }

  update(state) {
    if (!state.all && this.kinds === undefined) return;
    if (state.all) {
      this.points = [];
      Object.assign(this, { vm: state.vm, offset: state.offset, kinds: state.kinds });
      say(this.element.querySelector(".labkit-title"), fill(this.words.points_of, { vm: fitting(state.vm, 360) }));
      this.element.querySelector(".labkit-title").title = state.vm;
    }
    if (state.points) {
      const gone = new Set(state.gone);
      this.points = this.points.filter(([id]) => !gone.has(id)).concat(state.points);
    }
    for (const name of ["now", "until", "stopped", "picked", "look"]) if (name in state) this[name] = state[name];
    this.draw();
  }

  /** The last instant of the source: what was written until then is lost as far as a point does not have it. */
  last() {
    return this.stopped ? this.until : this.now;
  }

  range() {
    const first = Math.min(this.points[0]?.[1] ?? this.now, this.now - LEAST);
    return [Math.max(first - (this.now - first) * 0.02, this.now - this.window), this.now];
  }

  lanes() {
    const there = new Set(this.points.map(([, , kind]) => kind));
    return this.kinds.filter(([kind]) => there.has(kind));
  }

  shown() {
    return this.points.filter(([, cut]) => cut >= this.scale.begin);
  }

  draw() {
    if (!this.begin()) return;
    const lanes = this.lanes();
    this.height = TOP + Math.max(2, lanes.length) * LANE + BOTTOM;
    this.left = this.width < 480 ? 112 : 160;
    const [begin, end] = this.range();
    this.place(begin, end, 1);
    const at = new Map(lanes.map(([kind], number) => [kind, TOP + (number + 0.5) * LANE]));
    this.lane = (kind) => at.get(kind);
    this.show(
      hatching(`${this.id}-lost`, "labkit-hatch"), ...this.times(), ...this.names(lanes), ...this.band(),
      ...this.marks(), ...(this.points.length ? [] : [this.nothing(this.words.points_nothing)]),
    );
    this.tell();
  }

  names(lanes) {
    const { right } = this.scale;
    return lanes.flatMap(([kind, word]) => {
      const [name, shape] = SHAPES[kind], top = this.lane(kind);
      const text = svg("text", { class: "labkit-lane", x: 20, y: top + 4 }, fitting(word, this.left - 26));
      text.append(svg("title", {}, word));
      return [
        svg("line", { class: "labkit-grid", x1: this.left, x2: right, y1: top, y2: top }),
        svg("path", { class: `labkit-point labkit-point-${name}`, d: shape, transform: `translate(8 ${top})` }), text,
      ];
    });
  }

  /** What is lost: from the point one looks at to the last instant of the source. */
  band() {
    const { x, begin, bottom } = this.scale, found = this.found(this.looked ?? this.picked), last = this.last();
    const drawn = [];
    if (this.stopped) {
      drawn.push(svg("line", { class: "labkit-target", x1: x(last), x2: x(last), y1: TOP - 8, y2: bottom }));
      const anchor = x(last) > this.width / 2 ? "end" : "start";
      drawn.push(svg("text", { class: "labkit-target-text", x: x(last), y: TOP - 10, "text-anchor": anchor }, this.words.source_stopped));
    }
    if (found && found[1] < last && last > begin) {
      const left = x(Math.max(begin, found[1]));
      drawn.push(svg("rect", { class: "labkit-lost", fill: `url(#${this.id}-lost)`, x: left, y: TOP, width: Math.max(1, x(last) - left), height: bottom - TOP }));
    }
    return drawn;
  }

  marks() {
    const { x } = this.scale;
    // What one looks at, and what is picked, lie above the others.
    const rank = ([id]) => (id === this.picked ? 2 : id === this.looked ? 1 : 0);
    return [...this.shown()].sort((one, two) => rank(one) - rank(two)).map(([id, cut, kind]) => {
      const [name, shape] = SHAPES[kind];
      const mark = svg("path", { class: `labkit-point labkit-point-${name}`, d: shape, "data-id": id });
      const large = id === this.picked ? 1.5 : id === this.looked ? 1.25 : 1;
      mark.setAttribute("transform", `translate(${x(cut).toFixed(1)} ${this.lane(kind)}) scale(${large})`);
      mark.classList.toggle("labkit-picked", id === this.picked);
      mark.classList.toggle("labkit-looked", id === this.looked);
      return mark;
    });
  }

  found(id) {
    return id === null || id === undefined ? undefined : this.points.find(([known]) => known === id);
  }

  word(kind) {
    return this.kinds.find(([known]) => known === kind)?.[1] ?? kind;
  }

  lost(cut) {
    return duration(Math.floor(Math.max(0, this.last() - cut) / SECOND) * SECOND);
  }

  describe([id, cut, kind]) {
    return [`${instant(cut, this.offset)}  ${this.word(kind)}`, fill(this.words.would_lose, { value: this.lost(cut) })];
  }

  /** Below the chart: the picked point, and what going back to it would lose. */
  tell() {
    const found = this.found(this.looked);
    this.tip.hidden = found === undefined;
    if (found) this.hint(this.describe(found), this.scale.x(Math.max(this.scale.begin, found[1])), this.scale.right);
    const picked = this.found(this.picked);
    if (!picked) return say(this.said, this.points.length ? this.words.points_pick : "");
    const [place, lost] = this.describe(picked);
    const lines = [fill(this.words.picked, { point: place }), lost];
    const { look } = this;
    if (look && look.id === this.picked) {
      if (look.note) lines.push(look.note);
      else {
        if (look.orders !== null) lines.push(fill(this.words.lost_orders, { count: look.orders.toLocaleString("en"), time: instant(look.at, this.offset) }));
        lines.push(fill(this.words.lost_bytes, { value: bytes(look.bytes), time: instant(look.at, this.offset) }));
      }
    }
    return say(this.said, lines.join("\n"));
  }

  // --- picking -----------------------------------------------------------------------------------------------------

  nearest(event) {
    const box = this.svg.getBoundingClientRect(), ratio = this.width / box.width;
    const left = (event.clientX - box.left) * ratio, top = (event.clientY - box.top) * ratio;
    let found, least = 24 * 24;
    for (const point of this.shown()) {
      const far = (this.scale.x(point[1]) - left) ** 2 + (this.lane(point[2]) - top) ** 2;
      if (far < least) [found, least] = [point, far];
    }
    return found?.[0] ?? null;
  }

  read(event) {
    this.turn(this.nearest(event));
  }

  turn(id) {
    if (id === this.looked) return;
    this.looked = id;
    this.draw();
  }

  click(event) {
    if (!this.scale) return;
    const id = this.nearest(event);
    if (id === null) return;
    this.looked = id;
    this.pick();
  }

  pick() {
    clearTimeout(this.waits);
    this.waits = null;
    if (this.looked !== null) this.send("pick", this.looked);
  }

  press(event) {
    if (!this.scale) return;
    const shown = this.shown(), id = this.looked ?? this.picked;
    const number = shown.findIndex(([known]) => known === id), last = shown.length - 1;
    const step = event.shiftKey ? 10 : 1;
    const places = { ArrowLeft: number < 0 ? last : number - step, ArrowRight: number < 0 ? last : number + step, Home: 0, End: last };
    if (event.key === "Escape") this.leave();
    else if (event.key === "Enter" || event.key === " ") this.pick();
    else if (event.key in places) {
      if (last < 0) return;
      this.turn(shown[Math.min(last, Math.max(0, places[event.key]))][0]);
      say(this.voice, this.tip.textContent);
      // Where one rests is picked: a look into a point takes a moment, so not each that is passed.
      clearTimeout(this.waits);
      this.waits = setTimeout(() => this.pick(), REST);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  leave() {
    cancelAnimationFrame(this.asked);
    clearTimeout(this.waits);
    this.asked = this.looked = null;
    say(this.voice, "");
    this.draw();
  }
}

PARTS.points = PointsChart;
