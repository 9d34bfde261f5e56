"""The matrix products of a step and nothing else: no network can be faster than its products.

A product is a tuple (times, left, right, out). They come in threes, one forward and two backward. The shapes and the
transposed views are those of the layers; the look-up of the embeddings is left out, and so is everything between the
products.
"""

import numpy as np

from minirnn import backend


def dense(N, D, H, like):
    """N rows through a (D, H) matrix: forward, weight gradient, input gradient."""
    x, W, y = (backend.zeros(shape, like) for shape in ((N, D), (D, H), (N, H)))
    return [(1, x, W, y), (1, x.T, y, W.copy()), (1, y, W.T, x.copy())]


def recurrent(T, B, D, H, like):
    """T steps of B rows through a (D, 4H) matrix, one after the other, forward and backward, and the weight
    gradient."""
    h, W, z, all_h, all_z = (
        backend.zeros(shape, like) for shape in ((B, D), (D, 4 * H), (B, 4 * H), (T * B, D), (T * B, 4 * H))
    )
    return [(T, h, W, z), (T, z, W.T.copy(), h.copy()), (1, all_h.T, all_z, W.copy())]


def window(T, B, U, E, like):
    """The window vectors of T steps, forward and backward, and the gradient of the embedded text."""
    phi, C, w, all_phi, all_w = (
        backend.zeros(shape, like) for shape in ((B, 1, U), (B, U, E), (B, 1, E), (T, B, U), (T, B, E))
    )
    return [
        (T, phi, C, w),
        (T, C, w.transpose(0, 2, 1), phi.transpose(0, 2, 1).copy()),
        (1, all_phi.transpose(1, 2, 0), all_w.transpose(1, 0, 2), C.copy()),
    ]


def products(network, T, B, U):
    """All products of a training step of ``network``."""
    s, like = network.settings, network.params["softmax"]["W"]
    H, D, V, N = s["hidden"], s["embed"], s["V"], T * B
    if network.kind == "CharRNN":
        made = dense(N, H, V, like)
        for n in range(s["layers"]):
            made += dense(N, H if n else D, 4 * H, like) + recurrent(T, B, H, H, like)
        return made
    E, K = s["char_embed"], s["gaussians"]
    made = dense(N, s["layers"] * H, V, like)
    made += dense(N, D, 4 * H, like) + recurrent(T, B, E + H, H, like) + window(T, B, U, E, like)
    h, W, z = (backend.zeros(shape, like) for shape in ((B, H), (H, 3 * K), (B, 3 * K)))
    made += [(T, h, W, z), (T, z, W.T.copy(), h.copy()), dense(N, H, 3 * K, like)[1]]
    for _ in range(s["layers"] - 1):
        made += dense(N, D + E + H, 4 * H, like) + recurrent(T, B, H, H, like)
    return made


class Products:
    """The products of the whole chunk by a matrix library that uses ``workers.count`` threads for each of them, or, if
    ``shared``, each thread's products of its share of the batch. With two threads sometimes the one and sometimes the
    other way is faster, and the faster one is the limit."""

    def __init__(self, network, chunk, workers, shared=False):
        self.workers = workers if shared else None
        parts = workers.shares(chunk)[0] if shared else [chunk]
        U = chunk["text"].shape[1] if "text" in chunk else 0
        self.parts = [products(network, *part["x"].shape, U) for part in parts]
        self.one_step = products(network, 1, 1, U)[::3]

    def train(self):
        """The products of one training step."""
        if self.workers:
            self.workers.map(multiply, self.parts)
        else:
            multiply(self.parts[0])

    def generate(self):
        """The forward products of one generation step."""
        multiply(self.one_step)


def multiply(made):
    """Carry out a list of products, each as often as it says."""
    for times, left, right, out in made:
        product = backend.product if left.ndim == 2 else np.matmul
        for _ in range(times):
            product(left, right, out=out)
