// Jobs and their tasks over time, the latest first; a few rows at a time, so that hundreds stay readable and cheap.

const JOB_ROWS = 15, ROW = 24, MOST_JOBS = 200;
const JOB_WINDOWS = [["1 h", HOUR], ["24 h", DAY], ["7 d", 7 * DAY], ["", Infinity]];

class JobsChart extends Plot {
  constructor(words) {
    super(words, { name: "jobs", title: words.jobs, hint: words.jobs_hint, extra: " labkit-plot-jobs", windows: JOB_WINDOWS, window: DAY, left: 260 });
    this.jobs = new Map();
    this.first = 0;
    this.chosen = null;
    this.newer = html("button", { class: "labkit-button labkit-jobs-newer", type: "button", text: words.newer });
    this.older = html("button", { class: "labkit-button labkit-jobs-older", type: "button", text: words.older });
    this.count = html("span", { class: "labkit-count", role: "status" });
    this.pages = html("div", { class: "labkit-job-pages", role: "group", "aria-label": words.jobs }, this.newer, this.older, this.count);
    this.newer.addEventListener("click", () => this.turn(-JOB_ROWS));
    this.older.addEventListener("click", () => this.turn(JOB_ROWS));
    this.element.append(this.pages);
    this.svg.addEventListener("click", (event) => this.click(event));
  }

  update(state) {
    if (!state.all && this.states === undefined) return;
    if (state.all) {
      this.jobs.clear();
      Object.assign(this, { offset: state.offset, states: state.states });
    }
    for (const [number, id, title, target, job, started, ended, tasks] of state.jobs) {
      this.jobs.set(number, { number, id, title, target, state: job, started, ended, tasks });
    }
    this.now = state.now;
    this.sorted = null;
    this.draw();
  }

  /** All jobs, the latest first. */
  all() {
    if (!this.sorted) {
      this.sorted = [...this.jobs.values()].sort((one, two) => two.number - one.number).slice(0, MOST_JOBS);
      if (this.jobs.size > MOST_JOBS) this.jobs = new Map(this.sorted.map((job) => [job.number, job]));
    }
    return this.sorted;
  }

  /** Those of the window of time. */
  inside() {
    const since = this.now - this.window;
    return this.all().filter((job) => (job.ended || this.now) >= since);
  }

  moved() {
    this.first = 0;
    this.draw();
  }

  turn(by) {
    this.first = Math.max(0, Math.min(this.first + by, Math.max(0, this.inside().length - JOB_ROWS)));
    this.draw();
  }

  draw() {
    if (!this.begin()) return;
    const inside = this.inside();
    this.first = Math.max(0, Math.min(this.first, inside.length - JOB_ROWS));
    const page = inside.slice(this.first, this.first + JOB_ROWS);
    // Of the job one has chosen its tasks have rows of their own.
    this.drawn = page.flatMap((job) => [{ job }, ...(job.number === this.chosen ? job.tasks.map((task) => ({ job, task })) : [])]);
    this.left = Math.max(140, Math.min(280, Math.round(this.width * 0.36)));
    this.height = TOP + Math.max(3, this.drawn.length) * ROW + BOTTOM;
    const begin = Math.max(Math.min(this.now - LEAST, ...page.map((job) => job.started)), this.now - this.window);
    this.place(begin, this.now, 1);
    const rows = this.drawn.flatMap((row, number) => this.row(row, TOP + (number + 0.5) * ROW));
    const nothing = inside.length ? [] : [this.nothing(this.jobs.size ? this.words.jobs_none : this.words.jobs_nothing)];
    this.show(hatching(`${this.id}-failed`, "labkit-hatch"), ...this.times(), ...rows, ...nothing);
    this.numbers(inside.length, page.length);
    this.tell();
  }

