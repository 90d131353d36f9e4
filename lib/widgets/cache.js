{
  const { tokens, steps: all, bytes } = data;
  const cached = check("with a cache", true, draw);
  const model = choice("model", Object.keys(bytes), draw);
  const steps = stepper(all.cached.length - 1, draw);
  const table = make("table", { class: "steps" });
  stage.append(controls(cached, model), steps.box, make("div", { class: "scroll", tabindex: 0, role: "region",
    "aria-label": "steps and positions" }, table));

  function draw() {
    const rows = all[cached.on ? "cached" : "not cached"].slice(0, steps.value + 1);
    const cell = (step, place) => {
      if (place >= step.known) return make("td", {}, "");
      const computed = place >= step.known - step.computed;
      return make("td", { class: computed ? "computed" : "kept" }, computed ? "×" : "·");
    };
    table.replaceChildren(
      make("caption", {}, "× is computed in this step, · is kept from before"),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "step"),
        ...tokens.slice(0, -1).map(token => make("th", { scope: "col" }, token)), make("th", { scope: "col" }, "writes"))),
      make("tbody", {}, ...rows.map((step, i) => make("tr", {}, make("th", { scope: "row" }, i ? String(i + 1) : "1, prefill"),
        ...tokens.slice(0, -1).map((_, place) => cell(step, place)), make("td", {}, tokens[step.known])))));
    const computed = rows.reduce((sum, step) => sum + step.computed, 0);
    const known = rows.at(-1).known;
    const size = known * Object.values(bytes)[model.index] / 1000;
    say(`${computed} positions computed so far, ${rows.at(-1).computed} of them in this step. ` + (cached.on
      ? `The cache holds keys and values of ${known} positions: ${size.toFixed(1)} kB in 16-bit numbers.` : "Nothing is kept."));
  }
  draw();
}
