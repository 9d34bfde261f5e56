"""Exercise 6: the GRU, backward through all T steps.

The forward pass was, with the three blocks of Wx (D, 3H), Wh (H, 3H) and b (3H,) in the order r, u, n:

    r_t = σ(x_t Wx_r + h_{t-1} Wh_r + b_r)
    u_t = σ(x_t Wx_u + h_{t-1} Wh_u + b_u)
    m_t = h_{t-1} Wh_n + bn
    n_t = tanh(x_t Wx_n + b_n + r_t m_t)
    h_t = u_t h_{t-1} + (1 - u_t) n_t

What it has left: x (T, B, D); r, u, n, m (T, B, H); and h (T+1, B, H), whose h[0] is the state before the first step.
So in step t = 0 .. T-1 of the arrays, h[t] is the state before the step and h[t+1] the one after it. The gradient with
respect to the outputs h[1:] comes in as dy (T, B, H); nothing comes from behind the last step.

Backward, from the last step to the first; h_{t-1} is used in four places: r, u, m, and directly in h_t.

    dh_t   = dy_t + [dz_r, dz_u, dm]_{t+1} Whᵀ + dh_{t+1} u_{t+1}
    du, dn = dh (h_{t-1} - n), dh (1 - u)
    dz_n   = dn (1 - n²),   dr = dz_n m,   dm = dz_n r
    dz_r, dz_u = dr r(1-r), du u(1-u)
    dWx = Σ x_tᵀ [dz_r, dz_u, dz_n],   db the sum of the same,   dx_t = [dz_r, dz_u, dz_n] Wxᵀ
    dWh = Σ h_{t-1}ᵀ [dz_r, dz_u, dm],   dbn = Σ dm

dh0 is what the first step sends back to the state before it.

Hint: keep one array, what step t+1 sends back, zero at first. Begin each round with dh = dy[t] + that.

Check: python -m minirnn.grade tutorials/exercises/06_gru_backward.py
"""

import numpy as np


def gru_backward(dy, x, h, r, u, n, m, Wx, Wh):
    """dy, r, u, n, m (T, B, H), x (T, B, D), h (T+1, B, H), Wx (D, 3H), Wh (H, 3H)
    -> dx (T, B, D), dh0 (B, H), dWx (D, 3H), dWh (H, 3H), db (3H,), dbn (H,)."""
    raise NotImplementedError
