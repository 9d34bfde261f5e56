"""Exercise 9: the LSTM, backward through all T steps.

Difficulty: hard. Expected time: 60 minutes.

The forward pass was, for t = 0 .. T-1, your lstm_step_forward from h[t], c[t] to h[t+1], c[t+1]. It has left

    x      (T, B, D)      the inputs
    h, c   (T+1, B, H)    h[0], c[0] before the first step; h[t], c[t] before step t and h[t+1], c[t+1] after it
    gates  (T, B, 4H)     [i, f, o, g] of every step, the values after σ and tanh

and the weights Wx (D, 4H), Wh (H, 4H). The gradient of the loss with respect to the outputs h[1:] comes in as dy
(T, B, H); the state after the last step has no other use.

Return the gradients of the loss with respect to x, h[0], c[0], Wx, Wh and b. You may call your
lstm_step_backward; paste it into this file.

Hints: python -m minirnn.grade --hint lstm_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/09_lstm_backward.py
"""

import numpy as np


def lstm_backward(dy, x, h, c, gates, Wx, Wh):
    """dy (T, B, H), x (T, B, D), h, c (T+1, B, H), gates (T, B, 4H), Wx (D, 4H), Wh (H, 4H)
    -> dx (T, B, D), dh0, dc0 (B, H), dWx (D, 4H), dWh (H, 4H), db (4H,)."""
    raise NotImplementedError
