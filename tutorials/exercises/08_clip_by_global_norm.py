"""Exercise 8: clipping gradients by their global norm (Pascanu et al. 2013, algorithm 1).

    grads     {"Wx": array, "Wh": array, ...}, gradients of any shapes
    max_norm  the largest norm that is let through

    norm = √(Σ g²)       over all entries of all arrays: the length of the gradient as one long vector

If norm is larger than max_norm, every array is multiplied by max_norm / norm; otherwise all stay as they are.
Return a dict of new arrays under the same keys, and the norm as it was before.

Hint: {key: ... for key, g in grads.items()} makes the new dict. What happens when every gradient is zero?

Check: python -m minirnn.grade tutorials/exercises/08_clip_by_global_norm.py
"""

import numpy as np


def clip_by_global_norm(grads, max_norm):
    """grads a dict of arrays, max_norm a number -> clipped (a dict of arrays), norm (a number)."""
    raise NotImplementedError
