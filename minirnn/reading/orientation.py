"""Which way round a page is, by reading it: what is upside down or mirrored reads badly, and well once it is turned."""

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.images.trace import direct_stroke, order_strokes

WAYS = {"upside down": (-1, -1), "mirrored": (-1, 1), "mirrored and upside down": (1, -1)}  # signs of x and y
LINES = 5  # of a page that are read each way, the longest; fewer than three say nothing
BETTER = 0.1  # mean confidence that the right way has more than the page as it is


def turned(strokes, pen, signs):
    """The traced ``strokes`` of a line as they would be traced with x and y multiplied by ``signs``; ``pen`` is the
    pen's width in their unit."""
    return order_strokes([direct_stroke(stroke * np.array(signs), pen) for stroke in strokes], pen)


def check_upright(reader, lines):
    """MinirnnError if the `Line`s of a page read better upside down or mirrored than as they are."""
    longest = sorted(lines, key=lambda line: -sum(map(len, line.strokes)))[:LINES]
    if len(longest) < 3:
        return
    sure = {"": _confidence(reader, [line.strokes for line in longest])}
    for way, signs in WAYS.items():
        sure[way] = _confidence(reader, [turned(line.strokes, line.pen, signs) for line in longest])
    best = max(sure, key=sure.get)
    if sure[best] > sure[""] + BETTER:
        raise MinirnnError(f"the page is {best}: turn the picture")


def _confidence(reader, lines):
    """Mean confidence of all characters that are read in the lines; 0 if there are none."""
    found = np.concatenate([reading.confidence for reading in reader.read_strokes(lines)])
    return float(found.mean()) if len(found) else 0.0
