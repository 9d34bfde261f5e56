"""Exercise 15: one step of the attention window that reads the text (`minirnn.layers.attention_window`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.layers import attention_window

OUTPUTS = (Output("w", ("b", "column")), Output("kappa", ("b", "k")), Output("phi", ("b", "u")))

HINTS = """
Write down the shape of every quantity first. One of them has three axes: the distance of every Gaussian from every
character, in every sequence.

K is kappa_prev.shape[1]; α̂, β̂, κ̂ are z[:, :K], z[:, K:2*K], z[:, 2*K:]. kappa[:, :, None] - np.arange(U) has the
shape (B, K, U). The sum over k is over axis 1. Characters are counted from 0.

alpha, beta, step = np.split(np.exp(z), 3, axis=1); kappa = kappa_prev + step; delta = kappa[:, :, None] -
np.arange(U); phi = (alpha[:, :, None] * np.exp(-beta[:, :, None] * delta**2)).sum(axis=1); w = (phi[:, :, None] *
C).sum(axis=1).
"""

MISTAKES = """
κ does not move on: κ is exp κ̂: the window jumps back to the start at every step. κ_t = κ_{t-1} + exp κ̂
    kappa_prev + np.exp(k) -> np.exp(k)

κ̂ without exp: κ̂ is added as it is, so the window can move backwards. exp κ̂ is always positive
    kappa_prev + np.exp(k) -> kappa_prev + k

φ from κ_{t-1}: φ is computed from the positions before the move. It uses κ_t
    delta = kappa[ -> delta = kappa_prev[

κ_{t-1} is returned: the kappa that is returned has not moved. The next step needs κ_t
    return w, kappa, -> return w, kappa_prev,

u counts from one: the characters are counted from 1. Here u is 0 for the first: u = 0 .. U-1
    np.arange(C.shape[1]) -> (np.arange(C.shape[1]) + 1)

distance not squared: the exponent is -β |κ - u|. It is -β (κ - u)²
    delta**2 -> np.abs(delta)

distance squared with β: the exponent is -(β (κ - u))². β is not squared: -β (κ - u)²
    beta[:, :, None] * delta**2 -> beta[:, :, None] ** 2 * delta**2

β halved: the exponent is -β (κ - u)² / 2. Graves's window has no half
    delta**2 -> delta**2 / 2

β as a width: the exponent is -(κ - u)² / β. β is the sharpness, it multiplies
    -beta[:, :, None] * -> -1 / beta[:, :, None] *

a density: each Gaussian is divided by its integral. Its height is α, whatever its sharpness
    alpha[:, :, None] * -> (alpha * np.sqrt(beta / np.pi))[:, :, None] *

exp of β̂ missing: β is β̂, which may be negative: then the window grows with the distance. β = exp β̂
    np.exp(b) -> b

exp of α̂ missing: α is α̂, which may be negative. α = exp α̂
    np.exp(a) -> a

softmax of α̂: the α of the K Gaussians are made to sum to one. α = exp α̂, each by itself
    np.exp(a) -> np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)

α forgotten: the Gaussians all have height 1. Each has its own α
    alpha[:, :, None] * ->

φ made to sum to one: φ is divided by its sum. This window is not a softmax: Σ φ may be anything
    G.sum(axis=1) -> G.sum(axis=1) / G.sum(axis=(1, 2))[:, None]

mean over the Gaussians: φ is divided by K. It is the sum over the Gaussians
    G.sum(axis=1) -> G.mean(axis=1)

order κ̂ β̂ α̂: the blocks of z are read in the wrong order. It is α̂, β̂, κ̂
    a, b, k = -> k, b, a =

order β̂ α̂ κ̂: α̂ and β̂ are exchanged. The order of the blocks of z is α̂, β̂, κ̂
    a, b, k = -> b, a, k =

order α̂ κ̂ β̂: β̂ and κ̂ are exchanged. The order of the blocks of z is α̂, β̂, κ̂
    a, b, k = -> a, k, b =

blocks interleaved: columns 0, 3, 6, .. are taken as α̂. The blocks stand side by side: z[:, :K]
    np.split(z, 3, axis=1) -> z[:, ::3], z[:, 1::3], z[:, 2::3]

w divided by Σ φ: w is a weighted mean. It is the weighted sum
    return w, -> return w / phi.sum(axis=1, keepdims=True),
"""


def solution(z, kappa_prev, C):
    """The exercise, solved plainly."""
    a, b, k = np.split(z, 3, axis=1)
    alpha, beta = np.exp(a), np.exp(b)
    kappa = kappa_prev + np.exp(k)
    delta = kappa[:, :, None] - np.arange(C.shape[1])
    G = alpha[:, :, None] * np.exp(-beta[:, :, None] * delta**2)
    phi = G.sum(axis=1)
    w = (phi[:, :, None] * C).sum(axis=1)
    return w, kappa, phi


def expected(z, kappa_prev, C):
    """The right results, from the package's own layers."""
    return attention_window.step_forward(z, kappa_prev, C)[:3]


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(B, K, U, E, before=0.0):
        return {
            "z": 0.5 * rng.standard_normal((B, 3 * K)),
            "kappa_prev": before + 3 * rng.random((B, K)),
            "C": rng.standard_normal((B, U, E)),
        }

    return (
        case(**inputs(3, 2, 5, 4)),
        case("for one Gaussian and a single sequence", **inputs(1, 1, 3, 2)),
        case("where the window has passed the end of the text", **inputs(2, 3, 4, 2, before=3.0)),
    )
