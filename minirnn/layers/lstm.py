"""Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    x      (T, B, D)  input              Wx  (D, 4H)
    h, c   (B, H)     state, cell        Wh  (H, 4H)      b  (4H,)

The four gates stand side by side in one block of 4H columns, in the order i, f, o, g.

Equations, for t = 1 .. T, σ(z) = 1 / (1 + exp(-z)):

    z_t = x_t Wx + h_{t-1} Wh + b = [z_i, z_f, z_o, z_g]
    i, f, o = σ(z_i), σ(z_f), σ(z_o)        input, forget and output gate
    g       = tanh(z_g)                     what may be written into the cell
    c_t     = f c_{t-1} + i g
    h_t     = o tanh(c_t)

Backward, for t = T .. 1. Two errors come back from step t+1: dh (through Wh) and dc (through the cell).

    dh  = dy_t + dz_{t+1} Whᵀ
    do  = dh tanh(c_t)
    dc += dh o (1 - tanh(c_t)²)             c_t is used twice: in h_t and in c_{t+1}; both paths add up
    di, df, dg = dc g, dc c_{t-1}, dc i
    dc_{t-1} = dc f                         no matrix in this path: the error can travel far
    dz_i, dz_f, dz_o = di i(1-i), df f(1-f), do o(1-o);   dz_g = dg (1 - g²)
    dWx = Σ x_tᵀ dz_t,   dWh = Σ h_{t-1}ᵀ dz_t,   db = Σ dz_t,   dx_t = dz_t Wxᵀ

There are two tricks, and no more. All products with x_t are one product before the loop, and all weight gradients are
one product after it; only h Wh stays inside. And since σ(z) = (1 + tanh(z/2)) / 2, one call of tanh serves all four
gates. On a GPU the loops are those of `minirnn.layers.loops`.
"""

import numpy as np

from minirnn import backend
from minirnn.layers import loops


def shapes(D, H):
    """Wx (D, 4H), Wh (H, 4H), b (4H,): the shapes of the parameters by name."""
    return {"Wx": (D, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,)}


def init(rng, D, H, dtype=np.float32):
    """Wx (D, 4H), Wh (H, 4H), b (4H,) uniform in ±1/√H. ``rng``: `numpy.random.Generator`.

    A forget gate whose bias starts at one, as is often advised, learned text more slowly here: 1.87 instead of 1.75
    nats per character after 400 steps."""
    bound = 1 / np.sqrt(H)
    return {
        "Wx": backend.uniform(rng, bound, (D, 4 * H), dtype),
        "Wh": backend.uniform(rng, bound, (H, 4 * H), dtype),
        "b": backend.uniform(rng, bound, 4 * H, dtype),
    }


def start(B, params):
    """The state before the first step: (h, c), zeros (B, H) each."""
    Wh = params["Wh"]
    return backend.zeros((B, len(Wh)), like=Wh), backend.zeros((B, len(Wh)), like=Wh)


def halves(H, like):
    """(4H,), the factors by which `cell_forward` multiplies z: ½ for the sigmoids of i, f and o, 1 for the tanh of g;
    of the dtype and on the device of ``like``."""
    half = backend.empty(4 * H, like=like)
    half[: 3 * H], half[3 * H :] = 0.5, 1
    return half


def cell_forward(z, half, c_prev, c, tanh_c, h):
    """One step after the products. z (B, 4H) becomes the gates i, f, o, g in place; half (4H,) is that of `halves`;
    c_prev (B, H) is only read; c, tanh_c and h (B, H) are filled in."""
    H = h.shape[1]
    z *= half
    np.tanh(z, out=z)
    z *= half
    z += 1 - half
    i, f, o, g = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
    np.multiply(f, c_prev, out=c)
    np.multiply(i, g, out=h)  # the memory of h is used for i g
    c += h
    np.tanh(c, out=tanh_c)
    np.multiply(o, tanh_c, out=h)


