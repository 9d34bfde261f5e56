"""Bidirectional: a recurrent layer that reads from left to right beside one that reads from right to left (Schuster
and Paliwal 1997).

    x    (T, B, D)    input                     →h, ←h  (T, B, H)  outputs of the two
    T_b  (B,)         length of each sequence   y  (T, B, 2H)

Equations, for t = 1 .. T_b, with any cell of `minirnn.layers.CELLS`:

    reverse(x)_t = x_{T_b + 1 - t}              within the length of each sequence; the padding stays where it is
    →h  = cell(x),   ←h = reverse(cell(reverse(x)))
    y_t = [→h_t, ←h_t];   0 for t > T_b

So the output at t knows the whole sequence, and nothing of the padding: in both directions it comes last. Both cells
start from their own zero state.

Backward: reverse is its own inverse and its own transpose, so the errors go the same way as the values,

    dx = →cell backward(d→h) + reverse(←cell backward(reverse(d←h)))
"""

import numpy as np


def shapes(D, H, cell):
    """The shapes of the parameters by name: twice those of a ``cell``, a module of `CELLS`, with inputs (T, B, D)."""
    return {"forward": cell.shapes(D, H), "backward": cell.shapes(D, H)}


def init(rng, D, H, cell, dtype=np.float32):
    """{"forward": parameters of one cell, "backward": of another}, each for inputs (T, B, D) and H units. ``rng``:
    `numpy.random.Generator`; ``cell``: a module of `CELLS`."""
    return {"forward": cell.init(rng, D, H, dtype), "backward": cell.init(rng, D, H, dtype)}


def reversal(T, lengths):
    """The index (T, B) of the frame that stands at t when each sequence is read from its own end; the padding
    stays in place. lengths (B,)."""
    t = np.arange(T, like=lengths)[:, None]
    return np.where(t < lengths, lengths - 1 - t, t)


def forward(x, lengths, params, cell):
    """x (T, B, D), lengths (B,) -> y (T, B, 2H), cache. ``cell``: the module of `CELLS` that made the parameters."""
    T, B, _ = x.shape
    order = (reversal(T, lengths), np.arange(B, like=lengths))
    inside = (np.arange(T, like=lengths)[:, None] < lengths)[:, :, None]
    left, _, left_cache = cell.forward(x, cell.start(B, params["forward"]), params["forward"])
    right, _, right_cache = cell.forward(x[order], cell.start(B, params["backward"]), params["backward"])
    y = np.concatenate([left, right[order]], axis=2)
    y *= inside
    return y, (cell, order, inside, left_cache, right_cache)


def backward(dy, cache):
    """dy (T, B, 2H) -> dx (T, B, D), grads."""
    cell, order, inside, left_cache, right_cache = cache
    H = dy.shape[2] // 2
    dy = dy * inside
    dx, _, forward_grads = cell.backward(dy[:, :, :H], None, left_cache)
    dx_right, _, backward_grads = cell.backward(dy[:, :, H:][order], None, right_cache)
    dx += dx_right[order]
    return dx, {"forward": forward_grads, "backward": backward_grads}
