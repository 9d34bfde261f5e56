"""The steps from a picture to strokes put one after the other: a page is cleaned, cut into lines, traced."""

from dataclasses import dataclass

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.images import clean, lines
from minirnn.images.scale import resize
from minirnn.images.trace import trace

BROADEST_TRACED = 8.0  # pixels: a line is traced at uniform height, unless its pen would be broader than this
MARGIN = 4.0  # white around a line that was cut out, in pens
MOST_LINES = 150  # of a page; all their pictures are in memory at once
BROAD, BROADEST = 0.13, 0.23  # pens, in standard deviations of y: narrow loops begin to fill, and are all but full


@dataclass
class Page:
    """A cleaned page and what every step left; pictures are (H, W) grey levels or bool ink.

    angle   degrees by which its lines rose to the right, now taken out
    matrix  (3, 3), takes points (x, y, 1) of the upright page back to the picture it came from
    pen     width of the pen in pixels
    """

    grey: np.ndarray
    even: np.ndarray  # light and paper removed
    contrast: np.ndarray
    upright: np.ndarray
    threshold: np.ndarray
    unruled: np.ndarray
    ink: np.ndarray  # specks removed
    angle: float
    matrix: np.ndarray
    pen: float


@dataclass
class Line:
    """A line of handwriting: its picture at uniform height, its ink, and its strokes.

    strokes  traced, in pixels of the picture that the page or line was read from
    pen      width of the pen, in those pixels
    """

    grey: np.ndarray
    ink: np.ndarray
    strokes: list
    pen: float


def clean_page(grey, straighten=True):
    """All steps from the picture of a page or a line, (H, W) grey levels, to its upright ink: a Page."""
    even = clean.remove_light(np.asarray(grey, np.float32))
    contrast = clean.normalise_contrast(even)
    level = clean.ink_level(contrast)
    threshold, angle, upright, matrix = level > 0, 0.0, contrast, np.eye(3)
    if straighten:
        angle = lines.find_rotation(threshold)
        upright, matrix = lines.rotate(contrast, angle)
    if upright is not contrast:
        threshold = lines.rotate(level, angle, outside=-1)[0] > 0
    pen = clean.pen_width(threshold)
    unruled = clean.remove_ruled_lines(threshold, pen)
    if unruled.sum() < threshold.sum():
        pen = clean.pen_width(unruled)
    ink = clean.remove_specks(unruled, pen)
    back = np.linalg.inv(matrix)
    return Page(grey, even, contrast, upright, threshold, unruled, ink, angle, back, pen)


def read_page(grey):
    """Clean a page, cut it into lines and trace them: (Page, list of Line from the top)."""
    page = clean_page(grey)
    labels = lines.label_lines(page.ink, page.pen)
    if labels.max() > MOST_LINES:
        raise MinirnnError(f"no handwriting: {labels.max()} lines on a page, and {MOST_LINES} are too many for one")
    found = [_line_of_page(page, labels == number) for number in range(1, labels.max() + 1)]
    return page, [line for line in found if line is not None]


def read_line(grey):
    """Clean and trace the picture of a single line: (Page, Line), or (Page, None) if there is no ink.

    A line is straightened only if it is long enough to have a direction.
    """
    page = clean_page(grey, straighten=grey.shape[1] > 4 * grey.shape[0])
    return page, _line_of_page(page, page.ink)


def _line_of_page(page, mine):
    """The Line whose ink is ``mine``, (H, W) bool, cut out of its page; None without ink."""
    rows, columns = np.nonzero(mine.any(axis=1))[0], np.nonzero(mine.any(axis=0))[0]
    if not len(rows):
        return None
    margin = round(MARGIN * page.pen)
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    box = (slice(top, rows[-1] + margin + 1), slice(left, columns[-1] + margin + 1))
    others = (page.threshold & ~mine)[box]
    grey = lines.erase(page.upright[box], others, mine[box], page.pen)
    picture, scale = lines.uniform_height(grey, mine[box])
    pen = page.pen * scale
    level = clean.ink_level(grey, page.pen, np.interp(pen / lines.UNIFORM_STD, [BROAD, BROADEST], [0, 1]))
    fine = min(scale, BROADEST_TRACED / page.pen)
    shape = tuple(max(1, round(size * fine)) for size in level.shape)
    ink = clean.remove_specks(resize(level, shape) > 0, page.pen * fine)
    strokes = trace(ink)
    if not strokes:
        return None
    strokes = [(stroke + 0.5) / fine - 0.5 + (left, top) for stroke in strokes]
    strokes = [(np.column_stack([s, np.ones(len(s))]) @ page.matrix.T)[:, :2] for s in strokes]
    return Line(picture, ink, strokes, pen / scale)
