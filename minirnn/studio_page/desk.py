"""The desk at which the page's letters are written: hands that are ready, and lines that were written before.

Every line is written with a random generator of its own, whose seed is made of the hand, the line's text, which of
equal lines it is, and how often it was asked to be written again. So a line stays as it is, whatever changes around it,
comes back when a change is undone, and is the same on another day.
"""

import collections
import dataclasses
import hashlib
import threading
import time
import typing
from typing import NamedTuple

import numpy as np

from minirnn.drawing.layout import Drift, WrittenLine
from minirnn.drawing.wrapping import rows_of
from minirnn.errors import MinirnnError
from minirnn.writing.hands import Writer
from minirnn.writing.letters import WrittenSection, as_writable
from minirnn.writing.mending import passages
from minirnn.writing.pen import TEMPERATURE

REMEMBERED = 2000  # lines; a line is a few hundred kilobytes at most
SPECIMEN = "Dear Ana, thank you for it."
WHOLE = -1  # stands for the beginning of a word where the whole line is meant


class LineKey(NamedTuple):
    """A line of a document: its text, which of the lines with this text it is, and what was written of it again: how
    often all of it, and then which words, each by the place of its first character."""

    text: str
    place: int
    again: tuple = (0,)

    @property
    def name(self):
        """What the line is called in a document's ``again``."""
        return f"{self.place}:{self.text}"


class Word(NamedTuple):
    """A word of a written line, or words that the pen has joined: its characters from ``begin`` to ``end``, its strokes
    from ``first`` to ``stop``, and what may be wrong with it, or ""."""

    begin: int
    end: int
    first: int
    stop: int
    fault: str


class Note(NamedTuple):
    """What the page keeps with a line: its name, the number of its strokes, what may be wrong with it, its words."""

    key: str
    count: int
    fault: str
    words: list


@dataclasses.dataclass(eq=False)
class Hand:
    """A hand that is ready: its `Writer`, and how wide it writes a character, in letter sizes."""

    writer: Writer
    advance: float


@dataclasses.dataclass
class Written:
    """A line that was written: what the hand gave, and the same for the layout (None if it has no ink)."""

    line: typing.Any
    laid: WrittenLine | None


