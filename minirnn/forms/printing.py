"""Draw the sheet: as a PDF to print, and as a picture to compare a photograph with."""

import functools
import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from minirnn.forms import geometry
from minirnn.forms.prompts import PAGES

MM_PER_INCH = 25.4
HAIRLINE_WIDTH = 0.15  # mm
FOOT = "Copy each sentence below its print, with a dark pen. Then photograph each page whole, flat, from above."


def sheet_pdf(paper):
    """All pages on ``paper``, a name of `minirnn.forms.geometry.PAPERS`, as the bytes of a PDF file."""
    file = io.BytesIO()
    with PdfPages(file, metadata={"CreationDate": None, "Title": "Handwriting sheet"}) as pdf:
        for number in range(1, len(PAGES) + 1):
            pdf.savefig(page_figure(number, geometry.PAPERS[paper]))
    return file.getvalue()


def box_corner(size):
    """Where the upper left corner of the box is on paper of ``size`` (width, height): the box is in the middle."""
    return (size[0] - geometry.BOX_WIDTH) / 2, (size[1] - geometry.BOX_HEIGHT) / 2


def page_figure(number, size):
    """Page ``number``, the first is 1, on paper of ``size`` (width, height) in mm: a matplotlib Figure."""
    figure = Figure(figsize=(size[0] / MM_PER_INCH, size[1] / MM_PER_INCH))
    left, top = box_corner(size)
    axes = figure.add_axes([0, 0, 1, 1], xlim=(-left, size[0] - left), ylim=(size[1] - top, -top))
    axes.axis("off")
    for mark in geometry.MARKS:
        axes.add_artist(Polygon(mark, facecolor="black", edgecolor="none"))
    for corner, dark in geometry.code_cells(number):
        if dark:
            axes.add_artist(Rectangle(corner, geometry.CELL, geometry.CELL, facecolor="black", edgecolor="none"))
    _print(axes, f"page {number} of {len(PAGES)}", 130, 4.5)
    _print(axes, FOOT, 14, geometry.BOX_HEIGHT - 3)
    hairlines = []
    for index, text in enumerate(PAGES[number - 1]):
        band = geometry.band(index)
        _print(axes, text, geometry.BAND_LEFT, band.prompt + geometry.CAP_HEIGHT)
        for ends in (geometry.HAIRLINE, tuple(geometry.BOX_WIDTH - x for x in geometry.HAIRLINE)):
            hairlines.append([(x, band.baseline) for x in ends])
    axes.add_collection(LineCollection(hairlines, colors="black", linewidths=HAIRLINE_WIDTH * 72 / MM_PER_INCH))
    return figure


def _print(axes, text, x, y):
    """Print ``text`` from x on, with its baseline at y, as outlines and not with a font, so that it always looks
    alike."""
    font = FontProperties(family="DejaVu Sans")
    scale = geometry.CAP_HEIGHT / TextPath((0, 0), "H", size=1, prop=font).get_extents().height
    place = Affine2D().scale(scale, -scale).translate(x, y)
    axes.add_artist(PathPatch(TextPath((0, 0), text, size=1, prop=font).transformed(place), color="black", linewidth=0))


def page_picture(number, size, resolution):
    """Page ``number`` as grey levels (H, W) in [0, 1], ``resolution`` pixels per millimetre."""
    figure = page_figure(number, size)
    figure.set_dpi(resolution * MM_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 0] / 255


@functools.cache
def box_picture(number, resolution):
    """The box of page ``number`` as it is printed; arguments and result as for `page_picture`."""
    picture = page_picture(number, (geometry.BOX_WIDTH, geometry.BOX_HEIGHT), resolution)
    picture.flags.writeable = False
    return picture
