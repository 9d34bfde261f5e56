"""Lines of handwriting with their texts -> batches of pen symbols for `minirnn.models.PenRNN`."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from minirnn.all_cores import end_with_parent, on_all_cores
from minirnn.alphabets import END
from minirnn.errors import MinirnnError
from minirnn.strokes import augment, normalise

END_OF_TEXT = 0  # the id that stands behind the last character, so that the pen sees the end coming
MANY = 500  # lines from which on it is worth while to encode them on all cores
POOL = 20  # batches whose lines are sorted by length together: like lengths in a batch, another mix each epoch


def encode_text(alphabet, text):
    """Ids (U,) of a text for the window: characters from 1 on, `END_OF_TEXT` last."""
    return np.append(alphabet.encode(text) + 1, END_OF_TEXT).astype(np.int32)


def blank(ids):
    """Ids (U,) of a text that the pen does not see: the window finds nothing."""
    return np.full_like(ids, -1)


def normalised_and_encoded(lines, pens):
    """Lines as lists of strokes -> the same normalised, and their pen symbols, list of (T,)."""
    both = list(on_all_cores(_normalised_and_encoded, lines, [pens] * len(lines), many=MANY))
    return [strokes for strokes, _ in both], [ids for _, ids in both]


def _normalised_and_encoded(strokes, pens):
    strokes = normalise(strokes)
    return strokes, pens.encode(strokes)


def collate(lines, texts, hands, pens):
    """One batch of whole lines, padded: ids of different lengths -> chunk of `minirnn.models.PenRNN`.

    lines   list of (T_b,) pen symbols, from BEGIN to END
    texts   list of (U_b,) ids of `encode_text`
    hands   list of B ids
    pens    `minirnn.alphabets.PenAlphabet`
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


