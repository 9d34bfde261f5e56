"""Exercise 7: one step of the LSTM, forward (`minirnn.layers.lstm`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.layers import lstm

OUTPUTS = (Output("h", ("b", "unit")), Output("c", ("b", "unit")))

HINTS = """
Compute z first, all 4H columns in one product with Wx and one with Wh; then cut it into four.

The block of i is z[:, :H], that of f z[:, H:2*H], and so on; np.split(z, 4, axis=1) gives all four, in the order i,
f, o, g. Write a small function for σ.

i, f, o = σ(z_i), σ(z_f), σ(z_o); g = np.tanh(z_g); c = f * c_prev + i * g; h = o * np.tanh(c); return h, c.
"""

MISTAKES = """
order i f g o: the blocks are read in the order i, f, g, o (PyTorch's and Keras's). Here it is i, f, o, g
    z_i, z_f, z_o, z_g = -> z_i, z_f, z_g, z_o =

i and f exchanged: the input gate acts as the forget gate. The order of the blocks is i, f, o, g
    z_i, z_f, z_o, z_g = -> z_f, z_i, z_o, z_g =

blocks in another order: the blocks are read in an order of their own. Here it is i, f, o, g: input gate, forget gate,
output gate, and what may be written
    z_i, z_f, z_o, z_g = -> {z_i, z_g, z_f, z_o|z_f, z_i, z_g, z_o|z_i, z_o, z_f, z_g} =
    z_i, z_f, z_o, z_g = -> {z_o, z_f, z_i, z_g|z_g, z_i, z_f, z_o|z_f, z_o, z_i, z_g|z_i, z_o, z_g, z_f} =

blocks interleaved: columns 0, 4, 8, .. are taken as the block of i. A block is H columns side by side: z[:, :H]
    np.split(z, 4, axis=1) -> z[:, ::4], z[:, 1::4], z[:, 2::4], z[:, 3::4]

σ for g: g goes through the sigmoid. What is written into the cell may be negative: tanh
    np.tanh(z_g) -> sigmoid(z_g)

tanh for the gates: i, f and o go through tanh. A gate is between 0 and 1: the sigmoid
    sigmoid(z_i), sigmoid(z_f), sigmoid(z_o) -> np.tanh(z_i), np.tanh(z_f), np.tanh(z_o)

h without tanh: h is o c. It is o tanh(c): the cell may grow, the output stays between -1 and 1
    o * np.tanh(c) -> o * c

h without o: h is tanh(c). The output gate decides how much of it is shown: o tanh(c)
    o * np.tanh -> np.tanh

tanh(o c): tanh is taken of o c. The gate comes after it: o tanh(c)
    o * np.tanh(c) -> np.tanh(o * c)

o inside the cell: the output gate acts on the cell itself. c keeps everything; o only decides what h shows
    f * c_prev + i * g -> o * (f * c_prev + i * g)
    and o * np.tanh(c) -> np.tanh(c)

h from c_prev: h shows the cell as it was before the step. It is o tanh(c_t)
    np.tanh(c) -> np.tanh(c_prev)

c is returned as tanh(c): the c that is returned has gone through tanh. The next step needs c itself
    return h, c -> return h, np.tanh(c)

c_prev forgotten: c is i g alone: the cell remembers nothing. c_t = f c_{t-1} + i g
    f * c_prev + i -> i

f forgotten: c_prev is not multiplied by f: the cell can never forget
    f * c_prev -> c_prev

i forgotten: g is written into the cell as it is. It is weighted by the input gate: i g
    i * g -> g

f = 1 - i: the old cell is weighted with 1 - i, as in a GRU. It has a gate of its own, f
    f * c_prev -> (1 - i) * c_prev

no b: the bias is missing
    + b ->

1 added to f's bias: z_f has one added to it. The bias that is one stands in b already
    sigmoid(z_f) -> sigmoid(z_f + 1)

h and c exchanged: the two results are returned in the wrong order: return h, c
    return h, c -> return c, h
"""


def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z)), any shape."""
    return 1 / (1 + np.exp(-z))


def solution(x, h_prev, c_prev, Wx, Wh, b):
    """The exercise, solved plainly."""
    z = x @ Wx + h_prev @ Wh + b
    z_i, z_f, z_o, z_g = np.split(z, 4, axis=1)
    i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)
    g = np.tanh(z_g)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c


def expected(x, h_prev, c_prev, Wx, Wh, b):
    """The right results, from the package's own layers."""
    return lstm.forward(x[None], (h_prev, c_prev), {"Wx": Wx, "Wh": Wh, "b": b})[1]


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(B, D, H):
        return {
            "x": rng.standard_normal((B, D)),
            "h_prev": 0.5 * rng.standard_normal((B, H)),
            "c_prev": rng.standard_normal((B, H)),
            "Wx": 0.5 * rng.standard_normal((D, 4 * H)),
            "Wh": 0.5 * rng.standard_normal((H, 4 * H)),
            "b": 0.5 * rng.standard_normal(4 * H),
        }

    return case(**inputs(3, 5, 2)), case("for a single sequence, B = 1", **inputs(1, 2, 3))
