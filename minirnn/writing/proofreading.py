"""Proofreading: does the ink of a written line say its text? The network that reads decides.

    log p of every frame ── what stands there? ──> a reading ── which words differ from the text? ──> faults
                         └─ where does the text stand? ──> where each stroke begins in the text

A word is wrong if another one explains the ink better: the text with this word as it was read is likelier than with the
word as it should be. The gaps between words are characters as all others, so that words that run together, or fall
apart, are found in the same way. Ink that is too short to spell its text at all is the worst that there is.
"""

import dataclasses

import numpy as np

from minirnn.ink.spacing import ALIGNED, even_gaps, word_beginnings
from minirnn.ink.strokes import shear
from minirnn.layers import ctc
from minirnn.reading.alignment import align
from minirnn.reading.decoding import edits, greedy
from minirnn.reading.reader import SHIPPED, Reader, places_of_symbols

TOO_SHORT = "is too short for its text"
APART = 1.2  # units of the pen vocabulary; so wide a gap is one between words
DOUBT = 2.0  # nats by which what was read must be likelier than the word that it stands for


@dataclasses.dataclass
class WordFault:
    """A word that may be wrong.

    begin  its first character in the text of the line
    word   what should stand there
    read   what was read there; "" if there is nothing
    """

    begin: int
    word: str
    read: str

    def __str__(self):
        if self.read == self.word:
            return f"{self.word!r} runs into the word before it"
        return f"{self.word!r} reads {self.read!r}" if self.read else f"{self.word!r} is not there"


@dataclasses.dataclass
class Proof:
    """What proofreading a line has found.

    log_probability  of its text, given its ink, nats; -inf if the ink is too short for it
    faults           list of `WordFault`
    places           (S,) where in the text each stroke begins, in characters; None if the ink is too short
    """

    log_probability: float
    faults: list
    places: np.ndarray | None

    @property
    def badness(self):
        """What the better of two writings of a text has less of: wrong words, and then improbability."""
        return len(self.faults), -self.log_probability


def words_in(text):
    """[(begin, end), ...] of the words of a text."""
    ends = [u for u in range(len(text) + 1) if u == len(text) or text[u] == " "]
    begins = [0, *(end + 1 for end in ends[:-1])]
    return [(begin, end) for begin, end in zip(begins, ends) if begin < end]


