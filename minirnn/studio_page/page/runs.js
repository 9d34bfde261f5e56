// Trainings: the list of all, and one that is watched.

import { $, ask, make, voice, wait } from "./ask.js";
import { element } from "./paper.js";

const say = voice("runs");
const EVERY = 2000;  // ms between two looks at a training
const WIDTH = 640, HEIGHT = 260, EDGE = 44;

// The losses of a log as a picture, and as a table for those who do not see it.
function chart(log) {
  const curves = [["train_loss", "training", "one"], ["validation_loss", "validation", "two"]];
  const points = curves.map(([name]) => log.filter(row => row[name] !== null).map(row => [row.step, row[name]]));
  const losses = points.flat().map(point => point[1]);
  if (!losses.length) return make("p", { className: "hint", textContent: "no evaluation yet" });
  const steps = Math.max(1, ...log.map(row => row.step)), low = Math.min(...losses), high = Math.max(...losses, low + 1e-9);
  const x = step => EDGE + step / steps * (WIDTH - EDGE - 8), y = loss => 12 + (high - loss) / (high - low) * (HEIGHT - 42);
  const text = (words, at, anchor = "start") => element("text", { x: at[0], y: at[1], "text-anchor": anchor }, words);
  const svg = element("svg", {
    class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `Losses from ${high.toFixed(3)} to ${low.toFixed(3)} nats in ${steps} steps`,
  });
  svg.append(element("path", { class: "axes", d: `M${EDGE} 6V${HEIGHT - 26}H${WIDTH - 8}` }),
    text(high.toFixed(2), [EDGE - 6, 16], "end"), text(low.toFixed(2), [EDGE - 6, HEIGHT - 28], "end"),
    text("0", [EDGE, HEIGHT - 8]), text(`step ${steps}`, [WIDTH - 8, HEIGHT - 8], "end"));
  curves.forEach(([, words, style], number) => {
    if (!points[number].length) return;
    svg.append(element("path", { class: style, d: `M${points[number].map(([s, l]) => `${x(s).toFixed(1)} ${y(l).toFixed(1)}`).join("L")}` }),
      ...points[number].map(([s, l]) => element("circle", { class: style, cx: x(s), cy: y(l), r: 2.5 })),
      element("text", { class: style, x: WIDTH - 12, y: 20 + 18 * number, "text-anchor": "end" }, words));
  });
  const cells = row => [row.step, row.train_loss, row.validation_loss].map((n, column) => make("td", {
    textContent: n === null ? "" : column ? n.toFixed(4) : n }));
  const head = make("tr", {}, ...["step", "training loss", "validation loss"].map(name => make("th", { textContent: name, scope: "col" })));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...log.map(row => make("tr", {}, ...cells(row)))));
  return make("div", {}, svg, make("details", {}, make("summary", { textContent: "The losses as numbers" }), table));
}

function picture(path, name, words) {
  const source = `sample?${new URLSearchParams({ path, name })}`;
  return make("figure", {}, make("img", { src: source, alt: `${words}, step ${Number.parseInt(name)}` }),
    make("figcaption", { textContent: `${words}, step ${Number.parseInt(name)}` }));
}

// A training that is looked at again and again, as long as its place is seen.
export class RunView {
  constructor(place) {
    this.place = place;
    this.path = null;
    this.seen = "";
    this.turn = 0;
  }

  async watch(path, changed = () => {}) {
    const mine = ++this.turn;
    this.path = path;
    this.seen = "";
    if (!path) this.place.replaceChildren();
    while (path && mine === this.turn && !this.place.closest("main").hidden) {
      const run = await ask(`run?${new URLSearchParams({ path })}`);
      if (mine !== this.turn) return;
      this.show(run);
      changed(run);
      if (!run.training && run.quiet > 3600) return;
      await wait(EVERY);
    }
  }

  show(run) {
    const last = run.printed.split("\n").filter(line => line.trim()).at(-1) ?? "";
    const state = run.training ? "being trained" : `last changed ${run.quiet < 120 ? `${run.quiet} seconds` : `${Math.round(run.quiet / 60)} minutes`} ago`;
    const seen = JSON.stringify([run.log, run.pictures, run.windows, run.written]);
    if (seen === this.seen) {
      this.place.querySelector(".state").textContent = state;
      this.place.querySelector(".printed").textContent = last;
      return;
    }
    this.seen = seen;
    const row = run.row, parts = [
      make("h3", { textContent: row.run }), make("p", { className: "state", textContent: state }),
      make("p", { className: "printed hint", textContent: last }), chart(run.log),
    ];
    if (run.written) parts.push(make("h4", { textContent: row.task === "read" ? "What it reads" : "What it writes" }), make("pre", { textContent: run.written }));
    if (run.pictures.length) parts.push(picture(this.path, run.pictures.at(-1), "What it writes"));
    if (run.windows.length) parts.push(picture(this.path, run.windows.at(-1), "Where it looks in the text"));
    this.place.replaceChildren(...parts);
  }
}

let view = null;

export function start() {
  view = new RunView($("watched"));
}

export async function shown() {
  const { columns, runs } = await ask("runs");
  $("no-runs").hidden = runs.length > 0;
  $("run-table").hidden = !runs.length;
  $("run-table").tHead.replaceChildren(make("tr", {}, ...columns.map(name => make("th", { textContent: name, scope: "col" }))));
  $("run-table").tBodies[0].replaceChildren(...runs.map(row => {
    const button = make("button", { type: "button", textContent: row.run });
    button.addEventListener("click", () => watch(row.run));
    return make("tr", {}, make("td", {}, button), ...columns.slice(1).map(name => make("td", { textContent: row[name] })));
  }));
  if (view.path) watch(view.path);
}

function watch(path) {
  view.watch(path).catch(error => say("", error.message));
}
