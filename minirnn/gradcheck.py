"""The gradient check: does backward really compute the derivative of forward?

    python -m minirnn.gradcheck

prints a table of every layer, of stacks of both gated cells and of all networks: for each input, parameter and
state the largest relative error between the gradient that backward gives and central differences,

    df/dθ ≈ (f(θ + s) - f(θ - s)) / 2s

Everything is in float64. With values and derivatives of the order of one, the step s = 2e-5 leaves a truncation
error of about s² = 4e-10 and a rounding error of about 1e-15 / s = 5e-11; divided by the floor below, the noise of a
right gradient is mostly under 1e-7 (measured over some hundred random cases), while a mistake in a formula leaves an
error of the order of the gradient itself. The tolerance of 1e-6 stands between the two. The relative error is
|a - n| / max(|a|, |n|, 1e-3): below a gradient of 1e-3 the noise of the differences would be divided by next to
nothing, so there the error counts absolutely.

For your own layer, build a `Case` and call `check`.
"""

import dataclasses
import sys
from collections.abc import Callable

import numpy as np

from minirnn import backend
from minirnn.arguments import Parser, above_zero, zero_or_more
from minirnn.errors import MinirnnError, run_command
from minirnn.layers import CELLS, bidirectional, ctc, dense, dropout, embedding, reader, softmax_cross_entropy, window
from minirnn.models import CharRNN, PenRNN
from minirnn.networks.reader_rnn import ReaderRNN

STEP = 2e-5
TOLERANCE = 1e-6
FLOOR = 1e-3


@dataclasses.dataclass
class Case:
    """One thing to check.

    arrays    {name: float64 array}: everything that a gradient is taken with respect to
    forward   forward(**arrays) -> a list of output arrays, cache
    backward  backward(douts, cache) -> {name: gradient}, douts one for each output
    """

    name: str
    arrays: dict
    forward: Callable
    backward: Callable


@dataclasses.dataclass
class Result:
    """How one array of one case fared: its largest relative error against ``tolerance``."""

    case: str
    array: str
    error: float
    tolerance: float

    @property
    def ok(self):
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance  # False for NaN, as it should be


def numerical_gradient(f, array, step=STEP):
    """Central differences of the scalar function ``f()`` with respect to ``array``, which ``f`` reads; every
    entry is moved in place and put back. Returns an array of the same shape."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = f()
        array[index] = value - step
        below = f()
        array[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(analytic, numeric, floor=FLOOR):
    """The largest |a - n| / max(|a|, |n|, floor) of two arrays of one shape; 0 for empty ones."""
    if analytic.shape != numeric.shape:
        return np.inf
    if not analytic.size:
        return 0.0
    return float(np.max(np.abs(analytic - numeric) / np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)))


def check(case, seed=0, tolerance=TOLERANCE):
    """Compare backward with central differences for every array of ``case`` -> list of `Result`.

    The outputs are made one scalar by random weights R, f = Σ outputs · R, so that every output's error has its
    own size and sign and none can cancel another's."""
    rng = np.random.default_rng(seed)
    arrays = {name: np.array(array, np.float64) for name, array in case.arrays.items()}
    outputs, cache = case.forward(**arrays)
    weights = [rng.standard_normal(np.shape(output)) for output in outputs]
    gradients = case.backward(weights, cache)

    def f():
        outputs, _ = case.forward(**arrays)
        return sum(float(np.sum(output * R)) for output, R in zip(outputs, weights))

    results = []
    for name, array in arrays.items():
        analytic = np.asarray(gradients[name]) if name in gradients else np.full(array.shape, np.nan)
        error = relative_error(analytic, numerical_gradient(f, array))
        results.append(Result(case.name, name, error, tolerance))
    return results


def _random_like(params, rng):
    """Parameters of the same shapes from N(0, 1/2²): large enough that every gate is used, far from saturation."""
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
    params = backend.tree_map(
        lambda a: 0.5 * rng.standard_normal(a.shape), bidirectional.init(rng, D, H, CELLS[kind])
    )

    def forward(x, **arrays):
        y, cache = bidirectional.forward(x, lengths, backend.unflatten(arrays), CELLS[kind])
        return [y], cache

    def backward(douts, cache):
        dx, grads = bidirectional.backward(douts[0], cache)
        return {"x": dx, **backend.flatten(grads)}

    arrays = {"x": rng.standard_normal((T, B, D)), **backend.flatten(params)}
    return Case(f"bidirectional {kind}", arrays, forward, backward)


