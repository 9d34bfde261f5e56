"""Exercise 1: the gradient of the embedding.

    x     (T, B)      ids of symbols, 0 <= x < V
    E     (V, D)      one row a symbol
    y     (T, B, D)   y = E[x], the rows that were looked up
    dy    (T, B, D)   the gradient of the loss with respect to y

Looking up rows is a product with a one-hot matrix, y = onehot(x) E, so that

    dE = onehot(x)ᵀ dy        row v of dE: the sum of dy over all places where symbol v stands

Hint: what should happen to a symbol that occurs twice? Try x = [[0, 0]] on paper.

Check: python -m minirnn.grade tutorials/exercises/01_embedding_backward.py
"""

import numpy as np


def embedding_backward(x, E, dy):
    """x (T, B) ids, E (V, D), dy (T, B, D) -> dE (V, D)."""
    raise NotImplementedError
