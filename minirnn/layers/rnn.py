"""The vanilla recurrent layer (Elman 1990) and backpropagation through time.

    x   (T, B, D)  input              Wx  (D, H)
    h   (B, H)     hidden state       Wh  (H, H)      b  (H,)

Equation, for t = 1 .. T:

    h_t = tanh(x_t Wx + h_{t-1} Wh + b)

Backward, for t = T .. 1, with a = x_t Wx + h_{t-1} Wh + b the argument of tanh. h_t is used twice: as the output
of step t, where dy_t comes from, and in the next step, where da_{t+1} Whᵀ comes from.

    dh_t     = dy_t + da_{t+1} Whᵀ
    da_t     = dh_t (1 - h_t²)             tanh' = 1 - tanh²
    dWx = Σ x_tᵀ da_t,   dWh = Σ h_{t-1}ᵀ da_t,   db = Σ da_t,   dx_t = da_t Wxᵀ

The products with x_t need no loop: they are computed for all T steps at once.
"""

import numpy as np

from minirnn import backend


def shapes(D, H):
    """Wx (D, H), Wh (H, H), b (H,): the shapes of the parameters by name."""
    return {"Wx": (D, H), "Wh": (H, H), "b": (H,)}


def init(rng, D, H, dtype=np.float32):
    """Wx (D, H), Wh (H, H) uniform in ±1/√H, b (H,) zero. ``rng``: `numpy.random.Generator`."""
    bound = 1 / np.sqrt(H)
    return {
        "Wx": backend.uniform(rng, bound, (D, H), dtype),
        "Wh": backend.uniform(rng, bound, (H, H), dtype),
        "b": np.zeros(H, dtype),
    }


def start(B, params):
    """The state before the first step: (h,), zeros (B, H)."""
    Wh = params["Wh"]
    return (backend.zeros((B, len(Wh)), like=Wh),)


def forward(x, state, params):
    """x (T, B, D), state (h,), h (B, H) -> y (T, B, H), state after the last step, cache."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    T, B, D = x.shape
    H = len(Wh)
    h = backend.empty((T + 1, B, H), like=x)  # h[t] is h_t; h[0] is the state before the first step
    h[0] = state[0]
    a = (x.reshape(T * B, D) @ Wx).reshape(T, B, H)
    a += b
    for t in range(T):
        backend.product(h[t], Wh, out=h[t + 1])
        h[t + 1] += a[t]
        np.tanh(h[t + 1], out=h[t + 1])
    return h[1:], (h[T].copy(),), (x, h, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) of the state after the last step or None for zero -> dx (T, B, D), dstate of the
    state before the first step, grads."""
    x, h, params = cache
    Wx, Wh = params["Wx"], params["Wh"]
    T, B, D = x.shape
    H = len(Wh)
    dh = backend.zeros((B, H), like=x) if dstate is None else dstate[0].copy()
    da = backend.empty((T, B, H), like=x)
    WhT = Wh.T.copy()
    for t in reversed(range(T)):
        dh += dy[t]
        np.multiply(h[t + 1], h[t + 1], out=da[t])
        np.subtract(1, da[t], out=da[t])
        da[t] *= dh
        backend.product(da[t], WhT, out=dh)
    da = da.reshape(T * B, H)
    grads = {
        "Wx": x.reshape(T * B, D).T @ da,
        "Wh": h[:-1].reshape(T * B, H).T @ da,
        "b": da.sum(axis=0),
    }
    return (da @ Wx.T).reshape(T, B, D), (dh,), grads
