"""The pen at work: sampling lines of handwriting from a `minirnn.models.PenRNN`, and judging them.

The window's own path over the text says whether a line went well: every character has to be visited, in order, and
the pen has to stop when the text is done. A line that did not is written again.

Three things make what is written easier to read. While it is written, guidance: the pen heeds the text more than the
network has learned to (`write_lines`). Every line is written more than once, and the one at the most even pace is taken
(`unevenness`). And the gaps between words are evened out (`minirnn.spacing`). A fourth makes a page one hand's: its
lines lean alike (`lean`).
"""

import dataclasses
import operator
import pathlib
import unicodedata

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend, checkpoint
from minirnn.alphabets import BEGIN, END, FIRST_STEP, CharAlphabet, PenAlphabet
from minirnn.datasets.lines import encode_text
from minirnn.errors import MinirnnError, is_text
from minirnn.generate import network_from
from minirnn.models import PenRNN
from minirnn.spacing import even_gaps
from minirnn.strokes import slant, smooth

SHIPPED = pathlib.Path(__file__).parent / "weights" / "pen.npz"
LEARNED = 20  # examples of a character in the training data, below which it is not written
TRIES = 8  # of a line that goes wrong
SIDE_BY_SIDE = 16  # lines written at once
CANDIDATES = 2  # of each line, of which the most even one is taken
MOST_SHEAR = 0.5  # of a line that leans otherwise than the ones before it
BEGAN = "extra.began."  # arrays of a checkpoint: the weights that it started from
TEMPERATURE = 0.4
GUIDANCE = 0.75
LIKENESS = 0.6

SYMBOLS_A_CHARACTER = 40  # no hand uses so many; a line that does has gone astray
LAG = 0.5  # the END may come when the window stands no more than this before the text's last character
LINGER = 30  # symbols after the window has come to the text's end; a pen that goes on has run on


@dataclasses.dataclass
class Line:
    """A written line.

    text     what was to be written
    symbols  (T,) pen symbols, BEGIN first
    strokes  list of (n, 2) arrays in units of the pen alphabet, y down; their gaps are even
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


def _alphabets(meta, arrays, settings):
    """What a checkpoint says beside its weights -> characters, pens, counts, hands, pace; a stranger may have written
    it, so it is held against the network's ``settings``, and what does not fit is a ValueError or a TypeError."""
    symbols, directions, step = meta["symbols"], meta["directions"], meta["step_length"]
    counts, hands, pace = meta["counts"], meta.get("neat_hands", [0]), meta.get("pace", {})
    if not is_text(symbols) or len(set(symbols)) + 1 != settings["characters"]:
        raise ValueError("its characters do not fit its network")
    if type(directions) is not int or not 0 < directions < settings["V"] or not 0 < step < np.inf:
        raise ValueError("its steps do not fit its network")
    pens = PenAlphabet(arrays["extra.lifts"], directions, step)
    if len(pens) != settings["V"] or pens.n_heights != settings["heights"]:
        raise ValueError("its pen moves do not fit its network")
    if not all(type(hand) is int and 0 <= hand < settings["hands"] for hand in hands):
        raise ValueError("its hands do not fit its network")
    if not all(0 <= number < np.inf for number in [*counts.values(), *pace.values()]):
        raise ValueError("its counts are no numbers")
    return CharAlphabet(symbols), pens, counts, hands, pace


def part_of_the_way(network, began, share):
    """A copy of a PenRNN that has gone a ``share`` of the way from the weights ``began``, {name: array}, to its own.

    What has learned one hand predicts it better the farther it has gone, and writes it less legibly (Wortsman et al.
    2022, "Robust fine-tuning of zero-shot models"). Of forty traced lines of a made-up hand the loss on others had
    fallen by 7.4, 9.5 and 10.1% at 0.7, 0.85 and the end of the way, and what was then written was read with a
    character error of 0.043, 0.065 and 0.083; at 0.5 and 0.6 with 0.030 and 0.038, and slope, proportions and lifts
    were the hand's from 0.5 on. Nine hands of three to five lines: 0.013 at 0.6, 0.050 at the end.

    ValueError if ``began`` does not fit the network."""
    learned = backend.tree_map(backend.to_host, backend.flatten(network.params))
    if learned.keys() != began.keys() or any(learned[name].shape != began[name].shape for name in began):
        raise ValueError("it began with weights of other shapes")
    with np.errstate(over="ignore", invalid="ignore"):  # a stranger's numbers, which are refused in the next line
        weights = {name: a + np.float32(share) * (learned[name] - a) for name, a in began.items()}
    if not all(np.isfinite(a).all() for a in weights.values()):
        raise ValueError("it began with numbers that are too large")
    copy = PenRNN(**network.settings)
    copy.load_params(weights)
    return copy.to_device(network.device)


