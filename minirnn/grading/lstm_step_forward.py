"""Exercise 4: one step of the LSTM, forward (`minirnn.layers.lstm`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output
from minirnn.layers import lstm

MISTAKES = {
    "order i f g o": "the blocks are read in the order i, f, g, o (PyTorch's). Here it is i, f, o, g",
    "i and f exchanged": "the input gate acts as the forget gate. The order of the blocks is i, f, o, g",
    "blocks interleaved": "columns 0, 4, 8, .. are taken as the block of i. A block is H columns side by "
    "side: z[:, :H]",
    "σ for g": "g goes through the sigmoid. What is written into the cell may be negative: tanh",
    "tanh for the gates": "i, f and o go through tanh. A gate is between 0 and 1: the sigmoid",
    "h without tanh": "h is o c. It is o tanh(c): the cell may grow, the output stays between -1 and 1",
    "tanh(o c)": "tanh is taken of o c. The gate comes behind it: o tanh(c)",
    "o inside the cell": "the output gate acts on the cell itself. c keeps everything; o only decides what h shows",
    "c is returned as tanh(c)": "the c that is returned has gone through tanh. The next step needs c itself",
    "c_prev forgotten": "c is i g alone: the cell remembers nothing. c_t = f c_{t-1} + i g",
    "f forgotten": "c_prev is not multiplied by f: the cell can never forget",
    "f = 1 - i": "the old cell is weighted with 1 - i, as in a GRU. It has a gate of its own, f",
    "no b": "the bias is missing",
    "1 added to f's bias": "z_f has one added to it. The bias that is one stands in b already",
    "h and c exchanged": "the two results are returned in the wrong order: return h, c",
}


def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z)), any shape."""
    return 1 / (1 + np.exp(-z))


def variant(wrong, x, h_prev, c_prev, Wx, Wh, b):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    H = h_prev.shape[1]
    z = x @ Wx + h_prev @ Wh + (0 if "no b" in wrong else b)
    blocks = [z[:, n * H : (n + 1) * H] for n in range(4)]
    if "blocks interleaved" in wrong:
        blocks = [z[:, n::4] for n in range(4)]
    z_i, z_f, z_o, z_g = blocks
    if "order i f g o" in wrong:
        z_o, z_g = z_g, z_o
    if "i and f exchanged" in wrong:
        z_i, z_f = z_f, z_i
    if "1 added to f's bias" in wrong:
        z_f = z_f + 1
    gate = np.tanh if "tanh for the gates" in wrong else sigmoid
    i, f, o = gate(z_i), gate(z_f), gate(z_o)
    g = (sigmoid if "σ for g" in wrong else np.tanh)(z_g)
    if "f = 1 - i" in wrong:
        f = 1 - i
    if "f forgotten" in wrong:
        f = np.ones_like(f)
    c = i * g if "c_prev forgotten" in wrong else f * c_prev + i * g
    if "o inside the cell" in wrong:
        c = o * c
        h = np.tanh(c)
    elif "tanh(o c)" in wrong:
        h = np.tanh(o * c)
    else:
        h = o * (c if "h without tanh" in wrong else np.tanh(c))
    if "c is returned as tanh(c)" in wrong:
        c = np.tanh(c)
    return (c, h) if "h and c exchanged" in wrong else (h, c)


def expected(x, h_prev, c_prev, Wx, Wh, b):
    """The right results, from the package's own layers."""
    _, (h, c), _ = lstm.forward(x[None], (h_prev, c_prev), {"Wx": Wx, "Wh": Wh, "b": b})
    return h, c


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(4)
    B, D, H = 3, 5, 2
    return (
        Case(
            {
                "x": rng.standard_normal((B, D)),
                "h_prev": 0.5 * rng.standard_normal((B, H)),
                "c_prev": rng.standard_normal((B, H)),
                "Wx": 0.5 * rng.standard_normal((D, 4 * H)),
                "Wh": 0.5 * rng.standard_normal((H, 4 * H)),
                "b": 0.5 * rng.standard_normal(4 * H),
            }
        ),
    )


EXERCISE = Exercise(
    function="lstm_step_forward",
    outputs=(Output("h", ("b", "unit")), Output("c", ("b", "unit"))),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
