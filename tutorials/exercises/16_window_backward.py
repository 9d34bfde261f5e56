"""Exercise 16: one step of the attention window, backward.

Difficulty: hard. Expected time: 60 minutes.

    dw      (B, E)      gradient with respect to w
    dkappa  (B, K)      gradient with respect to κ_t, only of what step t+1 made of it
    z       (B, 3K)     [α̂, β̂, κ̂], as in the forward step (exercise 15)
    kappa   (B, K)      κ_t, after the move
    C       (B, U, E)   embeddings of the text's characters

Return the gradients of the loss with respect to z, κ_{t-1} and C.

Hints: python -m minirnn.grade --hint window_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/16_window_backward.py
"""

import numpy as np


def window_backward(dw, dkappa, z, kappa, C):
    """dw (B, E), dkappa (B, K), z (B, 3K), kappa (B, K), C (B, U, E)
    -> dz (B, 3K), dkappa_prev (B, K), dC (B, U, E)."""
    raise NotImplementedError
