"""Where a written line stands: its baseline and its x-height.

The mean and the standard deviation of y depend on what is written ("gypsy" hangs low, "little" stands high), the
turning points of the pen do not: most letters, whatever else they do, touch the baseline from above and reach the
x-height from below. So the lowest and the highest points of the pen's ups and downs are collected, and the pair
(baseline b, x-height h) is sought that explains them best: every low point lies near b with some spread or is an
outlier (a descender), every high point lies near b - h or is an outlier (an ascender), and a weak prior says what
lines of handwriting are usually like, which decides for lines of a few letters. It is the maximum a posteriori
estimate of a mixture model, found on a grid.
"""

import numpy as np

from minirnn.strokes import resample

# Units of normalised strokes (standard deviation of y along the ink), y down from the line's mean.
# The priors and the spread are those under which lines of one form of IAM-OnDB agree best in size.
SPREAD = 0.3
OUTLIERS = 0.15
USUAL_BASELINE, BASELINE_DEVIATION = 0.85, 0.25
USUAL_X_HEIGHT, X_HEIGHT_DEVIATION = 1.3, 0.35

SPACING = 0.1


def line_metrics(strokes):
    """Return (baseline, x_height) of a line of normalised strokes; the baseline is a y, and y points down."""
    lows, highs = _turning_points(strokes)
    baselines = np.arange(0.0, 2.0, 0.02)
    x_heights = np.arange(0.6, 2.4, 0.02)
    tops = baselines[:, None] - x_heights  # (baselines, x_heights)

    # The log-likelihood of the high points depends on the top alone: tabulated once, then looked up.
    top_grid = np.arange(tops.min(), tops.max() + 0.02, 0.02)
    score = _log_likelihood(baselines, lows)[:, None]
    score = score + np.interp(tops, top_grid, _log_likelihood(top_grid, highs))
    score -= 0.5 * ((baselines - USUAL_BASELINE) / BASELINE_DEVIATION)[:, None] ** 2
    score -= 0.5 * ((x_heights - USUAL_X_HEIGHT) / X_HEIGHT_DEVIATION) ** 2
    row, column = np.unravel_index(score.argmax(), score.shape)
    return baselines[row], x_heights[column]


def _log_likelihood(levels, points):
    """Log-likelihood (levels,) that ``points`` lie about each level, up to a constant."""
    near = np.exp(-0.5 * ((levels[:, None] - points) / SPREAD) ** 2)
    return np.log(OUTLIERS + near).sum(axis=1)


def _turning_points(strokes):
    """Return the y of all local maxima (low on the paper) and of all local minima of y, ends of strokes included."""
    lows, highs = [np.empty(0)], [np.empty(0)]
    for stroke in strokes:
        y = resample(stroke, SPACING)[:, 1]
        if len(y) < 4:  # a dot stands anywhere
            continue
        falling = np.concatenate([[-np.sign(y[1] - y[0])], np.sign(np.diff(y)), [-np.sign(y[-1] - y[-2])]])
        lows.append(y[(falling[:-1] > 0) & (falling[1:] <= 0)])
        highs.append(y[(falling[:-1] < 0) & (falling[1:] >= 0)])
    return np.concatenate(lows), np.concatenate(highs)
