"""The steps from a picture to strokes put one after the other: a page is cleaned, cut into lines, traced."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from minirnn.errors import MinirnnError
from minirnn.images import clean, lines, plausible
from minirnn.images.line_labels import label_ink
from minirnn.images.paper_outline import as_grey, cut_paper
from minirnn.images.rules import remove_rules
from minirnn.images.scale import resize
from minirnn.images.text_lines import find_text_lines
from minirnn.images.trace import trace

BROADEST_TRACED = 8.0  # pixels: a line is traced at uniform height, unless its pen would be broader than this
MOST_PIXELS = 12_000_000  # more are averaged first: A4 at 300 dpi has nine million
MARGIN = 4.0  # white around a line that was cut out, in pens
MOST_LINES = 150  # of a page; all their pictures are in memory at once
BROAD, BROADEST = 0.13, 0.23  # pens, in standard deviations of y: narrow loops begin to fill, and are all but full


@dataclass
class CleanPage:
    """A cleaned page and what every step left; pictures are (H, W) grey levels or bool ink.

    angle   degrees by which its lines rose to the right, now taken out
    matrix  (3, 3), takes points (x, y, 1) of the upright page back to the picture it came from, up to a factor
    pen     width of the pen in pixels
    labels  (H, W) int: the line, from 1, that each pixel of ink belongs to; 0: none
    said    what was done to the picture, and what in it was left out
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
    labels: np.ndarray | None = None
    said: list = field(default_factory=list)


@dataclass
class TracedLine:
    """A line of handwriting: its picture at uniform height, its ink, and its strokes.

    strokes  traced, in pixels of the picture that the page or line was read from
    pen      width of the pen, in those pixels
    """

    grey: np.ndarray
    ink: np.ndarray
    strokes: list
    pen: float


def clean_page(grey, straighten=True):
    """All steps from the picture of a page or a line, (H, W) grey levels, to its upright ink: a `CleanPage`."""
    even = clean.remove_light(np.asarray(grey, np.float32))
    contrast = clean.normalise_contrast(even)
    level = clean.ink_level(contrast)
    if plausible.is_sideways(level > 0):
        raise MinirnnError("the writing runs from top to bottom: turn the picture by 90 degrees")
    angle, upright, matrix = 0.0, contrast, np.eye(3)
    if straighten:
        angle = lines.find_rotation(level > 0)
        upright, matrix = lines.rotate(contrast, angle)
    if upright is not contrast:
        level = lines.rotate(level, angle, outside=-1)[0]
    threshold = level > 0
    pen = clean.pen_width(threshold)
    unruled = remove_rules(level, threshold, pen)
    if unruled.sum() < threshold.sum():
        pen = clean.pen_width(unruled)
    ink = clean.remove_specks(unruled, pen)
    back = np.linalg.inv(matrix)
    return CleanPage(grey, even, contrast, upright, threshold, unruled, ink, angle, back, pen)


def read_page(picture, count=None):
    """Clean a page, cut it into lines and trace them: (`CleanPage`, list of `TracedLine` from the top).

    ``picture`` is (H, W) grey levels or (H, W, 3) colours; ``count`` is the number of its lines, if that is known.
    What was found and is no handwriting stands in ``page.said``. Raises MinirnnError if the page lies on its side.
    """
    grey, place, cut = cut_paper(picture)
    grey, shrink = _worked_at(grey)
    page = clean_page(_dark_on_light(grey))
    page.matrix = place @ shrink @ page.matrix
    page.said = [cut] if cut else []
    page.ink = plausible.without_spine(plausible.without_edges(page.ink, page.pen), page.pen)
    page.labels = label_ink(page.ink, page.pen, find_text_lines(page.ink, page.pen, count))
    if (count_found := page.labels.max()) > MOST_LINES:
        raise MinirnnError(f"no handwriting: {count_found} lines on a page, and {MOST_LINES} are too many for one")
    found = []
    numbered = [(number, box) for number, box in enumerate(ndimage.find_objects(page.labels), 1) if box]
    boxes, inks = [box for _, box in numbered], [page.labels[box] == number for number, box in numbered]
    heights = [np.nonzero(mine)[0].std() for mine in inks]
    for box, mine in zip(boxes, inks):
        fault = plausible.fault_of_line(mine, page.pen, heights)
        if plausible.at_the_edge(box, boxes, page.ink.shape):
            fault = "something narrow at the edge of the page"
        try:
            line = None if fault else _line_of_page(page, mine, box)
        except MinirnnError as error:
            line, fault = None, str(error)
        if line is not None:
            found.append(line)
        elif fault:
            x, y = project(np.array([[box[1].start, box[0].start]]), page.matrix)[0]
            page.said.append(f"at {x:.0f}, {y:.0f} from the top left: {fault}; left out")
            page.labels[box][mine] = 0
    return page, found


