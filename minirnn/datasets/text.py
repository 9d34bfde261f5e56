"""Text files -> characters -> parallel streams of ids, cut into chunks for truncated BPTT."""

import codecs

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary

BLOCK = 2**20  # bytes of a text that are read at a time


def read_pieces(path):
    """Yield the text of a UTF-8 file piece by piece; a missing or empty file or a bad byte is a `MinirnnError` that
    says where. Lines end in a line feed alone, however they do in the file."""
    position, line, rest, empty = 0, 1, b"", True
    try:
        with open(path, "rb") as file:
            while True:
                block = file.read(BLOCK)
                data = rest + block
                # A character that the block cuts through, and a return whose line feed may follow, wait for the next.
                piece, used = codecs.utf_8_decode(data, "strict", not block)
                if block and piece.endswith("\r"):
                    piece, used = piece[:-1], used - 1
                rest = data[used:]
                line += piece.count("\n")
                if position == 0:
                    piece = piece.removeprefix("\ufeff")  # the byte order mark that some editors write
                position += used
                if piece:
                    empty = False
                    yield piece.replace("\r\n", "\n")
                if not block:
                    break
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror}; check the name") from None
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise MinirnnError(
            f"{path} is not UTF-8: byte 0x{data[error.start]:02x} at position {position + error.start} (line {line}); "
            "save it as UTF-8"
        ) from None
    if empty:
        raise MinirnnError(f"{path} is empty; give a file with text in it")


def read_text(path):
    """All the text of `read_pieces` at once."""
    return "".join(read_pieces(path))


def split_text(text, held_out, path="the text"):
    """(training part, validation part): the last ``held_out`` (a fraction) is kept for validation.

    A character that stands in the validation part alone could never be learned: a `MinirnnError` names it."""
    cut = int(len(text) * (1 - held_out))
    training, validation = text[:cut], text[cut:]
    check_learnable(CharVocabulary(training).unknown(validation), held_out, path)
    return training, validation


def check_learnable(lacking, held_out, path):
    """A `MinirnnError` if there are characters in ``lacking``: those of the validation part alone."""
    if lacking:
        raise MinirnnError(
            f"the last {held_out:.0%} of {path}, kept for validation, has characters that the rest lacks: "
            f"{' '.join(map(repr, lacking[:20]))}; change --held-out, or remove them"
        )


class TextStreams:
    """A text as B streams side by side: stream b reads the b-th part of the text from left to right, chunk after
    chunk of T steps, and the network's state is carried from each chunk to the next.

    chunks(epoch)        -> the number of chunks of an epoch
    chunk(epoch, index)  -> (fresh, {"x", "y"}): whether the state starts anew, ids (T, B) and the ids that follow

    Every epoch starts at another place within the first chunk, so that the chunks are never cut at the same places.
    Any chunk can be asked for at any time, which is what makes a run resumable. ``ids``: an array, or
    `minirnn.datasets.corpus.Part`, of which only what a chunk needs is read.
    """

    unit = "characters"

    def __init__(self, ids, B, T, seed=0, what="the training part"):
        self.ids, self.B, self.T, self.seed = ids, B, T, seed
        self.symbols_per_chunk = B * T
        # One id more than inputs, since every input needs a successor; T more to move the start.
        self.per_epoch = ((len(ids) - 1 - T) // B) // T
        if self.per_epoch < 1:
            raise MinirnnError(
                f"{what} has {len(ids):,} characters and a batch of {B} streams of {T} steps needs at least "
                f"{B * T + T + 1:,}; use a longer text, or a smaller --batch or --steps-per-chunk"
            )

    def chunks(self, epoch):
        """How many chunks an epoch has."""
        return self.per_epoch

    def chunk(self, epoch, index):
        """-> fresh (whether the state starts at zero), {"x": (T, B) ids, "y": (T, B) ids of what comes next}."""
        T, length = self.T, self.per_epoch * self.T
        offset = int(np.random.default_rng([self.seed, epoch]).integers(T + 1))
        first = offset + np.arange(self.B) * length + index * T
        symbols = self.ids[first + np.arange(T + 1)[:, None]]
        return index == 0, {"x": symbols[:-1], "y": symbols[1:]}


class ValidationText:
    """A text read once from beginning to end, every character but the first predicted exactly once.

    ``len`` and iteration give (fresh, {"x", "y", "mask"}) chunks of T steps of at most B streams; the mask leaves out
    what stands past the end of the last stream.
    """

    def __init__(self, ids, B, T, what="the validation part"):
        if len(ids) < 2:
            raise MinirnnError(
                f"{what} has {len(ids)} characters; at least 2 are needed to predict one; use a longer text, or hold "
                "out more of it"
            )
        self.ids, self.B, self.T = ids, min(B, max(1, (len(ids) - 1) // T)), T
        self.length = -(-(len(ids) - 1) // self.B)  # of a stream

    def __len__(self):
        return -(-self.length // self.T)

    def __iter__(self):
        past_the_end = len(self.ids) - 1
        for index in range(len(self)):
            steps = np.arange(index * self.T, (index + 1) * self.T)[:, None]
            places = np.arange(self.B) * self.length + steps
            mask = (places < past_the_end) & (steps < self.length)
            places = np.minimum(places, past_the_end - 1)
            yield index == 0, {"x": self.ids[places], "y": self.ids[places + 1], "mask": mask}
