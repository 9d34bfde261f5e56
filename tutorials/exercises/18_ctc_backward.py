"""Exercise 18: connectionist temporal classification, the gradient.

Difficulty: hard. Expected time: 75 minutes.

    log_p      (T, V)      log softmax of the logits z: log_p = z - log Σ exp z, row by row
    y          (U,)        the text, ids from 1 to V-1
    log_alpha  (T, 2U+1)   the forward variables of exercise 17
    loss                   -log P

Return dz (T, V), the gradient of the loss with respect to the logits z. It has to work for hundreds of frames.

Hints: python -m minirnn.grade --hint ctc_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/18_ctc_backward.py
"""

import numpy as np


def ctc_backward(log_p, y, log_alpha, loss):
    """log_p (T, V), y (U,) ids, log_alpha (T, 2U+1), loss a number -> dz (T, V)."""
    raise NotImplementedError
