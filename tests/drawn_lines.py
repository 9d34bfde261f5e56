"""Made-up handwriting for the tests of images: strokes whose shape is known, and scans of them."""

import numpy as np

from minirnn.images.draw_scan import draw_ink, draw_scan

ARC = np.linspace(0, 2 * np.pi, 60)


def ring(x, y, radius):
    """A closed circle around (x, y)."""
    return np.column_stack([x + radius * np.cos(ARC), y + radius * np.sin(ARC)])


def bar(x0, y0, x1, y1):
    """A straight stroke."""
    return np.linspace((x0, y0), (x1, y1), 30)


def wave(x, y, height, count, length=30):
    """A stroke like "mmm": ``count`` humps of ``height`` on the line y."""
    t = np.linspace(0, count * np.pi, 40 * count)
    return np.column_stack([x + length * t / np.pi, y - height * np.abs(np.sin(t))])


def written_line(y=80, words=4, x=40):
    """A line of words: humps, a tall stem, a ring with a tail, 36 pixels to the small letters' height."""
    strokes = []
    for _ in range(words):
        strokes += [wave(x, y, 30, 3), bar(x + 115, y - 65, x + 110, y), ring(x + 150, y - 18, 18)]
        strokes += [bar(x + 190, y - 36, x + 180, y + 30)]
        x += 260
    return strokes


def written_page(lines=3, spacing=120, words=4):
    """Strokes of all lines, and the (height, width) of a page that holds them."""
    strokes = [stroke for k in range(lines) for stroke in written_line(100 + k * spacing, words)]
    return strokes, (100 + lines * spacing, 80 + 260 * words)


def clean_ink(strokes, shape, pen=4):
    """(H, W) bool ink of the strokes, as if thresholded from a perfect scan."""
    return draw_ink(strokes, shape, pen) > 0.5


def scan_of(strokes, shape, pen=4, seed=0, **options):
    """(H, W) grey levels: a scan with everything that scans have."""
    return draw_scan(strokes, shape, pen, np.random.default_rng(seed), **options)
