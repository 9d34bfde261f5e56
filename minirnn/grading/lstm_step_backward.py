"""Exercise 5: one step of the LSTM, backward (`minirnn.layers.lstm`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output, gradients
from minirnn.grading.lstm_step_forward import sigmoid
from minirnn.layers import lstm

MISTAKES = {
    "c's path through h forgotten": "dc is only what comes from step t+1. c_t is used twice: also in h_t, "
    "which adds dh o (1 - tanh(c_t)²)",
    "dc of step t+1 forgotten": "dc is only dh o (1 - tanh(c_t)²). What comes in as dc, from step t+1, has to be added",
    "tanh' missing in dc": "dh o comes to c through tanh(c_t), so it is multiplied by 1 - tanh(c_t)²",
    "1 - c²": "tanh' is 1 - tanh(c_t)², not 1 - c_t²",
    "1 - h²": "tanh' is 1 - tanh(c_t)², and h_t = o tanh(c_t) is not tanh(c_t)",
    "dc_prev from the incoming dc": "dc_prev is (dc as it came in) f. First dh's part is added to dc, then f",
    "dc_prev without f": "dc_prev is dc. c_{t-1} was multiplied by f on its way to c_t",
    "dc_prev through i": "dc_prev is dc i. c_{t-1} is multiplied by f; i weighs g",
    "σ' missing": "dz_i, dz_f, dz_o are di, df, do. They have to go back through the sigmoid: times s (1 - s)",
    "σ of a gate": "the sigmoid is taken once more in σ'. gates holds i, f, o themselves: σ' = i (1 - i)",
    "σ' for g": "dz_g is dg g (1 - g). g comes from tanh: 1 - g²",
    "tanh' missing for g": "dz_g is dg. It has to go back through tanh: times 1 - g²",
    "do with c": "do is dh c_t. h_t = o tanh(c_t), so do = dh tanh(c_t)",
    "df with c": "df is dc c_t. What f multiplies is c_{t-1}",
    "di and dg exchanged": "di is dc i, dg is dc g. Each factor's error has the other factor: di = dc g, dg = dc i",
    "order i f g o": "dz has its blocks in the order i, f, g, o. Here it is i, f, o, g",
    "dh_prev without Wh": "dh_prev is dh. h_{t-1} has gone through Wh into z: dh_prev = dz Whᵀ",
    "dWh from h": "dWh is h_tᵀ dz. What Wh was multiplied with is h_{t-1}",
    "mean over the batch": "dWx, dWh and db are divided by B. They are sums: the loss has its 1/N already",
    "db not summed over the batch": "db is the first sequence's dz only. It is the sum over the batch",
}


def variant(wrong, dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    B, H = dh.shape
    i, f, o, g = (gates[:, n * H : (n + 1) * H] for n in range(4))
    incoming, tanh_c = dc, np.tanh(c)
    slope = 1 - tanh_c**2
    if "1 - c²" in wrong:
        slope = 1 - c**2
    if "1 - h²" in wrong:
        slope = 1 - (o * tanh_c) ** 2
    if "tanh' missing in dc" in wrong:
        slope = 1
    through_h = 0 if "c's path through h forgotten" in wrong else dh * o * slope
    dc = through_h + (0 if "dc of step t+1 forgotten" in wrong else incoming) + np.zeros_like(incoming)
    do = dh * (c if "do with c" in wrong else tanh_c)
    di, dg = dc * g, dc * i
    if "di and dg exchanged" in wrong:
        di, dg = dg, di
    df = dc * (c if "df with c" in wrong else c_prev)
    back = incoming if "dc_prev from the incoming dc" in wrong else dc
    dc_prev = back * (i if "dc_prev through i" in wrong else 1 if "dc_prev without f" in wrong else f)

    def sigmoid_slope(s):
        if "σ of a gate" in wrong:
            s = sigmoid(s)
        return 1 if "σ' missing" in wrong else s * (1 - s)

    slope_g = g * (1 - g) if "σ' for g" in wrong else 1 if "tanh' missing for g" in wrong else 1 - g**2
    dz_i, dz_f, dz_o, dz_g = di * sigmoid_slope(i), df * sigmoid_slope(f), do * sigmoid_slope(o), dg * slope_g
    dz = np.hstack([dz_i, dz_f, dz_g, dz_o] if "order i f g o" in wrong else [dz_i, dz_f, dz_o, dz_g])
    dWx = x.T @ dz
    dWh = (o * tanh_c if "dWh from h" in wrong else h_prev).T @ dz
    db = dz[0] if "db not summed over the batch" in wrong else dz.sum(axis=0)
    if "mean over the batch" in wrong:
        dWx, dWh, db = dWx / B, dWh / B, db / B
    return dz @ Wx.T, dh if "dh_prev without Wh" in wrong else dz @ Wh.T, dc_prev, dWx, dWh, db


def expected(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
    """Central differences through a step of the package's LSTM. b is not among the arguments, but z is in the gates,
    and what b adds to it is the rest."""
    z = np.hstack([np.log(gates / (1 - gates))[:, : 3 * dh.shape[1]], np.arctanh(gates[:, 3 * dh.shape[1] :])])
    b = (z - x @ Wx - h_prev @ Wh)[0]

    def f():
        _, (h, c), _ = lstm.forward(x[None], (h_prev, c_prev), {"Wx": Wx, "Wh": Wh, "b": b})
        return (h * dh).sum() + (c * dc).sum()

    return gradients(f, x, h_prev, c_prev, Wx, Wh, b)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(5)
    B, D, H = 3, 5, 2
    x, h_prev, c_prev = rng.standard_normal((B, D)), 0.5 * rng.standard_normal((B, H)), rng.standard_normal((B, H))
    Wx, Wh = 0.5 * rng.standard_normal((D, 4 * H)), 0.5 * rng.standard_normal((H, 4 * H))
    z = x @ Wx + h_prev @ Wh + 0.5 * rng.standard_normal(4 * H)
    gates = np.hstack([sigmoid(z[:, : 3 * H]), np.tanh(z[:, 3 * H :])])
    i, f, _, g = (gates[:, n * H : (n + 1) * H] for n in range(4))
    return (
        Case(
            {
                "dh": rng.standard_normal((B, H)),
                "dc": rng.standard_normal((B, H)),
                "x": x,
                "h_prev": h_prev,
                "c_prev": c_prev,
                "gates": gates,
                "c": f * c_prev + i * g,
                "Wx": Wx,
                "Wh": Wh,
            }
        ),
    )


EXERCISE = Exercise(
    function="lstm_step_backward",
    outputs=(
        Output("dx", ("b", "column")),
        Output("dh_prev", ("b", "unit")),
        Output("dc_prev", ("b", "unit")),
        Output("dWx", ("row", "column"), "ifog"),
        Output("dWh", ("row", "column"), "ifog"),
        Output("db", ("column",), "ifog"),
    ),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
