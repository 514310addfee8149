"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const recipes = read("recipes"), charts = read("charts"), knobs = read("knobs");
const dark = matchMedia("(prefers-color-scheme: dark)");

// ---- recipe
const recipe = document.getElementById("recipe");
if (recipe) {
  const said = document.getElementById("copied");
  document.getElementById("download").href = "data:text/yaml;charset=utf-8," + encodeURIComponent(recipe.textContent);
  document.getElementById("copy").addEventListener("click", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(recipe.textContent);
    } catch { // pages opened from disk may not have the clipboard
      getSelection().selectAllChildren(recipe);
      copied = document.execCommand("copy");
    }
    said.textContent = copied ? "copied" : "the recipe is selected: copy it with the keyboard";
  });
}

// ---- trials
const said = read("texts"), columns = Object.entries(read("rows"));
const rows = Array.from(recipes.made_of, (_, at) => {
  const row = { at, ...Object.fromEntries(columns.map(([name, values]) => [name, values[at]])) };
  return { ...row, state: said[row.state], reason: said[row.reason], left_out: row.left_out.map((i) => said[i]) };
});
// a recipe is made of forms: each is the text of a slot, and its numbers go between the pieces
const slots = (row) => {
  const numbers = recipes.numbers[row.at].split(" ");
  let from = 0;
  return recipes.made_of[row.at].map((i) => ({ form: recipes.forms[i], own: numbers.slice(from, from += recipes.forms[i].pieces.length - 1) }));
};
const yaml = (row) => slots(row).map(({ form, own }) => form.pieces.reduce((text, piece, i) => text + own[i - 1] + piece)).join("");
const slotOf = (form) => form.pieces[0].split(":", 1)[0];
const short = (value) => String(typeof value === "number" ? Number(value.toPrecision(Number.isInteger(value) ? 15 : 3)) : value);

// what a recipe decides otherwise than the baseline; parameters stand with their choice
const baseline = new Map(recipes.baseline === null ? [] : slots(rows[recipes.baseline]).map((slot) => [slotOf(slot.form), slot]));
const differs = ({ form, own }) => {
  const base = baseline.get(slotOf(form));
  return form !== base?.form || own.some((number, i) => number !== base.own[i]);
};
const chip = ({ form, own }) => {
  const [value, ...parameters] = Object.keys(form.knobs).map((knob) => {
    const text = short(knob in form.open ? Number(own[form.open[knob]]) : form.knobs[knob]);
    return knob.includes(".") ? `${knob.split(".").at(-1)} ${text}` : `${knob} = ${text}`;
  });
  return value + (parameters.length ? ` (${parameters.join(", ")})` : "");
};
const chips = (row) => slots(row).filter(differs).map(chip);

// each knob's values in the order of the rows, null where a trial does not have it; found when first asked for
const choices = {};
for (const knob of new Set(recipes.forms.flatMap((form) => Object.keys(form.knobs)))) {
  const find = () => rows.map((row) => {
    const slot = slots(row).find(({ form }) => knob in form.knobs);
    if (!slot) return null;
    return knob in slot.form.open ? Number(slot.own[slot.form.open[knob]]) : slot.form.knobs[knob];
  });
  let values;
  Object.defineProperty(choices, knob, { enumerable: true, get: () => values ??= find() });
}

