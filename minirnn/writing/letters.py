"""A whole text by hand: read, broken into rows, written, checked, and placed on pages.

    text --read_letter--> sections --write_letter--> written sections --pages_of--> pages
"""

import dataclasses
import itertools
import sys
import unicodedata

import numpy as np

from minirnn.drawing import save_pages
from minirnn.drawing.layout import WrittenLine, lay_out
from minirnn.drawing.markup import map_cells, parse, words_of
from minirnn.drawing.paper import DESCENDER_ROOM, Sheet
from minirnn.drawing.slips import find_struck, strike_out, with_slips, without_struck
from minirnn.drawing.wrapping import NO_BREAK, rows_of, unwrapped
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box
from minirnn.writing.hands import Writer
from minirnn.writing.pen import TEMPERATURE
from minirnn.writing.proofreading import default_proofreader
from minirnn.writing.transliteration import as_written, transliterate, whereabouts

ADVANCE = 1.3  # estimated width of a character in letter sizes, as long as it has not been measured
SURELY_ONE_LINE = 0.85  # share of a line; a text that is estimated to be narrower fits, and nothing is measured
PROBE = 40  # characters that are written to measure their width
NO_BREAKS = NO_BREAK + "\u2007\u202f"  # in several widths
NAMED = 10  # words or lines that a message names


@dataclasses.dataclass
class WrittenSection:
    """What is written from one page break to the next: its sheet and its rows."""

    sheet: Sheet
    rows: list


def read_letter(writer, text, plain=False, skip=False):
    """A typed text as the hand can write it -> list of `minirnn.drawing.markup.Section`.

    Characters that are not seen are dropped, and marks that only type tells apart, as curly quotes, become those that a
    hand writes. ``plain``: accents are dropped as well. ``skip``: what the hand cannot write is left out, and named on
    standard error. MinirnnError, naming it, if there is something that it cannot write, or nothing to write."""
    sections, unknown = as_writable(writer, text, plain)
    named = "; ".join(whereabouts(c, visible(text)) for c in unknown)
    if unknown and not skip:
        raise MinirnnError(
            f"this hand cannot write {named}; leave them out with --skip-unknown"
            + ("" if plain else ", or try --transliterate")
        )
    if unknown:
        count = sum(unknown.values())
        print(f"minirnn: left out {count} characters that this hand cannot write: {named}", file=sys.stderr)
    if not words_of(sections):
        raise MinirnnError("there is nothing to write; give a text with letters in it")
    return sections


def as_writable(writer, text, plain=False):
    """(the sections of a typed text without what the hand cannot write, {character: how often it was left out})."""
    sections = parse(text)
    make = transliterate if plain else lambda cell: as_written(cell, writer.unknown)
    map_cells(sections, lambda cell: make(visible(cell)))
    words = words_of(sections)
    unknown = {c: words.count(c) for c in writer.unknown(words)}
    map_cells(sections, lambda cell: "".join(c for c in cell if c not in unknown))
    return sections, unknown


def visible(text):
    """``text`` without characters that are not seen, as soft hyphens, and with usual spaces, or `NO_BREAK` ones."""
    text = unicodedata.normalize("NFC", text)
    spaced = "".join(
        NO_BREAK if c in NO_BREAKS else " " if unicodedata.category(c) in ("Zs", "Cc") else c for c in text
    )
    return "".join(c for c in spaced if unicodedata.category(c) != "Cf")


def write_letter(
    writer, sections, sheet, rng, *, temperature=TEMPERATURE, raggedness=0.0, slips=0.0, progress=None, doubts=None
):
    """Write the sections of a text -> list of `WrittenSection`, ready for `pages_of`.

    The text is broken into lines by the width that a character of this hand really takes, which its first words tell.
    A share ``slips`` of the words is begun wrongly, struck through and written again. ``sheet`` is that of the sections
    that name no size of their own. What is not as it should be is said on standard error; every word and line that may
    be wrong is added to ``doubts``, a list."""
    advance = character_width(writer, words_of(sections), sheet, rng, temperature)
    if slips:
        map_cells(sections, lambda cell: with_slips(cell, slips, rng))
    planned = []
    for section in sections:
        own = sheet if section.size is None else dataclasses.replace(sheet, size=section.size, margins=None)
        planned.append(WrittenSection(own, rows_of(section.paragraphs, own, advance, raggedness, rng)))
    cells = [cell for section in planned for row in section.rows for cell in row.cells]
    texts, struck = zip(*(find_struck(cell.text) for cell in cells)) if cells else ((), ())
    room = {}
    for text, cell in zip(texts, cells):
        room[text] = min(cell.width, room.get(text, np.inf))

    def fits(line):
        return WrittenLine(line.text, line.strokes).fits(room[line.text], sheet.letter_size)

    lines = writer.write(list(texts), rng, temperature, accept=fits, progress=progress)
    found = report_faults(lines, fits)
    if doubts is not None:
        doubts += found
    for cell, spans, line in zip(cells, struck, lines):
        if line is not None and line.strokes:
            cell.line = WrittenLine(without_struck(cell.text), strike_out(line, spans, rng))
    return planned


