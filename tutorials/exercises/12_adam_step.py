"""Exercise 12: one step of Adam (Kingma and Ba 2015, algorithm 1).

Difficulty: easy. Expected time: 20 minutes.

    theta  θ, the parameter                     lr            η
    g      its gradient                         beta1, beta2  β1, β2
    m, s   running means, zero at first         eps           ε
    t      number of this step, 1 at first

    m ← β1 m + (1 - β1) g
    s ← β2 s + (1 - β2) g²
    m̂, ŝ = m / (1 - β1ᵗ), s / (1 - β2ᵗ)
    θ ← θ - η m̂ / (√ŝ + ε)

theta, g, m and s are of one shape, with any number of axes. Return new arrays θ, m and s; the old ones stay as they
are.

Hints: python -m minirnn.grade --hint adam_step 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/12_adam_step.py
"""

import numpy as np


def adam_step(theta, g, m, s, t, lr, beta1, beta2, eps):
    """theta, g, m, s of one shape; t, lr, beta1, beta2, eps numbers -> the new theta, m, s."""
    raise NotImplementedError
