"""Pen plotters: what each machine understands, where its paper lies, and what it may reach.

A page, in millimetres from its upper left corner with y downwards, becomes positions of the machine in four steps:

    1. the page is turned on the bed by 0, 90, 180 or 270 degrees, counter-clockwise;
    2. distances are counted from the corner of the paper at which the machine has its zero, into the paper;
    3. the axes are swapped if the machine calls "x" what runs along the paper's height;
    4. the origin, which is where that corner lies in the machine's coordinates, is added.

A page that is larger than the area which the pen can reach is refused, or split into parts that are drawn one after
the other, the paper being moved in between.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from minirnn.drawing.ink import simplified
from minirnn.drawing.ordering import in_short_order
from minirnn.errors import MinirnnError

MOST_PARTS = 400  # of a page that is split
CORNERS = ("lower-left", "lower-right", "upper-left", "upper-right")


@dataclass(frozen=True)
class Plotter:
    """What the machine understands, and where it may go.

    Attributes
    ----------
    language : "gcode", "hpgl", or "svg" for machines whose own software reads drawings.
    pen_down, pen_up : commands of the machine; several are separated by ``;``.
    delay : seconds to wait after each of them, for a servo to arrive.
    lift_time : seconds that each of them takes besides, which counts in the estimate of the time alone.
    dwell : how the machine is told to wait: a format with ``{seconds}`` or ``{milliseconds}`` in it.
    move : command of a movement with the pen up. GRBL ignores the speed of ``G0``, Marlin and Klipper heed it.
    feed, travel : speed in mm per minute with the pen down and up.
    header, footer : commands at the beginning, after which the pen is lifted, and at the end, before which it is.
    origin : (x, y) in mm of the paper's zero corner in the machine's coordinates.
    area : (x_min, y_min, x_max, y_max) in mm that the pen must not leave; None is the paper itself. The pen starts
        and ends at the origin.
    zero : the corner of the paper, one of `CORNERS`, from which the machine counts.
    swap_axes : whether the machine's x runs along the paper's height.
    turn : degrees by which the page lies turned on the bed, counter-clockwise: 0, 90, 180 or 270.
    split : whether a page larger than the area is cut into parts.
    written_order : whether strokes keep the order in which they were written; otherwise it is the shortest.
    """

    language: str = "gcode"
    pen_down: str = "M3 S90"
    pen_up: str = "M5"
    delay: float = 0.15
    lift_time: float = 0.0
    dwell: str = "G4 P{seconds:g}"
    move: str = "G1"
    feed: float = 2000.0
    travel: float = 5000.0
    header: str = "G21; G90"
    footer: str = ""
    origin: tuple = (0.0, 0.0)
    area: tuple | None = None
    zero: str = "lower-left"
    swap_axes: bool = False
    turn: int = 0
    split: bool = False
    written_order: bool = False


MARLIN = Plotter(
    # M280 does not wait for movements that are still planned; M400 does.
    pen_down="M400; M280 P0 S90", pen_up="M400; M280 P0 S30", dwell="G4 P{milliseconds:.0f}", move="G0",
)  # fmt: skip
PLOTTERS = {
    # A servo on the output for the spindle, as small plotters have it: M5, and no signal, lift the pen.
    "grbl-servo": Plotter(),
    "grbl": Plotter(pen_down="G1 Z0 F600", pen_up="G1 Z5 F600", delay=0.0, lift_time=0.5),
    "marlin": MARLIN,
    "marlin-z": replace(MARLIN, pen_down="G1 Z0 F600", pen_up="G0 Z5 F600", delay=0.0, lift_time=0.5),
    "klipper": replace(MARLIN, pen_down="SET_SERVO SERVO=pen ANGLE=90", pen_up="SET_SERVO SERVO=pen ANGLE=30"),
    "klipper-z": replace(MARLIN, pen_down="G1 Z0 F600", pen_up="G0 Z5 F600", delay=0.0, lift_time=0.5),
    # Speeds and times of the AxiDraw's own software as it comes.
    "axidraw": Plotter(language="svg", feed=3300.0, travel=9800.0, delay=0.3),
    "hpgl": Plotter(language="hpgl", pen_down="PD", pen_up="PU", delay=0.0, lift_time=0.1, feed=12000.0, travel=24000.0,
                    header="IN; SP1", footer="SP0"),
}  # fmt: skip


@dataclass
class Part:
    """What is drawn without moving the paper: strokes in the machine's millimetres, in their order, and a name."""

    strokes: list
    name: str = ""


def parts_of(page, plotter):
    """The parts of a `minirnn.drawing.layout.Page` that a plotter draws, one unless it is split -> list of `Part`.

    Raises
    ------
    MinirnnError if the pen would leave the plotter's area and the page is not to be split.
    """
    to_machine, size = _placement(page, plotter)
    strokes = [to_machine(simplified(stroke)) for stroke in page.strokes]
    x, y = plotter.origin
    area = plotter.area or (x, y, x + size[0], y + size[1])
    if not (area[0] <= x <= area[2] and area[1] <= y <= area[3]):
        raise MinirnnError(f"the origin {x:g},{y:g} lies outside the plotter's area {_named(area)}; use another one")
    parts = [Part(strokes)]
    if not _inside(strokes, area):
        if not plotter.split:
            raise MinirnnError(_refusal(page, plotter, strokes, area))
        parts = _split(strokes, plotter.origin, area)
    if not plotter.written_order:
        parts = [Part(in_short_order(part.strokes, plotter.origin), part.name) for part in parts]
    return parts


