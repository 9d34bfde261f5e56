"""Pages as SVG, in millimetres: with a pen's ink, or as single lines for a pen plotter."""

from xml.sax.saxutils import escape

from minirnn.drawing.ink import ink, mixed, simplified
from minirnn.drawing.paper import RULE_WIDTH

SINGLE_LINE_WIDTH = 0.3


def page_svg(page, pen, seed=0):
    """Return a page as the text of an SVG file, drawn with a pen on its paper.

    All runs of one width and colour go into one path, which keeps the file small.
    """
    paths = {}
    for run in ink(page.strokes, pen, seed):
        key = (run.width, mixed(pen.colour, run.darkness))
        paths.setdefault(key, []).append(path_data(run.points))
    # Pale runs first, so that dark ink lies on top.
    body = guide_paths(page) + [
        f'<path stroke="{colour}" stroke-width="{width:.3f}" d="{"".join(data)}"/>'
        for (width, colour), data in sorted(paths.items(), key=lambda item: item[0][1], reverse=True)
    ]
    return document(page, body)


def page_single_line_svg(page):
    """Return a page as the text of an SVG file for plotters: one path a stroke, in writing order, nothing else."""
    body = [f'<g id="handwriting" stroke="#000000" stroke-width="{SINGLE_LINE_WIDTH}">']
    body += [f'<path d="{path_data(simplified(stroke))}"/>' for stroke in page.strokes]
    return document(page, [*body, "</g>"], background=None)


def guide_paths(page):
    """The lines of an SVG's body that draw what is printed on the paper."""
    return [
        f'<path stroke="{colour}" stroke-width="{RULE_WIDTH}" d="{path_data(line)}"/>' for colour, line in page.guides
    ]


def document(page, body, background="#ffffff"):
    """Wrap the lines of an SVG's body; one user unit is one millimetre."""
    size = f'width="{page.width:g}mm" height="{page.height:g}mm" viewBox="0 0 {page.width:g} {page.height:g}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="none" stroke-linecap="round" stroke-linejoin="round">',
        f"<title>{escape(page.text.strip())}</title>",
    ]
    if background:
        lines.append(f'<rect width="100%" height="100%" fill="{background}"/>')
    return "\n".join([*lines, *body, "</svg>", ""])


def path_data(points):
    """Return the ``d`` attribute of a line through points (n, 2), to a hundredth of a millimetre."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
