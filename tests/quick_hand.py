"""A hand that writes at once, for the tests of the studio, and the studio's server in a thread."""

import contextlib
import copy
import threading
from types import SimpleNamespace

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.writing.mending import passage_of
from minirnn.writing.proofreading import WordFault


class QuickHand:
    """Writes a line of zigzags whose heights chance draws, and remembers what it was asked for."""

    def __init__(self):
        self.hands, self.hand, self.slant, self.proofreader = list(range(16)), 0, None, None
        self.asked, self.faults, self.doubts = [], [], []

    def unknown(self, text):
        return sorted(set(text) & set("éß"))

    def with_hand(self, number):
        if not 1 <= number <= len(self.hands):
            raise MinirnnError("there is no such hand")
        other = copy.copy(self)
        other.hand = self.hands[number - 1]
        return other

    def write(self, texts, rng, temperature=0.4, accept=lambda line: True, progress=None):
        self.asked += [(self.hand, text) for text in texts]
        return [self.line(text, rng) for text in texts]

    def line(self, text, rng):
        places = [k for k, c in enumerate(text) if c != " "]
        height = 0.8 + 0.2 * rng.random(len(places)) + 0.02 * self.hand
        strokes = [np.array([[k, 0.0], [k + 0.4, -h], [k + 0.8, 0.0]]) for k, h in zip(places, height)]
        doubts = [WordFault(text.index(word), word, "x") for word in self.doubts if word in text]
        return SimpleNamespace(text=text, strokes=strokes, ink=strokes, fault="".join(self.faults), faults=doubts,
                               drawn=strokes, places=np.array(places, float), proof=None)  # fmt: skip

    def rewrite_word(self, line, character, rng, temperature=0.4, accept=lambda line: True):
        self.asked.append((self.hand, line.text, character))
        new, (first, stop, *_) = self.line(line.text, rng), passage_of(line, character)
        strokes = line.strokes[:first] + new.strokes[first:stop] + line.strokes[stop:]
        return SimpleNamespace(**{**vars(new), "strokes": strokes, "ink": strokes, "drawn": strokes})


@contextlib.contextmanager
def serving(studio):
    with studio.server(0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
