"""What the gradient check covers: a `Case` for every layer, for stacks of layers, and for whole networks."""

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
from minirnn.networks.gradient_check import Case
from minirnn.networks.pen_rnn import PenRNN
from minirnn.networks.reader_rnn import ReaderRNN


def _random_like(params, rng):
    """Parameters of the same shapes from N(0, 1/2²): large enough that every gate is used, and far from saturation."""
    return {name: 0.5 * rng.standard_normal(array.shape) for name, array in params.items()}


def embedding_case(rng, T=4, B=3, V=5, D=2):
    """A `Case` of the embedding, ids drawn at random."""
    ids = rng.integers(0, V, (T, B))

    def forward(E):
        y, cache = embedding.forward(ids, {"E": E})
        return [y], cache

    return Case(
        "embedding",
        {"E": rng.standard_normal((V, D))},
        forward,
        lambda douts, cache: embedding.backward(douts[0], cache),
    )


def dense_case(rng, T=4, B=3, D=5, H=2):
    """A `Case` of the dense layer."""

    def forward(x, **params):
        y, cache = dense.forward(x, params)
        return [y], cache

    def backward(douts, cache):
        dx, grads = dense.backward(douts[0], cache)
        return {"x": dx, **grads}

    params = _random_like(dense.init(rng, D, H), rng)
    return Case("dense", {"x": rng.standard_normal((T, B, D)), **params}, forward, backward)


def dropout_case(rng, T=4, B=3, D=5, p=0.4):
    """A `Case` of dropout, its mask drawn anew from the same seed at every call."""
    mask_seed = int(rng.integers(2**32))

    def forward(x):
        m = dropout.draw_mask(np.random.default_rng(mask_seed), p, x)
        y, cache = dropout.forward(x, m)
        return [y], cache

    return Case(
        "dropout",
        {"x": rng.standard_normal((T, B, D))},
        forward,
        lambda douts, cache: {"x": dropout.backward(douts[0], cache)},
    )


def softmax_cross_entropy_case(rng, T=4, B=3, V=5, masked=True):
    """A `Case` of softmax and cross-entropy, with a mask."""
    targets = rng.integers(0, V, (T, B))
    mask = rng.random((T, B)) < 0.7 if masked else None

    def forward(z):
        loss, cache = softmax_cross_entropy.forward(z, targets, mask)
        return [loss], cache

    return Case(
        "softmax_cross_entropy" + (", masked" if masked else ""),
        {"z": 2 * rng.standard_normal((T, B, V))},
        forward,
        lambda douts, cache: {"z": softmax_cross_entropy.backward(cache, douts[0])},
    )


def ctc_case(rng, T=9, V=5):
    """A `Case` of connectionist temporal classification: sequences of different lengths, a text with a repeated
    letter, one that only just fits into its frames, and an empty one."""
    y = np.array([[1, 3, 2, 4], [1, 3, 2, 1], [2, 4, 2, 1]])
    lengths, counts = np.array([T, 5, 7, T - 1]), np.array([3, 3, 0, 2])

    def forward(z):
        loss, cache = ctc.forward(z, y, lengths, counts)
        return [loss], cache

    return Case(
        "ctc",
        {"z": 2 * rng.standard_normal((T, len(lengths), V))},
        forward,
        lambda douts, cache: {"z": ctc.backward(cache, douts[0])},
    )


def bidirectional_case(rng, kind, T=5, B=3, D=4, H=2):
    """A `Case` of a cell in both directions, sequences of different lengths."""
    lengths = np.array([T, 1, T - 2])
    params = backend.tree_map(lambda a: 0.5 * rng.standard_normal(a.shape), bidirectional.init(rng, D, H, CELLS[kind]))

    def forward(x, **arrays):
        y, cache = bidirectional.forward(x, lengths, backend.unflatten(arrays), CELLS[kind])
        return [y], cache

    def backward(douts, cache):
        dx, grads = bidirectional.backward(douts[0], cache)
        return {"x": dx, **backend.flatten(grads)}

    arrays = {"x": rng.standard_normal((T, B, D)), **backend.flatten(params)}
    return Case(f"bidirectional {kind}", arrays, forward, backward)


