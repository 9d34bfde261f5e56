"""Exercise 7: one step of Adam (Kingma and Ba 2015, algorithm 1).

    theta  θ, the parameter                     lr            η
    g      its gradient                         beta1, beta2  β1, β2
    m, s   running means, zero at first         eps           ε
    t      number of this step, 1 at first

    m ← β1 m + (1 - β1) g
    s ← β2 s + (1 - β2) g²
    m̂, ŝ = m / (1 - β1ᵗ), s / (1 - β2ᵗ)
    θ ← θ - η m̂ / (√ŝ + ε)

theta, g, m and s are of one shape, whichever it is. Return new arrays; the old ones stay as they are.

Hint: at t = 1 with m = s = 0, m̂ is g and ŝ is g². What is the step then, and why is it good that it is so?

Check: python -m minirnn.grade tutorials/exercises/07_adam_step.py
"""

import numpy as np


def adam_step(theta, g, m, s, t, lr, beta1, beta2, eps):
    """theta, g, m, s of one shape; t, lr, beta1, beta2, eps numbers -> the new theta, m, s."""
    raise NotImplementedError
