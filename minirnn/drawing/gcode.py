"""Pages as G-code for pen plotters: millimetres, absolute positions, the pen up between strokes and at the end."""

from minirnn.drawing.plotters import commands, parts_of, report


def page_gcode(page, plotter):
    """A page as G-code -> list of texts, one for each part that is drawn without moving the paper.

    The paper's rules are not drawn. The last command for the pen lifts it, and nothing after that moves it down.

    Raises
    ------
    MinirnnError if the pen would leave the plotter's area.
    """
    return [_program(part, plotter) for part in parts_of(page, plotter)]


def _program(part, plotter):
    home = f"{plotter.move} X{plotter.origin[0]:.2f} Y{plotter.origin[1]:.2f} F{plotter.travel:g}"
    lines = [f"; minirnn: handwriting, millimetres; {report(part.strokes, plotter)}"]
    lines += [f"; {part.name}"] if part.name else []
    lines += [*commands(plotter.header), *_pen(plotter.pen_up, plotter), home]
    for stroke in part.strokes:
        positions = [f"X{x:.2f} Y{y:.2f}" for x, y in stroke]
        lines.append(f"{plotter.move} {positions[0]} F{plotter.travel:g}")
        lines += _pen(plotter.pen_down, plotter)
        lines.append(f"G1 {positions[1]} F{plotter.feed:g}")
        lines += [f"G1 {position}" for position in positions[2:]]
        lines += _pen(plotter.pen_up, plotter)
    return "\n".join([*lines, home, *commands(plotter.footer), ""])


def _pen(command, plotter):
    """The lines that raise or lower the pen and wait until it has arrived."""
    wait = plotter.dwell.format(seconds=plotter.delay, milliseconds=1000 * plotter.delay)
    return commands(command) + ([wait] if plotter.delay else [])
