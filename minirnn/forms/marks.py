"""Find the four corner marks of the sheet in a photograph, in any orientation and from any side.

A camera maps the sheet by a projective transform, which is nearly affine in the neighbourhood of one mark. So a mark is
recognised by a quantity that affine maps leave unchanged: with the central moments mu of an area, (mu20 mu02 - mu11^2)
/ mu00^4 is 1/144 for every parallelogram and 1/108 for every triangle (the first affine moment invariant of Flusser and
Suk 1993). Four marks belong together if their moments are those that the transform through their centres predicts.
"""

import itertools

import numpy as np
from scipy import ndimage
from skimage import filters, measure, transform

from minirnn.errors import MinirnnError
from minirnn.forms import geometry

WORKING_SIZE = 1600  # the longer side, in pixels, of the reduced picture in which marks are searched
PAPER_WINDOW = 1 / 12  # of the longer side: wider than a mark, so that a grey closing replaces all of it by paper
DARK = 0.55  # brightness of a mark, at most, as a share of that of the paper around it
SMALLEST = 60  # pixels of the reduced picture
INVARIANTS = {"square": 1 / 144, "triangle": 1 / 108}
TOLERANCE = 0.12  # of an invariant: pixels, blur and perspective; the two lie 0.33 apart
MISMATCH = 0.35  # of the moments that the transform predicts
MOST, FEW = 16, 8  # how many marks are tried, the largest first: to find the sheet, and to say what is wrong


class Mark:
    """A dark patch: centre (x, y) in pixels of the photograph, second moments (2, 2), and area in pixels."""

    def __init__(self, centre, moments, area, kind):
        self.centre, self.moments, self.area, self.kind = centre, moments, area, kind


def find_sheet(grey):
    """The transform from millimetres of the sheet's box to pixels of ``grey``, (H, W) in [0, 1].

    Returns a skimage ProjectiveTransform. Raises MinirnnError, which names the corner that is covered or cut off, or
    says that no sheet was found.
    """
    marks = find_marks(grey)
    triangles = [mark for mark in marks if mark.kind == "triangle"]
    squares = [mark for mark in marks if mark.kind == "square"]
    found = []
    for first in triangles:
        for three in itertools.combinations(_alike(squares, first), 3):
            corners = _clockwise([first, *three])
            if corners is None:
                continue
            found.append(_judge(corners))
    found = [(fault, place) for fault, place in found if fault < MISMATCH]
    if not found:
        _explain(grey.shape, triangles, squares)
    return min(found, key=lambda pair: pair[0])[1]


def find_marks(grey):
    """All patches of ``grey`` that could be corner marks: list of `Mark`, the largest first."""
    factor = max(1, round(max(grey.shape) / WORKING_SIZE))
    small = filters.gaussian(transform.downscale_local_mean(grey, (factor, factor)), 1)
    window = round(max(small.shape) * PAPER_WINDOW)
    paper = ndimage.grey_closing(small, size=(window, window))
    darkness = 1 - small / np.maximum(paper, 0.05)
    marks = []
    for region in measure.regionprops(measure.label(darkness > 1 - DARK), intensity_image=darkness):
        if region.area < SMALLEST or max(np.ptp(np.reshape(region.bbox, (2, 2)), axis=0)) > window:
            continue
        mu = region.moments_central
        invariant = (mu[2, 0] * mu[0, 2] - mu[1, 1] ** 2) / mu[0, 0] ** 4
        kinds = [kind for kind, value in INVARIANTS.items() if abs(invariant / value - 1) < TOLERANCE]
        if not kinds or region.solidity < 0.9:
            continue
        centre = (np.array(region.centroid_weighted)[::-1] + 0.5) * factor - 0.5
        # regionprops counts rows first; the moments are those of x and y.
        moments = np.array([[mu[0, 2], mu[1, 1]], [mu[1, 1], mu[2, 0]]]) / mu[0, 0] * factor**2
        marks.append(Mark(centre, moments, region.area * factor**2, kinds[0]))
    return sorted(marks, key=lambda mark: -mark.area)


