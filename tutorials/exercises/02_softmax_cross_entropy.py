"""Exercise 2: softmax and cross-entropy, forward and backward.

    z        (T, B, V)   logits
    targets  (T, B)      id of the symbol that really came
    mask     (T, B)      True where the step counts
    N                    number of steps that count

    p    = exp(z) / Σ exp(z)                          the sum runs over the V symbols
    loss = -1/N Σ_counting log p[target]              nats a symbol
    dz   = (p - onehot(target)) / N                   where the step counts, 0 elsewhere

It has to work for every z: for logits of a thousand, and for a target whose p is exp(-800).

Hint: exp(z - a) / Σ exp(z - a) is the same for every a. And log p = z - log Σ exp z, in which p does not occur.

Check: python -m minirnn.grade tutorials/exercises/02_softmax_cross_entropy.py
"""

import numpy as np


def softmax_cross_entropy(z, targets, mask):
    """z (T, B, V), targets (T, B) ids, mask (T, B) bool -> loss (a number), dz (T, B, V)."""
    raise NotImplementedError
