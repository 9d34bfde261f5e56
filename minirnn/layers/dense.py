"""Dense: the same affine map at every time step.

    x  (..., D)    W  (D, H)    b  (H,)    y  (..., H)

Equation: y = x W + b

Backward: dx = dy Wᵀ,  dW = xᵀ dy,  db = the sum of dy over all steps and sequences.
"""

import numpy as np

from minirnn import backend


def shapes(D, H):
    """W (D, H), b (H,): the shapes of the parameters by name."""
    return {"W": (D, H), "b": (H,)}


def init(rng, D, H, dtype=np.float32):
    """W (D, H) uniform in ±1/√D, b (H,) zero. ``rng``: `numpy.random.Generator`."""
    return {"W": backend.uniform(rng, 1 / np.sqrt(D), (D, H), dtype), "b": np.zeros(H, dtype)}


def forward(x, params):
    """x (..., D) -> y (..., H), cache."""
    W, b = params["W"], params["b"]
    y = x.reshape(-1, x.shape[-1]) @ W
    y += b
    return y.reshape(*x.shape[:-1], -1), (x, W)


def backward(dy, cache):
    """dy (..., H) -> dx (..., D), grads."""
    x, W = cache
    dy = dy.reshape(-1, dy.shape[-1])
    dW = x.reshape(-1, x.shape[-1]).T @ dy
    dx = (dy @ W.T).reshape(x.shape)
    return dx, {"W": dW, "b": dy.sum(axis=0)}
