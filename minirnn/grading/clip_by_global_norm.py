"""Exercise 8: clipping gradients by their global norm (`minirnn.training.optimisers.clip_by_global_norm`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output
from minirnn.training import optimisers

MISTAKES = {
    "each array by its own norm": "every array is clipped by itself, which turns the direction of the whole. "
    "One norm of all, one factor for all",
    "entry by entry": "every entry is cut at ±max_norm, which turns the direction. All entries are scaled by "
    "one factor",
    "always scaled": "gradients shorter than max_norm are stretched to it. Those are left alone",
    "norm without root": "norm is the sum of squares. The norm is its root",
    "sum of the norms": "norm is the sum of the arrays' norms. Add their squares, then take the root",
    "sum of absolute values": "norm is Σ |g|. It is the root of Σ g²",
    "largest entry": "norm is the largest entry. It is the root of Σ g²",
    "mean of the squares": "norm is the root of the mean of g². It is the root of the sum",
    "norm after clipping": "the norm that is returned is that of the clipped gradients. What one wants to "
    "watch in training is the norm before",
    "factor upside down": "the factor is norm / max_norm, which makes long gradients longer. It is max_norm / norm",
    "scaled to length one": "the factor is 1 / norm. It is max_norm / norm",
    "first array only": "norm is that of the first array. All of them count",
}


def variant(wrong, grads, max_norm):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    entries = np.concatenate([g.ravel() for g in grads.values()])
    norm = np.sqrt((entries**2).sum())
    if "norm without root" in wrong:
        norm = norm**2
    if "sum of the norms" in wrong:
        norm = sum(np.sqrt((g**2).sum()) for g in grads.values())
    if "sum of absolute values" in wrong:
        norm = np.abs(entries).sum()
    if "largest entry" in wrong:
        norm = np.abs(entries).max()
    if "mean of the squares" in wrong:
        norm = np.sqrt((entries**2).mean())
    if "first array only" in wrong:
        norm = np.sqrt((next(iter(grads.values())) ** 2).sum())

    def factor(norm):
        if norm <= max_norm and "always scaled" not in wrong:
            return 1
        if "factor upside down" in wrong:
            return norm / max_norm
        return (1 if "scaled to length one" in wrong else max_norm) / norm

    clipped = {key: g * factor(norm) for key, g in grads.items()}
    if "each array by its own norm" in wrong:
        clipped = {key: g * factor(np.sqrt((g**2).sum())) for key, g in grads.items()}
    if "entry by entry" in wrong:
        clipped = {key: np.clip(g, -max_norm, max_norm) for key, g in grads.items()}
    if "norm after clipping" in wrong:
        norm = np.sqrt(sum((g**2).sum() for g in clipped.values()))
    return clipped, norm


def expected(grads, max_norm):
    """The right results, from the package's own layers."""
    clipped = {key: g.copy() for key, g in grads.items()}
    norm = optimisers.clip_by_global_norm(clipped, max_norm)
    return clipped, norm


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(8)
    grads = {"Wx": rng.standard_normal((4, 3)), "Wh": 0.5 * rng.standard_normal((3, 3)), "b": rng.standard_normal(3)}
    zero = {key: np.zeros_like(g) for key, g in grads.items()}
    return (
        Case({"grads": grads, "max_norm": 1.7}),
        Case({"grads": grads, "max_norm": 25.0}, "where the norm is below max_norm: the gradients stay as they are"),
        Case(
            {"grads": zero, "max_norm": 1.7},
            "where all gradients are zero: divide only where there is something to clip",
        ),
    )


EXERCISE = Exercise(
    function="clip_by_global_norm",
    outputs=(Output("clipped", ("row", "column")), Output("norm")),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
