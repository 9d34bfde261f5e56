"""From a scan to ink: one small function a step, each leaving a picture that can be looked at.

Throughout, ``grey`` is (H, W) float in [0, 1], 0 black and 1 white, and ``ink`` is (H, W) bool, True where
the pen went.
"""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import filters, measure, morphology

from minirnn.images.scale import resize

NOISE = 7.0  # standard deviations of the paper; 19 of 20 specks of noise are below 6.4, dots of thin pens above 9
SURELY_PAPER = 0.05  # level below the threshold that is given to specks of noise
ENOUGH = 100_000  # pixels that say what the whole picture is like
BLANK_CONTRAST = 0.08  # paper and "ink" nearer than this are one thing: an empty page


def blur(grey, sigma):
    """``grey`` blurred by a Gaussian of ``sigma`` pixels, in single precision."""
    return ndimage.gaussian_filter(np.asarray(grey, np.float32), sigma, mode="nearest") if sigma > 0 else grey


def remove_light(grey, shrink=4, window=15):
    """Divide by the brightness of the paper, so that shadows, vignettes and yellow paper become white.

    The paper is what a grey closing leaves (Gonzalez and Woods, section 9.6): it fills everything dark that is
    narrower than ``window`` pixels of an image shrunk by ``shrink``, which every pen stroke is. It would fill dark
    borders, too: so the picture is continued beyond them as it falls off towards them.
    """
    height, width = grey.shape
    small = resize(grey, (max(1, round(height / shrink)), max(1, round(width / shrink))), "box")
    beyond = np.minimum(np.pad(small, window, "edge"), np.pad(small, window, "reflect", reflect_type="odd"))
    paper = blur(morphology.closing(beyond, np.ones((window, window))), window / 2)[window:-window, window:-window]
    paper = resize(paper, grey.shape, "bilinear")
    return np.clip(grey / np.maximum(paper, 1e-3), 0, 1)


def normalise_contrast(grey):
    """Stretch the grey levels so that the typical ink is 0 and the typical paper 1; a blank page becomes all 1.

    Paper and ink are told apart by Otsu's threshold, on a slightly blurred copy, so that noise is no ink.
    """
    blurred = blur(grey, 1)
    if np.ptp(blurred) < BLANK_CONTRAST:
        return np.ones_like(grey)
    dark = blurred < filters.threshold_otsu(_some(blurred))
    ink, paper = np.median(_some(grey[dark])), np.median(_some(grey[~dark]))
    if paper - ink < BLANK_CONTRAST:
        return np.ones_like(grey)
    return np.clip((grey - ink) / (paper - ink), 0, 1)


