"""Checkpoints: one .npz file of plain arrays and one JSON text, never a pickle.

    save(path, meta, arrays)     meta: what JSON can hold, arrays: {"params.lstm1.Wx": array, ...}
    load(path) -> meta, arrays

This file reads and writes them whatever they hold; `minirnn.networks.rebuild` lists all keys and what they mean.

A checkpoint is always written to a temporary file and then moved to its place, so that a run that is killed leaves the
last good one. It holds NumPy arrays whatever the device, so it can be moved between CPU and GPU. A file from a stranger
can do no harm: nothing is unpickled, and no array is made before its header has been compared with the file's size.
"""

import json
import os
import tokenize
import zipfile

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.files import atomic

VERSION = 1


def save(path, meta, arrays):
    """Write a checkpoint. meta: a dict for JSON, with "kind"; arrays: a flat dict of arrays of numbers."""
    text = json.dumps({"format": "minirnn checkpoint", "version": VERSION, **meta})
    members = {name: np.asarray(backend.to_host(array), order="C") for name, array in arrays.items()}
    _check_finite(path, members)
    with atomic(path, "wb") as file:
        np.savez(file, **{"meta.json": np.frombuffer(text.encode(), np.uint8)}, **members)


def _check_finite(path, arrays):
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise MinirnnError(f"{path} is not written: {name} holds numbers that are not finite")


def load(path, kind=None):
    """Read a checkpoint -> meta, arrays. A file that is missing, damaged, of another version, or not of the ``kind``
    asked for ("CharRNN", "PenRNN", "ReaderRNN") raises `MinirnnError`."""
    if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe might never end
        raise MinirnnError(f"{path} is no file; give a checkpoint, or the folder of a run")
    try:
        with zipfile.ZipFile(path) as archive:
            # Many members that all refer to the same bytes could take memory without bound.
            stored = [member for member in archive.infolist() if member.compress_type == zipfile.ZIP_STORED]
            if sum(member.file_size for member in stored) > os.path.getsize(path):
                raise ValueError("its members claim more bytes than it has")
            arrays = {
                member.filename.removesuffix(".npy"): _read_array(archive, member) for member in archive.infolist()
            }
        meta = json.loads(arrays.pop("meta.json").tobytes())
        version, found = meta["version"], meta["kind"]
        if meta["format"] != "minirnn checkpoint":
            raise ValueError("not a minirnn checkpoint")
    except FileNotFoundError:
        raise MinirnnError(f"no checkpoint at {path}; check the name of the run") from None
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, NotImplementedError, RuntimeError,
            RecursionError, OverflowError, MemoryError, SyntaxError, tokenize.TokenError,
            zipfile.BadZipFile) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise MinirnnError(f"{path} is damaged or is no checkpoint ({reason}); use another, such as best.npz") from None
    if version != VERSION:
        raise MinirnnError(f"{path} is of checkpoint version {version}, this program reads version {VERSION}")
    if kind is not None and found != kind:
        raise MinirnnError(f"{path} holds a {found}, and a {kind} is needed here")
    return meta, arrays


def _read_array(archive, member):
    """One array of the archive, after its header has been checked against the bytes that are really there."""
    # Members are stored uncompressed: a compressed one could take memory without bound, and we never write any.
    if member.compress_type != zipfile.ZIP_STORED or not member.filename.endswith(".npy"):
        raise ValueError(f"unexpected member {member.filename!r}")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"array header of version {version}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.kind not in "fiub" or fortran or any(n < 0 for n in shape):
            raise ValueError(f"unexpected array {member.filename!r} of {dtype}")
        count = 1
        for n in shape:
            count *= n
        data = file.read()
        if len(data) != count * dtype.itemsize:
            raise ValueError(f"{member.filename!r} claims {count * dtype.itemsize} bytes and has {len(data)}")
    return np.frombuffer(data, dtype).reshape(shape).copy()
