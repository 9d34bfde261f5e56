"""Exercise 8: one step of the LSTM, backward (`minirnn.layers.lstm`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.grading.exercises.e07_lstm_step_forward import sigmoid
from minirnn.layers import lstm

OUTPUTS = (
    Output("dx", ("b", "column")),
    Output("dh_prev", ("b", "unit")),
    Output("dc_prev", ("b", "unit")),
    Output("dWx", ("row", "column"), "ifog"),
    Output("dWh", ("row", "column"), "ifog"),
    Output("db", ("column",), "ifog"),
)

HINTS = """
Go through the forward equations from the last to the first, and ask at each: which quantities stand on its right
side, and what is the error of each? c_t is used in two places, in h_t and in step t+1, so its error is a sum.

Begin with h = o tanh(c): it gives the error of o, and adds to the error of c. Then c = f c_prev + i g gives those of
f, c_prev, i and g. The derivatives of σ and tanh come from their values: s (1 - s) and 1 - g². Side by side in the
order i, f, o, g that is dz, and z was made by two products and a sum over nothing. Do not write into dc, the caller's
array.

do = dh tanh(c); dc = dc + dh o (1 - tanh(c)²); di, df, dg = dc g, dc c_prev, dc i; dc_prev = dc f; dz = [di i(1-i),
df f(1-f), do o(1-o), dg (1-g²)]; dx = dz Wxᵀ, dh_prev = dz Whᵀ, dWx = xᵀ dz, dWh = h_prevᵀ dz, db = the sum of dz
over the batch.
"""

MISTAKES = """
c's path through h forgotten: dc is only what comes from step t+1. c_t is used twice: also in h_t, which adds dh o (1
- tanh(c_t)²)
    dc = dc + dh * o * slope -> pass

dc of step t+1 forgotten: dc is only dh o (1 - tanh(c_t)²). What comes in as dc, from step t+1, has to be added
    dc = dc + dh -> dc = dh

tanh' missing in dc: dh o comes to c through tanh(c_t), so it is multiplied by 1 - tanh(c_t)²
    slope = 1 - tanh_c**2 -> slope = 1

1 - c²: tanh' is 1 - tanh(c_t)², not 1 - c_t²
    slope = 1 - tanh_c**2 -> slope = 1 - c**2

1 - h²: tanh' is 1 - tanh(c_t)², and h_t = o tanh(c_t) is not tanh(c_t)
    slope = 1 - tanh_c**2 -> slope = 1 - (o * tanh_c) ** 2

dc through h without o: what h adds to dc is dh (1 - tanh(c_t)²). h_t = o tanh(c_t), so the factor o is missing
    dh * o * slope -> dh * slope

dc_prev from the incoming dc: dc_prev is (dc as it came in) f. First dh's part is added to dc, then f
    tanh_c = np.tanh(c) -> tanh_c, incoming = np.tanh(c), dc
    and dc_prev = dc * f -> dc_prev = incoming * f

dc_prev without f: dc_prev is dc. c_{t-1} was multiplied by f on its way to c_t
    dc_prev = dc * f -> dc_prev = dc

dc_prev through i: dc_prev is dc i. c_{t-1} is multiplied by f; i weighs g
    dc_prev = dc * f -> dc_prev = dc * i

σ' missing: dz_i, dz_f, dz_o are di, df, do. They have to go back through the sigmoid: times s (1 - s)
    di * i * (1 - i), df * f * (1 - f), do * o * (1 - o) -> di, df, do

