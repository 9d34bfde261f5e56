"""Exercise 6: dropout, forward and backward (Srivastava et al. 2014).

Difficulty: easy. Expected time: 15 minutes.

    x   (T, B, H)   outputs of a layer
    u   (T, B, H)   random numbers, uniform in [0, 1), one for each entry
    p               probability that a unit is silent, 0 <= p < 1
    dy  (T, B, H)   gradient of the loss with respect to y

    y = 0          where u < p
        x a        elsewhere, with the number a that makes the mean of y over all u equal to x

Return y and dx, the gradient of the loss with respect to x. (All chance is in u, so that the result can be checked.)

Hints: python -m minirnn.grade --hint dropout 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/06_dropout.py
"""

import numpy as np


def dropout(x, u, p, dy):
    """x, u, dy (T, B, H), p a number -> y, dx (T, B, H)."""
    raise NotImplementedError
