"""Sampling lines of handwriting from a `minirnn.networks.pen_rnn.PenRNN`, one move of the pen after the other."""

import dataclasses
import operator

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.datasets.line_batches import encode_text
from minirnn.ink.spacing import even_gaps
from minirnn.ink.strokes import smooth
from minirnn.ink.vocabularies import BEGIN, END, FIRST_STEP
from minirnn.writing.judging import fault

TEMPERATURE = 0.4
GUIDANCE = 0.75
SYMBOLS_A_CHARACTER = 40  # no hand uses so many; a line that does is wrong
LAG = 0.5  # END may come when the window is no more than this before the last character of the text
LINGER = 30  # symbols after the window has come to the end of the text; a pen that continues longer has run on


@dataclasses.dataclass
class Line:
    """A written line.

    text     what was to be written
    symbols  (T,) pen symbols, BEGIN first
    strokes  list of (n, 2) arrays in units of the pen vocabulary, y down; the gaps between words are even
    phi      (T, U) weight of the attention window on each character of the text and on its end, step by step
    fault    "" or what is wrong: "ran on", "skipped 'x'", "left the line"
    tries    how often it was written until nothing was wrong
    """

    text: str
    symbols: np.ndarray
    strokes: list
    phi: np.ndarray
    fault: str
    tries: int = 1

    @property
    def ink(self):
        """The strokes as they are drawn: smooth curves through the steps of the pen."""
        return [smooth(stroke) for stroke in self.strokes]


def pen_distribution(logits, pens, temperature, ending):
    """Logits (B, V) -> probabilities (B, V) of the next pen symbol.

    The kind of move, step or lift, is drawn with the network's own probabilities, and only the choice within a kind is
    sharpened by ``temperature``. If both were sharpened together, a step in the same direction would be drawn too
    often, and letters would get long straight strokes. ``ending`` (B,) bool: where END may be drawn, which is only when
    the text is done.
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


def write_lines(network, chars, pens, texts, hands, rng, temperature=TEMPERATURE, guidance=GUIDANCE):
    """Write several lines at the same time, each once -> list of `Line`.

    texts     list of B strings of known characters
    hands     list of B ids of hands
    guidance  strength of classifier-free guidance (Ho and Salimans 2022, equation 6). For each line, the network also
              predicts the next move without the text (the unconditional prediction, which it has learned on some of
              the lines). The difference between both predictions is what the text says about the next move, and it
              counts 1 + ``guidance`` times

    All of this runs on one core. The products are so small that several cores would mostly wait for each other, and
    for very long on a machine that has other work.
    """
    with threadpool_limits(1, user_api="blas"):
        return _write_lines(network, chars, pens, texts, hands, rng, temperature, guidance)


def _write_lines(network, chars, pens, texts, hands, rng, temperature, guidance):
    ids = [encode_text(chars, text) for text in texts]
    B, U = len(ids), max(map(len, ids))
    lengths = np.array([len(characters) for characters in ids])
    inside = np.arange(U) < lengths[:, None]
    text = np.full((2 * B, U), -1, np.int32)  # the second half is without text
    for b, characters in enumerate(ids):
        text[b, : len(characters)] = characters
    device = network.device
    embedded, _ = network.embed_text(backend.to_device(text, device))
    hand = backend.to_device(np.tile(np.asarray(hands, np.int32), 2), device)
    state = network.start(2 * B)
    symbols, phis, places = [np.full(B, BEGIN)], [], [np.zeros(B)]
    y, lingered, stopped = np.zeros(B), np.zeros(B, int), np.zeros(B, bool)
    alive = np.arange(B)  # the lines that are not done yet; finished ones leave the batch
    for _ in range(SYMBOLS_A_CHARACTER * U):
        chunk = {"x": symbols[-1], "height": pens.height_of(y)}
        chunk = {name: np.tile(ids[alive], 2)[None].astype(np.int32) for name, ids in chunk.items()}
        chunk = backend.tree_map(lambda ids: backend.to_device(ids, device), chunk) | {"hand": hand}
        logits, phi, state, _ = network.forward(chunk, state, text=(embedded, None))
        conditional, unconditional = np.split(backend.to_host(logits[0]), 2)
        phi = backend.to_host(phi[0, : len(alive)]) * inside[alive]
        # Where the window is. Past the end of the text all its weights vanish; then it keeps its last place.
        place = np.maximum(places[-1][alive], (phi @ np.arange(U)) / np.maximum(phi.sum(axis=1), 1e-2))
        ending = place >= lengths[alive] - 2 - LAG
        guided = conditional + guidance * (conditional - unconditional)
        p = pen_distribution(guided, pens, temperature, ending)
        drawn = (p.cumsum(axis=1) < rng.random((len(alive), 1))).sum(axis=1).clip(0, p.shape[1] - 1)
        for steps, now, done in ((symbols, drawn, END), (places, place, 0), (phis, phi, 0)):
            steps.append(np.full((B, *now.shape[1:]), done, now.dtype))
            steps[-1][alive] = now
        y[alive] += pens.vectors[drawn, 1]
        lingered[alive] += place >= lengths[alive] - 1 - LAG
        stopped[alive] = drawn == END
        goes_on = ~stopped[alive] & (lingered[alive] <= LINGER)
        alive = alive[goes_on]
        if not len(alive):
            break
        if not goes_on.all():
            rows = backend.to_device(np.flatnonzero(np.tile(goes_on, 2)), device)
            take = operator.itemgetter(rows)
            hand, embedded, state = backend.tree_map(take, (hand, embedded, state))
    symbols, phis, places = np.array(symbols), np.array(phis), np.array(places[1:])
    return [
        finish(texts[b], symbols[:, b], phis[:, b, : lengths[b]], places[:, b], pens, stopped[b]) for b in range(B)
    ]


def finish(text, symbols, phi, places, pens, stopped):
    """One of several lines that were written at the same time -> `Line`.

    symbols (T + 1,) from BEGIN on, with END after those of the line; phi (T, U) and places (T,) of the window when
    symbol t + 1 was drawn; stopped: whether the pen drew an END."""
    ends = np.flatnonzero(symbols == END)
    length = ends[0] if len(ends) else len(symbols)
    symbols, phi = symbols[:length], phi[:length]
    strokes = pens.decode(symbols)
    wrong = fault(text, phi, strokes, stopped)
    if strokes:
        begun = np.flatnonzero(pens.is_lift[symbols]) - 1
        begun = begun if len(begun) == len(strokes) else np.append(0, begun)  # a pen that has not learned to lift first
        strokes = even_gaps(text, strokes, places[begun])
    return Line(text, symbols, strokes, phi, wrong)
