"""Exercise 11: one step of the window that reads (`minirnn.layers.attention_window`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output
from minirnn.layers import attention_window

MISTAKES = {
    "κ does not move on": "κ is exp κ̂: the window jumps back to the start at every step. κ_t = κ_{t-1} + exp κ̂",
    "κ̂ without exp": "κ̂ is added as it is, so the window can move backwards. exp κ̂ is always positive",
    "φ from κ_{t-1}": "φ is computed from the positions before the move. It uses κ_t",
    "κ_{t-1} is returned": "the kappa that is returned has not moved. The next step needs κ_t",
    "u counts from one": "the characters are counted from 1. Here u is 0 for the first: u = 0 .. U-1",
    "distance not squared": "the exponent is -β |κ - u|. It is -β (κ - u)²",
    "β halved": "the exponent is -β (κ - u)² / 2. Graves's window has no half",
    "β as a width": "the exponent is -(κ - u)² / β. β is the sharpness, it multiplies",
    "exp of β̂ missing": "β is β̂, which may be negative: then the window grows with the distance. β = exp β̂",
    "exp of α̂ missing": "α is α̂, which may be negative. α = exp α̂",
    "α forgotten": "the Gaussians all have height 1. Each has its own α",
    "φ made to sum to one": "φ is divided by its sum. This window is not a softmax: Σ φ may be anything",
    "mean over the Gaussians": "φ is divided by K. It is the sum over the Gaussians",
    "order κ̂ β̂ α̂": "the blocks of z are read in the wrong order. It is α̂, β̂, κ̂",
    "order β̂ α̂ κ̂": "α̂ and β̂ are exchanged. The order of the blocks of z is α̂, β̂, κ̂",
    "w divided by Σ φ": "w is a weighted mean. It is the weighted sum",
}


def variant(wrong, z, kappa_prev, C):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    K, U = kappa_prev.shape[1], C.shape[1]
    a, b, k = z[:, :K], z[:, K : 2 * K], z[:, 2 * K :]
    if "order κ̂ β̂ α̂" in wrong:
        a, k = k, a
    if "order β̂ α̂ κ̂" in wrong:
        a, b = b, a
    alpha = a if "exp of α̂ missing" in wrong else np.ones_like(a) if "α forgotten" in wrong else np.exp(a)
    beta = b if "exp of β̂ missing" in wrong else np.exp(b)
    step = k if "κ̂ without exp" in wrong else np.exp(k)
    kappa = step if "κ does not move on" in wrong else kappa_prev + step
    u = np.arange(U) + (1 if "u counts from one" in wrong else 0)
    delta = (kappa_prev if "φ from κ_{t-1}" in wrong else kappa)[:, :, None] - u
    distance = np.abs(delta) if "distance not squared" in wrong else delta**2
    if "β halved" in wrong:
        beta = beta / 2
    if "β as a width" in wrong:
        beta = 1 / beta
    G = alpha[:, :, None] * np.exp(-beta[:, :, None] * distance)
    phi = G.mean(axis=1) if "mean over the Gaussians" in wrong else G.sum(axis=1)
    if "φ made to sum to one" in wrong:
        phi = phi / phi.sum(axis=1, keepdims=True)
    w = (phi[:, :, None] * C).sum(axis=1)
    if "w divided by Σ φ" in wrong:
        w = w / phi.sum(axis=1, keepdims=True)
    return w, kappa_prev if "κ_{t-1} is returned" in wrong else kappa, phi


def expected(z, kappa_prev, C):
    """The right results, from the package's own layers."""
    return attention_window.step_forward(z, kappa_prev, C)[:3]


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(11)
    B, K, U, E = 3, 2, 5, 4
    return (
        Case(
            {
                "z": 0.5 * rng.standard_normal((B, 3 * K)),
                "kappa_prev": 3 * rng.random((B, K)),
                "C": rng.standard_normal((B, U, E)),
            }
        ),
    )


EXERCISE = Exercise(
    function="window_forward",
    outputs=(Output("w", ("b", "column")), Output("kappa", ("b", "k")), Output("phi", ("b", "u"))),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
