// ---- charts
const config = { showSendToCloud: false, plotlyServerURL: "", displaylogo: false, responsive: true };
const plot = (id, figure) => {
  const place = document.getElementById(id);
  if (!place || !figure) return;
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim();
  const layout = structuredClone(figure.layout), title = layout.title.text;
  delete layout.title; // plotly doesn't wrap titles: the caption above says it
  place.previousElementSibling.textContent = title;
  place.setAttribute("role", "group"); // no image: its buttons must be reached
  place.setAttribute("aria-label", title);
  place.style.height = `${layout.height}px`;
  layout.font.color = ink;
  layout.uirevision = id; // a newer rendering keeps what was zoomed to
  if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false; // a finger scrolls the page
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) layout[axis] = { ...layout[axis], gridcolor: line, linecolor: line, tickcolor: line };
  Plotly.react(place, figure.data, layout, config);
  if (id === "chart-parallel") followLines(place);
};
let charts, knobs;
const drawCharts = () => {
  for (const name of Object.keys(charts)) plot("chart-" + name, charts[name]);
  const knob = document.getElementById("knob");
  if (knob) plot("chart-knob", knobs[knob.value]);
  if (chosen.size > 1) plot("chart-compared", compared());
};
document.addEventListener("change", ({ target }) => { if (target.id === "knob") plot("chart-knob", knobs[target.value]); });
dark.addEventListener("change", drawCharts);
// paper is white, whatever the screen is, and nothing on it unfolds
const folded = [];
const print = (on) => {
  document.documentElement.classList.toggle("printing", on);
  if (on) folded.push(...document.querySelectorAll("details:not([open])"));
  for (const details of on ? folded : folded.splice(0)) details.open = on;
  if (dark.matches) drawCharts();
};
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));

const draw = () => { charts = read("charts"); knobs = read("knobs"); drawCharts(); };
