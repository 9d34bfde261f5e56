"""Exercise 8: one step of the LSTM, backward.

Difficulty: middling. Expected time: 60 minutes.

What comes in from the loss and from step t+1, and what the forward step (exercise 7) has left:

    dh, dc  (B, H)    gradients with respect to h_t and to c_t (dc only of what step t+1 made of c_t)
    x       (B, D)    h_prev, c_prev (B, H), Wx (D, 4H), Wh (H, 4H): as in the forward step
    gates   (B, 4H)   [i, f, o, g], the values after σ and tanh
    c       (B, H)    c_t

Return the gradients of the loss with respect to x_t, h_{t-1}, c_{t-1}, Wx, Wh and b.

Hints: python -m minirnn.grade --hint lstm_step_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/08_lstm_step_backward.py
"""

import numpy as np


def lstm_step_backward(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
    """dh, dc, h_prev, c_prev, c (B, H), x (B, D), gates (B, 4H), Wx (D, 4H), Wh (H, 4H)
    -> dx (B, D), dh_prev, dc_prev (B, H), dWx (D, 4H), dWh (H, 4H), db (4H,)."""
    raise NotImplementedError
