"""Lines with characters that no data set has: strokes drawn for this project, put into real lines.

    python -m minirnn.studies.drawn_characters i=IAM_ONDB =LINES.jsonl.gz --reader runs/read-1 --lines 2000 \
        -o drawn.jsonl.gz

The strokes are in ``drawn_characters.json`` beside this file, several variants of each, in the unit of the pen
vocabulary and for small letters that are 1.3 high:

    above, below, right  accents; (0, 0) is where they come next to the letter
    across               strokes through a letter, in halves of the letter's own box, from its centre
    glyphs               whole characters, from their left edge on the base line

An alignment (`minirnn.reading.reader.Reader.align`) says where the letters of a line stand. Accents go over letters,
in the size and slant of the line; the dot of an i gives way to them. They are drawn when the stroke of their letter is
done, as people do. Whole characters go where the pen was lifted, and what follows moves to the right.
"""

import json
import pathlib
import sys
import unicodedata

import numpy as np
from tqdm import tqdm

from minirnn.arguments import Parser, positive_int
from minirnn.datasets import Sample, write_jsonl
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.strokes import normalise, slant
from minirnn.reading.reader import Reader
from minirnn.studies.people import people_of

DRAWN = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
X_HEIGHT = 1.3  # of the letters for which the strokes are drawn
SMALL = "acemnorsuvwxz"  # letters that show the base line and the height of small letters
ACCENTED = 0.35  # share of the letters that can have an accent and get one
GAP = 0.3  # between a glyph and its neighbours
OFTEN = "éèêëàâçùûîïôäöüñáíóúåøæœßčšžřěůýłąęśżźćńőűăâîșțãõêğışÉÄÖÜÅØÑÇŠŽČŁ"  # six times as often as the others
COMMA_BELOW = "ĢĶķĻļŅņŖŗȘșȚț"  # whose cedilla is written as a comma
COMMA_RIGHT = "ďĽľť"
MIDDLE, BEGINNING, END, WORD = "ßæœðþ·", "£€№§«“‘„‚¿¡ÆŒÞ", "°»”’…", "–—•×÷"  # where a glyph may stand


def accented_letters():
    """{letter: [(accented letter, kind of mark, its name), ...]} of Latin-1, Latin Extended-A and ȘșȚț."""
    found = {}
    for c in [*map(chr, range(0xC0, 0x180)), *"ȘșȚț"]:
        parts = unicodedata.normalize("NFD", c)
        if len(parts) == 2 and c != "ģ":
            name = unicodedata.name(parts[1]).removeprefix("COMBINING ").removesuffix(" ACCENT").removesuffix(" ABOVE")
            name = {"DOT": "DOT ABOVE", "CEDILLA": "COMMA BELOW" if c in COMMA_BELOW else "CEDILLA"}.get(name, name)
            kind = "right" if c in COMMA_RIGHT else "below" if name in DRAWN["below"] else "above"
            found.setdefault(parts[0], []).append((c, kind, name))
    for c in DRAWN["across"]:
        found.setdefault(dict(zip("øØłŁđĐħĦ", "oOlLdDhH"))[c], []).append((c, "across", c))
    return found


class AlignedLine:
    """A real line and where its letters stand: ``strokes``, normalised; ``boxes`` of its characters; ``first`` and
    ``last``, the first and last stroke of each (-1: none); ``base``, x -> y of the base line, and ``height``, that of
    small letters."""

    def __init__(self, sample, reader):
        self.text, self.strokes = sample.text, normalise(sample.strokes)
        found = reader.align(self.strokes, sample.text)
        self.boxes = found.boxes
        self.last = [place[-1][0] if place else -1 for place in found.places]
        self.first = [place[0][0] if place else -1 for place in found.places]
        small = [box for c, box in zip(sample.text, self.boxes) if c in SMALL and box is not None]
        if len(small) < 2:
            raise MinirnnError("too few small letters tell its base line")
        bottoms, tops = np.array([box[3] for box in small]), np.array([box[1] for box in small])
        middles = np.array([(box[0] + box[2]) / 2 for box in small])
        self.height = float(np.clip(np.median(bottoms - tops), 0.8, 2.2))
        near = np.abs(middles[:, None] - middles) < 8  # letters; a line is not quite straight
        smooth = np.array([np.median(bottoms[row]) for row in near])
        order = np.argsort(middles)
        self.base = lambda x: float(np.interp(x, middles[order], smooth[order]))
        self.scale, self.shear = self.height / X_HEIGHT, slant(self.strokes)


def placed(points, origin, line, rng, scale=None):
    """A drawn stroke, (n, 2), at its origin in a line, in the line's size and slant, a little different each time."""
    size = line.scale * np.exp(rng.normal(0, 0.1)) if scale is None else scale
    p = np.asarray(points, float) * size
    if len(p) > 1:
        p = p + rng.normal(0, 0.03 * line.scale, p.shape)
    return p @ np.array([[1.0, 0.0], [line.shear, 1.0]]) + origin


def dot_of(line, u):
    """The stroke that is the dot of the letter u, an i or a j: small, and above its body. None if there is none."""
    left, _, right, _ = line.boxes[u]
    best = None
    for n, stroke in enumerate(line.strokes):
        low, high = stroke.min(axis=0), stroke.max(axis=0)
        if (high - low).max() > 0.7 * line.height or high[1] > line.base(low[0]) - 0.95 * line.height:
            continue
        x = (low[0] + high[0]) / 2 - line.shear * line.height
        away = max(left - x, x - right, 0)
        if away < 0.6 * line.height and (best is None or away < best[0]):
            best = (away, n)
    return best and best[1]


