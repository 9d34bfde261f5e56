"""Pages as SVG that writes itself, stroke by stroke, once, at a pen's pace.

Each stroke is one path that hides behind a gap in its own dashes; moving the gap away draws the stroke. It is done by
CSS alone, so it plays in every browser, also inside an HTML ``<img>``. A browser that was asked for reduced motion
shows the finished page.
"""

from itertools import pairwise

import numpy as np

from minirnn.drawing.ink import mixed, simplified
from minirnn.drawing.svg import document, ink_layer, paper_layer, path_data

# A quick hand: mm per second with the pen down and up, and the seconds that it takes to put the pen down or lift it.
WRITING_SPEED = 70.0
MOVING_SPEED = 150.0
PAUSE = 0.06

# Dash and gap in lengths of the stroke (pathLength is 1). The gap is longer than the stroke and begins a little before
# it, so that no round end of a dash shows before its time.
STYLE = """<style>
.pen path { stroke-dasharray: 1 1.1; stroke-dashoffset: 1.05; animation: write linear forwards }
@keyframes write { to { stroke-dashoffset: 0 } }
@media (prefers-reduced-motion: reduce) { .pen path { animation: none; stroke-dashoffset: 0 } }
</style>"""


def page_animation(page, pen, duration=None):
    """Return a page as the text of an SVG file that writes itself in the pen's colour and average width.

    ``duration`` is the time for the whole page in seconds; None is a quick hand's own pace.
    """
    strokes = [simplified(stroke) for stroke in page.strokes]
    starts, lengths = pace(strokes, duration)
    colour = mixed(pen.colour, 1 - pen.paleness / 2)
    # The average of |sin| over all directions is 2 / pi.
    width = pen.width * (pen.thin + (1 - pen.thin) * 2 / np.pi)
    paths = [
        f'<path pathLength="1" style="animation-delay:{start:.3f}s;animation-duration:{length:.3f}s" '
        f'd="{path_data(stroke)}"/>'
        for stroke, start, length in zip(strokes, starts, lengths)
    ]
    how = f' class="pen" stroke="{colour}" stroke-width="{width:.3f}"'
    return document(page, [STYLE, *paper_layer(page), *ink_layer(paths, pen, attributes=how)])


def pace(strokes, duration=None):
    """Return when each stroke starts and how long it takes, in seconds: two arrays (strokes,)."""
    if not strokes:
        return np.empty(0), np.empty(0)
    lengths = np.array([np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes]) / WRITING_SPEED
    lifts = [np.hypot(*(after[0] - before[-1])) for before, after in pairwise(strokes)]
    pauses = PAUSE + np.array([0.0, *lifts]) / MOVING_SPEED
    starts = np.cumsum(pauses) + np.cumsum(lengths) - lengths
    stretch = duration / (starts[-1] + lengths[-1]) if duration is not None else 1.0
    return starts * stretch, lengths * stretch
