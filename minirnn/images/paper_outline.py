"""Find the sheet of paper in a photograph, and cut it out as if seen from straight above.

The sheet is the brightest and least coloured large region, once the writing is taken away by a closing. It counts only
if its edge is sharp, as the edge of a shadow is not. If its outline has four corners within the picture, the
perspective is undone; otherwise what lies outside is painted over with paper. Without such a region, as in a scan,
the whole picture is used.
"""

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import filters, measure, morphology, transform

from minirnn.images.scale import resize

SMALL = 400  # pixels of the longer side of the picture in which the sheet is sought
CONTRAST = 0.2  # paper is so much brighter, or less coloured, than the table, by its own brightness
SHARP = 0.85  # share of the sheet's outline at which it is so much brighter than what lies directly outside
THRESHOLDS = (1.0, 0.85, 0.7, 0.55, 0.4)  # by Otsu's: lower ones find the whole of a sheet that lies half in shadow
LEAST, MOST = 0.12, 0.97  # share of the picture that the sheet takes
FOUR_CORNERS = 0.95  # overlap of the sheet and the quadrilateral through its corners
MARGIN = 0.004  # of the sheet's size that is cut away at its edge


def cut_paper(colours):
    """The sheet in a picture, (H, W) grey levels or (H, W, 3) colours in [0, 1].

    Returns (grey, matrix, said): the grey levels of the sheet, a (3, 3) matrix that takes points (x, y, 1) of it to
    the picture, up to a factor, and what was done, "" if nothing.
    """
    grey = as_grey(colours)
    scale = SMALL / max(grey.shape)
    if scale >= 1:
        return grey, np.eye(3), ""
    mask, bright = _sheet(colours, scale)
    if mask is None:
        return grey, np.eye(3), ""
    corners = _corners(mask)
    if corners is None:
        return _paint_outside(grey, mask, bright), np.eye(3), "what lies outside of the paper was left out"
    sheet, matrix = _from_above(grey, (corners + 0.5) / scale - 0.5)
    return sheet, matrix, "the paper was cut out of the photograph"


def as_grey(colours):
    """(H, W) single-precision grey levels of (H, W) or (H, W, 3): the weights of ITU-R 601, as Pillow has them."""
    colours = np.asarray(colours, np.float32)
    return colours @ np.array([0.299, 0.587, 0.114], np.float32) if colours.ndim == 3 else colours


def _sheet(colours, scale):
    """(mask, brightness of the paper) in the small picture; (None, None) if there is no sheet that stands out."""
    bands = colours if colours.ndim == 3 else colours[:, :, None]
    shape = tuple(max(1, round(size * scale)) for size in colours.shape[:2])
    bands = np.stack([resize(bands[:, :, band], shape, "box") for band in range(bands.shape[2])])
    bands = np.stack([ndimage.grey_closing(band, (7, 7)) for band in bands])
    bright, dull = bands.max(axis=0), bands.min(axis=0)
    paperlike = ndimage.median_filter(dull, 5)  # bright in all colours
    if np.ptp(paperlike) < CONTRAST / 2:
        return None, None
    otsu, best, sharpest = filters.threshold_otsu(paperlike), None, SHARP
    for share in THRESHOLDS:
        mask = _largest(morphology.opening(paperlike > share * otsu, morphology.disk(4)))
        if mask is not None and (sharp := _sharp_share(paperlike, mask)) > sharpest:
            best, sharpest = mask, sharp
    return (None, None) if best is None else (best, bright)


def _largest(mask):
    """The largest region of ``mask``, without holes; None if it is no sheet in a larger picture."""
    labels = measure.label(mask)
    if not labels.any():
        return None
    mask = ndimage.binary_fill_holes(labels == np.bincount(labels[labels > 0]).argmax())
    return mask if LEAST < mask.mean() < MOST else None


def _sharp_share(paperlike, mask):
    """Share of the outline of ``mask`` within the picture at which it is brighter by `CONTRAST`, of its own brightness
    there, than what lies directly outside; the edge of a shadow is softer."""
    outline = mask & ~ndimage.binary_erosion(mask, border_value=1)
    outline[:4], outline[-4:], outline[:, :4], outline[:, -4:] = False, False, False, False
    levels = [
        ndimage.uniform_filter(paperlike * side, 9) / np.maximum(ndimage.uniform_filter(side, 9), 1e-6)
        for side in (mask.astype(np.float32), (~ndimage.binary_dilation(mask, iterations=2)).astype(np.float32))
    ]
    inside, outside = (level[outline] for level in levels)
    return float(np.mean(inside - outside > CONTRAST * inside)) if len(inside) else 0.0


def _corners(mask):
    """(4, 2) corners x, y of the sheet from the top left, clockwise; None if it has not four within the picture."""
    padded = np.pad(morphology.convex_hull_image(mask), 2)
    outline = measure.find_contours(padded.astype(float), 0.5)[0][:, ::-1] - 2
    size = np.sqrt(mask.sum())
    # The first point stays, whatever the tolerance: it has to be a corner.
    farthest = np.argmax(np.hypot(*(outline - outline.mean(axis=0)).T))
    outline = np.roll(outline[:-1], -farthest, axis=0)
    outline = np.concatenate([outline, outline[:1]])
    for tolerance in np.linspace(0.01, 0.12, 23) * size:
        corners = measure.approximate_polygon(outline, tolerance)[:-1]
        if len(corners) <= 4:
            break
    if len(corners) != 4 or np.sum(_at_border(outline, mask.shape)) > 0.2 * len(outline):
        return None
    drawn = measure.grid_points_in_poly(mask.shape, corners[:, ::-1])
    if np.sum(drawn & mask) < FOUR_CORNERS * np.sum(drawn | mask):
        return None
    around = np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T[::-1]))
    corners = corners[around]  # clockwise, as y is down
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _at_border(points, shape):
    """Which of the points (x, y) lie at the border of a picture."""
    x, y = points.T
    return (x < 2) | (y < 2) | (x > shape[1] - 3) | (y > shape[0] - 3)


def _from_above(grey, corners):
    """(picture, matrix) of the sheet with these corners, in pixels, as seen from straight above."""
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = round((sides[0] + sides[2]) / 2), round((sides[1] + sides[3]) / 2)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    cut = MARGIN * np.sqrt(width * height)
    matrix = transform.ProjectiveTransform.from_estimate(flat, corners).params
    matrix = matrix @ np.array([[1, 0, cut], [0, 1, cut], [0, 0, 1]])
    size = (int(width - 2 * cut), int(height - 2 * cut))
    # Pillow counts from the corner of the first pixel, this package from its centre.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    data = half @ matrix @ np.linalg.inv(half)
    image = Image.fromarray(np.ascontiguousarray(grey, np.float32))
    data = tuple((data / data[2, 2]).ravel()[:8])
    picture = image.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(picture), 0, 1), matrix


def _paint_outside(grey, mask, bright):
    """``grey`` with paper as bright as at the nearest edge wherever the small ``mask`` is not."""
    inner = ndimage.binary_erosion(mask, morphology.disk(max(1, round(MARGIN * np.sqrt(mask.sum())))), border_value=1)
    nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    paper = resize(bright[tuple(nearest)], grey.shape, "bilinear")
    share = np.clip(2 * resize(inner, grey.shape, "bilinear") - 0.5, 0, 1)
    return grey * share + paper * (1 - share)
