"""From paragraphs to rows: where lines are broken, columns begin and lists are indented, before anything is written."""

import re
import textwrap
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from minirnn.errors import MinirnnError

SMALLEST = 0.8  # a word, or a line, that would have to be smaller than this to fit is refused, or written again
# In letter sizes:
STEP = 4.0  # indentation by a tab at the beginning of a paragraph, and of a quotation
BULLET = 2.2  # from a bullet to its text
COLUMN_GAP = 3.0
ROOM = 1.05  # times its estimated width: the width that a piece of text is given
NO_BREAK = "\u00a0"  # a space at which no line may end: a part of a word


@dataclass
class Cell:
    """A piece of text that is written as one line, and the room for it.

    text   what is to be written
    x      mm from the left of the text area
    width  mm that it may take
    align  "left", "right" or "centre" within that room
    line   what was written: a `minirnn.drawing.layout.WrittenLine`, or None
    drift  its `minirnn.drawing.layout.Drift`; None: it is drawn at random
    note   what the caller wants to keep with it
    """

    text: str
    x: float
    width: float
    align: str = "left"
    line: object = None
    drift: object = None
    note: object = None

    def __post_init__(self):
        self.text = self.text.replace(NO_BREAK, " ")  # it has done its work: the lines are broken


@dataclass
class Row:
    """What stands on one baseline: cells, and the x in mm of a bullet, or None. A row without either is blank."""

    cells: list = field(default_factory=list)
    bullet: float | None = None


def rows_of(paragraphs, sheet, advance, raggedness=0.0, rng=None):
    """Break paragraphs into the rows of a sheet.

    Parameters
    ----------
    paragraphs : list of minirnn.drawing.markup.Paragraph
    sheet : minirnn.drawing.paper.Sheet
    advance : mm that a character of this hand takes on average.
    raggedness, rng : see `wrap_text`.

    Returns
    -------
    list of Row, whose cells are still to be written.

    Raises
    ------
    MinirnnError, naming it, if a word or the row of a table would not fit even at the smallest size.
    """
    rows = []
    for is_table, group in groupby(paragraphs, lambda paragraph: len(paragraph.cells) > 1):
        if is_table:
            rows += _table(list(group), sheet, ROOM * advance)
        else:
            rows += [row for one in group for row in _paragraph(one, sheet, advance, raggedness, rng)]
    return rows


def _paragraph(paragraph, sheet, advance, raggedness, rng):
    """The rows of a paragraph of one cell, or of none."""
    if not paragraph.cells and not paragraph.bullet:
        return [Row()]
    inset = STEP * sheet.letter_size if paragraph.align == "quote" else 0.0
    align = "left" if paragraph.align == "quote" else paragraph.align
    start = inset + paragraph.tabs * STEP * sheet.letter_size + paragraph.spaces * advance
    is_item = paragraph.bullet or paragraph.hang
    if is_item:
        first = start + (BULLET * sheet.letter_size if paragraph.bullet else 0.0)
        further = first + paragraph.hang * advance
    else:
        first = start + (sheet.indent if align == "left" and not inset else 0.0)
        further = inset
    right = sheet.text_width - inset
    if right - max(first, further) < 5 * sheet.letter_size:
        words = " ".join(paragraph.cells)[:40]
        raise MinirnnError(f"{words!r} is indented so far that there is no room for it; use a wider page")
    text = " ".join(paragraph.cells)
    lines = wrap_text(text, right - further, ROOM * advance, raggedness, rng, right - first) or [""]
    rows = []
    for line in lines:
        x = further if rows else first
        rows.append(Row([Cell(line, x, right - x, align)] if line else []))
    rows[0].bullet = start if paragraph.bullet else None
    return rows


def _table(paragraphs, sheet, advance):
    """The rows of paragraphs that have columns; the last column takes what is left, and is broken into lines."""
    start = min(p.tabs for p in paragraphs) * STEP * sheet.letter_size
    gap, rows = COLUMN_GAP * sheet.letter_size, []
    columns = max(len(paragraph.cells) for paragraph in paragraphs)
    lefts = [start]
    for column in range(columns - 1):  # what stands in a row's last column may run on to the right
        texts = [p.cells[column] for p in paragraphs if len(p.cells) > column + 1]
        lefts.append(lefts[-1] + max(map(len, texts)) * advance + gap)
    if sheet.text_width - lefts[-1] < 5 * sheet.letter_size:
        raise MinirnnError(
            f"a table of {columns} columns, with {' | '.join(paragraphs[0].cells)[:60]!r} in its first row, is wider "
            "than the page; use smaller letters, a wider page, or fewer columns"
        )
    for paragraph in paragraphs:
        *cells, last = paragraph.cells
        row = Row([Cell(c, lefts[k], lefts[k + 1] - gap / 2 - lefts[k]) for k, c in enumerate(cells) if c])
        x = lefts[len(cells)]
        lines = wrap_text(last, sheet.text_width - x, advance) or [""]
        row.cells += [Cell(lines[0], x, sheet.text_width - x)] if lines[0] else []
        rows += [row, *(Row([Cell(line, x, sheet.text_width - x)]) for line in lines[1:])]
    return rows


def wrap_text(text, width, advance, raggedness=0.0, rng=None, first=None):
    """Cut a paragraph into lines that fit ``width``, greedily, at spaces only; no word is ever broken.

    Parameters
    ----------
    text : str
        One paragraph; runs of white space count as one space.
    width : float
        Width of the text area in millimetres; ``first`` is that of the first line, if it is set in.
    advance : float
        Average width of a character of this hand in millimetres (``line.width(letter_size) / len(text)``).
    raggedness : float
        A hand turns to the next line early when a word may not fit: every line aims at a width that is up to this
        fraction shorter. 0 fills every line as far as it goes.
    rng : numpy.random.Generator, needed for raggedness above 0.

    Returns
    -------
    list of str; empty for a paragraph without words (a blank line). A word wider than ``width`` stands alone in its
    line, and ``lay_out`` writes it smaller.

    Raises
    ------
    MinirnnError, naming the word, if a word would not fit even at the smallest size.
    """
    first = width if first is None else first
    words = [word for word in re.split(rf"[^\S{NO_BREAK}]+", text) if word]
    for word in words:
        if len(word) * advance * SMALLEST > min(width, first):
            raise MinirnnError(
                f"the word {word!r} is about {len(word) * advance:.0f} mm wide and does not fit a line of "
                f"{min(width, first):.0f} mm; use smaller letters, narrower margins, or put a space into it"
            )
    lines, rest = [], " ".join(words)
    while rest:
        target = width if lines else first
        target *= 1 - raggedness * rng.random() if raggedness else 1
        line, *others = textwrap.wrap(
            rest, max(1, int(target / advance)), break_long_words=False, break_on_hyphens=False
        )
        lines.append(line)
        rest = " ".join(others)
    return lines


def unwrapped(text):
    """Undo the line breaks of a text that was cut at a fixed width, as e-mails are, and keep those that were meant.

    A break was forced if the next line's first word would have made its line longer than the longest one is.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    longest = max(map(len, lines))
    joined = lines[:1]
    for line, after in pairwise(lines):
        forced = line.strip() and after.strip() and len(line) + 1 + len(after.split()[0]) > longest
        if forced:
            joined[-1] += " " + after.lstrip()
        else:
            joined.append(after)
    return "\n".join(joined)
