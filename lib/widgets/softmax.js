{
  const drags = data.words.map((word, i) => slider(`score of ${word}`,
    { min: -4, max: 4, step: 0.1, value: data.scores[i], show: two, labelled: false }, draw));
  const temperature = slider("temperature", { min: 0.1, max: 4, step: 0.1, value: 1, show: two }, draw);
  const size = choice("d_head", data.sizes.map(String), draw);
  const scaled = check("divide by √d_head", true, draw);
  const table = bars("word, its score, and its weight", data.words.map((name, i) => ({ name, control: drags[i].box })));
  stage.append(controls(temperature, size, scaled), table.box);

  function draw() {
    const root = Math.sqrt(data.sizes[size.index]);
    const scores = drags.map(drag => drag.value * root);
    const weights = arithmetic.softmax(scores.map(score => score / (scaled.on ? root : 1) / temperature.value));
    table.set(weights.map((weight, i) => ({ now: weight, text: `${two(scores[i])} → ${three(weight)}` })));
    const most = Math.max(...weights);
    const slope = most * (1 - most);
    say(`“${data.words[weights.indexOf(most)]}” has the largest weight, ${three(most)}; its slope w(1 − w) is ${three(slope)}.`
      + (slope < 0.02 ? " The softmax is saturated: hardly any gradient gets through." : ""));
  }
  draw();
}
