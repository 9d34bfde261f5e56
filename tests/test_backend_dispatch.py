"""The same source lines on a GPU: every layer, optimiser and network runs on a stand-in for a GPU's arrays.

`Device` wraps a NumPy array and answers only through NumPy's protocols, as CuPy's arrays do: ufuncs by
``__array_ufunc__``, other functions by ``__array_function__``. It cannot be turned into a NumPy array unseen, and
an operation between it and a host array raises. What passes here never mixes host and device.
"""

import operator

import numpy as np
import pytest
from layer_calls import B, V, calls, char_chunk, pen_chunk, small_pen_rnn
from test_gradcheck import plant

from minirnn import backend
from minirnn.layers import dropout, embedding, lstm, softmax_cross_entropy, windowed_lstm
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import OPTIMISERS, SGD, Adam, clip_by_global_norm, global_norm


def unwrap(value):
    """What is inside, for the arguments of an operation on the device; a host array among them is a mistake."""
    if isinstance(value, Device):
        return value.inside
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(item) for item in value)
    if isinstance(value, np.ndarray):
        raise TypeError("an array of the host was mixed with one of the device")
    return value


def wrap(value):
    """A result of the device stays there, also when it is a single number, as with CuPy."""
    if isinstance(value, (np.ndarray, np.generic)):
        return Device(value)
    return value


class Device:
    """An array that stands for one on a GPU."""

    def __init__(self, inside):
        self.inside = np.asarray(inside)

    def __array__(self, *args, **kwargs):
        raise TypeError("a device array was converted to a host array unseen; only .get() may do that")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if method != "__call__":
            return NotImplemented  # as with CuPy: np.add.at, np.add.reduce and the like are not there
        if out is not None:
            (target,) = out
            ufunc(*unwrap(inputs), out=unwrap(target), **kwargs)
            return target
        return wrap(ufunc(*unwrap(inputs), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        if function is np.asarray:  # np.asarray(host array, like=device array): the one door from host to device
            (array,) = args
            return Device(np.array(array))
        return wrap(function(*unwrap(args), **{name: unwrap(value) for name, value in kwargs.items()}))

    def get(self):
        return self.inside.copy()

    def __getitem__(self, key):
        return wrap(self.inside[unwrap(key)])

    def __setitem__(self, key, value):
        self.inside[unwrap(key)] = unwrap(value)

    def __len__(self):
        return len(self.inside)

    def __float__(self):
        return float(self.inside)

    def __int__(self):
        return int(self.inside)

    def __bool__(self):
        return bool(self.inside)

    def __neg__(self):
        return np.negative(self)

    def __getattr__(self, name):
        """Attributes (shape, dtype, T, ...) and methods (copy, reshape, sum, ...) of the array inside."""
        if name.startswith("__"):  # such as __array_interface__, through which NumPy would look inside
            raise AttributeError(name)
        found = getattr(self.inside, name)
        if callable(found):
            return lambda *args, **kwargs: wrap(found(*unwrap(args), **kwargs))
        return wrap(found)


def add_operators():
    """``a + b``, ``b + a`` and ``a += b`` by the ufunc of each operator."""
    ufuncs = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "matmul": np.matmul,
        "pow": np.power, "xor": np.bitwise_xor, "and": np.bitwise_and, "or": np.bitwise_or,
        "rshift": np.right_shift, "floordiv": np.floor_divide, "eq": np.equal, "ne": np.not_equal,
        "ge": np.greater_equal, "gt": np.greater, "lt": np.less,
    }  # fmt: skip
    for name, ufunc in ufuncs.items():
        setattr(Device, f"__{name}__", lambda a, b, ufunc=ufunc: ufunc(a, b))
        setattr(Device, f"__r{name}__", lambda a, b, ufunc=ufunc: ufunc(b, a))
        if name in ("add", "sub", "mul", "truediv", "xor"):
            setattr(Device, f"__i{name}__", lambda a, b, ufunc=ufunc: ufunc(a, b, out=a))


add_operators()


def to_device(tree):
    return backend.tree_map(Device, tree)


@pytest.fixture
def same_masks(monkeypatch):
    """Dropout masks of the host on the device, too, so that the results can be the same."""
    bits = backend.random_bits
    monkeypatch.setattr(backend, "random_bits", lambda rng, like: np.asarray(
        bits(rng, np.empty(like.shape, np.float32)), like=like))  # fmt: skip


def leaves(tree):
    found = []
    backend.tree_map(found.append, tree)
    return found


def assert_on_device_and_equal(on_device, on_host):
    assert len(leaves(on_device)) == len(leaves(on_host))
    for d, h in zip(leaves(on_device), leaves(on_host)):
        assert isinstance(d, Device), "an array has left the device"
        assert d.dtype == np.asarray(h).dtype
        assert np.array_equal(d.get(), h)


# --- the stand-in is strict ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", [operator.add, operator.iadd, operator.matmul, np.maximum, lambda d, h: h[d]])
def test_mixing_raises(mix):
    device, host = Device(np.ones((2, 2), np.int64)), np.ones((2, 2), np.int64)
    with pytest.raises(TypeError):
        mix(device, host)
    with pytest.raises(TypeError):
        mix(host, device)


@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.array, np.ones(2).__setitem__, lambda d: np.concatenate([d, np.ones(2)]),
     lambda d: operator.setitem(np.ones(2), slice(None), d), lambda d: operator.setitem(d, slice(None), np.ones(2))],
)  # fmt: skip
def test_silent_conversion_raises(convert):
    with pytest.raises(TypeError):
        convert(Device(np.ones(2)))


