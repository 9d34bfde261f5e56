"""The geometry of pen strokes.

A line of handwriting is a list of strokes, each an (n, 2) float64 array of positions, n >= 1, columns x and y,
y down, in the order in which they were written. A stroke of one point is a dot. Times are not kept: a stroke recorded
by a tablet and one traced from an image are the same thing.
"""

import numpy as np

from minirnn.errors import MinirnnError

# A line narrower than this many times its height has too few letters for its slope to mean anything.
DESKEW_ASPECT = 3.0
# A line flatter than this share of its width (a lone dash) has no height by which to measure.
FLAT = 1e-3
WAVES = 8  # in a random smooth field
FARTHEST = 1e30  # the largest coordinate: squares and sums of larger ones may overflow


def check_strokes(strokes, where="strokes"):
    """Return ``strokes`` as a list of (n, 2) float64 arrays.

    Raises MinirnnError, naming ``where`` and the stroke, if there is no stroke, or if one is empty, is not a list of
    (x, y) pairs, or contains a value that is not finite or not below `FARTHEST`.
    """
    try:
        strokes = list(strokes)
    except TypeError:
        raise MinirnnError(f"{where}: expected a list of strokes, got {type(strokes).__name__}") from None
    if not strokes:
        raise MinirnnError(f"{where}: there is no stroke; give at least one")
    return [_check_stroke(stroke, f"{where}: stroke {number}") for number, stroke in enumerate(strokes, 1)]