def _some(values):
    """At most about ``ENOUGH`` of the values, spread evenly: a median needs no more."""
    values = values.ravel()
    return values[:: max(1, len(values) // ENOUGH)]


def threshold_ink(grey, pen=None, sharpen=0.0):
    """(H, W) bool: where the pen went. See `ink_level`."""
    return ink_level(grey, pen, sharpen) > 0


def ink_level(grey, pen=None, sharpen=0.0):
    """How much darker than its threshold each pixel is, (H, W) float32: ink is where this is positive.

    The level is as smooth as the picture, so it can be enlarged, and the edge of the ink lies between the pixels.

    The threshold is Sauvola's (Sauvola and Pietikainen 2000): m (1 + k (s / 0.5 - 1)), where
    m and s are mean and standard deviation in a window around each pixel. It must be much wider than the pen, or
    the inside of a stroke becomes its own background: ten times ``pen``, the pen's width in pixels (by default
    measured after a threshold by Otsu), and never under 25; scikit-image's default of 15 hollows out the strokes
    of a 300 dpi scan. The noise of the sensor is smoothed away first, but not more than needed, since that closes
    narrow loops. Those of a pen that is broad beside its letters, of which blur has left no more than grey spots, are
    opened by an unsharp mask and a stricter k: ``sharpen``, 0 to 1, says how much.

    A strict k, 0.7 to 0.85, keeps strokes as narrow as they are and narrow loops open. Dots that the pen hardly
    touched are found by a lenient one, 0.3: pieces of at least half a dot, of which the strict one leaves less.
    """
    grey = np.asarray(grey, np.float32)
    smooth = blur(grey, 1)
    dark = smooth < filters.threshold_otsu(_some(smooth))
    if smooth.min() > 0.9 or not dark.any():
        return np.full(grey.shape, -1, np.float32)
    if pen is None:  # roughly: the ink by half its edge
        pen = max(1.0, 2 * dark.sum() / np.sum(dark & ~ndimage.minimum_filter(dark, 3)))
    smooth = _without_noise(grey, smooth, dark, pen)
    if sharpen:
        smooth = smooth + 2 * sharpen * (smooth - blur(smooth, pen / 5))  # an unsharp mask
    mean, deviation = _mean_and_deviation(smooth, max(25, 2 * round(5 * pen) + 1))
    strict, lenient = (mean * (1 + k * (deviation / 0.5 - 1)) - smooth for k in (0.7 + 0.15 * sharpen, 0.3))
    pieces = measure.label(lenient > 0, connectivity=2)
    area = np.bincount(pieces.ravel())
    real = _darker_than_noise(smooth, pieces, area, strict > 0, pen)
    half_a_dot = 0.5 * np.pi / 4 * pen**2
    faint = real & (area >= half_a_dot) & (np.bincount(pieces[strict > 0], minlength=len(area)) < half_a_dot)
    if faint.any():  # with the pixels around them, so that the level falls to zero at their edge
        strict = np.where(faint[ndimage.maximum_filter(np.where(faint[pieces], pieces, 0), 3)], lenient, strict)
    real[0] = True  # the paper around the pieces keeps its level
    return np.where(real[pieces], strict, np.minimum(strict, -SURELY_PAPER))


def _mean_and_deviation(grey, window):
    """Mean and standard deviation of ``grey`` in a square of ``window`` pixels around each pixel, both (H, W).

    Both are so smooth that they are computed on an image shrunk to a few pixels per window.
    """
    shrink = max(1, window // 9)
    size = 2 * round((window / shrink - 1) / 2) + 1  # odd: it has a middle
    small = tuple(-(-length // shrink) for length in grey.shape)
    mean, square = (
        resize(ndimage.uniform_filter(resize(values, small, "box"), size, mode="mirror"), grey.shape, "bilinear")
        for values in (grey, grey**2)
    )
    return mean, np.sqrt(np.maximum(square - mean**2, 0))


def _without_noise(grey, smooth, dark, pen):
    """``grey`` smoothed by as many pixels as bring its noise down to a twelfth of the contrast between paper and ink,
    and by a twelfth to a quarter of the pen. ``smooth`` is smoothed by one pixel, ``dark`` the ink as far as known."""
    white, noise = _paper(smooth, dark, pen)
    sigma = 12 * noise / (white - np.median(smooth[dark]))
    return blur(grey, np.clip(sigma, np.clip(pen / 12, 0.35, 1), max(0.5, pen / 4)))


def _darker_than_noise(smooth, pieces, area, strict, pen):
    """Of each of the ``pieces``, whether it is ink and no speck that the noise of the sensor makes. ``strict``, within
    them, is ink in all likelihood: what is nearly as dark is ink, too, however strong the noise."""
    white, noise = _paper(smooth, pieces > 0, pen)
    inside = pieces > 0
    depth = np.bincount(pieces[inside], white - smooth[inside], minlength=len(area)) / area
    ink = np.median(depth[pieces[strict]]) if strict.any() else np.inf
    real = depth > min(NOISE * noise, 0.75 * ink)
    real[0] = False
    return real


def _paper(smooth, ink, pen):
    """(grey level of the paper, standard deviation of its noise), measured a pen's width away from the ink. What is
    whiter than white was cut off, so only the darker side counts."""
    paper = smooth[~ndimage.maximum_filter(ink, 2 * round(pen) + 1)]
    white, darker = np.percentile(_some(paper), [50, 16]) if paper.size else (1.0, 1.0)
    return white, white - darker


def pen_width(ink):
    """Width of the pen in pixels: twice the distance from the middle of the strokes to their edge (median).

    The distance transform counts from pixel centres, half a pixel on either side of the edge, hence the -1.
    Returns at least 1; 1 for an empty image.
    """
    ink = np.pad(ink, 1)
    middle = np.argwhere(morphology.skeletonize(ink))
    edge = np.argwhere(ndimage.maximum_filter(ink, 3) & ~ink)  # the paper that touches ink
    return middle_half(2 * cKDTree(edge, balanced_tree=False, compact_nodes=False).query(middle)[0] - 1)


def middle_half(widths):
    """The mean of the middle half of the widths, at least 1: a median of distances between pixels, which are
    1, 1.41, 2, 2.24 and so on, would jump from one to the next."""
    quarter = len(widths) // 4
    return float(max(1.0, np.sort(widths)[quarter : len(widths) - quarter].mean())) if len(widths) else 1.0


def remove_specks(ink, pen):
    """Remove blots that are too small for the dot of an i (under a third of a pen's disc), and fill pinholes."""
    smallest = max(2.0, 0.33 * np.pi / 4 * pen**2)
    ink = _without_small(ink, smallest, connectivity=2)
    return ~_without_small(~ink, 0.15 * pen**2, connectivity=1)


def _without_small(mask, smallest, connectivity):
    """``mask`` without its connected components of fewer than ``smallest`` pixels."""
    labels = measure.label(mask, connectivity=connectivity)
    areas = np.bincount(labels.ravel())
    keep = areas >= smallest
    keep[0] = False
    return keep[labels]
