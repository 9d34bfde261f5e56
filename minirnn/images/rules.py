"""Find the printed rules and squares of the paper, and take them out of the ink: straight or bent, dark or light.

A rule is a thin ridge of darkness that goes on for much longer than any stroke. Along short slanted segments, at
several slopes, nearly every pixel of a rule is darker than what lies a little above and below it; of handwriting,
however dense, only some are. So a rule may be broken, and so light that the threshold finds only parts of it.

Where a stroke crosses a rule or stands on it, the ink stays: it is darker than the rule, or it goes on beyond it.
"""

import numpy as np
from scipy import ndimage
from skimage import filters

SLOPES = np.tan(np.radians(np.arange(-16, 17, 2)))  # of a segment of a bent rule
UPRIGHT = np.tan(np.radians(np.arange(-2, 3, 2)))  # of an upright one: what leans more is the stems of letters
LONG = 40.0  # pens: no stroke of the pen is as straight for so long
SHARE, LEAST_SHARE = 0.65, 0.4  # of a segment's pixels that are darker than what lies above and below: surely, perhaps
WHOLE = 0.25  # of the picture's width: a rule is at least so long
UNBROKEN = 0.75  # and there is so much of it
SQUEEZE = 4  # rules are sought in a picture that is so many times narrower
FINE = 3.0  # and in which a pen has so many pixels, or fewer
THICKEST = 1.6  # a rule is at most so thick, in pens
NEAR = 2.0  # what stands on a rule in two places less than this apart, in pens, is the foot of a letter
DASH = 18.0  # pens: a single flat stroke that is longer is what is left of a rule


def remove_rules(level, ink, pen):
    """``ink``, (H, W) bool, without printed rules and squares. ``level``, (H, W), is how dark it is, as `ink_level`."""
    without = _remove_horizontal(level, ink, pen)
    return _remove_horizontal(level.T, without.T, pen, UPRIGHT, dash=np.inf).T


def _remove_horizontal(level, ink, pen, slopes=SLOPES, dash=DASH):
    """``ink`` without the rules that run about horizontally."""
    if ink.shape[1] < LONG * pen or min(ink.shape) < 3 * pen:
        return ink
    found = find_rules(level, pen, slopes)
    without = ink
    for rows, columns in found:
        without = _without_rule(level, ink, without, pen, rows, columns)
    return _without_remnants(without, pen, dash * pen) if found else ink


# --- where the rules are -------------------------------------------------------------------------------------


