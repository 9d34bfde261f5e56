"""Exercise 6: the GRU, backward through all steps (`minirnn.layers.gru`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output, gradients
from minirnn.layers import gru

MISTAKES = {
    "no error from later steps": "dWh and the others are right at t = T-1 only: the gradient from later steps "
    "does not reach the earlier ones. dh_t is dy_t plus what step t+1 sends back",
    "no error through Wh": "step t+1 sends back dh u only. h_{t-1} also goes through Wh into r, u and m: "
    "[dz_r, dz_u, dm] Whᵀ is missing in dh",
    "no error straight through u": "step t+1 sends back [dz_r, dz_u, dm] Whᵀ only. h_{t-1} also stands in h_t "
    "= u h_{t-1} + (1 - u) n: dh u is missing",
    "dy of the last step only": "dy_t is used at t = T-1 only. Every step has an output, and its error comes in there",
    "each step overwrites": "dWx, dWh, db and dbn hold step t = 0 only, which came last in the loop: = in the "
    "place of +=. They are sums over all steps",
    "loop runs forwards": "the steps are gone through from t = 0 to T-1. The error comes from behind: from T-1 to 0",
    "sign of du": "du is dh (n - h_{t-1}). u weighs the old state: du = dh (h_{t-1} - n)",
    "u and 1 - u exchanged": "n's error is dh u. In h_t = u h_{t-1} + (1 - u) n, what weighs n is 1 - u",
    "tanh' missing": "dz_n is dn. It has to go back through tanh: times 1 - n²",
    "dm without r": "the errors at the product h Wh are taken as [dz_r, dz_u, dz_n]. The third is dm = dz_n "
    "r, since r stands behind that product",
    "dr with h": "dr is dz_n h_{t-1}, as if r stood before the product. What r multiplies is m",
    "σ' missing": "dz_r and dz_u are dr and du. They have to go back through the sigmoid: times s (1 - s)",
    "dWh from h_t": "dWh is Σ h_tᵀ [..]. What Wh was multiplied with at step t is the state before, h[t]; "
    "h[t+1] is the state after",
    "blocks in the order u r n": "the blocks are in the order u, r, n. Here it is r, u, n",
    "mean over the batch": "dWx, dWh, db and dbn are divided by B. They are sums: the loss has its 1/N already",
}


def variant(wrong, dy, x, h, r, u, n, m, Wx, Wh):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    T, B, H = dy.shape
    dx, dWx, dWh, db, dbn = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(3 * H), np.zeros(H)
    back = np.zeros((B, H))
    for t in range(T) if "loop runs forwards" in wrong else reversed(range(T)):
        dh = back if "dy of the last step only" in wrong and t < T - 1 else back + dy[t]
        dn = dh * (u[t] if "u and 1 - u exchanged" in wrong else 1 - u[t])
        du = dh * (h[t] - n[t]) * (-1 if "sign of du" in wrong else 1)
        dz_n = dn if "tanh' missing" in wrong else dn * (1 - n[t] ** 2)
        dr = dz_n * (h[t] if "dr with h" in wrong else m[t])
        dm = dz_n if "dm without r" in wrong else dz_n * r[t]
        dz_r = dr if "σ' missing" in wrong else dr * r[t] * (1 - r[t])
        dz_u = du if "σ' missing" in wrong else du * u[t] * (1 - u[t])
        first = [dz_u, dz_r] if "blocks in the order u r n" in wrong else [dz_r, dz_u]
        dz, dq = np.hstack([*first, dz_n]), np.hstack([*first, dm])
        dx[t] = dz @ Wx.T
        if "each step overwrites" in wrong:
            dWx, dWh, db, dbn = (np.zeros_like(a) for a in (dWx, dWh, db, dbn))
        dWx += x[t].T @ dz
        dWh += h[t + 1 if "dWh from h_t" in wrong else t].T @ dq
        db += dz.sum(axis=0)
        dbn += dm.sum(axis=0)
        straight = 0 if "no error straight through u" in wrong else dh * u[t]
        back = straight + (0 if "no error through Wh" in wrong else dq @ Wh.T)
        dh0 = back
        if "no error from later steps" in wrong:
            back = np.zeros((B, H))
    if "mean over the batch" in wrong:
        dWx, dWh, db, dbn = dWx / B, dWh / B, db / B, dbn / B
    return dx, dh0, dWx, dWh, db, dbn


def expected(dy, x, h, r, u, n, m, Wx, Wh):
    """Central differences through the package's GRU; its biases follow from the gates."""
    H = h.shape[2]
    bn = (m[0] - h[0] @ Wh[:, 2 * H :])[0]
    z = np.concatenate([np.log(r[0] / (1 - r[0])), np.log(u[0] / (1 - u[0])), np.arctanh(n[0]) - r[0] * m[0]], axis=1)
    q = h[0] @ Wh
    q[:, 2 * H :] = 0
    b = (z - x[0] @ Wx - q)[0]
    h0 = h[0].copy()

    def f():
        return (gru.forward(x, (h0,), {"Wx": Wx, "Wh": Wh, "b": b, "bn": bn})[0] * dy).sum()

    return gradients(f, x, h0, Wx, Wh, b, bn)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(6)
    T, B, D, H = 4, 3, 5, 2
    x, h = rng.standard_normal((T, B, D)), np.empty((T + 1, B, H))
    Wx, Wh = 0.5 * rng.standard_normal((D, 3 * H)), 0.5 * rng.standard_normal((H, 3 * H))
    b, bn = 0.5 * rng.standard_normal(3 * H), 0.5 * rng.standard_normal(H)
    r, u, n, m = np.empty((4, T, B, H))
    h[0] = 0.5 * rng.standard_normal((B, H))
    for t in range(T):
        z, q = x[t] @ Wx + b, h[t] @ Wh
        r[t], u[t] = np.hsplit(1 / (1 + np.exp(-(z + q)[:, : 2 * H])), 2)
        m[t] = q[:, 2 * H :] + bn
        n[t] = np.tanh(z[:, 2 * H :] + r[t] * m[t])
        h[t + 1] = u[t] * h[t] + (1 - u[t]) * n[t]
    dy = rng.standard_normal((T, B, H))
    return (Case({"dy": dy, "x": x, "h": h, "r": r, "u": u, "n": n, "m": m, "Wx": Wx, "Wh": Wh}),)


EXERCISE = Exercise(
    function="gru_backward",
    outputs=(
        Output("dx", ("t", "b", "column")),
        Output("dh0", ("b", "unit")),
        Output("dWx", ("row", "column"), "run"),
        Output("dWh", ("row", "column"), "run"),
        Output("db", ("column",), "run"),
        Output("dbn", ("unit",)),
    ),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