class Proofreader:
    """Reads what was written. ``reader``: a `minirnn.reading.reader.Reader`, whose language model is not asked: what a
    language model expects to stand there, it reads whether it stands there or not."""

    def __init__(self, reader):
        self.reader = reader

    def read(self, lines):
        """Proofread `minirnn.writing.pen.Line` objects -> the same lines with their `Proof`.

        Where the alignment finds other words than the window of the pen did, their gaps are made even once more, and
        the line is read again."""
        lines = self._proofread(lines)
        spaced = [respaced(line) for line in lines]
        changed = [n for n, (line, other) in enumerate(zip(lines, spaced)) if other is not line]
        for n, line in zip(changed, self._proofread([spaced[n] for n in changed])):
            lines[n] = line
        return lines

    def _proofread(self, lines):
        found = iter(self.reader.log_probabilities([line.strokes for line in lines if line.strokes]))
        proofs = [self._proof(line, *next(found)) if line.strokes else nothing(line.text) for line in lines]
        return [
            dataclasses.replace(line, proof=proof, fault=line.fault or ("" if proof.places is not None else TOO_SHORT))
            for line, proof in zip(lines, proofs)
        ]

    def _proof(self, line, ids, log_p):
        """The `Proof` of a line whose pen symbols are ``ids`` and of which the network says log_p (frames, V)."""
        chars, V = self.reader.chars, log_p.shape[1]
        # A character that the network does not know may look like any other: the last column is "not blank".
        log_p = np.column_stack([log_p, np.log(-np.expm1(np.minimum(log_p[:, ctc.BLANK], -1e-9)))])
        wanted = np.array([V if chars.unknown(c) else chars.encode(c)[0] + 1 for c in line.text])
        if ctc.frames_needed(wanted[:, None], np.array([len(wanted)]))[0] > len(log_p):
            return nothing(line.text)
        frames = align(log_p, wanted).mean(axis=1)
        stroke, _ = places_of_symbols(ids, self.reader.pens)
        begun = np.searchsorted(stroke, np.arange(len(line.strokes))) / self.reader.network.join
        places = np.interp(begun, frames, np.arange(len(wanted)))
        got = greedy(log_p[:, None, :V], np.array([len(log_p)]))[0]
        faults = self._faults(line.text, log_p, wanted, got, gaps_in(line, places))
        return Proof(log_probability(log_p, wanted), faults, places)

    def _faults(self, text, log_p, wanted, got, gaps):
        """The words that another one explains better; wanted (U,) and got are the ids of the text and of what was
        read, ``gaps`` the places of the spaces that are plain to see."""
        spans, faults, u = words_in(text), [], 0
        pairs, any_character = [], log_p.shape[1] - 1
        owners = []  # of each pair, the word that it counts for: a gap, or what is too much, for the next one
        for a, b in edits(wanted.tolist(), got.tolist()):
            owners.append(min(sum(end <= u for _, end in spans), len(spans) - 1))
            seen = (a == any_character and b is not None) or (a is not None and b is None and u in gaps)
            pairs.append((a, a if seen else b))
            u += a is not None
        as_read = log_probability(log_p, [b for _, b in pairs if b is not None])
        for n, (begin, end) in enumerate(spans):
            own = [pair for pair, owner in zip(pairs, owners) if owner == n]
            if all(a == b for a, b in own):
                continue
            mended = [a if owner == n else b for (a, b), owner in zip(pairs, owners)]
            if as_read - log_probability(log_p, [k for k in mended if k is not None]) > DOUBT:
                read = "".join("?" if b == any_character else self.reader.chars.symbols[b - 1] for _, b in own if b)
                faults.append(WordFault(begin, text[begin:end], read.strip()))
        return faults


def respaced(line):
    """The line with even gaps between the words as the alignment has them; the line itself if that changes nothing."""
    if line.proof.places is None or not line.drawn:
        return line
    strokes = shear(even_gaps(line.text, line.drawn, line.proof.places, ALIGNED), line.shear)
    if all(np.allclose(new, old) for new, old in zip(strokes, line.strokes)):
        return line
    return dataclasses.replace(line, strokes=strokes)


def gaps_in(line, places):
    """The places in a line's text of the spaces where a word, as the alignment has it, stands apart from the one before
    it: there a gap can be seen, even if the network has not named it."""
    found = set()
    for space, first in word_beginnings(line.text, line.strokes, places, ALIGNED).items():
        edge = max(stroke[:, 0].max() for stroke in line.strokes[:first])
        if line.strokes[first][:, 0].min() - edge >= APART:
            found.add(space)
    return found


def nothing(text):
    """The `Proof` of a line whose ink is too short for its text."""
    return Proof(-np.inf, [WordFault(begin, text[begin:end], "") for begin, end in words_in(text)], None)


def log_probability(log_p, ids):
    """The logarithm of the probability that frames log_p (T, V) spell the text ids; -inf if they are too few."""
    y, counts, T = np.array(ids, np.int64)[:, None], np.array([len(ids)]), len(log_p)
    if ctc.frames_needed(y, counts)[0] > T:
        return -np.inf
    labels, skip = ctc.places(y, counts)
    alpha = ctc.forward_variables(log_p[:, labels[0]][:, None], skip)
    return float(np.logaddexp.reduce(alpha[-1, 0, -2:]))


def default_proofreader():
    """The `Proofreader` with the network that comes with the package; None if there is none."""
    return Proofreader(Reader(language_model=False)) if SHIPPED.exists() else None
