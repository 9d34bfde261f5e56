"""Exercise 10: the GRU, backward through all steps (`minirnn.layers.gru`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import gru

OUTPUTS = (
    Output("dx", ("t", "b", "column")),
    Output("dh0", ("b", "unit")),
    Output("dWx", ("row", "column"), "run"),
    Output("dWh", ("row", "column"), "run"),
    Output("db", ("column",), "run"),
    Output("dbn", ("unit",)),
)

HINTS = """
h_{t-1} is used in four places: in r, in u, in m, and directly in h_t. So four errors come back to it. Keep one array,
what step t+1 sends back, zero at first, and begin each round with dh = dy[t] + that.

From h_t come the errors of u and n. Through n's tanh you reach its argument, whose error goes to x Wx_n + b_n, to r
and to m. The products h Wh of r and u receive what their x Wx receive, but that of n receives the error of m: two
different rows of three blocks are needed, one for x and one for h.

du, dn = dh (h_{t-1} - n), dh (1 - u); dz_n = dn (1 - n²); dr, dm = dz_n m, dz_n r; dz_r, dz_u = dr r(1-r), du u(1-u);
dWx = Σ x_tᵀ [dz_r, dz_u, dz_n], db the sum of the same, dx_t = [dz_r, dz_u, dz_n] Wxᵀ; dWh = Σ h_{t-1}ᵀ [dz_r, dz_u,
dm], dbn = Σ dm; back = [dz_r, dz_u, dm] Whᵀ + dh u. After the loop, dh0 = back.
"""

MISTAKES = """
no error from later steps: dWh and the others are right at t = T-1 only: the gradient from later steps does not reach
the earlier ones. dh_t is dy_t plus what step t+1 sends back
    dy[t] + back -> dy[t]

no error through Wh: step t+1 sends back dh u only. h_{t-1} also goes through Wh into r, u and m: [dz_r, dz_u, dm] Whᵀ
is missing in dh
    dq @ Wh.T + dh * u[t] -> dh * u[t]

no error straight through u: step t+1 sends back [dz_r, dz_u, dm] Whᵀ only. h_{t-1} also stands in h_t = u h_{t-1} +
(1 - u) n: dh u is missing
    dq @ Wh.T + dh * u[t] -> dq @ Wh.T

straight back with 1 - u: step t+1 sends back dh (1 - u) along the straight way. In h_t = u h_{t-1} + (1 - u) n, what
weighs h_{t-1} is u
    dq @ Wh.T + dh * u[t] -> dq @ Wh.T + dh * (1 - u[t])

first step left out: the loop ends before step t = 0, whose errors are missing: range(T - 1, -1, -1), or
reversed(range(T))
    reversed(range(T)) -> reversed(range(1, T))

dy of the last step only: dy_t is used at t = T-1 only. Every step has an output, and its error comes in there
    dy[t] + back -> dy[t] * (t == T - 1) + back

each step overwrites: dWx, dWh, db and dbn hold step t = 0 only, which came last in the loop: = in the place of +=.
They are sums over all steps
    += -> =

loop runs forwards: the steps are gone through from t = 0 to T-1. The error comes from later steps: from T-1 to 0
    reversed(range(T)) -> range(T)

sign of du: du is dh (n - h_{t-1}). u weighs the old state: du = dh (h_{t-1} - n)
    h[t] - n[t] -> n[t] - h[t]

u and 1 - u exchanged: n's error is dh u. In h_t = u h_{t-1} + (1 - u) n, what weighs n is 1 - u
    dh * (1 - u[t]) -> dh * u[t]

tanh' missing: dz_n is dn. It has to go back through tanh: times 1 - n²
    dn * (1 - n[t] ** 2) -> dn

dm without r: the errors at the product h Wh are taken as [dz_r, dz_u, dz_n]. The third is dm = dz_n r, since r stands
after that product
    dz_n * m[t], dz_n * r[t] -> dz_n * m[t], dz_n

dbn without r: dbn is Σ dz_n. b_n and bn are two biases: bn stands inside the bracket that r multiplies, so dbn = Σ dm
    dm.sum -> dz_n.sum