class Writer:
    """A hand: the network, its alphabets, and which row of its hands writes.

    source    None for the weights that come with the package, or a run of ``minirnn.train --task hand`` (a folder or
              a checkpoint)
    hand      number of a hand, from 1; None: the hand of a run that learned one hand, else the first
    likeness  of a run that learned one hand, how much of what it learned is used, from 0 to 1: see `part_of_the_way`
    """

    def __init__(self, source=None, hand=None, device="cpu", likeness=LIKENESS):
        path = SHIPPED if source is None else pathlib.Path(source)
        if path.is_dir():
            path = path / "best.npz" if (path / "best.npz").exists() else path / "last.npz"
        meta, arrays = checkpoint.load(path, "PenRNN")
        network, self.meta = network_from(PenRNN, meta, arrays, path), meta
        began = {name.removeprefix(BEGAN): array for name, array in arrays.items() if name.startswith(BEGAN)}
        self.learned_one = bool(began)
        try:
            self.chars, self.pens, self.counts, self.hands, self.pace = _alphabets(meta, arrays, network.settings)
            if began:
                network = part_of_the_way(network, began, likeness)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MinirnnError(f"{path} is damaged ({type(error).__name__}: {error}); use another") from None
        self.network = network.to_device(device)
        hand = 1 if hand is None else hand
        if not 1 <= hand <= len(self.hands):
            raise MinirnnError(f"there is no hand {hand}; choose one from 1 to {len(self.hands)}, or see --hand list")
        self.hand = self.hands[hand - 1]
        self.slant = None  # of what it writes, as soon as it has written

    def unknown(self, text):
        """The characters of ``text`` that this hand has not learned to write, sorted."""
        return sorted({c for c in text if not c.isspace() and self.counts.get(c, 0) < LEARNED})

    def write(self, texts, rng, temperature=TEMPERATURE, accept=lambda line: True, progress=None):
        """Write ``texts``, one line each -> list of `Line`.

        Of each line `CANDIDATES` are written. If all go wrong, or ``accept(line)`` refuses them, it is written again,
        up to `TRIES` times; if none goes right, one of the last is returned with its fault. All lines that one writer
        writes lean alike: as the first ones do on average."""
        lines = [None] * len(texts)
        waiting = sorted((n for n, text in enumerate(texts) if text.strip()), key=lambda n: len(texts[n]))
        for tries in range(1, TRIES + 1):
            refused = []
            for start in range(0, len(waiting), SIDE_BY_SIDE):
                batch = np.repeat(waiting[start : start + SIDE_BY_SIDE], CANDIDATES)
                written = write_lines(
                    self.network, self.chars, self.pens, [texts[n] for n in batch], [self.hand] * len(batch), rng,
                    temperature,
                )  # fmt: skip
                if self.slant is None:
                    self.slant = float(np.median([slant(line.strokes) for line in written if line.strokes] or [0.0]))
                written = [lean(line, self.slant) for line in written]
                for n in waiting[start : start + SIDE_BY_SIDE]:
                    candidates = [line for number, line in zip(batch, written) if number == n]
                    good = [line for line in candidates if not line.fault and accept(line)]
                    best = min(good or candidates, key=lambda line: unevenness(line, self.pace))
                    lines[n] = dataclasses.replace(best, tries=tries)
                    if not good:
                        refused.append(n)
                    elif progress:
                        progress(len(texts[n]))
            waiting = refused
        return lines


def lean(line, wanted):
    """The line sheared along x so that its slant is ``wanted``."""
    by = np.clip(wanted - slant(line.strokes), -MOST_SHEAR, MOST_SHEAR) if line.strokes else 0.0
    strokes = [stroke + by * stroke[:, 1:] * np.array([1.0, 0.0]) for stroke in line.strokes]
    return dataclasses.replace(line, strokes=strokes)


def symbols_of_characters(line):
    """How many symbols the pen spends on each character of a line, by the window -> (U,)."""
    phi = line.phi[:, : len(line.text)]
    return (phi / np.maximum(line.phi.sum(axis=1, keepdims=True), 1e-6)).sum(axis=0)


def unevenness(line, pace):
    """How far the pen is from its usual pace: the mean of |r - 1|, r being the symbols that it spends on a character
    over those that it usually spends, ``pace`` {character: symbols}, and over the line's own mean of that.

    A letter that is botched or left out takes more or less than its time. Of a character that ``pace`` lacks nothing
    is known."""
    known = np.array([c in pace for c in line.text])
    if not known.any():
        return 0.0
    ratio = symbols_of_characters(line)[known] / [pace[c] for c in line.text if c in pace]
    return float(np.abs(ratio / max(ratio.mean(), 1e-6) - 1).mean())


# What has no decomposition into a plain letter and its accents.
PLAIN = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‐": "-", "‑": "-", "–": "-",
    "—": "-", "…": "...", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l",
    "Ł": "L", "đ": "d", "Đ": "D", "þ": "th", "Þ": "Th", "ð": "d", "ı": "i", "€": "EUR", "£": "GBP", "$": "USD",
    "%": " per cent", "@": " at ", "=": " equals ",
}  # fmt: skip


def transliterate(text):
    """``text`` in plain letters: accents are dropped (é becomes e), typographic signs become typed ones."""
    replaced = "".join(PLAIN.get(c, c) for c in unicodedata.normalize("NFC", text))
    return "".join(c for c in unicodedata.normalize("NFKD", replaced) if not unicodedata.combining(c))


def fault(text, phi, strokes, stopped):
    """What is wrong with a line, by the window's path phi (T, U) and the pen's: "" if nothing is."""
    if not stopped:
        return "ran on"
    visited = phi.max(axis=0)
    missed = [text[u] for u in range(len(text)) if visited[u] < 0.25 and text[u] != " "]
    if missed:
        return f"skipped {missed[0]!r}"
    heights = np.concatenate(strokes)[:, 1] if strokes else np.zeros(1)
    if np.abs(heights).max() > 6:
        return "left the line"
    return ""
