"""What every dataset gives: samples of handwriting, a report of what was skipped, and splits by group."""

import collections
import dataclasses
import hashlib
import string

import numpy as np

from minirnn.errors import printable

RARE = 50  # a character with fewer examples than this is not learned well


@dataclasses.dataclass
class Sample:
    """One line of handwriting.

    text    : what is written.
    strokes : list of (n, 2) arrays in the units of the recording, y down.
    group   : the form, page or writer that must not be split between training and validation.
    """

    text: str
    strokes: list[np.ndarray]
    group: str

    def __post_init__(self):
        # Named after a file, whose name need not be Unicode: two such names stay two.
        self.group = self.group.encode("utf-8", "backslashreplace").decode()


@dataclasses.dataclass
class Report:
    """How many lines were used, and which ones were skipped for which reason."""

    used: int = 0
    skipped: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def skip(self, name, reason):
        """Note that the line called ``name`` was left out."""
        self.skipped.setdefault(printable(reason), []).append(printable(name))

    def __str__(self):
        count = sum(map(len, self.skipped.values()))
        reasons = [f"  {len(names)} {reason}: {', '.join(names)}" for reason, names in self.skipped.items()]
        return "\n".join([f"{self.used} lines used, {count} skipped", *reasons])


def digest(samples):
    """A hash (hex) of texts, groups and strokes of the samples: those of another day are other ones."""
    found = hashlib.sha256()
    for sample in samples:
        found.update(repr((sample.text, sample.group, [len(stroke) for stroke in sample.strokes])).encode())
        for stroke in sample.strokes:
            found.update(np.ascontiguousarray(stroke, np.float64).tobytes())
    return found.hexdigest()


def split_by_group(samples, fraction, seed=0):
    """Return (training, validation), lists of samples; about ``fraction`` of the groups are for validation.

    Whole groups go one way or the other, by a hash of the group's name, so that neither the order of the samples
    nor the presence of other groups matters.
    """
    training, validation = [], []
    for sample in samples:
        digest = hashlib.sha256(f"{seed} {sample.group}".encode()).digest()
        held_out = int.from_bytes(digest[:8], "big") < fraction * 2**64
        (validation if held_out else training).append(sample)
    return training, validation


def coverage(texts):
    """Return {character: count} over all texts, sorted by character."""
    counts = collections.Counter()
    for text in texts:
        counts.update(text)
    return dict(sorted(counts.items()))


def format_coverage(counts):
    """Return the coverage as text: each character with its count, then what of printable ASCII is rare or missing."""
    printable = string.ascii_letters + string.digits + string.punctuation + " "
    cells = [f"{_name(character)} {count}" for character, count in counts.items()]
    width = max(map(len, cells), default=0) + 2
    per_row = max(1, 100 // width)
    rows = ["".join(cell.ljust(width) for cell in cells[i : i + per_row]) for i in range(0, len(cells), per_row)]
    rare = [_name(character) for character, count in counts.items() if count < RARE]
    missing = [_name(character) for character in sorted(set(printable) - counts.keys())]
    return "\n".join(
        [
            f"{len(counts)} characters, {sum(counts.values())} in all:",
            *(row.rstrip() for row in rows),
            f"rare (fewer than {RARE}): {' '.join(rare) or 'none'}",
            f"missing of printable ASCII: {' '.join(missing) or 'none'}",
        ]
    )


def _name(character):
    """The character itself, or its code point where it could not be seen."""
    visible = character.isprintable() and not character.isspace()
    return character if visible else "space" if character == " " else f"U+{ord(character):04X}"
