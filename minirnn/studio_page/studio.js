// The page: a document in the browser, which the program writes by hand.

import { Paper } from "./paper.js";

const $ = id => document.getElementById(id);
const KEPT = "minirnn.letter", PAUSE = 350;  // ms without a key before it is written
const EXAMPLE = "{right} 12 May\n\nDear Ana,\n\nthank you for the book and for your kind letter.\n\nYours, Vera";

let letter = {}, usual = {}, history = [], timer = null, turn = 0, settled = true;
const paper = new Paper($("pages"), writeAgain);

async function ask(path, body) {
  let response;
  try {
    response = await fetch(path, body && {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The program does not answer. Start it again and open the address that it prints; your text is kept.");
  }
  const isJson = response.headers.get("Content-Type") === "application/json";
  const answer = isJson ? await response.json() : await response.blob();
  if (!response.ok) throw new Error(answer.error ?? "The program refused this.");
  return answer;
}

// --- the document ---------------------------------------------------------------------------------------------------

function load() {
  try {
    letter = { ...usual, text: EXAMPLE, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
  } catch {
    letter = { ...usual, text: EXAMPLE };
  }
}

// Change the document; what it was can be had back. What is typed in one go is one change.
function change(values) {
  const now = JSON.stringify(letter);
  if (JSON.stringify({ ...letter, ...values }) === now) return;
  if (settled || !("text" in values)) history.push(now);
  settled = !("text" in values);
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
  fill();
  keep();
}

function writeAgain(key) {
  change({ again: { ...letter.again, [key]: (letter.again[key] ?? 0) + 1 } });
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
      const answer = await ask("write", letter);
      if (mine !== turn) return;
      left = answer.left;
      paper.show(answer.pages, { ...letter, opacity: answer.opacity }, true);
      $("warnings").replaceChildren(...warningsOf(answer).map(text => Object.assign(document.createElement("li"), { textContent: text })));
      const pages = `${answer.pages.length} ${answer.pages.length === 1 ? "page" : "pages"}`;
      $("status").textContent = left ? `${pages}, ${left} lines to write` : `${pages}, written`;
      $("error").textContent = "";
    }
  } catch (error) {
    if (mine === turn) $("error").textContent = error.message;
  }
  if (mine === turn) $("stop").hidden = true;
}

function warningsOf(answer) {
  const wrong = answer.pages.flatMap(page => page.lines).filter(line => line.fault);
  return [...answer.warnings, ...wrong.map(line => `“${line.text}” may be wrong: ${line.fault}. Click on it to write it again.`)];
}

function stop() {
  turn += 1;
  clearTimeout(timer);
  $("stop").hidden = true;
  $("status").textContent = "stopped";
}

async function save(button) {
  const kind = button.dataset.kind;
  button.disabled = true;
  $("status").textContent = `drawing ${button.textContent}`;
  try {
    const blob = await ask("draw", { ...letter, kind, plotter: $("plotter").value, transparent: $("transparent").checked });
    const end = blob.type === "application/zip" ? "zip" : kind === "animation" ? "svg" : kind;
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `letter.${end}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    $("status").textContent = `letter.${end} is saved`;
    $("error").textContent = "";
  } catch (error) {
    $("error").textContent = error.message;
  }
  button.disabled = false;
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
    const chosen = Number(button.dataset.hand) === letter.hand;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
}

let pens = {};

function options(select, names) {
  select.replaceChildren(...names.map(name => new Option(name, name)));
}

function chooseHand(number) {
  change({ hand: number });
  fill();
}

function handButtons(count) {
  for (let number = 1; number <= count; number += 1) {
    const button = document.createElement("button");
    Object.assign(button, { textContent: number, type: "button" });
    button.dataset.hand = number;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", `Hand ${number}`);
    button.addEventListener("click", () => chooseHand(number));
    button.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = (number - 1 + step + count) % count;
      $("hands").children[next].focus();
      chooseHand(next + 1);
    });
    $("hands").append(button);
  }
}

// One specimen after the other, and none while a letter is being written: there is one pen.
async function specimens() {
  for (const button of $("hands").children) {
    while (!$("stop").hidden) await new Promise(done => setTimeout(done, 500));
    try {
      const { strokes, box } = await ask(`specimen?hand=${button.dataset.hand}`);
      const paths = strokes.map(d => `<path d="${d}"/>`).join("");
      button.insertAdjacentHTML("beforeend", `<svg viewBox="${box.join(" ")}" fill="none" stroke="currentColor" ` +
        `stroke-width=".5" stroke-linecap="round" stroke-linejoin="round" preserveAspectRatio="xMinYMid" aria-hidden="true">${paths}</svg>`);
    } catch {
      return;
    }
  }
}

async function start() {
  const offered = await ask("choices");
  usual = offered.usual;
  pens = offered.pens;
  options($("pens"), Object.keys(pens));
  options($("papers"), offered.papers);
  options($("plotter"), offered.plotters.filter(name => !["axidraw", "hpgl"].includes(name)));
  handButtons(offered.hands);
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
  for (const button of $("formats").children) button.addEventListener("click", () => save(button));
  await write();
  specimens();
}

start().catch(error => { $("error").textContent = error.message; });
