"""`CharRNN`, the network of text: from the characters so far to the next one."""

import numpy as np

from minirnn import backend
from minirnn.layers import CELLS, dense, dropout, embedding, softmax_cross_entropy
from minirnn.networks.network import Network


class CharRNN(Network):
    """Embedding, ``layers`` recurrent layers of ``hidden`` units, softmax over V symbols.

    A chunk: {"x": (T, B) ids, "y": (T, B) ids of what comes next, "mask": (T, B) bool or None}. Dropout follows the
    embedding and every recurrent layer.
    """

    kind = "CharRNN"

    def __init__(self, V, cell="lstm", layers=2, hidden=256, embed=64, dropout=0.0, seed=0, dtype=np.float32):
        self.settings = {"V": V, "cell": cell, "layers": layers, "hidden": hidden, "embed": embed, "dropout": dropout}
        self.cell, self.p, self.device = CELLS[cell], dropout, "cpu"
        self.recurrent = [f"{cell}{n + 1}" for n in range(layers)]
        rng = np.random.default_rng(seed)
        self.params = {"embedding": embedding.init(rng, V, embed, dtype)}
        for n, name in enumerate(self.recurrent):
            self.params[name] = self.cell.init(rng, hidden if n else embed, hidden, dtype)
        self.params["softmax"] = dense.init(rng, hidden, V, dtype)

    @staticmethod
    def shapes(V, cell, layers, hidden, embed, dropout):
        """The shapes of the weights of a network of these settings, {name: shape}, without making them."""
        layers_of = {"embedding": embedding.shapes(V, embed), "softmax": dense.shapes(hidden, V)}
        for n in range(layers):
            layers_of[f"{cell}{n + 1}"] = CELLS[cell].shapes(hidden if n else embed, hidden)
        return backend.flatten(layers_of)

    def start(self, B):
        """The state of B streams before the first step: one state of the cell, arrays (B, hidden), for every layer."""
        return [self.cell.start(B, self.params[name]) for name in self.recurrent]

    def forward(self, x, state, rng=None):
        """x (T, B) ids -> logits (T, B, V), state, cache."""

        def drop(y):
            mask = dropout.draw_mask(rng, self.p, y) if self.p and rng is not None else None
            y, cache = dropout.forward(y, mask)
            caches.append(cache)
            return y

        caches, new_state = [], []
        y, cache = embedding.forward(x, self.params["embedding"])
        caches.append(cache)
        y = drop(y)
        for name, layer_state in zip(self.recurrent, state):
            y, layer_state, cache = self.cell.forward(y, layer_state, self.params[name])
            caches.append(cache)
            new_state.append(layer_state)
            y = drop(y)
        logits, cache = dense.forward(y, self.params["softmax"])
        caches.append(cache)
        return logits, new_state, caches

    def loss(self, chunk, state, rng=None):
        """-> mean loss (nats per symbol that counts), state, cache. ``rng`` draws the dropout masks; None: nothing is
        dropped."""
        logits, state, caches = self.forward(chunk["x"], state, rng)
        loss, cache = softmax_cross_entropy.forward(logits, chunk["y"], chunk.get("mask"))
        return loss, state, [*caches, cache]

    def backward(self, cache):
        """The cache of `loss` -> the gradients, as nested as the parameters; the error of the last state is cut off."""
        caches = list(cache)
        grads = {}
        dy = softmax_cross_entropy.backward(caches.pop())
        dy, grads["softmax"] = dense.backward(dy, caches.pop())
        for name in reversed(self.recurrent):
            dy = dropout.backward(dy, caches.pop())
            # None: no error comes back from later chunks to the last state. This is the truncation.
            dy, _, grads[name] = self.cell.backward(dy, None, caches.pop())
        dy = dropout.backward(dy, caches.pop())
        grads["embedding"] = embedding.backward(dy, caches.pop())
        return {name: grads[name] for name in self.params}
