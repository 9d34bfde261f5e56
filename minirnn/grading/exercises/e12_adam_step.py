"""Exercise 12: one step of Adam (`minirnn.training.optimisers.Adam`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.training.optimisers import Adam

OUTPUTS = (Output("theta", ("row", "column")), Output("m", ("row", "column")), Output("s", ("row", "column")))

HINTS = """
At t = 1 with m = s = 0, m̂ is g and ŝ is g². What is the step then, and why is it good that it is so?

All operations are element by element, so nothing depends on the number of axes. Compute the new m and s first, then
m̂ and ŝ from them under other names: what is returned are m and s, not m̂ and ŝ.

m = beta1 * m + (1 - beta1) * g; s = beta2 * s + (1 - beta2) * g**2; m_hat = m / (1 - beta1**t); s_hat = s / (1 -
beta2**t); theta = theta - lr * m_hat / (np.sqrt(s_hat) + eps); return theta, m, s.
"""

MISTAKES = """
no bias correction: m and s begin at zero and are too small at first. Divide by 1 - β1ᵗ and 1 - β2ᵗ
    m_hat = m / (1 - beta1**t) -> m_hat = m
    and s_hat = s / (1 - beta2**t) -> s_hat = s

bias correction of m only: s is not divided by 1 - β2ᵗ
    s_hat = s / (1 - beta2**t) -> s_hat = s

bias correction of s only: m is not divided by 1 - β1ᵗ
    m_hat = m / (1 - beta1**t) -> m_hat = m

t counts from zero: the powers are of t - 1. t is 1 at the first step, where 1 - β⁰ would be zero
    **t -> **(t - 1)

t counted once more: the powers are of t + 1. t is 1 at the first step already
    **t -> **(t + 1)

β without its power: the bias is undone with 1 - β at every step. It is 1 - βᵗ, which goes to one
    **t ->

β times t: β is multiplied by t. It is raised to the power t: 1 - βᵗ
    **t -> * t

m̂ and ŝ are kept: the m and s that are returned have been divided by 1 - βᵗ. That is for this step's θ only; the next
step needs the running means themselves
    return theta, m, s -> return theta, m_hat, s_hat

β1 and β2 exchanged: m decays with β2 and s with β1
    m = beta1 * m -> beta1, beta2 = beta2, beta1; m = beta1 * m

β and 1 - β exchanged: the old mean is weighted with 1 - β and the new gradient with β
    beta1 * m + (1 - beta1) * g -> (1 - beta1) * m + beta1 * g
    and beta2 * s + (1 - beta2) * g**2 -> (1 - beta2) * s + beta2 * g**2

ε inside the root: the denominator is √(ŝ + ε). It is √ŝ + ε
    np.sqrt(s_hat) + eps -> np.sqrt(s_hat + eps)

TensorFlow's ε: ε is added to √s, before the bias is undone (the form of the paper's section 2, which TensorFlow has).
Here it is added to √ŝ
    lr * m_hat / (np.sqrt(s_hat) + eps) -> lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(s) + eps)

no ε: ε is not added. It keeps the step finite where ŝ is zero
    np.sqrt(s_hat) + eps -> np.sqrt(s_hat)

ε added to the quotient: ε is added to the quotient. It belongs into the denominator: m̂ / (√ŝ + ε)
    lr * m_hat / (np.sqrt(s_hat) + eps) -> lr * (m_hat / np.sqrt(s_hat) + eps)
    lr * m_hat / (np.sqrt(s_hat) + eps) -> (lr * m_hat / np.sqrt(s_hat) + eps)

no root: m̂ is divided by ŝ + ε. It is divided by √ŝ + ε, so that a step has the size of η
    np.sqrt(s_hat) -> s_hat

g not squared: s is the running mean of g. It is that of g²
    g**2 -> g

s of m: s is the running mean of m². It is that of g²
    g**2 -> m**2

g in the place of m̂: the step goes along g. It goes along m̂, the running mean
    lr * m_hat -> lr * g

old m and s: the step is made with the m and s that came in. First the new ones, then the step
    m_hat = m / -> m_hat = M /
    and s_hat = s / -> s_hat = S /
    and m = beta1 * m -> M = m; m = beta1 * m
    and s = beta2 * s -> S = s; s = beta2 * s

uphill: θ has the step added. It is taken away: θ - η ..
    theta - lr -> theta + lr
"""


def solution(theta, g, m, s, t, lr, beta1, beta2, eps):
    """The exercise, solved plainly."""
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    theta = theta - lr * m_hat / (np.sqrt(s_hat) + eps)
    return theta, m, s


def expected(theta, g, m, s, t, lr, beta1, beta2, eps):
    """The right results, from the package itself."""
    params = {"theta": theta.copy()}
    adam = Adam(params, beta1, beta2, eps)
    adam.steps, adam.m["theta"], adam.s["theta"] = t - 1, m.copy(), s.copy()
    adam.step(params, {"theta": g}, lr)
    return params["theta"], adam.m["theta"], adam.s["theta"]


def cases(rng):
    """The inputs with which an answer is judged."""
    # ε is far larger than the usual 1e-8, so that it can be seen where it stands.
    constants = {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 0.03}

    def inputs(*shape):
        theta, g, m = rng.standard_normal((3, *shape))
        return {"theta": theta, "g": g, "m": 0.3 * m, "s": rng.uniform(0.2, 1, shape), "t": 3, **constants}

    first = {**inputs(4, 3), "m": np.zeros((4, 3)), "s": np.zeros((4, 3)), "t": 1}
    unused = {**first, "g": first["g"] * np.array([1, 0, 1])}
    return (
        case(**inputs(4, 3)),
        case("at the first step, t = 1", **first),
        case("for a parameter with one axis", **inputs(5)),
        case("for a parameter with three axes", **inputs(2, 3, 2)),
        case("where some gradients have always been zero", **unused),
    )
