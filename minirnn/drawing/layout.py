"""From written rows to pages: every line stands on its baseline, in one size, inside the margins."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minirnn.drawing.baseline import expected_metrics, line_metrics
from minirnn.drawing.wrapping import SMALLEST
from minirnn.ink.strokes import bounding_box

# A line that comes out too wide is written closer, down to this factor, and beyond it smaller as well.
CLOSEST = 0.88

# The slow wave of a drifting baseline, in letter sizes; about twenty letters.
WAVE_LENGTH = 40.0
BULLET_RADIUS = 0.22  # of a bullet, in letter sizes
BULLET_HEIGHT = 0.5  # of its middle above the baseline


@dataclass
class WrittenLine:
    """A written line: its text, its strokes in normalised units (see minirnn.ink.strokes), and their metrics."""

    text: str
    strokes: list

    @cached_property
    def metrics(self):
        """(baseline, unit): its baseline, and the x-height by which it is scaled, in normalised units.

        The x-height is the geometric mean of the one found and the one expected of the text. Within a form of IAM-OnDB
        (median of 61 forms) the size of the lines then varies by 10%; by the one found 13%, by the one expected 11%,
        and 15% if all normalised lines are scaled alike.
        """
        baseline, found = line_metrics(self.strokes, self.text)
        _, expected = expected_metrics(self.text)
        return baseline, np.sqrt(found * expected)

    def scale(self, letter_size):
        """Millimetres per unit that give the line an x-height of about ``letter_size``."""
        return letter_size / self.metrics[1]

    def width(self, letter_size):
        """Width in millimetres that the line takes, before any drift or fitting; a line without ink takes none."""
        if not self.strokes:
            return 0.0
        x_min, _, x_max, _ = bounding_box(self.strokes)
        return (x_max - x_min) * self.scale(letter_size)

    def fits(self, width, letter_size):
        """Whether the line is narrow enough for a room of ``width`` mm; if not, better write it again."""
        return self.width(letter_size) * SMALLEST <= width


class Place(NamedTuple):
    """Where a written line stands on its page: its text, its left end and baseline, and its width, in millimetres.

    ``first`` is the number of its first stroke on the page, ``note`` that of its `minirnn.drawing.wrapping.Cell`."""

    text: str
    x: float
    y: float
    width: float
    first: int = 0
    note: object = None


@dataclass
class Page:
    """Strokes in millimetres on a sheet of paper, in writing order, the text that they are, and where it stands."""

    width: float
    height: float
    guides: list = field(default_factory=list)
    strokes: list = field(default_factory=list)
    text: str = ""
    places: list = field(default_factory=list)


def lay_out(rows, sheet, untidiness=0.5, seed=0, before=0):
    """Place written rows on as many pages as they need; all ink lies inside the margins, whatever it takes.

    Parameters
    ----------
    rows : list of minirnn.drawing.wrapping.Row, whose cells are written. Blank rows leave lines blank, but never a
        page: those at the top of a new page, and at the end, are left out.
    sheet : minirnn.drawing.paper.Sheet
    untidiness : float
        How far the hand drifts: left edge, height, slope, size, slant and stretch of each line. 0 is none, 1 a hasty
        note. Drift never carries ink outside the margins.
    seed : int
        The same seed drifts the same way.
    before : int
        How many pages there are before these.

    Returns
    -------
    list of Page, at least one.
    """
    rng = np.random.default_rng(seed)
    per_page, pages, at = len(sheet.baselines), [], 0

    def turn():
        here = sheet.of_page(before + len(pages) + 1)
        pages.append(Page(sheet.width, sheet.height, here.guides))

    turn()
    for row in rows:
        inked = row.bullet is not None or any(cell.line for cell in row.cells)
        if not inked:
            at += 1 if at < per_page and (pages[-1].strokes or len(pages) == 1) else 0
            continue
        if at >= per_page:
            if pages[-1].strokes:
                turn()
            at = 0
        _place_row(row, pages[-1], sheet.of_page(before + len(pages)), at, rng, untidiness)
        at += 1
    return pages


def _place_row(row, page, sheet, at, rng, untidiness):
    """Put the ink of one row on its page."""
    left, _, _, _ = sheet.text_box
    baseline = sheet.baselines[at]
    if row.bullet is not None:
        page.strokes += _bullet(left + row.bullet, baseline, sheet.letter_size)
    texts = []
    for cell in row.cells:
        if cell.line is None:
            continue
        strokes = _place(cell, sheet, at, cell.drift or Drift.draw(rng, untidiness))
        x_min, _, x_max, _ = bounding_box(strokes)
        page.places.append(Place(cell.line.text, x_min, baseline, x_max - x_min, len(page.strokes), cell.note))
        page.strokes += strokes
        texts.append(cell.line.text)
    page.text += "\t".join(texts) + "\n"


def _bullet(x, baseline, letter_size):
    """A dot that a pen fills: two rings."""
    angle = np.linspace(0, 2 * np.pi, 25)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * BULLET_RADIUS * letter_size
    middle = np.array([x + BULLET_RADIUS * letter_size, baseline - BULLET_HEIGHT * letter_size])
    return [np.concatenate([middle + ring, middle + ring / 2])]


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
    baseline, _ = line.metrics
    scale = line.scale(letter_size) * np.exp(drift.size)
    x_min = bounding_box(line.strokes)[0]
    placed = []
    for stroke in line.strokes:
        x, y = (stroke - [x_min, baseline]).T * scale
        x = x * np.exp(drift.stretch) - drift.slant * y
        wave = drift.wave * np.sin(2 * np.pi * x / (WAVE_LENGTH * letter_size) + drift.phase)
        placed.append(np.column_stack([x, y + drift.slope * x + (drift.rise + wave) * letter_size]))
    x_min = bounding_box(placed)[0]
    return [stroke - [x_min, 0.0] for stroke in placed]


def _place(cell, sheet, at, drift):
    """Return the strokes of a cell's line in millimetres on a row of the sheet, inside the margins."""
    left, top, _, bottom = sheet.text_box
    baseline = sheet.baselines[at]
    strokes = _drifted(cell.line, sheet.letter_size, drift)
    strokes = _squeezed(strokes, cell.width, baseline - top, bottom - baseline)
    # The edge drifts as far as the line leaves room for it.
    room = cell.width - bounding_box(strokes)[2]
    edge = min(drift.edge * sheet.letter_size, room)
    shift = {"left": edge, "right": room - edge, "centre": room / 2}[cell.align]
    corner = np.array([left + cell.x + shift, baseline])
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
