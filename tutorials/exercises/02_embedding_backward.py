"""Exercise 2: the gradient of the embedding.

Difficulty: easy. Expected time: 20 minutes.

    x     (T, B)      ids of symbols, 0 <= x < V
    E     (V, D)      one row per symbol
    y     (T, B, D)   y = E[x], the rows that were looked up
    dy    (T, B, D)   the gradient of the loss with respect to y

Return dE (V, D), the gradient of the loss with respect to E.

Hints: python -m minirnn.grade --hint embedding_backward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/02_embedding_backward.py
"""

import numpy as np


def embedding_backward(x, E, dy):
    """x (T, B) ids, E (V, D), dy (T, B, D) -> dE (V, D)."""
    raise NotImplementedError
