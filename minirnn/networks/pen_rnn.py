"""`PenRNN`, the network of handwriting: from the pen moves so far and a text to the next pen move."""

import numpy as np

from minirnn import backend
from minirnn.layers import dense, dropout, embedding, lstm, softmax_cross_entropy, windowed_lstm
from minirnn.networks.network import Network


class PenRNN(Network):
    """An LSTM that looks at the text through an attention window, further LSTMs, and a softmax over V pen symbols.

        x_t     = E_symbol[symbol] + E_height[height] + E_hand[hand]
        h_1, w  = windowed LSTM (x; embedded text)
        h_n     = LSTM n ([x, w, h_{n-1}])           n = 2 .. layers
        logits  = [h_1, ..., h_layers] W + b

    A chunk: {"x": (T, B) pen symbols, "height": (T, B) ids of the pen's height, "y": (T, B) next symbols, "mask":
    (T, B) bool, "text": (B, U) ids of characters, those past the end -1, "hand": (B,) ids of hands, 0 any hand}.
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
            "reader": windowed_lstm.init(rng, embed, char_embed, hidden, gaussians, rate, dtype),
        }
        self.recurrent = [f"lstm{n}" for n in range(2, layers + 1)]
        for name in self.recurrent:
            self.params[name] = lstm.init(rng, embed + char_embed + hidden, hidden, dtype)
        self.params["softmax"] = dense.init(rng, layers * hidden, V, dtype)

    @staticmethod
    def shapes(V, characters, heights, hands, layers, hidden, embed, char_embed, gaussians, rate, dropout):
        """The shapes of the weights of a network of these settings, {name: shape}, without making them."""
        layers_of = {
            "symbol": embedding.shapes(V, embed),
            "height": embedding.shapes(heights, embed),
            "hand": embedding.shapes(hands, embed),
            "text": embedding.shapes(characters, char_embed),
            "reader": windowed_lstm.shapes(embed, char_embed, hidden, gaussians),
            "softmax": dense.shapes(layers * hidden, V),
        }
        for n in range(2, layers + 1):
            layers_of[f"lstm{n}"] = lstm.shapes(embed + char_embed + hidden, hidden)
        return backend.flatten(layers_of)

    def start(self, B):
        """The state of B lines before the first step: (h, c, kappa, w) of the windowed LSTM, (h, c) of all others."""
        return [windowed_lstm.start(B, self.params["reader"])] + [
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
        h, w, phi, first, reader_cache = windowed_lstm.forward(x, C, state[0], params["reader"])
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
        """-> mean loss (nats per symbol that counts), state, cache. ``rng`` draws the dropout masks; None: nothing is
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
        dx_reader, dC, _, grads["reader"] = windowed_lstm.backward(dh, dw, None, reader_cache)
        dx = dx + dx_reader
        cache, inside = text_cache
        grads["text"] = embedding.backward(dC * inside, cache)
        grads["symbol"] = embedding.backward(dx, symbol_cache)
        grads["height"] = embedding.backward(dx, height_cache)
        grads["hand"] = embedding.backward(dx.sum(axis=0), hand_cache)
        return {name: grads[name] for name in self.params}
