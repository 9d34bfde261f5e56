"""Whether a written line is right as a whole, by the attention window's path over its text and by the pen's pace.

Whether each word of it reads as it should is decided in `minirnn.writing.proofreading`.
"""

import numpy as np


def symbols_of_characters(line):
    """How many symbols the pen spends on each character of a line, according to the attention window -> (U,)."""
    phi = line.phi[:, : len(line.text)]
    return (phi / np.maximum(line.phi.sum(axis=1, keepdims=True), 1e-6)).sum(axis=0)


def unevenness(line, pace):
    """How far the pen departs from its usual pace: the mean of |r - 1|. Here r is the number of symbols that the pen
    spends on a character, divided by the usual number, ``pace`` {character: symbols}, and by the mean of this ratio
    over the line.

    A letter that is malformed or left out takes more or fewer symbols than usual. Characters that ``pace`` lacks are
    left out."""
    known = np.array([c in pace for c in line.text])
    if not known.any():
        return 0.0
    ratio = symbols_of_characters(line)[known] / [pace[c] for c in line.text if c in pace]
    return float(np.abs(ratio / max(ratio.mean(), 1e-6) - 1).mean())


def astray(strokes, stopped):
    """What is wrong with the way of the pen, whatever it wrote; "" if nothing is."""
    if not stopped:
        return "ran on"
    heights = np.concatenate(strokes)[:, 1] if strokes else np.zeros(1)
    return "left the line" if np.abs(heights).max() > 6 else ""


def fault(text, phi, strokes, stopped):
    """What is wrong with a line, according to the paths of the window, phi (T, U), and of the pen; "" if nothing is."""
    visited = phi.max(axis=0)
    missed = [text[u] for u in range(len(text)) if visited[u] < 0.25 and text[u] != " "]
    if missed and stopped:
        return f"skipped {missed[0]!r}"
    return astray(strokes, stopped)
