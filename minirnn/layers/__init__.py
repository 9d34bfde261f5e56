"""One file per layer: notation, equations, forward, backward.

Every layer is a few pure functions:

    init(rng, ...)                  -> params, a dict of arrays
    forward(x, ..., params)         -> (y, ..., cache)
    backward(dy, ..., cache)        -> (dx, ..., grads), with grads under the same keys as params

No layer keeps anything between calls, and none writes into an array that it was given. ``cache`` is what forward
leaves for backward; nothing else looks into it. Outputs have the dtype and the device of the input.
The dimension letters are defined in `minirnn.backend`.
"""

from minirnn.layers import (
    attention_window,
    bidirectional,
    ctc,
    dense,
    dropout,
    embedding,
    gru,
    lstm,
    rnn,
    softmax_cross_entropy,
    windowed_lstm,
)

CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}

__all__ = [
    "CELLS",
    "attention_window",
    "bidirectional",
    "ctc",
    "dense",
    "dropout",
    "embedding",
    "gru",
    "lstm",
    "rnn",
    "softmax_cross_entropy",
    "windowed_lstm",
]
