"""Exercise 10: sampling with a temperature.

    z            (B, V)   logits, one row a sequence
    temperature  > 0      below 1 likely symbols become likelier, above 1 the choice gets bolder
    u            (B,)     random numbers, uniform in [0, 1), one a sequence

    p = exp(z / temperature) / Σ exp(z / temperature)          for each row

Cut [0, 1) into V intervals of lengths p_0, p_1, .., in this order. The symbol that is drawn is the one in whose
interval u lies: the smallest v with p_0 + .. + p_v > u. (All chance is in u, so that the result can be checked.)

Hint: np.cumsum. And as in exercise 2, exp must not overflow: a low temperature makes the logits large.

Check: python -m minirnn.grade tutorials/exercises/10_sample.py
"""

import numpy as np


def sample(z, temperature, u):
    """z (B, V), temperature a number, u (B,) -> ids (B,), integers."""
    raise NotImplementedError
