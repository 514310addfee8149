// ---- trials side by side
// Okabe & Ito 2008, as in the other charts; dashes tell the lines apart without them
const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"], DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const finest = (scored) => scored.reduce((best, row) => row.score > best.score ? row : best);
const compared = () => {
  const picked = [...chosen].map((number) => rows.find((row) => row.number === number)).filter(Boolean);
  const scored = picked.filter((row) => row.score !== null);
  const title = scored.length ? `Of trials ${picked.map((row) => row.number).join(", ")}, trial ${finest(scored).number} reached the highest search score, ${percent(finest(scored).score)}` : "None of these trials has a score";
  const axis = { zeroline: false, automargin: true };
  return {
    data: picked.map((row, i) => {
      const y = curve(row);
      return {
        type: "scatter", mode: "lines+markers", name: `trial ${row.number}`, x: y.map((_, epoch) => epoch + 1), y,
        line: { color: COLORS[i], dash: DASHES[i], width: 2 }, marker: { size: 5, color: COLORS[i] }, hovertemplate: `trial ${row.number}, epoch %{x}: %{y:.2%}<extra></extra>`,
      };
    }),
    layout: {
      title: { text: title }, height: 360, margin: { l: 56, r: 16, t: 8, b: 48 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: true,
      font: { family: "system-ui, sans-serif", size: 13 }, hovermode: "closest", legend: { orientation: "h", y: 1, yanchor: "bottom" },
      xaxis: { title: { text: "epoch" }, ...axis }, yaxis: { title: { text: "validation score" }, tickformat: ".1%", ...axis },
    },
  };
};
const compare = () => {
  const picked = [...chosen].map((number) => rows.find((row) => row.number === number)).filter(Boolean);
  for (const box of board.querySelectorAll(".pick")) {
    box.checked = chosen.has(rows[box.closest("tr").dataset.at].number);
    box.disabled = !box.checked && chosen.size >= MOST;
  }
  document.getElementById("chosen").textContent = picked.length ? `${picked.length} of at most ${MOST} chosen${picked.length < 2 ? ": choose another to compare" : ""}` : "";
  document.getElementById("to-compared").hidden = document.getElementById("compared").hidden = picked.length < 2;
  if (picked.length < 2) return;
  const table = document.getElementById("compare"), all = document.getElementById("all-slots").checked;
  const line = (name, texts, kind) => {
    const tr = make("tr", undefined, kind), th = make("th", name);
    th.scope = "row";
    tr.append(th, ...texts.map((text) => make("td", text ?? "–")));
    return tr;
  };
  const head = make("tr"), corner = make("td");
  head.append(corner, ...picked.map((row, i) => {
    const th = make("th", ` trial ${row.number}`), swatch = make("span", "", "swatch");
    th.scope = "col"; swatch.style.background = COLORS[i]; th.prepend(swatch);
    return th;
  }));
  const facts = [
    ["confirmed score", (row) => percent(row.confirmed)], ["search score", (row) => percent(row.score)], ["epochs", (row) => `${row.epochs} of ${row.planned}`], ["state", (row) => row.state],
    ["time", (row) => `${row.seconds.toFixed(1)} s`], ["parameters", (row) => row.parameters === null ? null : number.format(row.parameters)], ["latency, batch 1", (row) => row.latency === null ? null : `${milliseconds(row.latency)} ms`],
  ].map(([name, of]) => line(name, picked.map(of)));
  const recipe = picked.map((row) => new Map(slots(row).map((slot) => [slotOf(slot.form), slot])));
  const texts = (slot) => recipe.map((its) => its.has(slot) ? choice(its.get(slot)) : null);
  const exact = (slot) => recipe.map((its) => its.has(slot) ? its.get(slot).form.pieces.join("\n") + its.get(slot).own : null);
  const names = [...new Set(recipe.flatMap((its) => [...its.keys()]))];
  const apart = names.filter((slot) => new Set(exact(slot)).size > 1);
  const recipes = (all ? names : apart).map((slot) => {
    const tr = line(slot, texts(slot), apart.includes(slot) ? "" : "same");
    recipe.forEach((its, i) => tr.cells[i + 1].classList.toggle("new", its.has(slot) && differs(its.get(slot))));
    return tr;
  });
  const between = line(apart.length ? `${apart.length} of ${names.length} slots differ; bold: otherwise than the baseline` : "The recipes agree in every slot", [], "between");
  between.firstChild.colSpan = picked.length + 1;
  table.replaceChildren(make("thead"), make("tbody"));
  table.tHead.append(head);
  table.tBodies[0].append(...facts, between, ...recipes);
  plot("chart-compared", compared());
};
document.getElementById("all-slots").addEventListener("change", () => compare());
document.getElementById("compare-none").addEventListener("click", () => { chosen.clear(); compare(); filter.focus(); });
