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

from minirnn.datasets.text import check_learnable, read_pieces
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary

NUMBERS = (np.uint8, np.uint16, np.int32)  # how a character is written, the smallest that has enough values
CODE_POINTS = 0x110000  # of Unicode


class Corpus:
    """The text of the UTF-8 file ``path``. Its file of ids is made in ``folder``, where there has to be room for 1 to 4
    bytes a character; it has no name and is gone when nobody needs it any longer.

    sha256      of the text, in hex
    characters  every one that occurs, by number
    first       where each occurs for the first time
    """

    def __init__(self, path, folder):
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise MinirnnError(f"{path} is a device or a pipe, which cannot be read again; save the text in a file")
        self.path = path
        for dtype in NUMBERS:
            try:
                self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it has to outlive this function)
                if self._fill(dtype):
                    break
            except OSError as error:
                raise MinirnnError(
                    f"cannot write the ids of {path} into {folder}: {error.strerror}; make room, or choose another "
                    "folder"
                ) from None

    def _fill(self, dtype):
        """Number the characters as they come, and write their numbers; False: there are too many for ``dtype``."""
        self.characters, self.first, self.length = "", [], 0
        number, digest = np.full(CODE_POINTS, -1, np.int32), hashlib.sha256()
        size = os.path.getsize(self.path) if os.path.exists(self.path) else None
        with tqdm(total=size, desc="reading", unit="B", unit_scale=True, delay=1, leave=False) as bar:
            for piece in read_pieces(self.path):
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

    def split(self, held_out):
        """-> vocabulary, training `Part`, validation `Part`: the last ``held_out`` (a fraction) is kept for validation.

        A character that stands in the validation part alone could never be learned: a `MinirnnError` names it."""
        cut = int(len(self) * (1 - held_out))
        lacking = sorted(c for c, first in zip(self.characters, self.first) if first >= cut)
        check_learnable(lacking, held_out, self.path)
        vocabulary = CharVocabulary(self.characters)
        return vocabulary, Part(self, vocabulary, 0, cut), Part(self, vocabulary, cut, len(self))


class Part:
    """The ids of a part of a corpus, to be indexed with an array of places as an array would be."""

    def __init__(self, corpus, vocabulary, start, stop):
        self.corpus, self.vocabulary, self.start, self.stop = corpus, vocabulary, start, stop
        self.id_of_number = vocabulary.encode(corpus.characters)

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
