"""Exercise 12: one step of the window that reads the text, backward.

    dw      (B, E)      gradient with respect to w
    dkappa  (B, K)      gradient with respect to κ_t, only of what step t+1 made of it
    z       (B, 3K)     [α̂, β̂, κ̂], as in the forward step (exercise 11)
    kappa   (B, K)      κ_t, after the move
    C       (B, U, E)   embeddings of the text's characters

With G_ku = α_k exp(-β_k (κ_k - u)²) and δ_ku = κ_k - u, so that φ_u = Σ_k G_ku and w = Σ_u φ_u C_u:

    dφ_u  = C_u · dw
    dα̂_k  = Σ_u dφ_u G_ku                   (dα α: G is proportional to α)
    dβ̂_k  = -β_k Σ_u dφ_u G_ku δ_ku²
    dκ_k += -2 β_k Σ_u dφ_u G_ku δ_ku       κ_t is used here and in κ_{t+1}: both errors add up
    dκ̂_k  = dκ_k exp κ̂_k;   dκ_{t-1} = dκ_t
    dC_u  = φ_u dw

dz (B, 3K) is [dα̂, dβ̂, dκ̂].

Hint: G, δ and dφ G are arrays of the shape (B, K, U); every sum over u is .sum(axis=2).

Check: python -m minirnn.grade tutorials/exercises/12_window_backward.py
"""

import numpy as np


def window_backward(dw, dkappa, z, kappa, C):
    """dw (B, E), dkappa (B, K), z (B, 3K), kappa (B, K), C (B, U, E)
    -> dz (B, 3K), dkappa_prev (B, K), dC (B, U, E)."""
    raise NotImplementedError