// ---- leaderboard
const board = document.getElementById("board");
if (board) {
  const scroll = document.querySelector(".scroll"), shown = document.getElementById("shown");
  const filter = document.getElementById("filter"), state = document.getElementById("state");
  const heads = document.querySelectorAll("#board th");
  let sort = { key: "rank", up: true }, sorted = rows, found = [];

  const number = new Intl.NumberFormat("en");
  const cell = (tr, text, name) => { const td = tr.insertCell(); td.textContent = text ?? "–"; td.className = name ?? ""; return td; };
  const words = []; // of each row, in small letters
  const text = ({ at }) => words[at] ??= [rows[at].number, rows[at].state, rows[at].reason, ...rows[at].left_out, ...chips(rows[at]), yaml(rows[at])].join("\n").toLowerCase();

  // "optimizer = adam, lr < 0.01": every part must hold; a parameter may go by its last name; what is no expression is text
  const expression = /^([\w.]+)\s*(!=|<=|>=|=|<|>)\s*(.+)$/;
  const tests = {
    "=": (x, y) => x === y, "!=": (x, y) => x !== y,
    "<": (x, y) => x < y, "<=": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y,
  };
  const holds = (own, test, wanted) => {
    if (own === null) return false;
    if (typeof own !== "number" || Number.isNaN(Number(wanted))) return test(String(own).toLowerCase(), wanted);
    const given = Number(wanted); // chips show three digits, so three digits are enough to ask for
    return test(Number(own.toPrecision(3)) === given ? given : own, given);
  };
  const parse = (part) => {
    const parts = part.match(expression);
    if (!parts) return { accepts: (row) => text(row).includes(part) };
    const [, name, sign, wanted] = parts;
    const known = Object.keys(choices).filter((knob) => knob === name || knob.endsWith("." + name));
    const accepts = (row) => known.some((knob) => holds(choices[knob][row.at], tests[sign], wanted));
    return { accepts, unknown: known.length ? null : name };
  };
  const counts = []; // of each row's chips
  const values = { rank: (row) => row.at, chips: (row) => counts[row.at] ??= slots(row).filter(differs).length };
  const order = () => {
    const value = rows.map(values[sort.key] ?? ((row) => row[sort.key]));
    sorted = rows.toSorted((a, b) => {
      const x = value[a.at], y = value[b.at];
      if (x === y) return a.at - b.at;
      if (x === null) return 1; // what is not known stands last, whichever way it goes
      if (y === null) return -1;
      return (x < y ? -1 : 1) * (sort.up ? 1 : -1);
    });
  };

  // The table is drawn in parts, each a tbody, and only those near the window hold their rows; the others keep the place.
  const PART = 20, PRINTED = 1000;
  const opened = new Set(); // numbers of the trials whose recipe is shown
  let rowHeight = 64; // a guess, until one part is drawn
  const line = (row, place) => {
    const tr = document.createElement("tr");
    tr.className = "trial"; tr.dataset.at = row.at; tr.setAttribute("aria-rowindex", place + 2);
    cell(tr, row.rank, "n");
    const open = document.createElement("button");
    open.type = "button"; open.className = "open"; open.textContent = row.number;
    open.setAttribute("aria-expanded", opened.has(row.number)); open.setAttribute("aria-label", `trial ${row.number}, show recipe`);
    cell(tr, "", "n").append(open);
    cell(tr, row.score === null ? null : (100 * row.score).toFixed(2) + " %", "n");
    cell(tr, `${row.epochs} of ${row.planned}`, "n");
    cell(tr, row.state, row.state);
    cell(tr, row.seconds.toFixed(1), "n");
    cell(tr, row.parameters === null ? null : number.format(row.parameters), "n");
    const different = chips(row), last = cell(tr, "", "chips");
    for (const name of different) {
      const span = document.createElement("span");
      span.className = "chip"; span.textContent = name; last.append(span);
    }
    if (!different.length) last.textContent = "nothing: this is the baseline";
    if (row.reason) { const why = document.createElement("div"); why.className = row.state; why.textContent = row.reason; last.append(why); }
    return opened.has(row.number) ? [tr, detail(row)] : [tr];
  };
  const detail = (row) => {
    const tr = document.createElement("tr"), td = tr.insertCell(), pre = document.createElement("pre");
    tr.className = "detail"; td.colSpan = 8; pre.tabIndex = 0; pre.textContent = yaml(row);
    for (const reason of row.left_out) {
      const why = document.createElement("div");
      why.className = "quiet"; why.textContent = `left out: ${reason}`; td.append(why);
    }
    td.append(pre);
    return tr;
  };
  const fill = (part) => {
    if (part.dataset.filled) return;
    part.dataset.filled = "yes";
    const from = Number(part.dataset.from);
    part.replaceChildren(...found.slice(from, from + PART).flatMap((row, i) => line(row, from + i)));
  };
  const leave = (part, height) => {
    if (part.contains(document.activeElement)) return; // whoever reads on with the keyboard must not be thrown out
    const tr = document.createElement("tr"), td = tr.insertCell();
    tr.className = "gap"; tr.ariaHidden = "true"; td.colSpan = 8; td.style.height = `${height}px`;
    delete part.dataset.filled;
    part.replaceChildren(tr);
  };
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      if (isIntersecting) fill(target);
      else if (target.dataset.filled && target.isConnected) leave(target, boundingClientRect.height);
    }
  }, { root: scroll, rootMargin: "400px 0px" });
  const show = () => {
    const parts = filter.value.toLowerCase().split(",").map((part) => part.trim()).filter(Boolean).map(parse);
    const unknown = parts.find((part) => part.unknown)?.unknown;
    found = sorted.filter((row) => (!state.value || row.state === state.value) && parts.every((part) => part.accepts(row)));
    near.disconnect();
    const bodies = Array.from({ length: Math.ceil(found.length / PART) }, (_, i) => {
      const part = document.createElement("tbody");
      part.dataset.from = i * PART;
      if (i) leave(part, rowHeight * Math.min(PART, found.length - i * PART)); else fill(part);
      return part;
    });
    board.replaceChildren(board.tHead, ...bodies); scroll.scrollTop = 0;
    board.setAttribute("aria-rowcount", found.length + 1);
    bodies.forEach((part) => near.observe(part));
    shown.textContent = `${number.format(found.length)} of ${number.format(rows.length)} trials` + (unknown ? `: no knob is called ${unknown}` : "");
  };
  const toggle = (tr) => {
    const row = rows[tr.dataset.at], open = opened.delete(row.number);
    if (open) tr.nextElementSibling.remove(); else { opened.add(row.number); tr.after(detail(row)); }
    tr.querySelector(".open").setAttribute("aria-expanded", !open);
  };
  for (const th of heads) th.firstElementChild.addEventListener("click", () => {
    const key = th.dataset.key, first = key === "rank" || key === "number" || key === "state";
    sort = { key, up: sort.key === key ? !sort.up : first };
    for (const other of heads) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", sort.up ? "ascending" : "descending");
    order();
    show();
  });
  board.addEventListener("click", (event) => { const tr = event.target.closest("tr.trial"); if (tr) toggle(tr); });
  filter.addEventListener("input", show);
  state.addEventListener("change", show);
  addEventListener("beforeprint", () => {
    for (const part of board.tBodies) if (part.dataset.from < PRINTED) fill(part); else part.hidden = true;
    const most = Math.min(PRINTED, found.length);
    document.getElementById("printed").textContent = `${number.format(most)} of ${number.format(rows.length)} trials are printed`;
  });
  addEventListener("afterprint", show);
  show();
  rowHeight = board.tBodies[0].offsetHeight / Math.min(PART, found.length);
  // what to filter and sort by, a little at a time, so that the first letter typed need not wait for all
  const prepare = (idle) => {
    while (words.length < rows.length && idle.timeRemaining() > 2) { values.chips(rows[words.length]); text(rows[words.length]); }
    if (words.length < rows.length) requestIdleCallback(prepare);
  };
  globalThis.requestIdleCallback?.(prepare); // Safari has none
}

// ---- charts
const config = { showSendToCloud: false, plotlyServerURL: "", displaylogo: false, responsive: true };
const plot = (id, figure) => {
  const place = document.getElementById(id);
  if (!place || !figure) return;
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim();
  const layout = structuredClone(figure.layout), title = layout.title.text;
  delete layout.title; // plotly doesn't wrap titles: the caption above says it
  place.previousElementSibling.textContent = title;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", title);
  place.style.height = `${layout.height}px`;
  layout.font.color = ink;
  if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false; // a finger scrolls the page
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) layout[axis] = { ...layout[axis], gridcolor: line, linecolor: line, tickcolor: line };
  Plotly.react(place, figure.data, layout, config);
  if (id === "chart-parallel") followLines(place);
};
const knob = document.getElementById("knob");
const drawCharts = () => {
  for (const name of Object.keys(charts)) plot("chart-" + name, charts[name]);
  if (knob) plot("chart-knob", knobs[knob.value]);
};
knob?.addEventListener("change", () => plot("chart-knob", knobs[knob.value]));
dark.addEventListener("change", drawCharts);

// paper is white, whatever the screen is
const print = (on) => { document.documentElement.classList.toggle("printing", on); if (dark.matches) drawCharts(); };
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));
drawCharts();