# --- everything runs on it ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("same_masks")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(calls()))
def test_layers_and_networks(name, dtype):
    call, arguments = calls(dtype)[name]
    on_host = call(*arguments)
    on_device = call(*to_device(arguments))
    assert_on_device_and_equal(on_device, on_host)


@pytest.mark.parametrize(
    "name, module, original, fault",
    [
        ("embedding", embedding, "np.arange(V, like=E)", "np.arange(V)"),
        ("embedding", embedding, "backend.empty((V, x.size), like=E)", "np.empty((V, x.size), E.dtype)"),
        ("lstm", lstm, "slope = backend.empty((B, 4 * H), like=x)", "slope = np.empty((B, 4 * H), x.dtype)"),
        ("windowed_lstm", windowed_lstm, "backend.zeros((B, K), like=x)", "np.zeros((B, K), x.dtype)"),
        ("dropout", dropout, "m = kept.astype(like.dtype)", "m = kept.get().astype(like.dtype)"),
        ("softmax_cross_entropy", softmax_cross_entropy, "np.arange(len(targets), like=targets)",
         "np.arange(len(targets))"),
    ],
)  # fmt: skip
def test_an_array_made_on_the_host_is_noticed(name, module, original, fault, monkeypatch):
    plant(monkeypatch, module, (original, fault))
    call, arguments = calls()[name]
    with pytest.raises(TypeError):
        call(*to_device(arguments))


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_optimisers_and_clipping(name):
    rng = np.random.default_rng(0)
    params = {"W": rng.standard_normal((3, 4)).astype(np.float32), "b": rng.standard_normal(4).astype(np.float32)}
    device_params = {key: Device(array.copy()) for key, array in params.items()}
    optimiser, device_optimiser = OPTIMISERS[name](params), OPTIMISERS[name](device_params)
    for _ in range(5):
        grads = {key: rng.standard_normal(array.shape).astype(np.float32) for key, array in params.items()}
        device_grads = {key: Device(array.copy()) for key, array in grads.items()}
        assert clip_by_global_norm(device_grads, 1.0) == clip_by_global_norm(grads, 1.0)
        optimiser.step(params, grads, 0.01)
        device_optimiser.step(device_params, device_grads, 0.01)
    assert_on_device_and_equal(device_params, params)
    assert_on_device_and_equal(device_optimiser.moments(), optimiser.moments())


@pytest.mark.parametrize("make", [lambda p: SGD(p, momentum=0.9), lambda p: Adam(p, weight_decay=0.1)])
def test_momentum_and_weight_decay(make):
    params = {"w": np.ones(3)}
    device_params = to_device({"w": np.ones(3)})
    optimiser, device_optimiser = make(params), make(device_params)
    for _ in range(3):
        optimiser.step(params, {"w": np.ones(3)}, 0.1)
        device_optimiser.step(device_params, to_device({"w": np.ones(3)}), 0.1)
    assert_on_device_and_equal(device_params, params)