def cell_backward(dh, dc, gates, c_prev, tanh_c, dz, slope):
    """One step back. dz (B, 4H) is filled in; dc (B, H), the error of the cell at step t, becomes that of step t-1 in
    place. c_prev, tanh_c (B, H) and gates (B, 4H) are only read; dh (B, H) and slope (B, 4H) are overwritten."""
    H = dh.shape[1]
    i, f, o, g = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H : 3 * H], gates[:, 3 * H :]
    di, df, do, dg = dz[:, :H], dz[:, H : 2 * H], dz[:, 2 * H : 3 * H], dz[:, 3 * H :]
    np.subtract(1, gates, out=slope)
    slope *= gates  # σ' = σ (1 - σ), what i, f and o need; g needs another
    slope_g = slope[:, 3 * H :]
    np.multiply(g, g, out=slope_g)
    np.subtract(1, slope_g, out=slope_g)  # tanh' = 1 - tanh²
    np.multiply(dh, tanh_c, out=do)
    dh *= o  # in the memory of dh: dh o (1 - tanh²) = dh o - dh o tanh tanh
    dc += dh
    dh *= tanh_c
    dh *= tanh_c
    dc -= dh  # dc, both paths added
    np.multiply(dc, g, out=di)
    np.multiply(dc, c_prev, out=df)
    np.multiply(dc, i, out=dg)
    dz *= slope  # dz_i, dz_f, dz_o, dz_g
    dc *= f  # dc_{t-1}


def forward(x, state, params):
    """x (T, B, D), state (h, c), (B, H) each -> y (T, B, H), state after the last step, cache."""
    T, B, D = x.shape
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    H = len(Wh)
    z = (x.reshape(T * B, D) @ Wx).reshape(T, B, 4 * H)
    z += b
    h = backend.empty((T + 1, B, H), like=x)  # h[t] is h_t; h[0] and c[0] are the state before the first step
    c = backend.empty((T + 1, B, H), like=x)
    tanh_c = backend.empty((T, B, H), like=x)
    h[0], c[0] = state
    if loops.on_gpu(x, H):
        loops.lstm_forward(z, Wh, h, c, tanh_c)
    else:
        recurrent, half = backend.empty((B, 4 * H), like=x), halves(H, like=x)
        for t in range(T):
            backend.product(h[t], Wh, out=recurrent)
            z[t] += recurrent
            cell_forward(z[t], half, c[t], c[t + 1], tanh_c[t], h[t + 1])
    return h[1:], (h[T].copy(), c[T].copy()), (x, z, h, c, tanh_c, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh, dc) of the state after the last step or None for zero -> dx (T, B, D), dstate of
    the state before the first step, grads."""
    x, gates, h, c, tanh_c, params = cache
    T, B, D = x.shape
    H = h.shape[2]
    dh, dc = start(B, params) if dstate is None else (dstate[0].copy(), dstate[1].copy())
    dz = backend.empty((T, B, 4 * H), like=x)
    if loops.on_gpu(x, H):
        loops.lstm_backward(dy, gates, c, tanh_c, params["Wh"], dz, dh, dc)
    else:
        slope = backend.empty((B, 4 * H), like=x)
        WhT = params["Wh"].T.copy()
        for t in reversed(range(T)):
            dh += dy[t]
            cell_backward(dh, dc, gates[t], c[t], tanh_c[t], dz[t], slope)
            backend.product(dz[t], WhT, out=dh)  # dh of step t-1, to which its dy is still to be added
    dz = dz.reshape(T * B, 4 * H)
    grads = {
        "Wx": x.reshape(T * B, D).T @ dz,  # dWx
        "Wh": h[:-1].reshape(T * B, H).T @ dz,  # dWh
        "b": dz.sum(axis=0),  # db
    }
    return (dz @ params["Wx"].T).reshape(T, B, D), (dh, dc), grads  # dx, the error of the first state, the rest
