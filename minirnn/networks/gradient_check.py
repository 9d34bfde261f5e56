"""The gradient check: gradients by the backward pass, compared with central differences.

    ∂f/∂x_i ≈ (f(x + ε e_i) - f(x - ε e_i)) / 2ε         error of the order ε², in float64

A `Case` says what is to be checked, `check` checks it, and `minirnn.networks.gradient_cases` has the cases of all
layers and networks. Two numbers agree if |a - n| / max(|a|, |n|, `FLOOR`) is at most `TOLERANCE`; the floor keeps
gradients that are nearly zero from being judged by their rounding error.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

STEP = 2e-5
TOLERANCE = 1e-6
FLOOR = 1e-3


@dataclasses.dataclass
class Case:
    """One thing to check.

    arrays    {name: float64 array}: everything that a gradient is taken with respect to
    forward   forward(**arrays) -> a list of output arrays, cache
    backward  backward(douts, cache) -> {name: gradient}, douts one for each output
    """

    name: str
    arrays: dict
    forward: Callable
    backward: Callable


@dataclasses.dataclass
class Result:
    """The result for one array of one case: its largest relative error, and the ``tolerance``."""

    case: str
    array: str
    error: float
    tolerance: float

    @property
    def ok(self):
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance  # False for NaN, as it should be


def numerical_gradient(f, array, step=STEP):
    """Central differences of the scalar function ``f()`` with respect to ``array``, which ``f`` reads; every entry is
    changed in place and then restored. Returns an array of the same shape."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = f()
        array[index] = value - step
        below = f()
        array[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(analytic, numeric, floor=FLOOR):
    """The largest |a - n| / max(|a|, |n|, floor) of two arrays of one shape; 0 for empty ones."""
    if analytic.shape != numeric.shape:
        return np.inf
    if not analytic.size:
        return 0.0
    return float(np.max(np.abs(analytic - numeric) / np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)))


def check(case, seed=0, tolerance=TOLERANCE):
    """Compare backward with central differences for every array of ``case`` -> list of `Result`.

    Random weights R turn the outputs into one scalar, f = Σ outputs · R, so that the error of every output has its own
    size and sign, and no two can cancel."""
    rng = np.random.default_rng(seed)
    arrays = {name: np.array(array, np.float64) for name, array in case.arrays.items()}
    outputs, cache = case.forward(**arrays)
    weights = [rng.standard_normal(np.shape(output)) for output in outputs]
    gradients = case.backward(weights, cache)

    def f():
        outputs, _ = case.forward(**arrays)
        return sum(float(np.sum(output * R)) for output, R in zip(outputs, weights))

    results = []
    for name, array in arrays.items():
        analytic = np.asarray(gradients[name]) if name in gradients else np.full(array.shape, np.nan)
        error = relative_error(analytic, numerical_gradient(f, array))
        results.append(Result(case.name, name, error, tolerance))
    return results
