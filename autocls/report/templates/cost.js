// ---- the best recipe under limits
const pick = () => {
  const said = document.getElementById("picked"), box = document.getElementById("picked-box");
  if (!said) return; // no trial is complete yet
  const most = (id) => { const given = document.getElementById(id); return given && given.value !== "" ? Number(given.value) : Infinity; };
  const parameters = most("most-parameters"), latency = most("most-latency");
  const picks = read("picks"); // the winner, then the best first: the first that fits is the best that does
  const found = picks.find((pick) => (pick.parameters ?? Infinity) <= parameters && (pick.latency ?? Infinity) <= latency);
  said.textContent = found ? found.said : "No complete trial is within these limits: loosen one, or search again with the limits set.";
  box.hidden = !found;
  if (!found) return;
  const row = rows[found.at], different = chips(row);
  document.getElementById("picked-recipe").textContent = yaml(row);
  document.getElementById("picked-chips").replaceChildren(...different.map((name) => make("span", name, "chip")), ...(different.length ? [] : ["This is the baseline."]));
  box.querySelector("[data-download]").download = `trial-${found.trial}.yaml`;
  box.querySelector("[role=status]").textContent = "";
};
document.addEventListener("input", ({ target }) => { if (target.closest("#limits")) pick(); });
