{
  const { nodes, best } = data;
  const depth = Math.max(...nodes.map(node => node.depth));
  const wide = 74, high = 44;
  const path = new Set();
  for (let node = best; node !== null; node = nodes[node].parent) path.add(node);
  const columns = Array.from({ length: depth + 1 }, (_, d) => [...nodes.keys()].filter(i => nodes[i].depth === d));
  columns.forEach((column, d) => { // children stand in the order of their parents
    const above = node => d ? columns[d - 1].indexOf(nodes[node].parent) : 0;
    column.sort((a, b) => above(a) - above(b) || nodes[b].chance - nodes[a].chance);
  });
  const tallest = Math.max(...columns.map(column => column.length));
  const places = new Map(columns.flatMap((column, d) =>
    column.map((i, y) => [i, [wide * (d + 0.5), high * (tallest / 2 + y - (column.length - 1) / 2)]])));
  const steps = stepper(depth, draw);
  const drawing = make("svg:svg", { width: wide * (depth + 1), height: high * tallest, style: "max-width: none", role: "img",
    "aria-label": "the tree of beginnings; the table below has its newest words" });
  const scroll = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "tree" }, drawing);
  const table = make("div", {});
  stage.append(make("p", {}, `To translate, with ${data.beams} beams: “${data.source}”`), steps.box, scroll, table);

  function beginning(node) {
    const words = [];
    for (; nodes[node].parent !== null; node = nodes[node].parent) words.unshift(nodes[node].word);
    return words.join(" ") || nodes[node].word;
  }
  function draw() {
    const last = steps.value, done = last === depth;
    const parts = [];
    nodes.forEach((node, i) => {
      if (node.depth > last) return;
      const [x, y] = places.get(i), thick = done && path.has(i);
      if (node.parent !== null) {
        const [from, level] = places.get(node.parent);
        parts.push(make("svg:line", { x1: from + 24, y1: level, x2: x - 24, y2: y, stroke: node.kept ? "var(--fill)" : "var(--line)",
          "stroke-width": thick ? 4 : 1.5, "stroke-dasharray": node.kept ? "none" : "2 4" }));
      }
    });
    nodes.forEach((node, i) => {
      if (node.depth > last) return;
      const [x, y] = places.get(i);
      const weight = done && path.has(i) ? "font-weight: 700" : "";
      parts.push(make("svg:text", { x, y: y - 2, class: node.kept ? "" : "soft", style: weight }, node.word),
        make("svg:text", { x, y: y + 11, class: "soft", style: "font-size: 10px" }, node.chance.toPrecision(2)));
    });
    drawing.replaceChildren(...parts);
    scroll.scrollLeft = wide * (last + 1.5) - scroll.clientWidth;
    const newest = [...columns[last]].sort((a, b) => nodes[b].chance - nodes[a].chance), most = nodes[newest[0]].chance;
    const rows = bars(`beginnings of ${last} words, by probability; struck through: dropped`, newest.map(i => ({ name: beginning(i) })));
    rows.set(newest.map(i => ({ now: nodes[i].chance / most, text: nodes[i].chance.toPrecision(3), cut: !nodes[i].kept })));
    table.replaceChildren(rows.box);
    say(last === 0 ? "Only the start is there." : done ? `Done. The best: “${beginning(best)}”.`
      : `${newest.filter(i => nodes[i].kept).length} of ${newest.length} beginnings go on; “${nodes[newest[0]].word}” leads.`);
  }
  draw();
}
