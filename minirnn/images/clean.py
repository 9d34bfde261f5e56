"""From a scan to ink: one small function a step, each leaving a picture that can be looked at.

Throughout, ``grey`` is (H, W) float in [0, 1], 0 black and 1 white, and ``ink`` is (H, W) bool, True where
the pen went.
"""

import numpy as np
from scipy import ndimage
from skimage import filters, measure, morphology, transform

NOISE = 7.0  # standard deviations of the paper; 19 of 20 specks of noise are below 6.4, dots of thin pens above 9
BLANK_CONTRAST = 0.08  # paper and "ink" nearer than this are one thing: an empty page


def remove_light(grey, shrink=4, window=15):
    """Divide by the brightness of the paper, so that shadows, vignettes and yellow paper become white.

    The paper is what a grey closing leaves (Gonzalez and Woods, section 9.6): it fills everything dark that is
    narrower than ``window`` pixels of an image shrunk by ``shrink``, which every pen stroke is.
    """
    height, width = grey.shape
    small = transform.resize(
        grey, (max(1, round(height / shrink)), max(1, round(width / shrink))), anti_aliasing=True, mode="reflect"
    )
    paper = morphology.closing(small, np.ones((window, window)))
    paper = filters.gaussian(paper, window / 2, mode="nearest")
    paper = transform.resize(paper, grey.shape, order=1, mode="edge")
    return np.clip(grey / np.maximum(paper, 1e-3), 0, 1)


def normalise_contrast(grey):
    """Stretch the grey levels so that the typical ink is 0 and the typical paper 1; a blank page becomes all 1.

    Paper and ink are told apart by Otsu's threshold, on a slightly blurred copy, so that noise is no ink.
    """
    blurred = filters.gaussian(grey, 1)
    if np.ptp(blurred) < BLANK_CONTRAST:
        return np.ones_like(grey)
    dark = blurred < filters.threshold_otsu(blurred)
    ink, paper = np.median(grey[dark]), np.median(grey[~dark])
    if paper - ink < BLANK_CONTRAST:
        return np.ones_like(grey)
    return np.clip((grey - ink) / (paper - ink), 0, 1)


def threshold_ink(grey, pen=None, sharpen=0.0):
    """Ink by Sauvola's adaptive threshold (Sauvola and Pietikainen 2000): m (1 + k (s / 0.5 - 1)).

    m and s are mean and standard deviation in a window around each pixel. It must be much wider than the pen, or
    the inside of a stroke becomes its own background: ten times ``pen``, the pen's width in pixels (by default
    measured after a threshold by Otsu), and never under 25; scikit-image's default of 15 hollows out the strokes
    of a 300 dpi scan. The noise of the sensor is smoothed away first, but not more than needed, since that closes
    narrow loops. Those of a pen that is broad beside its letters, of which blur has left no more than grey spots, are
    opened by an unsharp mask and a stricter k: ``sharpen``, 0 to 1, says how much.

    A strict k, 0.7 to 0.85, keeps strokes as narrow as they are and narrow loops open. Dots that the pen hardly
    touched are found by a lenient one, 0.3: pieces of at least half a dot, of which the strict one leaves less.
    """
    smooth = filters.gaussian(grey, 1)
    dark = smooth < filters.threshold_otsu(smooth)
    if smooth.min() > 0.9 or not dark.any():
        return np.zeros(grey.shape, bool)
    if pen is None:
        pen = pen_width(dark)
    smooth = _without_noise(grey, smooth, dark, pen)
    smooth = filters.unsharp_mask(smooth, radius=pen / 5, amount=2 * sharpen)
    window = max(25, 2 * round(5 * pen) + 1)  # odd: it has a middle
    # The windows are the dear part: with k = 1 the threshold is m s / 0.5, and any other lies between m and that.
    product = filters.threshold_sauvola(smooth, window, k=1, r=0.5)
    mean = ndimage.uniform_filter(smooth, window, mode="mirror")
    strict, lenient = (smooth < (1 - k) * mean + k * product for k in (0.7 + 0.15 * sharpen, 0.3))
    pieces = measure.label(lenient, connectivity=2)
    area = np.bincount(pieces.ravel())
    real = _darker_than_noise(smooth, pieces, area, strict, pen)
    half_a_dot = 0.5 * np.pi / 4 * pen**2
    faint = real & (area >= half_a_dot) & (np.bincount(pieces[strict], minlength=len(area)) < half_a_dot)
    return (strict & real[pieces]) | faint[pieces]


