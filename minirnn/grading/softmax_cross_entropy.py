"""Exercise 2: softmax and cross-entropy, forward and backward (`minirnn.layers.softmax_cross_entropy`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output, gradients
from minirnn.layers import softmax_cross_entropy

MISTAKES = {
    "exp overflows": "exp(z) is infinite for logits of a thousand. Subtract the largest logit of the row "
    "first: p does not change",
    "log of a rounded p": "where p has rounded to 0 its log is -inf, and not about -800 as in the case that "
    "was tried. log p = z - log Σ exp z needs no p (and nothing is added to p)",
    "N counts every step": "N is T B. It has to be the number of steps that count, the sum of the mask",
    "sum, not mean": "the loss and dz are not divided by N",
    "dz not divided by N": "the loss has its 1/N, so dz needs it too",
    "mask ignored": "steps whose mask is False count. They must not, neither in the loss nor in dz nor in N",
    "mask forgotten in dz": "steps whose mask is False still have a gradient; their rows of dz are zero",
    "no one-hot": "dz is p / N. At the target 1 has to be taken away: (p - onehot) / N",
    "onehot - p": "dz has the wrong sign: it is p - onehot",
    "softmax over the wrong axis": "p sums to one over time, not over the symbols. Σ exp z runs over the last axis",
    "bits, not nats": "the loss is in bits. log is the natural logarithm here, not log2",
    "log p without minus": "the loss is the mean of log p. A loss gets smaller as p grows: -log p",
}


def variant(wrong, z, targets, mask):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    largest = 0 if "exp overflows" in wrong else z.max(axis=-1, keepdims=True)
    e = np.exp(z - largest)
    total = e.sum(axis=0 if "softmax over the wrong axis" in wrong else -1, keepdims=True)
    p = e / total
    onehot = np.eye(z.shape[-1])[targets]
    if "log of a rounded p" in wrong:
        log_p = np.log((p * onehot).sum(axis=-1))
    else:
        log_p = ((z - largest - np.log(total)) * onehot).sum(axis=-1)
    counts = np.ones_like(mask) if "mask ignored" in wrong else mask
    N = mask.size if "N counts every step" in wrong else 1 if "sum, not mean" in wrong else counts.sum()
    loss = -(log_p * counts).sum() / N
    dz = p if "no one-hot" in wrong else p - onehot
    if "mask forgotten in dz" not in wrong:
        dz = dz * counts[..., None]
    if "dz not divided by N" not in wrong:
        dz = dz / N
    if "bits, not nats" in wrong:
        loss = loss / np.log(2)
    return -loss if "log p without minus" in wrong else loss, -dz if "onehot - p" in wrong else dz


def expected(z, targets, mask):
    """The right results, from the package's own layers."""
    loss = softmax_cross_entropy.forward(z, targets, mask)[0]
    return np.asarray(loss), *gradients(lambda: softmax_cross_entropy.forward(z, targets, mask)[0], z)


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(2)
    T, B, V = 4, 3, 5
    targets = rng.integers(0, V, (T, B))
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [0, 0, 1]], bool)
    everywhere = np.ones((T, B), bool)
    unlikely = np.zeros((T, B, V))
    unlikely[2, 1, targets[2, 1]] = -800
    return (
        Case({"z": 2 * rng.standard_normal((T, B, V)), "targets": targets, "mask": mask}),
        Case(
            {"z": 1000 + rng.standard_normal((T, B, V)), "targets": targets, "mask": everywhere},
            "for logits near a thousand: exp of them overflows",
            suggests="exp overflows",
        ),
        Case(
            {"z": unlikely, "targets": targets, "mask": everywhere},
            "where the target's p is exp(-800), which rounds to 0",
            suggests="log of a rounded p",
        ),
    )


EXERCISE = Exercise(
    function="softmax_cross_entropy",
    outputs=(Output("loss"), Output("dz", ("t", "b", "symbol"))),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
