"""Reading handwriting: what stands there, how sure that is, and where each character stands.

    from minirnn import Reader

    reader = Reader()
    reader.read_strokes([strokes])[0].text       strokes: list of (n, 2) arrays, y down, in any unit
    reader.read_strokes(open_page(path).lines)   a picture, a pen recording: see `minirnn.reading.sources`
"""

import dataclasses
import pathlib

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.datasets.reader_lines import collate, symbols_about
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import arc_length, bounding_box, check_strokes, normalise
from minirnn.layers import ctc
from minirnn.networks.reader_rnn import ReaderRNN
from minirnn.networks.rebuild import SHIPPED_TEXT, load
from minirnn.reading.alignment import align, confidences, territory
from minirnn.reading.decoding import WIDTH, beam_search, greedy, log_softmax
from minirnn.reading.language import LanguageModel

WEIGHTS = pathlib.Path(__file__).parent.parent / "weights"
SHIPPED = WEIGHTS / "reader.npz"
TOGETHER = 16  # lines that go through the network at once
WEIGHT, BONUS = 0.5, 1.0  # of the language model and of every character, if the weights do not say better
DOUBTFUL = 0.6  # a character with less confidence is marked
LONGEST = 50_000  # pen symbols of a line; one of a hundred characters has some 3,000


@dataclasses.dataclass
class Reading:
    """What was read in a line.

    text             what stands there
    confidence       (U,) how sure each character is, 0 to 1
    places           U lists of (stroke, first, last): which part of which strokes each character takes, as parts of
                     the stroke's length from 0 to 1; none for a space
    boxes            U tuples (left, top, right, bottom) in the units of the strokes, None for a space
    log_probability  of the text, by the network that reads alone, nats
    """

    text: str
    confidence: np.ndarray
    places: list
    boxes: list
    log_probability: float

    @property
    def doubtful(self):
        """The places in the text of characters that are not sure."""
        return [u for u, sure in enumerate(self.confidence) if sure < DOUBTFUL]


NOTHING = Reading("", np.zeros(0), [], [], -np.inf)


class Reader:
    """A network that reads, and a language model that knows which of its readings is English.

    source          None for the weights that come with the package, or a run of ``minirnn.train --task read`` (a
                    folder or a checkpoint)
    language_model  None for the one that comes with the package, a run of ``minirnn.train --text``, or False: none
    weight, bonus   the weight of the language model's log p, and the bonus of every character; None: those that are
                    stored with the weights
    """

    def __init__(self, source=None, language_model=None, device="cpu", weight=None, bonus=None):
        if source is None and not SHIPPED.exists():
            raise MinirnnError("this installation has no weights for reading; give a run of minirnn.train --task read")
        trained = load(SHIPPED if source is None else source, ReaderRNN.kind, device)
        self.network, self.chars, self.pens, self.meta, _, path = trained
        try:
            self.weight = float(self.meta.get("language_weight", WEIGHT) if weight is None else weight)
            self.bonus = float(self.meta.get("language_bonus", BONUS) if bonus is None else bonus)
            if not np.isfinite([self.weight, self.bonus]).all():
                raise ValueError("the weight of the language model must be finite")
        except (TypeError, ValueError) as error:
            raise MinirnnError(f"{path} is damaged ({type(error).__name__}: {error}); use another") from None
        self.language = None
        if language_model is None and SHIPPED_TEXT.exists():
            language_model = SHIPPED_TEXT
        if language_model:
            text_network, known, *_ = load(language_model, "CharRNN", device)
            self.language = LanguageModel(text_network, known.symbols, self.chars.symbols)

    def log_probabilities(self, lines):
        """Yield (ids, log p) of each of ``lines``, lists of strokes: the pen symbols (T,), and the logarithms of the
        probabilities (frames, 1 + characters) of the blank and every character."""
        for start in range(0, len(lines), TOGETHER):
            ids = [self.pens.encode(normalise(strokes)) for strokes in lines[start : start + TOGETHER]]
            chunk = collate(ids, [np.zeros(0, int)] * len(ids), self.pens, self.network.join)
            chunk = backend.tree_map(lambda a: backend.to_device(a, self.network.device), chunk)
            with threadpool_limits(1, user_api="blas"):  # small products, which further threads only slow down
                logits, _ = self.network.forward(chunk)
            logits = backend.to_host(logits)
            for b, line in enumerate(ids):
                yield line, log_softmax(logits[: self.network.frames(len(line)), b])

    def read_strokes(self, lines):
        """Read lines of handwriting, each a list of strokes, (n, 2) arrays -> list of `Reading`.

        Ink of more than `LONGEST` pen symbols is no line of handwriting, and nothing is read in it."""
        lines = [check_strokes(strokes) for strokes in lines]
        short = [symbols_about(strokes, self.pens) <= LONGEST for strokes in lines]
        found = self.log_probabilities([strokes for strokes, good in zip(lines, short) if good])
        return [self._read_line(strokes, *next(found)) if good else NOTHING for strokes, good in zip(lines, short)]

    def _read_line(self, strokes, ids, log_p):
        return self._reading(strokes, ids, log_p, self.decode(log_p))

    def texts(self, lines):
        """The texts of lines of handwriting, each a list of strokes."""
        return [reading.text for reading in self.read_strokes(lines)]

    def decode(self, log_p):
        """The ids of the text in a line, log_p (frames, 1 + characters): with the language model if there is one."""
        if self.language is None:
            return greedy(log_p[:, None], np.array([len(log_p)]))[0]
        with threadpool_limits(1, user_api="blas"):
            found = beam_search(log_p, WIDTH, self.language, self.weight, self.bonus)
        return np.array(found[0][1], int)

    def align(self, strokes, text):
        """Where each character of a known ``text`` stands in a line: a `Reading` whose text is ``text``.

        MinirnnError if the network does not know a character, or the line is too short for the text."""
        strokes = check_strokes(strokes)
        ids, log_p = next(self.log_probabilities([strokes]))
        return self._reading(strokes, ids, log_p, self.chars.encode(text) + 1)

    def _reading(self, strokes, ids, log_p, found):
        """The `Reading` of a line that says ``found`` (U,), ids from 1 on; ids (T,) are its pen symbols."""
        frames = align(log_p, found)
        text = self.chars.decode(found - 1)
        spaces = np.array([character == " " for character in text], bool)
        parts = np.minimum(self.network.join * territory(frames, len(log_p), spaces), len(ids))
        stroke, along = places_of_symbols(ids, self.pens)
        places = [_place(stroke[first:last], along[first:last]) for first, last in parts]
        boxes = [box_of(strokes, place) for place in places]
        per_character, _ = ctc.forward(log_p[:, None], found[:, None], np.array([len(log_p)]), np.array([len(found)]))
        log_probability = -float(per_character) * max(len(found), 1)
        return Reading(text, confidences(log_p, found, frames), places, boxes, log_probability)


