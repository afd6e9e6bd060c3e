// A view in a page: makes its parts, says hello, beats, and shows what the Jupyter kernel says.

const BEAT = 2 * SECOND, PATIENCE = 10 * SECOND;

function banner(words) {
  const text = html("pre", { class: "labkit-error-text" });
  const close = html("button", { class: "labkit-button labkit-close", type: "button", text: words.close });
  const element = html("div", { class: "labkit-error", role: "alert" }, text, close);
  element.hidden = true;
  close.addEventListener("click", () => { element.hidden = true; });
  return { element, show: (lines) => { text.textContent = lines.join("\n"); element.hidden = false; } };
}

function render({ model, el }) {
  const words = model.get("words");
  const make = { clock: (send) => new ClockBar(words, send), rpo: () => new RpoChart(words) };
  const parts = {};
  const root = html("div", { class: "labkit-view" });
  for (const name of model.get("parts")) {
    parts[name] = make[name]((what, value) => model.send({ kind: "do", part: name, what, value }));
    root.append(parts[name].element);
  }
  const error = banner(words);
  const silent = html("div", { class: "labkit-silent", role: "status" });
  silent.hidden = true;
  root.append(error.element, silent);
  el.append(root);
  // Letters typed on a button of ours are not commands of the notebook.
  root.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
  const ends = Object.values(parts).map((part) => part.attach?.()).filter(Boolean);

  let heard = performance.now();
  const listen = (message) => {
    heard = performance.now();
    silent.hidden = true;
    if (message.kind === "state") {
      for (const [name, state] of Object.entries(message.parts)) parts[name]?.update(state);
    } else if (message.kind === "error") {
      error.show(message.lines);
    }
  };
  model.on("msg:custom", listen);
  const send = (message) => {
    // After a restart of the Jupyter kernel nobody takes messages any more; the words below say so.
    try { model.send(message); } catch (refused) { console.debug("labkit:", refused); }
  };
  const beat = setInterval(() => {
    send({ kind: "beat" });
    silent.hidden = performance.now() - heard < PATIENCE;
    say(silent, silent.hidden ? "" : words.silent);
  }, BEAT);
  send({ kind: "hello" });
  return () => {
    clearInterval(beat);
    model.off("msg:custom", listen);
    for (const end of ends) end();
  };
}

export default { render };
