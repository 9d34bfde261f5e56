"""Exercise 7: one step of the LSTM, forward.

Difficulty: easy. Expected time: 20 minutes.

    x       (B, D)   input of this step            Wx  (D, 4H)
    h_prev  (B, H)   state before it, h_{t-1}      Wh  (H, 4H)     b  (4H,)
    c_prev  (B, H)   cell before it, c_{t-1}

The four gates stand side by side in one block of 4H columns, in the order i, f, o, g. With σ(z) = 1 / (1 + exp(-z)):

    z_t = x_t Wx + h_{t-1} Wh + b = [z_i, z_f, z_o, z_g]
    i, f, o = σ(z_i), σ(z_f), σ(z_o)        input, forget and output gate
    g       = tanh(z_g)                     what may be written into the cell
    c_t     = f c_{t-1} + i g
    h_t     = o tanh(c_t)

All products but those with Wx and Wh are element by element. Return h_t and c_t.

Hints: python -m minirnn.grade --hint lstm_step_forward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/07_lstm_step_forward.py
"""

import numpy as np


def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
    """x (B, D), h_prev, c_prev (B, H), Wx (D, 4H), Wh (H, 4H), b (4H,) -> h, c (B, H)."""
    raise NotImplementedError
