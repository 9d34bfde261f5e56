"""Exercise 10: the GRU, backward through all T steps.

Difficulty: hard. Expected time: 75 minutes.

The forward pass was, with the three blocks of Wx (D, 3H), Wh (H, 3H) and b (3H,) in the order r, u, n, and one more
bias bn (H,), which must not be taken for b_n, the third block of b:

    r_t = σ(x_t Wx_r + h_{t-1} Wh_r + b_r)
    u_t = σ(x_t Wx_u + h_{t-1} Wh_u + b_u)
    m_t = h_{t-1} Wh_n + bn
    n_t = tanh(x_t Wx_n + b_n + r_t m_t)
    h_t = u_t h_{t-1} + (1 - u_t) n_t

What it has left: x (T, B, D); r, u, n, m (T, B, H); and h (T+1, B, H), whose h[0] is the state before the first step.
So in step t = 0 .. T-1 of the arrays, h[t] is the state before the step and h[t+1] the one after it. The gradient with
respect to the outputs h[1:] comes in as dy (T, B, H); the state after the last step has no other use.

Return the gradients of the loss with respect to x, h[0], Wx, Wh, b and bn.

Hints: python -m minirnn.grade --hint gru_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/10_gru_backward.py
"""

import numpy as np


def gru_backward(dy, x, h, r, u, n, m, Wx, Wh):
    """dy, r, u, n, m (T, B, H), x (T, B, D), h (T+1, B, H), Wx (D, 3H), Wh (H, 3H)
    -> dx (T, B, D), dh0 (B, H), dWx (D, 3H), dWh (H, 3H), db (3H,), dbn (H,)."""
    raise NotImplementedError
