{
  const { words, logits, starts } = data;
  const temperature = slider("temperature", { min: 0.1, max: 3, step: 0.1, value: starts.temperature, show: two }, draw);
  const k = slider("top-k", { min: 1, max: words.length, step: 1, value: starts.top_k,
    show: k => k === words.length ? "off" : String(k) }, draw);
  const p = slider("top-p", { min: 0.05, max: 1, step: 0.05, value: starts.top_p, show: p => p === 1 ? "off" : two(p) }, draw);
  const bar = slider("min-p", { min: 0, max: 1, step: 0.05, value: starts.min_p, show: p => p === 0 ? "off" : two(p) }, draw);
  const table = bars(`after “${data.text} …”; dashed: before anything is cut`, words.map(name => ({ name })));
  stage.append(controls(temperature, k, p, bar), table.box);

  function draw() {
    let now = logits.map(logit => logit / temperature.value);
    const before = arithmetic.softmax(now);
    const by = words.map(() => "");
    const steps = [["top-k", part => arithmetic.topK(part, k.value)], ["top-p", part => arithmetic.topP(part, p.value)],
      ["min-p", part => bar.value ? arithmetic.minP(part, bar.value) : part]];
    for (const [name, cut] of steps) {
      now = cut(now);
      now.forEach((logit, i) => { if (logit === -Infinity && !by[i]) by[i] = name; });
    }
    const after = arithmetic.softmax(now);
    table.set(after.map((share, i) => ({ now: share, before: before[i], cut: by[i] !== "",
      text: by[i] ? `cut by ${by[i]}` : three(share) })));
    const gone = before.filter((_, i) => by[i]).reduce((a, b) => a + b, 0);
    say(`${by.filter(name => !name).length} of ${words.length} words are left; what is cut had ${three(gone)} of the probability.`);
  }
  draw();
}
