"""Softmax and categorical cross-entropy in one layer, because together they are simple.

    z        (..., V)  logits
    targets  (...)     id of the symbol that really came next
    mask     (...)     True where the step counts; None: all count
    N                  number of steps that count

Equations:  p = exp(z) / Σ exp(z),   loss = -1/N Σ_counting log p[target]        (nats per symbol)

Subtracting the largest logit first changes nothing in p and keeps exp from overflowing.

Backward: d loss / dz = (p - onehot(target)) / N where the step counts, 0 elsewhere. (The softmax's Jacobian
p_i (δ_ij - p_j) times -1/p_target collapses to this.)
"""

import numpy as np


def forward(z, targets, mask=None):
    """z (..., V), targets (...), mask (...) -> loss (a scalar; 0 if nothing counts), cache."""
    V = z.shape[-1]
    flat, targets = z.reshape(-1, V), targets.reshape(-1)
    p = flat - flat.max(axis=1, keepdims=True)
    rows = np.arange(len(targets), like=targets)
    log_p = p[rows, targets]
    np.exp(p, out=p)
    total = p.sum(axis=1, keepdims=True)
    p /= total
    log_p = log_p - np.log(total[:, 0])
    if mask is None:
        weight = None
        loss = -log_p.mean()
    else:
        counts = mask.reshape(-1)
        weight = counts.astype(z.dtype) / np.maximum(counts.sum(), 1).astype(z.dtype)
        loss = -(log_p * weight).sum()
    return loss, (p, rows, targets, weight, z.shape)


def backward(cache, dloss=1.0):
    """-> dz (..., V), the gradient of ``dloss`` times the loss."""
    p, rows, targets, weight, shape = cache
    dz = p.copy()
    dz[rows, targets] -= 1
    if weight is None:
        dz *= dloss / len(targets)
    else:
        dz *= weight[:, None] * dloss
    return dz.reshape(shape)
