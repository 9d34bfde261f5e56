"""Exercise 11: clipping gradients by their global norm (`minirnn.training.optimisers.clip_by_global_norm`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.training import optimisers

OUTPUTS = (Output("clipped", ("row", "column")), Output("norm"))

HINTS = """
Think of all arrays laid end to end as one long vector. Its length is one number, and shortening it without turning it
takes one factor for all entries.

Sum the squares of every array in grads.values(), then take one root. {key: ... for key, g in grads.items()} makes the
new dict; make new arrays also where nothing is clipped. What happens when every gradient is zero?

norm = √(Σ over all arrays of Σ g²); factor = max_norm / norm if norm > max_norm else 1; clipped = {key: g * factor};
return clipped, norm.
"""

MISTAKES = """
each array by its own norm: every array is clipped by itself, which turns the direction of the whole. One norm of all,
one factor for all
    clipped = {key: g * factor -> clipped = {key: g * min(1, max_norm / max(1e-300, np.linalg.norm(g)))

entry by entry: every entry is cut at ±max_norm, which turns the direction. All entries are scaled by one factor
    clipped = {key: g * factor -> clipped = {key: np.clip(g, -max_norm, max_norm)

always scaled: gradients shorter than max_norm are stretched to it. Those are left alone
    if norm > max_norm -> if True

norm without root: norm is the sum of squares. The norm is its root
    np.sqrt(squares) -> squares

sum of the norms: norm is the sum of the arrays' norms. Add their squares, then take the root
    np.sqrt(squares) -> sum(np.sqrt((g**2).sum()) for g in grads.values())

sum of absolute values: norm is Σ |g|. It is the root of Σ g²
    np.sqrt(squares) -> sum(np.abs(g).sum() for g in grads.values())

largest entry: norm is the largest entry. It is the root of Σ g²
    np.sqrt(squares) -> max(np.abs(g).max() for g in grads.values())

mean of the squares: norm is the root of the mean of g². It is the root of the sum
    np.sqrt(squares) -> np.sqrt(squares / sum(g.size for g in grads.values()))

norm after clipping: the norm that is returned is that of the clipped gradients. What one wants to watch in training
is the norm before
    return clipped, norm -> return clipped, norm * factor

factor returned: the factor is returned in the place of the norm
    return clipped, norm -> return clipped, factor

factor upside down: the factor is norm / max_norm, which makes long gradients longer. It is max_norm / norm
    max_norm / norm -> norm / max_norm

scaled to length one: the factor is 1 / norm. It is max_norm / norm
    max_norm / norm -> 1 / norm

first array only: norm is that of the first array. All of them count
    for g in grads.values()) -> for g in list(grads.values())[:1])
"""


def solution(grads, max_norm):
    """The exercise, solved plainly."""
    squares = sum((g**2).sum() for g in grads.values())
    norm = np.sqrt(squares)
    factor = max_norm / norm if norm > max_norm else 1.0
    clipped = {key: g * factor for key, g in grads.items()}
    return clipped, norm


def expected(grads, max_norm):
    """The right results, from the package itself."""
    clipped = {key: g.copy() for key, g in grads.items()}
    return clipped, optimisers.clip_by_global_norm(clipped, max_norm)


def cases(rng):
    """The inputs with which an answer is judged."""
    normal = rng.standard_normal
    grads = {"Wx": normal((4, 3)), "Wh": 0.5 * normal((3, 3)), "b": normal(3)}
    zero = {key: np.zeros_like(g) for key, g in grads.items()}
    other = {"E": normal((2, 3, 2)), "softmax": normal((1, 2)), "b": normal(1), "scale": normal((2, 2))}
    return (
        case(grads=grads, max_norm=1.7),
        case("where the norm is below max_norm: the gradients stay as they are", grads=grads, max_norm=25.0),
        case("where all gradients are zero: divide only where there is something to clip", grads=zero, max_norm=1.7),
        case("where the arrays have other names, numbers and shapes", grads=other, max_norm=0.3),
    )
