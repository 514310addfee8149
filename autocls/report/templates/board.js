// ---- leaderboard
const board = document.getElementById("board"), scroll = document.querySelector(".scroll");
const filter = document.getElementById("filter"), state = document.getElementById("state");
const MOST = 6; // trials side by side
const opened = new Set(); // numbers of the trials whose recipe is shown
const chosen = new Set(); // and of those that are compared
const refreshBoard = (() => {
  const heads = board.querySelectorAll("th"), shown = document.getElementById("shown");
  let sort = { key: "rank", up: true }, sorted, found, words, counts, suggested;

  const cell = (tr, text, name) => { const td = tr.insertCell(); td.textContent = text ?? "–"; td.className = name; return td; };
  // of each row, in small letters
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
  // what the last part may go on as: the choices that were made, the most frequent first, and the knobs that are numbers
  const suggest = () => {
    suggested ??= [...new Set(recipes.forms.flatMap((form) => Object.entries(form.knobs).map(([knob, value]) => value === null ? `${knob} < ` : `${knob} = ${value}`)))];
    const before = filter.value.slice(0, filter.value.lastIndexOf(",") + 1), typed = filter.value.slice(before.length).trim().toLowerCase();
    const fits = suggested.filter((each) => each.toLowerCase().includes(typed) && each.toLowerCase() !== typed).slice(0, 20);
    document.getElementById("suggestions").replaceChildren(...fits.map((each) => Object.assign(make("option"), { value: before + (before && " ") + each })));
  };
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
  let rowHeight = 64; // a guess, until one part is drawn
  const line = (row, place) => {
    const tr = make("tr", undefined, "trial");
    tr.dataset.at = row.at; tr.setAttribute("aria-rowindex", place + 2);
    const pick = Object.assign(make("input"), { type: "checkbox", className: "pick", checked: chosen.has(row.number) });
    pick.disabled = !pick.checked && chosen.size >= MOST;
    pick.setAttribute("aria-label", `compare trial ${row.number}`);
    cell(tr, "", "k-pick").append(pick);
    cell(tr, row.rank, "n k-rank");
    const open = make("button", row.number, "open");
    open.type = "button";
    open.setAttribute("aria-expanded", opened.has(row.number)); open.setAttribute("aria-label", `trial ${row.number}, show recipe`);
    cell(tr, "", "n k-number").append(open);
    cell(tr, percent(row.confirmed), "n k-confirmed");
    cell(tr, percent(row.score), "n k-score");
    cell(tr, `${row.epochs} of ${row.planned}`, "n k-epochs");
    cell(tr, row.state, "k-state " + row.state);
    cell(tr, row.seconds.toFixed(1), "n k-seconds");
    cell(tr, row.parameters === null ? null : number.format(row.parameters), "n k-parameters");
    cell(tr, milliseconds(row.latency), "n k-latency");
    const different = chips(row), last = cell(tr, "", "chips k-chips");
    last.append(...different.map((name) => make("span", name, "chip")));
    if (!different.length) last.textContent = "nothing: this is the baseline";
    if (row.reason) last.append(make("div", row.reason, row.state));
    return opened.has(row.number) ? [tr, detail(row)] : [tr];
  };
  const detail = (row) => {
    const tr = make("tr", undefined, "detail"), td = tr.insertCell(), pre = make("pre", yaml(row));
    td.colSpan = heads.length; pre.tabIndex = 0; pre.setAttribute("aria-label", `recipe of trial ${row.number}`);
    td.append(...row.left_out.map((reason) => make("div", `left out: ${reason}`, "quiet")), pre);
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
    const tr = make("tr", undefined, "gap"), td = tr.insertCell();
    tr.ariaHidden = "true"; td.colSpan = heads.length; td.style.height = `${height}px`;
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
      const part = make("tbody");
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
  const trialAt = (tr) => tr && { tr, number: rows[tr.dataset.at].number };

  // whoever reads a row goes on reading it, where it stands, though rows came in above it
  const top = () => scroll.scrollTop && trialAt([...board.querySelectorAll("tr.trial")].find((tr) => tr.getBoundingClientRect().bottom > scroll.getBoundingClientRect().top + board.tHead.offsetHeight));
  const drawn = (number) => {
    const place = found.findIndex((row) => row.number === number), part = board.tBodies[Math.floor(place / PART)];
    if (place < 0) return null;
    fill(part);
    return [...part.rows].find((tr) => tr.className === "trial" && rows[tr.dataset.at].number === number);
  };
  const refresh = () => {
    const first = top(), from = first && first.tr.getBoundingClientRect().top, to = scroll.scrollTop;
    const hold = board.contains(document.activeElement) && document.activeElement;
    const held = hold && trialAt(hold.closest("tr.trial"));
    return () => {
      words = []; counts = []; suggested = null;
      document.getElementById("no-trials").hidden = rows.length > 0;
      document.getElementById("trials").hidden = !rows.length;
      order();
      show();
      const same = first && drawn(first.number);
      scroll.scrollTop = same ? scroll.scrollTop + same.getBoundingClientRect().top - from : to;
      if (held) drawn(held.number)?.querySelector("." + hold.className)?.focus({ preventScroll: true });
      if (found.length) rowHeight = board.tBodies[0].offsetHeight / Math.min(PART, found.length);
      globalThis.requestIdleCallback?.(prepare); // Safari has none
    };
  };
  for (const th of heads) th.querySelector("button")?.addEventListener("click", () => {
    const key = th.dataset.key, first = key === "rank" || key === "number" || key === "state" || key === "latency";
    sort = { key, up: sort.key === key ? !sort.up : first };
    for (const other of heads) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", sort.up ? "ascending" : "descending");
    order();
    show();
  });
  board.addEventListener("click", ({ target }) => {
    const tr = target.closest("tr.trial");
    if (tr && !target.closest(".k-pick")) toggle(tr);
  });
  board.addEventListener("change", ({ target }) => {
    const row = rows[target.closest("tr").dataset.at];
    if (target.checked) chosen.add(row.number); else chosen.delete(row.number);
    compare();
  });
  filter.addEventListener("input", () => { suggest(); show(); });
  filter.addEventListener("focus", suggest);
  state.addEventListener("change", show);
  addEventListener("beforeprint", () => {
    for (const part of board.tBodies) if (part.dataset.from < PRINTED) fill(part); else part.hidden = true;
    const most = Math.min(PRINTED, found.length);
    document.getElementById("printed").textContent = `${number.format(most)} of ${number.format(rows.length)} trials are printed`;
  });
  addEventListener("afterprint", show);
  // what to filter and sort by, a little at a time, so that the first letter typed need not wait for all
  const prepare = (idle) => {
    while (words.length < rows.length && idle.timeRemaining() > 2) { values.chips(rows[words.length]); text(rows[words.length]); }
    if (words.length < rows.length) requestIdleCallback(prepare);
  };
  return refresh;
})();
