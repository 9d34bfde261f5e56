"""Exercise 4: one step of the vanilla recurrent layer (`minirnn.layers.rnn`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.layers import rnn

OUTPUTS = (Output("h", ("b", "unit")),)

HINTS = """
Every row of x and of h_prev belongs to one sequence of the batch. On which side of a row vector does a matrix stand?

Two matrix products, (B, D) by (D, H) and (B, H) by (H, H), have the same shape and are added; b is added to every row
by broadcasting.

h = np.tanh(x @ Wx + h_prev @ Wh + b).
"""

MISTAKES = """
no tanh: h is the argument of tanh, not its value
    np.tanh(a) -> a

σ in the place of tanh: the nonlinearity is the sigmoid. Here it is tanh, between -1 and 1
    np.tanh(a) -> 1 / (1 + np.exp(-a))

no b: the bias is missing
    + b ->

b after tanh: the bias is added to tanh's value. It belongs inside
    + b ->
    and np.tanh(a) -> np.tanh(a) + b

Wh transposed: h_prev meets Wh transposed. Rows of Wh are where h comes from, columns where it goes: h_prev Wh
    h_prev @ Wh -> h_prev @ Wh.T

h_prev forgotten: h does not depend on h_prev: a network without memory
    + h_prev @ Wh ->

x forgotten: h does not depend on x
    x @ Wx + ->

h_prev without Wh: h_prev is added as it is. It has to go through Wh
    h_prev @ Wh -> h_prev

two tanh: tanh is taken of the two products separately. It is taken once, of their sum
    np.tanh(a) -> np.tanh(x @ Wx + b) + np.tanh(h_prev @ Wh)
    np.tanh(a) -> np.tanh(x @ Wx) + np.tanh(h_prev @ Wh + b)

h_prev added to h: h_prev is added to tanh's value. That is another network (a residual one); it belongs inside
    np.tanh(a) -> np.tanh(a) + h_prev

product element by element: h_prev is multiplied by the diagonal of Wh only. It is a matrix product
    h_prev @ Wh -> h_prev * np.diag(Wh)
"""


def solution(x, h_prev, Wx, Wh, b):
    """The exercise, solved plainly."""
    a = x @ Wx + h_prev @ Wh + b
    return np.tanh(a)


def expected(x, h_prev, Wx, Wh, b):
    """The right results, from the package's own layers."""
    return rnn.forward(x[None], (h_prev,), {"Wx": Wx, "Wh": Wh, "b": b})[0][0]


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(B, D, H):
        return {
            "x": rng.standard_normal((B, D)),
            "h_prev": 0.5 * rng.standard_normal((B, H)),
            "Wx": 0.5 * rng.standard_normal((D, H)),
            "Wh": 0.5 * rng.standard_normal((H, H)),
            "b": rng.standard_normal(H),
        }

    return case(**inputs(3, 5, 4)), case("for a single sequence, B = 1", **inputs(1, 2, 3))
