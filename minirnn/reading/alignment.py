"""Where each character of a known text stands in a line: the likeliest path that spells it (Viterbi 1967).

The sweep is that of the forward variables of `minirnn.layers.ctc`, with the likeliest path in place of the sum over all
paths; then the way back follows the choices that were likeliest.
"""

import numpy as np

from minirnn.layers import ctc


def align(log_p, ids):
    """The frames of each character on the likeliest path that spells a text.

    Parameters
    ----------
    log_p : (T, V) logarithms of the probabilities of every frame.
    ids : (U,) the text, ids from 1 on.

    Returns
    -------
    (U, 2) the first and the last frame of each character. MinirnnError if no path can spell the text.
    """
    y, counts = np.asarray(ids, np.int64)[:, None], np.array([len(ids)])
    T, U = len(log_p), len(ids)
    ctc.check(y, counts, np.array([T]))
    labels, skip = (a[0] for a in ctc.places(y, counts))
    best = np.full(2 * U + 1, ctc.NEVER)
    best[:2] = log_p[0, labels[:2]]
    came = np.zeros((T, 2 * U + 1), int)  # from how many places before
    for t in range(1, T):
        ways = np.full((3, 2 * U + 1), ctc.NEVER)
        ways[0], ways[1, 1:] = best, best[:-1]
        ways[2, 2:] = np.where(skip[2:], best[:-2], ctc.NEVER)
        came[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + log_p[t, labels]
    place = 2 * U if U == 0 or best[2 * U] >= best[2 * U - 1] else 2 * U - 1
    frames = np.zeros((U, 2), int)
    for t in reversed(range(T)):
        if place % 2:
            character = place // 2
            frames[character, 0] = t
            frames[character, 1] = max(frames[character, 1], t)
        place -= came[t, place]
    return frames


def confidences(log_p, ids, frames):
    """How sure the network is of each character: its largest probability among its frames, (U,) from 0 to 1."""
    return np.array([np.exp(log_p[first : last + 1, k].max()) for k, (first, last) in zip(ids, frames)])


def territory(frames, T, spaces):
    """Which frames belong to each character, first and one past the last, (U, 2).

    The network names a character in one or two frames somewhere in it, so that the border between two is half way
    between their frames. A space, ``spaces`` (U,) bool, has no ink: its neighbours reach up to its first frame."""
    if not len(frames):
        return np.zeros((0, 2), int)
    middles = np.ceil((frames[1:, 0] + frames[:-1, 1] + 1) / 2).astype(int)
    ends = np.where(spaces[1:], frames[1:, 0], middles)
    ends = np.append(np.where(spaces[:-1], frames[:-1, 0], ends), T)
    starts = np.concatenate([[0], ends[:-1]])
    return np.column_stack([starts, np.where(spaces, starts, ends)])
