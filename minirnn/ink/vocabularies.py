"""The two vocabularies: characters <-> ids, and pen strokes <-> ids of pen moves.

The pen vocabulary makes handwriting a sequence of symbols like any other text. Inside a stroke the pen walks in
steps of one fixed length in one of a few directions, a finely divided chain code (H. Freeman, "On the encoding of
arbitrary geometric configurations", 1961); between strokes it lifts by one vector out of a codebook. Strokes are
in the coordinates of `minirnn.ink.strokes.normalise`.
"""

import cmath
from math import pi, sqrt

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.ink.strokes import check_strokes, without_repeats

BEGIN, END = 0, 1
UNKNOWN = "\ufffd"  # the symbol for all characters that a network was not taught
FIRST_STEP = 2  # the ids below are BEGIN and END

HEIGHTS_PER_UNIT = 4
MAX_HEIGHT = 16  # in quarters of a unit: 4 standard deviations of y, above or below the middle of the line

# If a gap differs from every lift of the codebook by more than this, the rest of the line is moved to the nearest lift.
FAR_GAP = 3.0
LIFTS_TO_FIT = 50_000  # k-means sees no more lifts than these, which is plenty for a few hundred centres


class CharVocabulary:
    """Characters <-> ids. The symbols are sorted, so that an id means the same in every run.

    Parameters
    ----------
    symbols : the characters, in any order, such as a text; repeats count once.
    """

    def __init__(self, symbols):
        self.symbols = "".join(sorted(set(symbols)))
        self._ids = {symbol: index for index, symbol in enumerate(self.symbols)}

    def __len__(self):
        return len(self.symbols)

    def unknown(self, text):
        """Return the characters of ``text`` that are not in the vocabulary, each once, sorted."""
        return sorted(set(text) - self._ids.keys())

    def encode(self, text, skip_unknown=False):
        """Return the ids (T,) int32 of the characters of ``text``.

        Raises MinirnnError naming every unknown character, unless ``skip_unknown`` leaves them out.
        """
        unknown = self.unknown(text)
        if unknown and not skip_unknown:
            names = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in unknown)
            raise MinirnnError(f"the vocabulary has no {names}; replace or skip them")
        return np.array([self._ids[character] for character in text if character in self._ids], dtype=np.int32)

    def decode(self, ids):
        """Return the text that the ids (T,) stand for."""
        return "".join(self.symbols[index] for index in _checked_ids(ids, len(self)))


class PenVocabulary:
    """Strokes <-> ids of pen moves: 0 BEGIN, 1 END, then one id per direction, then one id per lift.

    Parameters
    ----------
    lifts : (L, 2) the codebook of moves above the paper, from the end of a stroke to the start of the next.
    directions : number of directions of a step; the first points right, the next ones turn downwards (y is down).
    step : length of a step in units of the normalised line.

    Attributes
    ----------
    vectors : (V, 2) float64, the move (dx, dy) of each id; zero for BEGIN and END.
    is_lift : (V,) bool, whether the id is a lift.
    n_heights : the number of values that `heights` can take.
    """

    def __init__(self, lifts, directions=64, step=0.3):
        lifts = np.asarray(lifts, dtype=np.float64)
        if lifts.ndim != 2 or lifts.shape[1] != 2 or len(lifts) == 0 or not (np.abs(lifts) < 1e6).all():
            raise MinirnnError(f"the lifts have shape {lifts.shape}; expected (lifts, 2), all less than a million")
        if directions < 4 or not 0.001 <= step <= 1000:
            raise MinirnnError(
                f"{directions} directions, steps of {step}: need 4 or more, and a step from 0.001 to 1000"
            )
        self.lifts, self.directions, self.step = lifts, int(directions), float(step)
        angles = np.arange(self.directions) * 2 * pi / self.directions
        steps = self.step * np.column_stack([np.cos(angles), np.sin(angles)])
        self.vectors = np.concatenate([np.zeros((FIRST_STEP, 2)), steps, lifts])
        self.is_lift = np.arange(len(self.vectors)) >= FIRST_STEP + self.directions
        self.n_heights = 2 * MAX_HEIGHT + 1
        self._moves = [complex(x, y) for x, y in self.vectors]

    def __len__(self):
        return len(self.vectors)

    @classmethod
    def fit_lifts(cls, lines, count=192, seed=0, directions=64, step=0.3):
        """Build the vocabulary whose lifts are the k-means centres of the lifts in ``lines``.

        Parameters
        ----------
        lines : an iterable of normalised lines, each a list of strokes; it is read once.
        count : number of lifts in the codebook; fewer if the lines have fewer different ones.
        """
        from scipy.cluster.vq import kmeans2  # loaded only when a vocabulary is fitted, since it takes half a second

        lifts = np.concatenate([_lifts(strokes) for strokes in lines])
        rng = np.random.default_rng(seed)
        lifts = rng.permutation(lifts)[:LIFTS_TO_FIT]
        count = min(count, len(np.unique(lifts, axis=0)))
        centres, _ = kmeans2(lifts, count, minit="++", iter=30, seed=rng)
        return cls(centres[np.lexsort(centres.T)], directions, step)

    def encode(self, strokes):
        """Return the ids (T,) int16 of a normalised line, from BEGIN to END.

        Every move starts from where the moves before it have really led, so that rounding errors never add up: a step
        leads back to the path, and a lift corrects what the last step and the last lift have missed.
        """
        ids = [BEGIN]
        pen = shift = 0j
        for stroke in check_strokes(strokes):
            path = [complex(x, y) + shift for x, y in without_repeats(stroke)]
            gap = path[0] - pen
            distance = np.hypot(self.lifts[:, 0] - gap.real, self.lifts[:, 1] - gap.imag)
            nearest = int(distance.argmin())
            ids.append(FIRST_STEP + self.directions + nearest)
            pen += self._moves[ids[-1]]
            if distance[nearest] > FAR_GAP:
                moved = pen - path[0]
                shift += moved
                path = [point + moved for point in path]
            steps, pen = self._walk(path, pen)
            ids.extend(steps)
        return np.array([*ids, END], dtype=np.int16)

    def _walk(self, path, pen):
        """Follow ``path``, a list of points as complex numbers, from ``pen``; return (ids, pen at the end)."""
        ids = []
        here, after = path[0], 1
        while True:
            target = _next_target(path, here, after, pen, self.step)
            if target is None:
                return ids, pen
            here, after = target
            turn = cmath.phase(here - pen) / (2 * pi)
            ids.append(FIRST_STEP + round(turn * self.directions) % self.directions)
            pen += self._moves[ids[-1]]

    def decode(self, ids):
        """Return the strokes that the ids (T,) draw; BEGIN and END draw nothing.

        Steps before the first lift, which only an untrained network writes, start at (0, 0).
        """
        ids = _checked_ids(ids, len(self))
        ids = ids[ids >= FIRST_STEP]
        points = np.cumsum(self.vectors[ids], axis=0)
        if len(ids) and not self.is_lift[ids[0]]:
            points = np.concatenate([[[0.0, 0.0]], points])
            ids = np.concatenate([[BEGIN], ids])
        starts = np.flatnonzero(self.is_lift[ids])
        return [stroke for stroke in np.split(points, starts) if len(stroke)]

    def heights(self, ids):
        """Return the height of the pen after each of the ids (T,) or (T, B), as `height_of` rounds it."""
        return self.height_of(np.cumsum(self.vectors[ids, 1], axis=0))

    def height_of(self, y):
        """Return y rounded to quarters of a unit, clipped, as an integer from 0 to n_heights - 1."""
        quarters = np.rint(np.asarray(y) * HEIGHTS_PER_UNIT)
        return (np.clip(quarters, -MAX_HEIGHT, MAX_HEIGHT) + MAX_HEIGHT).astype(np.int16)


