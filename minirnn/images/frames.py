"""From the coordinates of a label file to the pixels of the upright image.

A label file may have been made of the same page at another resolution, or of the pixels as a camera stored them, which
are turned upright by what EXIF says. The size that the file states tells which; where it does not, the page's lines do:
on an upright page they follow each other downwards.
"""

import numpy as np

from minirnn.errors import MinirnnError

# EXIF orientation -> what happens to a stored point on the way to the upright image: whether x and y are exchanged
# afterwards, and whether x and y are counted from the other side before (Exif 2.3, tag 274).
TURNS = {
    1: (False, False, False), 2: (False, True, False), 3: (False, True, True), 4: (False, False, True),
    5: (True, False, False), 6: (True, False, True), 7: (True, True, True), 8: (True, True, False),
}  # fmt: skip


def upright_outline(outline, frame, stored, orientation, where):
    """The outline (n, 2) of a label in pixels of the upright image.

    Parameters
    ----------
    outline : (n, 2) corners in the coordinates of the label file.
    frame : `minirnn.datasets.labelled.Frame`, what these coordinates belong to.
    stored : (width, height) of the image as it is stored.
    orientation : its EXIF orientation, from 1 to 8; 1: stored upright.
    where : names the image in errors.

    Raises MinirnnError if the size that the file states is neither the image's nor a multiple of it, or if both the
    stored and the upright image could be meant.
    """
    swapped = TURNS[orientation][0]
    upright = stored[::-1] if swapped else stored
    ways = [lambda points: _scale(points, frame.size, upright)] if _same_shape(frame.size, upright) else []
    if orientation != 1 and _same_shape(frame.size, stored):
        ways.append(lambda points: _turn(_scale(points, frame.size, stored), stored, orientation))
    if not ways:
        raise MinirnnError(
            f"{where}: its labels are of an image of {frame.size[0]:g} x {frame.size[1]:g} pixels, and this one has "
            f"{upright[0]} x {upright[1]}; give the image that was labelled"
        )
    if len(ways) > 1:
        zero = np.zeros((1, 2))
        ways = [way for way in ways if _is_down(*(way(frame.reading[None]) - way(zero))[0])]
        if len(ways) != 1:
            raise MinirnnError(
                f"{where}: the image is turned upright by EXIF (orientation {orientation}), and its labels could "
                "belong to it as it is stored or as it is shown; save it upright and label that"
            )
    return ways[0](outline)


def _is_down(x, y):
    return y > abs(x)


def _same_shape(size, other):
    """Whether an image of the one size can be the other one scaled, up to rounding; None stands for any size."""
    if size is None:
        return True
    return abs(size[0] * other[1] - size[1] * other[0]) <= max(size) + max(other)


def _scale(points, size, other):
    """Points of an image of ``size`` (None: of ``other``) in the pixels of the same image of the size ``other``."""
    if size is None or tuple(size) == tuple(other):
        return points
    return (points + 0.5) * (np.array(other) / size) - 0.5


def _turn(points, stored, orientation):
    """Stored pixels -> upright pixels."""
    swap, from_right, from_below = TURNS[orientation]
    x, y = points.T
    x = stored[0] - 1 - x if from_right else x
    y = stored[1] - 1 - y if from_below else y
    return np.column_stack([y, x] if swap else [x, y])
