"""Exercise 1: the numerical gradient itself (`minirnn.networks.gradient_check.numerical_gradient`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.networks import gradient_check

OUTPUTS = (Output("gradient", ("row", "column")),)

HINTS = """
Only one entry is moved at a time; all others stay where they are. How many calls of f does that take?

np.ndindex(theta.shape) gives the index of every entry, whatever the number of axes. Work on a copy of theta, and put
the entry back before the next one is moved, from its old value: adding step and taking it away again does not give
the old number to the last digit.

For every index: moved = theta.copy(); moved[index] = theta[index] + step; above = f(moved); moved[index] =
theta[index] - step; below = f(moved); gradient[index] = (above - below) / (2 * step).
"""

MISTAKES = """
forward difference: the difference is taken between θ + step and θ. It is taken between θ + step and θ - step, whose
error falls with the square of the step
    theta[index] - step -> theta[index]
    and 2 * step -> step

backward difference: the difference is taken between θ and θ - step. It is taken between θ + step and θ - step
    theta[index] + step -> theta[index]
    and 2 * step -> step

2 missing: from θ - step to θ + step it is 2 step, not step
    2 * step -> step

not divided by the step: the difference is not divided by 2 step
    / (2 * step) ->

entry not put back: entries that were moved are not put back, so that f is looked at somewhere else each time
    moved = theta.copy() -> moved = theta.copy() if index == (0,) * theta.ndim else moved

all entries moved at once: all entries are moved together. Each has a difference of its own
    moved[index] = -> moved[...] =
    and theta[index] + step -> theta + step
    and theta[index] - step -> theta - step

step relative to the entry: the step is a multiple of the entry. Here it is the same for all entries
    theta[index] + step -> theta[index] * (1 + step)
    and theta[index] - step -> theta[index] * (1 - step)
    and 2 * step -> 2 * step * theta[index]

wrong sign: the difference is taken the wrong way round
    above - below -> below - above
"""


def solution(f, theta, step):
    """The exercise, solved plainly."""
    gradient = np.zeros_like(theta)
    for index in np.ndindex(theta.shape):
        moved = theta.copy()
        moved[index] = theta[index] + step
        above = f(moved)
        moved[index] = theta[index] - step
        below = f(moved)
        gradient[index] = (above - below) / (2 * step)
    return gradient


def expected(f, theta, step):
    """The right results, from the package."""
    theta = theta.copy()
    return gradient_check.numerical_gradient(lambda: f(theta), theta, step)


def cases(rng):
    """The inputs with which an answer is judged."""

    def wavy(theta):
        return float(np.sin(2 * theta).sum() * np.exp(0.3 * theta.ravel()[0]) + (theta**3).sum())

    return (
        case(f=wavy, theta=rng.standard_normal((2, 3)), step=0.01),
        case("for an array with one axis, and a larger step", f=wavy, theta=rng.standard_normal(4), step=0.1),
        case("for an array with three axes", f=wavy, theta=5 * rng.standard_normal((2, 1, 3)), step=1e-3),
    )
