"""Exercise 6: dropout, forward and backward (`minirnn.layers.dropout`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import dropout

OUTPUTS = (Output("y", ("t", "b", "unit")), Output("dx", ("t", "b", "unit")))

HINTS = """
Write the forward pass as y = x m with a mask m of the shape of x. What may an entry of m be, and does m depend on x?

m is 0 where u < p. Elsewhere it is the factor that leaves the mean over all u as it was, E[y] = x; compute that
factor from the probability of being kept. Backward, m is a constant.

m = (u >= p) / (1 - p); y = x m; dx = dy m.
"""

MISTAKES = """
not scaled: units that are kept pass as they are. They have to be divided by 1 - p, so that the mean stays what it was
and nothing has to be done when the network is used
    / (1 - p) ->

scaled by p: units that are kept are divided by p. The probability of being kept is 1 - p
    (1 - p) -> p

multiplied by 1 - p: units that are kept are multiplied by 1 - p. They are divided by it: fewer units have to say as
much as all
    / (1 - p) -> * (1 - p)

kept where u < p: the other units are dropped: u < p is where a unit is silent
    u >= p -> u < p

kept where u < 1 - p: the right number of units is dropped, but others than u says: a unit is silent where u < p
    u >= p -> u < 1 - p

no mask in dx: dx is dy. A unit that was silent has no gradient
    dy * m -> dy

dx not scaled: dx lacks the factor 1 / (1 - p). y = x m has it, so the gradient has it too
    dy * m -> dy * (u >= p)

dx with y: dx is dy y. The derivative of x m with respect to x is m
    dy * m -> dy * x * m

one mask for all steps: the mask of the first step is used in every step. Each entry has its own u
    m = (u >= p) -> m = (u[:1] >= p)

one mask for all sequences: the mask of the first sequence is used for all. Each entry has its own u
    m = (u >= p) -> m = (u[:, :1] >= p)

scaled by what was kept: the factor is taken from the share of units that this u happens to keep. It is 1 / (1 - p),
whatever u
    (1 - p) -> (u >= p).mean()
"""


def solution(x, u, p, dy):
    """The exercise, solved plainly."""
    m = (u >= p) / (1 - p)
    return x * m, dy * m


def expected(x, u, p, dy):
    """The right results, from the package's own layer."""
    m = np.where(u < p, 0, 1 / (1 - p))
    y, _ = dropout.forward(x, m)
    return y, *gradients(lambda: (dropout.forward(x, m)[0] * dy).sum(), x)


def cases(rng):
    """The inputs with which an answer is judged."""
    x, dy = rng.standard_normal((2, 5, 3, 4))
    u = rng.random((5, 3, 4))
    one = rng.standard_normal((1, 1, 6))
    return (
        case(x=x, u=u, p=0.3, dy=dy),
        case("where p is larger than a half", x=x, u=u, p=0.8, dy=dy),
        case("where p is 0: nothing is dropped", x=one, u=rng.random((1, 1, 6)), p=0.0, dy=2 * one),
    )
