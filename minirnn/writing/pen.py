"""Sampling lines of handwriting from a `minirnn.networks.pen_rnn.PenRNN`, one move of the pen after the other."""

import dataclasses
import operator
import typing

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.datasets.line_batches import encode_text
from minirnn.ink.spacing import even_gaps
from minirnn.ink.strokes import smooth
from minirnn.ink.vocabularies import BEGIN, END, FIRST_STEP
from minirnn.writing.judging import astray, fault

TEMPERATURE = 0.4
GUIDANCE = 0.75
SYMBOLS_PER_CHARACTER = 40  # no hand uses so many; a line that does is wrong
LAG = 0.5  # END may come when the window is no more than this before the last character of the text
LINGER = 30  # symbols after the window has come to the end of the text; a pen that continues longer has run on


@dataclasses.dataclass
class Moment:
    """The pen before it is lifted, with all that is needed to write on from here.

    symbol  the symbol that was drawn last
    y       height of the pen
    place   where the window stands, in characters
    state   of the network, nested as `PenRNN.start` has it, arrays (2, ...): with the text, and without it
    """

    symbol: int
    y: float
    place: float
    state: list


@dataclasses.dataclass
class Line:
    """A written line.

    text       what was to be written
    symbols    (T,) pen symbols, BEGIN first
    strokes    list of (n, 2) arrays in units of the pen vocabulary, y down; the gaps between words are even
    phi        (T, U) weight of the attention window on each character of the text and on its end, step by step
    fault      "" or what is wrong with the line as a whole: "ran on", "skipped 'x'", "left the line"
    tries      how often it was written until nothing was wrong
    drawn      the S strokes where the pen drew them, before their gaps were made even
    places     (S,) where the window stood at each stroke's beginning, in characters
    moments    one `Moment` per stroke, at its beginning, if the line can be mended; else empty
    shear      by how much the strokes were sheared after that
    proof      `minirnn.writing.proofreading.Proof`: what proofreading has found, None if it was not proofread
    rewritten  how many times a word was replaced by a better one
    """

    text: str
    symbols: np.ndarray
    strokes: list
    phi: np.ndarray
    fault: str
    tries: int = 1
    drawn: list = dataclasses.field(default_factory=list)
    places: np.ndarray | None = None
    moments: list = dataclasses.field(default_factory=list)
    shear: float = 0.0
    proof: typing.Any = None
    rewritten: int = 0

    @property
    def ink(self):
        """The strokes as they are drawn: smooth curves through the steps of the pen."""
        return [smooth(stroke) for stroke in self.strokes]

    @property
    def faults(self):
        """The words that may be wrong, a list of `minirnn.writing.proofreading.WordFault`; none is known of a line that
        was not proofread."""
        return self.proof.faults if self.proof else []


def pen_distribution(logits, pens, temperature, ending):
    """Logits (B, V) -> probabilities (B, V) of the next pen symbol.

    The kind of move, step or lift, is drawn with the probabilities that the logits give, and only the choice within a
    kind is sharpened by ``temperature``. If both were sharpened together, a step in the same direction would be drawn
    too often, and letters would get long straight strokes. Guidance, which is in the logits, lifts the pen more often
    than the network would; without it in the kind of move, letters are lost and lines do not end (data/model_card.md).
    ``ending`` (B,) bool: where END may be drawn, which is only when the text is done.
    """
    z = logits.astype(np.float64)
    z[:, BEGIN] = -np.inf
    z[~ending, END] = -np.inf
    p = _softmax(z)
    for kind in (slice(FIRST_STEP, FIRST_STEP + pens.directions), slice(FIRST_STEP + pens.directions, None)):
        p[:, kind] = p[:, kind].sum(axis=1, keepdims=True) * _softmax(z[:, kind] / temperature)
    return p


def _softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def write_lines(
    network, chars, pens, texts, hands, rng, temperature=TEMPERATURE, guidance=GUIDANCE, *, since=None, moments=False
):
    """Write several lines at the same time, each once -> list of `Line`.

    texts     list of B strings of known characters
    hands     list of B ids of hands
    guidance  strength of classifier-free guidance (Ho and Salimans 2022, equation 6). For each line, the network also
              predicts the next move without the text (the unconditional prediction, which it has learned on some of
              the lines). The difference between both predictions is what the text says about the next move, and it
              counts 1 + ``guidance`` times
    since     list of B `Moment` at which to begin, in the middle of lines; what is returned is then what follows
    moments   whether to keep a `Moment` per stroke, from which a word can be written again

    All of this runs on one core. The products are so small that several cores would mostly wait for each other, and
    for very long on a machine that has other work.
    """
    ids = [encode_text(chars, text) for text in texts]
    batch = _Batch(network, pens, ids, hands, since, moments)
    with threadpool_limits(1, user_api="blas"):
        for _ in range(SYMBOLS_PER_CHARACTER * batch.inside.shape[1]):
            batch.step(rng, temperature, guidance)
            if not len(batch.alive):
                break
    return [batch.line(b, text) for b, text in enumerate(texts)]


