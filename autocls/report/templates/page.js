"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const rows = read("rows"), choices = read("choices"), charts = read("charts"), knobs = read("knobs");
const CHUNK = 200; // rows drawn at once; more come as the reader scrolls
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

// ---- leaderboard
const board = document.querySelector("#board tbody");
if (board) {
  const scroll = document.querySelector(".scroll"), shown = document.getElementById("shown");
  const filter = document.getElementById("filter"), state = document.getElementById("state");
  const order = new Map(rows.map((row, i) => [row.number, i]));
  let sort = { key: "rank", up: true }, found = [], drawn = 0;

  const number = new Intl.NumberFormat("en");
  const cell = (tr, text, name) => { const td = tr.insertCell(); td.textContent = text ?? "–"; td.className = name ?? ""; return td; };
  const text = (row) => [row.number, row.state, row.reason, ...row.left_out, ...row.chips, row.recipe].join("\n").toLowerCase();

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
    const accepts = (row) => known.some((knob) => holds(choices[knob][order.get(row.number)], tests[sign], wanted));
    return { accepts, unknown: known.length ? null : name };
  };
  const value = (row) => {
    if (sort.key === "rank") return order.get(row.number);
    return sort.key === "chips" ? row.chips.length : row[sort.key];
  };
  const compare = (a, b) => {
    const x = value(a), y = value(b);
    if (x === y) return order.get(a.number) - order.get(b.number);
    if (x === null) return 1; // what is not known stands last, whichever way it goes
    if (y === null) return -1;
    return (x < y ? -1 : 1) * (sort.up ? 1 : -1);
  };
  const draw = () => {
    for (const row of found.slice(drawn, drawn + CHUNK)) {
      const tr = board.insertRow();
      tr.className = "trial"; tr.dataset.number = row.number;
      cell(tr, row.rank, "n");
      const open = document.createElement("button");
      open.type = "button"; open.className = "open"; open.textContent = row.number;
      open.setAttribute("aria-expanded", "false"); open.setAttribute("aria-label", `trial ${row.number}, show recipe`);
      cell(tr, "", "n").append(open);
      cell(tr, row.score === null ? null : (100 * row.score).toFixed(2) + " %", "n");
      cell(tr, `${row.epochs} of ${row.planned}`, "n");
      cell(tr, row.state, row.state);
      cell(tr, row.seconds.toFixed(1), "n");
      cell(tr, row.parameters === null ? null : number.format(row.parameters), "n");
      const chips = cell(tr, "", "chips");
      for (const name of row.chips) {
        const chip = document.createElement("span");
        chip.className = "chip"; chip.textContent = name; chips.append(chip);
      }
      if (!row.chips.length) chips.textContent = "nothing: this is the baseline";
      if (row.reason) { const why = document.createElement("div"); why.className = row.state; why.textContent = row.reason; chips.append(why); }
    }
    drawn = Math.min(found.length, drawn + CHUNK);
  };
  const show = () => {
    const parts = filter.value.toLowerCase().split(",").map((part) => part.trim()).filter(Boolean).map(parse);
    const unknown = parts.find((part) => part.unknown)?.unknown;
    found = rows.filter((row) => (!state.value || row.state === state.value) && parts.every((part) => part.accepts(row))).sort(compare);
    board.replaceChildren(); drawn = 0; scroll.scrollTop = 0; draw();
    shown.textContent = `${number.format(found.length)} of ${number.format(rows.length)} trials` + (unknown ? `: no knob is called ${unknown}` : "");
  };
  const toggle = (tr) => {
    const open = tr.querySelector(".open"), next = tr.nextElementSibling;
    if (next?.classList.contains("detail")) { next.remove(); open.setAttribute("aria-expanded", "false"); return; }
    const detail = document.createElement("tr"), td = document.createElement("td"), pre = document.createElement("pre");
    detail.className = "detail"; td.colSpan = 8; pre.tabIndex = 0;
    const row = rows[order.get(Number(tr.dataset.number))];
    pre.textContent = row.recipe;
    for (const reason of row.left_out) {
      const why = document.createElement("div");
      why.className = "quiet"; why.textContent = `left out: ${reason}`; td.append(why);
    }
    td.append(pre); detail.append(td); tr.after(detail); open.setAttribute("aria-expanded", "true");
  };
  for (const th of document.querySelectorAll("#board th")) th.firstElementChild.addEventListener("click", () => {
    const key = th.dataset.key, first = key === "rank" || key === "number" || key === "state";
    sort = { key, up: sort.key === key ? !sort.up : first };
    for (const other of document.querySelectorAll("#board th")) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", sort.up ? "ascending" : "descending");
    show();
  });
  board.addEventListener("click", (event) => { const tr = event.target.closest("tr.trial"); if (tr) toggle(tr); });
  scroll.addEventListener("scroll", () => {
    if (scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 400) draw();
  });
  filter.addEventListener("input", show);
  state.addEventListener("change", show);
  addEventListener("beforeprint", () => { while (drawn < found.length) draw(); });
  show();
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
  layout.font.color = ink;
  for (const axis of ["xaxis", "yaxis"]) layout[axis] = { ...layout[axis], gridcolor: line, linecolor: line, tickcolor: line };
  Plotly.react(place, figure.data, layout, config);
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