def stack_case(rng, kind, layers=1, T=5, B=3, D=4, H=2, p=0.0):
    """A `Case` of ``layers`` recurrent layers, with a fixed dropout mask between them; no start state is zero."""
    cell, mask_seed = CELLS[kind], int(rng.integers(2**32))
    arrays = {"x": rng.standard_normal((T, B, D))}
    names = [[], []]  # of the parameters and of the states of each layer
    for n in range(layers):
        params = _random_like(cell.init(rng, H if n else D, H), rng)
        state = cell.start(B, params)
        suffix = str(n + 1) if layers > 1 else ""
        names[0].append({key: key + suffix for key in params})
        names[1].append([f"{(*'hc', *range(2, len(state)))[k]}0{suffix}" for k in range(len(state))])
        arrays.update({names[0][n][key]: value for key, value in params.items()})
        arrays.update({name: 0.5 * rng.standard_normal((B, H)) for name in names[1][n]})

    def forward(x, **arrays):
        mask_rng, y, states, caches = np.random.default_rng(mask_seed), x, [], []
        for n, (own, state) in enumerate(zip(*names)):
            if n and p:
                y, mask = dropout.forward(y, dropout.draw_mask(mask_rng, p, y))
                caches.append(mask)
            params = {key: arrays[name] for key, name in own.items()}
            y, state, cache = cell.forward(y, tuple(arrays[name] for name in state), params)
            caches.append(cache)
            states += state
        return [y, *states], caches

    def backward(douts, cache):
        caches, (dy, *dstates), gradients = list(cache), douts, {}
        width = len(names[1][0])  # states per layer
        for n in reversed(range(layers)):
            dstate = tuple(dstates[n * width : (n + 1) * width])
            dy, dstate, grads = cell.backward(dy, dstate, caches.pop())
            gradients.update({names[0][n][key]: value for key, value in grads.items()})
            gradients.update(zip(names[1][n], dstate))
            if n and p:
                dy = dropout.backward(dy, caches.pop())
        return {"x": dy, **gradients}

    title = kind if layers == 1 else f"{layers} x {kind}" + (", dropout" if p else "")
    return Case(title, arrays, forward, backward)


def window_case(rng, B=3, H=2, K=2, U=5, E=4):
    """A `Case` of one step of the attention window, from its logits."""
    arrays = {
        "z": 0.5 * rng.standard_normal((B, 3 * K)),
        "kappa": U * rng.random((B, K)),
        "C": rng.standard_normal((B, U, E)),
    }

    def forward(z, kappa, C):
        w, kappa, phi, cache = attention_window.step_forward(z, kappa, C)
        return [w, kappa], (cache, phi, C)

    def backward(douts, cache):
        cache, phi, C = cache
        dz, dkappa = attention_window.step_backward(douts[0], douts[1], C, cache)
        return {"z": dz, "kappa": dkappa, "C": phi[:, :, None] * douts[0][:, None, :]}

    return Case("window", arrays, forward, backward)


def reader_case(rng, T=5, B=3, D=4, H=2, K=2, U=5, E=3):
    """A `Case` of the windowed LSTM; all four arrays of its state are checked, too."""
    params = _random_like(windowed_lstm.init(rng, D, E, H, K, 0.5), rng)
    state = {name: 0.5 * rng.standard_normal((B, n)) for name, n in zip(("h0", "c0", "kappa0", "w0"), (H, H, K, E))}
    arrays = {"x": rng.standard_normal((T, B, D)), "C": rng.standard_normal((B, U, E)), **state, **params}

    def forward(x, C, h0, c0, kappa0, w0, **params):
        h, w, _, state, cache = windowed_lstm.forward(x, C, (h0, c0, kappa0, w0), params)
        return [h, w, *state], cache

    def backward(douts, cache):
        dx, dC, dstate, grads = windowed_lstm.backward(douts[0], douts[1], tuple(douts[2:]), cache)
        return {"x": dx, "C": dC, **dict(zip(("h0", "c0", "kappa0", "w0"), dstate)), **grads}

    return Case("reader", arrays, forward, backward)


