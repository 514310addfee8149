"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((th, at) => th.firstElementChild?.addEventListener("click", () => {
    const of = (body) => body.rows[0].cells[at].dataset.value;
    const bodies = [...table.tBodies], numbers = bodies.every((body) => !Number.isNaN(Number(of(body))));
    const up = th.ariaSort ? th.ariaSort !== "ascending" : !numbers; // numbers begin with the largest
    bodies.sort((a, b) => {
      const x = of(a), y = of(b);
      if (x === "" || y === "") return (x === "") - (y === ""); // what is not known stands last, whichever way it goes
      return (numbers ? x - y : x.localeCompare(y)) * (up ? 1 : -1);
    });
    for (const other of heads) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    table.append(...bodies);
  }));
}
