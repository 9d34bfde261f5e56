"""A cache: samples that have been read are kept in one file, until their source or the way of reading changes.

The file has rows of two float64, x and y of a point, with a row of NaN after every stroke; then, as JSON, the texts and
groups of the samples and how many rows each has; then the length of the JSON and a hash of everything. The points stay
in the file until they are needed, and samples are written one by one, so that only the texts of a set are in memory.
"""

import hashlib
import json
import os
import pathlib

import numpy as np

from minirnn.datasets.samples import Report
from minirnn.errors import MinirnnError, is_text
from minirnn.files import atomic, make_folder
from minirnn.ink.strokes import check_strokes

VERSION = 3  # to be raised when a reader, or this file, changes what it gives
ROW, LENGTH, DIGEST = 16, 8, 32  # bytes: of a row, of the length of the JSON, of the hash
PIECE = 2**20  # bytes that are read at once


def default_cache_folder():
    """The folder for caches: the environment's MINIRNN_CACHE, or else the one that the system provides; None if the
    user has no home."""
    if os.environ.get("MINIRNN_CACHE"):
        return pathlib.Path(os.environ["MINIRNN_CACHE"])
    system = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not system.is_absolute():  # which the standard says is to be ignored
        system = pathlib.Path(os.path.expanduser("~")) / ".cache"
    return system / "minirnn" if system.is_absolute() else None


def cache_path(source, folder):
    """The file in ``folder`` that belongs to ``source``."""
    name = hashlib.sha256(os.fsencode(pathlib.Path(source).resolve())).hexdigest()[:16]
    return pathlib.Path(folder) / f"{name}.strokes"


def fingerprint(source):
    """A hash of the names and the content of the files of ``source``, a file or a folder, and of VERSION.

    Sizes and times are not enough: a file can be changed, or replaced by another, and keep both."""
    source = pathlib.Path(source)
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    digest = hashlib.sha256(str(VERSION).encode())
    for path in files:
        own = hashlib.sha256(os.fsencode(path))
        try:
            with open(path, "rb") as file:
                while piece := file.read(PIECE):
                    own.update(piece)
        except OSError as error:
            raise MinirnnError(f"cannot read {path}: {error.strerror}; check its permissions") from None
        digest.update(own.digest())
    return digest.hexdigest()


def save_cache(path, mark, samples, report):
    """Write ``samples`` (an iterable, of which one at a time is in memory), and the report that they are counted in, to
    ``path``, all or nothing; ``mark`` is the `fingerprint` of their source.

    `CannotWrite` if the folder cannot be made or written."""
    make_folder(path.parent)
    texts, groups, rows = [], [], []
    digest = hashlib.sha256()
    with atomic(path, "wb") as file:

        def put(data):
            digest.update(data)
            file.write(data)

        for sample in samples:
            texts.append(sample.text)
            groups.append(sample.group)
            rows.append(sum(len(stroke) + 1 for stroke in sample.strokes))
            for stroke in sample.strokes:
                put(np.append(stroke, [[np.nan, np.nan]], axis=0).tobytes())
        notes = {"mark": mark, "texts": texts, "groups": groups, "rows": rows, "used": report.used,
                 "skipped": report.skipped}  # fmt: skip
        text = json.dumps(notes).encode()
        put(text)
        put(len(text).to_bytes(LENGTH, "little"))
        file.write(digest.digest())


def load_cache(path, mark):
    """Return (list of `StoredSample`, report), or None if there is no cache, or one of another source or a broken
    one."""
    try:
        points = Points(path)
        notes, size = points.notes_and_size()
        texts, groups, rows = notes["texts"], notes["groups"], notes["rows"]
        if notes["mark"] != mark or sum(rows) * ROW != size or min(rows, default=2) < 2:
            return None
        if not all(map(is_text, [*texts, *groups])):
            return None
        first = np.cumsum([0, *rows])[:-1].tolist()
        samples = [StoredSample(*fields, points) for fields in zip(texts, groups, first, rows, strict=True)]
        return samples, Report(notes["used"], notes["skipped"])
    except (OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


class Points:
    """The file of a cache. While it is open, it can be read even if another file takes its place."""

    def __init__(self, path, written=None):
        self.path, self.file = path, open(path, "rb")  # noqa: SIM115 (it has to outlive this function)
        self.file.seek(-DIGEST, os.SEEK_END)
        self.written = self.file.read(DIGEST)
        if written not in (None, self.written):
            raise MinirnnError(f"{path} was replaced while it was in use; start again")

    def __reduce__(self):
        return Points, (self.path, self.written)  # a process that is given samples opens the file for itself

    def notes_and_size(self):
        """What comes after the points, and how many bytes of points there are. ValueError if any byte is not the one
        that was written."""
        end = self.file.seek(0, os.SEEK_END) - DIGEST - LENGTH
        if end < 0:
            raise ValueError("too short")
        self.file.seek(end)
        length = int.from_bytes(self.file.read(LENGTH), "little")
        written = self.file.read(DIGEST)
        self.file.seek(0)
        digest, left = hashlib.sha256(), end + LENGTH
        while left > 0:
            piece = self.file.read(min(PIECE, left))
            digest.update(piece)
            left -= len(piece)
        if digest.digest() != written or length > end:
            raise ValueError("damaged")
        self.file.seek(end - length)
        return json.loads(self.file.read(length)), end - length

    def rows(self, start, count):
        """``count`` rows from ``start`` on, (count, 2)."""
        # A map that lives as long as this call: the pages that it touched are not counted as ours any longer.
        return np.array(np.memmap(self.file, np.float64, "r", ROW * start, (count, 2)))


class StoredSample:
    """A `minirnn.datasets.Sample` whose strokes are read from a cache whenever they are asked for."""

    __slots__ = ("count", "group", "points", "start", "text")

    def __init__(self, text, group, start, count, points):
        self.text, self.group, self.start, self.count, self.points = text, group, start, count, points

    @property
    def strokes(self):
        """List of (n, 2) arrays."""
        rows = self.points.rows(self.start, self.count)
        behind = np.flatnonzero(np.isnan(rows[:, 0])) + 1
        return check_strokes([stroke[:-1] for stroke in np.split(rows, behind)[:-1]], self.points.path)
