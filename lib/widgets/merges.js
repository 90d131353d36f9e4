{
  const example = choice("example", data.texts, () => { own.value = data.texts[example.index]; begin(); });
  const own = make("input", { type: "text", maxlength: 120, size: 40, value: data.texts[0], spellcheck: "false", oninput: begin });
  let all = arithmetic.merged(own.value);
  const steps = stepper(all.length - 1, draw);
  const pieces = make("div", { class: "chips" });
  const table = make("div", {});
  stage.append(controls(example, make("label", {}, "or your own text, in plain letters", own)), steps.box, pieces, table);

  function begin() {
    all = arithmetic.merged(own.value.replace(/[^ -~]/g, ""));
    steps.reach(all.length - 1);
  }
  function draw() {
    const step = all[steps.value];
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
