{
  const text = choice("text", data.texts.map(text => text.text), () => steps.reach(data.texts[text.index].steps.length - 1));
  const steps = stepper(data.texts[0].steps.length - 1, draw);
  const pieces = make("div", { class: "chips" });
  const table = make("div", {});
  stage.append(controls(text), steps.box, pieces, table);

  function draw() {
    const step = data.texts[text.index].steps[steps.value];
    const tokens = step.words.flatMap((word, i) => i ? [" ", ...word] : word);
    pieces.replaceChildren(...tokens.map(token => token === " " ? make("span", { "aria-hidden": "true" }, " \u00a0 ")
      : make("span", { class: token === step.new ? "chip chosen" : "chip" }, token)));
    const most = step.pairs.length ? step.pairs[0][2] : 1;
    const rows = bars("the most frequent pairs, and how often they stand there",
      step.pairs.length ? step.pairs.map(([left, right]) => ({ name: `${left} + ${right}` })) : [{ name: "none" }]);
    rows.set(step.pairs.length ? step.pairs.map(([, , count]) => ({ now: count / most, text: String(count) }))
      : [{ now: 0, text: "0" }]);
    table.replaceChildren(rows.box);
    const count = tokens.filter(token => token !== " ").length;
    const next = most > 1 ? `Next, “${step.pairs[0][0]}” and “${step.pairs[0][1]}” become one.` : "No pair stands there twice: done.";
    say(`${count} tokens. ${step.new ? `New: “${step.new}”. ` : ""}${next}`);
  }
  draw();
}