σ of a gate: the sigmoid is taken once more in σ'. gates holds i, f, o themselves: σ' = i (1 - i)
    dz = np.hstack( -> i, f, o = sigmoid(i), sigmoid(f), sigmoid(o); dz = np.hstack(

σ' for g: dz_g is dg g (1 - g). g comes from tanh: 1 - g²
    dg * (1 - g**2) -> dg * g * (1 - g)

tanh' missing for g: dz_g is dg. It has to go back through tanh: times 1 - g²
    dg * (1 - g**2) -> dg

tanh of g: tanh is taken once more in tanh'. gates holds g itself: tanh' = 1 - g²
    dg * (1 - g**2) -> dg * (1 - np.tanh(g) ** 2)

do with c: do is dh c_t. h_t = o tanh(c_t), so do = dh tanh(c_t)
    do = dh * tanh_c -> do = dh * c

df with c: df is dc c_t. What f multiplies is c_{t-1}
    dc * c_prev -> dc * c

di and dg exchanged: di is dc i, dg is dc g. Each factor's error has the other factor: di = dc g, dg = dc i
    di, df, dg = -> dg, df, di =

order i f g o: dz has its blocks in the order i, f, g, o. Here it is i, f, o, g
    do * o * (1 - o), dg * (1 - g**2) -> dg * (1 - g**2), do * o * (1 - o)

gates read in the order i f g o: gates is read in the order i, f, g, o. It holds i, f, o, g
    i, f, o, g = -> i, f, g, o =
    i, f, o, g = -> i, f, g, o =
    and do * o * (1 - o), dg * (1 - g**2) -> dg * (1 - g**2), do * o * (1 - o)

dh_prev without Wh: dh_prev is dh. h_{t-1} has gone through Wh into z: dh_prev = dz Whᵀ
    dz @ Wh.T -> dh

dh_prev with dh added: dh is added to dh_prev. h_{t-1} reaches h_t through Wh only: dh_prev = dz Whᵀ
    dz @ Wh.T -> dz @ Wh.T + dh

dWh from h: dWh is h_tᵀ dz. What Wh was multiplied with is h_{t-1}
    h_prev.T @ dz -> (o * tanh_c).T @ dz

mean over the batch: dWx, dWh and db are divided by B. They are sums: the loss has its 1/N already
    x.T @ dz, h_prev.T @ dz, dz.sum(axis=0) -> x.T @ dz / len(x), h_prev.T @ dz / len(x), dz.mean(axis=0)

db is a mean: db is the mean over the batch. It is the sum, as dWx and dWh are
    dz.sum(axis=0) -> dz.mean(axis=0)

db not summed over the batch: db is the first sequence's dz only. It is the sum over the batch
    dz.sum(axis=0) -> dz[0]
"""


def solution(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
    """The exercise, solved plainly."""
    i, f, o, g = np.split(gates, 4, axis=1)
    tanh_c = np.tanh(c)
    slope = 1 - tanh_c**2
    do = dh * tanh_c
    dc = dc + dh * o * slope
    di, df, dg = dc * g, dc * c_prev, dc * i
    dc_prev = dc * f
    dz = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    return dz @ Wx.T, dz @ Wh.T, dc_prev, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)


def expected(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
    """Central differences through a step of the package's LSTM. b is not among the arguments, but z is in the gates,
    and what b adds to it is the rest."""
    z = np.hstack([np.log(gates / (1 - gates))[:, : 3 * dh.shape[1]], np.arctanh(gates[:, 3 * dh.shape[1] :])])
    b = (z - x @ Wx - h_prev @ Wh)[0]

    def f():
        _, (h, c), _ = lstm.forward(x[None], (h_prev, c_prev), {"Wx": Wx, "Wh": Wh, "b": b})
        return (h * dh).sum() + (c * dc).sum()

    return gradients(f, x, h_prev, c_prev, Wx, Wh, b)


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(B, D, H, size=1.0):
        normal = rng.standard_normal
        x, h_prev, c_prev = normal((B, D)), 0.5 * normal((B, H)), normal((B, H))
        Wx, Wh = 0.5 * normal((D, 4 * H)), 0.5 * normal((H, 4 * H))
        z = x @ Wx + h_prev @ Wh + 0.5 * normal(4 * H)
        gates = np.hstack([sigmoid(z[:, : 3 * H]), np.tanh(z[:, 3 * H :])])
        i, f, _, g = np.split(gates, 4, axis=1)
        c = f * c_prev + i * g
        return {"dh": size * normal((B, H)), "dc": size * normal((B, H)), "x": x, "h_prev": h_prev,
                "c_prev": c_prev, "gates": gates, "c": c, "Wx": Wx, "Wh": Wh}  # fmt: skip

    return (
        case(**inputs(3, 5, 2)),
        case("for a single sequence, B = 1", **inputs(1, 2, 3)),
        case("where the errors are large", **inputs(2, 3, 2, size=100.0)),
    )
