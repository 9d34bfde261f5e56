"""Lines of handwriting with their texts -> batches of pen symbols for `minirnn.networks.pen_rnn.PenRNN`."""

import numpy as np

from minirnn.cores import on_all_cores
from minirnn.datasets.ahead import MadeAhead
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import augment, normalise
from minirnn.ink.vocabularies import END

END_OF_TEXT = 0  # the id after the last character, so that the pen sees the end coming
MANY = 500  # lines from which on it is worthwhile to encode them on all cores
POOL = 20  # batches whose lines are sorted by length together: like lengths in a batch, another mix each epoch


def encode_text(vocabulary, text):
    """Ids (U,) of a text for the window: characters from 1 on, `END_OF_TEXT` last."""
    return np.append(vocabulary.encode(text) + 1, END_OF_TEXT).astype(np.int32)


def blank(ids):
    """Ids (U,) of a text that the pen does not see: the window finds nothing."""
    return np.full_like(ids, -1)


def encoded(samples, pens):
    """Yield the pen symbols (T,) of every sample of ``samples``, a list."""
    return on_all_cores(_encoded, samples, [pens] * len(samples), many=MANY)


def _encoded(sample, pens):
    return pens.encode(normalise(sample.strokes))


def collate(lines, texts, hands, pens):
    """One batch of whole lines, padded: ids of different lengths -> chunk of `minirnn.networks.pen_rnn.PenRNN`.

    lines   list of (T_b,) pen symbols, from BEGIN to END
    texts   list of (U_b,) ids of `encode_text`
    hands   list of B ids
    pens    `minirnn.ink.vocabularies.PenVocabulary`
    """
    T, B, U = max(map(len, lines)) - 1, len(lines), max(map(len, texts))
    symbols = np.full((T + 1, B), END, np.int32)
    mask = np.zeros((T, B), bool)
    text = np.full((B, U), -1, np.int32)
    for b, (line, characters) in enumerate(zip(lines, texts)):
        symbols[: len(line), b] = line
        mask[: len(line) - 1, b] = True
        text[b, : len(characters)] = characters
    x = symbols[:-1]
    height = pens.heights(x).astype(np.int32)
    return {"x": x, "height": height, "y": symbols[1:], "mask": mask, "text": text, "hand": np.asarray(hands, np.int32)}


def cut(batch, start, stop):
    """Steps ``start`` to ``stop`` of a batch of whole lines, as one chunk of truncated BPTT."""
    part = {name: batch[name][start:stop] for name in ("x", "height", "y", "mask")}
    return {**part, "text": batch["text"], "hand": batch["hand"]}


