"""The desk at which the page's letters are written: hands that are ready, and lines that were written before.

Every line is written with a random generator of its own, whose seed is made of the hand, the line's text, which of
equal lines it is, and how often it was asked to be written again. So a line stays as it is, whatever changes around it,
comes back when a change is undone, and is the same on another day.
"""

import collections
import copy
import dataclasses
import hashlib
import threading
import time
from typing import NamedTuple

import numpy as np

from minirnn.drawing.layout import Drift, WrittenLine
from minirnn.drawing.wrapping import rows_of
from minirnn.errors import MinirnnError
from minirnn.studio_page.document import Document
from minirnn.writing.hands import Writer
from minirnn.writing.letters import WrittenSection, as_writable
from minirnn.writing.pen import TEMPERATURE

REMEMBERED = 4000  # lines; a line is a hundred kilobytes at most
SPECIMEN = "Dear Ana, thank you for it."


class Line(NamedTuple):
    """A line of a document: its text, which of the lines with this text it is, and how often it is written again."""

    text: str
    place: int
    again: int

    @property
    def key(self):
        """What the line is called in a document's ``again``."""
        return f"{self.place}:{self.text}"


class Note(NamedTuple):
    """What the page keeps with a line: its key, and what may be wrong with it, or ""."""

    key: str
    fault: str


@dataclasses.dataclass
class Hand:
    """A hand that is ready: its `Writer`, and how wide it writes a character, in letter sizes."""

    writer: Writer
    advance: float


class Desk:
    """Writes the documents of the page, a line at a time, and remembers the lines."""

    def __init__(self, writer=None):
        self._first = writer
        self._hands, self._lines = {}, collections.OrderedDict()
        self._lock = threading.Lock()  # one pen

    def hands(self):
        """How many hands there are."""
        with self._lock:
            return len(self._shipped().hands)

    def write(self, document, seconds):
        """Write what is not written yet of a `Document`, for about so many seconds and at least one line.

        -> (list of `WrittenSection` whose cells have their lines, as far as they are written; list of warnings; how
        many lines are left). Several pages may ask at once: they take turns."""
        with self._lock:
            hand = self._hand(document.hand)
            sections, unknown = as_writable(hand.writer, document.text, document.plain)
            sheet = document.sheet()
            planned = []
            for section in sections:
                own = sheet
                if section.size is not None:
                    own = dataclasses.replace(sheet, size=section.size, margins=None)
                rows = rows_of(section.paragraphs, own, hand.advance * document.letter_size)
                planned.append(WrittenSection(own, rows))
            warnings = [f"this hand cannot write {' '.join(unknown)}: left out"] if unknown else []
            left = self._fill(planned, document, hand, time.monotonic() + seconds)
            return planned, warnings, left

    def specimen(self, number):
        """A line of hand ``number``, as a `WrittenLine`."""
        with self._lock:
            hand = self._hand(number)
            return self._line(hand, Line(SPECIMEN, 0, 0), Document(hand=number), np.inf)[0]

    def _fill(self, planned, document, hand, deadline):
        seen, left, written = collections.Counter(), 0, 0
        for section in planned:
            for row in section.rows:
                for cell in row.cells:
                    line = Line(cell.text, seen[cell.text], document.again.get(f"{seen[cell.text]}:{cell.text}", 0))
                    seen[cell.text] += 1
                    may_write = written == 0 or time.monotonic() < deadline
                    found = self._line(hand, line, document, cell.width if may_write else None)
                    if found is None:
                        left += 1
                        continue
                    cell.line, fault, fresh = found
                    cell.note, cell.drift = Note(line.key, fault), drift_of(line, document)
                    written += fresh
        return left

    def _line(self, hand, line, document, width):
        """(`WrittenLine`, its fault, whether it was just written); None if it is not written and ``width`` is None."""
        key = (document.hand, document.neatness, document.seed, line)
        if key in self._lines:
            self._lines.move_to_end(key)
            return *self._lines[key], False
        if width is None:
            return None

        def fits(candidate):
            return WrittenLine(candidate.text, candidate.strokes).fits(width, document.letter_size)

        rng = np.random.default_rng(seed_of(*key))
        (made,) = hand.writer.write([line.text], rng, TEMPERATURE / document.neatness, accept=fits)
        self._lines[key] = (WrittenLine(line.text, made.ink) if made.strokes else None), made.fault
        if len(self._lines) > REMEMBERED:
            self._lines.popitem(last=False)
        return *self._lines[key], True

    def _shipped(self):
        if self._first is None:
            self._first = Writer()
        return self._first

    def _hand(self, number):
        if number not in self._hands:
            first = self._shipped()
            if not 1 <= number <= len(first.hands):
                raise MinirnnError(f"there is no hand {number}; there are {len(first.hands)}")
            writer = copy.copy(first)  # the same network
            writer.hand, writer.slant = first.hands[number - 1], None
            (probe,) = writer.write([SPECIMEN], np.random.default_rng(0))  # which tells how it leans, too
            width = WrittenLine(SPECIMEN, probe.strokes).width(1.0) / len(SPECIMEN) if probe.strokes else 1.3
            self._hands[number] = Hand(writer, float(np.clip(width, 0.7, 2.0)))
        return self._hands[number]


def seed_of(*parts):
    """A seed that is the same for the same parts, on every day and computer."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def drift_of(line, document):
    """The `Drift` of a line: its own, and the slant that was asked for."""
    drift = Drift.draw(np.random.default_rng(seed_of(document.seed, line)), document.untidiness)
    return drift._replace(slant=drift.slant + float(np.tan(np.radians(document.slant))))
