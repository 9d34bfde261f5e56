"""Post-processing for legibility: even gaps between the words and letters of a written line.

A network that draws one move at a time does not see the whole line: sometimes two words run together, and sometimes a
letter stands apart from its word. Where a word ends is known from the attention window, which is on the space when the
pen is lifted from one word to the next. So the words can be moved apart or together until every gap is one that a
careful hand leaves. Nothing else is changed.
"""

import numpy as np

WORD_GAP = (1.4, 2.6)  # the narrowest and the widest, in units of the pen vocabulary (an x-height is about 1.3)
LETTER_GAP = 0.8  # the widest within a word
NEAR = 2.0  # distance in characters that the window may have from a space when the pen is lifted there
# How much wider a gap must be to count as the space, for each character that the pen's place in the text is away:
ASTRAY = 0.5  # if the place is that of the window, which may run ahead or lag behind
ALIGNED = 2.0  # if it comes from an alignment of the line with its text


def even_gaps(text, strokes, places, astray=ASTRAY):
    """The strokes of a line, moved along x so that words and letters stand at even distances -> list of (n, 2).

    text     what the line says
    strokes  list of S arrays (n, 2), in the order in which they were written
    places   (S,) where in the text each stroke begins, counted in characters
    astray   `ASTRAY` if the window says so, `ALIGNED` if an alignment does
    """
    words = words_of(text, strokes, places, astray)
    moved, edge_before, edge = [None] * len(strokes), None, None
    for word in range(words.max() + 1):
        own = np.flatnonzero(words == word)
        left = min(strokes[s][:, 0].min() for s in own)
        shift = 0.0 if edge is None else edge - left + np.clip(left - edge_before, *WORD_GAP)
        for s, stroke in zip(own, close_up([strokes[s] for s in own])):
            moved[s] = stroke + np.array([shift, 0.0])
        edge_before = max(strokes[s][:, 0].max() for s in own)
        edge = max(moved[s][:, 0].max() for s in own)
    return moved


def word_beginnings(text, strokes, places, astray=ASTRAY):
    """Which stroke begins the word after each gap of a text: {index of the space: number of the stroke}, without the
    spaces over which the pen went without leaving a gap."""
    left, right = (np.array([edge(stroke[:, 0]) for stroke in strokes]) for edge in (np.min, np.max))
    gaps = left[1:] - np.maximum.accumulate(right)[:-1]  # that each lift but the first leaves
    found, after = {}, 0
    for space in (u for u, c in enumerate(text) if c == " " and text[u - 1 : u] != " "):
        off = np.abs(places[after + 1 :] - space)
        likely = np.where(off <= NEAR, gaps[after:] - astray * off, -np.inf)
        if len(likely) and likely.max() > -NEAR:
            after += 1 + int(likely.argmax())
            found[space] = after
    return found


def words_of(text, strokes, places, astray=ASTRAY):
    """The word (S,) that each stroke belongs to, counted from 0 without gaps; words that the pen has joined are one."""
    left, right = (np.array([edge(stroke[:, 0]) for stroke in strokes]) for edge in (np.min, np.max))
    first = np.zeros(len(strokes), bool)
    first[list(word_beginnings(text, strokes, places, astray).values())] = True
    words = np.cumsum(first)
    starts = np.flatnonzero(first)
    for s in range(1, len(strokes)):
        # A dot or a bar that is added later belongs to the earlier word below it, wherever the window is.
        middle = (left[s] + right[s]) / 2
        while words[s] and not first[s]:
            begun = starts[words[s] - 1]
            if left[begun] - middle <= middle - right[:begun].max():
                break
            words[s] -= 1
    return words


def close_up(strokes):
    """The strokes of one word; where a part of it stands apart, everything to the right of the gap moves left."""
    moved, edge, shift = list(strokes), None, 0.0
    for s in np.argsort([stroke[:, 0].min() for stroke in strokes], kind="stable"):
        x = strokes[s][:, 0]
        if edge is not None:
            shift -= max(0.0, x.min() - edge - LETTER_GAP)
        moved[s] = strokes[s] + np.array([shift, 0.0])
        edge = x.max() if edge is None else max(edge, x.max())
    return moved
