"""The two networks, composed from the layers.

    CharRNN   characters -> next character: decides what to write
    PenRNN    pen moves, looking at the text through a soft window -> next pen move: decides how to write it

Both offer the same four things to the training loop and to the gradient check:

    start(B)                      -> the state before the first step of B sequences
    loss(chunk, state, rng=None)  -> loss in nats a symbol, state after the chunk, cache
    backward(cache)               -> gradients, nested as params
    params, settings              -> what a checkpoint has to keep

A chunk is a dict of arrays, described at each network. ``rng`` draws dropout masks; without it nothing is dropped.
"""

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.layers import CELLS, dense, dropout, embedding, lstm, reader, softmax_cross_entropy

BATCH_AXIS = {"x": 1, "y": 1, "mask": 1, "height": 1, "text": 0, "hand": 0, "lengths": 0}  # of the arrays of a chunk


def take_sequences(chunk, part):
    """The sequences ``part``, a slice of the batch, as a chunk of their own."""
    return {name: a if a is None else a[(slice(None),) * BATCH_AXIS[name] + (part,)] for name, a in chunk.items()}


def symbols_counted(chunk):
    """The number of symbols of a chunk that its mask lets count."""
    mask = chunk.get("mask")
    return chunk["y"].size if mask is None else int(mask.sum())


class Network:
    """What both networks share: parameters by name, and moving them in and out."""

    def count(self):
        """The number of weights."""
        return sum(array.size for array in backend.flatten(self.params).values())

    def load_params(self, flat, where="the checkpoint"):
        """Take over parameters from a flat dict {"lstm1.Wx": array, ...}; every name and shape has to fit."""
        own = backend.flatten(self.params)
        if own.keys() != flat.keys():
            odd = ", ".join(sorted(own.keys() ^ flat.keys())[:5])
            raise MinirnnError(f"{where} does not fit this network: {odd} missing or too many")
        for name, array in own.items():
            if flat[name].shape != array.shape:
                raise MinirnnError(
                    f"{where} does not fit this network: {name} has shape {flat[name].shape}, not {array.shape}"
                )
        with np.errstate(over="ignore"):  # a float64 may be too large for a float32, which is told apart below
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


