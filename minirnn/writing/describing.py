"""What tells hands apart, in a few words: "narrow print, slightly slanted to the left"."""

from typing import NamedTuple

import numpy as np

from minirnn.ink.strokes import bounding_box, slant, smooth

UPRIGHT, SLIGHTLY = 0.08, 0.3  # how far a hand leans at most (dx/dy) that is called upright, and slightly slanted
JOINED, PRINT = 0.6, 0.95  # strokes per letter: fewer than the first are joined writing, more than the second are print


class Features(NamedTuple):
    """What is measured on a line.

    strokes  per letter
    slant    dx/dy, positive for writing that leans to the right
    width    of a character, in units of the pen vocabulary
    height   of a line from its ascenders to its descenders, over that of its middle half
    """

    strokes: float
    slant: float
    width: float
    height: float


def features(text, strokes):
    """The `Features` of a line of ``text``, normalised strokes."""
    left, _, right, _ = bounding_box(strokes)
    ink = np.concatenate([smooth(stroke) for stroke in strokes])
    low, quarter, three_quarters, high = np.percentile(ink[:, 1], [2, 25, 75, 98])
    letters = sum(not c.isspace() for c in text)
    return Features(
        len(strokes) / letters,
        -slant(strokes),
        (right - left) / len(text),
        (high - low) / max(three_quarters - quarter, 1e-6),
    )


def describe(lines):
    """How hands differ from each other, by one written line of each, of the same text -> list of (`Features`, words).

    Slant and joins are named by what they are; width and size by the third of these hands that a hand belongs to."""
    measured = [features(line.text, line.strokes) for line in lines]
    width, height = (np.percentile([getattr(f, name) for f in measured], [33, 67]) for name in ("width", "height"))
    return [(f, _words(f, width, height)) for f in measured]


def _words(found, width, height):
    kind = "joined writing" if found.strokes < JOINED else "print" if found.strokes > PRINT else "half-joined writing"
    wide = _third(found.width, width, "narrow ", "wide ")
    size = _third(found.height, height, ", with short ascenders", ", with long ascenders")
    side = "right" if found.slant > 0 else "left"
    leans = abs(found.slant)
    slightly = "slightly " if leans < SLIGHTLY else ""
    how = "upright" if leans < UPRIGHT else f"{slightly}slanted to the {side}"
    return f"{wide}{kind}, {how}{size}"


def _third(value, limits, low, high):
    return low if value < limits[0] else high if value > limits[1] else ""
