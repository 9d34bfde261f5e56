"""Your rnn_step and your rnn_backward (exercises 4 and 5) as a cell of a network that learns.

    python -m minirnn.gradcheck my_rnn.py                            do they fit together?
    python -m minirnn.grade --capstone my_rnn.py                     train it, write a page, compare it
    python -m minirnn.train --task text --cell-from my_rnn.py         train it for longer, on the same letters

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


rnn_step, rnn_backward = yours("rnn_step"), yours("rnn_backward")


def init(rng, D, H, dtype=np.float32):
    """Wx (D, H), Wh (H, H) uniform in ±1/√H, b (H,) zero."""
    bound = 1 / np.sqrt(H)
    Wx, Wh = (rng.uniform(-bound, bound, (rows, H)).astype(dtype) for rows in (D, H))
    return {"Wx": Wx, "Wh": Wh, "b": np.zeros(H, dtype)}


def start(B, params):
    """The state before the first step: (h,), zeros (B, H)."""
    Wh = params["Wh"]
    return (np.zeros((B, len(Wh)), Wh.dtype),)


def forward(x, state, params):
    """x (T, B, D), state (h,) -> y (T, B, H), the state after the last step, cache."""
    h = [state[0]]
    for x_t in x:
        h.append(rnn_step(x_t, h[-1], params["Wx"], params["Wh"], params["b"]))
    return np.array(h[1:]), (h[-1].copy(),), (x, np.array(h), params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) of the state after the last step or None -> dx, (dh0,), grads."""
    x, h, params = cache
    if dstate is not None:  # the last state is the last output: its error joins that of the output
        dy = np.concatenate([dy[:-1], dy[-1:] + dstate[0]])
    results = rnn_backward(dy, x, h, params["Wx"], params["Wh"])
    # The exercises are graded in float64; a network learns in float32.
    dx, dh0, dWx, dWh, db = (result.astype(dy.dtype, copy=False) for result in results)
    return dx, (dh0,), {"Wx": dWx, "Wh": dWh, "b": db}
