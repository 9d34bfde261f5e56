"""Exercise 5: one step of the LSTM, backward.

What comes in from the loss and from step t+1, and what the forward step (exercise 4) has left:

    dh, dc  (B, H)    gradients with respect to h_t and to c_t (dc only of what step t+1 made of c_t)
    x       (B, D)    h_prev, c_prev (B, H), Wx (D, 4H), Wh (H, 4H): as in the forward step
    gates   (B, 4H)   [i, f, o, g], behind σ and tanh
    c       (B, H)    c_t

    do  = dh tanh(c_t)
    dc += dh o (1 - tanh(c_t)²)             c_t is used twice: in h_t and in c_{t+1}; both paths add up
    di, df, dg = dc g, dc c_{t-1}, dc i
    dc_{t-1} = dc f
    dz_i, dz_f, dz_o = di i(1-i), df f(1-f), do o(1-o);   dz_g = dg (1 - g²)

and with dz = [dz_i, dz_f, dz_o, dz_g] (B, 4H):

    dx = dz Wxᵀ,   dh_{t-1} = dz Whᵀ,   dWx = x_tᵀ dz,   dWh = h_{t-1}ᵀ dz,   db = the sum of dz over the batch

Hint: do not write into dc, the caller's array: dc = dc + ... makes a new one, dc += ... does not. Every gradient has
the shape of what it is the gradient of; look at the shapes when a product does not fit.

Check: python -m minirnn.grade tutorials/exercises/05_lstm_step_backward.py
"""

import numpy as np


def lstm_step_backward(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
    """dh, dc, h_prev, c_prev, c (B, H), x (B, D), gates (B, 4H), Wx (D, 4H), Wh (H, 4H)
    -> dx (B, D), dh_prev, dc_prev (B, H), dWx (D, 4H), dWh (H, 4H), db (4H,)."""
    raise NotImplementedError
