"""From a checkpoint back to a network: the one place that knows which keys a checkpoint has."""

import math
import pathlib

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN


def load_text_run(run, device="cpu"):
    """The best network of a text run (a folder, or a checkpoint) -> network, vocabulary, meta."""
    path = pathlib.Path(run)
    if path.is_dir():
        path = path / "best.npz" if (path / "best.npz").exists() else path / "last.npz"
    meta, arrays = checkpoint.load(path, "CharRNN")
    network = network_from(CharRNN, meta, arrays, path).to_device(device)
    symbols = meta.get("symbols")
    if not isinstance(symbols, str) or len(set(symbols)) != network.settings["V"]:
        raise MinirnnError(f"{path} is damaged: its characters do not fit its network; use another")
    return network, CharVocabulary(symbols), meta


class Frugal(np.random.Generator):
    """A generator that gives ``left`` numbers and no more, so that a network cannot grow larger than it should."""

    left = 0

    def _take(self, shape):
        self.left -= math.prod(np.atleast_1d(shape).tolist())
        if self.left < 0:
            raise ValueError("its settings claim more weights than it holds")

    def uniform(self, low, high, shape):
        """As `numpy.random.Generator.uniform`."""
        self._take(shape)
        return super().uniform(low, high, shape)

    def standard_normal(self, shape):
        """As `numpy.random.Generator.standard_normal`."""
        self._take(shape)
        return super().standard_normal(shape)


def network_from(kind, meta, arrays, path):
    """Rebuild a network of class ``kind`` from what `checkpoint.load` gave.

    The settings may be a stranger's: a network larger than the arrays that are there is refused while it is built,
    before its weights are allocated."""
    prefix = "params."
    params = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    rng = Frugal(np.random.PCG64(0))
    rng.left = sum(array.size for array in params.values())
    try:
        settings = dict(meta["network"])
        sizes = [value for name, value in settings.items() if isinstance(value, int) and name != "dropout"]
        if not all(1 <= size <= rng.left for size in sizes):
            raise ValueError("its settings claim sizes that do not fit its weights")
        network = kind(**settings, seed=rng)
        if network.settings != settings:
            raise ValueError("its settings are not complete")
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise MinirnnError(f"{path} is damaged: its network cannot be built ({error}); use another") from None
    network.load_params(params, str(path))
    return network
