"""Text files -> characters -> parallel streams of ids, cut into chunks for truncated BPTT."""

import pathlib

import numpy as np

from minirnn.alphabets import CharAlphabet
from minirnn.errors import MinirnnError


def read_text(path):
    """The text of a UTF-8 file; a missing or empty file or a bad byte is a `MinirnnError` that says where."""
    try:
        data = pathlib.Path(path).read_bytes()
        text = data.decode("utf-8").removeprefix("\ufeff")  # the byte order mark that some editors write
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror}; check the name") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MinirnnError(
            f"{path} is not UTF-8: byte 0x{data[error.start]:02x} at position {error.start} (line {line}); "
            "save it as UTF-8"
        ) from None
    if not text:
        raise MinirnnError(f"{path} is empty; give a file with text in it")
    return text.replace("\r\n", "\n")


def split_text(text, held_out, path="the text"):
    """(training part, validation part): the last ``held_out`` (a fraction) is kept for validation.

    A character that stands in the validation part alone could never be learned: a `MinirnnError` names it."""
    cut = int(len(text) * (1 - held_out))
    training, validation = text[:cut], text[cut:]
    lacking = CharAlphabet(training).unknown(validation)
    if lacking:
        raise MinirnnError(
            f"the last {held_out:.0%} of {path}, kept for validation, has characters that the rest lacks: "
            f"{' '.join(map(repr, lacking[:20]))}; change --held-out, or remove them"
        )
    return training, validation


class TextStreams:
    """A text as B streams side by side: stream b reads the b-th part of the text from left to right, chunk after
    chunk of T steps, and the network's state is carried from each chunk to the next.

    chunks(epoch)        -> the number of chunks of an epoch
    chunk(epoch, index)  -> (fresh, {"x", "y"}): whether the state starts anew, ids (T, B) and the ids that follow

    Every epoch starts at another place within the first chunk, so that the chunks are never cut at the same places.
    Any chunk can be asked for at any time, which is what makes a run resumable.
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
        return self.per_epoch

    def chunk(self, epoch, index):
        T, length = self.T, self.per_epoch * self.T
        offset = int(np.random.default_rng([self.seed, epoch]).integers(T + 1))
        streams = self.ids[offset : offset + self.B * length + 1]
        first = np.arange(self.B) * length + index * T
        places = first + np.arange(T)[:, None]
        return index == 0, {"x": streams[places], "y": streams[places + 1]}


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
        self.B, self.T = min(B, max(1, (len(ids) - 1) // T)), T
        length = -(-(len(ids) - 1) // self.B)
        places = np.arange(self.B) * length + np.arange(-(-length // T) * T)[:, None]
        self.mask = (places < len(ids) - 1) & (np.arange(len(places)) < length)[:, None]
        places = np.minimum(places, len(ids) - 2)
        self.x, self.y = ids[places], ids[places + 1]

    def __len__(self):
        return len(self.x) // self.T

    def __iter__(self):
        for index in range(len(self)):
            part = slice(index * self.T, (index + 1) * self.T)
            yield index == 0, {"x": self.x[part], "y": self.y[part], "mask": self.mask[part]}
