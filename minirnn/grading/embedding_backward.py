"""Exercise 1: the gradient of the embedding (`minirnn.layers.embedding`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output, gradients
from minirnn.layers import embedding

MISTAKES = {
    "the last one wins": "a symbol that occurs more than once keeps only its last dy. dE[x] += dy (and dE[x] "
    "= dy) writes each row once; the errors of all its places have to add up",
    "mean over the places": "a row is the mean of dy over the places of its symbol. It has to be the sum",
    "divided by T B": "dE is divided by the number of steps. The loss has its 1/N already, and dy has come through it",
    "starts from E": "the sum starts from the weights E. A gradient starts from zero",
    "axes of x": "ids and errors are out of step: x is read as (B, T), dy as (T, B, D). Flatten both in the same order",
    "last step only": "dE has the errors of t = T-1 only: the sum over the other steps is missing",
    "first step only": "dE has the errors of t = 0 only: does return stand inside the loop?",
    "first sequence only": "dE has the errors of b = 0 only: the sum over the batch is missing",
    "wrong sign": "dE is the gradient, not the step downhill: no minus",
}


def variant(wrong, x, E, dy):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    T, B, D = dy.shape
    dE = E.copy() if "starts from E" in wrong else np.zeros_like(E)
    if "last step only" in wrong:
        x, dy = x[-1:], dy[-1:]
    if "first step only" in wrong:
        x, dy = x[:1], dy[:1]
    if "first sequence only" in wrong:
        x, dy = x[:, :1], dy[:, :1]
    ids = (x.T if "axes of x" in wrong else x).reshape(-1)
    for v, row in zip(ids, dy.reshape(-1, D)):
        dE[v] = row if "the last one wins" in wrong else dE[v] + row
    if "mean over the places" in wrong:
        dE /= np.maximum(np.bincount(ids, minlength=len(E)), 1)[:, None]
    if "divided by T B" in wrong:
        dE /= T * B
    return (-dE if "wrong sign" in wrong else dE,)


def expected(x, E, dy):
    """The right results, from the package's own layers."""
    return gradients(lambda: (embedding.forward(x, {"E": E})[0] * dy).sum(), E)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(1)
    x = np.array([[0, 3, 3], [1, 3, 0], [4, 2, 1], [2, 0, 3]])
    E, dy = rng.standard_normal((5, 2)), rng.standard_normal((4, 3, 2))
    unused = np.array([[6, 6, 0], [6, 2, 2]])
    note = "where some symbols of the vocabulary do not occur in x: their rows are zero, and dE has a row for each"
    return (
        Case({"x": x, "E": E, "dy": dy}),
        Case({"x": unused, "E": rng.standard_normal((8, 2)), "dy": rng.standard_normal((2, 3, 2))}, note),
    )


EXERCISE = Exercise(
    function="embedding_backward",
    outputs=(Output("dE", ("row", "column")),),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
