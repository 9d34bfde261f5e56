// The page: its parts, one of which is seen, as the end of the address says.

import { $, see, voice } from "./ask.js";
import * as hand from "./hand.js";
import * as letter from "./letter.js";
import * as read from "./read.js";
import * as runs from "./runs.js";

const PARTS = { letter, hand, read, runs };
const begun = new Set();

async function show() {
  const name = Object.hasOwn(PARTS, location.hash.slice(1)) ? location.hash.slice(1) : "letter";
  for (const part of Object.keys(PARTS)) $(part).hidden = part !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  see(name);
  try {
    if (!begun.has(name)) {
      begun.add(name);
      await PARTS[name].start();
    }
    await PARTS[name].shown?.();
  } catch (error) {
    voice(name)("", error.message);
  }
}

window.addEventListener("hashchange", show);
window.addEventListener("dragover", event => event.preventDefault());  // a file that misses its field is not opened
window.addEventListener("drop", event => event.preventDefault());
show();
