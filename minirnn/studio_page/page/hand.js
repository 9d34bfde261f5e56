// A hand of one's own: a name, the sheet, photographs, what was found in them, the training.

import { $, ask, make, takesFiles, upload, voice, work } from "./ask.js";
import * as letter from "./letter.js";
import { RunView } from "./runs.js";

const say = voice("hand");
const KEPT = "minirnn.hand";
let state = {}, view = null;

const name = () => $("hand-name").value.trim();

async function refresh(answer) {
  state = answer ?? await ask(`own?${new URLSearchParams({ name: name() })}`);
  $("hand-names").replaceChildren(...state.hands.map(hand => new Option(hand.name)));
  const photos = state.photos ?? [];
  $("photo-list").replaceChildren(...photos.map(photo => {
    const button = make("button", { type: "button", textContent: "Remove" });
    button.setAttribute("aria-label", `Remove ${photo}`);
    button.addEventListener("click", () => told(async () => refresh(await ask("remove-photo", { name: name(), photo }))));
    return make("li", {}, `${photo} `, button);
  }));
  showFound(state.report);
  buttons();
}

function buttons() {
  const lines = (state.report?.pages ?? []).flatMap(page => page.lines).filter(line => !line.fault);
  $("read-sheet").disabled = !state.photos?.length;
  $("train").disabled = !lines.length || state.training;
  $("continue").disabled = !state.run || state.training;
  $("stop-training").disabled = !state.training;
  $("use").disabled = !state.hands?.find(hand => hand.name === name())?.ready;
}

function showFound(report) {
  if (!report) return $("found").replaceChildren();
  const parts = [];
  for (const page of report.pages) {
    const good = page.lines.filter(line => !line.fault);
    const source = `found?${new URLSearchParams({ name: name(), number: page.number, of: Date.now() })}`;
    parts.push(make("h3", { textContent: `${page.photo}: page ${page.number}, ${good.length} of ${page.lines.length} lines` }),
      make("ul", {}, ...page.lines.filter(line => line.fault).map(line => make("li", { textContent: `“${line.text}” left out: ${line.fault}` }))),
      make("img", { className: "found", src: source, alt: `What was found on page ${page.number}: ${good.map(line => line.text).join(" ")}` }));
  }
  for (const { photo, reason } of report.refused) parts.push(make("p", { className: "bad", textContent: `${photo} refused: ${reason}` }));
  $("found").replaceChildren(...parts);
}

// Do something, and say what goes wrong.
async function told(what) {
  try {
    say("");
    await what();
  } catch (error) {
    say("", error.message);
  }
}

async function add(files) {
  for (const [number, file] of files.entries()) {
    say(`taking photograph ${number + 1} of ${files.length}`);
    await refresh(await upload(`photo?${new URLSearchParams({ name: name(), photo: file.name })}`, file));
  }
  say(`${files.length} taken`);
  await readSheet();
}

async function readSheet() {
  $("read-sheet").disabled = true;
  try {
    const made = await work(ask("read-sheet", { name: name() }), $("reading-sheet"));
    say(made ? "the photographs are read" : "cancelled");
  } finally {
    await refresh();
  }
}

async function train(more) {
  await refresh(await ask("train", { name: name(), continue: more }));
  say("the training has begun");
  watch();
}

function watch() {
  view.watch(state.run, async run => {
    if (run.training !== state.training || run.log.length !== watch.seen) await refresh();
    watch.seen = run.log.length;
    if (state.failed) say("", state.failed);
  }).catch(async error => {
    await refresh();
    say("", state.failed || error.message);
  });
}

export async function start() {
  view = new RunView($("hand-run"));
  $("hand-name").value = localStorage.getItem(KEPT) ?? "my hand";
  $("hand-name").addEventListener("change", () => {
    localStorage.setItem(KEPT, name());
    told(shown);
  });
  takesFiles($("photos"), files => told(() => add(files)));
  $("read-sheet").addEventListener("click", () => told(readSheet));
  $("train").addEventListener("click", () => told(() => train(false)));
  $("continue").addEventListener("click", () => told(() => train(true)));
  $("stop-training").addEventListener("click", () => told(async () => {
    await refresh(await ask("stop", { name: name() }));
    say("the training saves and ends");
  }));
  $("use").addEventListener("click", () => {
    letter.take({ own: name() });
    location.hash = "#letter";
  });
}

export async function shown() {
  await refresh();
  watch();
}
