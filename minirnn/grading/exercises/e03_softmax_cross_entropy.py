"""Exercise 3: softmax and cross-entropy, forward and backward (`minirnn.layers.softmax_cross_entropy`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import softmax_cross_entropy

OUTPUTS = (Output("loss"), Output("dz", ("t", "b", "symbol")))

HINTS = """
exp(z - a) / Σ exp(z - a) is the same for every a, so a may be chosen such that nothing overflows. For the gradient,
write -log p[target] as log Σ exp z - z[target] and differentiate that by z_v: once for a v that is the target, once
for one that is not.

Let a be the largest logit of each row. In log p = z - a - log Σ exp(z - a) there is no log of something that could
have rounded to zero. The derivative of log Σ exp z by z_v is a quantity that you have already; and the target's own z
adds one number. Where the mask is False, neither loss nor gradient may see the step.

dz = (p - onehot(target)) / N where the step counts, 0 elsewhere, with N = mask.sum(); loss = -Σ_counting log
p[target] / N.
"""

MISTAKES = """
exp overflows: exp(z) is infinite for logits of a thousand. Subtract the largest logit of the row first: p does not
change
    z.max(axis=-1, keepdims=True) -> 0
    z.max(axis=-1, keepdims=True) -> 0
    and p = e / total -> p = np.exp(z - np.log(total))

one maximum for all rows: the largest logit of the whole array is subtracted from every row. In a row that lies far
below it all exp are 0. Each row has its own maximum: z.max(axis=-1, keepdims=True)
    z.max(axis=-1, keepdims=True) -> z.max()
    z.max(axis=-1, keepdims=True) -> z.max(axis=(1, 2), keepdims=True)
    z.max(axis=-1, keepdims=True) -> z.max(axis=(0, 1), keepdims=True)

log of a rounded p: where p has rounded to 0 its log is -inf, and not about -800 as in the case that was tried. log p
= z - log Σ exp z needs no p (and nothing is added to p)
    z - largest - np.log(total) -> np.log(p)
    z - largest - np.log(total) -> np.log(p + {1e-5|1e-6|1e-7|1e-8|1e-9|1e-10|1e-12|1e-15|1e-16|1e-20|1e-30|1e-300})
    z - largest - np.log(total) -> np.log(p + np.finfo(float).{eps|tiny})
    z - largest - np.log(total) -> np.log(np.maximum(p, {1e-5|1e-6|1e-7}))

N counts every step: N is T B. It has to be the number of steps that count, the sum of the mask
    N = mask.sum() -> N = mask.size

N is the batch: loss and dz are divided by the number of sequences (as CS231n does it). Here N is the number of steps
that count, the sum of the mask
    N = mask.sum() -> N = mask.shape[1]

sum, not mean: the loss and dz are not divided by N
    N = mask.sum() -> N = 1

dz not divided by N: the loss has its 1/N, so dz needs it too
    mask[..., None] / N -> mask[..., None]

mask ignored: steps whose mask is False count. They must not, neither in the loss nor in dz nor in N
    mask.sum() -> mask.size
    and * mask) -> )
    and * mask[..., None] ->

mask forgotten in dz: steps whose mask is False still have a gradient; their rows of dz are zero
    * mask[..., None] ->

no one-hot: dz is p / N. At the target 1 has to be taken away
    (p - onehot) -> p

onehot - p: dz has the wrong sign: it is p - onehot
    (p - onehot) -> (onehot - p)

softmax over the wrong axis: p sums to one over time or over the batch, not over the symbols. Σ exp z runs over the
last axis
    e.sum(axis=-1 -> e.sum(axis=0
    e.sum(axis=-1 -> e.sum(axis=1
    axis=-1, keepdims -> axis=0, keepdims
    axis=-1, keepdims -> axis=1, keepdims
    axis=-1, keepdims=True -> axis=(0, 1), keepdims=True

softmax over the whole array: Σ exp z runs over all rows at once, so that all of p together sums to one. Every row is
a distribution of its own
    e.sum(axis=-1, keepdims=True) -> e.sum()
    e.sum(axis=-1, keepdims=True) -> e.sum()
    and z.max(axis=-1, keepdims=True) -> z.max()

bits, not nats: the loss is in bits. log is the natural logarithm here, not log2
    return loss -> return loss / np.log(2)

log p without minus: the loss is the mean of log p. A loss gets smaller as p grows: -log p
    return loss -> return -loss
"""


def solution(z, targets, mask):
    """The exercise, solved plainly."""
    largest = z.max(axis=-1, keepdims=True)
    e = np.exp(z - largest)
    total = e.sum(axis=-1, keepdims=True)
    p = e / total
    log_p = z - largest - np.log(total)
    onehot = np.arange(z.shape[-1]) == targets[..., None]
    N = mask.sum()
    loss = -(np.where(onehot, log_p, 0).sum(axis=-1) * mask).sum() / N
    dz = (p - onehot) * mask[..., None] / N
    return loss, dz


def expected(z, targets, mask):
    """The right results, from the package's own layers."""
    loss = softmax_cross_entropy.forward(z, targets, mask)[0]
    return np.asarray(loss), *gradients(lambda: softmax_cross_entropy.forward(z, targets, mask)[0], z)


def cases(rng):
    """The inputs with which an answer is judged."""
    T, B, V = 4, 3, 5
    targets = rng.integers(0, V, (T, B))
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [0, 0, 1]], bool)
    everywhere = np.ones((T, B), bool)
    unlikely = np.zeros((T, B, V))
    unlikely[2, 1, targets[2, 1]] = -800
    normal = rng.standard_normal
    apart = normal((T, B, V)) + 900.0 * rng.permutation(T * B).reshape(T, B, 1)
    one = np.array([[True]])
    return (
        case(z=2 * normal((T, B, V)), targets=targets, mask=mask),
        case("for logits near a thousand", z=1000 + normal((T, B, V)), targets=targets, mask=everywhere),
        case("where the target's p is exp(-800), which rounds to 0", z=unlikely, targets=targets, mask=everywhere),
        case("where the logits of one row are far from those of another", z=apart, targets=targets, mask=mask),
        case("for one step of one sequence", z=normal((1, 1, V)), targets=np.array([[2]]), mask=one),
    )
