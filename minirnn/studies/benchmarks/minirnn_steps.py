"""This package as a contender, with the very functions that the commands call."""

import numpy as np

from minirnn import backend
from minirnn.ink.vocabularies import BEGIN, CharVocabulary, PenVocabulary
from minirnn.studies.benchmarks import CLIP, LR, TEMPERATURE
from minirnn.studies.benchmarks.sizes import DIRECTIONS, LINE
from minirnn.training import threads
from minirnn.training.optimisers import Adam, clip_by_global_norm
from minirnn.writing.pen import pen_distribution
from minirnn.writing.sampling import generate


class Package:
    """The contender: ``network``, one of `minirnn.networks`, is on its device, and ``chunk`` on the host."""

    def __init__(self, network, chunk, workers):
        self.network, self.workers = network, workers
        self.chunk = backend.tree_map(lambda a: backend.to_device(a, network.device), chunk)
        self.params = backend.flatten(network.params)
        self.adam = Adam(self.params)
        self.states = threads.start(network, self.chunk, workers)
        self.written = self._characters() if network.kind == "CharRNN" else self._pen_moves()

    def train(self):
        """One training step -> the loss."""
        rngs = [None] * len(self.states)
        loss, _, grads = threads.loss_and_gradients(self.network, self.chunk, self.states, rngs, self.workers)
        clip_by_global_norm(grads, CLIP)
        self.adam.step(self.params, grads, LR)
        return loss

    def generate(self):
        """One generation step -> the symbol (a character or an id)."""
        return next(self.written)

    def _characters(self):
        vocabulary = CharVocabulary(map(chr, range(self.network.settings["V"])))
        return generate(self.network, vocabulary, vocabulary.symbols[0], 10**12, temperature=TEMPERATURE)

    def _pen_moves(self):
        """The loop of `minirnn.writing.pen.write_lines` for one line."""
        network, rng = self.network, np.random.default_rng(0)
        pens = PenVocabulary(rng.standard_normal((network.settings["V"] - 2 - DIRECTIONS, 2)), DIRECTIONS)
        text = backend.to_device(np.zeros((1, LINE), np.int32), network.device)
        embedded, state = network.embed_text(text), network.start(1)
        chunk = {"text": text, "hand": backend.to_device(np.zeros(1, np.int32), network.device)}
        symbol, y = np.array([BEGIN]), np.zeros(1)
        while True:
            chunk["x"] = backend.to_device(symbol[None].astype(np.int32), network.device)
            chunk["height"] = backend.to_device(pens.height_of(y)[None].astype(np.int32), network.device)
            logits, _, state, _ = network.forward(chunk, state, text=embedded)
            p = pen_distribution(backend.to_host(logits[0]), pens, TEMPERATURE, np.array([False]))
            symbol = (p.cumsum(axis=1) < rng.random((1, 1))).sum(axis=1).clip(0, p.shape[1] - 1)
            y += pens.vectors[symbol, 1]
            state[0] = (*state[0][:2], state[0][2] % LINE, state[0][3])  # the window starts again, the line never ends
            yield int(symbol[0])
