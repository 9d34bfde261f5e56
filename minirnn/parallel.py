"""Using all cores: the sequences of a batch are shared out among threads.

    workers = Workers(2)
    losses_and_gradients(network, chunk, states, rngs, workers) -> loss, states, gradients

NumPy's matrix products use every core, but its elementwise functions use one, and an LSTM has many of them. So each
thread takes its share of the batch through the whole network, forward and back, with products on one core, and the
gradients are added up, which is exactly what several machines would do. NumPy lets go of Python's lock while it
computes, so the threads really run side by side. The shares and the order of the sum are fixed: the same numbers
come out every time.
"""

import contextlib
import ctypes
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.models import split_chunk, symbols_counted


def keep_freed_memory():
    """Ask glibc to keep freed blocks for the next chunk. By default it hands large ones back to the system, which
    has to clear every page of them again: a tenth of a training step. Without glibc nothing happens."""
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_threshold, 2**25)  # the largest value that it takes
        libc.mallopt(trim_threshold, 2**31 - 1)


class Workers:
    """``count`` threads; ``map(function, *lists)`` runs them. One thread is no thread at all."""

    def __init__(self, count):
        self.count = count
        self.pool = ThreadPoolExecutor(count) if count > 1 else None

    def map(self, function, *lists):
        if self.pool is None:
            return list(map(function, *lists))
        with threadpool_limits(1, user_api="blas"):
            return list(self.pool.map(function, *lists))

    def shares(self, chunk):
        """The parts of a chunk, one for each thread, and how much each weighs in the mean loss."""
        parts = split_chunk(chunk, self.count)
        counts = [symbols_counted(part) for part in parts]
        return parts, [count / max(1, sum(counts)) for count in counts]


def start(network, chunk, workers):
    """The states before the first step, one for each share of ``chunk``."""
    return [network.start(part["x"].shape[1]) for part in workers.shares(chunk)[0]]


def loss_and_gradients(network, chunk, states, rngs, workers):
    """One chunk forward and back -> loss, states after it, {name: gradient}; ``rngs`` draw the dropout masks."""

    def forward_and_back(part, state, rng):
        loss, state, cache = network.loss(part, state, rng)
        return float(loss), state, backend.flatten(network.backward(cache))

    parts, weights = workers.shares(chunk)
    losses, states, gradients = zip(*workers.map(forward_and_back, parts, states, rngs))
    total = {name: g * weights[0] for name, g in gradients[0].items()}
    for more, weight in zip(gradients[1:], weights[1:]):
        for name, g in more.items():
            total[name] += g * weight
    return sum(w * loss for w, loss in zip(weights, losses)), list(states), total


def loss_only(network, chunk, states, workers):
    """One chunk forward, nothing dropped -> loss, states after it."""

    def forward(part, state):
        loss, state, _ = network.loss(part, state)
        return float(loss), state

    parts, weights = workers.shares(chunk)
    losses, states = zip(*workers.map(forward, parts, states))
    return sum(w * loss for w, loss in zip(weights, losses)), list(states)
