"""Pages as HPGL, the language of Hewlett-Packard's plotters and of most cutters; 40 units are a millimetre."""

import numpy as np

from minirnn.drawing.plotters import commands, parts_of

UNITS_PER_MM = 40
MM_PER_MINUTE = 600  # in a centimetre per second, which is the unit of VS


def page_hpgl(page, plotter):
    """A page as HPGL -> list of texts, one for each part that is drawn without moving the paper.

    Raises
    ------
    MinirnnError if the pen would leave the plotter's area.
    """
    return [_program(part, plotter) for part in parts_of(page, plotter)]


def _program(part, plotter):
    speed = max(1, round(plotter.feed / MM_PER_MINUTE))
    home = _position(np.array(plotter.origin))
    lines = [*commands(plotter.header), f"VS{speed}", f"{plotter.pen_up}{home}"]
    for stroke in part.strokes:
        lines.append(f"{plotter.pen_up}{_position(stroke[0])}")
        lines.append(plotter.pen_down + ",".join(_position(point) for point in stroke[1:]))
    lines += [plotter.pen_up, f"{plotter.pen_up}{home}", *commands(plotter.footer)]
    return "".join(f"{line};\n" for line in lines)


def _position(point):
    x, y = np.rint(point * UNITS_PER_MM).astype(int)
    return f"{x},{y}"
