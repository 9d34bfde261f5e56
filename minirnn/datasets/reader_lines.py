"""Lines of handwriting with their texts -> batches of whole lines for `minirnn.networks.reader_rnn.ReaderRNN`."""

import string

import numpy as np

from minirnn.cores import on_all_cores
from minirnn.datasets.ahead import MadeAhead
from minirnn.datasets.line_batches import MANY, encoded
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import augment, elastic, normalise
from minirnn.ink.vocabularies import END, CharVocabulary
from minirnn.layers import ctc

ASCII = string.ascii_letters + string.digits + string.punctuation + " "
POOL = 50  # batches whose lines are sorted by length together: like lengths in a batch, another mix each epoch
MOST = 8  # a batch of short lines has at most this many times the number of lines of ordinary length
CLOSE = 2.5  # a line is encoded, to be sure, if it has fewer frames than this many times what its text needs


def vocabulary_of(samples):
    """The characters to be read: printable ASCII and all other characters in the texts of ``samples``."""
    return CharVocabulary(ASCII + "".join({character for sample in samples for character in sample.text}))


def another_way(strokes, rng):
    """The line as someone else might have written it: leaning, stretched, and bent a little."""
    return elastic(augment(strokes, rng, slant=0.25, scale=0.15), rng, strength=0.06)


def collate(lines, texts, pens, join):
    """One batch of whole lines, padded: ids of different lengths -> chunk of `ReaderRNN`.

    lines   list of (T_b,) pen symbols, from BEGIN to END
    texts   list of (U_b,) ids of characters, from 1 on
    join    symbols that make a frame; T is a multiple of it
    """
    lengths, counts = (np.array([len(ids) for ids in lists]) for lists in (lines, texts))
    T, B, U = -(-int(lengths.max()) // join) * join, len(lines), int(counts.max())
    x = np.full((T, B), END, np.int32)
    y = np.ones((U, B), np.int32)
    for b, (line, text) in enumerate(zip(lines, texts)):
        x[: len(line), b] = line
        y[: len(text), b] = text
    height = pens.heights(x).astype(np.int32)
    return {"x": x, "height": height, "lengths": lengths, "y": y, "mask": np.arange(U)[:, None] < counts}


def fits(line, text, join):
    """Whether a text (U,) can be spelled in the frames of a line (T,)."""
    needed = ctc.frames_needed(text[:, None], np.array([len(text)]))[0]
    return needed <= -(-len(line) // join)


def symbols_about(strokes, pens):
    """An estimate of the number of pen symbols in a line of strokes; to encode the line takes ten times as long."""
    strokes = normalise(strokes)
    ink = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes)
    return 2 + len(strokes) + int(ink / pens.step)


def _length(sample, pens):
    return symbols_about(sample.strokes, pens)


def readable(samples, chars, pens, join):
    """The samples that can be learned from, about how many pen symbols each takes, and how many were left out because
    their text is too long for their strokes."""
    texts = [chars.encode(sample.text) + 1 for sample in samples]
    lengths = np.array(list(on_all_cores(_length, samples, [pens] * len(samples), many=MANY)), int)
    frames = -(-lengths // join)
    needed = np.array([ctc.frames_needed(text[:, None], np.array([len(text)]))[0] for text in texts])
    good = frames >= CLOSE * needed
    for n in np.flatnonzero(~good):
        good[n] = fits(pens.encode(normalise(samples[n].strokes)), texts[n], join)
    return [samples[n] for n in np.flatnonzero(good)], lengths[good], int((~good).sum())


class ReaderBatches(MadeAhead):
    """Samples of handwriting as batches of whole lines of like length, each line changed anew in every epoch.

    samples   list of `minirnn.datasets.Sample`
    lengths   about how many pen symbols each takes, of `readable`
    B         lines of mean length in a batch; there are more of short ones and fewer of long ones, so that all batches
              take about as long
    join      pen symbols that make a frame
    change    what is done to the strokes of a line: (strokes, rng) -> strokes; None: nothing
    processes to make batches ahead of time, since encoding is Python code and the network is not; 0: none

    Any chunk of any epoch can be asked for at any time, which is what makes a run resumable.
    """

    unit = "characters"

    def __init__(self, samples, lengths, chars, pens, B, join, seed=0, change=another_way, processes=0):
        if not samples:
            raise MinirnnError("there is no line of handwriting to learn from; look at the report of what was skipped")
        super().__init__(processes)
        self.samples, self.lengths, self.chars, self.pens = samples, lengths, chars, pens
        self.B, self.join, self.seed, self.change = B, join, seed, change
        self.budget = B * lengths.mean()  # pen symbols of a batch
        self._plans = {}
        characters = sum(len(sample.text) for sample in samples)
        self.symbols_per_chunk = characters / self.chunks(0)

    def plan(self, epoch):
        """The batches of an epoch, a list of arrays of indices of lines."""
        if epoch not in self._plans:
            rng = np.random.default_rng([self.seed, epoch])
            order, batches = rng.permutation(len(self.samples)), []
            for pool in np.split(order, range(self.B * POOL, len(order), self.B * POOL)):
                batches += self._cut(pool[np.argsort(self.lengths[pool], kind="stable")])
            batches = [batches[i] for i in rng.permutation(len(batches))]
            self._plans = {e: plan for e, plan in self._plans.items() if e == epoch - 1} | {epoch: batches}
        return self._plans[epoch]

    def _cut(self, pool):
        """Lines sorted by length as batches of at most ``budget`` symbols, padding and all."""
        batches, start = [], 0
        for stop in range(1, len(pool) + 1):
            full = stop - start == MOST * self.B
            if stop == len(pool) or full or (stop + 1 - start) * self.lengths[pool[stop]] > self.budget:
                batches.append(pool[start:stop])
                start = stop
        return batches

    def chunks(self, epoch):
        """How many chunks an epoch has: one for each batch."""
        return len(self.plan(epoch))

    count = chunks

    def chunk(self, epoch, index):
        """-> True, since new lines begin with every chunk, and the chunk as `ReaderRNN` takes it."""
        return True, self.batch(epoch, index)

    def make(self, epoch, index):
        """The batch, made in this process."""
        rng = np.random.default_rng([self.seed, epoch, index])
        lines, texts = [], []
        for i in self.plan(epoch)[index]:
            sample = self.samples[i]
            text, strokes = self.chars.encode(sample.text) + 1, normalise(sample.strokes)
            line = self.pens.encode(normalise(self.change(strokes, rng)) if self.change else strokes)
            if not fits(line, text, self.join):  # made too small by the change
                line = self.pens.encode(strokes)
            lines.append(line)
            texts.append(text)
        return collate(lines, texts, self.pens, self.join)


class ReaderValidation:
    """Validation samples, unchanged, every line once, in batches of B lines sorted by length.

    Lines whose text is too long for their strokes are left out and counted in ``left_out``."""

    def __init__(self, samples, chars, pens, B, join):
        texts = [chars.encode(sample.text) + 1 for sample in samples]
        items = zip(samples, encoded(samples, pens), texts, strict=True)
        kept = [item for item in items if fits(item[1], item[2], join)]
        self.left_out = len(samples) - len(kept)
        kept.sort(key=lambda item: len(item[1]))
        self.samples, self.lines, self.texts = ([item[k] for item in kept] for k in range(3))
        self.pens, self.B, self.join = pens, B, join
        self.symbols, self.characters = sum(map(len, self.lines)), sum(map(len, self.texts))

    def __iter__(self):
        for start in range(0, len(self.lines), self.B):
            part = slice(start, start + self.B)
            yield True, collate(self.lines[part], self.texts[part], self.pens, self.join)
