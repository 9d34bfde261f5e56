"""Pages as G-code for pen plotters: millimetres, absolute positions, y upwards from the paper's lower left corner."""

from dataclasses import dataclass

import numpy as np

from minirnn.drawing.ink import simplified
from minirnn.errors import MinirnnError


@dataclass(frozen=True)
class Plotter:
    """What the machine understands, and where it may go.

    Attributes
    ----------
    pen_down, pen_up : commands of the machine; several are separated by ``;``. The default is a servo as most small
        plotters have it; for a pen on the Z axis use ``G1 Z0 F600`` and ``G0 Z5``.
    delay : seconds to wait after each of them, for a servo to arrive.
    feed, travel : speed in mm a minute with the pen down and up.
    origin : (x, y) in mm of the paper's lower left corner in the machine's coordinates.
    area : (x_min, y_min, x_max, y_max) in mm that the pen must not leave; None is the paper itself. The pen starts and
        ends at the origin.
    """

    pen_down: str = "M3 S90"
    pen_up: str = "M5"
    delay: float = 0.15
    feed: float = 2000.0
    travel: float = 5000.0
    origin: tuple = (0.0, 0.0)
    area: tuple | None = None


def page_gcode(page, plotter):
    """Return a page's strokes as G-code, in writing order; the paper's rules are not drawn.

    Raises
    ------
    MinirnnError if the pen would leave the plotter's area.
    """
    flip = np.array([1.0, -1.0])
    strokes = [simplified(stroke) * flip + [0.0, page.height] + plotter.origin for stroke in page.strokes]
    _check_area(strokes, page, plotter)
    home = f"G0 X{plotter.origin[0]:.2f} Y{plotter.origin[1]:.2f} F{plotter.travel:g}"
    lines = ["; handwriting, millimetres", "G21", "G90", *_pen(plotter.pen_up, plotter.delay), home]
    for stroke in strokes:
        positions = [f"X{x:.2f} Y{y:.2f}" for x, y in stroke]
        lines.append(f"G0 {positions[0]} F{plotter.travel:g}")
        lines += _pen(plotter.pen_down, plotter.delay)
        lines.append(f"G1 {positions[1]} F{plotter.feed:g}")
        lines += [f"G1 {position}" for position in positions[2:]]
        lines += _pen(plotter.pen_up, plotter.delay)
    return "\n".join([*lines, home, "M2", ""])


def _pen(command, delay):
    """The lines that raise or lower the pen and wait until it has arrived."""
    wait = [f"G4 P{delay:g}"] if delay else []
    return [part.strip() for part in command.split(";")] + wait


def _check_area(strokes, page, plotter):
    """Refuse strokes, or a home position, outside the plotter's area."""
    x, y = plotter.origin
    area = plotter.area or (x, y, x + page.width, y + page.height)
    points = np.concatenate([[plotter.origin], *strokes])
    (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
    if x_min < area[0] or y_min < area[1] or x_max > area[2] or y_max > area[3]:
        raise MinirnnError(
            f"the pen would move over x {x_min:.1f} to {x_max:.1f}, y {y_min:.1f} to {y_max:.1f} mm, outside the "
            f"plotter's area x {area[0]:g} to {area[2]:g}, y {area[1]:g} to {area[3]:g}; use another origin, a "
            "smaller page or wider margins"
        )
