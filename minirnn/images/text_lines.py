"""Where the lines of writing run on an upright page: a curve through the small letters of each.

Averaged over many letters along the line, and over about the height of the small letters across it, writing becomes
a set of long ridges, one per line (the "steerable" or "anisotropic" blur of Bukhari, Shafait and Breuel 2009).
Ridges may slant and bend, begin and end anywhere, and lie close together.

Columns, and notes in the margin, are parted by a gutter: a strip without ink beside many lines. Lines end there, and
are read column by column; what stands above or below the gutter, such as a heading, keeps its place.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SCALES = 1.3 ** np.arange(2, 13)  # standard deviations of y that are tried, in pens: 1.7 to 23
ALONG = 5.0  # the blur along the line, by that across it
WEAKEST = 0.12  # a ridge has at least so much ink beside the strong ones
GAP = 12.0  # pieces of one line lie at most this many standard deviations of y apart
BESIDE = 1.3  # pieces of one line lie at most so many above or below each other
GUTTER = 5.0  # a gutter is at least so wide, in standard deviations of y of its lines: no gap between words is
DEEP = 24.0  # and so long: about five lines


@dataclass
class TextLine:
    """A line of writing: where it runs.

    columns, rows  (n,) pixels of the page: the middle of its small letters, from left to right
    spread         half the height of the small letters, about, in pixels
    left, right    the first and the last column of the page that may be its own: the middle of the gutters beside it
    """

    columns: np.ndarray
    rows: np.ndarray
    spread: float
    left: float = -np.inf
    right: float = np.inf

    def curve(self, width):
        """(width,) its row at each column of the page; level beyond its ends."""
        return np.interp(np.arange(width), self.columns, self.rows)


def find_text_lines(ink, pen, count=None):
    """The lines of an upright page from its ink, (H, W) bool, in reading order: list of `TextLine`.

    ``count`` is how many there are, if that is known: then the scale is chosen that finds so many.
    """
    if not ink.any():
        return []
    shrink = max(1, round(0.8 * pen))
    density = shrunk(ink, shrink)
    unit = pen / shrink
    strength = [line_strength(density, scale * unit) for scale in SCALES]
    best = int(np.argmax(strength))
    found = _lines_at(density, SCALES[best] * unit)
    if count and len(found) != count:
        near = sorted(range(len(SCALES)), key=lambda n: abs(n - best))
        tried = [_lines_at(density, SCALES[n] * unit) for n in near]
        found = min(tried, key=lambda lines: abs(len(lines) - count))
    middle = (shrink - 1) / 2
    return [
        TextLine(x * shrink + middle, y * shrink + middle, sigma * shrink, left * shrink, right * shrink)
        for x, y, sigma, left, right in found
    ]


def shrunk(ink, shrink):
    """Share of ink in squares of ``shrink`` pixels."""
    height, width = (-(-size // shrink) * shrink for size in ink.shape)
    padded = np.zeros((height, width), np.float32)
    padded[: ink.shape[0], : ink.shape[1]] = ink
    return padded.reshape(height // shrink, shrink, width // shrink, shrink).mean(axis=(1, 3))


def line_strength(density, sigma):
    """How much the ink looks like level lines of letters 2 ``sigma`` high: the mean square of the second derivative
    across the lines, times sigma^2 so that scales can be compared (Lindeberg 1998)."""
    bend = ndimage.gaussian_filter1d(density, sigma, axis=0, order=2, mode="constant")
    bend = ndimage.gaussian_filter1d(bend, ALONG * sigma, axis=1, mode="constant")
    return float(np.mean((sigma**2 * bend) ** 2))


def _lines_at(density, sigma):
    """Lines as (columns, rows, sigma, left, right) in reading order, in pixels of ``density``, by its ridges."""
    smooth = ndimage.gaussian_filter1d(density, sigma, axis=0, mode="constant")
    smooth = ndimage.gaussian_filter1d(smooth, ALONG * sigma, axis=1, mode="constant")
    padded = np.pad(smooth, ((1, 1), (0, 0)))
    tops = (smooth >= padded[:-2]) & (smooth > padded[2:])
    tops &= smooth > WEAKEST * np.quantile(smooth[tops], 0.9) if tops.any() else False
    labels, _ = ndimage.label(ndimage.maximum_filter1d(tops, 3, axis=0), np.ones((3, 3)))
    pieces = []
    for piece, where in enumerate(ndimage.find_objects(labels), 1):
        rows, columns = np.nonzero((labels[where] == piece) & tops[where])
        if len(columns) and np.ptp(columns) >= sigma:
            x = np.unique(columns)
            y = np.bincount(columns, rows)[x] / np.bincount(columns)[x]
            weight = smooth[where][np.round(y).astype(int), x].sum()
            pieces.append((x + where[1].start, y + where[0].start, weight))
    gutters = find_gutters(density, sigma)
    for gutter in gutters:
        pieces = [part for piece in pieces for part in _parted(piece, gutter)]
    return _in_order(_joined(pieces, sigma, gutters), gutters)


# --- columns -------------------------------------------------------------------------------------------------


def find_gutters(density, sigma):
    """Gutters between columns as (column, first row, last row), the longest first. ``density``, (H, W), is the share
    of ink, ``sigma`` half the height of the small letters in its pixels."""
    ink = density > 0
    across, deep = round(GUTTER * sigma), round(DEEP * sigma)
    if ink.shape[0] <= deep or ink.shape[1] <= 4 * across:
        return []
    crossed = ndimage.maximum_filter1d(ink, across, axis=1)  # ink within half a gutter's width
    last = np.maximum.accumulate(np.where(crossed, np.arange(len(ink))[:, None], -1), axis=0)
    run = np.arange(len(ink))[:, None] - last  # rows without ink down to each
    found = []
    for column in np.argsort(-run.max(axis=0), kind="stable"):
        bottom = int(run[:, column].argmax())
        top = bottom - int(run[bottom, column]) + 1
        if bottom - top < deep:
            break
        beside = [ink[top : bottom + 1, :column], ink[top : bottom + 1, column:]]
        for other, first, last_row in found:  # only as far as the next gutter
            if first < bottom and top < last_row:
                side = int(other > column)
                beside[side] = beside[side][:, : other - column] if side else beside[side][:, other:]
        rows = [np.nonzero(part.any(axis=1))[0] for part in beside]
        if all(len(row) > 0.3 * deep and np.ptp(row) > deep for row in rows):
            top, bottom = (top + max(row[0] for row in rows), top + min(row[-1] for row in rows))
            if bottom - top >= deep:
                found.append((int(column), top, bottom))
    return found


def _parted(piece, gutter):
    """A piece of a ridge, (x, y, weight), as one or, where it runs across a gutter, two pieces."""
    (x, y, weight), (column, top, bottom) = piece, gutter
    left = x < column
    if left.all() or not left.any() or not top < y[left][-1] < bottom:
        return [piece]
    return [(x[side], y[side], weight * np.mean(side)) for side in (left, ~left) if side.sum() > 1]


def _in_order(lines, gutters):
    """Lines (x, y, sigma) as (x, y, sigma, left, right) in reading order: what is above a gutter, its left side, its
    right side, what is below."""
    lines = sorted(lines, key=lambda line: np.median(line[1]))
    if not gutters:
        return [(*line, -np.inf, np.inf) for line in lines]
    (column, top, bottom), rest = gutters[0], gutters[1:]
    groups = [[], [], [], []]
    for line in lines:
        middle = np.median(line[1])
        beside = 1 + int(np.mean(line[0]) > column)
        groups[0 if middle < top else 3 if middle > bottom else beside].append(line)
    above, left, right, below = (_in_order(group, rest) for group in groups)
    left = [(x, y, sigma, first, min(last, column)) for x, y, sigma, first, last in left]
    right = [(x, y, sigma, max(first, column), last) for x, y, sigma, first, last in right]
    return [*above, *left, *right, *below]


# --- lines ---------------------------------------------------------------------------------------------------


def _joined(pieces, sigma, gutters=()):
    """Pieces of ridges joined to lines: what goes on at the same height after a gap, in which there is no gutter. The
    heavier ones come first."""

    def apart(left, right, y):
        return any(left <= column <= right and top < y < bottom for column, top, bottom in gutters)

    lines = []
    for x, y, _ in sorted(pieces, key=lambda piece: -piece[2]):
        best = None
        for number, (xs, ys, _) in enumerate(lines):
            gap = max(x[0] - xs[-1], xs[0] - x[-1])
            end, other = (y[0], ys[-1]) if x[0] - xs[-1] >= xs[0] - x[-1] else (y[-1], ys[0])
            off = abs(end - other)
            if apart(min(x[-1], xs[-1]), max(x[0], xs[0]), end):
                continue
            if gap > -2 * sigma and gap < GAP * sigma and off < BESIDE * sigma and (best is None or off < best[0]):
                best = off, number
        if best is None:
            lines.append((x, y, sigma))
        else:
            xs, ys, _ = lines[best[1]]
            together = np.concatenate([xs, x]), np.concatenate([ys, y])
            order = np.argsort(together[0], kind="stable")
            lines[best[1]] = together[0][order], together[1][order], sigma
    return lines
