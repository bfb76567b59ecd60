"use strict";

// Theme: the system's, light or dark; remembered where the browser allows a file to.
const themes = ["system", "light", "dark"];
const toggle = document.getElementById("theme");
function showTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  toggle.firstElementChild.textContent = theme;
}
function stored() {
  try { return localStorage.getItem("fhnbench-theme"); } catch { return null; }
}
let theme = themes.includes(stored()) ? stored() : "system";
showTheme(theme);
toggle.hidden = false;
toggle.addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  showTheme(theme);
  try { localStorage.setItem("fhnbench-theme", theme); } catch { /* a page from a file may have no storage */ }
});

// Sorting: a click or the keyboard on a heading; a second time reverses; empty cells stay last.
function compare(a, b) {
  const x = Number(a), y = Number(b);
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
}
function sort(heading) {
  const head = heading.parentElement, column = heading.cellIndex;
  const up = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of head.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0];
  const key = row => row.cells[column].dataset.key;
  const rows = [...body.rows].sort((a, b) => {
    if (!key(a) || !key(b)) return (key(a) ? 0 : 1) - (key(b) ? 0 : 1);
    return compare(key(a), key(b)) * (up ? 1 : -1);
  });
  body.append(...rows);
}
for (const button of document.querySelectorAll(".results thead button"))
  button.addEventListener("click", () => sort(button.parentElement));

// Paper shows what is folded on the screen.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});

// Hovering, tapping or focusing a contender shows its configuration and highlights it in every picture of its run.
const tip = document.getElementById("tip");
function leave() {
  tip.hidden = true;
  for (const element of document.querySelectorAll(".active")) element.classList.remove("active");
  for (const run of document.querySelectorAll(".dim")) run.classList.remove("dim");
}
function enter(element, x, y) {
  leave();
  const run = element.closest(".run"), name = element.dataset.row;
  const same = [...run.querySelectorAll("[data-row]")].filter(other => other.dataset.row === name);
  if (!same.some(other => other.closest(".picture"))) return;
  run.classList.add("dim");
  for (const other of same) other.classList.add("active");
  if (!element.dataset.tip) return;
  tip.textContent = element.dataset.tip;
  tip.hidden = false;
  const left = Math.min(x + 14, document.documentElement.clientWidth - tip.offsetWidth - 6);
  const below = y + 18 + tip.offsetHeight < innerHeight;
  tip.style.left = `${Math.max(6, left) + scrollX}px`;
  tip.style.top = `${(below ? y + 18 : y - tip.offsetHeight - 12) + scrollY}px`;
}
document.addEventListener("pointerover", event => {
  const element = event.target.closest?.("[data-row]");
  if (element) enter(element, event.clientX, event.clientY);
  else leave();
});
document.addEventListener("focusin", event => {
  const element = event.target.closest?.("[data-row]");
  if (!element) return leave();
  const box = element.getBoundingClientRect();
  enter(element, box.left + box.width / 2, box.bottom - 14);
});
document.addEventListener("focusout", leave);
document.addEventListener("keydown", event => { if (event.key === "Escape") leave(); });
for (const mark of document.querySelectorAll(".run > figure .picture [data-tip]")) {
  mark.setAttribute("tabindex", "0");
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", mark.dataset.tip);
}
