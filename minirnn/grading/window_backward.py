"""Exercise 12: one step of the window that reads, backward (`minirnn.layers.attention_window`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output, gradients
from minirnn.layers import attention_window

MISTAKES = {
    "dκ of step t+1 forgotten": "dκ is only the window's own part. What comes in as dkappa, from step t+1, "
    "has to be added",
    "the window's own dκ forgotten": "dκ is only what came in as dkappa. κ_t also stands in φ: -2 β Σ_u dφ G "
    "δ is missing",
    "exp missing in dκ̂": "dκ̂ is dκ. κ_t has exp κ̂ added, so dκ̂ = dκ exp κ̂",
    "dκ_{t-1} times exp κ̂": "dkappa_prev is dκ̂. κ_{t-1} is added as it is: its error is dκ itself",
    "dκ_{t-1} as it came in": "dkappa_prev is dkappa as it came in. κ_t's own part goes back to κ_{t-1} too",
    "sign of dκ": "dκ's own part has the wrong sign. The derivative of -β (κ - u)² is -2 β (κ - u)",
    "2 missing in dκ": "the derivative of (κ - u)² is 2 (κ - u)",
    "β missing in dκ": "the derivative of -β (κ - u)² with respect to κ is -2 β (κ - u)",
    "β missing in dβ̂": "that is dβ. β = exp β̂, so dβ̂ = dβ β",
    "sign of dβ̂": "dβ̂ has the wrong sign. A sharper Gaussian is smaller everywhere: -δ²",
    "δ not squared in dβ̂": "the derivative of -β δ² with respect to β is -δ²",
    "dα in the place of dα̂": "that is dα, with α divided out. α = exp α̂, so dα̂ = dα α = Σ_u dφ G",
    "α missing in G": "G is exp(-β δ²) without its height α",
    "u counts from one": "the characters are counted from 1. Here u is 0 for the first: u = 0 .. U-1",
    "dC without φ": "dC_u is dw for every u. C_u was weighted with φ_u: dC_u = φ_u dw",
    "dC with dφ": "dC_u is dφ_u dw. C_u was weighted with φ_u: dC_u = φ_u dw",
    "order κ̂ β̂ α̂": "the blocks of dz are in the wrong order. It is α̂, β̂, κ̂",
}


def variant(wrong, dw, dkappa, z, kappa, C):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    K, U = kappa.shape[1], C.shape[1]
    e = np.exp(z)
    alpha, beta, step = e[:, :K], e[:, K : 2 * K], e[:, 2 * K :]
    u = np.arange(U) + (1 if "u counts from one" in wrong else 0)
    delta = kappa[:, :, None] - u
    G = np.exp(-beta[:, :, None] * delta**2)
    if "α missing in G" not in wrong:
        G = alpha[:, :, None] * G
    phi, dphi = G.sum(axis=1), (C * dw[:, None, :]).sum(axis=2)
    dG_G = dphi[:, None, :] * G
    da = dG_G.sum(axis=2) / (alpha if "dα in the place of dα̂" in wrong else 1)
    db = -(dG_G * (delta if "δ not squared in dβ̂" in wrong else delta**2)).sum(axis=2)
    db = db * (1 if "β missing in dβ̂" in wrong else beta) * (-1 if "sign of dβ̂" in wrong else 1)
    own = -2 * (1 if "β missing in dκ" in wrong else beta) * (dG_G * delta).sum(axis=2)
    own = own * (0.5 if "2 missing in dκ" in wrong else 1) * (-1 if "sign of dκ" in wrong else 1)
    if "the window's own dκ forgotten" in wrong:
        own = np.zeros_like(own)
    incoming = np.zeros_like(dkappa) if "dκ of step t+1 forgotten" in wrong else dkappa
    dk = incoming + own
    dk_hat = dk if "exp missing in dκ̂" in wrong else dk * step
    dkappa_prev = dk_hat if "dκ_{t-1} times exp κ̂" in wrong else dkappa if "dκ_{t-1} as it came in" in wrong else dk
    weight = np.ones_like(phi) if "dC without φ" in wrong else dphi if "dC with dφ" in wrong else phi
    dz = np.hstack([dk_hat, db, da] if "order κ̂ β̂ α̂" in wrong else [da, db, dk_hat])
    return dz, dkappa_prev, weight[:, :, None] * dw[:, None, :]


def expected(dw, dkappa, z, kappa, C):
    """The right results, from the package's own layers."""
    kappa_prev = kappa - np.exp(z[:, 2 * kappa.shape[1] :])

    def f():
        w, moved, _, _ = attention_window.step_forward(z, kappa_prev, C)
        return (w * dw).sum() + (moved * dkappa).sum()

    return gradients(f, z, kappa_prev, C)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(12)
    B, K, U, E = 3, 2, 5, 4
    z = 0.5 * rng.standard_normal((B, 3 * K))
    return (
        Case(
            {
                "dw": rng.standard_normal((B, E)),
                "dkappa": rng.standard_normal((B, K)),
                "z": z,
                "kappa": 3 * rng.random((B, K)) + np.exp(z[:, 2 * K :]),
                "C": rng.standard_normal((B, U, E)),
            }
        ),
    )


EXERCISE = Exercise(
    function="window_backward",
    outputs=(
        Output("dz", ("b", "column"), "αβκ"),
        Output("dkappa_prev", ("b", "k")),
        Output("dC", ("b", "u", "column")),
    ),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
