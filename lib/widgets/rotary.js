{
  const size = data.query.length, last = 40;
  const places = ["query", "key"].map((name, i) => slider(`${name} at position`,
    { min: 0, max: last, step: 1, value: data.shown[i] }, draw));
  const both = by => make("button", { type: "button", onclick: () => {
    if (places.some(place => place.value + by < 0 || place.value + by > last)) return;
    places.forEach(place => place.set(place.value + by));
    draw();
  } }, by < 0 ? "◀ both one back" : "both one on ▶");
  const dials = Array.from({ length: size / 2 }, (_, pair) => dial(pair));
  const row = make("div", { class: "chips" }, ...dials.map(dial => dial.box));
  stage.append(controls(...places, both(-1), both(1)), row);

  function dial(pair) {
    const arrow = (name, colour, dashes) => {
      const line = make("svg:line", { x1: 0, y1: 0, stroke: colour, "stroke-width": 4, "stroke-dasharray": dashes,
        "stroke-linecap": "round" });
      const letter = make("svg:text", { "dominant-baseline": "middle", style: "font-size: 18px; font-weight: 700" }, name);
      return { line, letter };
    };
    const q = arrow("q", "var(--fill)", "none"), k = arrow("k", "var(--mark)", "7 7");
    const told = make("span", { class: "number" });
    const drawing = make("svg:svg", { viewBox: "-135 -135 270 270", width: 140, height: 140, "aria-hidden": "true" },
      make("svg:circle", { r: 100, fill: "none", stroke: "var(--line)" }), k.line, q.line, k.letter, q.letter);
    return { q, k, told, box: make("div", { class: "look" }, make("span", {}, `pair ${pair + 1}, speed ${two(arithmetic.angles(1, size, data.base)[pair])}`), drawing, told) };
  }

  function place({ line, letter }, [a, b]) { // up is positive
    line.setAttribute("x2", 100 * a);
    line.setAttribute("y2", -100 * b);
    letter.setAttribute("x", 122 * a);
    letter.setAttribute("y", -122 * b);
  }

  function draw() {
    const [q, k] = [data.query, data.key].map((vector, which) => {
      const angles = arithmetic.angles(places[which].value, size, data.base);
      return angles.map((angle, pair) => arithmetic.turn(vector.slice(2 * pair, 2 * pair + 2), angle));
    });
    const products = q.map(([a, b], pair) => a * k[pair][0] + b * k[pair][1]);
    dials.forEach((dial, pair) => {
      place(dial.q, q[pair]);
      place(dial.k, k[pair]);
      dial.told.textContent = `q·k ${two(products[pair])}`;
    });
    const distance = places[0].value - places[1].value;
    say(`Distance ${String(distance).replace("-", "−")}: the score q · k, the sum over the pairs, is `
      + `${three(products.reduce((a, b) => a + b, 0))}.`);
  }
  draw();
}
