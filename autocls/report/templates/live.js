
// ---- live: asks for a newer rendering of this page, and has it taken over in place
{
  const EVERY = 2000, HIDDEN = 30000, LONG = 300; // ms between questions; seconds without news that are worth a word
  const bar = document.getElementById("live"), status = bar.querySelector("[role=status]"), news = document.getElementById("news");
  let heard = Date.now(), silent = 0, ended = bar.dataset.ended === "yes", gone = 0, wrong = "", timer;

  const ago = (seconds) => seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
  const say = (what, rest) => {
    if (status.textContent !== what) status.textContent = what; // read aloud only when it changes
    news.textContent = rest;
  };
  const tell = () => {
    bar.className = ended ? "ended" : gone > 1 ? "gone" : "";
    if (ended) say("the search has ended", `its report is ${bar.dataset.report}`);
    else if (gone > 1) say("no answer", `the search has ended, or was stopped; its report will be ${bar.dataset.report}`);
    else if (wrong) say("live", wrong);
    else if (silent > LONG) say("live", `nothing new for ${ago(silent)}: a long epoch, or the search was killed`);
    else say("live", `updated ${ago((Date.now() - heard) / 1000)} ago`);
  };
  const take = (doc) => {
    const next = doc.getElementById("live");
    if (!next) return;
    Object.assign(bar.dataset, next.dataset);
    ended = bar.dataset.ended === "yes";
    // a page that can't take news over in place begins anew
    if (typeof update === "function" && doc.querySelector("main")) update(doc); else location.reload();
  };
  const ask = async () => {
    clearTimeout(timer);
    let text = null;
    try {
      const answer = await fetch("update", { cache: "no-store", headers: { "If-None-Match": `"${bar.dataset.stamp}"` } });
      silent = (Date.parse(answer.headers.get("Date")) - Date.parse(answer.headers.get("Last-Modified"))) / 1000 || 0;
      wrong = answer.status >= 500 ? await answer.text() : "";
      if (answer.ok) text = await answer.text();
      gone = answer.ok || answer.status === 304 || wrong ? 0 : gone + 1;
    } catch {
      gone += 1;
    }
    if (text !== null) {
      heard = Date.now();
      take(new DOMParser().parseFromString(text, "text/html"));
    }
    tell();
    if (!ended) timer = setTimeout(ask, document.hidden ? HIDDEN : EVERY * Math.min(8, 1 + gone));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !ended) ask(); });
  setInterval(tell, 1000);
  tell();
  if (!ended) timer = setTimeout(ask, document.querySelector("main") ? EVERY : 0);
}