def mark_of(line, u, kind, name, rng):
    """The strokes of a mark at the letter u."""
    variants = DRAWN[kind][name]
    drawn = variants[rng.integers(len(variants))]
    left, top, right, _ = line.boxes[u]
    x, base = (left + right) / 2, line.base((left + right) / 2)
    usual = line.height if line.text[u].islower() and line.text[u] not in "bdfhklt" else 1.75 * line.height
    top = float(np.clip(top, base - 1.25 * usual, base - 0.85 * usual))
    if kind == "across":
        half = np.array([max(right - left, 0.5 * line.height), base - top]) / 2
        return [placed(s, (x, (top + base) / 2), line, rng, half) for s in drawn]
    gap = abs(rng.normal(0.25, 0.12)) * line.scale
    if kind == "above":
        up = line.shear * (top - base) / 2  # the middle of a slanting letter is to the side of its top
        origin = (x + up + rng.normal(0, 0.1), top - gap)
    elif kind == "right":
        origin = (right + 0.15 * line.scale, top)
    else:
        origin = (x + rng.normal(0, 0.1), base)
    return [placed(s, origin, line, rng) for s in drawn]


def with_accents(line, rng, letters):
    """(text, strokes) of an `AlignedLine` in which some letters have accents."""
    text, added, removed = list(line.text), {}, set()
    for u, c in enumerate(line.text):
        if c not in letters or line.boxes[u] is None or rng.random() > ACCENTED:
            continue
        of_it = letters[c]
        often = np.array([6.0 if a[0] in OFTEN else 1.0 for a in of_it])
        character, kind, name = of_it[rng.choice(len(of_it), p=often / often.sum())]
        after = line.last[u]
        if c in "ij" and kind == "above":
            dot = dot_of(line, u)
            if dot is None or dot in removed:
                continue
            removed.add(dot)
            after = dot
        added.setdefault(after, []).extend(mark_of(line, u, kind, name, rng))
        text[u] = character
    strokes = []
    for n, stroke in enumerate(line.strokes):
        strokes += ([] if n in removed else [stroke]) + added.get(n, [])
    owner = [n for n, stroke in enumerate(line.strokes) for _ in range((n not in removed) + len(added.get(n, [])))]
    return text, strokes, owner


def places_for(character, line, text):
    """The places u of a text before which a glyph may stand."""
    found = []
    for u in range(1, len(text)):
        before, after = text[u - 1], text[u]
        if character in BEGINNING:
            fits = before == " "
        else:
            fits = after == " " if character in END + WORD else before != " "
        if fits:
            found.append(u)
    return found


def with_glyph(text, strokes, owner, line, character, rng):
    """(text, strokes, owner) with a drawn character put in where the pen was lifted; None if there is no such place."""
    inked = [u for u in range(len(text)) if text[u] != " " and u < len(line.first)]
    places = [u for u in places_for(character, line, text) if 0 < u < len(line.first)]
    for u in rng.permutation(places)[:6]:
        before = [v for v in inked if v < u]
        after = [v for v in inked if v >= u]
        if not before or not after or line.last[before[-1]] >= line.first[after[0]]:
            continue
        cut = next((n for n, of in enumerate(owner) if of >= line.first[after[0]]), None)
        if not cut:
            continue
        edge, begin = max(s[:, 0].max() for s in strokes[:cut]), min(s[:, 0].min() for s in strokes[cut:])
        if begin < edge - 0.15:  # something is drawn across the border
            continue
        variants = DRAWN["glyphs"][character]
        own_word = character in WORD
        gap = (0.9 if own_word else GAP) * line.scale * np.exp(rng.normal(0, 0.2))
        x = begin if character in BEGINNING else edge + gap
        size = line.scale * np.exp(rng.normal(0, 0.08))
        glyph = [placed(s, (x, line.base(x)), line, rng, size) for s in variants[rng.integers(len(variants))]]
        right = max(s[:, 0].max() for s in glyph)
        left = min(s[:, 0].min() for s in glyph)
        glyph = [s + np.array([x - left, 0]) for s in glyph]
        moved = [s + np.array([right - left + gap, 0]) for s in strokes[cut:]]
        said = [" ", character] if own_word else [character]
        return [*text[:u], *said, *text[u:]], strokes[:cut] + glyph + moved
    return None


def decorated(sample, reader, rng, letters):
    """A `Sample` with drawn characters, from a real one. MinirnnError if the line does not fit its text."""
    line = AlignedLine(sample, reader)
    text, strokes, owner = with_accents(line, rng, letters)
    if rng.random() < 0.6:
        made = with_glyph(text, strokes, owner, line, rng.choice(list(DRAWN["glyphs"])), rng)
        if made:
            text, strokes = made
    return Sample("".join(text), strokes, sample.group)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.drawn_characters",
        description="Put drawn characters, such as accents, into real lines of handwriting.",
    )
    parser.add_argument("data", nargs="+", metavar="PREFIX=SOURCE", help="handwriting by people")
    parser.add_argument("--reader", required=True, metavar="RUN", help="the network that says where letters stand")
    parser.add_argument("--lines", type=positive_int, default=2000, help="how many to make (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", required=True, help="the .jsonl.gz to write")
    options = parser.parse_args(argv)
    rng, reader = np.random.default_rng(options.seed), Reader(options.reader, language_model=False)
    lines = [line for source in options.data for line, _ in people_of(source) if len(line.text) > 3]
    letters, made = accented_letters(), []
    for i in tqdm(rng.permutation(len(lines))[: options.lines], unit="line"):
        try:
            made.append(decorated(lines[i], reader, rng, letters))
        except MinirnnError:
            continue  # it does not fit its text
    write_jsonl(options.out, made)
    print(f"{options.out}: {len(made):,} lines")


if __name__ == "__main__":
    sys.exit(run_command(main))
