"""Samples once read, kept in one file, until their source or the way of reading changes."""

import hashlib
import json
import os
import pathlib

import numpy as np

from minirnn import checkpoint
from minirnn.datasets.samples import Report, Sample
from minirnn.errors import MinirnnError

VERSION = 1  # to be raised when a reader changes what it gives


def default_cache_folder():
    """The folder for caches: the environment's MINIRNN_CACHE, or else the one that the system provides."""
    if os.environ.get("MINIRNN_CACHE"):
        return pathlib.Path(os.environ["MINIRNN_CACHE"])
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "minirnn"


def cache_path(source, folder):
    """The file in ``folder`` that belongs to ``source``."""
    name = hashlib.sha256(str(pathlib.Path(source).resolve()).encode()).hexdigest()[:16]
    return pathlib.Path(folder) / f"{name}.npz"


def fingerprint(source):
    """A hash of the names, sizes and times of the files of ``source``, a file or a folder, and of VERSION."""
    source = pathlib.Path(source)
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(json.dumps([VERSION, facts]).encode()).hexdigest()


def save_cache(path, mark, samples, report):
    """Write samples and report to ``path``, all or nothing; ``mark`` is the `fingerprint` of their source.

    MinirnnError if the folder cannot be made or written."""
    notes = {
        "kind": "samples",
        "mark": mark,
        "texts": [sample.text for sample in samples],
        "groups": [sample.group for sample in samples],
        "used": report.used,
        "skipped": report.skipped,
    }
    strokes = [stroke for sample in samples for stroke in sample.strokes]
    arrays = {
        "points": np.concatenate([*strokes, np.empty((0, 2))]),
        "points_of_stroke": np.array([len(stroke) for stroke in strokes], dtype=np.int64),
        "strokes_of_sample": np.array([len(sample.strokes) for sample in samples], dtype=np.int64),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MinirnnError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    checkpoint.save(path, notes, arrays)


def load_cache(path, mark):
    """Return (samples, report), or None if there is no cache, or one of another source or a broken one."""
    try:
        notes, arrays = checkpoint.load(path, "samples")
        if notes["mark"] != mark:
            return None
        strokes = np.split(arrays["points"], np.cumsum(arrays["points_of_stroke"])[:-1])
        last = np.cumsum(arrays["strokes_of_sample"])
        first = np.concatenate([[0], last[:-1]]).astype(int)
        samples = [
            Sample(text, strokes[start:stop], group)
            for text, group, start, stop in zip(notes["texts"], notes["groups"], first, last, strict=True)
        ]
        return samples, Report(notes["used"], notes["skipped"])
    except (MinirnnError, KeyError, TypeError, ValueError, IndexError):
        return None