class Desk:
    """Writes the documents of the page, a line at a time, and remembers the lines.

    writer   the hands to choose from; None: those that come with the package
    reading  function that gives a `minirnn.reading.reader.Reader`, by which words are proofread, or None
    own      function of the name of a hand of one's own, which gives the path of its weights
    """

    def __init__(self, writer=None, reading=lambda: None, own=None):
        self._first, self._reading, self._own = writer, reading, own
        self._hands, self._lines = {}, collections.OrderedDict()
        self._lock = threading.Lock()  # one pen

    def hands(self):
        """How many hands there are to choose from."""
        with self._lock:
            return len(self._shipped().hands)

    def write(self, document, seconds):
        """Write what is not written yet of a `Document`, for about so many seconds and at least one line.

        -> (list of `WrittenSection` whose cells have their lines, as far as they are written; list of warnings; how
        many lines are left). Several pages may ask at once: they take turns."""
        with self._lock:
            planned, warnings = self._plan(document)
            left = self._fill(planned, document, self._hand(document), time.monotonic() + seconds)
            return planned, warnings, left

    def check(self, document):
        """Raise MinirnnError if a `Document` cannot be written."""
        with self._lock:
            self._plan(document)

    def _plan(self, document):
        """(list of `WrittenSection` whose cells have no lines yet, list of warnings)."""
        hand, sheet, planned = self._hand(document), document.sheet(), []
        sections, unknown = as_writable(hand.writer, document.text, document.plain)
        for section in sections:
            own = sheet
            if section.size is not None:
                own = dataclasses.replace(sheet, size=section.size, margins=None)
            rows = rows_of(section.paragraphs, own, hand.advance * document.letter_size)
            planned.append(WrittenSection(own, rows))
        return planned, [f"this hand cannot write {' '.join(unknown)}: left out"] if unknown else []

    def specimen(self, document):
        """A line in the hand of a `Document`, as a `WrittenLine`."""
        with self._lock:
            return self._line(self._hand(document), LineKey(SPECIMEN, 0), document, np.inf)[0].laid

    def _fill(self, planned, document, hand, deadline):
        """Give the cells of the planned sections their lines until the deadline -> how many lines are left."""
        seen, left, written = collections.Counter(), 0, 0
        for cell in (cell for section in planned for row in section.rows for cell in row.cells):
            key = LineKey(cell.text, seen[cell.text])
            key = key._replace(again=tuple(document.again.get(key.name, (0,))))
            seen[cell.text] += 1
            may_write = written == 0 or time.monotonic() < deadline
            found, fresh = self._line(hand, key, document, cell.width if may_write else None)
            if found is None:
                left += 1
                continue
            cell.line, cell.drift = found.laid, drift_of(key, document)
            cell.note = Note(key.name, len(found.line.strokes), found.line.fault, words_of(found.line))
            written += fresh
        return left

    def _line(self, hand, key, document, width):
        """(`Written`, whether it was written just now); None in its place if there is none and ``width`` is None."""
        own = (document.own or document.hand, document.neatness, document.seed, key)
        if (own, hand) in self._lines:
            self._lines.move_to_end((own, hand))
            return self._lines[own, hand], False
        if width is None:
            return None, False

        def fits(candidate):
            return WrittenLine(candidate.text, candidate.strokes).fits(width, document.letter_size)

        rng, temperature = np.random.default_rng(seed_of(*own)), TEMPERATURE / document.neatness
        *before, last = key.again
        if before:  # the line as it was, but for one word
            was, _ = self._line(hand, key._replace(again=tuple(before)), document, width)
            made = hand.writer.rewrite_word(was.line, last, rng, temperature, accept=fits)
        else:
            (made,) = hand.writer.write([key.text], rng, temperature, accept=fits)
        self._lines[own, hand] = Written(made, WrittenLine(key.text, made.ink) if made.strokes else None)
        if len(self._lines) > REMEMBERED:
            self._lines.popitem(last=False)
        return self._lines[own, hand], True

    def _shipped(self):
        if self._first is None:
            self._first = Writer()
        if self._first.proofreader is None:
            self._first.proofreader = self._reading()
        return self._first

    def _hand(self, document):
        """The `Hand` of a document, ready to write."""
        path = self._own(document.own) if document.own and self._own else None
        if document.own and path is None:
            raise MinirnnError(f"there is no hand {document.own!r}; choose another one")
        version = (path, path.stat().st_mtime_ns) if path else document.hand
        if version not in self._hands:
            if path:
                writer = Writer(path, proofreader=self._reading())
            else:
                writer = self._shipped().with_hand(document.hand)
            (probe,) = writer.write([SPECIMEN], np.random.default_rng(0))  # which tells how it leans, too
            width = WrittenLine(SPECIMEN, probe.strokes).width(1.0) / len(SPECIMEN) if probe.strokes else 1.3
            self._hands[version] = Hand(writer, float(np.clip(width, 0.7, 2.0)))
        return self._hands[version]


def words_of(line):
    """The `Word` objects of a line that a hand has written; a line that is wrong as a whole is one."""
    if line.fault or not line.strokes:
        return [Word(WHOLE, len(line.text), 0, len(line.strokes), line.fault)]
    return [
        Word(begin, end, first, stop, "; ".join(str(fault) for fault in line.faults if begin <= fault.begin < end))
        for first, stop, begin, end in passages(line)
    ]


def seed_of(*parts):
    """A seed that is the same for the same parts, on every day and computer."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def drift_of(key, document):
    """The `Drift` of a line: its own, and the slant that was asked for. Words that are written again leave it alone."""
    key = key._replace(again=key.again[:1])
    drift = Drift.draw(np.random.default_rng(seed_of(document.seed, key)), document.untidiness)
    return drift._replace(slant=drift.slant + float(np.tan(np.radians(document.slant))))