def train(network, chunk, put):
    """Three training steps; ``put`` moves an array to where the training runs."""
    network.params = backend.tree_map(put, network.params)
    params = backend.flatten(network.params)
    optimiser, rng = Adam(params), np.random.default_rng(0)
    chunk, state = backend.tree_map(put, chunk), network.start(B)
    losses = []
    for _ in range(3):
        loss, state, cache = network.loss(chunk, state, rng)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 0.5)
        optimiser.step(params, grads, 0.01)
        losses.append(float(loss))
    return losses, network.params, state


@pytest.mark.usefixtures("same_masks")
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru", "pen"])
def test_training_gives_the_same_bits(kind):
    def network():
        if kind == "pen":
            return small_pen_rnn(2, dropout=0.2, dtype=np.float32)
        return CharRNN(V, kind, layers=2, hidden=4, embed=3, dropout=0.2)

    chunk = (pen_chunk if kind == "pen" else char_chunk)(np.random.default_rng(0))
    losses, params, state = train(network(), chunk, lambda array: array.copy())
    device_losses, device_params, device_state = train(network(), chunk, Device)
    assert device_losses == losses
    assert_on_device_and_equal(device_params, params)
    assert_on_device_and_equal(device_state, state)


def test_all_masked_and_no_mask():
    z, targets = np.ones((3, 2, 4)), np.zeros((3, 2), int)
    for mask in (None, np.zeros((3, 2), bool)):
        loss, cache = softmax_cross_entropy.forward(z, targets, mask)
        device_loss, device_cache = softmax_cross_entropy.forward(*to_device((z, targets, mask)))
        assert float(device_loss) == float(loss)
        assert_on_device_and_equal(
            softmax_cross_entropy.backward(device_cache), softmax_cross_entropy.backward(cache)
        )


# --- the backend itself -------------------------------------------------------------------------------------


def test_moving_to_the_host():
    tree = {"a": Device(np.arange(3)), "b": [np.ones(2), None]}
    moved = backend.tree_map(backend.to_host, tree)
    assert type(moved["a"]) is np.ndarray and np.array_equal(moved["a"], [0, 1, 2])
    assert moved["b"][0] is tree["b"][0] and moved["b"][1] is None


def test_a_network_moves_to_the_host_and_knows_its_size():
    network = CharRNN(V, "lstm", layers=1, hidden=4, embed=3)
    weights = network.params
    network.params = to_device(weights)
    assert network.count() == sum(array.size for array in backend.flatten(weights).values())
    network.to_device("cpu")
    assert all(type(array) is np.ndarray for array in backend.flatten(network.params).values())


def test_flatten_and_back():
    tree = {"lstm1": {"Wx": 1, "Wh": 2}, "softmax": {"b": 3}}
    flat = backend.flatten(tree)
    assert flat == {"lstm1.Wx": 1, "lstm1.Wh": 2, "softmax.b": 3}
    assert backend.unflatten(flat) == tree


def test_random_bits_are_made_on_the_device():
    like = Device(np.empty((300, 700), np.float32))
    bits = backend.random_bits(np.random.default_rng(1), like)
    assert isinstance(bits, Device) and bits.shape == like.shape and bits.dtype == np.uint16
    values = bits.get()
    assert np.array_equal(values, backend.random_bits(np.random.default_rng(1), like).get())
    assert (values != backend.random_bits(np.random.default_rng(2), like).get()).mean() > 0.999
    # As even as chance: of 210,000 values a 16th falls into each 16th of the range, +- 5 standard deviations; no two
    # rows or neighbours go together.
    shares = np.bincount(values.ravel() >> 12, minlength=16)
    assert np.abs(shares - values.size / 16).max() < 5 * (values.size / 16) ** 0.5
    centred = values / 65536 - 0.5
    for other in (np.roll(centred, 1, axis=1), np.roll(centred, 1, axis=0)):
        assert abs((centred * other).mean()) < 5 / 12 / values.size**0.5


def test_zeros_and_empty_are_made_beside_their_like():
    like = Device(np.ones(2, np.float32))
    for made in (backend.zeros((3, 1), like), backend.empty((3, 1), like)):
        assert isinstance(made, Device) and made.shape == (3, 1) and made.dtype == np.float32
    assert global_norm({"w": like}) == pytest.approx(2**0.5)
