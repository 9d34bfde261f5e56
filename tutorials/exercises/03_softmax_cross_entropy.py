"""Exercise 3: softmax and cross-entropy, forward and backward.

Difficulty: middling. Expected time: 45 minutes.

    z        (T, B, V)   logits
    targets  (T, B)      id of the symbol that really came
    mask     (T, B)      True where the step counts
    N                    number of steps that count

    p    = exp(z) / Σ exp(z)                          the sum runs over the V symbols
    loss = -1/N Σ_counting log p[target]              nats per symbol

Return loss and dz (T, B, V), the gradient of the loss with respect to z. It has to work for every z: for logits of a
thousand, for rows that lie far apart, and for a target whose p is exp(-800).

Hints: python -m minirnn.grade --hint softmax_cross_entropy 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/03_softmax_cross_entropy.py
"""

import numpy as np


def softmax_cross_entropy(z, targets, mask):
    """z (T, B, V), targets (T, B) ids, mask (T, B) bool -> loss (a number), dz (T, B, V)."""
    raise NotImplementedError