def _without_noise(grey, smooth, dark, pen):
    """``grey`` smoothed by as many pixels as bring its noise down to a thirtieth of the contrast between paper and ink,
    and by a twelfth to a quarter of the pen. ``smooth`` is smoothed by one pixel, ``dark`` the ink as far as known."""
    white, noise = _paper(smooth, dark, pen)
    sigma = 30 * noise / (white - np.median(smooth[dark]))
    return filters.gaussian(grey, np.clip(sigma, np.clip(pen / 12, 0.7, 2), max(1, pen / 4)))


def _darker_than_noise(smooth, pieces, area, strict, pen):
    """Of each of the ``pieces``, whether it is ink and no speck that the noise of the sensor makes. ``strict``, within
    them, is ink in all likelihood: what is nearly as dark is ink, too, however strong the noise."""
    white, noise = _paper(smooth, pieces > 0, pen)
    depth = np.bincount(pieces.ravel(), white - smooth.ravel()) / area
    ink = np.median(depth[pieces[strict]]) if strict.any() else np.inf
    real = depth > min(NOISE * noise, 0.75 * ink)
    real[0] = False
    return real


def _paper(smooth, ink, pen):
    """(grey level of the paper, standard deviation of its noise), measured a pen's width away from the ink. What is
    whiter than white was cut off, so only the darker side counts."""
    paper = smooth[~ndimage.maximum_filter(ink, 2 * round(pen) + 1)]
    white, darker = np.percentile(paper, [50, 16]) if paper.size else (1.0, 1.0)
    return white, white - darker


def pen_width(ink):
    """Width of the pen in pixels: twice the distance from the middle of the strokes to their edge (median).

    The distance transform counts from pixel centres, half a pixel on either side of the edge, hence the -1.
    Returns at least 1; 1 for an empty image.
    """
    skeleton = morphology.skeletonize(np.ascontiguousarray(ink))
    if not skeleton.any():
        return 1.0
    distance = ndimage.distance_transform_edt(np.pad(ink, 1))[1:-1, 1:-1]
    # The mean of the middle half: a median of distances 1, 1.41, 2, 2.24 ... jumps from one to the next.
    distances = np.sort(distance[skeleton])
    quarter = len(distances) // 4
    return float(max(1.0, 2 * distances[quarter : len(distances) - quarter].mean() - 1))


def remove_ruled_lines(ink, pen):
    """Take printed rules and squares out of the ink, but leave the strokes that cross them.

    A rule is ink that goes on, across small gaps, for longer than any stroke (40 pens), and is no thicker than
    about a pen. Where a stroke crosses a rule, ink stands directly above or below it: there it stays.
    """
    without = _remove_horizontal_rules(ink, pen)
    return _remove_horizontal_rules(without.T, pen).T


def _remove_horizontal_rules(ink, pen):
    length, gap = round(40 * pen), max(3, round(2 * pen))
    if ink.shape[1] < length:
        return ink
    # A closing over small gaps, then an opening that leaves only long runs, each along the rows.
    closed = ndimage.minimum_filter1d(ndimage.maximum_filter1d(ink, gap, axis=1), gap, axis=1)
    core = ndimage.maximum_filter1d(ndimage.minimum_filter1d(closed, length, axis=1), length, axis=1)
    if not core.any():
        return ink
    # The ragged edges of a rule are no long runs of their own: take one more pixel on either side.
    band = ndimage.maximum_filter1d(core, 3, axis=0)
    thickness = band.sum() / _count_runs(band)
    if thickness > 2 * pen + 4:
        return ink
    rule = ink & band
    beside = ink & ~rule
    reach = int(np.ceil(thickness)) + 1
    above = np.zeros_like(ink)
    below = np.zeros_like(ink)
    for step in range(1, reach + 1):
        above[step:] |= beside[:-step]
        below[:-step] |= beside[step:]
    return beside | (rule & above & below)


def _count_runs(mask):
    """Number of vertical runs of True in ``mask``."""
    return int(np.sum(mask[1:] & ~mask[:-1]) + mask[0].sum())


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
