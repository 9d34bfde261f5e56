"""Pages as SVG, in millimetres: with a pen's ink, or as single lines for a pen plotter.

The paper and the ink of a page are layers of their own in Inkscape. The software of the AxiDraw draws layers by the
number with which their name begins, and leaves out those whose name begins with a per cent sign, as the paper's does.
"""

from xml.sax.saxutils import escape, quoteattr

from minirnn.drawing.ink import ink, mixed, simplified
from minirnn.drawing.paper import RULE_WIDTH
from minirnn.drawing.plotters import parts_of

SINGLE_LINE_WIDTH = 0.3
INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"


def page_svg(page, pen, seed=0, number=1, transparent=False):
    """Return a page as the text of an SVG file, drawn with a pen on its paper; ``number`` is the page's.

    All runs of one width and colour go into one path, which keeps the file small.
    """
    paths = {}
    for run in ink(page.strokes, pen, seed):
        key = (run.width, mixed(pen.colour, run.darkness))
        paths.setdefault(key, []).append(path_data(run.points))
    # Pale runs first, so that dark ink lies on top.
    paths = [
        f'<path stroke="{colour}" stroke-width="{width:.3f}" d="{"".join(data)}"/>'
        for (width, colour), data in sorted(paths.items(), key=lambda item: item[0][1], reverse=True)
    ]
    body = [*paper_layer(page), *ink_layer(paths, pen, number)]
    return document(page, body, background=None if transparent else "#ffffff")


def page_single_line_svg(page, plotter=None):
    """Return a page as the text of an SVG file for plotters: one path per stroke, and nothing else.

    The strokes keep the order in which they were written, or that in which ``plotter`` draws them fastest."""
    strokes = [simplified(stroke) for stroke in page.strokes]
    if plotter is not None:
        (part,) = parts_of(page, plotter)
        strokes = [stroke * [1.0, -1.0] + [0.0, page.height] for stroke in part.strokes]
    body = [f'<g id="handwriting" stroke="#000000" stroke-width="{SINGLE_LINE_WIDTH}">']
    body += [f'<path d="{path_data(stroke)}"/>' for stroke in strokes]
    return document(page, [*body, "</g>"], background=None)


def paper_layer(page):
    """The lines of an SVG's body that draw what is printed on the paper."""
    if not page.guides:
        return []
    rules = [
        f'<path stroke="{colour}" stroke-width="{RULE_WIDTH}" d="{path_data(line)}"/>' for colour, line in page.guides
    ]
    return [_layer("%paper"), *rules, "</g>"]


def ink_layer(paths, pen, number=1, attributes=""):
    """The lines of an SVG's body that hold the ink of a page."""
    opacity = f' opacity="{pen.opacity:.3f}"' if pen.opacity < 1 else ""
    return [_layer(f"{number} page {number}, ink {pen.colour}", opacity + attributes), *paths, "</g>"]


def _layer(name, attributes=""):
    return f'<g inkscape:groupmode="layer" inkscape:label={quoteattr(name)}{attributes}>'


def document(page, body, background="#ffffff"):
    """Wrap the lines of an SVG's body; one user unit is one millimetre."""
    size = f'width="{page.width:g}mm" height="{page.height:g}mm" viewBox="0 0 {page.width:g} {page.height:g}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!-- written by minirnn -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="{INKSCAPE}" {size} fill="none" '
        'stroke-linecap="round" stroke-linejoin="round">',
        f"<title>{escape(page.text.strip())}</title>",
    ]
    if background:
        lines.append(f'<rect width="100%" height="100%" fill="{background}"/>')
    return "\n".join([*lines, *body, "</svg>", ""])


def path_data(points):
    """Return the ``d`` attribute of a line through points (n, 2), to a hundredth of a millimetre."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
