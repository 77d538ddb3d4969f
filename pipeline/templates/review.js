"use strict";
const $ = (id) => document.getElementById(id);
const main = $("clips");
const player = new Audio();
let clips = [];
let playing = null;
let saving = Promise.resolve();

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
  clearTimeout(say.timer);
  if (text) say.timer = setTimeout(() => say(""), 5000);
}
async function ask(path, method, body) {
  const answer = await fetch(path, {
    method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([said.error ?? `error ${answer.status}`, said.hint].filter(Boolean).join("; "));
  return said;
}
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const path = (clip, kind) => `clips/${encodeURIComponent(clip.id)}${kind}`;

function fill(clip) {
  const row = clip.row;
  row.classList.toggle("kept", clip.kept);
  row.querySelector("textarea").value = clip.text;
  row.querySelector(".verdict").textContent = (clip.kept ? "kept" : "dropped") + (clip.reviewed ? ", reviewed" : "");
  row.querySelector(".reasons").textContent = clip.reasons.join(", ");
  row.querySelector("summary").textContent = `${clock(clip.start_s)}, ${(clip.end_s - clip.start_s).toFixed(1)} s`;
  row.querySelector(".undo").hidden = !clip.reviewed;
  row.querySelector("summary").title = clip.title;
  row.querySelector("dl").replaceChildren(...Object.entries(clip.measures).flatMap(([name, value]) => {
    const term = document.createElement("dt"), figure = document.createElement("dd");
    term.textContent = name;
    figure.textContent = Number(value.toPrecision(4));
    return [term, figure];
  }));
  row.querySelector(".witnesses").replaceChildren(...Object.entries(clip.witnesses).filter((entry) => entry[1] !== clip.text && entry[1]).map(([name, said]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${name}: ${said}`;
    button.title = "take this text";
    button.addEventListener("click", () => judge(clip, clip.kept, said));
    return button;
  }));
}
function draw(clip) {
  const row = $("clip").content.firstElementChild.cloneNode(true);
  clip.row = row;
  row.id = clip.id;
  row.querySelector("img").src = path(clip, ".webp");
  row.querySelector(".play").addEventListener("click", () => play(clip));
  row.querySelector(".keep").addEventListener("click", () => judge(clip, true));
  row.querySelector(".drop").addEventListener("click", () => judge(clip, false));
  row.querySelector(".undo").addEventListener("click", () => undo(clip));
  row.querySelector("textarea").addEventListener("change", () => judge(clip, clip.kept));
  fill(clip);
  return row;
}
function take(clip, said) {
  if (said === null) return load();  // it was another cut's: the list itself is another now
  Object.assign(clip, said);
  fill(clip);
  count();
}
function save(clip, method, body) {
  // One after the other: leaving a text and pressing "drop" are two verdicts, and the later one counts.
  saving = saving.then(() => ask(path(clip, ""), method, body)).then((said) => take(clip, said)).catch((error) => say(`not saved: ${error.message}`));
}
function judge(clip, kept, text) {
  save(clip, "POST", { kept, text: text ?? clip.row.querySelector("textarea").value });
}
function undo(clip) {
  save(clip, "DELETE");
}
function stop() {
  if (playing) playing.row.querySelector(".play").setAttribute("aria-pressed", "false");
  player.pause();
  playing = null;
}
function play(clip) {
  const same = playing === clip;
  stop();
  if (same) return;
  playing = clip;
  clip.row.querySelector(".play").setAttribute("aria-pressed", "true");
  player.src = `${path(clip, ".wav")}?context=${$("context").value}`;
  player.play().catch(() => stop());
}
player.addEventListener("ended", stop);

function filter() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const show = $("show").value;
  for (const clip of clips) {
    const about = [clip.text, ...clip.reasons, ...Object.values(clip.witnesses)].join(" ").toLowerCase();
    const wanted = { "": true, kept: clip.kept, dropped: !clip.kept, new: !clip.reviewed, reviewed: clip.reviewed }[show];
    clip.row.hidden = !(wanted && words.every((word) => about.includes(word)));
  }
  count();
}
function order() {
  const measure = $("order").value;
  const key = measure.replace(/^-/, "");
  const sign = measure.startsWith("-") ? -1 : 1;
  const ordered = [...clips];
  if (measure) ordered.sort((a, b) => {
    const [x, y] = [a, b].map((clip) => key === "length" ? clip.end_s - clip.start_s : clip.measures[key]);
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
    return sign * (x - y);
  });
  main.append(...ordered.map((clip) => clip.row));
}
function count() {
  const kept = clips.filter((clip) => clip.kept);
  const minutes = kept.reduce((sum, clip) => sum + clip.end_s - clip.start_s, 0) / 60;
  const shown = clips.filter((clip) => !clip.row.hidden).length;
  const reviewed = clips.filter((clip) => clip.reviewed).length;
  $("count").textContent = `${kept.length} of ${clips.length} clips kept, ${minutes.toFixed(1)} minutes; ${reviewed} reviewed; ${shown} shown`;
}
async function load() {
  clips = await (await fetch("clips.json")).json();
  const names = [...new Set(clips.flatMap((clip) => Object.keys(clip.measures)))].sort();
  const chosen = $("order").value;
  $("order").replaceChildren(new Option("as spoken", ""), ...["length", ...names].flatMap((name) => [new Option(`${name}, least first`, name), new Option(`${name}, most first`, `-${name}`)]));
  $("order").value = chosen;
  main.replaceChildren(...clips.map(draw));
  order();
  filter();
}
$("show").addEventListener("change", filter);
$("search").addEventListener("input", filter);
$("order").addEventListener("change", order);
$("done").addEventListener("click", async () => {
  document.activeElement.blur();
  try {
    await saving;
    await ask("done", "POST");
    stop();
    document.body.replaceChildren(Object.assign(document.createElement("p"), { id: "bye", textContent: "Saved. The dataset is being built; this page can be closed." }));
  } catch (error) { say(error.message); }
});
document.addEventListener("keydown", (event) => {
  const inside = event.target.closest?.("article");
  if (event.key === "Escape" && inside) { inside.focus(); return; }
  if (event.target.closest?.("textarea, input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest?.("button, summary")) return;
  const rows = [...main.children].filter((row) => !row.hidden);
  const place = rows.indexOf(inside);
  const clip = clips.find((one) => one.row === inside);
  const move = { j: 1, k: -1 }[event.key];
  if (move) rows[Math.min(rows.length - 1, Math.max(0, place + move))]?.focus();
  else if (clip && event.key === " ") play(clip);
  else if (clip && event.key === "y") judge(clip, true);
  else if (clip && event.key === "n") judge(clip, false);
  else if (clip && event.key === "u") undo(clip);
  else if (clip && event.key === "e") clip.row.querySelector("textarea").focus();
  else return;
  event.preventDefault();
});
load().catch((error) => say(error.message));
