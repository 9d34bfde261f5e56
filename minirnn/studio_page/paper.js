// Draws written pages as SVG. Lines that did not change keep their elements; new ones write themselves.

const SVG = "http://www.w3.org/2000/svg";
const FASTER = 2.5;  // than a hand's own pace

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function ink(paths) {
  return paths.map(path => element("path", { stroke: path.colour, "stroke-width": path.width, d: path.d }));
}

function lineElement(line, size, again) {
  const [x, y, width] = line.box;
  const mark = element("rect", { class: "mark", x: x - 1, y: y - 2.4 * size, width: width + 2, height: 3.6 * size, rx: 1 });
  const made = element("g", {
    class: "line", tabindex: 0, role: "button", "data-key": line.key,
    "aria-label": `${line.text}.${line.fault ? ` May be wrong: ${line.fault}.` : ""} Press Enter to write it again.`,
  }, mark);
  if (line.fault) {
    made.append(element("title", {}, `may be wrong: ${line.fault}`));
    made.append(element("path", { class: "fault", d: `M${x} ${y + size}h${width}` }));
  }
  made.addEventListener("click", () => again(line.key));
  made.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      again(line.key);
    }
  });
  return made;
}

// Write the strokes one after the other, then put the pen's true ink in their place.
function writeItself(made, line, delay) {
  const last = line.strokes.at(-1);
  const group = element("g", { class: "writing", stroke: line.ink.at(-1)?.colour ?? "#000", "stroke-width": line.ink[0]?.width ?? 0.3 });
  for (const stroke of line.strokes) {
    const path = element("path", { pathLength: 1, d: stroke.d });
    path.style.animationDelay = `${delay + stroke.start / FASTER}s`;
    path.style.animationDuration = `${Math.max(0.01, stroke.length / FASTER)}s`;
    group.append(path);
  }
  made.append(group);
  const end = last ? delay + (last.start + last.length) / FASTER : delay;
  setTimeout(() => group.replaceWith(...ink(line.ink)), 1000 * end + 100);
  return end;
}

// What a line looks like: as long as this is the same, its element is kept.
function looks(line) {
  return JSON.stringify([line.box, line.fault, line.ink]);
}

export class Paper {
  constructor(place, again) {
    this.place = place;
    this.again = again;
    this.known = new Map();  // key -> {looks, element}
  }

  // Shows pages; lines whose look is new write themselves if `moving`. Returns how many were kept and how many are new.
  show(pages, settings, moving) {
    const before = this.known, focused = document.activeElement?.dataset?.key;
    this.known = new Map();
    let delay = 0, kept = 0, fresh = 0;
    const drawn = pages.map((page, number) => {
      const svg = element("svg", {
        class: "page", viewBox: `0 0 ${page.width} ${page.height}`, fill: "none", "stroke-linecap": "round",
        "stroke-linejoin": "round", role: "group", "aria-label": `Page ${number + 1} of ${pages.length}`,
      });
      svg.append(...page.guides.map(guide => element("path", { stroke: guide.colour, "stroke-width": 0.15, d: guide.d })));
      svg.append(...ink(page.loose));
      const written = element("g", { opacity: settings.opacity });
      svg.append(written);
      for (const line of page.lines) {
        const look = looks(line), old = before.get(line.key);
        let made = old?.element;
        if (old?.looks !== look) {
          made = lineElement(line, settings.letter_size, this.again);
          // A line that only moved, or got another ink, is drawn at once; one that was not there is written.
          const isNew = !old || old.strokes !== line.strokes.length;
          if (isNew && moving) {
            delay = writeItself(made, line, delay);
          } else {
            made.append(...ink(line.ink));
          }
          fresh += 1;
        } else {
          kept += 1;
        }
        this.known.set(line.key, { looks: look, element: made, strokes: line.strokes.length });
        written.append(made);
      }
      return svg;
    });
    this.place.replaceChildren(...drawn);
    if (focused !== undefined) this.known.get(focused)?.element.focus({ preventScroll: true });
    return { kept, fresh };
  }
}