def _checked_ids(ids, size):
    """Return ``ids`` as an integer array, or raise MinirnnError if one is outside of 0 to size - 1."""
    ids = np.asarray(ids, dtype=np.int64).reshape(-1)
    if len(ids) and (ids.min() < 0 or ids.max() >= size):
        raise MinirnnError(f"an id from {ids.min()} to {ids.max()} is not in this vocabulary of {size} symbols")
    return ids


def _lifts(strokes):
    """Return the lifts (strokes, 2) of a line: from (0, 0), and then from each end to the next start."""
    starts = np.array([stroke[0] for stroke in strokes])
    ends = np.array([stroke[-1] for stroke in strokes])
    return starts - np.concatenate([[[0.0, 0.0]], ends[:-1]])


def _next_target(path, here, after, pen, step):
    """Return the next point of the path to step towards, or None at the end of the path.

    Parameters
    ----------
    path : list of complex; here : complex, the point up to which the pen has followed the path, just before
    path[after]; pen : complex, where the pen really is.

    Returns
    -------
    (point, after), the new values of ``here`` and ``after``, or None.
    """
    if abs(here - pen) >= step:  # after a coarse lift: back to the path first
        return here, after
    tip, after_tip, reach = here, after, 0.0  # the point farthest from the pen so far
    for index in range(after, len(path)):
        distance = abs(path[index] - pen)
        if distance >= step:
            crossing = _leave_circle(here, path[index], pen, step)
            # A hairpin that ends inside the circle: cutting it off loses more than going past its tip.
            if _distance_to_segment(tip, pen, crossing) > step - reach:
                return tip, after_tip
            return crossing, index
        if distance > reach:
            tip, after_tip, reach = path[index], index + 1, distance
        here = path[index]
    return (tip, after_tip) if reach > step / 2 else None


def _dot(a, b):
    """The inner product of two vectors in the plane, written as complex numbers."""
    return a.real * b.real + a.imag * b.imag


def _leave_circle(inside, outside, centre, radius):
    """Return the point at which the segment from ``inside`` to ``outside`` leaves a circle."""
    along, start = outside - inside, inside - centre
    a, b, c = _dot(along, along), _dot(along, start), _dot(start, start) - radius**2
    return inside + along * (sqrt(max(b * b - a * c, 0.0)) - b) / a


def _distance_to_segment(point, start, end):
    along = end - start
    share = _dot(point - start, along) / _dot(along, along)
    return abs(point - start - along * min(max(share, 0.0), 1.0))
