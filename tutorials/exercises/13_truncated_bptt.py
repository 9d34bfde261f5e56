"""Exercise 13: truncated backpropagation through time.

Difficulty: middling. Expected time: 30 minutes.

A long sequence is cut into chunks of k steps; the last chunk is shorter where T is no multiple of k. Forward, the state
is carried from chunk to chunk. Backward, the gradient stops at the start of each chunk: what a later chunk would say of
the state that came in is left out.

    x   (T, B, D)   the whole sequence          Wx  (D, H)
    h0  (B, H)      state before the first step Wh  (H, H)     b  (H,)
    dy  (T, B, H)   gradient with respect to each output
    k               steps per chunk

The layer is the vanilla RNN, h_t = tanh(x_t Wx + h_{t-1} Wh + b). You may use the package's own for one chunk:

    y, state, cache = rnn.forward(x, state, params)          state a tuple, (h,); params {"Wx": Wx, "Wh": Wh, "b": b}
    dx, dstate, grads = rnn.backward(dy, dstate, cache)      dstate None: no error of the last state

Return the outputs y (T, B, H), the state h after the last step, and the sums over all chunks of dWx, dWh and db.
(The weights stay the same in all chunks here. In training, a step of the optimiser follows every chunk.)

Hints: python -m minirnn.grade --hint truncated_bptt 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/13_truncated_bptt.py
"""

import numpy as np

from minirnn.layers import rnn


def truncated_bptt(x, h0, dy, Wx, Wh, b, k):
    """x (T, B, D), h0 (B, H), dy (T, B, H), Wx (D, H), Wh (H, H), b (H,), k > 0
    -> y (T, B, H), h (B, H), dWx (D, H), dWh (H, H), db (H,)."""
    raise NotImplementedError
