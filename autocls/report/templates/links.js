// ---- a link to what is folded opens it
const reveal = () => {
  const place = document.getElementById(location.hash.slice(1));
  if (place instanceof HTMLDetailsElement) place.open = true;
};
addEventListener("hashchange", reveal);
// the second click on a link changes nothing in the address
document.addEventListener("click", ({ target }) => { if (target.closest?.("a")?.getAttribute("href") === location.hash) reveal(); });
reveal();
