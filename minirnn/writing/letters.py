"""A whole text by hand: broken into lines, written, judged, and placed on pages."""

import dataclasses
import sys

import numpy as np

from minirnn.drawing import save_pages
from minirnn.drawing.layout import Line as PlacedLine
from minirnn.drawing.layout import fits, lay_out, line_width, unwrapped, wrap_text
from minirnn.drawing.paper import DESCENDER_ROOM, Sheet
from minirnn.drawing.slips import find_struck, strike_out, with_slips, without_struck
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box
from minirnn.writing.hands import Writer
from minirnn.writing.pen import TEMPERATURE
from minirnn.writing.transliteration import transliterate

# How wide a character is, in letter sizes, as long as the hand has written nothing that tells.
ADVANCE = 1.3
# A text whose width by this guess leaves so much of the line free is one line: there is nothing to find out.
SURELY_ONE_LINE = 0.85
PROBE = 40  # characters that are written to find out


def write_page_lines(writer, text, sheet, rng, temperature=TEMPERATURE, raggedness=0.0, slips=0.0, progress=None):
    """Write ``text`` for ``sheet`` -> a list of paragraphs, each a list of placed lines, ready for `lay_out`.

    The text is wrapped by the width that a character of this hand really takes, which its first words tell. A share
    ``slips`` of the words is begun wrongly, struck through and written again. What is not as it should be is said
    on standard error."""
    advance = character_width(writer, text, sheet, rng, temperature)
    width = sheet.text_width - sheet.indent
    marked = with_slips(text, slips, rng) if slips else text
    paragraphs = [wrap_text(paragraph, width, 1.05 * advance, raggedness, rng) for paragraph in marked.split("\n")]
    flat = [line for paragraph in paragraphs for line in paragraph]
    texts, struck = zip(*map(find_struck, flat)) if flat else ((), ())
    lines = writer.write(list(texts), rng, temperature, accept=lambda line: fits(line, sheet), progress=progress)
    report_faults(lines, sheet)
    placed = (
        PlacedLine(without_struck(marked), strike_out(line, spans, rng))
        for marked, spans, line in zip(flat, struck, lines)
    )
    return [[line for line in (next(placed) for _ in paragraph) if line.strokes] for paragraph in paragraphs]


def character_width(writer, text, sheet, rng, temperature):
    """Millimetres that a character of this hand takes, on average."""
    guess = ADVANCE * sheet.letter_size
    words = " ".join(text.split())
    if len(words) * guess < SURELY_ONE_LINE * (sheet.text_width - sheet.indent):
        return guess
    probe = writer.write([words[:PROBE].strip()], rng, temperature)[0]
    return line_width(probe, sheet) / len(probe.text) if probe.strokes and not probe.fault else guess


def report_faults(lines, sheet):
    """Say on standard error which of the written lines may be wrong, and which will be made smaller."""
    wrong = [line for line in lines if line.fault]
    wide = [line for line in lines if line.strokes and not line.fault and not fits(line, sheet)]
    for found, what, advice in (
        (wrong, "may be wrong", "try another --random-seed or --hand"),
        (wide, "came out too wide, and are written smaller", "use smaller letters, or narrower margins"),
    ):
        if found:
            first = f"{found[0].text!r}" + (f" ({found[0].fault})" if found[0].fault else "")
            print(f"minirnn: {len(found)} of {len(lines)} lines {what}, first: {first}; {advice}", file=sys.stderr)


def handwrite(text, out, writer=None, seed=0):
    """Write ``text`` on A4 pages ``out`` (.png, .svg, .pdf, .gcode) in the manner of the defaults -> the paths written.

    Line breaks stay, except those of a text that was cut at a fixed width; characters that the hand cannot write are
    left out. Raises MinirnnError if nothing is left."""
    writer = writer or Writer()
    sheet = Sheet(letter_size=1.9)
    text = clean_text(writer, unwrapped(text.strip("\n")), plain=True, skip=True)
    paragraphs = write_page_lines(writer, text, sheet, np.random.default_rng(seed))
    return save_pages(lay_out(paragraphs, sheet, seed=seed), out, seed=seed)


def page_around(paragraphs, sheet, untidiness, seed):
    """One page, as wide as ``sheet`` at most and as high as it must be, with the ink of all lines and its margins."""
    top, right, bottom, left = sheet.margins
    rows = sum(max(1, len(paragraph)) for paragraph in paragraphs)
    height = top + bottom + (rows + 2) * sheet.line_spacing  # more than the long strokes of the last line need
    (page,) = lay_out(paragraphs, _resized(sheet, sheet.width, height), untidiness, seed)
    _, _, x_max, y_max = bounding_box(page.strokes)
    lowest = max(y_max, top + (rows + DESCENDER_ROOM) * sheet.line_spacing)
    widest = max(x_max, left + sheet.indent + 5 * sheet.letter_size)
    sheet = _resized(sheet, min(sheet.width, widest + right), lowest + bottom)
    return dataclasses.replace(page, width=sheet.width, height=sheet.height, guides=sheet.guides)


def _resized(sheet, width, height):
    options = {field.name: getattr(sheet, field.name) for field in dataclasses.fields(sheet) if field.init}
    return Sheet(**options | {"size": f"{width + 0.01:.2f}x{height + 0.01:.2f}"})


def clean_text(writer, text, plain, skip):
    """The text as the hand can write it, or a `MinirnnError` that names what it cannot write."""
    if plain:
        text = transliterate(text)
    unknown = writer.unknown(text)
    if unknown and not skip:
        raise MinirnnError(
            f"this hand cannot write {' '.join(unknown)}; leave them out with --skip-unknown"
            + ("" if plain else ", or try --transliterate")
        )
    text = "".join(c for c in text if c not in unknown)
    if not text.strip():
        raise MinirnnError("there is nothing to write; give a text with letters in it")
    return text
