"""A vanilla RNN with layer normalisation (Ba, Kiros and Hinton 2016, equation 4).

    a_t = x_t Wx + h_{t-1} Wh
    â_t = (a_t - mean(a_t)) / s_t,   s_t = √(var(a_t) + ε)       mean and variance over the H units of one sequence
    h_t = tanh(γ â_t + b)

Backward. With e = dz γ for dz = dh (1 - h²), the error of â, each a_j stands in its own â_j, in the mean and in s:

    da = (e - mean(e) - â mean(e â)) / s,   dγ = Σ dz â,   db = Σ dz
    dWx = Σ x_tᵀ da,   dWh = Σ h_{t-1}ᵀ da;   what goes to step t-1: da Whᵀ
"""

import numpy as np

EPSILON = 1e-5


def init(rng, D, H, dtype=np.float32):
    """Wx (D, H), Wh (H, H) uniform in ±1/√H, gamma (H,) one, b (H,) zero."""
    bound = 1 / np.sqrt(H)
    Wx, Wh = (rng.uniform(-bound, bound, (rows, H)).astype(dtype) for rows in (D, H))
    return {"Wx": Wx, "Wh": Wh, "gamma": np.ones(H, dtype), "b": np.zeros(H, dtype)}


def start(B, params):
    """The state before the first step: (h,), zeros (B, H)."""
    Wh = params["Wh"]
    return (np.zeros((B, len(Wh)), Wh.dtype),)


def forward(x, state, params):
    """x (T, B, D), state (h,) -> y (T, B, H), the state after the last step, cache."""
    h, normed, own = [state[0]], [], x @ params["Wx"]
    for t in range(len(x)):
        a = own[t] + h[t] @ params["Wh"]
        a = a - a.mean(axis=1, keepdims=True)
        s = np.sqrt((a**2).mean(axis=1, keepdims=True) + EPSILON)
        normed.append((a / s, s))
        h.append(np.tanh(params["gamma"] * normed[t][0] + params["b"]))
    return np.array(h[1:]), (h[-1].copy(),), (x, h, normed, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) or None -> dx, the error of the state before the first step, grads."""
    x, h, normed, params = cache
    dh = np.zeros_like(h[0]) if dstate is None else dstate[0]
    da, dz = np.empty_like(dy), np.empty_like(dy)
    for t in reversed(range(len(dy))):
        a_hat, s = normed[t]
        dz[t] = (dh + dy[t]) * (1 - h[t + 1] ** 2)
        e = dz[t] * params["gamma"]
        da[t] = (e - e.mean(1, keepdims=True) - a_hat * (e * a_hat).mean(1, keepdims=True)) / s
        dh = da[t] @ params["Wh"].T
    dWx = np.tensordot(x, da, ((0, 1), (0, 1)))
    dWh = np.tensordot(np.array(h[:-1]), da, ((0, 1), (0, 1)))
    dgamma = sum((dz[t] * normed[t][0]).sum(axis=0) for t in range(len(dy)))
    return da @ params["Wx"].T, (dh,), {"Wx": dWx, "Wh": dWh, "gamma": dgamma, "b": dz.sum(axis=(0, 1))}
