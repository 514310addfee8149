"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const make = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

// what a newer rendering may replace is listened to from here, so nothing is ever listened to twice
const copy = async (button) => {
  const from = document.getElementById(button.dataset.copy);
  from.closest("details")?.setAttribute("open", ""); // so that what is copied, or must be by hand, is seen
  let copied = true;
  try {
    await navigator.clipboard.writeText(from.textContent);
  } catch { // pages opened from disk may not have the clipboard
    getSelection().selectAllChildren(from);
    copied = document.execCommand("copy");
  }
  button.parentElement.querySelector("[role=status]").textContent = copied ? "copied" : "it is selected: copy it with the keyboard";
};
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy]"), link = target.closest("[data-download]");
  if (button) copy(button);
  if (link) link.href = "data:text/yaml;charset=utf-8," + encodeURIComponent(document.getElementById(link.dataset.download).textContent);
});
document.addEventListener("submit", (event) => event.preventDefault());
