"""Labels against ink: does a line say what it is supposed to say?"""

from minirnn.reading.decoding import errors
from minirnn.reading.reader import SHIPPED, Reader

# Of 150 lines drawn as scans and traced back, and 150 as recorded, one right label was contradicted with these two, and
# 270 of 300 wrong ones.
CONTRADICTED = 0.7  # share of wrong characters above which a line contradicts a text
AGREES = 0.35  # share of wrong characters up to which a line says a text
SURE = 0.7  # mean confidence from which on a line is believed more than its label
SHORTEST = 4  # characters of a text that can be checked


def reader_if_any(run=None):
    """The `Reader` of ``run``, or of the weights that come with the package; None if there are none."""
    return Reader(run) if run is not None or SHIPPED.exists() else None


def unlike(text, found):
    """The share of wrong characters in what was ``found`` for ``text``: 0 if the two are equal, 1 if nothing agrees."""
    return errors(text, found) / max(len(text), len(found), 1)


def contradictions(reader, texts, lines):
    """Which of ``texts`` the ink contradicts: a list of (index, what is read there, index of a better text or None).

    ``lines`` are the lines that the texts belong to, lists of strokes. Texts that are short, or not all of characters
    that the reader knows, are left alone, and so is ink that it is not sure of."""
    found = []
    for n, (text, reading) in enumerate(zip(texts, reader.read_strokes(lines))):
        read = reading.text
        if len(text) < SHORTEST or reader.chars.unknown(text) or unlike(text, read) <= CONTRADICTED:
            continue
        if not read or reading.confidence.mean() < SURE:
            continue
        others = {m: unlike(other, read) for m, other in enumerate(texts) if other != text}
        best = min(others, key=others.get, default=None)
        found.append((n, read, best if best is not None and others[best] <= AGREES else None))
    return found
