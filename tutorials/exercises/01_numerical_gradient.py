"""Exercise 1: the numerical gradient.

Difficulty: easy. Expected time: 20 minutes.

    f      a function: array of theta's shape -> a number
    theta  θ, an array of any shape, float64
    step   s, a small number

The derivative of f with respect to entry j of θ, by central differences (e_j is 1 at entry j, 0 elsewhere):

    ∂f/∂θ_j ≈ (f(θ + s e_j) - f(θ - s e_j)) / 2s

Return the array of all of them, in the shape of θ. All other gradients are checked with this one: it needs no
derivation, only patience. Leave theta as it was when you return.

Hints: python -m minirnn.grade --hint numerical_gradient 1      (2 and 3 say more, 3 the equations)
Check: python -m minirnn.grade tutorials/exercises/01_numerical_gradient.py
"""

import numpy as np


def numerical_gradient(f, theta, step):
    """f a function of an array, theta of any shape, step a number -> gradient, of theta's shape."""
    raise NotImplementedError
