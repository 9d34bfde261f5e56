"""Exercise 7: one step of Adam (`minirnn.training.optimisers.Adam`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output
from minirnn.training.optimisers import Adam

MISTAKES = {
    "no bias correction": "m and s begin at zero and are too small at first. Divide by 1 - β1ᵗ and 1 - β2ᵗ",
    "bias correction of m only": "s is not divided by 1 - β2ᵗ",
    "bias correction of s only": "m is not divided by 1 - β1ᵗ",
    "t counts from zero": "the powers are of t - 1. t is 1 at the first step, where 1 - β⁰ would be zero",
    "β without its power": "the bias is undone with 1 - β at every step. It is 1 - βᵗ, which goes to one",
    "m̂ and ŝ are kept": "the m and s that are returned have been divided by 1 - βᵗ. That is for this step's "
    "θ only; the next step needs the running means themselves",
    "β1 and β2 exchanged": "m decays with β2 and s with β1",
    "β and 1 - β exchanged": "the old mean is weighted with 1 - β and the new gradient with β",
    "ε inside the root": "the denominator is √(ŝ + ε). It is √ŝ + ε",
    "no root": "m̂ is divided by ŝ + ε. It is divided by √ŝ + ε, so that a step has the size of η",
    "g not squared": "s is the running mean of g. It is that of g²",
    "s of m": "s is the running mean of m². It is that of g²",
    "g in the place of m̂": "the step goes along g. It goes along m̂, the running mean",
    "uphill": "θ has the step added. It is taken away: θ - η ..",
}


def variant(wrong, theta, g, m, s, t, lr, beta1, beta2, eps):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    if "β1 and β2 exchanged" in wrong:
        beta1, beta2 = beta2, beta1
    old1, old2 = (1 - beta1, 1 - beta2) if "β and 1 - β exchanged" in wrong else (beta1, beta2)
    m = old1 * m + (1 - old1) * g
    seen = g if "g not squared" in wrong else m * m if "s of m" in wrong else g * g
    s = old2 * s + (1 - old2) * seen
    power = t - 1 if "t counts from zero" in wrong else 1 if "β without its power" in wrong else t
    nothing = "no bias correction" in wrong
    m_hat = m if nothing or "bias correction of s only" in wrong else m / (1 - beta1**power)
    s_hat = s if nothing or "bias correction of m only" in wrong else s / (1 - beta2**power)
    if "g in the place of m̂" in wrong:
        m_hat = g
    if "m̂ and ŝ are kept" in wrong:
        m, s = m_hat, s_hat
    if "ε inside the root" in wrong:
        below = np.sqrt(s_hat + eps)
    else:
        below = (s_hat if "no root" in wrong else np.sqrt(s_hat)) + eps
    step = lr * m_hat / below
    return theta + step if "uphill" in wrong else theta - step, m, s


def expected(theta, g, m, s, t, lr, beta1, beta2, eps):
    """The right results, from the package's own layers."""
    params = {"theta": theta.copy()}
    adam = Adam(params, beta1, beta2, eps)
    adam.steps, adam.m["theta"], adam.s["theta"] = t - 1, m.copy(), s.copy()
    adam.step(params, {"theta": g}, lr)
    return params["theta"], adam.m["theta"], adam.s["theta"]


def cases():
    """The `Case`s that an answer is called with."""
    # ε is far larger than the usual 1e-8, so that it can be seen where it stands.
    constants = {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 0.03}
    rng = np.random.default_rng(7)
    theta, g = rng.standard_normal((2, 4, 3))
    m, s = 0.3 * rng.standard_normal((4, 3)), rng.uniform(0.2, 1, (4, 3))
    zero = np.zeros((4, 3))
    return (
        Case({"theta": theta, "g": g, "m": m, "s": s, "t": 3, **constants}),
        Case({"theta": theta, "g": g, "m": zero, "s": zero, "t": 1, **constants}, "at the first step, t = 1"),
    )


EXERCISE = Exercise(
    function="adam_step",
    outputs=(Output("theta", ("row", "column")), Output("m", ("row", "column")), Output("s", ("row", "column"))),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
