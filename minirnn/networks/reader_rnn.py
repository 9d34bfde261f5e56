"""`ReaderRNN`, the network that reads: from the pen moves of a line to the characters that it says."""

import numpy as np

from minirnn import backend
from minirnn.layers import CELLS, bidirectional, ctc, dense, dropout, embedding
from minirnn.networks.network import Network


class ReaderRNN(Network):
    """Embeddings, ``layers`` bidirectional recurrent layers of ``hidden`` units in each direction, and a softmax over
    the blank and the characters, trained by connectionist temporal classification (CTC).

        e_t     = E_symbol[symbol] + E_height[height]        (T, B, embed)
        frame_j = [e_{nj}, e_{nj+1}, ..., e_{nj+n-1}]        (T/n, B, n embed), n = ``join``
        logits  = bidirectional layers(frames) W + b         (T/n, B, 1 + characters), 0 is the blank

    A letter takes about fourteen pen symbols. One frame of three joined symbols is still fine enough to tell where
    letters end, so the recurrent layers run over a third of the steps.

    A chunk is a batch of whole lines: {"x": (T, B) pen symbols, T a multiple of ``join``; "height": (T, B) ids of the
    pen's height; "lengths": (B,) pen symbols of each line; "y": (U, B) ids of characters from 1 on; "mask": (U, B)
    bool, where a text has a character}. Dropout follows the embedding and every recurrent layer.
    """

    kind = "ReaderRNN"

    def __init__(
        self,
        V,
        characters,
        heights,
        cell="lstm",
        layers=3,
        hidden=128,
        embed=64,
        join=3,
        dropout=0.0,
        seed=0,
        dtype=np.float32,
    ):
        self.settings = {
            "V": V,
            "characters": characters,
            "heights": heights,
            "cell": cell,
            "layers": layers,
            "hidden": hidden,
            "embed": embed,
            "join": join,
            "dropout": dropout,
        }
        self.cell, self.p, self.join, self.device = CELLS[cell], dropout, join, "cpu"
        rng = np.random.default_rng(seed)
        self.recurrent = [f"{cell}{n + 1}" for n in range(layers)]
        self.params = {
            "symbol": embedding.init(rng, V, embed, dtype),
            "height": embedding.init(rng, heights, embed, dtype),
        }
        for n, name in enumerate(self.recurrent):
            self.params[name] = bidirectional.init(rng, 2 * hidden if n else join * embed, hidden, self.cell, dtype)
        self.params["softmax"] = dense.init(rng, 2 * hidden, 1 + characters, dtype)

    @staticmethod
    def shapes(V, characters, heights, cell, layers, hidden, embed, join, dropout):
        """The shapes of the weights of a network of these settings, {name: shape}, without making them."""
        layers_of = {
            "symbol": embedding.shapes(V, embed),
            "height": embedding.shapes(heights, embed),
            "softmax": dense.shapes(2 * hidden, 1 + characters),
        }
        for n in range(layers):
            layers_of[f"{cell}{n + 1}"] = bidirectional.shapes(2 * hidden if n else join * embed, hidden, CELLS[cell])
        return backend.flatten(layers_of)

    def start(self, B):
        """The state before the first step: none, since every chunk is a batch of whole lines."""
        return []

    def frames(self, lengths):
        """The number of frames of lines with ``lengths`` pen symbols."""
        return -(-lengths // self.join)

    def forward(self, chunk, rng=None):
        """chunk -> logits (T / join, B, 1 + characters), cache. ``rng`` draws the dropout masks; None: nothing is
        dropped."""

        def drop(y):
            mask = dropout.draw_mask(rng, self.p, y) if self.p and rng is not None else None
            y, cache = dropout.forward(y, mask)
            caches.append(cache)
            return y

        x, params, lengths = chunk["x"], self.params, self.frames(chunk["lengths"])
        T, B = x.shape
        symbol, symbol_cache = embedding.forward(x, params["symbol"])
        height, height_cache = embedding.forward(chunk["height"], params["height"])
        caches = [symbol_cache, height_cache]
        y = drop(symbol + height).reshape(T // self.join, self.join, B, -1)
        y = y.transpose(0, 2, 1, 3).reshape(T // self.join, B, -1)
        for name in self.recurrent:
            y, cache = bidirectional.forward(y, lengths, params[name], self.cell)
            caches.append(cache)
            y = drop(y)
        logits, cache = dense.forward(y, params["softmax"])
        return logits, [*caches, cache]

    def loss(self, chunk, state, rng=None):
        """-> mean loss (nats per character), state, cache. ``rng`` draws the dropout masks; None: nothing is
        dropped."""
        logits, caches = self.forward(chunk, rng)
        counts = chunk["mask"].sum(axis=0)
        loss, cache = ctc.forward(logits, chunk["y"], self.frames(chunk["lengths"]), counts)
        return loss, state, [*caches, cache]

    def backward(self, cache):
        """The cache of `loss` -> the gradients, as nested as the parameters."""
        caches, grads = list(cache), {}
        dy = ctc.backward(caches.pop())
        dy, grads["softmax"] = dense.backward(dy, caches.pop())
        for name in reversed(self.recurrent):
            dy = dropout.backward(dy, caches.pop())
            dy, grads[name] = bidirectional.backward(dy, caches.pop())
        frames, B, _ = dy.shape
        dy = dy.reshape(frames, B, self.join, -1).transpose(0, 2, 1, 3).reshape(frames * self.join, B, -1)
        dy = dropout.backward(dy, caches.pop())
        grads["height"] = embedding.backward(dy, caches.pop())
        grads["symbol"] = embedding.backward(dy, caches.pop())
        return {name: grads[name] for name in self.params}