class LineBatches:
    """Samples of handwriting as batches of B lines of like length, each cut into chunks of T steps.

    samples   list of `minirnn.datasets.Sample`
    hands     {group: id of its row}; a group without a row is written by row 0, any hand
    grow      in epoch e of the first ``grow`` epochs only the first e + 1 chunks of a line are learned: as long as the
              window does not find its way it is near the right place at a line's beginning, and nowhere else
    change    what is done to the strokes of a line, anew in every epoch: (strokes, rng) -> strokes; None: nothing
    weights   how often each sample is seen in an epoch, on average; None: once
    any_hand  part of the lines that are learned as row 0, whoever wrote them
    blind     part of the lines that are learned without their text: see `minirnn.writing.write_lines`
    processes to make batches ahead of time, for a network on a GPU, which is faster than one core can encode lines

    Any chunk of any epoch can be asked for at any time; see `minirnn.datasets.text.TextStreams`.
    """

    unit = "symbols"

    def __init__(
        self, samples, chars, pens, hands, B, T, seed=0, grow=0, change=augment, weights=None, any_hand=0.1, blind=0.1,
        processes=0,
    ):  # fmt: skip
        if not samples:
            raise MinirnnError("there is no line of handwriting to learn from; look at the report of what was skipped")
        self.chars, self.pens, self.B, self.T, self.seed = chars, pens, B, T, seed
        self.grow, self.change, self.any_hand, self.blind = grow, change, any_hand, blind
        self.strokes, self.lines = normalised_and_encoded([sample.strokes for sample in samples], pens)
        self.texts = [encode_text(chars, sample.text) for sample in samples]
        self.hands = [hands.get(sample.group, 0) for sample in samples]
        self.lengths = np.array([len(line) - 1 for line in self.lines])
        self.weights = np.ones(len(samples)) if weights is None else np.asarray(weights)
        self.symbols_per_chunk = int(min(T, self.lengths.mean()) * min(B, len(samples)))
        self._plans, self._batch = {}, (None, None)
        self._processes, self._coming = processes, {}
        self._pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(self,)) if processes else None

    def __getstate__(self):
        return {**self.__dict__, "_pool": None, "_coming": {}}  # for the processes, which have none of their own

    def plan(self, epoch):
        """The batches of an epoch and the chunks of each: a list of (indices of lines, first chunk)."""
        if epoch not in self._plans:
            rng = np.random.default_rng([self.seed, epoch])
            times = np.floor(self.weights + rng.random(len(self.weights))).astype(int)
            order = rng.permutation(np.repeat(np.arange(len(self.lines)), times))
            batches = []
            for pool in np.split(order, range(self.B * POOL, len(order), self.B * POOL)):
                pool = pool[np.argsort(self.lengths[pool], kind="stable")]
                batches += np.split(pool, range(self.B, len(pool), self.B))
            batches = [batches[i] for i in rng.permutation(len(batches))]
            longest = epoch + 1 if epoch < self.grow else None
            chunks = [(b, i) for b in range(len(batches)) for i in range(self._chunks(batches[b]))[:longest]]
            self._plans = {e: plan for e, plan in self._plans.items() if e == epoch - 1} | {epoch: (batches, chunks)}
        return self._plans[epoch]

    def _chunks(self, batch):
        return -(-int(self.lengths[batch].max()) // self.T)

    def chunks(self, epoch):
        """How many chunks an epoch has."""
        return len(self.plan(epoch)[1])

    def chunk(self, epoch, index):
        """-> fresh (whether new lines begin with it), chunk as `minirnn.models.PenRNN` takes it."""
        batches, chunks = self.plan(epoch)
        number, place = chunks[index]
        if self._batch[0] != (epoch, number):
            self._batch = (epoch, number), (self._fetch if self._pool else self._make)(epoch, number)
        batch = self._batch[1]
        # Augmentation changes a line's length a little; what grows past the planned chunks goes into the last one.
        last = place + 1 == self._chunks(batches[number])
        stop = len(batch["x"]) if last else (place + 1) * self.T
        start = min(place * self.T, len(batch["x"]) - 1)
        return place == 0, cut(batch, start, max(stop, start + 1))

    def _fetch(self, epoch, number):
        """The batch as the processes have made it, who are told now of the ones that come after it."""
        later = [(epoch, n) for n in range(number, len(self.plan(epoch)[0]))]
        soon = 2 * self._processes
        if len(later) < soon:
            later += [(epoch + 1, n) for n in range(len(self.plan(epoch + 1)[0]))]
        self._coming = {key: self._coming.get(key) or self._pool.submit(_make, *key) for key in later[:soon]}
        return self._coming[epoch, number].result()

    def _make(self, epoch, number):
        indices = self.plan(epoch)[0][number]
        rng = np.random.default_rng([self.seed, epoch, number])
        lines = [
            self.pens.encode(normalise(self.change(self.strokes[i], rng))) if self.change else self.lines[i]
            for i in indices
        ]
        hands = [0 if rng.random() < self.any_hand else self.hands[i] for i in indices]
        texts = [blank(self.texts[i]) if rng.random() < self.blind else self.texts[i] for i in indices]
        return collate(lines, texts, hands, self.pens)


_batches = None  # of which a process makes batches ahead


def _begin(batches):
    """What such a process does first."""
    global _batches
    _batches = batches
    end_with_parent()


def _make(epoch, number):
    return _batches._make(epoch, number)


class ValidationLines:
    """Samples to judge by, as they are, every line once, in batches sorted by length, by row 0 or given ``hands``."""

    def __init__(self, samples, chars, pens, B, T, hands=None):
        hands = hands or {}
        _, lines = normalised_and_encoded([sample.strokes for sample in samples], pens)
        order = np.argsort([len(line) for line in lines], kind="stable")
        self.T, self.batches = T, []
        for indices in np.split(order, range(B, len(order), B)):
            self.batches.append(
                collate(
                    [lines[i] for i in indices],
                    [encode_text(chars, samples[i].text) for i in indices],
                    [hands.get(samples[i].group, 0) for i in indices],
                    pens,
                )
            )
        self.symbols = sum(len(line) - 1 for line in lines)
        self.characters = sum(len(sample.text) for sample in samples)
        self.lines = len(samples)

    def __iter__(self):
        for batch in self.batches:
            for start in range(0, len(batch["x"]), self.T):
                yield start == 0, cut(batch, start, start + self.T)
