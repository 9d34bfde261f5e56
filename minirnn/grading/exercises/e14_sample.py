"""Exercise 14: sampling with a temperature (`minirnn.writing.sampling.distribution`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.writing.sampling import distribution

OUTPUTS = (Output("ids", ("b",)),)

HINTS = """
Two things in turn: the distribution p of each row, in which exp must not overflow (as in the exercise on softmax),
and the interval in which u lies. Where do the intervals end?

np.cumsum(p, axis=1) gives the upper ends. The symbol is the first whose upper end is *larger* than u; equal is not
enough, or a symbol of probability zero could be drawn. Comparing gives an array of True and False: count, or find the
first.

z = z / temperature; e = np.exp(z - z.max(axis=1, keepdims=True)); p = e / e.sum(axis=1, keepdims=True); ids =
(np.cumsum(p, axis=1) <= u[:, None]).sum(axis=1).
"""

MISTAKES = """
temperature ignored: the ids are those of temperature 1. (p / temperature, made to sum to one again, is p: the logits
have to be divided)
    z / temperature -> z

multiplied by the temperature: the logits are multiplied by the temperature (or p is raised to its power). They are
divided: a low temperature makes the likely likelier
    z / temperature -> z * temperature

temperature cut off below: low temperatures are replaced by a higher one. Any temperature above zero is allowed, and
divides the logits as it is
    z / temperature -> z / max(temperature, {0.1|0.05|0.2|0.5|1})
    z / temperature -> z / (temperature + {0.1|0.01|1e-3})

temperature cut off above: high temperatures are replaced by a lower one. Any temperature above zero is allowed, and
divides the logits as it is
    z / temperature -> z / min(temperature, {1|2|5})

the likeliest every time: every id is the argmax: u is not used, nothing is drawn
    return (edges <= u[:, None]).sum(axis=1) -> return z.argmax(axis=1)

uniform: all symbols are drawn with the same probability, whatever z
    z / temperature -> 0 * z

exp overflows: exp(z / temperature) is infinite for a low temperature. Subtract the largest logit of the row first
    scaled.max(axis=1, keepdims=True) -> 0

one maximum for all rows: the largest logit of the whole array is subtracted from every row. In a row that lies far
below it all exp are 0. Each row has its own maximum
    scaled.max(axis=1, keepdims=True) -> scaled.max()
    scaled.max(axis=1, keepdims=True) -> scaled.max(axis=0)

one too high: the ids are one too high: the first interval, from 0 to p_0, belongs to symbol 0
    return (edges <= u[:, None]).sum(axis=1) -> return (edges <= u[:, None]).sum(axis=1) + 1

one too low: the ids are one too low: symbol v has the interval that ends at p_0 + .. + p_v
    return (edges <= u[:, None]).sum(axis=1) -> return (edges <= u[:, None]).sum(axis=1) - 1

upper end counted in: where u is the end of an interval, the symbol before it is drawn: with u = 0 even one of
probability zero. The sum has to be larger than u (np.searchsorted has side='right' for this)
    edges <= u -> edges < u

no running sum: u is compared with p itself. It is compared with the running sum p_0 + .. + p_v
    (edges <= u[:, None]).sum(axis=1) -> (p > u[:, None]).argmax(axis=1)

intervals from the other end: u is measured from 1 downwards. Symbol 0 has the interval from 0 to p_0
    u[:, None] -> 1 - u[:, None]
    return (edges <= u[:, None]).sum(axis=1) ->
        return z.shape[1] - 1 - (np.cumsum(p[:, ::-1], axis=1) <= u[:, None]).sum(axis=1)

one u for all rows: every row uses u[0]. Row b has its own u[b]
    u[:, None] -> u[0]

softmax over the wrong axis: p sums to one over the rows. Each row is a distribution of its own, over the symbols
    axis=1, keepdims -> axis=0, keepdims
    e.sum(axis=1, keepdims -> e.sum(axis=0, keepdims

softmax over the whole array: p sums to one over all rows together. Each row is a distribution of its own, over the
symbols
    e.sum(axis=1, keepdims=True) -> e.sum()
"""


def solution(z, temperature, u):
    """The exercise, solved plainly."""
    scaled = z / temperature
    e = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    edges = np.cumsum(p, axis=1)
    return (edges <= u[:, None]).sum(axis=1)


def expected(z, temperature, u):
    """The right results, from the package itself."""
    edges = np.array([np.cumsum(distribution(row, temperature)) for row in z])
    return np.array([np.searchsorted(row, draw, side="right") for row, draw in zip(edges, u)])


def cases(rng):
    """The inputs with which an answer is judged."""
    B, V = 60, 7
    z, u = 1.5 * rng.standard_normal((B, V)), rng.random(B)
    apart = z + 2000.0 * rng.permutation(B)[:, None]
    never = z.copy()
    never[:, 0] = -3000
    never[::2, 1] = -3000
    return (
        case(z=z, temperature=0.7, u=u),
        case("at a temperature above 1", z=z, temperature=2.5, u=u),
        case("at a low temperature, with large logits", z=100 + 5 * z, temperature=0.05, u=u),
        case("at a very low temperature, with small logits", z=0.004 * z, temperature=0.003, u=u),
        case("at a very high temperature", z=40 * z, temperature=30.0, u=u),
        case("where the logits of one row are far from those of another", z=apart, temperature=0.9, u=u),
        case("where u is 0 and the first symbols have probability zero", z=never, temperature=1.0, u=np.zeros(B)),
        case("for a single row of two symbols", z=z[:1, :2], temperature=1.0, u=u[:1]),
    )
