"""A text of any size: its ids stand in a file, and a chunk reads only what it needs.

    corpus = Corpus("my.txt", folder)
    vocabulary, training, validation = corpus.split(held_out=0.1)
    TextStreams(training, B, T)

The text is read once, piece by piece, so that memory does not grow with it. Which characters belong to the
vocabulary is known only when all have been counted and the training part has been cut; so the file numbers them as
they come, with one byte each as long as there are no more than 256, and the vocabulary's own ids are looked up as
they are read. """

import hashlib
import os
import tempfile

import numpy as np
from tqdm import tqdm

from minirnn.datasets.text import read_pieces, text_files
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import UNKNOWN, CharVocabulary

NUMBERS = (np.uint8, np.uint16, np.int32)  # how a character is written, the smallest that has enough values
BLOCK = 2**20  # characters that are counted at a time
CODE_POINTS = 0x110000  # of Unicode


class Corpus:
    """The text of the file ``path``, or of a list of files and folders (see `minirnn.datasets.text.read_pieces`).

    Its file of ids is made in ``folder``, where there has to be room for 1 to 4 bytes per character; it has no name and
    disappears when it is no longer needed. ``encoding``: of the text, None: it is recognised. ``clean`` drops control
    characters, which are refused otherwise.

    name        of the text, in messages
    sha256      of the text, in hex
    characters  every one that occurs, by number
    first       where each occurs for the first time
    """

    def __init__(self, path, folder, encoding=None, clean=False):
        self.files = text_files(path)
        for file in self.files:
            if os.path.exists(file) and not os.path.isfile(file):
                raise MinirnnError(f"{file} is a device or a pipe, which cannot be read again; save the text in a file")
        several = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        self.name = f"{self.files[0]}{several}"
        self.reading = encoding, "drop" if clean else "refuse"
        for dtype in NUMBERS:
            try:
                self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it has to outlive this function)
                if self._fill(dtype):
                    break
            except OSError as error:
                raise MinirnnError(
                    f"cannot write the ids of {self.name} into {folder}: {error.strerror}; make room, or choose "
                    "another folder"
                ) from None

    def _fill(self, dtype):
        """Number the characters as they come, and write their numbers; False: there are too many for ``dtype``."""
        self.characters, self.first, self.length = "", [], 0
        number, digest = np.full(CODE_POINTS, -1, np.int32), hashlib.sha256()
        size = sum(os.path.getsize(file) for file in self.files if os.path.exists(file))
        with tqdm(total=size, desc="reading", unit="B", unit_scale=True, delay=1, leave=False) as bar:
            for piece in read_pieces(self.files, *self.reading):
                codes = np.frombuffer(piece.encode("utf-32-le"), "<u4")
                unknown = np.flatnonzero(number[codes] < 0)
                if len(unknown):
                    new, place = np.unique(codes[unknown], return_index=True)
                    number[new] = len(self.characters) + np.arange(len(new))
                    self.characters += "".join(map(chr, new))
                    self.first += (self.length + unknown[place]).tolist()
                    if len(self.characters) > np.iinfo(dtype).max + 1:
                        return False
                self.file.write(number[codes].astype(dtype))
                self.length += len(codes)
                encoded = piece.encode()
                digest.update(encoded)
                bar.update(len(encoded))
        self.file.flush()
        self.dtype, self.sha256 = dtype, digest.hexdigest()
        return True

    def __len__(self):
        return self.length

    def split(self, held_out, symbols=""):
        """-> vocabulary, training `CorpusPart`, validation `CorpusPart`: the last ``held_out`` (a fraction) is kept for
        validation.

        The vocabulary has the characters of the training part, and ``symbols``, which a network knows already. Other
        characters of the validation part cannot be learned: they share the symbol `UNKNOWN`, and `unknown` has how
        often each of them occurs."""
        cut = int(len(self) * (1 - held_out))
        lacking = [n for n, first in enumerate(self.first) if first >= cut and self.characters[n] not in symbols]
        self.unknown = {self.characters[number]: count for number, count in zip(lacking, self._counts(lacking, cut))}
        known = symbols + "".join(c for c in self.characters if c not in self.unknown)
        vocabulary = CharVocabulary(known + UNKNOWN * bool(lacking))
        return vocabulary, CorpusPart(self, vocabulary, 0, cut), CorpusPart(self, vocabulary, cut, len(self))

    def _counts(self, numbers, start):
        """How often each of the ``numbers`` stands in the file from ``start`` on, a list."""
        if not numbers:
            return []
        counts = np.zeros(len(self.characters), int)
        ids = np.memmap(self.file, self.dtype, "r", shape=(len(self),))
        for place in range(start, len(self), BLOCK):
            counts += np.bincount(ids[place : place + BLOCK], minlength=len(counts))
        return counts[numbers].tolist()


class CorpusPart:
    """The ids of a part of a corpus, to be indexed with an array of places as an array would be."""

    def __init__(self, corpus, vocabulary, start, stop):
        self.corpus, self.vocabulary, self.start, self.stop = corpus, vocabulary, start, stop
        known = "".join(UNKNOWN if c in corpus.unknown else c for c in corpus.characters)
        self.id_of_number = vocabulary.encode(known)

    def __len__(self):
        return self.stop - self.start

    def __getitem__(self, places):
        """places (...) from 0 to len - 1 -> ids (...) int32."""
        # A map that lives as long as this call: the pages that it touched are not counted as ours any longer.
        numbers = np.memmap(self.corpus.file, self.corpus.dtype, "r", shape=(len(self.corpus),))
        return self.id_of_number[numbers[self.start + places]]

    def text(self, length):
        """The first ``length`` characters (fewer if there are no more)."""
        return self.vocabulary.decode(self[np.arange(min(length, len(self)))])
