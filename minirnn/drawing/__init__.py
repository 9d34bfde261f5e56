"""From strokes to ink: pages, and the files that show, print, plot or play them."""

from minirnn.drawing.output import (
    FORMATS,
    Look,
    check_output,
    format_of,
    letter_files,
    page_files,
    save_files,
    save_pages,
)
from minirnn.drawing.plotters import PLOTTERS, Plotter
from minirnn.drawing.png import line_image

__all__ = [
    "FORMATS", "PLOTTERS", "Look", "Plotter", "check_output", "format_of", "letter_files", "line_image", "page_files",
    "save_files", "save_pages",
]  # fmt: skip
