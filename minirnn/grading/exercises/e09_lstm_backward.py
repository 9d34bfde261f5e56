"""Exercise 9: the LSTM, backward through all steps (`minirnn.layers.lstm`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.grading.exercises.e07_lstm_step_forward import sigmoid
from minirnn.layers import lstm

OUTPUTS = (
    Output("dx", ("t", "b", "column")),
    Output("dh0", ("b", "unit")),
    Output("dc0", ("b", "unit")),
    Output("dWx", ("row", "column"), "ifog"),
    Output("dWh", ("row", "column"), "ifog"),
    Output("db", ("column",), "ifog"),
)

HINTS = """
Two things come back from step t+1: an error of h_t and an error of c_t. Each has its own array, zero before the last
step. Your lstm_step_backward does the rest, one step at a time.

Begin each round with dh = dy[t] + back, and hand the dc that came back to the step. What the step gives for h_{t-1}
and c_{t-1} is what the next round begins with. Gradients of weights are sums over the steps. c[t] is the cell before
step t, c[t+1] the cell after it.

For t = T-1 .. 0: dh = dy[t] + back; do = dh tanh(c[t+1]); dc = dc + dh o (1 - tanh(c[t+1])²); di, df, dg = dc g, dc
c[t], dc i; dz = [di i(1-i), df f(1-f), do o(1-o), dg (1-g²)]; dx[t] = dz Wxᵀ; dWx += x[t]ᵀ dz; dWh += h[t]ᵀ dz; db +=
the sum of dz over the batch; back = dz Whᵀ; dc = dc f. After the loop, dh0 = back and dc0 = dc.
"""

MISTAKES = """
no error from later steps: the gradient from later steps does not reach h_t: dh_t is dy_t plus what step t+1 sends
back
    dy[t] + back -> dy[t]

no error through the cell: dc starts anew in every step. c_t is also used in step t+1, whose dc f has to be carried
on: this is the path on which an LSTM remembers
    dc = dc + dh * o -> dc = dh * o

dc carried without f: step t+1 sends dc back as it is. c_{t-1} was multiplied by f: dc f
    dc = dc * f -> dc = dc

dc carried through i: step t+1 sends back dc i. c_{t-1} was multiplied by f
    dc = dc * f -> dc = dc * i

c's path through h forgotten: dc is only what comes from step t+1. c_t is also in h_t, which adds dh o (1 -
tanh(c_t)²)
    dc = dc + dh * o * slope -> pass

dy of the last step only: dy_t is used at t = T-1 only. Every step has an output, and its error comes in there
    dy[t] + back -> dy[t] * (t == T - 1) + back

each step overwrites: dWx, dWh and db hold step t = 0 only, which came last in the loop: = in the place of +=. They
are sums over all steps
    += -> =

loop runs forwards: the steps are gone through from t = 0 to T-1. The error comes from later steps: from T-1 to 0
    reversed(range(T)) -> range(T)

tanh' missing in dc: dh o comes to c through tanh(c_t), so it is multiplied by 1 - tanh(c_t)²
    dh * o * slope -> dh * o

1 - c²: tanh' is 1 - tanh(c_t)², not 1 - c_t²
    slope = 1 - tanh_c**2 -> slope = 1 - c[t + 1] ** 2

1 - h²: tanh' is 1 - tanh(c_t)², and h_t is not tanh(c_t)
    slope = 1 - tanh_c**2 -> slope = 1 - h[t + 1] ** 2

tanh of the cell before: tanh(c[t]) stands where tanh(c[t+1]) should: h_t shows the cell after the step
    np.tanh(c[t + 1]) -> np.tanh(c[t])

df with c_t: df is dc c_t. What f multiplies is c_{t-1}: here c[t]
    dc * c[t], -> dc * c[t + 1],

dWh from h_t: dWh is Σ h_tᵀ dz. What Wh was multiplied with at step t is the state before, h[t]; h[t+1] is the state
after
    h[t].T @ dz -> h[t + 1].T @ dz

di and dg exchanged: di is dc i, dg is dc g. Each factor's error has the other factor: di = dc g, dg = dc i
    di, df, dg = -> dg, df, di =

do with c: do is dh c_t. h_t = o tanh(c_t), so do = dh tanh(c_t)
    do = dh * tanh_c -> do = dh * c[t + 1]

σ' missing: dz_i, dz_f, dz_o are di, df, do. They have to go back through the sigmoid: times s (1 - s)
    di * i * (1 - i), df * f * (1 - f), do * o * (1 - o) -> di, df, do