def network_case(name, network, chunk, state, dropout_seed=None):
    """A whole network: the gradient of its loss with respect to every parameter."""

    def forward(**arrays):
        network.params = backend.unflatten(arrays)
        rng = None if dropout_seed is None else np.random.default_rng(dropout_seed)
        loss, _, cache = network.loss(chunk, state, rng)
        return [loss], cache

    def backward(douts, cache):
        return {key: douts[0] * grad for key, grad in backend.flatten(network.backward(cache)).items()}

    return Case(name, backend.flatten(network.params), forward, backward)


def char_rnn_case(rng, kind="lstm", layers=2, T=4, B=3, V=5, D=3, H=2, p=0.3):
    """A `Case` of a whole `minirnn.networks.char_rnn.CharRNN`."""
    network = CharRNN(V, kind, layers, H, D, p, seed=int(rng.integers(2**32)), dtype=np.float64)
    ids = rng.integers(0, V, (T + 1, B))
    chunk = {"x": ids[:-1], "y": ids[1:], "mask": rng.random((T, B)) < 0.8}
    state = backend.tree_map(lambda s: 0.5 * rng.standard_normal(s.shape), network.start(B))
    return network_case(f"CharRNN, {layers} x {kind}", network, chunk, state, dropout_seed=int(rng.integers(2**32)))


def pen_rnn_case(rng, layers=3, T=4, B=3, V=6, H=2, U=5, p=0.3):
    """A `Case` of a whole `minirnn.networks.pen_rnn.PenRNN`."""
    network = PenRNN(
        V, characters=5, heights=4, hands=3, layers=layers, hidden=H, embed=3, char_embed=2, gaussians=2, rate=0.5,
        dropout=p, seed=int(rng.integers(2**32)), dtype=np.float64,
    )  # fmt: skip
    network.params["hand"]["E"] += rng.standard_normal(network.params["hand"]["E"].shape)
    ids = rng.integers(0, V, (T + 1, B))
    text = rng.integers(0, 5, (B, U))
    text[0, U // 2 :] = -1
    chunk = {
        "x": ids[:-1], "y": ids[1:], "height": rng.integers(0, 4, (T, B)), "mask": rng.random((T, B)) < 0.8,
        "text": text, "hand": rng.integers(0, 3, B),
    }  # fmt: skip
    state = backend.tree_map(lambda s: 0.5 * rng.standard_normal(s.shape), network.start(B))
    return network_case(f"PenRNN, {layers} layers", network, chunk, state, dropout_seed=int(rng.integers(2**32)))


def reader_rnn_case(rng, layers=2, B=3, V=6, H=2, p=0.3):
    """A `Case` of a whole `minirnn.networks.reader_rnn.ReaderRNN`."""
    network = ReaderRNN(
        V, characters=4, heights=5, layers=layers, hidden=H, embed=3, join=2, dropout=p,
        seed=int(rng.integers(2**32)), dtype=np.float64,
    )  # fmt: skip
    chunk = {
        "x": rng.integers(0, V, (10, B)), "height": rng.integers(0, 5, (10, B)), "lengths": np.array([10, 3, 7]),
        "y": np.array([[2, 1, 3], [2, 1, 4], [1, 1, 1]]), "mask": np.arange(3)[:, None] < np.array([3, 1, 2]),
    }  # fmt: skip
    return network_case(f"ReaderRNN, {layers} layers", network, chunk, [], dropout_seed=int(rng.integers(2**32)))


def all_cases(seed=0):
    """A case of every layer, of both gated cells stacked, and of all networks; the sizes are small and all
    different, so that a transposed matrix cannot pass."""
    rng = np.random.default_rng(seed)
    return [
        embedding_case(rng),
        dense_case(rng),
        dropout_case(rng),
        softmax_cross_entropy_case(rng, masked=False),
        softmax_cross_entropy_case(rng),
        ctc_case(rng),
        stack_case(rng, "rnn"),
        stack_case(rng, "lstm"),
        stack_case(rng, "gru"),
        stack_case(rng, "lstm", layers=2, p=0.3),
        stack_case(rng, "gru", layers=2, p=0.3),
        bidirectional_case(rng, "lstm"),
        bidirectional_case(rng, "gru"),
        window_case(rng),
        reader_case(rng),
        char_rnn_case(rng, "lstm"),
        char_rnn_case(rng, "gru"),
        pen_rnn_case(rng),
        reader_rnn_case(rng),
    ]
