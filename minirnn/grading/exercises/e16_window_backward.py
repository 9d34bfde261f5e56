"""Exercise 16: one step of the attention window, backward (`minirnn.layers.attention_window`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import attention_window

OUTPUTS = (
    Output("dz", ("b", "column"), "αβκ"),
    Output("dkappa_prev", ("b", "k")),
    Output("dC", ("b", "u", "column")),
)

HINTS = """
Give the Gaussians a name, G_ku = α_k exp(-β_k (κ_k - u)²), and write down the derivative of G with respect to α, β
and κ: G itself stands in all three. κ_t is used here and in step t+1, so its error is a sum.

w = Σ φ_u C_u gives the error of φ_u, a product of dw with C_u, and that of C_u. dφ G is an array of the shape (B, K,
U); all of dα̂, dβ̂ and dκ are sums over u, .sum(axis=2), of it times a power of δ = κ - u. Since α = exp α̂, the
error of α̂ is α times that of α; the same holds for β and for the step that κ makes.

dφ_u = C_u · dw; dC_u = φ_u dw; dα̂_k = Σ_u dφ_u G_ku; dβ̂_k = -β_k Σ_u dφ_u G_ku δ_ku²; dκ_k = dkappa_k - 2 β_k Σ_u
dφ_u G_ku δ_ku; dκ̂_k = dκ_k exp κ̂_k; dκ_{t-1} = dκ_t; dz = [dα̂, dβ̂, dκ̂].
"""

MISTAKES = """
dκ of step t+1 forgotten: dκ is only the window's own part. What comes in as dkappa, from step t+1, has to be added
    dkappa - 2 -> -2

the window's own dκ forgotten: dκ is only what came in as dkappa. κ_t also stands in φ: -2 β Σ_u dφ G δ is missing
    dkappa - 2 * -> dkappa - 0 *

exp missing in dκ̂: dκ̂ is dκ. κ_t has exp κ̂ added, so dκ̂ = dκ exp κ̂
    dk * step -> dk

dκ_{t-1} times exp κ̂: dkappa_prev is dκ̂. κ_{t-1} is added as it is: its error is dκ itself
    dk * step]), dk, -> dk * step]), dk * step,

dκ_{t-1} as it came in: dkappa_prev is dkappa as it came in. κ_t's own part goes back to κ_{t-1} too
    dk * step]), dk, -> dk * step]), dkappa,

dκ_{t-1} without what came in: dkappa_prev is the window's own part only. What step t+1 said of κ_t goes back to
κ_{t-1} too
    dk * step]), dk, -> dk * step]), dk - dkappa,

sign of dκ: dκ's own part has the wrong sign. The derivative of -β (κ - u)² is -2 β (κ - u)
    dkappa - 2 -> dkappa + 2

2 missing in dκ: the derivative of (κ - u)² is 2 (κ - u)
    dkappa - 2 * -> dkappa -

β missing in dκ: the derivative of -β (κ - u)² with respect to κ is -2 β (κ - u)
    2 * beta -> 2

β missing in dβ̂: that is dβ. β = exp β̂, so dβ̂ = dβ β
    db = -beta -> db = -1

sign of dβ̂: dβ̂ has the wrong sign. A sharper Gaussian is smaller everywhere: -δ²
    db = -beta -> db = beta

δ not squared in dβ̂: the derivative of -β δ² with respect to β is -δ²
    E * delta**2 -> E * delta

dα in the place of dα̂: that is dα, with α divided out. α = exp α̂, so dα̂ = dα α = Σ_u dφ G
    da = E.sum(axis=2) -> da = E.sum(axis=2) / alpha

α twice in dα̂: α is multiplied once too often: G has it already. dα̂ = Σ_u dφ G
    da = E.sum(axis=2) -> da = E.sum(axis=2) * alpha

α missing in G: G is exp(-β δ²) without its height α
    alpha[:, :, None] * ->

u counts from one: the characters are counted from 1. Here u is 0 for the first: u = 0 .. U-1
    np.arange(C.shape[1]) -> (np.arange(C.shape[1]) + 1)

δ from κ_{t-1}: δ is taken from the positions before the move. kappa is κ_t already: nothing is taken away or added
    delta = kappa[ -> delta = (kappa - step)[
    delta = kappa[ -> delta = (kappa + step)[

dC without φ: dC_u is dw for every u. C_u was weighted with φ_u: dC_u = φ_u dw
    phi[:, :, None] * dw -> 0 * phi[:, :, None] + dw

dC with dφ: dC_u is dφ_u dw. C_u was weighted with φ_u: dC_u = φ_u dw
    phi[:, :, None] * dw -> dphi[:, :, None] * dw

order κ̂ β̂ α̂: the blocks of dz are in the wrong order. It is α̂, β̂, κ̂
    [da, db, dk * step] -> [dk * step, db, da]

order β̂ α̂ κ̂: dα̂ and dβ̂ are exchanged. The order of the blocks of dz is α̂, β̂, κ̂
    [da, db, -> [db, da,
"""


def solution(dw, dkappa, z, kappa, C):
    """The exercise, solved plainly."""
    alpha, beta, step = np.split(np.exp(z), 3, axis=1)
    delta = kappa[:, :, None] - np.arange(C.shape[1])
    G = alpha[:, :, None] * np.exp(-beta[:, :, None] * delta**2)
    phi = G.sum(axis=1)
    dphi = (C * dw[:, None, :]).sum(axis=2)
    E = dphi[:, None, :] * G
    da = E.sum(axis=2)
    db = -beta * (E * delta**2).sum(axis=2)
    dk = dkappa - 2 * beta * (E * delta).sum(axis=2)
    return np.hstack([da, db, dk * step]), dk, phi[:, :, None] * dw[:, None, :]


def expected(dw, dkappa, z, kappa, C):
    """Central differences through the package's own layer."""
    kappa_prev = kappa - np.exp(z[:, 2 * kappa.shape[1] :])

    def f():
        w, moved, _, _ = attention_window.step_forward(z, kappa_prev, C)
        return (w * dw).sum() + (moved * dkappa).sum()

    return gradients(f, z, kappa_prev, C)


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(B, K, U, E, size=1.0):
        normal = rng.standard_normal
        z = 0.5 * normal((B, 3 * K))
        kappa = 3 * rng.random((B, K)) + np.exp(z[:, 2 * K :])
        dw, dkappa = size * normal((B, E)), size * normal((B, K))
        return {"dw": dw, "dkappa": dkappa, "z": z, "kappa": kappa, "C": normal((B, U, E))}

    return (
        case(**inputs(3, 2, 5, 4)),
        case("for one Gaussian and a single sequence", **inputs(1, 1, 3, 2)),
        case("where the errors are large", **inputs(2, 2, 4, 3, size=100.0)),
    )
