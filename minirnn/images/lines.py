"""Make a page upright, and its lines separate and of one height."""

import numpy as np
from scipy import ndimage
from skimage import transform

from minirnn.images.scale import resize

MAX_ROTATION = 10.0  # degrees; a page that lies more askew was not meant to be read as it is
MAX_SLANT = 45.0  # degrees
UNIFORM_STD = 60.0  # pixels to one standard deviation of y: about twice a scan at 300 dpi, for a smooth skeleton
MAX_SAMPLES = 50_000  # ink pixels that angles are measured on


# --- rotation and slant --------------------------------------------------------------------------------------


def find_rotation(ink):
    """Angle in degrees by which the lines rise to the right, from -10 to 10; 0 for a page without ink.

    The page is read along the angle at which ink and gaps between lines stand out most: where the profile of
    ink by row has the greatest sum of squares (Postl 1986).
    """
    y, x = _sample(ink)
    return _sharpest(y, x, MAX_ROTATION) if len(y) else 0.0


def find_slant(ink):
    """Angle in degrees by which the letters lean to the right, from -45 to 45; 0 without ink.

    The angle at which the upright strokes stack up: where the profile by column has the greatest sum of squares.
    """
    y, x = _sample(ink)
    return _sharpest(x, y, MAX_SLANT) if len(y) else 0.0


def _sample(ink):
    """Rows and columns of at most ``MAX_SAMPLES`` ink pixels, spread evenly."""
    y, x = np.nonzero(ink)
    step = max(1, len(y) // MAX_SAMPLES)
    return y[::step].astype(float), x[::step].astype(float)


def _sharpest(across, along, limit):
    """Angle in degrees whose shear ``across + along tan(angle)`` has the sharpest profile; found coarse to fine."""
    along = along - along.mean()

    def sharpness(angle):
        moved = across + along * np.tan(np.radians(angle))
        profile = np.bincount(np.round(moved - moved.min()).astype(int))
        return float(np.sum(profile.astype(float) ** 2))

    best, reach = 0.0, limit
    while reach > 0.05:
        angles = best + reach * np.linspace(-1, 1, 21)
        angles = angles[np.abs(angles) <= limit]
        # Among equals the smallest angle: an empty profile says nothing.
        best = float(max(angles, key=lambda angle: (sharpness(angle), -abs(angle))))
        reach /= 8
    return round(best, 3)


def rotation_matrix(angle, shape):
    """Map of an image of ``shape`` turned clockwise by ``angle`` degrees, and the shape that holds all of it.

    Returns (matrix, (height, width)): ``matrix`` (3, 3) takes points (x, y, 1) of the image to the turned one.
    """
    height, width = shape
    turn = transform.AffineTransform(rotation=np.radians(angle)).params
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]]) @ turn.T
    low, high = corners[:, :2].min(axis=0), corners[:, :2].max(axis=0)
    matrix = transform.AffineTransform(translation=-low).params @ turn
    new_width, new_height = np.ceil(high - low - 1e-6).astype(int) + 1
    return matrix, (int(new_height), int(new_width))


def rotate(picture, angle, outside=1.0):
    """Turn ``picture`` clockwise by ``angle`` degrees: (picture, matrix as rotation_matrix). The corners that lay
    ``outside`` get this value: white."""
    if abs(angle) < 0.05:
        return picture, np.eye(3)
    matrix, shape = rotation_matrix(angle, picture.shape)
    picture = transform.warp(picture, np.linalg.inv(matrix), output_shape=shape, order=1, cval=outside)
    return picture, matrix


def correct_slant(grey, angle):
    """Shear ``grey`` so that letters that lean ``angle`` degrees to the right stand upright, with white corners."""
    height, width = grey.shape
    shear = np.tan(np.radians(angle))
    room = int(np.ceil(abs(shear) * height))
    # x of the slanted picture as a function of (x, y) of the upright one; the foot of the letters stays in place.
    back = np.array([[1, -shear, shear * (height - 1) - (room if angle < 0 else 0)], [0, 1, 0], [0, 0, 1]])
    picture = transform.warp(grey, back, output_shape=(height, width + room), order=1, cval=1.0)
    return np.clip(picture, 0, 1)


# --- a line cut out ------------------------------------------------------------------------------------------


def erase(grey, unwanted, wanted, pen):
    """``grey`` with the ``unwanted`` ink painted over, grey fringe included, but nothing of the ``wanted``."""
    reach = max(2, round(pen / 2) + 1)
    fringe = ndimage.distance_transform_edt(~unwanted) <= reach if unwanted.any() else unwanted
    near_wanted = ndimage.binary_dilation(wanted, np.ones((3, 3)))
    return np.where(fringe & ~near_wanted, 1.0, grey)


def uniform_height(grey, ink):
    """Scale a line so that the y of its ink has a standard deviation of ``UNIFORM_STD`` pixels.

    Returns (picture, scale). The scale stays between 1/8 and 8: beyond that it is no picture of a line.
    """
    rows = np.nonzero(ink)[0]
    spread = rows.std() if len(rows) else 0.0
    scale = float(np.clip(UNIFORM_STD / max(spread, 1e-9), 1 / 8, 8))
    shape = tuple(max(1, round(size * scale)) for size in grey.shape)
    return np.clip(resize(grey, shape), 0, 1), scale
