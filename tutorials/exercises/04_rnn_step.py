"""Exercise 4: one step of the vanilla recurrent layer.

Difficulty: easy. Expected time: 10 minutes.

    x       (B, D)   input of this step            Wx  (D, H)
    h_prev  (B, H)   state before it, h_{t-1}      Wh  (H, H)     b  (H,)
    h       (B, H)   state after it, h_t

    h_t = tanh(x_t Wx + h_{t-1} Wh + b)

Return h.

Hints: python -m minirnn.grade --hint rnn_step 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/04_rnn_step.py
"""

import numpy as np


def rnn_step(x, h_prev, Wx, Wh, b):
    """x (B, D), h_prev (B, H), Wx (D, H), Wh (H, H), b (H,) -> h (B, H)."""
    raise NotImplementedError
