"""Exercise 2: the gradient of the embedding (`minirnn.layers.embedding`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import embedding

OUTPUTS = (Output("dE", ("row", "column")),)

HINTS = """
Which entries of y change when one entry of row v of E changes? Try x = [[0, 0]] on paper: what should happen to a
symbol that occurs twice?

Looking up rows is a product with a one-hot matrix, y = onehot(x) E. Begin with zeros of the shape of E and let every
place (t, b) add its error to the row of its symbol. Beware of dE[x] += dy: it writes each row once.

dE = onehot(x)ᵀ dy: row v of dE is the sum of dy over all places where symbol v stands. np.add.at(dE, x, dy) adds up;
so does a loop over t and b with dE[x[t, b]] += dy[t, b].
"""

MISTAKES = """
the last one wins: a symbol that occurs more than once keeps only its last dy. dE[x] += dy (and dE[x] = dy) writes
each row once; the errors of all its places have to add up
    dE[v] += row -> dE[v] = row

mean over the places: a row is the mean of dy over the places of its symbol. It has to be the sum
    dE[v] += row -> dE[v] += row / (ids == v).sum()

divided by T B: dE is divided by the number of steps. The loss has its 1/N already, and dy has come through it
    return dE -> return dE / (T * B)

divided by B: dE is divided by the number of sequences. The loss has its 1/N already, and dy has come through it
    return dE -> return dE / B

starts from E: the sum starts from the weights E. A gradient starts from zero
    np.zeros_like(E) -> E.copy()

axes of x: ids and errors are out of step: x is read as (B, T), dy as (T, B, D). Flatten both in the same order
    ids = x -> ids = x.T

last step only: dE has the errors of t = T-1 only: the sum over the other steps is missing
    = dy.shape -> = dy.shape; x, dy = x[-1:], dy[-1:]

first step only: dE has the errors of t = 0 only: does return stand inside the loop?
    = dy.shape -> = dy.shape; x, dy = x[:1], dy[:1]

first sequence only: dE has the errors of b = 0 only: the sum over the batch is missing
    = dy.shape -> = dy.shape; x, dy = x[:, :1], dy[:, :1]

wrong sign: dE is the gradient, not the step downhill: no minus
    return dE -> return -dE
"""


def solution(x, E, dy):
    """The exercise, solved plainly."""
    T, B, D = dy.shape  # noqa: RUF059 (mistakes use them)
    dE = np.zeros_like(E)
    ids = x.reshape(-1)
    for v, row in zip(ids, dy.reshape(-1, D)):
        dE[v] += row
    return dE


def expected(x, E, dy):
    """The right results, from the package's own layers."""
    return gradients(lambda: (embedding.forward(x, {"E": E})[0] * dy).sum(), E)


def cases(rng):
    """The inputs with which an answer is judged."""
    x = np.array([[0, 3, 3], [1, 3, 0], [4, 2, 1], [2, 0, 3]])
    normal = rng.standard_normal
    note = "where some symbols of the vocabulary do not occur in x: their rows are zero, and dE has a row for each"
    return (
        case(x=x, E=normal((5, 2)), dy=normal((4, 3, 2))),
        case(note, x=np.array([[6, 6, 0], [6, 2, 2]]), E=normal((8, 2)), dy=normal((2, 3, 2))),
        case("for one sequence of one step", x=np.array([[1]]), E=normal((3, 4)), dy=normal((1, 1, 4))),
    )
