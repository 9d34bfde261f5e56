"""Exercise 14: sampling with a temperature.

Difficulty: middling. Expected time: 25 minutes.

    z            (B, V)   logits, one row per sequence
    temperature  > 0      below 1 likely symbols become likelier, above 1 the choice gets bolder
    u            (B,)     random numbers, uniform in [0, 1), one per sequence

    p = exp(z / temperature) / Σ exp(z / temperature)          for each row

Cut [0, 1) into V intervals of lengths p_0, p_1, .., in this order. The symbol that is drawn is the one in whose
interval u lies: the smallest v with p_0 + .. + p_v > u. Return the ids that are drawn, as one array. (All chance is in
u, so that the result can be checked.)

Hints: python -m minirnn.grade --hint sample 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/14_sample.py
"""

import numpy as np


def sample(z, temperature, u):
    """z (B, V), temperature a number, u (B,) -> ids (B,), integers."""
    raise NotImplementedError
