// The clock's bar.

class ClockBar {
  constructor(words, send) {
    this.words = words;
    this.send = send;
    this.state = null;
    this.day = html("span", { class: "labkit-day" });
    this.time = html("span", { class: "labkit-time" });
    this.word = html("span", { class: "labkit-word", role: "status" });
    this.note = html("span", { class: "labkit-note", role: "status" });
    this.playIcon = html("i", { class: "fa fa-play", "aria-hidden": "true" });
    this.playText = html("span");
    this.play = this.button("labkit-play", this.playIcon, this.playText);
    this.play.addEventListener("click", () => this.send(this.state?.state === "playing" ? "pause" : "play"));
    this.skip = this.button("labkit-skip", html("i", { class: "fa fa-step-forward", "aria-hidden": "true" }), words.skip);
    this.skip.title = words.skip_hint;
    this.skip.addEventListener("click", () => this.send("skip"));
    this.speeds = html("span", { class: "labkit-speeds", role: "group", "aria-label": words.speed });
    this.element = html(
      "div", { class: "labkit-clock", role: "group", "aria-label": words.clock },
      html("span", { class: "labkit-now" }, this.day, this.time, this.word),
      html("span", { class: "labkit-controls" }, this.play, this.speeds, this.skip),
      this.note,
    );
  }

  button(name, ...children) {
    return html("button", { class: `labkit-button ${name}`, type: "button" }, ...children);
  }

  update(state) {
    this.state = state;
    this.draw();
  }

  draw() {
    const { state, words } = this;
    if (!state) return;
    const shown = instant(state.now, state.offset);
    const day = Math.floor((state.now + state.offset * MINUTE) / DAY) - Math.floor((state.begin + state.offset * MINUTE) / DAY);
    say(this.day, `${shown.slice(0, 10)} (${fill(words.day, { day: day + 1 })})`);
    say(this.time, shown.slice(11));
    say(this.word, words[state.state]);
    this.element.dataset.state = state.state;
    this.element.dataset.now = state.now;
    say(this.note, state.note);
    const playing = state.state === "playing";
    this.playIcon.className = `fa ${playing ? "fa-pause" : "fa-play"}`;
    say(this.playText, playing ? words.pause : words.play);
    // Disabled would lose the focus of whoever pressed it: said, and refused by the lab in words.
    this.drawSpeeds(state);
  }

  drawSpeeds(state) {
    if (this.speeds.childElementCount !== state.speeds.length) {
      this.speeds.replaceChildren(...state.speeds.map((speed) => {
        const button = this.button(`labkit-speed labkit-speed-${speed}`, `${speed.toLocaleString("en")}×`);
        button.title = fill(this.words.speed_hint, { speed: speed.toLocaleString("en") });
        button.addEventListener("click", () => this.send("speed", speed));
        return button;
      }));
    }
    state.speeds.forEach((speed, number) => {
      this.speeds.children[number].setAttribute("aria-pressed", String(speed === state.speed));
    });
  }
}

PARTS.clock = ClockBar;
