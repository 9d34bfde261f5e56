// The letter: a document in the browser, which the program writes by hand.

import { $, ask, make, save, voice, wait, work } from "./ask.js";
import { Paper } from "./paper.js";

const say = voice("letter");
const KEPT = "minirnn.letter", PAUSE = 250;  // ms without a key before it is written
const EXAMPLE = "{right} 12 May\n\nDear Ana,\n\nthank you for the book and for your kind letter.\n\nYours, Vera";

let letter = {}, usual = {}, pens = {}, history = [], timer = null, turn = 0, settled = true, theirs = false;
const paper = new Paper($("pages"), writeAgain, () => document.querySelector("input[name=what]:checked").value === "line");

// --- the document ---------------------------------------------------------------------------------------------------

function load() {
  letter = { ...usual, text: EXAMPLE };
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    for (const [key, value] of Object.entries(kept)) {
      if (typeof value === typeof usual[key]) letter[key] = value;
    }
    // As older pages kept it: how often a line was written again, alone.
    letter.again = Object.fromEntries(Object.entries(letter.again).map(([key, n]) => [key, [n].flat()]));
  } catch {
    // What cannot be read is as good as nothing.
  }
}

// Change the document; what it was can be had back. What is typed in one go is one change.
function change(values) {
  const now = JSON.stringify(letter);
  if (JSON.stringify({ ...letter, ...values }) === now) return;
  if (settled || !("text" in values)) history.push(now);
  settled = !("text" in values);
  theirs = false;
  history.splice(0, history.length - 200);
  letter = { ...letter, ...values };
  keep();
}

function keep() {
  localStorage.setItem(KEPT, JSON.stringify(letter));
  $("undo").disabled = !history.length;
  later();
}

function undo() {
  if (!history.length) return;
  letter = JSON.parse(history.pop());
  theirs = false;
  fill();
  keep();
}

// Write a word of a line again, or all of the line if `begin` is -1.
function writeAgain(key, begin) {
  const before = letter.again[key] ?? [0];
  change({ again: { ...letter.again, [key]: begin < 0 ? [before[0] + 1] : [...before, begin] } });
}

// The text of the letter, or the hand, is changed from another part of the page.
export function take(values) {
  if (usual.text === undefined) {  // this part of the page has not been looked at yet
    localStorage.setItem(KEPT, JSON.stringify({ ...JSON.parse(localStorage.getItem(KEPT) ?? "{}"), ...values }));
    return;
  }
  change(values);
  fill();
}

// --- writing --------------------------------------------------------------------------------------------------------

function later() {
  turn += 1;
  clearTimeout(timer);
  timer = setTimeout(write, PAUSE);
}

async function write() {
  const mine = ++turn;
  settled = true;
  $("stop").hidden = false;
  try {
    for (let left = 1; left > 0;) {
      const answer = await ask("write", { ...letter, known: paper.looks });
      if (mine !== turn) return;
      left = answer.left;
      paper.show(answer.pages, { ...letter, opacity: answer.opacity }, true);
      warn(answer.warnings);
      const pages = `${answer.pages.length} ${answer.pages.length === 1 ? "page" : "pages"}`;
      say(left ? `${pages}, ${left} lines to write` : `${pages}, written`);
    }
  } catch (error) {
    if (mine === turn) say(undefined, error.message);
  }
  if (mine === turn) $("stop").hidden = true;
}

// Each warning of the judge, with a button that writes the word or the line again.
function warn(general) {
  const items = general.map(text => make("li", { textContent: text }));
  for (const line of paper.lines) {
    for (const word of line.words.filter(word => word.fault || line.fault)) {
      const button = make("button", { type: "button", textContent: "Write it again" });
      button.setAttribute("aria-label", `Write “${word.text}” again`);
      button.addEventListener("click", () => paper.write(line.key, word.begin));
      items.push(make("li", {}, `“${word.text}” may be wrong: ${line.fault || word.fault} `, button));
    }
  }
  const said = items.map(item => item.textContent).join("\n");
  if (said === $("warnings").dataset.said) return;  // nothing new to be read aloud, and the focus stays
  $("warnings").dataset.said = said;
  $("warnings").replaceChildren(...items);
}

function stop() {
  turn += 1;
  clearTimeout(timer);
  $("stop").hidden = true;
  say("stopped");
}

async function keepFile(button) {
  const kind = button.dataset.kind, buttons = [...$("formats").children];
  for (const other of buttons) other.disabled = true;
  say(`drawing ${button.textContent}`);
  try {
    const asked = { ...letter, kind, plotter: $("plotter").value, transparent: $("transparent").checked };
    const made = await work(ask("draw", asked), $("drawing"));
    if (made) {
      const end = made.result.type === "application/zip" ? "zip" : kind === "animation" ? "svg" : kind;
      save(made.result, `letter.${end}`);
    }
    say(made ? `letter.${kind === "animation" ? "svg" : kind} is saved` : "cancelled");
  } catch (error) {
    say("", error.message);
  }
  for (const other of buttons) other.disabled = false;
}

