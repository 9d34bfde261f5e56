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
SYMBOLS_A_CHARACTER = 40  # no hand uses so many; a line that does has gone astray
LAG = 0.5  # the END may come when the window stands no more than this before the text's last character
LINGER = 30  # symbols after the window has come to the text's end; a pen that goes on has run on


@dataclasses.dataclass
class Line:
    """A written line.

    text     what was to be written
    symbols  (T,) pen symbols, BEGIN first
    strokes  list of (n, 2) arrays in units of the pen vocabulary, y down; their gaps are even
    phi      (T, U) the window's weight on each character of the text and on its end, step by step
    fault    "" or what went wrong: "ran on", "skipped 'x'", "left the line"
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

    The kind of move, step or lift, is drawn as the network has it, and only the choice within a kind is sharpened by
    ``temperature``: sharpened together, "go on as before" would win too often and letters grow long straight strokes.
    ``ending`` (B,) bool: where END may be drawn, which it may not before the text is done.
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
    """Write several lines side by side, one try each -> list of `Line`.

    texts     list of B strings of known characters
    hands     list of B ids of hands
    guidance  how much more than the network has learned to the pen heeds the text. Beside each line the network
              follows the same pen without seeing the text, as it has learned to with some lines; what it expects with
              the text and would not expect without is what makes the letters, and counts 1 + ``guidance`` times
              (classifier-free guidance: Ho and Salimans 2022, equation 6)

    One core does it all: the products are so small that several would mostly wait for each other, and for very long on
    a machine that has other work.
    """
    with threadpool_limits(1, user_api="blas"):
        return _write_lines(network, chars, pens, texts, hands, rng, temperature, guidance)


def _write_lines(network, chars, pens, texts, hands, rng, temperature, guidance):
    ids = [encode_text(chars, text) for text in texts]
    B, U = len(ids), max(map(len, ids))
    lengths = np.array([len(characters) for characters in ids])
    inside = np.arange(U) < lengths[:, None]
    text = np.full((2 * B, U), -1, np.int32)  # the second half sees nothing
    for b, characters in enumerate(ids):
        text[b, : len(characters)] = characters
    device = network.device
    embedded, _ = network.embed_text(backend.to_device(text, device))
    hand = backend.to_device(np.tile(np.asarray(hands, np.int32), 2), device)
    state = network.start(2 * B)
    symbols, phis, places = [np.full(B, BEGIN)], [], [np.zeros(B)]
    y, lingered, stopped = np.zeros(B), np.zeros(B, int), np.zeros(B, bool)
    alive = np.arange(B)  # the lines that are not done yet; those that are leave the batch
    for _ in range(SYMBOLS_A_CHARACTER * U):
        chunk = {"x": symbols[-1], "height": pens.height_of(y)}
        chunk = {name: np.tile(ids[alive], 2)[None].astype(np.int32) for name, ids in chunk.items()}
        chunk = backend.tree_map(lambda ids: backend.to_device(ids, device), chunk) | {"hand": hand}
        logits, phi, state, _ = network.forward(chunk, state, text=(embedded, None))
        seeing, blind = np.split(backend.to_host(logits[0]), 2)
        phi = backend.to_host(phi[0, : len(alive)]) * inside[alive]
        # Where the window stands; past the text's end it sees nothing any more, and stays where it was.
        place = np.maximum(places[-1][alive], (phi @ np.arange(U)) / np.maximum(phi.sum(axis=1), 1e-2))
        ending = place >= lengths[alive] - 2 - LAG
        p = pen_distribution(seeing + guidance * (seeing - blind), pens, temperature, ending)
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
    """One of several lines written side by side -> `Line`.

    symbols (T + 1,) from BEGIN on, with END behind the line's own; phi (T, U), places (T,) of the window when symbol
    t + 1 was drawn; stopped: whether the pen drew an END."""
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
