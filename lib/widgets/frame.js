"use strict";
// What all widgets share: elements, controls that the keyboard knows (range, select, button, radio), bars, a sentence.
const data = JSON.parse(document.getElementById("data").textContent);
const stage = document.getElementById("stage");

function make(tag, attributes = {}, ...children) {
  const one = tag.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) one.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) one.setAttribute(name, value === true ? "" : value);
  }
  one.append(...children);
  return one;
}

// A sentence for everybody, which a screen reader says when it changes.
function say(text) { document.getElementById("said").textContent = text; }

// A labelled slider; `show` writes its value. Its number is `.value`, and `.set(number)` moves it.
function slider(name, { min, max, step, value, show = String, labelled = true }, changed) {
  const input = make("input", { type: "range", min, max, step, value, "aria-label": labelled ? false : name });
  const told = make("output", {}, show(value));
  const update = () => { told.textContent = show(Number(input.value)); input.setAttribute("aria-valuetext", told.textContent); };
  input.addEventListener("input", () => { update(); changed(); });
  update();
  const box = labelled ? make("label", {}, make("span", {}, `${name}: `, told), input) : input;
  return { box, input, get value() { return Number(input.value); }, set(number) { input.value = number; update(); } };
}

function choice(name, options, changed) {
  const select = make("select", { onchange: changed }, ...options.map((option, i) => make("option", { value: i }, option)));
  return {
    box: make("label", {}, name, select),
    get index() { return select.selectedIndex; },
    set(names) { // other options; the place stays where it can
      const place = Math.min(select.selectedIndex, names.length - 1);
      select.replaceChildren(...names.map((option, i) => make("option", { value: i }, option)));
      select.selectedIndex = Math.max(place, 0);
    },
  };
}

function check(name, checked, changed) {
  const input = make("input", { type: "checkbox", checked, onchange: changed });
  return { box: make("label", { class: "check" }, input, name), get on() { return input.checked; } };
}

function controls(...parts) { return make("div", { class: "controls" }, ...parts.map(part => part.box || part)); }

// Back, next, and a slider over all steps; `reach` begins another row of steps.
function stepper(last, changed) {
  const all = slider("step", { min: 0, max: last, step: 1, value: 0, show: step => `${step} of ${last}` }, moved);
  const back = make("button", { type: "button", onclick: () => go(all.value - 1) }, "◀ back");
  const next = make("button", { type: "button", onclick: () => go(all.value + 1) }, "next ▶");
  function go(step) { all.set(step); moved(); }
  function moved() { ends(); changed(); }
  function ends() { // subtle: a button that is disabled while it has the focus would lose it
    back.setAttribute("aria-disabled", all.value === 0);
    next.setAttribute("aria-disabled", all.value === last);
  }
  function reach(steps) { last = steps; all.input.max = steps; go(0); }
  ends();
  return { box: controls(back, next, all), reach, get value() { return all.value; } };
}

// Radio buttons that look like words: arrow keys go from one to the next, and so does the mouse when it passes.
let groups = 0;
function radios(legend, labels, chosen, changed, look = "chips", chip = "chip") {
  const name = `group${groups += 1}`;
  const boxes = labels.map((label, i) => {
    const input = make("input", { type: "radio", name, value: i, checked: i === chosen, onchange: () => pick(i) });
    return make("label", { class: chip, onmouseenter: () => { input.checked = true; pick(i); } }, input, make("span", {}, label));
  });
  let index = chosen;
  function mark() { boxes.forEach((box, i) => box.classList.toggle("chosen", i === index)); }
  function pick(i) { if (i !== index) { index = i; mark(); changed(); } }
  mark();
  const inside = make("div", { class: look }, ...boxes);
  return { box: make("fieldset", {}, make("legend", {}, legend), inside), inside, boxes, get index() { return index; } };
}

// A table of bars. rows: {name, now, before, text, cut, control}, shares from 0 to 1.
function bars(caption, rows) {
  const parts = rows.map(row => {
    const part = { name: make("th", { scope: "row" }, row.name), before: make("div", { class: "before" }),
      now: make("div", { class: "now" }), text: make("td", { class: "number" }) };
    const track = make("td", {}, make("div", { class: "track" }, part.before, part.now));
    part.row = make("tr", {}, part.name, ...(row.control ? [make("td", { class: "control" }, row.control)] : []), track, part.text);
    return part;
  });
  const kind = rows[0].control ? "dragged" : rows.some(row => row.name.length > 20) ? "bars long" : "bars";
  const table = make("table", { class: kind }, make("caption", {}, caption),
    make("tbody", {}, ...parts.map(part => part.row)));
  return {
    box: table,
    set(news) {
      news.forEach(({ now, before = 0, text, cut = false }, i) => {
        parts[i].now.style.width = `${100 * now}%`;
        parts[i].before.style.width = `${100 * before}%`;
        parts[i].text.textContent = text;
        parts[i].row.classList.toggle("cut", cut);
      });
    },
  };
}

const shares = row => row.split(" ").map(number => number / 1000); // how weights are recorded
const two = number => number.toFixed(2).replace("-", "−");
const three = number => number.toFixed(3).replace("-", "−");

// The book makes the frame as high as what is in it; a notebook gives it a fixed height. Both say if they are dark.
new ResizeObserver(() => parent.postMessage({ widgetHeight: Math.ceil(document.documentElement.offsetHeight) }, "*"))
  .observe(document.documentElement);
addEventListener("message", message => {
  if (message.source === parent && message.data && message.data.theme) document.documentElement.dataset.theme = message.data.theme;
});
