"""An LSTM with peepholes (Gers and Schmidhuber 2000; Graves 2013, equations 7 to 11): the gates see the cell.

    i_t = σ(x_t Wx_i + h_{t-1} Wh_i + c_{t-1} p_i + b_i)         p_i, p_f, p_o are vectors: each unit sees its own cell
    f_t = σ(x_t Wx_f + h_{t-1} Wh_f + c_{t-1} p_f + b_f)
    g_t = tanh(x_t Wx_g + h_{t-1} Wh_g + b_g)
    c_t = f_t c_{t-1} + i_t g_t
    o_t = σ(x_t Wx_o + h_{t-1} Wh_o + c_t p_o + b_o)             the new cell
    h_t = o_t tanh(c_t)

Backward, as for the LSTM; the cell is used in three gates more, and each sends an error back to it:

    dz_o = dh tanh(c) o (1 - o),   dc += dh o (1 - tanh(c)²) + dz_o p_o
    dz_i = dc g i (1 - i),   dz_f = dc c_{t-1} f (1 - f),   dz_g = dc i (1 - g²)
    dc_{t-1} = dc f + dz_i p_i + dz_f p_f,   dp = Σ [dz_i c_{t-1}, dz_f c_{t-1}, dz_o c_t]
"""

import numpy as np


def sigmoid(z):
    """1 / (1 + exp(-z)), which is (1 + tanh(z/2)) / 2: nothing overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def init(rng, D, H, dtype=np.float32):
    """Wx (D, 4H), Wh (H, 4H), p (3H,) uniform in ±1/√H, b (4H,) zero but 1 for f; blocks i, f, o, g."""
    bound = 1 / np.sqrt(H)
    Wx, Wh, p = (rng.uniform(-bound, bound, shape).astype(dtype) for shape in ((D, 4 * H), (H, 4 * H), 3 * H))
    return {"Wx": Wx, "Wh": Wh, "p": p, "b": np.repeat([0, 1, 0, 0], H).astype(dtype)}


def start(B, params):
    """The state before the first step: (h, c), zeros (B, H)."""
    Wh = params["Wh"]
    return tuple(np.zeros((B, len(Wh)), Wh.dtype) for _ in "hc")


def forward(x, state, params):
    """x (T, B, D), state (h, c) -> y (T, B, H), the state after the last step, cache."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    p_i, p_f, p_o = np.split(params["p"], 3)
    h, c, gates, z = [state[0]], [state[1]], [], x @ Wx + b
    for t in range(len(x)):
        z_i, z_f, z_o, z_g = np.split(z[t] + h[t] @ Wh, 4, axis=1)
        i, f, g = sigmoid(z_i + c[t] * p_i), sigmoid(z_f + c[t] * p_f), np.tanh(z_g)
        c.append(f * c[t] + i * g)
        o = sigmoid(z_o + c[-1] * p_o)
        gates.append((i, f, o, g))
        h.append(o * np.tanh(c[-1]))
    return np.array(h[1:]), (h[-1].copy(), c[-1].copy()), (x, h, c, gates, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh, dc) or None -> dx, the errors of the state before the first step, grads."""
    x, h, c, gates, params = cache
    Wx, Wh = params["Wx"], params["Wh"]
    p_i, p_f, p_o = np.split(params["p"], 3)
    dh, dc = (np.zeros_like(h[0]), np.zeros_like(c[0])) if dstate is None else dstate
    dz, dp = np.empty((*dy.shape[:2], Wx.shape[1]), dy.dtype), np.zeros_like(params["p"])
    for t in reversed(range(len(dy))):
        i, f, o, g = gates[t]
        dh, tanh_c = dh + dy[t], np.tanh(c[t + 1])
        dz_o = dh * tanh_c * o * (1 - o)
        dc = dc + dh * o * (1 - tanh_c**2) + dz_o * p_o
        dz_i, dz_f, dz_g = dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dc * i * (1 - g**2)
        dz[t] = np.hstack([dz_i, dz_f, dz_o, dz_g])
        dp += np.concatenate([(dz_i * c[t]).sum(0), (dz_f * c[t]).sum(0), (dz_o * c[t + 1]).sum(0)])
        dh, dc = dz[t] @ Wh.T, dc * f + dz_i * p_i + dz_f * p_f
    dWx = np.tensordot(x, dz, ((0, 1), (0, 1)))
    dWh = np.tensordot(np.array(h[:-1]), dz, ((0, 1), (0, 1)))
    return dz @ Wx.T, (dh, dc), {"Wx": dWx, "Wh": dWh, "p": dp, "b": dz.sum(axis=(0, 1))}