def pages_of(sections, untidiness=0.5, seed=0, size=True):
    """Lay out written sections -> list of `minirnn.drawing.layout.Page`; without ``size`` each is one page, no larger
    than its ink and margins need."""
    pages = []
    for number, section in enumerate(sections):
        if size:
            pages += lay_out(section.rows, section.sheet, untidiness, seed + number, len(pages))
        else:
            pages.append(page_around(section.rows, section.sheet, untidiness, seed + number))
    return pages


def character_width(writer, words, sheet, rng, temperature):
    """Millimetres that a character of this hand takes, on average; ``words`` are those of the text."""
    guess = ADVANCE * sheet.letter_size
    if len(words) * guess < SURELY_ONE_LINE * (sheet.text_width - sheet.indent):
        return guess
    probe = writer.write([words[:PROBE].strip()], rng, temperature)[0]
    if not probe.strokes or probe.fault:
        return guess
    return WrittenLine(probe.text, probe.strokes).width(sheet.letter_size) / len(probe.text)


def report_faults(lines, fits):
    """Say on standard error which of the written lines and words may be wrong, and which lines will be made smaller ->
    list of those that may be wrong, as text."""
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line is not None]
    wrong = [f"line {number}, {line.text!r} ({line.fault})" for number, line in numbered if line.fault]
    words = [f"line {number}, {fault}" for number, line in numbered if not line.fault for fault in line.faults]
    wide = [
        f"line {number}, {line.text!r}"
        for number, line in numbered
        if line.strokes and not line.fault and not fits(line)
    ]
    count = sum(len(line.text.split()) for _, line in numbered)
    again = "try another --random-seed or --hand"
    for found, of, what, advice in (
        (wrong, f"{len(numbered)} lines", "may be wrong", again),
        (words, f"{count} words", "may be wrong", again),
        (wide, f"{len(numbered)} lines", "came out too wide, and are written smaller",
         "use smaller letters, or narrower margins"),
    ):  # fmt: skip
        if found:
            more = f" (and {len(found) - NAMED} more)" if len(found) > NAMED else ""
            named = "; ".join(found[:NAMED]) + more
            print(f"minirnn: {len(found)} of {of} {what}: {named}; {advice}", file=sys.stderr)
    return wrong + words


def handwrite(text, out, writer=None, seed=0):
    """Write ``text`` on A4 pages ``out`` (.png, .svg, .pdf, .gcode) with the default settings -> the paths written.

    Line breaks stay, except those of a text that was cut at a fixed width; characters that the hand cannot write are
    left out. Raises MinirnnError if nothing is left."""
    writer = writer or Writer(proofreader=default_proofreader())
    sections = read_letter(writer, unwrapped(text.strip("\n")), plain=True, skip=True)
    written = write_letter(writer, sections, Sheet(letter_size=1.9), np.random.default_rng(seed))
    return save_pages(pages_of(written, seed=seed), out, seed=seed)


def page_around(rows, sheet, untidiness=0.5, seed=0):
    """One page, as wide as ``sheet`` at most and as high as it must be, with the ink of all rows and its margins."""
    top, right, bottom, left = sheet.margins
    rows = list(itertools.dropwhile(_is_blank, rows[::-1]))[::-1]
    height = top + bottom + (len(rows) + 2) * sheet.line_spacing  # more than the long strokes of the last line need
    large = _resized(sheet, sheet.width, height)
    (page,) = lay_out(rows, large, untidiness, seed)
    _, _, x_max, y_max = bounding_box(page.strokes) if page.strokes else (0, 0, 0, 0)
    last = large.baselines[max(0, len(rows) - 1)] + DESCENDER_ROOM * sheet.letter_size
    widest = max(x_max, left + sheet.indent + 5 * sheet.letter_size)
    sheet = _resized(sheet, min(sheet.width, widest + right), max(y_max, last) + bottom)
    return dataclasses.replace(page, width=sheet.width, height=sheet.height, guides=sheet.guides)


def _is_blank(row):
    return row.bullet is None and not row.cells


def _resized(sheet, width, height):
    return dataclasses.replace(sheet, size=f"{width + 0.01:.2f}x{height + 0.01:.2f}")