class CharRNN(Network):
    """Embedding, ``layers`` recurrent layers of ``hidden`` units, softmax over V symbols.

    A chunk: {"x": (T, B) ids, "y": (T, B) ids of what comes next, "mask": (T, B) bool or None}. Dropout stands
    behind the embedding and behind every recurrent layer.
    """

    kind = "CharRNN"

    def __init__(self, V, cell="lstm", layers=2, hidden=256, embed=64, dropout=0.0, seed=0, dtype=np.float32):
        self.settings = {
            "V": V, "cell": cell, "layers": layers, "hidden": hidden, "embed": embed, "dropout": dropout
        }  # fmt: skip
        self.cell, self.p, self.device = CELLS[cell], dropout, "cpu"
        self.recurrent = [f"{cell}{n + 1}" for n in range(layers)]
        rng = np.random.default_rng(seed)
        self.params = {"embedding": embedding.init(rng, V, embed, dtype)}
        for n, name in enumerate(self.recurrent):
            self.params[name] = self.cell.init(rng, hidden if n else embed, hidden, dtype)
        self.params["softmax"] = dense.init(rng, hidden, V, dtype)

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
        """-> mean loss (nats a symbol that counts), state, cache. ``rng`` draws the dropout masks; None: nothing is
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
            # None: what later chunks would say of the last state is cut off. This is the truncation.
            dy, _, grads[name] = self.cell.backward(dy, None, caches.pop())
        dy = dropout.backward(dy, caches.pop())
        grads["embedding"] = embedding.backward(dy, caches.pop())
        return {name: grads[name] for name in self.params}


class PenRNN(Network):
    """An LSTM that reads the text through a window, further LSTMs, softmax over V pen symbols.

        x_t     = E_symbol[symbol] + E_height[height] + E_hand[hand]
        h1, w   = reader(x; embedded text)
        h_n     = LSTM n ([x, w, h_{n-1}])           n = 2 .. layers
        logits  = [h_1, ..., h_layers] W + b

    A chunk: {"x": (T, B) pen symbols, "height": (T, B) ids of the pen's height, "y": (T, B) next symbols, "mask":
    (T, B) bool, "text": (B, U) ids of characters, those past the end -1, "hand": (B,) ids of hands, 0 is any hand}.
    """

    kind = "PenRNN"

    def __init__(
        self, V, characters, heights, hands=1, layers=2, hidden=256, embed=96, char_embed=48, gaussians=8,
        rate=1 / 16, dropout=0.0, seed=0, dtype=np.float32,
    ):  # fmt: skip
        self.settings = {
            "V": V, "characters": characters, "heights": heights, "hands": hands, "layers": layers, "hidden": hidden,
            "embed": embed, "char_embed": char_embed, "gaussians": gaussians, "rate": rate, "dropout": dropout,
        }  # fmt: skip
        self.p, self.device = dropout, "cpu"
        rng = np.random.default_rng(seed)
        self.params = {
            "symbol": embedding.init(rng, V, embed, dtype),
            "height": embedding.init(rng, heights, embed, dtype),
            "hand": {"E": np.zeros((hands, embed), dtype)},
            "text": embedding.init(rng, characters, char_embed, dtype),
            "reader": reader.init(rng, embed, char_embed, hidden, gaussians, rate, dtype),
        }
        self.recurrent = [f"lstm{n}" for n in range(2, layers + 1)]
        for name in self.recurrent:
            self.params[name] = lstm.init(rng, embed + char_embed + hidden, hidden, dtype)
        self.params["softmax"] = dense.init(rng, layers * hidden, V, dtype)

    def start(self, B):
        """The state of B lines before the first step: (h, c, kappa, w) of the reader, (h, c) of every other layer."""
        return [reader.start(B, self.params["reader"])] + [
            lstm.start(B, self.params[name]) for name in self.recurrent
        ]

    def embed_text(self, text):
        """text (B, U) ids, -1 past the end -> C (B, U, E), cache."""
        inside = (text >= 0)[:, :, None]
        C, cache = embedding.forward(np.maximum(text, 0), self.params["text"])
        return C * inside, (cache, inside)

    def forward(self, chunk, state, rng=None, text=None):
        """chunk -> logits (T, B, V), phi (T, B, U), state, cache. ``text``: what `embed_text` gave for the
        chunk's text, if the caller has it already."""
        params = self.params
        x, symbol_cache = embedding.forward(chunk["x"], params["symbol"])
        height, height_cache = embedding.forward(chunk["height"], params["height"])
        hand, hand_cache = embedding.forward(chunk["hand"], params["hand"])
        x = x + height + hand
        C, text_cache = self.embed_text(chunk["text"]) if text is None else text
        h, w, phi, first, reader_cache = reader.forward(x, C, state[0], params["reader"])
        outputs, new_state, caches = [], [first], []
        for name, layer_state in zip([None, *self.recurrent], state):
            if name is not None:
                h, layer_state, cache = lstm.forward(np.concatenate([x, w, h], axis=2), layer_state, params[name])
                caches.append(cache)
                new_state.append(layer_state)
            mask = dropout.draw_mask(rng, self.p, h) if self.p and rng is not None else None
            h, mask = dropout.forward(h, mask)
            caches.append(mask)
            outputs.append(h)
        logits, softmax_cache = dense.forward(np.concatenate(outputs, axis=2), params["softmax"])
        cache = (symbol_cache, height_cache, hand_cache, text_cache, reader_cache, caches, softmax_cache)
        return logits, phi, new_state, cache

    def loss(self, chunk, state, rng=None):
        """-> mean loss (nats a symbol that counts), state, cache. ``rng`` draws the dropout masks; None: nothing is
        dropped."""
        logits, _, state, cache = self.forward(chunk, state, rng)
        loss, loss_cache = softmax_cross_entropy.forward(logits, chunk["y"], chunk["mask"])
        return loss, state, (cache, loss_cache)

    def backward(self, cache):
        """The cache of `loss` -> the gradients, as nested as the parameters; the error of the last state is cut off."""
        (symbol_cache, height_cache, hand_cache, text_cache, reader_cache, caches, softmax_cache), loss_cache = cache
        caches, grads = list(caches), {}
        D, E, H = (self.settings[key] for key in ("embed", "char_embed", "hidden"))
        douts, grads["softmax"] = dense.backward(softmax_cross_entropy.backward(loss_cache), softmax_cache)
        dx = dw = dh_above = 0
        for n, name in reversed(list(enumerate(self.recurrent, start=1))):
            dh = dropout.backward(douts[:, :, n * H : (n + 1) * H] + dh_above, caches.pop())
            din, _, grads[name] = lstm.backward(dh, None, caches.pop())
            dx, dw, dh_above = dx + din[:, :, :D], dw + din[:, :, D : D + E], din[:, :, D + E :]
        dh = dropout.backward(douts[:, :, :H] + dh_above, caches.pop())
        if not self.recurrent:
            dw = backend.zeros((*dh.shape[:2], E), like=dh)
        dx_reader, dC, _, grads["reader"] = reader.backward(dh, dw, None, reader_cache)
        dx = dx + dx_reader
        cache, inside = text_cache
        grads["text"] = embedding.backward(dC * inside, cache)
        grads["symbol"] = embedding.backward(dx, symbol_cache)
        grads["height"] = embedding.backward(dx, height_cache)
        grads["hand"] = embedding.backward(dx.sum(axis=0), hand_cache)
        return {name: grads[name] for name in self.params}
