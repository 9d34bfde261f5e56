"""Exercise 11: clipping gradients by their global norm (Pascanu et al. 2013, algorithm 1).

Difficulty: easy. Expected time: 15 minutes.

    grads     {"Wx": array, "Wh": array, ...}, gradients of any shapes
    max_norm  the largest norm that is let through

    norm = √(Σ g²)       over all entries of all arrays: the length of the gradient as one long vector

If norm is larger than max_norm, every array is multiplied by max_norm / norm; otherwise all stay as they are.
Return a dict of new arrays under the same keys, and the norm as it was before.

Hints: python -m minirnn.grade --hint clip_by_global_norm 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/11_clip_by_global_norm.py
"""

import numpy as np


def clip_by_global_norm(grads, max_norm):
    """grads a dict of arrays, max_norm a number -> clipped (a dict of arrays), norm (a number)."""
    raise NotImplementedError