class _Batch:
    """Lines that are being written at the same time; arguments as of `write_lines`, ``ids`` those of the texts.

    symbols, places, phis  lists of arrays, one per step, (B,), (B,) and (B, U)
    y, lingered, stopped   (B,) height of the pen; steps at the text's end; whether the pen has drawn an END
    alive                  the lines that are not done yet; finished ones leave the batch
    moments, since         None, or B lists of `Moment`; those at which the lines began
    """

    def __init__(self, network, pens, ids, hands, since, moments):
        self.network, self.pens = network, pens
        B, U = len(ids), max(map(len, ids))
        self.lengths = np.array([len(characters) for characters in ids])
        self.inside = np.arange(U) < self.lengths[:, None]
        text = np.full((2 * B, U), -1, np.int32)  # the second half is without text
        for b, characters in enumerate(ids):
            text[b, : len(characters)] = characters
        self.embedded, _ = network.embed_text(backend.to_device(text, network.device))
        self.hand = backend.to_device(np.tile(np.asarray(hands, np.int32), 2), network.device)
        self.state = network.start(2 * B)
        self.symbols, self.phis, self.places, self.y = [np.full(B, BEGIN)], [], [np.zeros(B)], np.zeros(B)
        self.lingered, self.stopped, self.alive = np.zeros(B, int), np.zeros(B, bool), np.arange(B)
        self.moments, self.since = [[] for _ in ids] if moments else None, since
        if since:
            self.symbols, self.places = [np.array([m.symbol for m in since])], [np.array([m.place for m in since])]
            self.y = np.array([m.y for m in since])
            self.state = [
                tuple(backend.to_device(np.concatenate(np.stack(arrays, axis=1)), network.device) for arrays in
                      zip(*layer))
                for layer in zip(*(m.state for m in since))
            ]  # fmt: skip

    def step(self, rng, temperature, guidance):
        """Draw one symbol of every line that is not done yet."""
        alive, pens, before = self.alive, self.pens, self.state
        chunk = {"x": self.symbols[-1], "height": pens.height_of(self.y)}
        chunk = {name: np.tile(ids[alive], 2)[None].astype(np.int32) for name, ids in chunk.items()}
        chunk = backend.tree_map(lambda ids: backend.to_device(ids, self.network.device), chunk) | {"hand": self.hand}
        logits, phi, self.state, _ = self.network.forward(chunk, before, text=(self.embedded, None))
        conditional, unconditional = np.split(backend.to_host(logits[0]), 2)
        phi = backend.to_host(phi[0, : len(alive)]) * self.inside[alive]
        # Where the window is. Past the end of the text all its weights vanish; then it keeps its last place.
        read = (phi @ np.arange(phi.shape[1])) / np.maximum(phi.sum(axis=1), 1e-2)
        place = np.maximum(self.places[-1][alive], read)
        ending = place >= self.lengths[alive] - 2 - LAG
        guided = conditional + guidance * (conditional - unconditional)
        p = pen_distribution(guided, pens, temperature, ending)
        if self.since and len(self.symbols) == 1:  # a word that is written again begins with a stroke of its own
            p[:, ~pens.is_lift] = 0
            p /= p.sum(axis=1, keepdims=True)
        drawn = (p.cumsum(axis=1) < rng.random((len(alive), 1))).sum(axis=1).clip(0, p.shape[1] - 1)
        if self.moments is not None:
            self._keep_moments(drawn, before)
        for steps, now, done in ((self.symbols, drawn, END), (self.places, place, 0), (self.phis, phi, 0)):
            steps.append(np.full((len(self.y), *now.shape[1:]), done, now.dtype))
            steps[-1][alive] = now
        self.y[alive] += pens.vectors[drawn, 1]
        self.lingered[alive] += place >= self.lengths[alive] - 1 - LAG
        self.stopped[alive] = drawn == END
        self._leave(~self.stopped[alive] & (self.lingered[alive] <= LINGER))

    def _keep_moments(self, drawn, before):
        """Keep a `Moment` of every line that is about to begin a stroke; ``before`` is the state at that moment."""
        for row in np.flatnonzero(self.pens.is_lift[drawn]):
            b = self.alive[row]
            state = backend.tree_map(lambda a, row=row: backend.to_host(a[[row, row + len(drawn)]]), before)
            self.moments[b].append(Moment(int(self.symbols[-1][b]), float(self.y[b]), float(self.places[-1][b]), state))

    def _leave(self, goes_on):
        """Continue with the lines for which ``goes_on``, a bool each, is true."""
        self.alive = self.alive[goes_on]
        if len(self.alive) and not goes_on.all():
            rows = backend.to_device(np.flatnonzero(np.tile(goes_on, 2)), self.network.device)
            take = operator.itemgetter(rows)
            self.hand, self.embedded, self.state = backend.tree_map(take, (self.hand, self.embedded, self.state))

    def line(self, b, text):
        """Line b -> `Line`, up to its END."""
        symbols, phi, places = (
            np.array([step[b] for step in steps]) for steps in (self.symbols, self.phis, self.places[1:])
        )
        symbols[0] = BEGIN  # draws nothing, whatever was drawn before
        line = finish(text, symbols, phi[:, : self.lengths[b]], places, self.pens, self.stopped[b])
        if self.moments is None:
            return line
        # Proofreading says whether a character was left out.
        return dataclasses.replace(line, moments=self.moments[b], fault=astray(line.drawn, self.stopped[b]))


def finish(text, symbols, phi, places, pens, stopped):
    """One of several lines that were written at the same time -> `Line`.

    symbols (T + 1,) from BEGIN on, with END after those of the line; phi (T, U) and places (T,) of the window when
    symbol t + 1 was drawn; stopped: whether the pen drew an END."""
    ends = np.flatnonzero(symbols == END)
    length = ends[0] if len(ends) else len(symbols)
    symbols, phi = symbols[:length], phi[:length]
    drawn = pens.decode(symbols)
    strokes, wrong, at = drawn, fault(text, phi, drawn, stopped), None
    if drawn:
        begun = np.flatnonzero(pens.is_lift[symbols]) - 1
        begun = begun if len(begun) == len(drawn) else np.append(0, begun)  # a pen that has not learned to lift first
        at = places[begun]
        strokes = even_gaps(text, drawn, at)
    return Line(text, symbols, strokes, phi, wrong, drawn=drawn, places=at)
