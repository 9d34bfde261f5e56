"""`Writer`, a hand that writes lines: sampling from a `minirnn.networks.pen_rnn.PenRNN`, and choosing the best lines.

The path of the attention window over the text says whether a line is right: every character has to be visited, in
order, and the pen has to stop when the text is done. A line that is wrong is written again.

Three things make the writing easier to read. The first is classifier-free guidance: the pen depends on the text more
strongly than the network has learned (`write_lines`). Second, every line is written more than once, and the one with
the most even pace is taken (`unevenness`). Third, the gaps between words are made even (`minirnn.ink.spacing`). And so
that a page looks as if one hand had written it, all its lines lean alike, as the person does whose hand it is (`lean`).
"""

import copy
import dataclasses
import pathlib

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError, is_text
from minirnn.ink.strokes import shear, slant
from minirnn.networks.pen_rnn import PenRNN
from minirnn.networks.rebuild import DAMAGE, load
from minirnn.writing.judging import unevenness
from minirnn.writing.mending import mend, rewrite_word
from minirnn.writing.pen import TEMPERATURE, write_lines

WEIGHTS = pathlib.Path(__file__).parents[1] / "weights"
SHIPPED = WEIGHTS / "pen.npz"
SETS = {"research": SHIPPED, "open": WEIGHTS / "pen_open.npz"}  # the weights that ship, by what they may be used for
LEARNED = 10  # examples that a character needs in the training data to be written
TRIES = 8  # how often a line is written until it is right
SIDE_BY_SIDE = 16  # lines that are written at the same time
CANDIDATES = 2  # how often each line is written; the most even one is taken
MOST_SHEAR = 0.5  # the largest correction of a line that leans differently from the ones before it
BEGAN = "extra.began."  # arrays of a checkpoint: the weights that it started from
LIKENESS = 0.6


def _hands(meta, settings):
    """The counts, hands, pace and slants in the meta data of a checkpoint; slants are [] if it has none. ValueError or
    TypeError if they do not fit."""
    counts, hands, pace = meta["counts"], meta.get("neat_hands", [0]), meta.get("pace", {})
    slants = meta.get("slants", [])
    if not all(type(hand) is int and 0 <= hand < settings["hands"] for hand in hands):
        raise ValueError("its hands do not fit its network")
    if not all(0 <= number < np.inf for number in [*counts.values(), *pace.values()]):
        raise ValueError("its counts must be finite numbers")
    if slants and (len(slants) != len(hands) or not np.isfinite(slants).all()):
        raise ValueError("its slants do not fit its hands")
    return counts, hands, pace, slants


def part_of_the_way(network, began, share):
    """A copy of a PenRNN whose weights lie a ``share`` of the way from ``began``, {name: array}, to its own.

    A network that has learned one hand predicts it better the farther it has moved from the weights with which it
    began, and writes it less legibly (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). After learning
    forty traced lines of an invented hand, the loss on other lines of it had fallen by 7.4, 9.5 and 10.1% with shares
    of 0.7, 0.85 and 1, and what was then written was read with a character error of 0.043, 0.065 and 0.083. With shares
    of 0.5 and 0.6, the error was 0.030 and 0.038. Slope, proportions and lifts were those of the hand from 0.5 on. For
    nine hands of three to five lines, the error was 0.013 with 0.6 and 0.050 with 1.

    Raises ValueError if ``began`` does not fit the network."""
    learned = backend.tree_map(backend.to_host, backend.flatten(network.params))
    if learned.keys() != began.keys() or any(learned[name].shape != began[name].shape for name in began):
        raise ValueError("it began with weights of other shapes")
    with np.errstate(over="ignore", invalid="ignore"):  # numbers from a stranger's file are checked below
        weights = {name: a + np.float32(share) * (learned[name] - a) for name, a in began.items()}
    if not all(np.isfinite(a).all() for a in weights.values()):
        raise ValueError("it began with numbers that are too large")
    copy = PenRNN(**network.settings)
    copy.load_params(weights)
    return copy.to_device(network.device)


