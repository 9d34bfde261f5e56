"""Exercise 10: sampling with a temperature (`minirnn.writing.sampling.distribution`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output
from minirnn.writing.sampling import distribution

MISTAKES = {
    "temperature ignored": "the ids are those of temperature 1. (p / temperature, made to sum to one again, "
    "is p: the logits have to be divided)",
    "multiplied by the temperature": "the logits are multiplied by the temperature (or p is raised to its "
    "power). They are divided: a low temperature makes the likely likelier",
    "the likeliest every time": "every id is the argmax: u is not used, nothing is drawn",
    "uniform": "all symbols are drawn with the same probability, whatever z",
    "exp overflows": "exp(z / temperature) is infinite for a low temperature. Subtract the largest logit of "
    "the row first",
    "one too high": "the ids are one too high: the first interval, from 0 to p_0, belongs to symbol 0",
    "one too low": "the ids are one too low: symbol v has the interval that ends at p_0 + .. + p_v",
    "no running sum": "u is compared with p itself. It is compared with the running sum p_0 + .. + p_v",
    "intervals from the other end": "u is measured from 1 downwards. Symbol 0 has the interval from 0 to p_0",
    "one u for all rows": "every row uses u[0]. Row b has its own u[b]",
    "softmax over the wrong axis": "p sums to one over the rows. Each row is a distribution of its own, over "
    "the symbols",
}


def variant(wrong, z, temperature, u):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    V = z.shape[1]
    if "multiplied by the temperature" in wrong:
        scaled = z * temperature
    elif "temperature ignored" in wrong:
        scaled = z
    else:
        scaled = z / temperature
    if "uniform" in wrong:
        scaled = np.zeros_like(z)
    axis = 0 if "softmax over the wrong axis" in wrong else 1
    e = np.exp(scaled if "exp overflows" in wrong else scaled - scaled.max(axis=axis, keepdims=True))
    p = e / e.sum(axis=axis, keepdims=True)
    if "one u for all rows" in wrong:
        u = np.full_like(u, u[0])
    if "intervals from the other end" in wrong:
        u = 1 - u
    edges = p if "no running sum" in wrong else np.cumsum(p, axis=1)
    above = edges > u[:, None]
    ids = np.where(above.any(axis=1), above.argmax(axis=1), 0 if "no running sum" in wrong else V)
    if "the likeliest every time" in wrong:
        ids = z.argmax(axis=1)
    if "one too high" in wrong:
        ids = ids + 1
    return (ids - 1 if "one too low" in wrong else ids,)


def expected(z, temperature, u):
    """The right results, from the package's own layers."""
    edges = np.array([np.cumsum(distribution(row, temperature)) for row in z])
    return (np.array([np.searchsorted(row, draw, side="right") for row, draw in zip(edges, u)]),)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(10)
    B, V = 60, 7
    z, u = 1.5 * rng.standard_normal((B, V)), rng.random(B)
    return (
        Case({"z": z, "temperature": 0.7, "u": u}),
        Case({"z": z, "temperature": 2.5, "u": u}, "at a temperature above 1"),
        Case(
            {"z": 100 + 5 * z, "temperature": 0.05, "u": u},
            "at a low temperature: exp(z / temperature) overflows",
            suggests="exp overflows",
        ),
    )


EXERCISE = Exercise(
    function="sample",
    outputs=(Output("ids", ("b",)),),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
