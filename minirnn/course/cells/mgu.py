"""A minimal gated unit (Zhou, Wu, Zhang and Zhou 2016): a GRU whose two gates are one.

    f_t = σ(x_t Wx_f + h_{t-1} Wh_f + b_f)
    n_t = tanh(x_t Wx_n + (f_t h_{t-1}) Wh_n + b_n)
    h_t = (1 - f_t) h_{t-1} + f_t n_t

Backward, from the last step to the first; dh_t is dy_t plus what step t+1 sends back. With q = f_t h_{t-1}:

    df = dh (n - h_{t-1}),   dz_n = dh f (1 - n²),   dq = dz_n Wh_nᵀ,   df += dq h_{t-1},   dz_f = df f (1 - f)
    dWx = Σ x_tᵀ [dz_f, dz_n],   dWh = Σ [h_{t-1}ᵀ dz_f, qᵀ dz_n],   db = Σ [dz_f, dz_n]
    what goes to step t-1: dh (1 - f) + dq f + dz_f Wh_fᵀ
"""

import numpy as np


def init(rng, D, H, dtype=np.float32):
    """Wx (D, 2H), Wh (H, 2H) uniform in ±1/√H, b (2H,) zero; blocks f, n."""
    bound = 1 / np.sqrt(H)
    Wx, Wh = (rng.uniform(-bound, bound, (rows, 2 * H)).astype(dtype) for rows in (D, H))
    return {"Wx": Wx, "Wh": Wh, "b": np.zeros(2 * H, dtype)}


def start(B, params):
    """The state before the first step: (h,), zeros (B, H)."""
    Wh = params["Wh"]
    return (np.zeros((B, len(Wh)), Wh.dtype),)


def forward(x, state, params):
    """x (T, B, D), state (h,) -> y (T, B, H), the state after the last step, cache."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    H = len(Wh)
    h, gates, z = [state[0]], [], x @ Wx + b
    for t in range(len(x)):
        f = 0.5 + 0.5 * np.tanh(0.5 * (z[t, :, :H] + h[t] @ Wh[:, :H]))  # σ, without an exp that may overflow
        n = np.tanh(z[t, :, H:] + (f * h[t]) @ Wh[:, H:])
        gates.append((f, n))
        h.append((1 - f) * h[t] + f * n)
    return np.array(h[1:]), (h[-1].copy(),), (x, h, gates, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) or None -> dx, the error of the state before the first step, grads."""
    x, h, gates, params = cache
    Wx, Wh = params["Wx"], params["Wh"]
    H = len(Wh)
    dh = np.zeros_like(h[0]) if dstate is None else dstate[0]
    dz, dWh = np.empty((*dy.shape[:2], 2 * H), dy.dtype), np.zeros_like(Wh)
    for t in reversed(range(len(dy))):
        (f, n), before = gates[t], h[t]
        dh = dh + dy[t]
        dz_n = dh * f * (1 - n**2)
        dq = dz_n @ Wh[:, H:].T
        dz_f = (dh * (n - before) + dq * before) * f * (1 - f)
        dz[t] = np.hstack([dz_f, dz_n])
        dWh += np.hstack([before.T @ dz_f, (f * before).T @ dz_n])
        dh = dh * (1 - f) + dq * f + dz_f @ Wh[:, :H].T
    dWx = np.tensordot(x, dz, ((0, 1), (0, 1)))
    return dz @ Wx.T, (dh,), {"Wx": dWx, "Wh": dWh, "b": dz.sum(axis=(0, 1))}
