"""Inverted dropout: in training, every unit is set to zero with probability p, and the others are scaled up.

Equation (Srivastava et al. 2014, scaled at training time): y = x m, with m = 0 with probability p and
1 / (1 - p) otherwise, so that the mean of y is x and nothing has to be done when the network is used.

It is used between layers and never inside the recurrence, since a state that loses units at every step forgets
(Zaremba et al. 2014).

Backward: dx = dy m, with the same mask as in the forward pass.
"""

from minirnn import backend


def draw_mask(rng, p, like):
    """A mask m (...) of ``like``'s shape, dtype and device. ``rng``: `numpy.random.Generator`; 0 <= p < 1."""
    # 16 random bits per unit are enough and five times faster than a float: p is met to within 1/65536.
    threshold = min(round(p * 65536), 65535)
    kept = backend.random_bits(rng, like) >= threshold
    m = kept.astype(like.dtype)
    m *= 65536 / (65536 - threshold)
    return m


def forward(x, m):
    """x (...), mask m (...) of the same shape, or None when the network is used -> y (...), cache."""
    return (x if m is None else x * m), m


def backward(dy, cache):
    """dy (...) -> dx (...)."""
    m = cache
    return dy if m is None else dy * m
