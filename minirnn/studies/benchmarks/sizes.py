"""The networks that are compared, and a chunk of random symbols for them."""

import dataclasses

import numpy as np

from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.pen_rnn import PenRNN

# The sizes of the two tasks: tiny-shakespeare has 65 characters; the pen has 48 directions and 192 lifts, and its chunk
# belongs to a line of about 30 characters.
CHARACTERS, DIRECTIONS, LIFTS, HEIGHTS, LINE = 65, 48, 192, 33, 30


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of a network and of a chunk: ``steps`` is T, ``batch`` B, ``hidden`` H."""

    model: str  # "CharRNN" or "PenRNN"
    hidden: int = 256
    batch: int = 64
    steps: int = 64
    layers: int = 2
    V: int | None = None  # None: as many symbols as the task has

    @property
    def symbols(self):
        """How many symbols the vocabulary has."""
        return self.V or (CHARACTERS if self.model == "CharRNN" else 2 + DIRECTIONS + LIFTS)


def make_network(sizes, dtype=np.float32):
    """A new network of these sizes, the others as the commands have them."""
    if sizes.model == "CharRNN":
        return CharRNN(sizes.symbols, "lstm", sizes.layers, sizes.hidden, embed=64, dtype=dtype)
    return PenRNN(
        sizes.symbols, characters=CHARACTERS, heights=HEIGHTS, layers=sizes.layers, hidden=sizes.hidden, dtype=dtype
    )


def make_chunk(sizes, seed=0):
    """A chunk of random symbols, as the training loop would give it."""
    rng = np.random.default_rng(seed)
    T, B = sizes.steps, sizes.batch

    def ids(n, *shape):
        return rng.integers(n, size=shape).astype(np.int32)

    chunk = {"x": ids(sizes.symbols, T, B), "y": ids(sizes.symbols, T, B)}
    if sizes.model == "PenRNN":
        chunk["mask"] = np.ones((T, B), bool)
        chunk |= {"height": ids(HEIGHTS, T, B), "text": ids(CHARACTERS, B, LINE), "hand": np.zeros(B, np.int32)}
    return chunk
