"""Exercise 3: one step of the vanilla recurrent layer (`minirnn.layers.rnn`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output
from minirnn.layers import rnn

MISTAKES = {
    "no tanh": "h is the argument of tanh, not its value",
    "σ in the place of tanh": "the nonlinearity is the sigmoid. Here it is tanh, between -1 and 1",
    "no b": "the bias is missing",
    "b behind tanh": "the bias is added to tanh's value. It belongs inside",
    "Wh transposed": "h_prev meets Wh transposed. Rows of Wh are where h comes from, columns where it goes: h_prev Wh",
    "h_prev forgotten": "h does not depend on h_prev: a network without memory",
    "h_prev without Wh": "h_prev is added as it is. It has to go through Wh",
    "two tanh": "tanh is taken of the two products apart. It is taken once, of their sum",
    "h_prev added to h": "h_prev is added to tanh's value. That is another network (a residual one); it belongs inside",
    "product element by element": "h_prev is multiplied with the diagonal of Wh only. It is a matrix product",
}


def variant(wrong, x, h_prev, Wx, Wh, b):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    recurrent = h_prev @ (Wh.T if "Wh transposed" in wrong else Wh)
    if "product element by element" in wrong:
        recurrent = h_prev * np.diag(Wh)
    if "h_prev without Wh" in wrong:
        recurrent = h_prev
    if "h_prev forgotten" in wrong:
        recurrent = np.zeros_like(h_prev)
    inside = 0 if "no b" in wrong or "b behind tanh" in wrong else b
    if "no tanh" in wrong:
        h = x @ Wx + recurrent + inside
    elif "σ in the place of tanh" in wrong:
        h = 1 / (1 + np.exp(-(x @ Wx + recurrent + inside)))
    elif "two tanh" in wrong:
        h = np.tanh(x @ Wx + inside) + np.tanh(recurrent)
    else:
        h = np.tanh(x @ Wx + recurrent + inside)
    if "b behind tanh" in wrong:
        h = h + b
    if "h_prev added to h" in wrong:
        h = h + h_prev
    return (h,)


def expected(x, h_prev, Wx, Wh, b):
    """The right results, from the package's own layers."""
    return (rnn.forward(x[None], (h_prev,), {"Wx": Wx, "Wh": Wh, "b": b})[0][0],)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(3)
    B, D, H = 3, 5, 4
    return (
        Case(
            {
                "x": rng.standard_normal((B, D)),
                "h_prev": 0.5 * rng.standard_normal((B, H)),
                "Wx": 0.5 * rng.standard_normal((D, H)),
                "Wh": 0.5 * rng.standard_normal((H, H)),
                "b": rng.standard_normal(H),
            }
        ),
    )


EXERCISE = Exercise(
    function="rnn_step",
    outputs=(Output("h", ("b", "unit")),),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
