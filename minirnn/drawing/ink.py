"""Pens: what a stroke of the hand becomes on paper.

A stroke is cut into runs, stretches of one width and one darkness, since every reader of vector drawings can draw a
line of constant width with round ends, and a few widths are enough for the eye. A pen's width follows

    width = pen.width * (1 + pressure * n(s)) * (thin + (1 - thin) * |sin(direction - nib_angle)|)

where n(s) is a slow random wave along the stroke (how hard the hand presses) and the last factor is the projection of
a broad nib held at ``nib_angle`` on the normal of the path: thin where it moves along its edge, full across it. A
round point has thin = 1. A pencil is also paler where it presses less.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.ink.strokes import without_repeats

# How far, in mm, leaving out points may move the ink: less than a print shows. Sharper turns (radians) are corners.
TOLERANCE = 0.005
CORNER = 0.5
# Distance of the knots of the pressure wave; length of a dot, which would not be drawn if it had none.
PRESSURE_LENGTH = 4.0
DOT = 0.01
# Widths are rounded to this fraction of the pen's.
LEVELS = 16


@dataclass(frozen=True)
class Pen:
    """A pen: lengths in mm, angles in degrees counted from the x axis upwards; see the module for the formula.

    ``colour`` is ``#rrggbb``; through ink of an ``opacity`` below 1 the paper shows.
    """

    width: float
    colour: str
    opacity: float = 1.0
    pressure: float = 0.0
    thin: float = 1.0
    nib_angle: float = 40.0
    paleness: float = 0.0
    grain: float = 0.0


PENS = {
    "ballpoint": Pen(width=0.36, colour="#1a2f6e", pressure=0.12),
    "fountain": Pen(width=0.6, colour="#14204a", pressure=0.06, thin=0.25),
    "pencil": Pen(width=0.45, colour="#333338", pressure=0.2, paleness=0.35, grain=0.5),
}


class Run(NamedTuple):
    """A stretch of a stroke: points (n, 2) in mm with n >= 2, width in mm, darkness 0 (paper) to 1 (full ink)."""

    points: np.ndarray
    width: float
    darkness: float


def choose_pen(name, colour=None, width=None):
    """Return the pen called ``name``, with ink of another colour or a point of another width if they are given."""
    if name not in PENS:
        raise MinirnnError(f"unknown pen {name!r}; use one of {', '.join(PENS)}")
    if width is not None and width > 100:
        raise MinirnnError(f"a pen that is {width:g} mm wide blots out the page; choose one of at most 100 mm")
    pen = PENS[name]
    colour, opacity = check_colour(colour) if colour else (pen.colour, pen.opacity)
    return replace(pen, colour=colour, opacity=opacity, width=width or pen.width)


def check_colour(colour):
    """Return a colour's name or hexadecimal code as (``#rrggbb``, opacity from above 0 to 1)."""
    from PIL import ImageColor  # only needed when a colour is asked for

    try:
        red, green, blue, *alpha = ImageColor.getrgb(colour)
    except ValueError:
        raise MinirnnError(f"unknown colour {colour!r}; use a name such as navy, #rrggbb or #rrggbbaa") from None
    opacity = alpha[0] / 255 if alpha else 1.0
    if opacity == 0:
        raise MinirnnError(f"ink of the colour {colour!r} cannot be seen; its last two digits say how opaque it is")
    return f"#{red:02x}{green:02x}{blue:02x}", opacity


def mixed(colour, darkness):
    """Return ``#rrggbb`` of ink on white paper at a darkness between 0 and 1."""
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    return "#{:02x}{:02x}{:02x}".format(*np.rint(255 - darkness * (255 - channels)).astype(int))


def simplified(stroke):
    """Return a stroke in mm with as many of its points as its look needs, and at least two.

    A chord over a length s of a curve with curvature k keeps within s^2 k / 8 of it, so points are needed at a density
    of sqrt(k / (8 TOLERANCE)); corners are kept. (It does what ``approximate_polygon`` of scikit-image would do, twenty
    times as fast.) A dot becomes a dash of ``DOT`` mm, since many programs draw nothing for a line that goes nowhere.
    """
    stroke = without_repeats(stroke)
    if len(stroke) == 1 or np.ptp(stroke, axis=0).max() < DOT:
        return stroke[0] + np.array([[0.0, 0.0], [DOT, 0.0]])
    steps = np.diff(stroke, axis=0)
    lengths = np.hypot(*steps.T)
    turns = np.abs(np.angle(np.exp(1j * np.diff(np.arctan2(steps[:, 1], steps[:, 0])))))
    reach = (lengths[:-1] + lengths[1:]) / 2
    needed = np.floor(np.cumsum(np.sqrt(turns * reach / (8 * TOLERANCE))))
    inner = (np.diff(needed, prepend=0) >= 1) | (turns > CORNER)
    return stroke[np.concatenate([[True], inner, [True]])]


def ink(strokes, pen, seed=0):
    """Draw strokes in mm with a pen: a list of Run, in writing order."""
    rng = np.random.default_rng(seed)
    return [run for stroke in strokes for run in _runs(simplified(stroke), pen, rng)]


def _runs(points, pen, rng):
    """Cut one stroke where its width, rounded, changes; a dot is as wide as the pen."""
    if np.ptp(points, axis=0).max() < pen.width:
        return [Run(points, pen.width, 1.0)]
    steps = np.diff(points, axis=0)
    lengths = np.hypot(*steps.T)
    middle = np.cumsum(lengths) - lengths / 2
    pressure = _wave(middle, lengths.sum(), rng)
    # y points down on paper, angles turn upwards.
    direction = np.arctan2(-steps[:, 1], steps[:, 0])
    nib = pen.thin + (1 - pen.thin) * np.abs(np.sin(direction - np.radians(pen.nib_angle)))
    levels = np.rint(LEVELS * (1 + pen.pressure * pressure) * nib).astype(int)
    darkness = 1 - pen.paleness * (0.5 - 0.5 * pressure)

    cuts = [0, *(np.flatnonzero(np.diff(levels)) + 1), len(levels)]
    return [
        Run(points[a : b + 1], max(1, levels[a]) / LEVELS * pen.width, round(float(darkness[a:b].mean()) * 8) / 8)
        for a, b in pairwise(cuts)
    ]


def _wave(at, length, rng):
    """A random wave between -1 and 1 along a stroke, at distances ``at`` from its start."""
    knots = rng.uniform(-1, 1, size=int(length / PRESSURE_LENGTH) + 2)
    return np.interp(at, np.linspace(0, length, len(knots)), knots)