def find_rules(level, pen, slopes=SLOPES):
    """The rules that run about horizontally, with these slopes: list of (rows, columns), both (n,), the middle of each
    in pixels."""
    down = max(1, round(pen / FINE))
    across = SQUEEZE * down
    height, width = level.shape[0] // down * down, level.shape[1] // across * across
    small = np.clip(level[:height, :width], -1, 0.5)
    small = small.reshape(height // down, down, width // across, across).mean(axis=(1, 3))
    ridge = _ridge(small, max(2, round(THICKEST * pen / down)))
    length = max(3, round(LONG * pen / across))
    share = _share_along_segments(ridge, length, slopes)
    rules = filters.apply_hysteresis_threshold(share, LEAST_SHARE, SHARE)
    labels, _ = ndimage.label(rules, np.ones((3, 3)))
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        if (box[1].stop - box[1].start) * across < max(1.5 * LONG * pen, WHOLE * level.shape[1]):
            continue
        weight = np.where(labels[box] == number, np.maximum(ridge[box], 0.01) * share[box] ** 4, 0)
        there = weight.sum(axis=0) > 0
        rows = (weight * np.arange(weight.shape[0])[:, None]).sum(axis=0)[there] / weight.sum(axis=0)[there]
        beside = np.round(rows + box[0].start).astype(int) + np.array([[-1], [0], [1]])
        on_rule = ridge[beside.clip(0, len(ridge) - 1), np.nonzero(there)[0] + box[1].start].max(axis=0)
        if np.mean(on_rule > 0.3) < UNBROKEN:  # letters of several lines that happen to stand in a row
            continue
        rows = ndimage.median_filter(rows, 9, mode="nearest") + box[0].start
        rows, at = _followed(ridge, rows, np.nonzero(there)[0] + box[1].start, length // 2)
        rows, at = (rows + 0.5) * down - 0.5, (at + 0.5) * across - 0.5
        reach = np.arange(max(0, int(at[0] - LONG * pen / 2)), min(level.shape[1], int(at[-1] + LONG * pen / 2)))
        found.append((_continued(reach, at, rows), reach))
    return found


def _ridge(level, off):
    """How much darker each pixel is than what lies ``off`` above and below: 1 surely, 0 not at all."""
    above, below = (ndimage.shift(level, (step, 0), order=0, mode="nearest") for step in (off, -off))
    deeper = np.minimum(level - above, level - below)
    noise = 1.4826 * np.median(np.abs(deeper - np.median(deeper)))
    return np.clip(deeper / max(3 * noise, 0.02), -0.5, 1).astype(np.float32)


def _share_along_segments(ridge, length, slopes):
    """(H, W) the mean of ``ridge`` along the segment of ``length`` columns around each pixel, at its best slope.

    The picture is sheared by each slope in turn, so that a segment becomes a run along a row.
    """
    share = np.full(ridge.shape, -1, np.float32)
    columns, rows = np.arange(ridge.shape[1]), np.arange(len(ridge))[:, None]
    for slope in slopes:
        shift = np.round(slope * SQUEEZE * (columns - columns.mean())).astype(int)
        room = int(np.abs(shift).max())
        sheared = np.zeros((len(ridge) + 2 * room, len(columns)), np.float32)
        sheared[rows - shift + room, columns] = ridge
        run = ndimage.uniform_filter1d(sheared, length, axis=1, mode="constant")
        np.maximum(share, run[rows - shift + room, columns], out=share)
    return share


def _followed(ridge, rows, columns, step):
    """A rule, at these ``rows`` and ``columns`` of the ``ridge``, followed beyond its ends, ``step`` columns at a time,
    for as long as half of the way is a ridge: writing may hide some of it."""
    for side in (-1, 1):
        while True:
            end = slice(None, 2 * step) if side < 0 else slice(-2 * step, None)
            new = np.arange(columns[0] - step, columns[0]) if side < 0 else columns[-1] + 1 + np.arange(step)
            new = new[(new >= 0) & (new < ridge.shape[1])]
            if not len(new) or len(columns) < 4:
                break
            way = np.polyval(np.polyfit(columns[end], rows[end], 1), new)
            beside = np.round(way).astype(int) + np.array([[-1], [0], [1]])
            if np.mean(ridge[beside.clip(0, len(ridge) - 1), new].max(axis=0) > 0.3) < 0.5:
                break
            order = [(way, rows), (new, columns)]
            rows, columns = (np.concatenate(pair if side < 0 else pair[::-1]) for pair in order)
    return rows, columns


def _continued(reach, at, rows):
    """Rows at the columns ``reach`` of a rule that is known at ``at``; beyond its ends it goes on as it did there."""
    curve = np.interp(reach, at, rows)
    for side, end in ((reach < at[0], slice(None, 12)), (reach > at[-1], slice(-12, None))):
        if side.any() and len(at) > 3:
            curve[side] = np.polyval(np.polyfit(at[end], rows[end], 1), reach[side])
    return curve


# --- taking them out -----------------------------------------------------------------------------------------


def _without_rule(level, ink, without, pen, rows, columns):
    """Take one rule out of the ink, but nothing of the strokes on it."""
    reach = int(np.ceil(3 * pen))
    offsets = np.arange(-reach, reach + 1)[:, None]
    at = np.round(rows).astype(int) + offsets
    inside = (at >= 0) & (at < ink.shape[0])
    at = at.clip(0, ink.shape[0] - 1)
    strip, dark = ink[at, columns] & inside, np.where(inside, level[at, columns], -1)  # the page along the rule
    near = np.abs(offsets) <= max(1, pen / 2)
    darkest = np.where(near, dark, -1).max(axis=0)
    own = np.median(darkest)  # how dark the rule is: writing covers less than half of it
    varies = 1.4826 * np.median(own - darkest[darkest <= own])
    thin = (strip & near).any(axis=0) & ~(strip & (np.abs(offsets) > THICKEST * pen)).any(axis=0)  # the rule alone
    thin &= darkest <= own + 2.5 * varies + 0.02
    if not thin.any():
        return without
    thickness = np.median(strip.sum(axis=0)[thin])
    at_middle = (strip * offsets).sum(axis=0)[thin] / strip.sum(axis=0)[thin]
    middle = np.interp(columns, columns[thin], ndimage.median_filter(at_middle, 2 * round(4 * pen) + 1, mode="nearest"))
    band = np.abs(offsets - middle) <= thickness / 2 + 1
    outside = strip & ~band
    stroke = np.median(dark[outside]) if outside.any() else own
    if stroke - own > 4 * varies + 0.05:  # a light rule: what is clearly darker is a stroke
        keep = dark > own + max(2.5 * varies, 0.35 * (stroke - own))
        keep |= _strokes_on(strip, band, round(NEAR * pen)) & (dark > own + 1.5 * varies)
    else:
        keep = _strokes_on(strip, band, round(NEAR * pen))
    gone = strip & band & ~keep
    gone |= _flat_within(strip & ~gone, np.abs(offsets - middle) <= thickness / 2 + max(2, 0.4 * pen))
    result = without.copy()
    result[at[gone], np.broadcast_to(columns, at.shape)[gone]] = False
    return result


def _strokes_on(strip, band, near):
    """Where in the band of a rule strokes run: where ink stands on it or hangs from it, and between two such places
    that are near each other, as at the foot of a u."""
    height, columns = len(strip), np.arange(strip.shape[1])
    first, last = np.argmax(band, axis=0), height - 1 - np.argmax(band[::-1], axis=0)
    stays = np.zeros(strip.shape[1], bool)
    for edge, step in ((first, -1), (last, 1)):
        beside, next_to_it = ((edge + n * step).clip(0, height - 1) for n in (1, 2))
        touched = strip[beside, columns] & strip[next_to_it, columns]
        stays |= ndimage.binary_closing(np.pad(touched, near), np.ones(near + 1))[near:-near] if near else touched
    return band & stays


def _flat_within(left, band):
    """Flat pieces of what is ``left`` along a rule that lie within its ``band``: darker or thicker places of it."""
    pieces, count = ndimage.label(left, np.ones((3, 3)))
    gone = np.bincount(pieces[left & ~band], minlength=count + 1) == 0
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        gone[number] &= box[1].stop - box[1].start >= 2 * (box[0].stop - box[0].start)  # a full stop is not flat
    return gone[pieces] & left


def _without_remnants(ink, pen, longest):
    """``ink`` without flat single strokes that are longer than ``longest`` pixels, too long for a dash."""
    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    gone = np.zeros(pieces.max() + 1, bool)
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        width = box[1].stop - box[1].start
        if width < longest:
            continue
        piece = pieces[box] == number
        thickness = piece.sum(axis=0)
        if np.mean(thickness) > THICKEST * pen or np.mean(thickness > 2 * pen + 2) > 0.1:
            continue
        rows = (piece * np.arange(len(piece))[:, None]).sum(axis=0) / np.maximum(1, thickness)
        x = np.arange(width) / width
        bend = rows - np.polyval(np.polyfit(x, rows, 3), x)
        gone[number] = np.mean(np.abs(bend)) < 0.5 * pen
    return ink & ~gone[pieces]