class Writer:
    """A hand: a network, its vocabularies, and the row of its hands that writes.

    source    None for the weights that come with the package, or a run of ``minirnn.train --task hand`` (a folder or
              a checkpoint)
    hand      number of a hand, from 1, or a mixture of hands, {number: share}; None: the first, which in a run that
              learned one hand is that hand
    likeness  how much of what a run has learned of one hand is used, from 0 to 1: see `part_of_the_way`
    proofreader  `minirnn.writing.proofreading.Proofreader` that reads what was written, so that words that may be wrong
                 are written again; None: the window's path over the text has to do
    """

    def __init__(self, source=None, hand=None, device="cpu", likeness=LIKENESS, proofreader=None):
        trained = load(SHIPPED if source is None else source, "PenRNN")
        network, self.chars, self.pens, self.meta, arrays, path = trained
        self.terms = self.meta.get("terms") if is_text(self.meta.get("terms")) else None  # what they may be used for
        began = {name.removeprefix(BEGAN): array for name, array in arrays.items() if name.startswith(BEGAN)}
        self.learned_one = bool(began)
        try:
            self.counts, self.hands, self.pace, self.slants = _hands(self.meta, network.settings)
            if began:
                network = part_of_the_way(network, began, likeness)
        except DAMAGE as error:
            raise MinirnnError(f"{path} is damaged ({type(error).__name__}: {error}); use another") from None
        self.network = network.to_device(device)
        shares = hand if isinstance(hand, dict) else {1 if hand is None else hand: 1.0}
        self.hand = self._row(shares)
        self.proofreader = proofreader
        self.slant = None  # of its lines; that of a hand that does not say it is known as soon as it has written some
        if self.slants:
            slants = [self.slants[number - 1] for number in shares]
            self.slant = float(np.average(slants, weights=list(shares.values())))

    def with_hand(self, number):
        """A `Writer` of the same network whose hand is that of the number, from 1 on."""
        other = copy.copy(self)
        other.hand = self._row({number: 1.0})
        other.slant = self.slants[number - 1] if self.slants else None
        return other

    def _row(self, shares):
        """The row of the network's hands that writes: that of a hand, or a new one between those of several hands, each
        drawing with its share, {number: share}."""
        for hand in shares:
            if not 1 <= hand <= len(self.hands):
                raise MinirnnError(
                    f"there is no hand {hand}; choose one from 1 to {len(self.hands)}, or see --hand list"
                )
        total = sum(shares.values())
        if not 0 < total < np.inf or min(shares.values()) < 0:
            raise MinirnnError("the shares of the hands in a mixture must be numbers above 0")
        rows = [self.hands[hand - 1] for hand in shares]
        if len(rows) == 1:
            return rows[0]
        E = self.network.params["hand"]["E"]
        mixture = sum(E[row] * np.float32(share / total) for row, share in zip(rows, shares.values()))
        self.network.params["hand"]["E"] = np.concatenate([E, mixture[None]])
        return len(E)

    def unknown(self, text):
        """The characters of ``text`` that this hand has not learned to write, sorted."""
        return sorted({c for c in text if not c.isspace() and self.counts.get(c, 0) < LEARNED})

    def write(self, texts, rng, temperature=TEMPERATURE, accept=lambda line: True, progress=None):
        """Write ``texts``, one line each -> list of `Line`.

        Each line is written `CANDIDATES` times. If all of them are wrong, or ``accept(line)`` is False for them, the
        line is written again, up to `TRIES` times; if none is right, one of the last is returned with its fault. With a
        proofreader, words that may be wrong are then written again, and those that could not be put right are named in
        `Line.faults`. All lines of one writer lean alike: as its hand does or, if that is not known, as the first ones
        do in the median."""
        lines = [None] * len(texts)
        waiting = sorted((n for n, text in enumerate(texts) if text.strip()), key=lambda n: len(texts[n]))
        for tries in range(1, TRIES + 1):
            refused = []
            for start in range(0, len(waiting), SIDE_BY_SIDE):
                part = waiting[start : start + SIDE_BY_SIDE]
                for n, (line, good) in zip(part, self._best([texts[n] for n in part], rng, temperature, accept)):
                    lines[n] = dataclasses.replace(line, tries=tries, moments=[])
                    if not good:
                        refused.append(n)
                    elif progress:
                        progress(len(texts[n]))
            waiting = refused
        return lines

    def rewrite_word(self, line, character, rng, temperature=TEMPERATURE, accept=lambda line: True):
        """A `Line` that this hand wrote, with one word of it written anew, the one in which the character with this
        index of its text stands; a line that has a fault as a whole is written anew. All else stays as it is."""
        if line.fault or not line.drawn or self.pens.is_lift[line.symbols].sum() != len(line.drawn):
            return self.write([line.text], rng, temperature, accept)[0]
        return rewrite_word(self, line, character, rng, temperature, accept)

    def _best(self, texts, rng, temperature, accept):
        """The best of some candidates of each of ``texts``: a list of (line, whether it is good)."""
        written = write_lines(
            self.network, self.chars, self.pens, np.repeat(texts, CANDIDATES).tolist(),
            [self.hand] * (CANDIDATES * len(texts)), rng, temperature, moments=self.proofreader is not None,
        )  # fmt: skip
        if self.slant is None:
            self.slant = float(np.median([slant(line.strokes) for line in written if line.strokes] or [0.0]))
        written = [lean(line, self.slant) for line in written]
        if self.proofreader:
            written = self.proofreader.read(written)
        best = []
        for start in range(0, len(written), CANDIDATES):
            candidates = written[start : start + CANDIDATES]
            good = [line for line in candidates if not line.fault and accept(line)]
            best.append((min(good or candidates, key=self.badness), bool(good)))
        if not self.proofreader:
            return best
        mended = iter(mend(self, [line for line, good in best if good], rng, temperature, accept))
        return [(next(mended) if good else line, good) for line, good in best]

    def in_hands(self, texts, numbers, rng, temperature=TEMPERATURE):
        """Write ``texts``, each in the hand with its number in ``numbers``, from 0, all at the same time -> list of
        `Line`, each the better of `CANDIDATES`."""
        texts, numbers = np.repeat(texts, CANDIDATES).tolist(), np.repeat(numbers, CANDIDATES)
        rows = [self.hands[number] for number in numbers]
        written = write_lines(self.network, self.chars, self.pens, texts, rows, rng, temperature)
        if self.slants:
            written = [lean(line, self.slants[number]) for line, number in zip(written, numbers)]
        if self.proofreader:
            written = self.proofreader.read(written)
        candidates = [written[n : n + CANDIDATES] for n in range(0, len(written), CANDIDATES)]
        return [min(own, key=lambda line: (bool(line.fault), self.badness(line))) for own in candidates]

    def badness(self, line):
        """What the better of two writings of a text has less of."""
        return line.proof.badness if self.proofreader else unevenness(line, self.pace)


def lean(line, wanted):
    """The line sheared along x so that its slant is ``wanted``."""
    by = np.clip(wanted - slant(line.strokes), -MOST_SHEAR, MOST_SHEAR) if line.strokes else 0.0
    return dataclasses.replace(line, strokes=shear(line.strokes, by), shear=line.shear + by)
