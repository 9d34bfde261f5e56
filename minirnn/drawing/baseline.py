"""Where a written line stands: its baseline and its x-height.

The mean and the standard deviation of y depend on what is written: "gypsy" hangs low, "little" stands high, and
"moon" is all x-height. Two sources nevertheless give the baseline b and the x-height h.

The text: how many of its letters are tall and how many hang gives the mean and the deviation of y that it should have
(``expected_metrics``).

The turning points of the pen: most letters, whatever else they do, touch the baseline from above and reach the
x-height from below. So every low point lies near b, with some spread, or is an outlier (a descender), and every high
point lies near b - h or is an outlier (an ascender). ``line_metrics`` finds on a grid the pair that explains the points
best, with the expectation from the text as the prior: the maximum a posteriori estimate of a mixture model.

All in units of normalised strokes (the standard deviation of y along the ink), y down from the line's mean. The
constants were chosen so that lines of one form of IAM-OnDB, written in one size, come out in one size.
"""

import numpy as np

from minirnn.ink.strokes import resample

SPREAD = 0.25
OUTLIERS = 0.15
BASELINE_DEVIATION = 0.3
LOG_X_HEIGHT_DEVIATION = 0.2

TALL, HANGING = set("bdfhklt!?()[]/&'\"*"), set("gjpqy")
TALL_HEIGHT, HANGING_DEPTH = 2.2, 1.2  # in x-heights
STEM_INK = 0.5  # ink of a stem per x-height, where the body of a letter has 1
# A hand wanders: its y deviates more than that of printed letters, and everything else is smaller in comparison.
WANDER = 0.72

SPACING = 0.1


def line_metrics(strokes, text):
    """Return (baseline, x_height) of a line of normalised strokes that shows ``text``."""
    lows, highs = _turning_points(strokes)
    usual_baseline, usual_x_height = expected_metrics(text)
    baselines = np.arange(-0.5, 3.0, 0.02)
    x_heights = np.arange(0.5, 4.0, 0.02)
    tops = baselines[:, None] - x_heights  # (baselines, x_heights)

    # The log-likelihood of the high points depends on the top alone: tabulated once, then looked up.
    top_grid = np.arange(tops.min(), tops.max() + 0.02, 0.02)
    score = _log_likelihood(baselines, lows)[:, None]
    score = score + np.interp(tops, top_grid, _log_likelihood(top_grid, highs))
    score -= 0.5 * ((baselines - usual_baseline) / BASELINE_DEVIATION)[:, None] ** 2
    score -= 0.5 * (np.log(x_heights / usual_x_height) / LOG_X_HEIGHT_DEVIATION) ** 2
    row, column = np.unravel_index(score.argmax(), score.shape)
    return baselines[row], x_heights[column]


def expected_metrics(text):
    """Return (baseline, x_height) that a line of ``text`` should have, from its letters alone.

    Ink is spread evenly over the body of every letter, over the stems of tall and over the tails of hanging ones; the
    mean and the variance of its height follow.
    """
    letters = [letter for letter in text if letter.isalnum() or letter in TALL] or ["x"]
    tall = sum(letter in TALL or letter.isupper() or letter.isdigit() for letter in letters)
    hanging = sum(letter in HANGING for letter in letters)
    # Heights above the baseline in x-heights: lower end, upper end, ink.
    low, high, ink = np.array(
        [
            (0.0, 1.0, len(letters)),
            (1.0, TALL_HEIGHT, tall * STEM_INK * (TALL_HEIGHT - 1)),
            (-HANGING_DEPTH, 0.0, hanging * STEM_INK * HANGING_DEPTH),
        ]
    ).T
    middle, ink = (low + high) / 2, ink / ink.sum()
    mean = ink @ middle
    deviation = np.sqrt(ink @ ((high - low) ** 2 / 12 + (middle - mean) ** 2))
    return WANDER * mean / deviation, WANDER / deviation


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
        way = np.sign(np.diff(y))
        way = np.concatenate([[-way[0]], way, [-way[-1]]])  # so that both ends are turning points
        lows.append(y[(way[:-1] > 0) & (way[1:] <= 0)])
        highs.append(y[(way[:-1] < 0) & (way[1:] >= 0)])
    return np.concatenate(lows), np.concatenate(highs)