def _check_stroke(stroke, where):
    try:
        stroke = np.asarray(stroke, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise MinirnnError(f"{where} is not a list of (x, y) pairs of numbers") from None
    if stroke.size == 0:
        raise MinirnnError(f"{where} is empty; a stroke needs at least one point")
    if stroke.ndim != 2 or stroke.shape[1] != 2:
        raise MinirnnError(f"{where} has shape {stroke.shape}; expected (points, 2), one x and one y per point")
    good = (np.abs(stroke) < FARTHEST).all(axis=1)
    if not good.all():
        point = int(np.flatnonzero(~good)[0]) + 1
        raise MinirnnError(f"{where}, point {point} is not a finite number below {FARTHEST:g}; remove it or mend it")
    return stroke


def bounding_box(strokes):
    """Return (x_min, y_min, x_max, y_max) of all strokes together."""
    points = np.concatenate(strokes)
    return (*points.min(axis=0), *points.max(axis=0))


def _ink_samples(strokes):
    """Return points (n, 2) and weights (n,) whose weighted sums are integrals along the ink.

    Simpson's rule on every segment, exact up to quadratic terms, so that means and variances do not depend on
    how densely a stroke was recorded. If there are only dots, every dot counts the same.
    """
    starts = np.concatenate([stroke[:-1] for stroke in strokes])
    ends = np.concatenate([stroke[1:] for stroke in strokes])
    lengths = np.linalg.norm(ends - starts, axis=1)
    if lengths.sum() == 0:
        points = np.concatenate(strokes)
        return points, np.full(len(points), 1 / len(points))
    points = np.concatenate([starts, (starts + ends) / 2, ends])
    weights = np.concatenate([lengths, 4 * lengths, lengths]) / (6 * lengths.sum())
    return points, weights


def rotate(strokes, angle):
    """Rotate ``strokes`` by ``angle`` radians about (0, 0), from the x axis towards the y axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    return [stroke @ np.array([[cos, sin], [-sin, cos]]) for stroke in strokes]


def deskew(strokes):
    """Rotate the line so that y, regressed on x along the ink, neither rises nor falls."""
    x_min, y_min, x_max, y_max = bounding_box(strokes)
    if x_max - x_min <= DESKEW_ASPECT * (y_max - y_min):
        return strokes
    points, weights = _ink_samples(strokes)
    centred = points - weights @ points
    x, y = centred.T
    return rotate(strokes, -np.arctan2(weights @ (x * y), weights @ (x * x)))


def normalise(strokes):
    """Return the line in the coordinates of the pen vocabulary.

    Deskewed; the first point at x = 0; the mean of y along the ink at 0; the standard deviation of y along the
    ink is the unit of length (an x-height is about 1.3 units). A flat line, such as a dash, is one unit wide,
    and a lone dot lies at (0, 0).
    """
    strokes = deskew(check_strokes(strokes))
    points, weights = _ink_samples(strokes)
    mean = weights @ points[:, 1]
    unit = np.sqrt(weights @ (points[:, 1] - mean) ** 2)
    x_min, _, x_max, _ = bounding_box(strokes)
    if unit <= FLAT * (x_max - x_min):
        unit = (x_max - x_min) or 1.0
    origin = np.array([strokes[0][0, 0], mean])
    return [(stroke - origin) / unit for stroke in strokes]


def slant(strokes):
    """How far the line leans: dx/dy of the parts that go up or down, 0 for upright writing, negative for writing that
    leans to the right (y is down). 0 if no part goes up or down."""
    moves = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
    steep = moves[np.abs(moves[:, 1]) > np.abs(moves[:, 0])]
    return (steep[:, 0] * np.sign(steep[:, 1])).sum() / max(1e-6, np.abs(steep[:, 1]).sum())


def shear(strokes, by):
    """The strokes sheared along x: a point moves by ``by`` times its y."""
    return [stroke + by * stroke[:, 1:] * np.array([1.0, 0.0]) for stroke in strokes]


def without_repeats(stroke):
    """Drop every point that repeats the one before it."""
    moved = np.any(np.diff(stroke, axis=0) != 0, axis=1)
    return stroke[np.concatenate([[True], moved])]


def arc_length(stroke):
    """Distance (n,) along the stroke from its first point to each point."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])


def resample(stroke, spacing):
    """Return points evenly spaced along the stroke, about ``spacing`` apart; both ends stay."""
    arc = arc_length(stroke)
    if arc[-1] == 0:
        return stroke[:1].copy()
    at = np.linspace(0.0, arc[-1], int(np.ceil(arc[-1] / spacing)) + 1)
    return np.column_stack([np.interp(at, arc, stroke[:, 0]), np.interp(at, arc, stroke[:, 1])])


def smooth(stroke, spacing=0.05, stiffness=0.02):
    """Draw a smoothing spline through the stroke and sample it about every ``spacing`` units. Dots stay dots.

    The curve z has k - 1 points between any two of the stroke's points p, and is the one that minimises

        Σ |z - p|² + stiffness k³ Σ |second differences of z|²

    the first sum going over the stroke's own points (E. T. Whittaker, 1923). For a fine k that is the cubic smoothing
    spline (C. H. Reinsch, 1967) of points that lie a step apart. Unlike SciPy's ``splprep`` it never swings out where a
    stroke turns on the spot.
    """
    from scipy.linalg import solveh_banded  # loaded only when something is drawn, since it takes half a second

    stroke = without_repeats(stroke)
    if len(stroke) < 3:
        return resample(stroke, spacing)
    k = int(np.ceil(arc_length(stroke)[-1] / (len(stroke) - 1) / spacing))
    n = (len(stroke) - 1) * k + 1
    # The matrix of the equations is symmetric with two bands below its diagonal: stiffness k³ D'D, D the second
    # differences; a one is added on the diagonal for every point of the stroke.
    bands = np.zeros((3, n))
    for shift, products in enumerate([(1, 4, 1), (-2, -2), (1,)]):
        for offset, product in enumerate(products):
            bands[shift, offset : offset + n - 2] += stiffness * k**3 * product
    bands[0, ::k] += 1
    pull = np.zeros((n, 2))
    pull[::k] = stroke
    return solveh_banded(bands, pull, lower=True)


def augment(strokes, rng, slant=0.15, scale=0.1):
    """Return the line as another hand might have written it: slanted and scaled at random.

    It is not rotated, since `normalise`, which comes after this, rotates every line back.

    Parameters
    ----------
    rng : numpy.random.Generator
    slant : standard deviation of the shear of x by y (tangent of the angle).
    scale : standard deviation of the logarithm of the width and, separately, of the height.
    """
    shear = rng.normal(0.0, slant)
    width, height = np.exp(rng.normal(0.0, scale, size=2))
    # Rows are points, so that the matrix stands on the right: x' = width (x - shear y), y' = height y.
    matrix = np.array([[width, 0.0], [-width * shear, height]])
    return [stroke @ matrix for stroke in strokes]


def elastic(strokes, rng, strength=0.05, size=2.0):
    """Distort strokes elastically.

    Points move by about ``strength``. Those within about ``size`` of each other move alike, even in different strokes,
    so that strokes that touch still touch. Both are in the unit of the strokes. Returns new arrays of the same shapes.
    """
    # A sum of waves of random direction and phase is a smooth random field that needs no grid.
    waves = rng.normal(0, 1 / size, (WAVES, 2))
    phases = rng.uniform(0, 2 * np.pi, (WAVES, 2))
    height = strength * np.sqrt(2 / WAVES)  # the standard deviation of a sine is its height over the root of 2
    return [s + height * np.sin((s @ waves.T)[:, :, None] + phases).sum(axis=1) for s in strokes]
