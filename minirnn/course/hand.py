"""A hand that needs no download, for the chapters about handwriting: thirteen letters of a few points each, written
anew, a little differently, every time.

    hand.write("the sun shines", rng)    list of strokes, each (n, 2), y down, an x is one unit high

The network of the package learns from recordings of real hands. What a chapter wants to show, though, should be the
same on every machine, and its truth known.
"""

import numpy as np

from minirnn.ink.strokes import smooth

# Each letter: its strokes in the order in which they are written, base line y = 0, x-height y = -1. One point is a dot.
LETTERS = {
    "a": [[(0.6, -0.85), (0.3, -1), (0.03, -0.6), (0.1, -0.1), (0.35, -0.05), (0.58, -0.5), (0.6, -0.9), (0.6, -0.3),
           (0.72, 0), (0.9, -0.15)]],
    "d": [[(0.58, -0.85), (0.3, -1), (0.03, -0.6), (0.1, -0.1), (0.35, -0.05), (0.56, -0.5), (0.6, -1.9), (0.6, -0.3),
           (0.72, 0), (0.9, -0.15)]],
    "e": [[(0.02, -0.5), (0.36, -0.53), (0.52, -0.75), (0.3, -1), (0.05, -0.75), (0.04, -0.3), (0.28, 0),
           (0.6, -0.15)]],
    "g": [[(0.6, -0.85), (0.3, -1), (0.03, -0.6), (0.1, -0.1), (0.35, -0.05), (0.58, -0.5), (0.6, -0.9), (0.58, 0.5),
           (0.3, 0.95), (0.02, 0.7)]],
    "h": [[(0, -1.9), (0, -1), (0, 0)],
          [(0, -0.5), (0.13, -0.85), (0.36, -1), (0.54, -0.8), (0.55, -0.2), (0.65, 0), (0.85, -0.12)]],
    "i": [[(0, -1), (0.02, -0.25), (0.12, 0), (0.32, -0.15)], [(0.02, -1.5)]],
    "l": [[(0, -1.9), (0, -1), (0, -0.35), (0.1, 0), (0.3, -0.12)]],
    "n": [[(0, -1), (0, 0)],
          [(0, -0.5), (0.13, -0.85), (0.36, -1), (0.54, -0.8), (0.55, -0.2), (0.65, 0), (0.85, -0.12)]],
    "o": [[(0.4, -1), (0.1, -0.85), (0, -0.5), (0.1, -0.12), (0.32, 0), (0.55, -0.15), (0.64, -0.5), (0.55, -0.85),
           (0.36, -1)]],
    "r": [[(0, -1), (0, 0)], [(0, -0.5), (0.12, -0.85), (0.32, -1), (0.48, -0.9)]],
    "s": [[(0.48, -0.88), (0.25, -1), (0.05, -0.8), (0.2, -0.55), (0.42, -0.35), (0.42, -0.1), (0.2, 0),
           (-0.02, -0.12)]],
    "t": [[(0.15, -1.6), (0.15, -0.9), (0.15, -0.4), (0.22, -0.06), (0.42, 0), (0.52, -0.1)],
          [(-0.12, -1.05), (0.48, -1.1)]],
    "u": [[(0, -1), (0.02, -0.3), (0.2, 0), (0.45, -0.2), (0.55, -1), (0.56, -0.3), (0.66, 0), (0.85, -0.12)]],
    " ": [],
}  # fmt: skip
WIDTH = {"i": 0.35, "l": 0.35, "r": 0.55, "s": 0.55, "t": 0.55, "e": 0.62, "o": 0.68, " ": 0.45}  # all others 0.88
GAP = 0.22  # between letters


def write(text, rng, wobble=0.03):
    """The strokes of ``text``: every point off its place by ``wobble`` (standard deviation, in x-heights), and the size
    of every letter and the way to the next a little different each time."""
    strokes, x, y = [], 0.0, 0.0
    for letter in text:
        size = 1 + 2 * wobble * rng.standard_normal()
        for points in LETTERS[letter]:
            points = np.array(points, float) * size
            points += wobble * rng.standard_normal(points.shape) + [x, y]
            strokes.append(smooth(points))
        x += (WIDTH.get(letter, 0.88) + GAP) * size + wobble * rng.standard_normal()
        y = 0.8 * y + wobble * rng.standard_normal()  # the base line wanders, and comes back
    return strokes
