"""What can be handwriting, and what cannot: the edges of the paper, the spine of a book, the grain of wood.

Each test returns what is wrong, in words for the one who took the picture.
"""

import numpy as np
from scipy import ndimage

from minirnn.images.text_lines import SCALES, line_strength, shrunk

THICK = 6.0  # pens: what is wider on average is a blot or a dark place, and no stroke
EDGE = 0.25  # of the page's length: what touches the border and is so long is an edge
TALL = 4.0  # a line is at most so many times as high as the others of its page
FLAT = 0.9  # pens: writing deviates so much from its line
DENSE = 0.5  # share of the ink in the box of a line
SIDEWAYS = 0.3  # strength of the level lines by that of the upright ones
BESIDE, NARROW = 0.15, 0.08  # shares of a page's width: what lies beside its lines, and is no margin note
APART = 5.0  # pens: an empty strip that is wider parts the spine of a book from its lines
EMPTY = 0.1  # share of the page's height that has ink in such a strip: a few specks, or one line that crosses it
UNBROKEN = 30.0  # pens: a column of numbers has gaps after every one
LIGHT = 1.0  # skewness of the grey levels; dark writing on light paper has -2 to -7


def is_light_on_dark(grey):
    """Whether the writing is lighter than its paper: what is rare among the grey levels around is the writing."""
    step = max(1, int(np.sqrt(grey.size / 500_000)))
    grey = ndimage.uniform_filter(np.asarray(grey, np.float32), step)[::step, ::step]
    detail = grey - ndimage.gaussian_filter(grey, 25, mode="nearest")
    detail -= np.median(detail)
    spread = np.mean(detail**2)
    return bool(spread > 1e-4 and np.mean(detail**3) > LIGHT * spread**1.5)


def is_sideways(ink):
    """Whether the lines of writing run from top to bottom. With rules in it, if there are any: they run with them."""
    _, pieces = ndimage.label(ink, np.ones((3, 3)))
    if pieces < 8:  # too few letters to say
        return False
    pen = max(1.0, 2 * ink.sum() / max(1, np.sum(ink & ~ndimage.minimum_filter(ink, 3))))
    shrink = max(1, round(0.8 * pen))
    density, unit = shrunk(ink, shrink), pen / shrink
    level, upright = (max(line_strength(d, scale * unit) for scale in SCALES) for d in (density, density.T))
    return level < SIDEWAYS * upright


def without_edges(ink, pen):
    """``ink`` without dark places and the edges of the paper: what is far too thick for the pen, and what touches the
    border of the picture and is very long."""
    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    area = np.bincount(pieces.ravel(), minlength=count + 1)
    outline = np.bincount(pieces[ink & ~ndimage.minimum_filter(ink, 3)], minlength=count + 1)
    gone = 2 * area > THICK * pen * np.maximum(1, outline)
    gone &= area > (THICK * pen) ** 2
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        starts, stops = [part.start for part in box], [part.stop for part in box]
        touches = min(starts) <= 1 or stops[0] >= ink.shape[0] - 1 or stops[1] >= ink.shape[1] - 1
        shares = [(stop - start) / size for start, stop, size in zip(starts, stops, ink.shape)]
        gone[number] |= touches and (shares[0] > EDGE and stops[0] - starts[0] > 30 * pen)
    gone[0] = False
    return ink & ~gone[pieces]


def without_spine(ink, pen):
    """``ink`` without the spine of a book, or the edges of the pages below, at the left or right side: ink that goes on
    for much longer than a letter is high, and that an empty strip parts from the lines."""
    cell = max(1, round(pen))
    there = shrunk(ink, cell) > 0
    gone = np.zeros_like(there)
    for side in (1, -1):
        width = _width_of_spine(there[:, ::side])
        if width:
            crossed = there[:, ::side][:, width : width + round(APART)].any(axis=1)  # a line begins beside the spine
            crossed = ndimage.binary_dilation(crossed, iterations=round(APART))
            gone[:, ::side][~crossed, :width] = True
    return ink & ~np.repeat(np.repeat(gone, cell, axis=0), cell, axis=1)[: ink.shape[0], : ink.shape[1]]


def _width_of_spine(there):
    """How many columns at the left of a page, in cells as wide as the pen, are a spine; 0 if there is none. ``there``,
    (H, W) bool, is where cells have ink."""
    per_column = there.sum(axis=0)
    empty = per_column < EMPTY * there.any(axis=1).sum()
    if empty.all():
        return 0
    first = np.argmin(empty)
    for end in range(min(int(BESIDE * there.shape[1]), int(first + NARROW * there.shape[1])), first, -1):
        if empty[end : end + round(APART)].all():
            covered = ndimage.binary_closing(np.pad(there[:, :end].any(axis=1), 3), np.ones(3))
            runs, _ = ndimage.label(covered)
            return end if np.bincount(runs[runs > 0], minlength=1).max() > UNBROKEN else 0
    return 0


def at_the_edge(box, boxes, shape):
    """Whether a line, in its ``box`` of two slices, is a narrow thing beside a page of lines: the spine of a book, the
    pages below, the page on the other side. ``boxes`` are those of all lines, ``shape`` is the page's."""
    left, right = box[1].start, box[1].stop
    widest = max(other[1].stop - other[1].start for other in boxes)
    beside = right < BESIDE * shape[1] or left > (1 - BESIDE) * shape[1]
    upright_middle = 0.08 * shape[0] < box[0].start and box[0].stop < 0.92 * shape[0]  # elsewhere, a page's number
    return beside and right - left < min(NARROW * shape[1], widest / 4) and (upright_middle or len(boxes) > 4)


def fault_of_line(ink, pen, others):
    """Why the ``ink`` of a line, (H, W) bool without margin, is no handwriting, or "". ``others`` are the heights of
    all lines of the page, in pixels."""
    rows, columns = np.nonzero(ink)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    if len(rows) < 8 * pen**2 and max(height, width) < 8 * pen:
        return "only a dot or two"
    bend = rows - np.polyval(np.polyfit(columns, rows, 1), columns) if width > 1 else rows
    if width > 10 * pen and bend.std() < FLAT * pen:
        return "a rule or an edge"
    if height > 20 * pen and width < 0.3 * height:
        return "an upright rule or an edge"
    if height > 12 * pen and len(rows) > DENSE * height * width:
        return "a dark place"
    if len(others) > 3 and rows.std() > TALL * np.median(others):
        return "far higher than the other lines"
    return ""