def _alike(squares, triangle):
    """The squares whose area could be that of a corner mark of the same sheet; perspective changes it a little."""
    return [square for square in squares if 1 / 3 < square.area / triangle.area < 3][:MOST]


def _clockwise(marks):
    """The marks beginning with the first, then clockwise to the eye; None if one lies inside the others' triangle."""
    middle = np.mean([mark.centre for mark in marks], axis=0)
    angle = [np.arctan2(*(mark.centre - middle)[::-1]) for mark in marks]
    order = np.argsort(np.mod(np.array(angle) - angle[0], 2 * np.pi))
    corners = [marks[k] for k in order]
    sides = np.array([corners[(k + 1) % 4].centre - corners[k].centre for k in range(4)])
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    return corners if np.all(turns > 0) else None


def _judge(corners):
    """How far the moments of the four marks are from those predicted (0 is equal), and the transform."""
    place = projective(geometry.CENTRES, np.array([mark.centre for mark in corners]))
    faults = [_mismatch(mark, jacobian(place, geometry.CENTRES[k]), k) for k, mark in enumerate(corners)]
    return max(faults), place


def _mismatch(mark, around, corner):
    """Relative difference of a mark's second moments from those of the layout, mapped by the matrix ``around``."""
    expected = around @ _moments(geometry.MARKS[corner]) @ around.T
    # Measured in the frame in which the expected moments are the unit matrix.
    white = np.linalg.inv(np.linalg.cholesky(expected))
    return float(np.abs(white @ mark.moments @ white.T - np.eye(2)).max())


def _moments(outline):
    """Second central moments (2, 2) of the area of a triangle or a parallelogram, divided by the area."""
    centred = outline - outline.mean(axis=0)
    return centred.T @ centred / 12


def projective(points, images):
    """The transform that takes four ``points`` (4, 2) to their ``images`` (4, 2): skimage ProjectiveTransform."""
    rows, values = [], []
    for (x, y), (u, v) in zip(points, images):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return transform.ProjectiveTransform(np.append(np.linalg.solve(rows, values), 1).reshape(3, 3))


def jacobian(place, point):
    """Derivative (2, 2) of a ProjectiveTransform at ``point``: pixels by millimetres."""
    h = place.params
    x, y, w = h @ [*point, 1.0]
    return (h[:2, :2] * w - np.outer([x, y], h[2, :2])) / w**2


# --- what is wrong with a photograph without a sheet ----------------------------------------------------------------


def _explain(shape, triangles, squares):
    """Raise the MinirnnError that explains why no four marks of a photograph belong together."""
    best = None
    for missing in range(4):
        others = [k for k in range(4) if k != missing]
        pools = [triangles if k == 0 else squares for k in others]
        for chosen in itertools.product(*(pool[:FEW] for pool in pools)):
            if len(set(map(id, chosen))) < 3:
                continue
            centres = geometry.CENTRES[others]
            spread = np.array([mark.centre - chosen[0].centre for mark in chosen[1:]])
            around = np.linalg.solve(centres[1:] - centres[0], spread).T
            if np.linalg.det(around) <= 0:  # mirrored
                continue
            fault = max(_mismatch(mark, around, k) for k, mark in zip(others, chosen))
            if best is None or fault < best[0]:
                best = fault, missing, chosen[0].centre + around @ (geometry.CENTRES[missing] - centres[0])
    if best is None or best[0] > 2 * MISMATCH:
        raise MinirnnError(
            "no sheet found: its four corner marks cannot be seen; photograph the whole page from above, "
            "sharply and in even light"
        )
    _, missing, (x, y) = best
    corner = geometry.CORNERS[missing]
    if 0 <= x < shape[1] and 0 <= y < shape[0]:
        raise MinirnnError(f"the {corner} corner mark is missing or covered; photograph it with all four free")
    raise MinirnnError(f"the page is cut off at its {corner} corner; photograph all four from further away")
