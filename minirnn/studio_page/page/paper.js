// Draws written pages as SVG. Lines that did not change keep their elements; new ones write themselves.

const SVG = "http://www.w3.org/2000/svg";
const FASTER = 2.5;  // than a hand's own pace

export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function ink(paths) {
  return paths.map(path => element("path", { stroke: path.colour, "stroke-width": path.width, d: path.d }));
}

// A word that can be clicked on; `size` is the height of a small letter.
function wordElement(word, line, size) {
  const [x, , width] = word.box, y = line.box[1];
  const wrong = word.fault || line.fault;
  const made = element("g", {
    class: "word", tabindex: -1, role: "button", "data-begin": word.begin,
    "aria-label": `${word.text}${wrong ? `, may be wrong: ${wrong}` : ""}`,
  }, element("rect", { class: "mark", x, y: y - 2.4 * size, width, height: 3.6 * size, rx: 1 }));
  if (wrong) {
    made.append(element("title", {}, `may be wrong: ${wrong}`));
    made.append(element("path", { class: "fault", d: `M${x + 1} ${y + 0.9 * size}h${width - 2}` }));
  }
  return made;
}

function lineElement(line, size) {
  return element("g", { class: "line", role: "group", "data-key": line.key, "aria-label": line.text },
    ...line.words.map(word => wordElement(word, line, size)), element("g", { class: "ink" }));
}

// Write the strokes from `first` to `stop` one after the other, then put the pen's true ink in the place of all.
function writeItself(place, line, delay, first, stop) {
  const group = element("g", { class: "writing", stroke: line.ink.at(-1)?.colour ?? "#000", "stroke-width": line.ink[0]?.width ?? 0.3 });
  const begin = delay - (line.strokes[first]?.start ?? 0) / FASTER;
  let end = delay;
  line.strokes.forEach((stroke, number) => {
    const path = element("path", { d: stroke.d });
    if (number >= first && number < stop) {
      path.setAttribute("pathLength", 1);
      path.setAttribute("class", "new");
      path.style.animationDelay = `${begin + stroke.start / FASTER}s`;
      path.style.animationDuration = `${Math.max(0.01, stroke.length / FASTER)}s`;
      end = begin + (stroke.start + stroke.length) / FASTER;
    }
    group.append(path);
  });
  place.append(group);
  setTimeout(() => group.replaceWith(...ink(line.ink)), 1000 * end + 100);
  return end;
}

export class Paper {
  // `again(key, begin)` is called for the word that begins with this character of the line, -1 for all of the line.
  constructor(place, again, isLine) {
    this.place = place;
    this.again = again;
    this.isLine = isLine;  // whether a click means the line
    this.known = new Map();  // key -> {line, element}
    this.fresh = null;  // {key, begin} of a word that was asked for again
    place.addEventListener("click", event => this.asked(event));
    place.addEventListener("keydown", event => this.pressed(event));
    place.addEventListener("focusin", event => this.only(event.target.closest(".word")));
  }

  get looks() {
    return [...this.known.values()].map(({ line }) => line.look);
  }

  get lines() {
    return [...this.known.values()].map(({ line }) => line);
  }

  asked(event) {
    const word = event.target.closest(".word");
    if (!word) return;
    const whole = this.isLine() !== event.shiftKey;
    this.write(word.parentElement.dataset.key, whole ? -1 : Number(word.dataset.begin));
  }

  write(key, begin) {
    this.fresh = { key, begin };
    this.again(key, begin);
  }

  pressed(event) {
    const word = event.target.closest(".word");
    if (!word) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.asked(event);
      return;
    }
    const words = [...this.place.querySelectorAll(".word")], at = words.indexOf(word);
    const lines = [...this.place.querySelectorAll(".line")], line = lines.indexOf(word.parentElement);
    const beside = { ArrowLeft: words[at - 1], ArrowRight: words[at + 1], Home: words[0], End: words.at(-1) }[event.key];
    const other = lines[line + ({ ArrowUp: -1, ArrowDown: 1 }[event.key] ?? NaN)];
    const x = made => made.querySelector(".mark").x.baseVal.value;
    const nearest = other && [...other.querySelectorAll(".word")]
      .reduce((a, b) => Math.abs(x(b) - x(word)) < Math.abs(x(a) - x(word)) ? b : a);
    const next = beside ?? nearest;
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  // One word alone is reached by the Tab key, the others from there by arrow keys.
  only(word) {
    for (const other of this.place.querySelectorAll('.word[tabindex="0"]')) other.setAttribute("tabindex", -1);
    word?.setAttribute("tabindex", 0);
  }

  // Shows pages; what is new writes itself if `moving`.
  show(pages, settings, moving) {
    const before = this.known, focused = document.activeElement?.closest?.(".word");
    const at = focused && { key: focused.parentElement.dataset.key, begin: focused.dataset.begin };
    this.known = new Map();
    let delay = 0;
    const drawn = pages.map((page, number) => {
      const svg = element("svg", {
        class: "page", viewBox: `0 0 ${page.width} ${page.height}`, fill: "none", "stroke-linecap": "round",
        "stroke-linejoin": "round", role: "group", "aria-label": `Page ${number + 1} of ${pages.length}`,
      });
      svg.append(...page.guides.map(guide => element("path", { stroke: guide.colour, "stroke-width": 0.15, d: guide.d })));
      const written = element("g", { opacity: settings.opacity }, ...ink(page.loose));
      svg.append(written);
      for (const sent of page.lines) {
        const old = before.get(sent.key), line = sent.ink ? sent : old.line;
        let made = old?.element;
        if (old?.line.look !== line.look) {
          made = lineElement(line, settings.letter_size);
          delay = this.draw(made.querySelector(".ink"), line, old?.line, moving, delay);
        }
        this.known.set(line.key, { line, element: made });
        written.append(made);
      }
      return svg;
    });
    this.place.replaceChildren(...drawn);
    this.only(this.place.querySelector(".word"));
    if (at) {
      const made = this.known.get(at.key)?.element;
      (made?.querySelector(`[data-begin="${at.begin}"]`) ?? made?.querySelector(".word"))?.focus({ preventScroll: true });
    }
  }

  // A line that was not there, or was asked for again, writes itself; one that only moved or got other ink is drawn.
  draw(place, line, old, moving, delay) {
    const asked = this.fresh?.key === line.key ? this.fresh : null;
    const word = asked && line.words.find(word => word.begin === asked.begin);
    if (asked) this.fresh = null;
    if (moving && word) return writeItself(place, line, delay, ...word.strokes);
    if (moving && (asked || !old || old.strokes.length !== line.strokes.length)) {
      return writeItself(place, line, delay, 0, line.strokes.length);
    }
    place.append(...ink(line.ink));
    return delay;
  }
}
