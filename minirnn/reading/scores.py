"""How well lines were read: character and word errors, what was taken for what, capitals, digits and signs apart."""

import collections
import dataclasses
import string

from minirnn.reading.decoding import edits, errors

KINDS = {
    "small letters": string.ascii_lowercase,
    "capitals": string.ascii_uppercase,
    "digits": string.digits,
    "signs": string.punctuation,
    "spaces": " ",
}


@dataclasses.dataclass
class Scores:
    """Counts over many lines: what should have been read, and what was.

    characters, wrong              characters of the texts; characters to change, add or remove
    words, wrong_words             the same for words
    of_kind, wrong_of_kind         for each of `KINDS`, its characters in the texts; those read as another or left out
    confusions                     {(wanted, got): how often}, "" where a character is missing or too much
    """

    characters: int = 0
    wrong: int = 0
    words: int = 0
    wrong_words: int = 0
    of_kind: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    wrong_of_kind: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    confusions: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, text, found):
        """Count one line: what stands there, and what was read."""
        self.characters += len(text)
        self.words += len(text.split())
        self.wrong_words += errors(text.split(), found.split())
        for wanted, got in edits(text, found):
            kind = next((name for name, members in KINDS.items() if wanted and wanted in members), None)
            self.of_kind[kind] += 1
            if wanted != got:
                self.wrong += 1
                self.wrong_of_kind[kind] += 1
                self.confusions[wanted or "", got or ""] += 1

    def __str__(self):
        lines = [
            f"character error  {_share(self.wrong, self.characters)}",
            f"word error       {_share(self.wrong_words, self.words)}",
        ]
        lines += [f"{name:15}  {_share(self.wrong_of_kind[name], self.of_kind[name])}" for name in KINDS]
        common = [f"{_name(a)} > {_name(b)} {n}" for (a, b), n in self.confusions.most_common(10)]
        return "\n".join([*lines, f"commonest        {', '.join(common) or 'none'}"])


def _share(wrong, of):
    return f"{wrong / max(of, 1):.4f}  ({wrong:,} of {of:,})"


def _name(character):
    return {"": "nothing", " ": "space"}.get(character, character)
