"""What all networks share.

    CharRNN     characters -> the next character: decides what to write
    PenRNN      pen moves, looking at the text through an attention window -> the next pen move: decides how to write it
    ReaderRNN   pen moves -> characters: reads what was written

All offer the same to the training loop and to the gradient check:

    start(B)                      -> the state before the first step of B sequences
    loss(chunk, state, rng=None)  -> loss in nats per symbol, state after the chunk, cache
    backward(cache)               -> gradients, nested like params
    params, settings              -> what a checkpoint has to keep

A chunk is a dict of arrays, described at each network. ``rng`` draws dropout masks; without it nothing is dropped.
"""

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError

BATCH_AXIS = {"x": 1, "y": 1, "mask": 1, "height": 1, "text": 0, "hand": 0, "lengths": 0}  # of the arrays of a chunk


def take_sequences(chunk, part):
    """A chunk of the sequences ``part``, a slice of the batch."""
    return {name: a if a is None else a[(slice(None),) * BATCH_AXIS[name] + (part,)] for name, a in chunk.items()}


def symbols_counted(chunk):
    """The number of symbols of a chunk that count, according to its mask."""
    mask = chunk.get("mask")
    return chunk["y"].size if mask is None else int(mask.sum())


class Network:
    """The base class of the networks: parameters by name, loading them, and moving them to a device."""

    def count(self):
        """The number of weights."""
        return sum(array.size for array in backend.flatten(self.params).values())

    def load_params(self, flat, where="the checkpoint"):
        """Load parameters from a flat dict {"lstm1.Wx": array, ...}; every name and shape has to fit."""
        own = backend.flatten(self.params)
        if own.keys() != flat.keys():
            odd = ", ".join(sorted(own.keys() ^ flat.keys())[:5])
            raise MinirnnError(f"{where} does not fit this network: {odd} missing or too many")
        for name, array in own.items():
            if flat[name].shape != array.shape:
                raise MinirnnError(
                    f"{where} does not fit this network: {name} has shape {flat[name].shape}, not {array.shape}"
                )
        with np.errstate(over="ignore"):  # a float64 may be too large for a float32, which is checked below
            cast = {name: flat[name].astype(array.dtype) for name, array in own.items()}
        for name, array in cast.items():
            if not np.isfinite(array).all():
                raise MinirnnError(f"{where} holds numbers that are not finite in {name}; use another")
        self.params = backend.tree_map(lambda a: backend.to_device(a, self.device), backend.unflatten(cast))

    def to_device(self, device):
        """Move the parameters to "cpu" or "gpu"; returns the network."""
        self.device = device
        self.params = backend.tree_map(lambda a: backend.to_device(backend.to_host(a), device), self.params)
        return self