  row({ job, task }, top) {
    const [title, state, started, ended] = task ?? [`${job.title}  ${job.target}`, job.state, job.started, job.ended];
    const shown = task ? `· ${title}` : title, word = this.states[state] ?? state;
    const name = svg("text", { class: task ? "labkit-task-name" : "labkit-job-name", x: task ? 14 : 2, y: top + 4 }, fitting(shown, this.left - (task ? 22 : 10)));
    name.append(svg("title", {}, shown));
    const found = [name];
    if (!task) {
      found.unshift(svg("rect", { class: `labkit-job-row${job.number === this.chosen ? " labkit-chosen" : ""}`, "data-job": job.number, x: 0, y: top - ROW / 2, width: this.width, height: ROW }));
    }
    const bars = task ? [[state, started, ended]] : job.tasks.map(([, of, from, to]) => [of, from, to]);
    let end = this.left, start = null;
    for (const [of, from, to] of bars) {
      if (!from || of === "NotStarted") continue;
      const bar = this.bar(of, from, to, top, task ? 8 : 14);
      if (!bar) continue;
      found.push(bar.element);
      end = Math.max(end, bar.end);
      start ??= bar.begin;
    }
    found.push(this.stateWord(state, word, start ?? this.left, end, top));
    return found;
  }

  /** The word of a state stands behind the bar, before it, or on it where there is no other room. */
  stateWord(state, word, start, end, top) {
    const room = breadth(word) + 12, { right } = this.scale;
    const [left, anchor] = end + room < right ? [end + 6, "start"] : start - room > this.left ? [start - 6, "end"] : [right, "end"];
    return svg("text", { class: `labkit-state labkit-state-${state}`, x: left, y: top + 4, "text-anchor": anchor }, word);
  }

  bar(state, from, to, top, high) {
    const { x, begin } = this.scale, until = to || this.now;
    if (until < begin) return null;
    const left = x(Math.max(begin, from)), width = Math.max(2, x(until) - left - 0.6);
    const element = svg("rect", { class: `labkit-task-bar labkit-task-${state}`, x: left, y: top - high / 2, width, height: high, rx: 1.5 });
    if (state === "Failed") element.style.fill = `url(#${this.id}-failed)`;
    return { element, begin: left, end: left + width };
  }

  numbers(count, shown) {
    say(this.count, count ? fill(this.words.jobs_count, { first: this.first + 1, last: this.first + shown, count }) : "");
    this.pages.hidden = count <= JOB_ROWS;
    // Disabled would lose the focus of whoever pressed it.
    this.newer.setAttribute("aria-disabled", String(this.first === 0));
    this.older.setAttribute("aria-disabled", String(this.first + JOB_ROWS >= count));
  }

  describe(job) {
    const lines = [`${job.title}  ${job.target}`, `${job.id}  ${this.states[job.state] ?? job.state}`];
    lines.push(`${instant(job.started, this.offset)}  ${duration(Math.floor(((job.ended || this.now) - job.started) / SECOND) * SECOND)}`);
    const task = job.tasks.find(([, state]) => ["InProgress", "Suspended", "Failed"].includes(state));
    if (task) lines.push(`${task[0]}: ${this.states[task[1]] ?? task[1]}`);
    return lines.map((line) => fitting(line, 420));
  }

  tell() {
    const place = this.drawn.findIndex(({ job, task }) => !task && job.number === this.looked);
    this.tip.hidden = place < 0;
    if (place < 0) return;
    this.hint(this.describe(this.drawn[place].job), this.left, this.scale.right);
    this.tip.style.top = `${TOP + (place + 1) * ROW}px`;
  }

  under(event) {
    const box = this.svg.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) * (this.width / box.width) - TOP) / ROW);
    return this.drawn[row]?.job.number ?? null;
  }

  read(event) {
    const job = this.under(event);
    if (job === this.looked) return;
    this.looked = job;
    this.draw();
  }

  click(event) {
    if (this.scale) this.choose(this.under(event));
  }

  choose(number) {
    this.chosen = number === this.chosen ? null : number;
    this.draw();
  }

  press(event) {
    if (!this.scale) return;
    const inside = this.inside(), last = inside.length - 1;
    const at = inside.findIndex((job) => job.number === this.looked);
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + JOB_ROWS, PageUp: at - JOB_ROWS, Home: 0, End: last };
    if (event.key === "Escape") this.leave();
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) this.choose(this.looked);
    else if (event.key in places) {
      if (last < 0) return;
      const place = Math.min(last, Math.max(0, places[event.key]));
      this.looked = inside[place].number;
      if (place < this.first) this.first = place;
      if (place >= this.first + JOB_ROWS) this.first = place - JOB_ROWS + 1;
      this.draw();
      say(this.voice, this.tip.textContent);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  leave() {
    cancelAnimationFrame(this.asked);
    this.asked = this.looked = null;
    say(this.voice, "");
    this.draw();
  }
}

PARTS.jobs = JobsChart;
