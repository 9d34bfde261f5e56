// Reading: a picture, its lines as text, which can be corrected.

import { $, ask, make, save, takesFiles, upload, voice, work } from "./ask.js";
import * as letter from "./letter.js";
import { element } from "./paper.js";

const say = voice("read");
const fields = () => [...document.querySelectorAll("#read-lines input")];
const text = () => fields().map(field => `${field.value}\n`).join("");

// The text of a line with the characters marked that are not sure.
function marked(line) {
  return make("p", { className: "doubt" }, ...[...line.text].map((c, place) =>
    line.doubtful.includes(place) ? make("mark", { textContent: c }) : c));
}

function show({ job, result }) {
  const size = Math.max(result.width, result.height) / 300;
  const boxes = result.lines.map(line => {
    const [left, top, right, bottom] = line.box;
    return element("rect", { class: "box", x: left - size, y: top - size, width: right - left + 2 * size, height: bottom - top + 2 * size });
  });
  const svg = element("svg", { class: "picture", viewBox: `0 0 ${result.width} ${result.height}`, role: "img", "aria-label": "The picture that was read" },
    element("image", { href: `shown?job=${job}`, width: result.width, height: result.height }), ...boxes);
  const lines = result.lines.map((line, number) => {
    const field = make("input", { value: line.text, spellcheck: true, autocomplete: "off" });
    const count = line.doubtful.length;
    field.setAttribute("aria-label", `Line ${number + 1}${count ? `, ${count} ${count === 1 ? "character" : "characters"} not sure` : ""}`);
    field.addEventListener("focus", () => boxes.forEach((box, other) => box.classList.toggle("here", other === number)));
    boxes[number].addEventListener("click", () => field.focus());
    return make("li", {}, field, ...(count ? [marked(line)] : []));
  });
  $("picture-lines").replaceChildren(svg);
  $("read-lines").replaceChildren(...lines);
  $("reading-result").hidden = false;
  fields()[0]?.focus();
}

async function read([file]) {
  if (!file) return;
  $("reading-result").hidden = true;
  say(`reading ${file.name}`);
  try {
    const made = await work(upload("read", file), $("reading"));
    if (made) show(made);
    say(made ? `${made.result.lines.length} lines read` : "cancelled");
  } catch (error) {
    say("", error.message);
  }
}

export async function start() {
  takesFiles($("picture"), read);
  $("save-text").addEventListener("click", () => save(new Blob([text()], { type: "text/plain" }), "read.txt"));
  $("write-text").addEventListener("click", () => {
    letter.take({ text: text() });
    location.hash = "#letter";
  });
  $("no-reader").hidden = await ask("reads");
}
