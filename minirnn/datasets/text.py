"""Text files -> characters -> parallel streams of ids, cut into chunks for truncated BPTT."""

import codecs
import pathlib
import re

import numpy as np

from minirnn.datasets.labelled.items import is_inside
from minirnn.errors import MinirnnError

LETTERS = pathlib.Path(__file__).parent / "letters.txt"  # the corpus of the main job; data/README.md describes it
BLOCK = 2**20  # bytes of a text that are read at a time
SHORT = 8  # chunks of an epoch of a text that is too short for a whole batch
MARKS = {  # byte-order marks and what they say; that of UTF-32 begins like that of UTF-16
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
ZEROS = 0.4  # part of every second byte that is zero in UTF-16 of a European language, and never in UTF-8
LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")  # all but tabs and line ends


def text_files(paths):
    """The files that ``paths`` name, a path or a list of paths: of a folder all that end in .txt, also further down.

    MinirnnError if one is not there, or a folder has none."""
    files = []
    for path in [paths] if isinstance(paths, (str, pathlib.Path)) else paths:
        path = pathlib.Path(path)
        found = [path]
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".txt" and file.is_file())
            outside = [file for file in found if not is_inside(file, path)]
            if outside:
                raise MinirnnError(f"{outside[0]} leads out of the folder {path}; give that file, if it is meant")
            if not found:
                raise MinirnnError(f"{path}: no file in the folder ends in .txt; give a text file, or rename them")
        files += found
    return files


def read_pieces(paths, encoding=None, control="keep"):
    """Yield the text of a file, or of several files and folders one after the other (see `text_files`), piece by piece.

    Parameters
    ----------
    paths : a path or a list of paths.
    encoding : as Python names it; None: what a byte-order mark says, UTF-16 by its zeros, or else UTF-8.
    control : "keep" control characters, "drop" them, or "refuse" them with their number and the place of the first.

    Lines end in a line feed alone, however they do in the file. A missing or empty file, and a byte that the encoding
    does not have, is a `MinirnnError` that says where.
    """
    files, before = text_files(paths), "\n"
    for file in files:
        if before != "\n":  # one text ends here, and another begins
            yield "\n"
        for piece in _pieces_of_file(file, encoding, control):
            yield piece
            before = piece[-1]


def _pieces_of_file(path, encoding, control):
    refused = _Refused(path)
    line, rest, empty = 1, "", True
    for piece in _decoded(path, encoding):
        # A return whose line feed may follow waits for the next piece; None comes after the last one.
        text, rest = rest + (piece or ""), ""
        if piece is not None and text.endswith("\r"):
            text, rest = text[:-1], "\r"
        text = LINE_ENDS.sub("\n", text)
        if control == "refuse":
            refused.look(text, line)
        elif control == "drop":
            text = CONTROL.sub("", text)
        line += text.count("\n")
        empty = empty and not text
        if text:
            yield text
    if empty:
        raise MinirnnError(f"{path} is empty; give a file with text in it")
    refused.speak()


class _Refused:
    """Counts control characters, and says so at the end."""

    def __init__(self, path):
        self.path, self.count, self.first = path, 0, None

    def look(self, text, line):
        """Count those in ``text``, which begins in the given line."""
        found = CONTROL.findall(text)
        if found and self.first is None:
            place = CONTROL.search(text).start()
            self.first = f"U+{ord(text[place]):04X} in line {line + text.count(chr(10), 0, place)}"
        self.count += len(found)

    def speak(self):
        """Raise MinirnnError if there were any."""
        if self.count:
            several = f"{self.count:,} control characters, the first" if self.count > 1 else "a control character,"
            raise MinirnnError(f"{self.path} has {several} {self.first}; --clean drops them, if it is a text at all")


def _decoded(path, encoding):
    """Yield the text of a file piece by piece as it stands there, and at last None."""
    position, line, begun = 0, 1, False
    try:
        with open(path, "rb") as file:
            block = file.read(BLOCK)
            encoding = encoding or _encoding(block)
            "".encode(encoding)  # a LookupError for base64 and the like, which are no encodings of text
            decoder = codecs.getincrementaldecoder(encoding)("strict")
            while True:
                waiting = len(decoder.getstate()[0])  # bytes of a character that the block before has cut through
                piece = decoder.decode(block, not block)
                yield piece if begun else piece.removeprefix("\ufeff")
                begun = begun or bool(piece)
                position, line = position + len(block), line + piece.count("\n")
                if not block:
                    break
                block = file.read(BLOCK)
        yield None
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror}; check the name") from None
    except LookupError:
        names = "utf-8, utf-16, cp1252 or latin-1"
        raise MinirnnError(f"there is no encoding of text called {encoding!r}; try --encoding {names}") from None
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        wrong, place = error.object[error.start], position - waiting + error.start
        guess = bytes([wrong]).decode("cp1252", "replace")
        hint = f", or name its encoding (--encoding cp1252 reads this byte as {guess!r})" if guess.isprintable() else ""
        name = encoding.upper()
        raise MinirnnError(
            f"{path} is not {name}: byte 0x{wrong:02x} at position {place} (line {line}); save it as UTF-8{hint}"
        ) from None


def _encoding(beginning):
    """The encoding of a file that begins with these bytes: as its mark says, UTF-16 by its zeros, or else UTF-8."""
    for mark, name in MARKS.items():
        if beginning.startswith(mark):
            return name
    even, odd = (beginning[start::2].count(0) / max(1, len(beginning) // 2) for start in (0, 1))
    if max(even, odd) > ZEROS and min(even, odd) < ZEROS / 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def read_text(paths, encoding=None, control="keep"):
    """All the text of `read_pieces` at once."""
    return "".join(read_pieces(paths, encoding, control))


def streams_for(length, B, T):
    """How many streams there are room for in a text of ``length`` characters: ``B``, or of a short text as few as it
    takes for `SHORT` chunks of T steps each."""
    return B if length >= B * T + T + 1 else max(1, (length - 1 - T) // (SHORT * T))


class TextStreams:
    """A text as B streams side by side: stream b reads the b-th part of the text from left to right, chunk after
    chunk of T steps, and the network's state is carried from each chunk to the next.

    chunks(epoch)        -> the number of chunks of an epoch
    chunk(epoch, index)  -> (fresh, {"x", "y"}): whether the state starts anew, ids (T, B) and the ids that follow

    Every epoch starts at another place within the first chunk, so that the chunks are never cut at the same places.
    Any chunk can be asked for at any time, which is what makes a run resumable. ``ids``: an array, or
    `minirnn.datasets.corpus.CorpusPart`, of which only what a chunk needs is read.
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
