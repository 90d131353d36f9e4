{
  const { image, grid, maps } = data;
  const pixels = image.length, count = grid * grid;
  const map = choice("weights", maps.map(map => map.name), draw);
  const token = check("the class token looks", false, draw);
  const canvas = make("canvas", { width: pixels, height: pixels, "aria-hidden": "true" });
  const brush = canvas.getContext("2d");
  image.forEach((row, y) => [...row].forEach((ink, x) => {
    const grey = 255 - 17 * parseInt(ink, 16);
    brush.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
    brush.fillRect(x, y, 1, 1);
  }));
  const group = radios("This patch looks (point, or arrow keys):", Array.from({ length: count }, (_, i) => String(i + 1)), 5, draw,
    "image", "");
  group.inside.style.gridTemplateColumns = `repeat(${grid}, 1fr)`;
  const lines = group.boxes.map(box => box.appendChild(make("div", { class: "share", "aria-hidden": "true" })));
  group.inside.insertBefore(canvas, group.boxes[0]);
  const table = make("table", { class: "steps" });
  stage.append(controls(map, token), make("div", { class: "beside" }, group.box, table));

  function draw() {
    const weights = maps[map.index].weights;
    const extra = weights.length - count; // 1 where there is a class token
    token.box.hidden = !extra;
    const asks = extra && token.on ? 0 : group.index + extra;
    const row = shares(weights[asks]);
    const seen = row.slice(extra), most = seen.indexOf(Math.max(...seen));
    lines.forEach((line, i) => { line.style.width = `${100 * seen[i]}%`; });
    group.boxes.forEach((box, i) => box.classList.toggle("most", i === most));
    table.replaceChildren(make("caption", {}, "its weights, patch by patch"), make("tbody", {},
      ...Array.from({ length: grid }, (_, y) => make("tr", {}, ...seen.slice(grid * y, grid * y + grid).map((weight, x) =>
        make("td", { class: grid * y + x === most ? "computed" : "" }, two(weight)))))));
    const who = extra && token.on ? "The class token" : `Patch ${group.index + 1}`;
    say(`${who} looks most at patch ${most + 1}, with weight ${two(seen[most])}` + (extra ? `, and at the class token with ${two(row[0])}.` : "."));
  }
  draw();
}
