"""Many cores: threads share the sequences of a batch.

    workers = Workers(2)
    losses_and_gradients(network, chunk, states, rngs, workers) -> loss, states, gradients

NumPy's matrix products use every core, but its elementwise functions use one, and an LSTM has many of them. So each
thread takes its share of the batch through the whole network, forward and back, with products on one core, and the
gradients are added up, exactly as several machines would do it. NumPy releases Python's global lock while it computes,
so the threads really run in parallel. The shares and the order of the sum are fixed, so that the same numbers come out
every time. With another number of threads they differ by rounding alone: every sequence has dropout masks of
its own (`SequenceBits`), whoever takes it through the network.
"""

import contextlib
import ctypes
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController

from minirnn import backend
from minirnn.networks.network import symbols_counted, take_sequences


def keep_freed_memory():
    """Ask glibc to keep freed blocks for the next chunk. By default it returns large ones to the system, which has to
    clear every page of them again; that takes a tenth of a training step. Without glibc nothing happens."""
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_threshold, 2**25)  # the largest value that it takes
        libc.mallopt(trim_threshold, 2**31 - 1)


def cut(start, stop, parts):
    """The range from ``start`` to ``stop`` as ``parts`` slices of nearly equal length; fewer if it is shorter."""
    edges = np.linspace(start, stop, min(parts, stop - start) + 1).astype(int)
    return [slice(i, j) for i, j in itertools.pairwise(edges)]


class Workers:
    """``count`` threads; ``map(function, *lists)`` runs them. With a count of 1, no thread is started.

    The methods after `sequences` communicate with other processes where there are any (`minirnn.training.mpi.Ranks`);
    here, there are none."""

    rank, ranks = 0, 1

    def __init__(self, count):
        self.count = count
        self.pool = ThreadPoolExecutor(count) if count > 1 else None
        self.libraries = ThreadpoolController() if count > 1 else None  # once: it searches all libraries

    def map(self, function, *lists):
        """[function(a, b, ..) for a, b, .. in zip(*lists)], each on a thread of its own, its products on one core."""
        if self.pool is None:
            return list(map(function, *lists))
        with self.libraries.limit(limits=1, user_api="blas"):
            return list(self.pool.map(function, *lists))

    def shares(self, chunk):
        """The parts of a chunk, one for each thread, and how much each weighs in the mean loss."""
        parts = [take_sequences(chunk, part) for part in self.sequences(chunk["x"].shape[1])]
        total = max(1, symbols_counted(chunk))
        return parts, [symbols_counted(part) / total for part in parts]

    def sequences(self, B):
        """Which of B sequences each thread takes, as slices."""
        return cut(0, B, self.count)

    def add_up(self, loss, gradients):
        """The sum over all processes of their shares of a mean loss and of its gradients."""
        return loss, gradients

    def agreed(self, value):
        """The ``value`` of rank 0, on all processes."""
        return value

    def any(self, *flags):
        """For each flag, whether any process raises it."""
        return flags

    def gather(self, states):
        """The states of all shares, in the order of their sequences, on rank 0."""
        return states

    def check_same(self, params):
        """Raises MinirnnError if the processes do not have the same weights."""

    def wait(self):
        """Wait until all processes have called this."""


class SequenceBits:
    """Random integers for the sequences ``part`` (a slice) of a batch at one ``step``: every sequence has a generator
    of its own, so that what is drawn for it does not depend on which others are in the same share."""

    def __init__(self, seed, step, part):
        self.generators = [np.random.default_rng([seed, step, b]) for b in range(part.start, part.stop)]

    def integers(self, low, high=None, shape=None, dtype=np.int64):
        """As `numpy.random.Generator.integers`; ``shape`` is (T, B, ...). Without it, as for a GPU: one number."""
        if shape is None:
            return self.generators[0].integers(low, high, dtype=dtype)
        drawn = np.empty(shape, dtype)
        for b, generator in enumerate(self.generators):
            drawn[:, b] = generator.integers(low, high, (shape[0], *shape[2:]), dtype)
        return drawn


def start(network, chunk, workers):
    """The states before the first step, one for each share of ``chunk``."""
    return [network.start(part["x"].shape[1]) for part in workers.shares(chunk)[0]]


def loss_and_gradients(network, chunk, states, rngs, workers):
    """One chunk forward and back -> loss, states after it, {name: gradient}; ``rngs`` draw the dropout masks."""

    def forward_and_back(part, weight, state, rng):
        loss, state, cache = network.loss(part, state, rng)
        gradients = backend.flatten(network.backward(cache))
        for g in gradients.values():
            g *= weight
        return weight * float(loss), state, gradients  # float waits for the GPU, so it comes last

    results = workers.map(forward_and_back, *workers.shares(chunk), states, rngs)
    losses, new_states, shares = ([result[k] for result in results] for k in range(3))
    if shares:
        total = shares.pop(0)
    else:  # one of many processes, without a sequence
        total = {name: np.zeros_like(a) for name, a in backend.flatten(network.params).items()}
    for gradients in shares:
        for name, g in gradients.items():
            total[name] += g
    mean, total = workers.add_up(sum(losses), total)
    return mean, new_states, total


def loss_only(network, chunk, states, workers):
    """One chunk forward, without dropout -> loss, states after it."""

    def forward(part, state):
        loss, state, _ = network.loss(part, state)
        return float(loss), state

    parts, weights = workers.shares(chunk)
    results = workers.map(forward, parts, states)
    loss, _ = workers.add_up(sum(weight * loss for (loss, _), weight in zip(results, weights)), {})
    return loss, [state for _, state in results]


def recut(states, workers, B):
    """The states of B sequences, in whatever shares -> the states of this process's shares."""
    whole = [[np.concatenate(arrays) for arrays in zip(*layers)] for layers in zip(*states)]
    if any(len(array) != B for layer in whole for array in layer):
        raise ValueError(f"the states are not those of {B} sequences")
    return [[tuple(array[part] for array in layer) for layer in whole] for part in workers.sequences(B)]
