"""A network that has learned a text, asked for the next character: which reading is English?"""

import numpy as np

from minirnn import backend
from minirnn.reading.decoding import log_softmax

# log p of a character that the language model does not know, and the least of any other: a text network that has hardly
# ever seen a digit or a sign must not forbid it where it was written.
UNKNOWN = np.log(1e-4)


class LanguageModel:
    """A `CharRNN` that scores the characters of a reading network.

    network  the `CharRNN`
    known    the characters of its vocabulary, in the order of their ids
    symbols  the characters of the reading network, whose ids begin with 1; 0 is the blank

    Beginnings of a text are tuples of the reading network's ids. `begin` forgets all of them; `after` gives what may
    come next; `keep` forgets those that a search has given up. New beginnings are run through the network together.
    """

    def __init__(self, network, known, symbols):
        self.network = network
        places = {character: place for place, character in enumerate(known)}
        self.ids = np.array([-1, *(places.get(character, -1) for character in symbols)])
        # A line may stand anywhere in a text; a new line, or a space, is what comes before its first word.
        first = next((character for character in "\n " if character in places), known[0])
        self.first = self._run(np.array([places[first]]), network.start(1))
        self.spare = places.get(" ", places[first])  # in place of a character that the model does not know
        self.begin()

    def _run(self, ids, state):
        """ids (B,), the state before them -> log p (B, 1 + characters) of what comes next, the state after them."""
        logits, state, _ = self.network.forward(backend.to_device(ids[None], self.network.device), state)
        log_p = log_softmax(backend.to_host(logits[0]))
        return np.where(self.ids >= 0, np.maximum(log_p[:, self.ids], UNKNOWN), UNKNOWN), state

    def begin(self):
        """Forget all beginnings but the empty one."""
        log_p, state = self.first
        self.beginnings = {(): (log_p[0], backend.tree_map(lambda a: a[0], state))}

    def after(self, prefix):
        """log p (1 + characters,) of what comes after the beginning ``prefix``, one of those that `keep` was given."""
        return self.beginnings[prefix][0]

    def keep(self, prefixes):
        """Remember the beginnings ``prefixes`` alone; each is known already, or one character longer than a known
        one."""
        new = [prefix for prefix in prefixes if prefix not in self.beginnings]
        found = {prefix: self.beginnings[prefix] for prefix in prefixes if prefix in self.beginnings}
        if new:
            before = [self.beginnings[prefix[:-1]][1] for prefix in new]
            state = [tuple(np.stack(arrays) for arrays in zip(*layer)) for layer in zip(*before)]
            ids = self.ids[[prefix[-1] for prefix in new]]
            log_p, state = self._run(np.where(ids >= 0, ids, self.spare), state)
            for n, prefix in enumerate(new):
                found[prefix] = log_p[n], backend.tree_map(lambda a, n=n: a[n], state)
        self.beginnings = found
