"""Where the arrays are: NumPy on the CPU or CuPy on a GPU, with the same source lines for both.

The layers are written in plain NumPy. When their arrays are CuPy arrays, NumPy's own protocols pass every call on to
CuPy: ufuncs and matrix products by ``__array_ufunc__`` (NEP 13), other functions by ``__array_function__`` (NEP 18),
and new arrays are made on the device of an existing one with ``like=`` (NEP 35). So a layer never asks where it runs;
only this file does.

The dimension letters of the whole project:

    T  time steps of a chunk            V  symbols of the vocabulary
    B  sequences of a batch             U  characters of the text that is being written
    D  size of a layer's input          E  size of a character's embedding
    H  size of a hidden state           K  Gaussians of the attention window
"""

import numpy as np

from minirnn.errors import MinirnnError


def check_device(device):
    """Raise `MinirnnError` if ``device`` ("cpu" or "gpu") cannot be used on this machine."""
    if device == "cpu":
        return
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
        cupy.zeros(1) + 1
    except ImportError:
        raise MinirnnError(
            "--device gpu needs CuPy, which is not installed: pip install 'minirnn[gpu]', or use --device cpu"
        ) from None
    except Exception as error:
        raise MinirnnError(
            f"--device gpu: CuPy finds no usable GPU ({str(error).splitlines()[0]}); use --device cpu"
        ) from None


def to_device(array, device):
    """A NumPy array as it is (cpu) or copied to the GPU (gpu)."""
    if device == "cpu":
        return array
    import cupy

    return cupy.asarray(array)


def to_host(array):
    """Any array as a NumPy array."""
    return array.get() if hasattr(array, "get") else array


def tree_map(function, tree):
    """Apply ``function`` to every array of nested dicts, lists and tuples; None stays None."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: tree_map(function, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(tree_map(function, value) for value in tree)
    return function(tree)


def flatten(tree, prefix=""):
    """Nested dicts of arrays as one dict ``{"lstm1.Wx": array, ...}`` of the same arrays, in order."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def unflatten(flat):
    """The inverse of `flatten`."""
    tree = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        node = tree
        for key in path:
            node = node.setdefault(key, {})
        node[last] = value
    return tree


def uniform(rng, bound, shape, dtype):
    """A new weight: uniform in [-bound, bound), drawn on the CPU so that every device starts the same."""
    return rng.uniform(-bound, bound, shape).astype(dtype)


def random_bits(rng, like):
    """16 random bits for every element of ``like``: uint16, of its shape and on its device. ``rng``:
    `numpy.random.Generator`."""
    if isinstance(like, np.ndarray):
        return rng.integers(0, 65536, like.shape, dtype=np.uint16)
    # Copying millions of them to a GPU would take longer than everything else. There, consecutive numbers from a random
    # one on are scrambled by a hash (lowbias32: C. Wellons, "Prospecting for Hash Functions", 2018).
    bits = np.arange(like.size, dtype=np.uint32, like=like) + rng.integers(2**32, dtype=np.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits ^= bits >> np.uint32(shift)
        bits *= np.uint32(factor)
    return (bits >> np.uint32(16)).astype(np.uint16).reshape(like.shape)


def product(x, W, out):
    """x (B, D) W (D, H) into ``out``. Before a product, the CPU's library copies W into an order of its own, which is
    worthwhile for four rows or more. It does not do so for a single row, so two or three rows are taken one by one."""
    if 1 < len(x) < 4:
        x, out = x[:, None], out[:, None]
    np.matmul(x, W, out=out)


def pieces(*arrays):
    """The arrays, all of one shape, in pieces of some rows at the same places. If a dozen operations are done piece by
    piece, the values are fetched from memory once and stay in the processor's cache. On a GPU, one piece is best."""
    first = arrays[0]
    rows = max(1, 2**15 * len(first) // first.size) if isinstance(first, np.ndarray) else len(first)
    for start in range(0, len(first), rows):
        yield [array[start : start + rows] for array in arrays]


def zeros(shape, like):
    """Zeros of ``like``'s dtype on ``like``'s device."""
    return np.zeros(shape, like.dtype, like=like)


def empty(shape, like):
    """An uninitialised array of ``like``'s dtype on ``like``'s device."""
    return np.empty(shape, like.dtype, like=like)
