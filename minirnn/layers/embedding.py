"""Embedding: every symbol has a row of its own.

    E     (V, D)   one row per symbol
    x     (T, B)   ids of symbols
    y     (T, B, D)

Equation: y = E[x]. That is the product of a one-hot matrix with E, of which only the chosen rows are computed:
y = onehot(x) E, with onehot(x) (TB, V).

Backward: by the rule for a product, dE = onehot(x)ᵀ dy: row v of dE sums dy over all places where symbol v
stands. (``dE[x] += dy`` would be wrong: a symbol that occurs twice would keep only its last dy.) There is no dx, since
an id cannot change by a small amount.
"""

import numpy as np

from minirnn import backend


def shapes(V, D):
    """E (V, D): the shape of the parameter by name."""
    return {"E": (V, D)}


def init(rng, V, D, dtype=np.float32):
    """E (V, D) from N(0, 1). ``rng``: `numpy.random.Generator`."""
    return {"E": rng.standard_normal((V, D)).astype(dtype)}


def forward(x, params):
    """x (...) ids -> y (..., D), cache."""
    E = params["E"]
    return E[x], (x, E)


def backward(dy, cache):
    """dy (..., D) -> grads, {"E": (V, D)}. There is no dx, since ids are discrete."""
    x, E = cache
    V, D = E.shape
    ids = np.arange(V, like=E)[:, None]
    onehot = backend.empty((V, x.size), like=E)  # transposed: (V, TB)
    onehot[:] = ids == x.reshape(1, -1)
    return {"E": onehot @ dy.reshape(-1, D)}