def add_language_options(parser):
    """The options about the language model that the commands share."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--language-model", metavar="RUN", help="a text run that helps with reading (default: the one of the package)"
    )
    group.add_argument("--no-language-model", action="store_true", help="read by the ink alone")


def language_of(options):
    """What these options say, for `Reader`."""
    return False if options.no_language_model else options.language_model


def places_of_symbols(ids, pens):
    """Where on the strokes each pen symbol is: the number of the stroke (T,), -1 before the first, and how much of its
    length has been drawn (T,), 0 to 1."""
    lifts = pens.is_lift[ids]
    stroke = np.cumsum(lifts) - 1
    steps = np.arange(len(ids)) - np.flatnonzero(lifts)[np.maximum(stroke, 0)]
    is_step = ~lifts & (ids > 1)
    counts = np.bincount(stroke[is_step], minlength=stroke.max() + 1) if is_step.any() else np.ones(stroke.max() + 1)
    along = np.clip(steps / np.maximum(counts[np.maximum(stroke, 0)], 1), 0, 1)
    return np.where(ids > 1, stroke, -1), along


def _place(stroke, along):
    """[(stroke, first, last), ...] of some pen symbols of a line."""
    numbers = np.unique(stroke[stroke >= 0])
    return [(int(n), float(along[stroke == n].min()), float(along[stroke == n].max())) for n in numbers]


def ink_of(strokes, place):
    """The pieces of the strokes that a character takes: a list of (n, 2) arrays."""
    pieces = []
    for number, first, last in place:
        stroke = strokes[number]
        arc = arc_length(stroke)
        if arc[-1] == 0:
            pieces.append(stroke[:1])
            continue
        inside = (arc > first * arc[-1]) & (arc < last * arc[-1])
        ends = [[np.interp(part * arc[-1], arc, column) for column in stroke.T] for part in (first, last)]
        pieces.append(np.concatenate([ends[:1], stroke[inside], ends[1:]]))
    return pieces


def box_of(strokes, place):
    """(left, top, right, bottom) of the ink of a character, None without ink."""
    pieces = ink_of(strokes, place)
    if not pieces:
        return None
    return tuple(map(float, bounding_box(pieces)))
