"""Exercise 5: backpropagation through time, the vanilla RNN backward through all T steps.

Difficulty: hard. Expected time: 60 minutes.

The forward pass was, for t = 0 .. T-1, your rnn_step:

    h[t+1] = tanh(x[t] Wx + h[t] Wh + b)

It has left x (T, B, D) and h (T+1, B, H): h[0] is the state before the first step, and in step t, h[t] is the state
before it and h[t+1] the state after it. The outputs are h[1:]. The gradient of the loss with respect to them comes in
as dy (T, B, H); the state after the last step has no other use.

Return the gradients of the loss with respect to x, h[0], Wx, Wh and b.

Hints: python -m minirnn.grade --hint rnn_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/05_rnn_backward.py
"""

import numpy as np


def rnn_backward(dy, x, h, Wx, Wh):
    """dy (T, B, H), x (T, B, D), h (T+1, B, H), Wx (D, H), Wh (H, H)
    -> dx (T, B, D), dh0 (B, H), dWx (D, H), dWh (H, H), db (H,)."""
    raise NotImplementedError
