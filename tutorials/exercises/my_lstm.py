"""Your lstm_step_forward and your lstm_backward (exercises 7 and 9) as a cell of a network that learns.

    python -m minirnn.gradcheck my_lstm.py                           do they fit together?
    python -m minirnn.grade --capstone my_lstm.py                    train it, write a page, compare it
    python -m minirnn.train --task text --cell-from my_lstm.py        train it for longer, on the same letters

Nothing needs to be written here: the functions come from the files beside this one.
"""

import pathlib
import runpy

import numpy as np


def yours(name):
    """The function ``name`` from your file of that exercise, whatever its number."""
    folder = pathlib.Path(__file__).parent
    found = [path for path in sorted(folder.glob(f"*{name}.py")) if path.stem.lstrip("0123456789_") == name]
    if not found:
        raise FileNotFoundError(f"your exercise {name}.py has to lie in the same folder, {folder}")
    return runpy.run_path(str(found[0]))[name]


lstm_step_forward, lstm_backward = yours("lstm_step_forward"), yours("lstm_backward")


def init(rng, D, H, dtype=np.float32):
    """Wx (D, 4H), Wh (H, 4H) uniform in ±1/√H, b (4H,) zero but 1 for f; blocks i, f, o, g."""
    bound = 1 / np.sqrt(H)
    Wx, Wh = (rng.uniform(-bound, bound, (rows, 4 * H)).astype(dtype) for rows in (D, H))
    return {"Wx": Wx, "Wh": Wh, "b": np.repeat([0, 1, 0, 0], H).astype(dtype)}


def start(B, params):
    """The state before the first step: (h, c), zeros (B, H)."""
    Wh = params["Wh"]
    return tuple(np.zeros((B, len(Wh)), Wh.dtype) for _ in "hc")


def forward(x, state, params):
    """x (T, B, D), state (h, c) -> y (T, B, H), the state after the last step, cache."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    h, c = [state[0]], [state[1]]
    for x_t in x:
        after = lstm_step_forward(x_t, h[-1], c[-1], Wx, Wh, b)
        h.append(after[0])
        c.append(after[1])
    h, c = np.array(h), np.array(c)
    z = x @ Wx + h[:-1] @ Wh + b  # lstm_backward wants the gates, which lstm_step_forward keeps to itself
    ifo, g = z[..., : 3 * len(Wh)], z[..., 3 * len(Wh) :]
    gates = np.concatenate([0.5 + 0.5 * np.tanh(0.5 * ifo), np.tanh(g)], axis=2)
    return h[1:], (h[-1].copy(), c[-1].copy()), (x, h, c, gates, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh, dc) of the state after the last step or None -> dx, (dh0, dc0), grads."""
    x, h, c, gates, params = cache
    Wx, Wh = params["Wx"], params["Wh"]
    if dstate is None:
        results = lstm_backward(dy, x, h, c, gates, Wx, Wh)
    else:
        # The exercise knows no error of the last cell. Another step makes one: with i = 0, f = 1, o = 1, its cell is
        # the last cell, and its dy is chosen such that dc comes back from it.
        results = _with_last_cell(dy, dstate, cache)
    # The exercises are graded in float64; a network learns in float32.
    dx, dh0, dc0, dWx, dWh, db = (result.astype(dy.dtype, copy=False) for result in results)
    return dx, (dh0, dc0), {"Wx": dWx, "Wh": dWh, "b": db}


def _with_last_cell(dy, dstate, cache):
    x, h, c, gates, params = cache
    more = [np.concatenate([a, a[-1:]]) for a in (x, h, c)]
    none, all_of_it = np.zeros_like(c[-1]), np.ones_like(c[-1])
    last = np.concatenate([none, all_of_it, all_of_it, none], axis=1)
    dc = dstate[1] / (1 - np.tanh(c[-1]) ** 2)
    dy = np.concatenate([dy[:-1], dy[-1:] + dstate[0], dc[None]])
    dx, *rest = lstm_backward(dy, *more, np.concatenate([gates, last[None]]), params["Wx"], params["Wh"])
    return dx[:-1], *rest
