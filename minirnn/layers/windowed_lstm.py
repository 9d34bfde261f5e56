"""The windowed LSTM: an LSTM and an attention window that feed each other, step by step (Graves 2013, figure 12).

    x   (T, B, D)   input                      C   (B, U, E)   embedded text
    w   (T, B, E)   window vectors             φ   (T, B, U)   weight of each character, to be looked at
    state (h, c, κ, w) of the last step: (B, H), (B, H), (B, K), (B, E)

Equations, for t = 1 .. T:

    h_t, c_t = LSTM([x_t, w_{t-1}], h_{t-1}, c_{t-1})      see `minirnn.layers.lstm`
    w_t, κ_t = window(h_t, κ_{t-1}, C)                     see `minirnn.layers.attention_window`

Backward, for t = T .. 1: w_t is used by the layers above and by the LSTM at t+1; h_t is used by the window, by the
layers above and by the LSTM at t+1. All these errors are added up before the error goes back through the step.

Only the products with w_{t-1} and h_{t-1} stay inside the loop. On a GPU the loops are those of
`minirnn.layers.loops`, which keep only a part of the window's values and compute the others again.
"""

import numpy as np

from minirnn import backend
from minirnn.layers import attention_window, loops, lstm


def shapes(D, E, H, K):
    """Wx (D, 4H), Ww (E, 4H), Wh (H, 4H), b (4H,), W_window (H, 3K), b_window (3K,): the shapes by name."""
    return {
        "Wx": (D, 4 * H), "Ww": (E, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,),
        "W_window": (H, 3 * K), "b_window": (3 * K,),
    }  # fmt: skip


def init(rng, D, E, H, K, rate, dtype=np.float32):
    """The parameters of an LSTM with input D + E, and of a window: {"Wx", "Ww", "Wh", "b", "W_window",
    "b_window"}, Ww (E, 4H) being the rows of the LSTM's Wx that meet w."""
    cell = lstm.init(rng, D + E, H, dtype)
    over = attention_window.init(rng, H, K, rate, dtype)
    return {
        "Wx": cell["Wx"][:D].copy(),
        "Ww": cell["Wx"][D:].copy(),
        "Wh": cell["Wh"],
        "b": cell["b"],
        "W_window": over["W"],
        "b_window": over["b"],
    }


def start(B, params):
    """The state before the first step: (h, c, kappa, w), all zero except for kappa, which is half a character before
    the text."""
    H, K, E = len(params["Wh"]), len(params["b_window"]) // 3, len(params["Ww"])
    like = params["Wh"]
    h, c, kappa, w = (backend.zeros((B, n), like=like) for n in (H, H, K, E))
    return h, c, kappa - 0.5, w


def forward(x, C, state, params):
    """x (T, B, D), C (B, U, E), state (h, c, kappa, w) -> h (T, B, H), w (T, B, E), phi (T, B, U), state, cache."""
    T, B, D = x.shape
    H, E = len(params["Wh"]), len(params["Ww"])
    Ww, Wh, W_window, b_window = (params[name] for name in ("Ww", "Wh", "W_window", "b_window"))
    z = (x.reshape(T * B, D) @ params["Wx"]).reshape(T, B, 4 * H)
    z += params["b"]
    wh = backend.empty((T + 1, B, E + H), like=x)  # [w, h] of every step, beginning with the state before the first
    c = backend.empty((T + 1, B, H), like=x)
    tanh_c = backend.empty((T, B, H), like=x)
    phi = backend.empty((T, B, C.shape[1]), like=x)
    windows = []
    wh[0, :, E:], c[0], kappa, wh[0, :, :E] = state
    if loops.on_gpu(x, H, E, kappa.shape[1], C.shape[1]):
        kappa, windows = loops.windowed_lstm_forward(z, params, C, wh, c, tanh_c, kappa, phi)
    else:
        recurrent, half = backend.empty((B, 4 * H), like=x), lstm.halves(H, like=x)
        for t in range(T):
            backend.product(wh[t, :, :E], Ww, out=recurrent)
            z[t] += recurrent
            backend.product(wh[t, :, E:], Wh, out=recurrent)
            z[t] += recurrent
            h = wh[t + 1, :, E:]
            lstm.cell_forward(z[t], half, c[t], c[t + 1], tanh_c[t], h)
            z_window = h @ W_window + b_window
            wh[t + 1, :, :E], kappa, phi[t], window_cache = attention_window.step_forward(z_window, kappa, C)
            windows.append(window_cache)
    w, h = wh[1:, :, :E], wh[1:, :, E:]
    cache = (x, C, z, wh, c, tanh_c, phi, windows, params)
    return h, w, phi, (h[-1].copy(), c[-1].copy(), kappa, w[-1].copy()), cache


def backward(dh_out, dw_out, dstate, cache):
    """dh_out (T, B, H), dw_out (T, B, E), dstate of the state after the last step or None for zero -> dx
    (T, B, D), dC (B, U, E), dstate of the state before the first step, grads."""
    x, C, gates, wh, c, tanh_c, phi, windows, params = cache
    T, B, D = x.shape
    H, E, K = len(params["Wh"]), len(params["Ww"]), len(params["b_window"]) // 3
    dwh = backend.zeros((B, E + H), like=x)  # [dw, dh] that step t+1 sends back
    dc = backend.zeros((B, H), like=x)
    dkappa = backend.zeros((B, K), like=x)
    if dstate is not None:
        dwh[:, E:], dc[:], dkappa, dwh[:, :E] = dstate
    dz = backend.empty((T, B, 4 * H), like=x)
    dw = backend.empty((T, B, E), like=x)
    dz_window = backend.empty((T, B, 3 * K), like=x)
    if loops.on_gpu(x, H, E, K, C.shape[1]):
        dw[...], dkappa = dw_out, dkappa.copy()
        loops.windowed_lstm_backward(dh_out, gates, params, C, c, tanh_c, windows, dz, dw, dz_window, dwh, dc, dkappa)
    else:
        W_recurrentT = np.concatenate([params["Ww"], params["Wh"]]).T.copy()
        W_windowT = params["W_window"].T.copy()
        slope = backend.empty((B, 4 * H), like=x)
        for t in reversed(range(T)):
            np.add(dw_out[t], dwh[:, :E], out=dw[t])
            dz_window[t], dkappa = attention_window.step_backward(dw[t], dkappa, C, windows[t])
            dh = dh_out[t] + dwh[:, E:]
            dh += dz_window[t] @ W_windowT
            lstm.cell_backward(dh, dc, gates[t], c[t], tanh_c[t], dz[t], slope)
            backend.product(dz[t], W_recurrentT, out=dwh)
    dC = np.matmul(phi.transpose(1, 2, 0), dw.transpose(1, 0, 2))
    dz, dz_window = dz.reshape(T * B, 4 * H), dz_window.reshape(T * B, 3 * K)
    dW_recurrent = wh[:-1].reshape(T * B, E + H).T @ dz
    grads = {
        "Wx": x.reshape(T * B, D).T @ dz,
        "Ww": dW_recurrent[:E],
        "Wh": dW_recurrent[E:],
        "b": dz.sum(axis=0),
        "W_window": wh[1:, :, E:].reshape(T * B, H).T @ dz_window,
        "b_window": dz_window.sum(axis=0),
    }
    dx = (dz @ params["Wx"].T).reshape(T, B, D)
    return dx, dC, (dwh[:, E:].copy(), dc, dkappa, dwh[:, :E].copy()), grads