dx with r: the errors at the product x Wx are taken as [dz_r, dz_u, dm]. The third is dz_n: r multiplies the product
of h only
    dz, dq = np.hstack([dz_r, dz_u, dz_n]) -> dz, dq = np.hstack([dz_r, dz_u, dm])

dr with h: dr is dz_n h_{t-1}, as if r stood before the product. What r multiplies is m
    dz_n * m[t], -> dz_n * h[t],

σ' missing: dz_r and dz_u are dr and du. They have to go back through the sigmoid: times s (1 - s)
    dr * r[t] * (1 - r[t]), du * u[t] * (1 - u[t]) -> dr, du

dWh from h_t: dWh is Σ h_tᵀ [..]. What Wh was multiplied with at step t is the state before, h[t]; h[t+1] is the state
after
    h[t].T @ dq -> h[t + 1].T @ dq

du with h_t: du is dh (h_t - n). What u weighs is the state before the step, h[t]
    h[t] - n[t] -> h[t + 1] - n[t]

blocks in the order u r n: the blocks are in the order u, r, n. Here it is r, u, n
    [dz_r, dz_u, -> [dz_u, dz_r,

mean over the batch: dWx, dWh, db and dbn are divided by B. They are sums: the loss has its 1/N already
    back, dWx, dWh, db, dbn -> back, dWx / B, dWh / B, db / B, dbn / B

mean over the steps: dWx, dWh, db and dbn are divided by T. They are sums: the loss has its 1/N already
    back, dWx, dWh, db, dbn -> back, dWx / T, dWh / T, db / T, dbn / T

clipped: the gradients are clipped. What is asked for are the gradients themselves; clipping is a matter of the
optimiser, which cannot undo it
    back, dWx, dWh, db, dbn -> back, *(np.sign(g) * np.minimum(np.abs(g), {1|5|10}) for g in (dWx, dWh, db, dbn))
"""


def solution(dy, x, h, r, u, n, m, Wx, Wh):
    """The exercise, solved plainly."""
    T, B, H = dy.shape
    dx, dWx, dWh, db, dbn = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(3 * H), np.zeros(H)
    back = np.zeros((B, H))
    for t in reversed(range(T)):
        dh = dy[t] + back
        du, dn = dh * (h[t] - n[t]), dh * (1 - u[t])
        dz_n = dn * (1 - n[t] ** 2)
        dr, dm = dz_n * m[t], dz_n * r[t]
        dz_r, dz_u = dr * r[t] * (1 - r[t]), du * u[t] * (1 - u[t])
        dz, dq = np.hstack([dz_r, dz_u, dz_n]), np.hstack([dz_r, dz_u, dm])
        dx[t] = dz @ Wx.T
        dWx += x[t].T @ dz
        dWh += h[t].T @ dq
        db += dz.sum(axis=0)
        dbn += dm.sum(axis=0)
        back = dq @ Wh.T + dh * u[t]
    return dx, back, dWx, dWh, db, dbn


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


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(T, B, D, H, size=1.0):
        normal = rng.standard_normal
        x, h = normal((T, B, D)), np.empty((T + 1, B, H))
        Wx, Wh, b, bn = 0.5 * normal((D, 3 * H)), 0.5 * normal((H, 3 * H)), 0.5 * normal(3 * H), 0.5 * normal(H)
        r, u, n, m = np.empty((4, T, B, H))
        h[0] = 0.5 * normal((B, H))
        for t in range(T):
            z, q = x[t] @ Wx + b, h[t] @ Wh
            r[t], u[t] = np.hsplit(1 / (1 + np.exp(-(z + q)[:, : 2 * H])), 2)
            m[t] = q[:, 2 * H :] + bn
            n[t] = np.tanh(z[:, 2 * H :] + r[t] * m[t])
            h[t + 1] = u[t] * h[t] + (1 - u[t]) * n[t]
        return {"dy": size * normal((T, B, H)), "x": x, "h": h, "r": r, "u": u, "n": n, "m": m, "Wx": Wx, "Wh": Wh}

    return (
        case(**inputs(4, 3, 5, 2)),
        case("for a single step of a single sequence", **inputs(1, 1, 2, 3)),
        case("where the errors of the outputs are large", **inputs(2, 2, 3, 2, size=100.0)),
    )
