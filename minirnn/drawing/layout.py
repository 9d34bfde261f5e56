"""From written lines to pages: every line stands on its baseline, in one size, inside the margins.

``wrap_text`` cuts a paragraph into lines before they are written; ``lay_out`` puts the written lines on pages.
"""

import textwrap
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from minirnn.drawing.baseline import expected_metrics, line_metrics
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box

# A line that comes out too wide is written closer, down to the first factor, and beyond it smaller as well. One that
# would have to be narrower than the second factor is better written again.
CLOSEST = 0.88
SMALLEST = 0.8

# The slow wave of a drifting baseline, in letter sizes; about twenty letters.
WAVE_LENGTH = 40.0


class Line(NamedTuple):
    """A written line: its text and its strokes in normalised units (see minirnn.ink.strokes)."""

    text: str
    strokes: list


class Place(NamedTuple):
    """Where a written line stands on its page: its text, its left end and baseline, and its width, in millimetres."""

    text: str
    x: float
    y: float
    width: float


@dataclass
class Page:
    """Strokes in millimetres on a sheet of paper, in writing order, the text that they are, and where it stands."""

    width: float
    height: float
    guides: list = field(default_factory=list)
    strokes: list = field(default_factory=list)
    text: str = ""
    places: list = field(default_factory=list)


