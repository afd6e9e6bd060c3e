// The site map: Python says what each thing and link looks like in two forms; here it is drawn, and read by keyboard.

const BROAD = 900; // px from which both sides stand beside each other
const BACKWARDS = 2;

class SiteMap {
  constructor(words) {
    this.words = words;
    this.state = null;
    this.form = "wide";
    this.current = null;
    this.drawn = new Map();
    this.layers = ["grounds", "links", "things"].map((name) => svg("g", { class: `labkit-${name}` }));
    this.svg = svg("svg", { class: "labkit-map-plot", role: "application", "aria-label": words.map_hint });
    this.svg.append(...this.layers);
    this.told = html("div", { class: "labkit-told", "aria-hidden": "true" });
    this.said = html("div", { class: "labkit-voice", "aria-live": "polite" });
    const canvas = html("div", { class: "labkit-canvas" }, this.svg);
    this.element = html("div", { class: "labkit-map", role: "group", "aria-label": words.map },
      html("div", { class: "labkit-head" }, html("span", { class: "labkit-title", text: words.map })),
      canvas, this.told, this.said);
    // Not on the SVG itself: one that listens for the focus becomes a stop for Tab.
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focusin", (event) => this.look(event.target));
    canvas.addEventListener("pointerover", (event) => this.look(event.target));
    canvas.addEventListener("pointerleave", () => this.tell(document.activeElement?.dataset?.thing ?? null));
  }

  /** Follow the width: below it both sides stand under each other. */
  attach() {
    const sizes = new ResizeObserver(([entry]) => this.fit(entry.contentRect.width));
    sizes.observe(this.svg.parentElement);
    return () => sizes.disconnect();
  }

  fit(width) {
    const form = width >= BROAD ? "wide" : "narrow";
    if (form === this.form || width === 0) return;
    this.form = form;
    this.draw();
  }

  update(state) {
    if (!state.all && !this.state) return; // news before the whole, which is on its way
    if (state.all) this.state = { things: {}, links: {} };
    const { things, links, all, ...rest } = state;
    Object.assign(this.state, rest);
    for (const [group, news] of [["things", things], ["links", links]]) Object.assign(this.state[group], news);
    this.draw();
  }

  draw() {
    if (!this.state) return;
    const [width, height] = this.state.sizes[this.form], [things, links] = this.state.order;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.classList.toggle("labkit-narrow", this.form === "narrow");
    const kept = new Set();
    // Things in reading order; sides and frames lie below the links, tiles above them.
    for (const name of things) {
      const thing = this.state.things[name], ground = thing.shape === "side" || thing.shape === "frame";
      this.keep(kept, `thing ${name}`, thing, this.layers[ground ? 0 : 2], () => this.thing(name, thing));
    }
    for (const name of links) {
      const link = this.state.links[name];
      this.keep(kept, `link ${name}`, link, this.layers[1], () => this.link(link));
    }
    for (const [key, { element }] of this.drawn) {
      if (!kept.has(key)) { element.remove(); this.drawn.delete(key); }
    }
    if (!things.includes(this.current)) this.current = things[0] ?? null;
    this.rove();
    this.tell(this.svg.contains(document.activeElement) ? this.current : null);
    if (this.said.dataset.said !== this.state.said) {
      // The first time it is there to be read; later changes are announced.
      this.said.dataset.said = this.state.said;
      say(this.said, this.state.said);
    }
  }

  /** One element for each key: made, filled anew where it looks different, or left alone. */
  keep(kept, key, data, layer, make) {
    const look = JSON.stringify([this.form, data]);
    let known = this.drawn.get(key);
    if (!known || known.look !== look) {
      const { attributes, children } = make();
      const element = known?.element ?? svg("g");
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      element.replaceChildren(...children);
      known = { element, look };
      this.drawn.set(key, known);
    }
    if (known.element.parentNode !== layer) layer.append(known.element);
    kept.add(key);
  }

  thing(name, { shape, tone, told, texts, boxes }) {
    const [x, y, width, height] = boxes[this.form];
    const corner = { side: 8, pill: 12 }[shape] ?? 4;
    const children = [svg("title", {}, told), svg("rect", { class: "labkit-ground", width, height, rx: corner })];
    if (shape === "tile") children.push(svg("rect", { class: "labkit-tile-bar", width: 5, height, rx: 2 }));
    for (const [left, top, text, role, size] of texts) {
      children.push(svg("text", { class: `labkit-text-${role}`, x: left, y: top, "font-size": size }, text));
    }
    const place = name.replace(/\s/g, "_");
    const attributes = {
      class: `labkit-thing labkit-shape-${shape} labkit-tone-${tone} labkit-at-${place}`, role: "img",
      "aria-label": told, "data-thing": name, transform: `translate(${x} ${y})`,
    };
    return { attributes, children };
  }

  link({ kind, tone, told, moves, width, dashes, ways, heads }) {
    const points = ways[this.form].map((corner) => corner.join(",")).join(" ");
    const way = { class: "labkit-way", points, "stroke-width": width, "stroke-dasharray": dashes || "none" };
    const children = [svg("title", {}, told), svg("polyline", way)];
    if (moves) {
      const back = moves === BACKWARDS ? " labkit-flow-back" : "";
      children.push(svg("polyline", { class: `labkit-flow${back}`, points, "stroke-width": 1.4 }));
    }
    for (const [x, y, angle] of heads[this.form]) {
      const turned = `translate(${x} ${y}) rotate(${angle})`;
      children.push(svg("path", { class: "labkit-head-of", d: "M-9 -5L0 0L-9 5Z", transform: turned }));
    }
    return { attributes: { class: `labkit-way-link labkit-way-link-${kind} labkit-tone-${tone}`, "aria-hidden": "true" }, children };
  }

  // --- where one looks ---------------------------------------------------------------------------------------------

  /** One stop for Tab, arrow keys within: each thing takes the focus, in reading order. */
  rove() {
    for (const name of this.state.order[0]) {
      this.element_of(name).setAttribute("tabindex", name === this.current ? "0" : "-1");
    }
  }

  element_of(name) {
    return this.drawn.get(`thing ${name}`).element;
  }

  key(event) {
    const names = this.state?.order[0] ?? [];
    const at = names.indexOf(this.current), last = names.length - 1;
    const places = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last };
    if (!(event.key in places) || last < 0) return;
    this.current = names[Math.min(last, Math.max(0, places[event.key]))];
    this.rove();
    this.element_of(this.current).focus();
    event.preventDefault();
    event.stopPropagation();
  }

  look(target) {
    const name = target.closest?.("[data-thing]")?.dataset.thing;
    if (name === undefined) return;
    if (document.activeElement?.dataset?.thing === name) {
      this.current = name;
      this.rove();
    }
    this.tell(name);
  }

  /** What a thing is and its state, in full: its tile may be too small for it. */
  tell(name) {
    say(this.told, name === null ? "" : this.state?.things[name]?.told ?? "");
  }
}

PARTS.map = SiteMap;
