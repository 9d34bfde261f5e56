"""Samples once read, kept in one file, until their source or the way of reading changes."""

import hashlib
import json
import os
import pathlib
import zipfile

import numpy as np

from minirnn.datasets.samples import Report, Sample

VERSION = 1  # to be raised when a reader changes what it gives


def default_cache_folder():
    """The folder for caches that the system provides."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "minirnn"


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
    """Write samples and report to ``path``, all or nothing; ``mark`` is the `fingerprint` of their source."""
    notes = {
        "mark": mark,
        "texts": [sample.text for sample in samples],
        "groups": [sample.group for sample in samples],
        "used": report.used,
        "skipped": report.skipped,
    }
    strokes = [stroke for sample in samples for stroke in sample.strokes]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.savez(
                file,
                notes=np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8),
                points=np.concatenate([*strokes, np.empty((0, 2))]),
                points_of_stroke=np.array([len(stroke) for stroke in strokes], dtype=np.int64),
                strokes_of_sample=np.array([len(sample.strokes) for sample in samples], dtype=np.int64),
            )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_cache(path, mark):
    """Return (samples, report), or None if there is no cache, or one of another source or a broken one."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            notes = json.loads(arrays["notes"].tobytes())
            if notes["mark"] != mark:
                return None
            strokes = np.split(arrays["points"], np.cumsum(arrays["points_of_stroke"])[:-1])
            last = np.cumsum(arrays["strokes_of_sample"])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    first = np.concatenate([[0], last[:-1]]).astype(int)
    samples = [
        Sample(text, strokes[start:stop], group)
        for text, group, start, stop in zip(notes["texts"], notes["groups"], first, last)
    ]
    return samples, Report(notes["used"], notes["skipped"])