// --- controls -------------------------------------------------------------------------------------------------------

const controls = () => document.querySelectorAll("[data-name]");

function valueOf(control) {
  if (control.type === "checkbox") return control.checked;
  return control.type === "range" ? Number(control.value) : control.value;
}

function label(control) {
  const output = control.parentElement.querySelector("output");
  const zero = Number(control.value) === 0 && control.dataset.zero;
  if (output) output.textContent = zero || `${control.value}${control.dataset.unit ?? ""}`;
}

// Put the document into the controls.
function fill() {
  if ($("text").value !== letter.text) $("text").value = letter.text;
  for (const control of controls()) {
    const value = letter[control.dataset.name];
    if (control.type === "checkbox") control.checked = value; else control.value = value;
    label(control);
  }
  $("colour").value = letter.colour || pens[letter.pen] || "#000000";
  for (const button of $("hands").children) {
    const chosen = letter.own ? button.dataset.own === letter.own : Number(button.dataset.hand) === letter.hand;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
}

function options(select, names) {
  select.replaceChildren(...names.map(name => new Option(name, name)));
}

function choose(button) {
  change(button.dataset.own ? { own: button.dataset.own } : { own: "", hand: Number(button.dataset.hand) });
  fill();
  button.focus();
}

function handButton(name, data) {
  const button = make("button", { type: "button", textContent: name });
  Object.assign(button.dataset, data);
  button.setAttribute("role", "radio");
  button.setAttribute("aria-label", data.own ? `Your hand ${name}` : `Hand ${name}`);
  button.addEventListener("click", () => choose(button));
  button.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...$("hands").children];
    choose(all[(all.indexOf(button) + step + all.length) % all.length]);
  });
  return button;
}

// The hands of one's own come and go.
export async function shown() {
  const ready = (await ask("own")).hands.filter(hand => hand.ready).map(hand => hand.name);
  for (const button of [...$("hands").children]) if (button.dataset.own && !ready.includes(button.dataset.own)) button.remove();
  const there = [...$("hands").children].map(button => button.dataset.own);
  $("hands").prepend(...ready.filter(name => !there.includes(name)).map(name => handButton(name, { own: name })));
  if (letter.own && !ready.includes(letter.own)) change({ own: "" });
  fill();
  specimens();
}

let drawing = false;

// One specimen after the other, and none while a letter is being written: there is one pen.
async function specimens() {
  if (drawing) return;
  drawing = true;
  for (const button of $("hands").children) {
    if (button.querySelector("svg")) continue;
    do await wait(500); while (!$("stop").hidden || $("letter").hidden);
    try {
      const { strokes, box } = await ask(`specimen?${new URLSearchParams(button.dataset)}`);
      const paths = strokes.map(d => `<path d="${d}"/>`).join("");
      button.insertAdjacentHTML("beforeend", `<svg viewBox="${box.join(" ")}" fill="none" stroke="currentColor" ` +
        `stroke-width=".5" stroke-linecap="round" stroke-linejoin="round" preserveAspectRatio="xMinYMid" aria-hidden="true">${paths}</svg>`);
    } catch {
      break;
    }
  }
  drawing = false;
}

export async function start() {
  const offered = await ask("choices");
  usual = offered.usual;
  pens = offered.pens;
  options($("pens"), Object.keys(pens));
  options($("papers"), offered.papers);
  options($("plotter"), offered.plotters.filter(name => !["axidraw", "hpgl"].includes(name)));
  for (let number = 1; number <= offered.hands; number += 1) $("hands").append(handButton(number, { hand: number }));
  load();
  fill();
  $("text").addEventListener("input", () => change({ text: $("text").value }));
  for (const control of controls()) {
    control.addEventListener("input", () => {
      label(control);
      const values = { [control.dataset.name]: valueOf(control) };
      if (control.dataset.name === "pen") values.colour = "";
      change(values);
      if (control.dataset.name === "pen") fill();
    });
  }
  $("colour").addEventListener("input", () => change({ colour: $("colour").value }));
  $("undo").addEventListener("click", undo);
  $("anew").addEventListener("click", () => change({ seed: letter.seed + 1, again: {} }));
  $("stop").addEventListener("click", stop);
  for (const button of $("formats").children) button.addEventListener("click", () => keepFile(button));
  // A second page keeps the same document; what it changes in one go can be undone here.
  window.addEventListener("storage", event => {
    if (event.key !== KEPT || !event.newValue || event.newValue === JSON.stringify(letter)) return;
    if (!theirs) history.push(JSON.stringify(letter));
    theirs = true;
    load();
    fill();
    $("undo").disabled = false;
    later();
  });
  $("proofread").hidden = await ask("reads");
  $("text").focus();
  write();
}