class LineBatches(MadeAhead):
    """Samples of handwriting as batches of B lines of like length, each cut into chunks of T steps.

    samples        list of `minirnn.datasets.Sample`
    hands          {group: id of its row}; a group without a row uses row 0, the generic hand
    curriculum     in epoch e of the first ``curriculum`` epochs, only the first e + 1 chunks of a line are learned:
                   before the attention window has learned to move, it is near the right place only there
    change         the augmentation of the strokes of a line, new in every epoch: (strokes, rng) -> strokes; None: none
    weights        how often each sample is seen in an epoch, on average; None: once
    generic_hand   part of the lines that are learned as row 0, whoever wrote them
    unconditional  part of the lines that are learned without their text, for classifier-free guidance: see
                   `minirnn.writing.pen.write_lines`
    processes      that make batches ahead of time, for a network on a GPU, which is faster than one core can encode
                   lines

    Any chunk of any epoch can be asked for at any time; see `minirnn.datasets.text.TextStreams`. Of a line only its
    length is kept, and a batch is made when it is asked for: memory does not grow with the strokes.
    """

    unit = "symbols"

    def __init__(
        self, samples, chars, pens, hands, B, T, seed=0, curriculum=0, change=augment, weights=None, generic_hand=0.1,
        unconditional=0.1, processes=0,
    ):  # fmt: skip
        if not samples:
            raise MinirnnError("there is no line of handwriting to learn from; look at the report of what was skipped")
        super().__init__(processes)
        self.samples, self.chars, self.pens, self.B, self.T, self.seed = samples, chars, pens, B, T, seed
        self.curriculum, self.change = curriculum, change
        self.generic_hand, self.unconditional = generic_hand, unconditional
        self.hands = [hands.get(sample.group, 0) for sample in samples]
        self.lengths = np.array([len(line) - 1 for line in encoded(samples, pens)])
        self.weights = np.ones(len(samples)) if weights is None else np.asarray(weights)
        self.symbols_per_chunk = int(min(T, self.lengths.mean()) * min(B, len(samples)))
        self._plans, self._current = {}, (None, None)

    def plan(self, epoch):
        """The batches of an epoch and the chunks of each: a list of (indices of lines, first chunk)."""
        if epoch not in self._plans:
            rng = np.random.default_rng([self.seed, epoch])
            times = np.floor(self.weights + rng.random(len(self.weights))).astype(int)
            order = rng.permutation(np.repeat(np.arange(len(self.samples)), times))
            batches = []
            for pool in np.split(order, range(self.B * POOL, len(order), self.B * POOL)):
                pool = pool[np.argsort(self.lengths[pool], kind="stable")]
                batches += np.split(pool, range(self.B, len(pool), self.B))
            batches = [batches[i] for i in rng.permutation(len(batches))]
            longest = epoch + 1 if epoch < self.curriculum else None
            chunks = [(b, i) for b in range(len(batches)) for i in range(self._chunks(batches[b]))[:longest]]
            self._plans = {e: plan for e, plan in self._plans.items() if e == epoch - 1} | {epoch: (batches, chunks)}
        return self._plans[epoch]

    def _chunks(self, batch):
        return -(-int(self.lengths[batch].max()) // self.T)

    def chunks(self, epoch):
        """How many chunks an epoch has."""
        return len(self.plan(epoch)[1])

    def chunk(self, epoch, index):
        """-> fresh (whether new lines begin with it), chunk as `minirnn.networks.pen_rnn.PenRNN` takes it."""
        batches, chunks = self.plan(epoch)
        number, place = chunks[index]
        if self._current[0] != (epoch, number):
            self._current = (epoch, number), self.batch(epoch, number)
        batch = self._current[1]
        # Augmentation changes a line's length a little; what grows past the planned chunks goes into the last one.
        last = place + 1 == self._chunks(batches[number])
        stop = len(batch["x"]) if last else (place + 1) * self.T
        start = min(place * self.T, len(batch["x"]) - 1)
        return place == 0, cut(batch, start, max(stop, start + 1))

    def count(self, epoch):
        """How many batches an epoch has."""
        return len(self.plan(epoch)[0])

    def make(self, epoch, number):
        """The batch, whole lines."""
        indices = self.plan(epoch)[0][number]
        rng = np.random.default_rng([self.seed, epoch, number])
        lines = [normalise(self.samples[i].strokes) for i in indices]
        if self.change:
            lines = [normalise(self.change(strokes, rng)) for strokes in lines]
        hands = [0 if rng.random() < self.generic_hand else self.hands[i] for i in indices]
        texts = [encode_text(self.chars, self.samples[i].text) for i in indices]
        texts = [blank(text) if rng.random() < self.unconditional else text for text in texts]
        return collate([self.pens.encode(strokes) for strokes in lines], texts, hands, self.pens)


class ValidationLines:
    """Validation samples, unchanged, every line once, in batches sorted by length, by row 0 or the given ``hands``."""

    def __init__(self, samples, chars, pens, B, T, hands=None):
        self.hands = [(hands or {}).get(sample.group, 0) for sample in samples]
        self.encoded, self.texts = list(encoded(samples, pens)), [encode_text(chars, s.text) for s in samples]
        order = np.argsort([len(line) for line in self.encoded], kind="stable")
        self.pens, self.T, self.batches = pens, T, np.split(order, range(B, len(order), B))
        self.symbols = sum(len(line) - 1 for line in self.encoded)
        self.characters = sum(len(sample.text) for sample in samples)
        self.lines = len(samples)

    def __iter__(self):
        for indices in self.batches:
            lines, texts, hands = ([of_all[i] for i in indices] for of_all in (self.encoded, self.texts, self.hands))
            batch = collate(lines, texts, hands, self.pens)
            for start in range(0, len(batch["x"]), self.T):
                yield start == 0, cut(batch, start, start + self.T)
