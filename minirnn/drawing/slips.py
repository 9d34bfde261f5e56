"""Slips of the pen: a word begun wrongly, struck through, and written again.

    text with marked slips -> lines, written as they are -> a stroke through each marked word

The attention window tells which ink belongs to a word: it was on the word's characters while the pen drew this ink.
"""

import re

import numpy as np

STRUCK = "\ue000"  # stands before a word that is to be struck through; of Unicode's private use, so in no text
SHORTEST = 4  # letters of a word in which a slip happens


def with_slips(text, rate, rng):
    """Put slips before a share ``rate`` of the longer words of a text, each a wrong word marked with `STRUCK`."""

    def slip(match):
        word = match[0]
        return f"{STRUCK}{wrong_word(word, rng)} {word}" if rng.random() < rate else word

    return re.sub(rf"(?<!\S)[^\W\d_]{{{SHORTEST},}}", slip, text)


def wrong_word(word, rng):
    """A slip in a word: broken off after a few letters, or two letters in the wrong order."""
    at = int(rng.integers(1, len(word) - 1))
    if word[at] == word[at + 1] or rng.random() < 0.5:
        return word[: at + 1]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def find_struck(line):
    """Take the marks out of a line: (the text as it is to be written, [(begin, end) of each struck word in it])."""
    text, spans = "", []
    for word in line.split(" "):
        begin = len(text)
        text += word.removeprefix(STRUCK) + " "
        if word.startswith(STRUCK):
            spans.append((begin, len(text) - 1))
    return text[:-1], spans


def without_struck(line):
    """The text of a line without its struck words."""
    return " ".join(word for word in line.split(" ") if not word.startswith(STRUCK))


def strike_out(line, spans, rng):
    """Strike words of a written line through.

    Parameters
    ----------
    line : minirnn.writing.pen.Line
    spans : list of (begin, end), the words' characters in ``line.text``
    rng : numpy.random.Generator

    Returns
    -------
    the line's strokes as they are drawn, each strike right after the word that it goes through.
    """
    if not spans:
        return line.ink
    points = np.concatenate(line.strokes)
    reading = line.phi[-len(points) - 1 : -1].argmax(axis=1)  # the character that each point is of; the last draws none
    ends = np.cumsum([len(stroke) for stroke in line.strokes])
    strokes = list(line.ink)
    for begin, end in reversed(spans):  # so that the numbers of the strokes before stay right
        moves = np.flatnonzero((reading >= begin) & (reading < end))
        if len(moves):
            last = int(np.searchsorted(ends, moves[-1], side="right"))
            strokes.insert(min(last, len(ends) - 1) + 1, strike(points[moves], rng))
    return strokes


def strike(points, rng):
    """A quick stroke (n, 2) through the middle of what is drawn by ``points`` (n, 2), there, or there and back."""
    (left, _), (right, _) = points.min(axis=0), points.max(axis=0)
    middle, reach = np.median(points[:, 1]), 0.3 * rng.random(2)
    ways = int(rng.integers(1, 3))
    along = np.linspace(0, ways, 20 * ways)
    x = left - reach[0] + (right - left + reach.sum()) * np.abs((along + 1) % 2 - 1)
    y = middle + rng.normal(0, 0.1) + rng.uniform(-0.25, 0.05) * along + 0.08 * np.sin(5 * along + rng.uniform(0, 6))
    return np.column_stack([x, y])
