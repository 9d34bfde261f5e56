"""Exercise 15: one step of the attention window that reads the text (Graves 2013, equations 46 to 51).

Difficulty: middling. Expected time: 30 minutes.

    z           (B, 3K)     [α̂, β̂, κ̂], K columns each
    kappa_prev  (B, K)      κ_{t-1}, positions of the K Gaussians, counted in characters
    C           (B, U, E)   embeddings of the text's characters, u = 0 .. U-1

    α, β = exp α̂, exp β̂               height and sharpness
    κ_t  = κ_{t-1} + exp κ̂            the window only ever moves forward
    φ_u  = Σ_k α_k exp(-β_k (κ_k - u)²)
    w    = Σ_u φ_u C_u

Return w, κ_t and φ.

Hints: python -m minirnn.grade --hint window_forward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/15_window_forward.py
"""

import numpy as np


def window_forward(z, kappa_prev, C):
    """z (B, 3K), kappa_prev (B, K), C (B, U, E) -> w (B, E), kappa (B, K), phi (B, U)."""
    raise NotImplementedError