tanh' missing for g: dz_g is dg. It has to go back through tanh: times 1 - g²
    dg * (1 - g**2) -> dg

σ' for g: dz_g is dg g (1 - g). g comes from tanh: 1 - g²
    dg * (1 - g**2) -> dg * g * (1 - g)

order i f g o: dz has its blocks in the order i, f, g, o. Here it is i, f, o, g
    do * o * (1 - o), dg * (1 - g**2) -> dg * (1 - g**2), do * o * (1 - o)

gates read in the order i f g o: gates is read in the order i, f, g, o. It holds i, f, o, g
    i, f, o, g = -> i, f, g, o =
    i, f, o, g = -> i, f, g, o =
    and do * o * (1 - o), dg * (1 - g**2) -> dg * (1 - g**2), do * o * (1 - o)

Wh not carried: step t+1 sends dh back as it is. h_{t-1} went through Wh into z: dz Whᵀ
    back = dz @ Wh.T -> back = dh

mean over the batch: dWx, dWh and db are divided by B. They are sums: the loss has its 1/N already
    dc, dWx, dWh, db -> dc, dWx / B, dWh / B, db / B

mean over the steps: dWx, dWh and db are divided by T. They are sums: the loss has its 1/N already
    dc, dWx, dWh, db -> dc, dWx / T, dWh / T, db / T

clipped: the gradients are clipped. What is asked for are the gradients themselves; clipping is a matter of the
optimiser, which cannot undo it
    back, dc, dWx, dWh, db -> back, dc, *(np.sign(g) * np.minimum(np.abs(g), {1|5|10}) for g in (dWx, dWh, db))
"""


def solution(dy, x, h, c, gates, Wx, Wh):
    """The exercise, solved plainly."""
    T, B, H = dy.shape
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(4 * H)
    back, dc = np.zeros((B, H)), np.zeros((B, H))
    for t in reversed(range(T)):
        i, f, o, g = np.split(gates[t], 4, axis=1)
        tanh_c = np.tanh(c[t + 1])
        slope = 1 - tanh_c**2
        dh = dy[t] + back
        do = dh * tanh_c
        dc = dc + dh * o * slope
        di, df, dg = dc * g, dc * c[t], dc * i
        dz = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
        dx[t] = dz @ Wx.T
        dWx += x[t].T @ dz
        dWh += h[t].T @ dz
        db += dz.sum(axis=0)
        back = dz @ Wh.T
        dc = dc * f
    return dx, back, dc, dWx, dWh, db


def expected(dy, x, h, c, gates, Wx, Wh):
    """Central differences through the package's LSTM; its bias follows from the gates."""
    H = h.shape[2]
    z = np.hstack([np.log(gates[0] / (1 - gates[0]))[:, : 3 * H], np.arctanh(gates[0][:, 3 * H :])])
    b = (z - x[0] @ Wx - h[0] @ Wh)[0]
    h0, c0 = h[0].copy(), c[0].copy()

    def f():
        return (lstm.forward(x, (h0, c0), {"Wx": Wx, "Wh": Wh, "b": b})[0] * dy).sum()

    return gradients(f, x, h0, c0, Wx, Wh, b)


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(T, B, D, H, size=1.0):
        normal = rng.standard_normal
        x, Wx, Wh, b = normal((T, B, D)), 0.5 * normal((D, 4 * H)), 0.5 * normal((H, 4 * H)), 0.5 * normal(4 * H)
        h, c, gates = [0.5 * normal((B, H))], [normal((B, H))], []
        for t in range(T):
            z = x[t] @ Wx + h[t] @ Wh + b
            gates.append(np.hstack([sigmoid(z[:, : 3 * H]), np.tanh(z[:, 3 * H :])]))
            i, f, o, g = np.split(gates[t], 4, axis=1)
            c.append(f * c[t] + i * g)
            h.append(o * np.tanh(c[t + 1]))
        return {"dy": size * normal((T, B, H)), "x": x, "h": np.array(h), "c": np.array(c), "gates": np.array(gates),
                "Wx": Wx, "Wh": Wh}  # fmt: skip

    return (
        case(**inputs(4, 3, 5, 2)),
        case("for a single step of a single sequence", **inputs(1, 1, 2, 3)),
        case("where the errors of the outputs are large", **inputs(2, 2, 3, 2, size=100.0)),
    )