def stack_case(rng, kind, layers=1, T=5, B=3, D=4, H=2, p=0.0):
    """``layers`` recurrent layers, dropout with a fixed mask between them, non-zero start states."""
    cell, mask_seed = CELLS[kind], int(rng.integers(2**32))
    arrays = {"x": rng.standard_normal((T, B, D))}
    names = [[], []]  # of the parameters and of the states of each layer
    for n in range(layers):
        params = _random_like(cell.init(rng, H if n else D, H), rng)
        state = cell.start(B, params)
        suffix = str(n + 1) if layers > 1 else ""
        names[0].append({key: key + suffix for key in params})
        names[1].append([f"{letter}0{suffix}" for letter in "hc"[: len(state)]])
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
        width = len(names[1][0])
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
    """One step of the window, from its logits."""
    arrays = {
        "z": 0.5 * rng.standard_normal((B, 3 * K)),
        "kappa": U * rng.random((B, K)),
        "C": rng.standard_normal((B, U, E)),
    }

    def forward(z, kappa, C):
        w, kappa, phi, cache = window.step_forward(z, kappa, C)
        return [w, kappa], (cache, phi, C)

    def backward(douts, cache):
        cache, phi, C = cache
        dz, dkappa = window.step_backward(douts[0], douts[1], C, cache)
        return {"z": dz, "kappa": dkappa, "C": phi[:, :, None] * douts[0][:, None, :]}

    return Case("window", arrays, forward, backward)


def reader_case(rng, T=5, B=3, D=4, H=2, K=2, U=5, E=3):
    """A `Case` of the LSTM that reads, all four arrays of its state among those checked."""
    params = _random_like(reader.init(rng, D, E, H, K, 0.5), rng)
    state = {name: 0.5 * rng.standard_normal((B, n)) for name, n in zip(("h0", "c0", "kappa0", "w0"), (H, H, K, E))}
    arrays = {"x": rng.standard_normal((T, B, D)), "C": rng.standard_normal((B, U, E)), **state, **params}

    def forward(x, C, h0, c0, kappa0, w0, **params):
        h, w, _, state, cache = reader.forward(x, C, (h0, c0, kappa0, w0), params)
        return [h, w, *state], cache

    def backward(douts, cache):
        dx, dC, dstate, grads = reader.backward(douts[0], douts[1], tuple(douts[2:]), cache)
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
    """A `Case` of a whole `minirnn.models.CharRNN`."""
    network = CharRNN(V, kind, layers, H, D, p, seed=int(rng.integers(2**32)), dtype=np.float64)
    ids = rng.integers(0, V, (T + 1, B))
    chunk = {"x": ids[:-1], "y": ids[1:], "mask": rng.random((T, B)) < 0.8}
    state = backend.tree_map(lambda s: 0.5 * rng.standard_normal(s.shape), network.start(B))
    return network_case(f"CharRNN, {layers} x {kind}", network, chunk, state, dropout_seed=int(rng.integers(2**32)))


def pen_rnn_case(rng, layers=3, T=4, B=3, V=6, H=2, U=5, p=0.3):
    """A `Case` of a whole `minirnn.models.PenRNN`."""
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


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.gradcheck",
        description="Hold every hand-written gradient against central differences, in float64.",
    )
    parser.add_argument("--seed", type=zero_or_more, default=0, help="of the random numbers (default 0)")
    parser.add_argument("--tolerance", type=above_zero, default=TOLERANCE,
                        help="largest relative error (default 1e-6)")  # fmt: skip
    options = parser.parse_args(argv)
    print(f"{'layer':30}{'array':22}{'largest error':>14}{'tolerance':>12}  verdict")
    failed = total = 0
    for case in all_cases(options.seed):
        for result in check(case, options.seed, options.tolerance):
            verdict = "ok" if result.ok else "WRONG"
            print(f"{result.case:30}{result.array:22}{result.error:14.1e}{result.tolerance:12.0e}  {verdict}")
            total, failed = total + 1, failed + (not result.ok)
    if failed:
        raise MinirnnError(f"{failed} of {total} gradients are wrong; the rows marked WRONG say which")
    print(f"all {total} gradients agree with central differences")


if __name__ == "__main__":
    sys.exit(run_command(main))