def seconds(strokes, plotter):
    """(mm drawn, mm travelled with the pen up, seconds that it takes), of strokes in the order of drawing.

    The speeds are taken as reached at once: a machine that accelerates slowly takes longer."""
    drawn = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes)
    ends = [np.array(plotter.origin), *(end for stroke in strokes for end in (stroke[0], stroke[-1]))]
    ends.append(ends[0])
    travelled = sum(np.hypot(*(b - a)) for a, b in zip(ends[::2], ends[1::2]))
    time = 60 * (drawn / plotter.feed + travelled / plotter.travel)
    time += (2 * len(strokes) + 1) * (plotter.delay + plotter.lift_time)
    return float(drawn), float(travelled), float(time)


def report(strokes, plotter):
    """What a plotter has to do, in words: lengths and time."""
    drawn, travelled, time = seconds(strokes, plotter)
    minutes = f"{time / 60:.0f} minutes" if time >= 90 else f"{time:.0f} seconds"
    return f"{drawn / 1000:.2f} m drawn, {travelled / 1000:.2f} m with the pen up, about {minutes}"


def commands(text):
    """The commands of an option: ``;`` separates them."""
    return [part.strip() for part in text.split(";") if part.strip()]


def _placement(page, plotter):
    """(the function from the page's positions (n, 2) to the machine's, the paper's extent along the machine's axes)."""
    if plotter.zero not in CORNERS or plotter.turn not in (0, 90, 180, 270):
        raise MinirnnError(f"the zero is one of {', '.join(CORNERS)}, and the turn 0, 90, 180 or 270")
    turns = plotter.turn // 90
    width, height = (page.width, page.height) if turns % 2 == 0 else (page.height, page.width)

    def to_machine(points):
        x, y = points[:, 0], page.height - points[:, 1]  # from the lower left corner, upwards
        for step in range(turns):
            x, y = (page.height if step % 2 == 0 else page.width) - y, x
        if "right" in plotter.zero:
            x = width - x
        if "upper" in plotter.zero:
            y = height - y
        return np.column_stack([y, x] if plotter.swap_axes else [x, y]) + plotter.origin

    return to_machine, (height, width) if plotter.swap_axes else (width, height)


def _inside(strokes, area):
    points = np.concatenate(strokes) if strokes else np.empty((0, 2))
    return bool((points >= area[:2]).all() and (points <= area[2:]).all())


def _named(area):
    return f"x {area[0]:g} to {area[2]:g}, y {area[1]:g} to {area[3]:g}"


def _refusal(page, plotter, strokes, area):
    """Why a page does not fit the area, and what to do about it."""
    points = np.concatenate(strokes)
    (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
    turned = replace(plotter, turn=(plotter.turn + 90) % 360)
    to_machine, _ = _placement(page, turned)
    fits_turned = _inside([to_machine(stroke) for stroke in page.strokes], area)
    advice = "--turn 90" if fits_turned else "--split"
    return (
        f"the pen would move over x {x_min:.1f} to {x_max:.1f}, y {y_min:.1f} to {y_max:.1f} mm, outside the "
        f"plotter's area {_named(area)}; use another origin, a smaller page, wider margins, or {advice}"
    )


def _split(strokes, origin, area):
    """Cut strokes at the edges of the area: the parts, each moved into it, row by row from the origin."""
    size = np.array(area[2:]) - area[:2]
    if min(size) <= 0:
        raise MinirnnError(f"the plotter's area {_named(area)} is empty; give its lower left and upper right corner")
    low = np.concatenate(strokes).min(axis=0)
    counts = np.maximum(1, np.ceil((np.concatenate(strokes).max(axis=0) - low) / size - 1e-9)).astype(int)
    if counts.prod() > MOST_PARTS:
        raise MinirnnError(f"the plotter's area {_named(area)} is too small for this page, which would take "
                           f"{counts.prod():,} parts (at most {MOST_PARTS}); check its numbers")  # fmt: skip
    cells = {}
    for stroke in strokes:
        for piece in _cut(stroke, low, size):
            middle = piece[len(piece) // 2 - 1 : len(piece) // 2 + 1].mean(axis=0)
            column, row = np.clip((middle - low) // size, 0, counts - 1).astype(int)
            cells.setdefault((row, column), []).append(piece)
    parts = []
    for row, column in sorted(cells):
        moved = low + size * (column, row) - area[:2]
        inside = [np.clip(piece - moved, area[:2], area[2:]) for piece in cells[row, column]]
        parts.append(Part(inside, f"the paper moved by x {-moved[0]:.1f}, y {-moved[1]:.1f} mm"))
    return parts


def _cut(stroke, low, size):
    """Cut a stroke (n, 2) where it crosses the edges of the cells -> list of pieces, each inside one cell."""
    starts, pieces = [0.0], []
    for k, (a, b) in enumerate(pairwise(stroke)):
        for axis in (0, 1):
            first, last = sorted([(a[axis] - low[axis]) / size[axis], (b[axis] - low[axis]) / size[axis]])
            for edge in range(int(np.ceil(first)), int(np.floor(last)) + 1) if last > first else ():
                at = (low[axis] + edge * size[axis] - a[axis]) / (b[axis] - a[axis])
                starts.append(k + float(at))
    knots = np.arange(len(stroke))
    for first, last in pairwise([*sorted(starts), len(stroke) - 1.0]):
        if last - first > 1e-9:
            at = np.concatenate([[first], knots[(knots > first) & (knots < last)], [last]])
            pieces.append(np.column_stack([np.interp(at, knots, stroke[:, axis]) for axis in (0, 1)]))
    return pieces
