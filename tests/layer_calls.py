"""Every layer and all networks, called once forward and once backward: what several test files go through.

`calls(dtype)` gives {name: (function, arguments)}. The arguments are trees of NumPy arrays; the function runs
forward and backward on them and returns every array that comes out. Sizes are small and all different.
"""

import numpy as np

from minirnn import backend
from minirnn.layers import (
    CELLS,
    attention_window,
    bidirectional,
    ctc,
    dense,
    dropout,
    embedding,
    softmax_cross_entropy,
    windowed_lstm,
)
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.pen_rnn import PenRNN
from minirnn.networks.reader_rnn import ReaderRNN

T, B, D, H, V, U, E, K = 5, 3, 4, 2, 6, 7, 3, 2


def random_params(params, rng, dtype):
    return {name: (0.5 * rng.standard_normal(array.shape)).astype(dtype) for name, array in params.items()}


def calls(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    found = {
        "embedding": (
            call_embedding,
            (rng.integers(0, V, (T, B)), random_params(embedding.init(rng, V, D), rng, dtype), normal(T, B, D)),
        ),
        "dense": (call_dense, (normal(T, B, D), random_params(dense.init(rng, D, H), rng, dtype), normal(T, B, H))),
        "dropout": (call_dropout, (normal(T, B, D), normal(T, B, D))),
        "softmax_cross_entropy": (call_loss, (normal(T, B, V), rng.integers(0, V, (T, B)), None)),
        "softmax_cross_entropy, masked": (
            call_loss,
            (normal(T, B, V), rng.integers(0, V, (T, B)), rng.random((T, B)) < 0.7),
        ),
        "ctc": (call_ctc, (normal(2 * T, B, V), *ctc_texts(rng, 2 * T))),
        "window": (call_window, (normal(B, 3 * K), normal(B, K), normal(B, U, E), normal(B, E), normal(B, K))),
        "windowed_lstm": (
            call_reader,
            (
                normal(T, B, D),
                normal(B, U, E),
                (normal(B, H), normal(B, H), normal(B, K), normal(B, E)),
                random_params(windowed_lstm.init(rng, D, E, H, K, 0.5), rng, dtype),
                normal(T, B, H),
                normal(T, B, E),
                (normal(B, H), normal(B, H), normal(B, K), normal(B, E)),
            ),
        ),
    }
    for kind, cell in CELLS.items():
        params = random_params(cell.init(rng, D, H), rng, dtype)
        width = len(cell.start(B, params))
        state, dstate = (tuple(normal(B, H) for _ in range(width)) for _ in range(2))
        call = call_cell(cell)
        found[kind] = (call, (normal(T, B, D), state, params, normal(T, B, H), dstate))
        found[f"{kind}, last state without error"] = (call, (normal(T, B, D), state, params, normal(T, B, H), None))
        params = backend.tree_map(
            lambda a: (0.5 * rng.standard_normal(a.shape)).astype(dtype), bidirectional.init(rng, D, H, cell)
        )
        found[f"bidirectional {kind}"] = (
            call_bidirectional(cell), (normal(T, B, D), np.array([2, T, 3]), params, normal(T, B, 2 * H))
        )  # fmt: skip
    for kind in CELLS:
        network = CharRNN(V, kind, layers=2, hidden=H, embed=D, dropout=0.3, seed=1, dtype=dtype)
        found[f"CharRNN, {kind}"] = call_network(network, char_chunk(rng), rng)
    for layers in (1, 3):
        network = small_pen_rnn(layers, dropout=0.3, dtype=dtype)
        found[f"PenRNN, {layers} layers"] = call_network(network, pen_chunk(rng), rng)
    found["ReaderRNN"] = call_network(small_reader_rnn(dropout=0.3, dtype=dtype), reader_chunk(rng), rng)
    return found


def ctc_texts(rng, frames):
    """Texts (U, B), frames and characters (B,) of each sequence: one with a repeated letter, one empty."""
    y = rng.integers(1, V, (4, B))
    y[1, 0] = y[0, 0]
    return y, np.array([frames, frames - 3, frames - 1]), np.array([4, 0, 2])


def small_reader_rnn(dropout=0.0, dtype=np.float64):
    return ReaderRNN(V, characters=5, heights=4, layers=2, hidden=H, embed=D, join=2, dropout=dropout, seed=1,
                     dtype=dtype)  # fmt: skip


def reader_chunk(rng, frames=2 * T):
    y, lengths, counts = ctc_texts(rng, frames)
    return {
        "x": rng.integers(0, V, (2 * frames, B)), "height": rng.integers(0, 4, (2 * frames, B)),
        "lengths": 2 * lengths - [0, 1, 0], "y": np.minimum(y, 5), "mask": np.arange(len(y))[:, None] < counts,
    }  # fmt: skip


def char_chunk(rng, steps=T):
    ids = rng.integers(0, V, (steps + 1, B))
    return {"x": ids[:-1], "y": ids[1:], "mask": rng.random((steps, B)) < 0.8}


def small_pen_rnn(layers, dropout=0.0, dtype=np.float64):
    return PenRNN(
        V, characters=5, heights=4, hands=3, layers=layers, hidden=H, embed=D, char_embed=E, gaussians=K, rate=0.5,
        dropout=dropout, seed=1, dtype=dtype,
    )  # fmt: skip


def pen_chunk(rng, steps=T):
    text = rng.integers(0, 5, (B, U))
    text[0, U // 2 :] = -1
    return {
        **char_chunk(rng, steps), "height": rng.integers(0, 4, (steps, B)), "text": text,
        "hand": rng.integers(0, 3, B),
    }  # fmt: skip


def call_embedding(x, params, dy):
    y, cache = embedding.forward(x, params)
    return y, embedding.backward(dy, cache)


def call_dense(x, params, dy):
    y, cache = dense.forward(x, params)
    return y, dense.backward(dy, cache)


def call_dropout(x, dy):
    m = dropout.draw_mask(np.random.default_rng(0), 0.4, x)
    y, cache = dropout.forward(x, m)
    return m, y, dropout.backward(dy, cache)


def call_loss(z, targets, mask):
    loss, cache = softmax_cross_entropy.forward(z, targets, mask)
    return loss, softmax_cross_entropy.backward(cache), softmax_cross_entropy.backward(cache, 0.5)


def call_ctc(z, y, lengths, counts):
    loss, cache = ctc.forward(z, y, lengths, counts)
    return loss, ctc.backward(cache), ctc.backward(cache, 0.5)


def call_bidirectional(cell):
    def call(x, lengths, params, dy):
        y, cache = bidirectional.forward(x, lengths, params, cell)
        return y, bidirectional.backward(dy, cache)

    return call


def call_window(z, kappa, C, dw, dkappa):
    w, kappa, phi, cache = attention_window.step_forward(z, kappa, C)
    return w, kappa, phi, attention_window.step_backward(dw, dkappa, C, cache)


def call_reader(x, C, state, params, dh, dw, dstate):
    h, w, phi, state, cache = windowed_lstm.forward(x, C, state, params)
    return h, w, phi, state, windowed_lstm.backward(dh, dw, dstate, cache), windowed_lstm.backward(dh, dw, None, cache)


def call_cell(cell):
    def call(x, state, params, dy, dstate):
        y, state, cache = cell.forward(x, state, params)
        return y, state, cell.backward(dy, dstate, cache)

    return call


def call_network(network, chunk, rng):
    def call(params, chunk, state):
        network.params = params
        loss, state, cache = network.loss(chunk, state, np.random.default_rng(2))
        return loss, state, network.backward(cache), network.start(B)

    dtype = network.params["softmax"]["W"].dtype
    state = backend.tree_map(lambda s: rng.standard_normal(s.shape).astype(dtype), network.start(B))
    return call, (network.params, chunk, state)
