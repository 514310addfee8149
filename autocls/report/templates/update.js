// ---- a newer rendering of this page takes its place, and whoever reads it is not disturbed
const purge = (node) => { for (const chart of node.querySelectorAll?.(".js-plotly-plot") ?? []) Plotly.purge(chart); };
const drop = (node) => {
  if (node.matches?.(".js-plotly-plot")) Plotly.purge(node);
  purge(node);
  node.remove();
};
// By its id, and what is unfolded by its summary, a part is found again though others came in before it.
const known = (node) => node.id || (node.nodeName === "DETAILS" && node.firstElementChild.textContent);
// Make a part of the page like that of the newer one. What a reader may have changed stays: what is unfolded or typed,
// and what this script draws, which is marked "keep" or "chart".
const morph = (old, fresh) => {
  for (const { name, value } of fresh.attributes) if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  let at = old.firstChild;
  for (const node of fresh.childNodes) {
    const same = known(node) && [...old.children].find((child) => known(child) === known(node));
    if (same && same !== at) old.insertBefore(same, at), at = same;
    if (at && at.nodeName === node.nodeName && at.id === node.id) {
      if (node.nodeType !== Node.ELEMENT_NODE) at.data = node.data;
      else if (!at.matches(".keep, .chart")) morph(at, node);
      at = at.nextSibling;
    } else {
      old.insertBefore(document.importNode(node, true), at);
    }
  }
  while (at) { const next = at.nextSibling; drop(at); at = next; }
};
const update = (doc) => {
  const refresh = refreshBoard(); // where the reader is, before anything moves
  const selects = [...document.querySelectorAll("main select")].map((select) => [select, select.value]);
  document.title = doc.title;
  for (const part of ["body > header", "main"]) morph(document.querySelector(part), doc.querySelector(part));
  for (const [select, value] of selects) if ([...select.options].some((option) => option.value === value)) select.value = value;
  for (const block of doc.querySelectorAll('script[type="application/json"]')) document.getElementById(block.id).textContent = block.textContent;
  load();
  refresh();
  for (const number of [...chosen]) if (!rows.some((row) => row.number === number)) chosen.delete(number);
  compare();
  pick();
  draw();
};

refreshBoard()();
pick();
draw();
