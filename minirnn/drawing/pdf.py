"""Pages as one PDF file, by matplotlib's PDF backend: vector ink, and its text, which is not seen but found.

The text lies under the ink in letters without any opacity, each line as wide as it is written, so that a reader of
PDF can search it, select it and copy it.
"""

import io

from matplotlib import rc_context
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from minirnn.drawing.ink import ink, mixed
from minirnn.drawing.paper import RULE_WIDTH

MM_PER_INCH = 25.4
POINTS_PER_MM = 72 / MM_PER_INCH


def pages_pdf(pages, pen, seed=0, progress=lambda done: None):
    """Return pages as the bytes of a PDF file, each page in its own size; ``progress`` is called before each with the
    number of those that are done."""
    file = io.BytesIO()
    # Without a date the same pages give the same file.
    about = {"CreationDate": None, "Title": "Handwriting"}
    # TrueType fonts, type 42, carry the characters' Unicode.
    with rc_context({"pdf.fonttype": 42}), PdfPages(file, metadata=about) as pdf:
        for number, page in enumerate(pages):
            progress(number)
            pdf.savefig(_figure(page, pen, seed + number))
    return file.getvalue()


def _figure(page, pen, seed):
    """A figure of the page's size whose coordinates are millimetres."""
    figure = Figure(figsize=(page.width / MM_PER_INCH, page.height / MM_PER_INCH))
    axes = figure.add_axes([0, 0, 1, 1], xlim=(0, page.width), ylim=(page.height, 0))
    axes.axis("off")
    guides = [line for _, line in page.guides]
    axes.add_collection(_lines(guides, [RULE_WIDTH] * len(guides), [colour for colour, _ in page.guides]))
    for place in page.places:
        _invisible(axes, place)
    runs = ink(page.strokes, pen, seed)
    colours = [mixed(pen.colour, run.darkness * pen.opacity) for run in runs]
    axes.add_collection(_lines([run.points for run in runs], [run.width for run in runs], colours))
    return figure


def _invisible(axes, place):
    """Put the text of a `minirnn.drawing.layout.Place` where its ink is."""
    width = TextPath((0, 0), place.text, size=100).get_extents().width / 100  # per point of the size of the font
    if width > 0:
        size = place.width * POINTS_PER_MM / width
        axes.text(place.x, place.y, place.text, size=size, alpha=0, va="baseline", parse_math=False)


def _lines(lines, widths, colours):
    points = [width * POINTS_PER_MM for width in widths]
    return LineCollection(lines, linewidths=points, colors=colours, capstyle="round", joinstyle="round")
