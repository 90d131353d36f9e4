{
  const model = choice("model and sentence", data.models.map(model => model.name), rebuild);
  const block = choice("block", ["1"], () => { heads(); draw(); });
  const head = choice("head", ["1"], draw);
  const words = make("div", {}), looks = make("div", { class: "chips" });
  stage.append(controls(model, block, head), words, make("p", {}, "It looks at:"), looks);
  let shown, group, columns;

  function rebuild() {
    shown = data.models[model.index];
    block.set(shown.weights.map((_, i) => String(i + 1)));
    heads();
    group = radios("This word looks (point, or arrow keys):", shown.writes, Math.min(1, shown.writes.length - 1), draw);
    words.replaceChildren(group.box);
    columns = shown.reads.map(word => {
      const bar = make("div", {}), number = make("span", { class: "number" });
      const box = make("div", { class: "look" }, number, make("div", { class: "column" }, bar), make("span", { class: "word" }, word));
      return { bar, number, box };
    });
    looks.replaceChildren(...columns.map(column => column.box));
    draw();
  }
  function heads() { head.set(shown.weights[block.index].map((_, i) => String(i + 1))); }
  function draw() {
    const row = shares(shown.weights[block.index][head.index][group.index]);
    const most = row.indexOf(Math.max(...row));
    columns.forEach(({ bar, number, box }, i) => {
      bar.style.height = `${100 * row[i]}%`;
      number.textContent = two(row[i]);
      box.classList.toggle("most", i === most);
    });
    say(`Block ${block.index + 1}, head ${head.index + 1}: “${shown.writes[group.index]}” looks most at “${shown.reads[most]}”, `
      + `with weight ${two(row[most])}.`);
  }
  rebuild();
}
