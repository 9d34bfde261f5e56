"""The attention window, a soft window that slides over the text (Graves 2013, section 5.1): where the pen is in it.

    h      (B, H)       state of the recurrent layer below
    W, b   (H, 3K), (3K,)
    C      (B, U, E)    embeddings of the text's characters; those past a text's end are zero
    κ      (B, K)       positions of the K Gaussians, counted in characters
    φ      (B, U)       weight of each character
    w      (B, E)       what the pen now knows of the text

Equations, for each step t (Graves's 46 to 51):

    [α̂, β̂, κ̂] = h W + b
    α, β = exp α̂, exp β̂               height and sharpness
    κ_t  = κ_{t-1} + exp κ̂            the window only ever moves forward
    φ_u  = Σ_k α_k exp(-β_k (κ_k - u)²)
    w    = Σ_u φ_u C_u

Backward, with G_ku = α_k exp(-β_k (κ_k - u)²) and δ_ku = κ_k - u:

    dφ_u = C_u · dw
    dα̂_k = Σ_u dφ_u G_ku                    (dα α: G is proportional to α)
    dβ̂_k = -β_k Σ_u dφ_u G_ku δ_ku²
    dκ_k += -2 β_k Σ_u dφ_u G_ku δ_ku       κ_t is used here and in κ_{t+1}: both errors add up
    dκ̂_k = dκ_k exp κ̂_k;   dκ_{t-1} = dκ_t
    dC_u = Σ_t φ_tu dw_t                     done for all steps at once, after the loop

The window is one step, not a loop over time: w_t goes into the recurrent layer's next step, so the loop belongs
to `minirnn.layers.windowed_lstm`, which also computes the product h W for this layer.
"""

import numpy as np

from minirnn import backend


def init(rng, H, K, rate, dtype=np.float32):
    """W (H, 3K) small, b (3K,) such that the window starts wide (β = 1/2) and moves ``rate`` characters per step."""
    W = (0.075 * rng.standard_normal((H, 3 * K)) / np.sqrt(H)).astype(dtype)
    b = np.zeros(3 * K, dtype)
    b[:K] = -np.log(K)
    b[K : 2 * K] = np.log(0.5)
    b[2 * K :] = np.log(rate)
    return {"W": W, "b": b}


def step_forward(z, kappa_prev, C):
    """z = h W + b (B, 3K), kappa_prev (B, K), C (B, U, E) -> w (B, E), kappa (B, K), phi (B, U), cache."""
    K = kappa_prev.shape[1]
    exp_z = np.exp(z)  # alpha, beta and the step of kappa
    alpha, beta = exp_z[:, :K], exp_z[:, K : 2 * K]
    kappa = kappa_prev + exp_z[:, 2 * K :]
    u = np.arange(C.shape[1], dtype=C.dtype, like=C)
    delta = kappa[:, :, None] - u  # (B, K, U)
    G = delta * delta
    G *= -beta[:, :, None]
    np.exp(G, out=G)
    G *= alpha[:, :, None]
    phi = G.sum(axis=1)
    w = np.matmul(phi[:, None, :], C)[:, 0]
    return w, kappa, phi, (exp_z, delta, G)


def step_backward(dw, dkappa, C, cache):
    """dw (B, E), dkappa (B, K) from the step after, C (B, U, E) -> dz (B, 3K), dkappa (B, K) for the step before.

    dC is left to the caller, which computes it from φ and dw for all steps at once."""
    exp_z, delta, G = cache
    K = delta.shape[1]
    dphi = np.matmul(C, dw[:, :, None])[:, :, 0]
    dG_G = G * dphi[:, None, :]
    dz = backend.empty(exp_z.shape, like=exp_z)
    dz[:, :K] = dG_G.sum(axis=2)
    dG_G *= delta
    beta = exp_z[:, K : 2 * K]
    dkappa = dkappa - 2 * beta * dG_G.sum(axis=2)
    dG_G *= delta
    dz[:, K : 2 * K] = -beta * dG_G.sum(axis=2)
    dz[:, 2 * K :] = dkappa * exp_z[:, 2 * K :]
    return dz, dkappa
