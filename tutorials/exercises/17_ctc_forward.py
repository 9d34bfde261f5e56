"""Exercise 17: connectionist temporal classification, the loss (Graves et al. 2006).

Difficulty: hard. Expected time: 75 minutes.

    log_p  (T, V)   logarithm of the probability of every symbol in every frame; symbol 0 is the blank
    y      (U,)     the text, ids from 1 to V-1, U >= 1

A *path* names one symbol per frame. It spells a text if that text is left when first all repeats of a symbol are merged
and then all blanks are removed: with - for the blank, a a - b b and - a - b spell "ab", and a repeated letter needs a
blank in between. The probability of a path is the product of p_t of its symbols, and

    P = the sum of the probabilities of all paths that spell y,          loss = -log P

Let l be the text with a blank before, between and after its characters: S = 2U + 1 places, l[0::2] = 0, l[1::2] = y.
Let α_t(s) be the sum over the beginnings of such paths, frames 0 .. t, that are at place s in frame t (p_t of that
frame included). Find how α_t follows from α_{t-1}, where α begins, and how P is made from the last of them.

Return log_alpha (T, S), the logarithm of α, -np.inf where α is 0, and loss. It has to work for hundreds of frames,
where α itself is smaller than any float.

Hints: python -m minirnn.grade --hint ctc_forward 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/17_ctc_forward.py
"""

import numpy as np


def ctc_forward(log_p, y):
    """log_p (T, V), y (U,) ids -> log_alpha (T, 2U+1), loss (a number)."""
    raise NotImplementedError