def wrap_text(text, width, advance, raggedness=0.0, rng=None):
    """Cut a paragraph into lines that fit ``width``, greedily, at spaces only; no word is ever broken.

    Parameters
    ----------
    text : str
        One paragraph; runs of white space count as one space.
    width : float
        Width of the text area in millimetres, less any indent.
    advance : float
        Average width of a character of this hand in millimetres (``line_width(line, sheet) / len(text)``).
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
    for word in text.split():
        if len(word) * advance * SMALLEST > width:
            raise MinirnnError(
                f"the word {word!r} is about {len(word) * advance:.0f} mm wide and does not fit a line of "
                f"{width:.0f} mm; use smaller letters, narrower margins, or put a space into it"
            )
    lines, rest = [], " ".join(text.split())
    while rest:
        target = width * (1 - raggedness * rng.random()) if raggedness else width
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


def line_scale(line, letter_size):
    """Millimetres a unit that give a written line an x-height of about ``letter_size``.

    It goes by the geometric mean of the x-height found and the one expected of the text. Within a form of IAM-OnDB
    (median of 61 forms) the size of the lines then varies by 10%; by the one found 13%, by the one expected 11%, and
    15% if all normalised lines are scaled alike.
    """
    _, found = line_metrics(line.strokes, line.text)
    _, expected = expected_metrics(line.text)
    return letter_size / np.sqrt(found * expected)


def line_width(line, sheet):
    """Width in millimetres that a written line takes on a sheet, before any drift or fitting."""
    x_min, _, x_max, _ = bounding_box(line.strokes)
    return (x_max - x_min) * line_scale(line, sheet.letter_size)


def fits(line, sheet):
    """Whether a written line, were it the first of a paragraph, is narrow enough; if not, better write it again."""
    return line_width(line, sheet) * SMALLEST <= sheet.text_width - sheet.indent


def lay_out(paragraphs, sheet, untidiness=0.5, seed=0):
    """Place written lines on as many pages as they need; all ink lies inside the margins, whatever it takes.

    Parameters
    ----------
    paragraphs : list of lists of Line
        One list a paragraph; an empty one leaves a line blank.
    sheet : minirnn.drawing.paper.Sheet
    untidiness : float
        How far the hand drifts: left edge, height, slope, size, slant and stretch of each line. 0 is none, 1 a hasty
        note. Drift never carries ink outside the margins.
    seed : int
        The same seed drifts the same way.

    Returns
    -------
    list of Page, at least one.
    """
    rng = np.random.default_rng(seed)
    pages, row = [Page(sheet.width, sheet.height, sheet.guides)], 0
    for paragraph in paragraphs:
        for position, line in enumerate(paragraph or [None]):
            if row == len(sheet.baselines):
                pages.append(Page(sheet.width, sheet.height, sheet.guides))
                row = 0
            if line is not None:
                indent = sheet.indent if position == 0 else 0.0
                drift = Drift.draw(rng, untidiness)
                strokes = _place(line, sheet, row, indent, drift)
                x_min, _, x_max, _ = bounding_box(strokes)
                pages[-1].strokes += strokes
                pages[-1].places.append(Place(line.text, x_min, sheet.baselines[row], x_max - x_min))
                pages[-1].text += line.text + "\n"
            row += 1
    return pages


class Drift(NamedTuple):
    """How one line departs from a tidy one."""

    edge: float = 0.0  # of the left end, to the right, in letter sizes
    rise: float = 0.0  # of the whole line, downwards, in letter sizes
    slope: float = 0.0  # radians
    size: float = 0.0  # logarithm of a factor
    stretch: float = 0.0  # logarithm of a factor, of x alone
    slant: float = 0.0  # shear of x by y
    wave: float = 0.0  # amplitude of the slow wave of the baseline, in letter sizes
    phase: float = 0.0  # of that wave, radians

    @classmethod
    def draw(cls, rng, untidiness):
        """Draw the drift of one line; every amount is in proportion to ``untidiness``."""
        edge, *others = rng.standard_normal(7) * [0.8, 0.06, 0.004, 0.025, 0.025, 0.03, 0.1]
        return cls(*(untidiness * np.array([abs(edge), *others])), phase=rng.uniform(0, 2 * np.pi))


def _drifted(line, letter_size, drift):
    """Scale a line to millimetres and let it drift; its left end comes to x = 0, its baseline to y = 0."""
    baseline, _ = line_metrics(line.strokes, line.text)
    scale = line_scale(line, letter_size) * np.exp(drift.size)
    x_min = bounding_box(line.strokes)[0]
    placed = []
    for stroke in line.strokes:
        x, y = (stroke - [x_min, baseline]).T * scale
        x = x * np.exp(drift.stretch) - drift.slant * y
        wave = drift.wave * np.sin(2 * np.pi * x / (WAVE_LENGTH * letter_size) + drift.phase)
        placed.append(np.column_stack([x, y + drift.slope * x + (drift.rise + wave) * letter_size]))
    x_min = bounding_box(placed)[0]
    return [stroke - [x_min, 0.0] for stroke in placed]


def _place(line, sheet, row, indent, drift):
    """Return the line's strokes in millimetres on a row of the sheet, inside the margins."""
    left, top, right, bottom = sheet.text_box
    baseline, width = sheet.baselines[row], right - left - indent
    strokes = _squeezed(_drifted(line, sheet.letter_size, drift), width, baseline - top, bottom - baseline)
    # The edge drifts as far as the line leaves room for it.
    room = width - bounding_box(strokes)[2]
    corner = [left + indent + min(drift.edge * sheet.letter_size, room), baseline]
    return [stroke + corner for stroke in strokes]


def _squeezed(strokes, width, above, below):
    """Fit strokes, which begin at x = 0 and stand on y = 0, into a room of ``width``, ``above`` and ``below`` y = 0.

    As a hand does: towards the end of its line it writes closer, then smaller; at the edge of the paper it shortens
    its long strokes up or down, and the letters keep their size.
    """
    x_max = bounding_box(strokes)[2]
    needed = min(1.0, width / x_max) if x_max > 0 else 1.0
    closer = max(needed, CLOSEST)
    strokes = [stroke * [needed, needed / closer] for stroke in strokes]
    _, y_min, _, y_max = bounding_box(strokes)
    up, down = (min(1.0, room / reach) if reach > 0 else 1.0 for room, reach in ((above, -y_min), (below, y_max)))
    return [stroke * np.where(stroke[:, 1:] < 0, [1.0, up], [1.0, down]) for stroke in strokes]
