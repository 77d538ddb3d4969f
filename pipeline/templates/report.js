"use strict";
const table = document.getElementById("clips");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const player = new Audio();
let playing = null;

function mark(button, on) {
  button.setAttribute("aria-pressed", String(on));
  button.closest("tr").classList.toggle("playing", on);
}
player.addEventListener("ended", () => { if (playing) mark(playing, false); playing = null; });
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.play");
  if (!button) return;
  const same = playing === button;
  if (playing) { player.pause(); mark(playing, false); playing = null; }
  if (same) return;
  player.src = button.dataset.sound;
  playing = button;
  mark(button, true);
  player.play().catch(() => { if (playing === button) { mark(button, false); playing = null; } });
});

function value(row, column) {
  const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const number = Number(text);
  return text === "" ? null : Number.isNaN(number) ? text : number;
}
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
table.tHead.addEventListener("click", (event) => {
  const head = event.target.closest("th");
  if (!head || !event.target.closest("button")) return;
  const descending = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const keyed = rows.map((row, place) => [value(row, head.cellIndex), place, row]);
  keyed.sort((a, b) => {
    // What was not measured stands last either way.
    if (a[0] === null || b[0] === null) return (a[0] === null) - (b[0] === null) || a[1] - b[1];
    return (descending ? compare(b[0], a[0]) : compare(a[0], b[0])) || a[1] - b[1];
  });
  body.append(...keyed.map((entry) => entry[2]));
});

const verdict = document.getElementById("verdict");
const search = document.getElementById("search");
const count = document.getElementById("count");
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0, seconds = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const wanted = (!verdict.value || row.dataset.verdict === verdict.value) && words.every((word) => text.includes(word));
    row.hidden = !wanted;
    if (wanted) { shown += 1; seconds += Number(row.dataset.seconds); }
  }
  count.textContent = `${shown} clips, ${(seconds / 60).toFixed(1)} minutes`;
}
verdict.addEventListener("change", filter);
search.addEventListener("input", filter);
filter();