def read_line(grey):
    """Clean and trace the picture of a single line: (`CleanPage`, `TracedLine`), or (`CleanPage`, None) if there is no
    ink.

    A line is straightened only if it is long enough to have a direction.
    """
    grey, shrink = _worked_at(as_grey(grey))
    page = clean_page(_dark_on_light(grey), straighten=grey.shape[1] > 4 * grey.shape[0])
    page.matrix = shrink @ page.matrix
    box = ndimage.find_objects(page.ink.astype(int))
    return page, _line_of_page(page, page.ink[box[0]], box[0]) if box else None


def _worked_at(grey):
    """(``grey``, made smaller if it has more than `MOST_PIXELS`, (3, 3) matrix of its points to those before)."""
    factor = np.sqrt(MOST_PIXELS / grey.size)
    if factor >= 1:
        return grey, np.eye(3)
    shape = tuple(max(1, round(size * factor)) for size in grey.shape)
    down, across = (before / after for before, after in zip(grey.shape, shape))
    matrix = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
    return resize(grey, shape, "box"), matrix


def _dark_on_light(grey):
    """``grey``, turned to its negative if the writing is lighter than its paper, as on a blackboard."""
    return 1 - grey if plausible.is_light_on_dark(grey) else grey


def _line_of_page(page, mine, box):
    """The `TracedLine` whose ink is ``mine``, bool, in the ``box`` (two slices) of its page; None if nothing is left of
    it."""
    margin = round(MARGIN * page.pen)
    top, left = (max(0, part.start - margin) for part in box)
    mine = np.pad(mine, ((box[0].start - top, margin), (box[1].start - left, margin)))
    mine = mine[: page.ink.shape[0] - top, : page.ink.shape[1] - left]
    box = (slice(top, top + mine.shape[0]), slice(left, left + mine.shape[1]))
    grey = lines.erase(page.upright[box], page.threshold[box] & ~mine, mine, page.pen)
    picture, scale = lines.uniform_height(grey, mine)
    pen = clean.pen_width(mine)
    level = clean.ink_level(grey, pen, np.interp(pen * scale / lines.UNIFORM_STD, [BROAD, BROADEST], [0, 1]))
    fine = min(scale, BROADEST_TRACED / pen)
    shape = tuple(max(1, round(size * fine)) for size in level.shape)
    near = ndimage.maximum_filter(mine, 2 * max(1, round(pen / 3)) + 1)  # no rests of rules, nothing of other lines
    ink = (resize(level, shape) > 0) & (resize(near, shape, "bilinear") > 0.5)
    ink = clean.remove_specks(ink, pen * fine)
    strokes = trace(ink)
    if not strokes:
        return None
    strokes = [project((stroke + 0.5) / fine - 0.5 + (left, top), page.matrix) for stroke in strokes]
    return TracedLine(picture, ink, strokes, pen)


def project(points, matrix):
    """Points (n, 2) where a (3, 3) ``matrix`` takes them."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]
