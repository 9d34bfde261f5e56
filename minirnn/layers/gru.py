"""The gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in cuDNN and PyTorch: one
product h Wh then serves all three blocks.

    x   (T, B, D)  input              Wx  (D, 3H)     b   (3H,)
    h   (B, H)     hidden state       Wh  (H, 3H)     bn  (H,)

The three blocks stand side by side in the order r, u, n.

Equations, for t = 1 .. T:

    r_t = σ(x_t Wx_r + h_{t-1} Wh_r + b_r)                       reset gate
    u_t = σ(x_t Wx_u + h_{t-1} Wh_u + b_u)                       update gate (how much of the old state stays)
    m_t = h_{t-1} Wh_n + bn                                      what the past proposes
    n_t = tanh(x_t Wx_n + b_n + r_t m_t)
    h_t = u_t h_{t-1} + (1 - u_t) n_t

Backward, for t = T .. 1. h_{t-1} is used in four places: r, u, m and directly in h_t.

    dh_t   = dy_t + [dz_r, dz_u, dm]_{t+1} Whᵀ + dh_{t+1} u_{t+1}
    du, dn = dh (h_{t-1} - n), dh (1 - u)
    dz_n   = dn (1 - n²),   dr = dz_n m,   dm = dz_n r
    dz_r, dz_u = dr r(1-r), du u(1-u)
    dWx = Σ x_tᵀ [dz_r, dz_u, dz_n],   db the sum of the same
    dWh = Σ h_{t-1}ᵀ [dz_r, dz_u, dm],   dbn = Σ dm

As in the LSTM, the two sigmoids are computed as σ(z) = (1 + tanh(z/2)) / 2.
"""

import numpy as np

from minirnn import backend


def shapes(D, H):
    """Wx (D, 3H), Wh (H, 3H), b (3H,), bn (H,): the shapes of the parameters by name."""
    return {"Wx": (D, 3 * H), "Wh": (H, 3 * H), "b": (3 * H,), "bn": (H,)}


def init(rng, D, H, dtype=np.float32):
    """Wx (D, 3H), Wh (H, 3H) uniform in ±1/√H, b (3H,) and bn (H,) zero. ``rng``: `numpy.random.Generator`."""
    bound = 1 / np.sqrt(H)
    return {
        "Wx": backend.uniform(rng, bound, (D, 3 * H), dtype),
        "Wh": backend.uniform(rng, bound, (H, 3 * H), dtype),
        "b": np.zeros(3 * H, dtype),
        "bn": np.zeros(H, dtype),
    }


def start(B, params):
    """The state before the first step: (h,), zeros (B, H)."""
    Wh = params["Wh"]
    return (backend.zeros((B, len(Wh)), like=Wh),)


def forward(x, state, params):
    """x (T, B, D), state (h,), h (B, H) -> y (T, B, H), state after the last step, cache."""
    T, B, D = x.shape
    Wx, Wh, b, bn = params["Wx"], params["Wh"], params["b"], params["bn"]
    H = len(Wh)
    z = (x.reshape(T * B, D) @ Wx).reshape(T, B, 3 * H)
    z += b
    h = backend.empty((T + 1, B, H), like=x)
    m = backend.empty((T, B, H), like=x)
    h[0] = state[0]
    recurrent = backend.empty((B, 3 * H), like=x)
    for t in range(T):
        backend.product(h[t], Wh, out=recurrent)
        ru, n = z[t, :, : 2 * H], z[t, :, 2 * H :]
        ru += recurrent[:, : 2 * H]
        ru *= 0.5
        np.tanh(ru, out=ru)
        ru *= 0.5
        ru += 0.5
        r, u = ru[:, :H], ru[:, H:]
        np.add(recurrent[:, 2 * H :], bn, out=m[t])
        np.multiply(r, m[t], out=h[t + 1])  # the memory of h[t + 1] is used for r m
        n += h[t + 1]
        np.tanh(n, out=n)
        np.subtract(h[t], n, out=h[t + 1])  # u h + (1 - u) n = n + u (h - n)
        h[t + 1] *= u
        h[t + 1] += n
    return h[1:], (h[T].copy(),), (x, z, h, m, params)


def backward(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) of the state after the last step or None for zero -> dx (T, B, D), dstate of the
    state before the first step, grads."""
    x, gates, h, m, params = cache
    T, B, D = x.shape
    H = h.shape[2]
    dh = start(B, params)[0] if dstate is None else dstate[0].copy()
    dz = backend.empty((T, B, 3 * H), like=x)  # with respect to x Wx + b
    dq = backend.empty((T, B, 3 * H), like=x)  # with respect to h Wh: the same, except for dm in the place of dz_n
    scratch = backend.empty((B, H), like=x)
    WhT = params["Wh"].T.copy()
    for t in reversed(range(T)):
        r, u, n = gates[t, :, :H], gates[t, :, H : 2 * H], gates[t, :, 2 * H :]
        dr, du, dn = dz[t, :, :H], dz[t, :, H : 2 * H], dz[t, :, 2 * H :]
        dh += dy[t]
        np.subtract(h[t], n, out=du)
        du *= dh
        np.subtract(1, u, out=scratch)
        du *= u
        du *= scratch
        np.multiply(n, n, out=dn)
        np.subtract(1, dn, out=dn)
        dn *= dh
        dn *= scratch
        np.subtract(1, r, out=scratch)
        np.multiply(dn, m[t], out=dr)
        dr *= r
        dr *= scratch
        dq[t] = dz[t]
        dq[t, :, 2 * H :] *= r
        dh *= u
        backend.product(dq[t], WhT, out=scratch)
        dh += scratch
    dz, dq = dz.reshape(T * B, 3 * H), dq.reshape(T * B, 3 * H)
    grads = {
        "Wx": x.reshape(T * B, D).T @ dz,
        "Wh": h[:-1].reshape(T * B, H).T @ dq,
        "b": dz.sum(axis=0),
        "bn": dq[:, 2 * H :].sum(axis=0),
    }
    return (dz @ params["Wx"].T).reshape(T, B, D), (dh,), grads
