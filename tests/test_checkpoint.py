"""Checkpoints: what is saved comes back, a failing write spoils nothing, a bad file is refused in one line."""

import io
import json
import os
import pickle
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint

META = {"kind": "CharRNN", "settings": {"V": 5, "cell": "lstm"}, "characters": "äß\n\"'☃"}


def some_arrays():
    rng = np.random.default_rng(0)
    return {"params.lstm1.Wx": rng.standard_normal((3, 4)).astype(np.float32), "steps": np.array(7), "v.b": np.ones(2)}


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def meta_array(**changes):
    text = json.dumps({"format": "minirnn checkpoint", "version": checkpoint.VERSION, **META, **changes})
    return npy(np.frombuffer(text.encode(), np.uint8))


def archive(path, members, compression=zipfile.ZIP_STORED):
    """A .npz made by hand. members: {name: bytes}."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def assert_refused(path, *words):
    with pytest.raises(MinirnnError) as caught:
        checkpoint.load(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    for word in words:
        assert word in message


# --- round trip ---------------------------------------------------------------------------------------------


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "best.npz"
    arrays = some_arrays()
    checkpoint.save(path, META, arrays)
    meta, loaded = checkpoint.load(path, "CharRNN")
    assert {key: meta[key] for key in META} == META
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype and np.array_equal(loaded[name], array)
        assert loaded[name].flags.writeable
    assert os.listdir(tmp_path) == ["best.npz"]  # and nothing else is left lying about


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_any_array_comes_back_to_the_last_bit(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("any") / "x.npz"
    checkpoint.save(path, META, {"a": array})
    back = checkpoint.load(path)[1]["a"]
    assert back.dtype == array.dtype and back.shape == array.shape and back.tobytes() == array.tobytes()


@pytest.mark.parametrize("view", ["transposed", "sliced", "big-endian"])
def test_arrays_of_any_layout_come_back(tmp_path, view):
    array = np.arange(12.0).reshape(3, 4)
    array = {"transposed": array.T, "sliced": array[::2, 1:], "big-endian": array.astype(">f8")}[view]
    checkpoint.save(tmp_path / "x.npz", META, {"a": array})
    assert np.array_equal(checkpoint.load(tmp_path / "x.npz")[1]["a"], array)


# --- writing ------------------------------------------------------------------------------------------------


def test_a_write_that_is_interrupted_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "last.npz"
    checkpoint.save(path, META, some_arrays())
    before = path.read_bytes()

    def half(file, **members):
        file.write(b"PK half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(path, META, {"a": np.ones(100)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["last.npz"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "last.npz"
    checkpoint.save(path, META, some_arrays())
    before = path.read_bytes()

    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(MinirnnError, match="No space left"):
        checkpoint.save(path, META, {"a": np.ones(100)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["last.npz"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MinirnnError, match="cannot write"):
        checkpoint.save(tmp_path / "nowhere" / "x.npz", META, {})


# --- reading what is not as it should be --------------------------------------------------------------------


def test_a_missing_file(tmp_path):
    assert_refused(tmp_path / "none.npz", "no checkpoint")


def test_a_folder_in_the_place_of_a_file(tmp_path):
    assert_refused(tmp_path)


def test_another_version(tmp_path):
    path = archive(tmp_path / "x.npz", {"meta.json.npy": meta_array(version=99)})
    assert_refused(path, "version 99", f"version {checkpoint.VERSION}")


def test_another_kind(tmp_path):
    checkpoint.save(tmp_path / "x.npz", META, some_arrays())
    with pytest.raises(MinirnnError, match="holds a CharRNN, and a PenRNN is needed"):
        checkpoint.load(tmp_path / "x.npz", "PenRNN")


def test_an_npz_of_something_else(tmp_path):
    np.savez(tmp_path / "x.npz", weights=np.ones(3))
    assert_refused(tmp_path / "x.npz", "meta.json")
    assert_refused(archive(tmp_path / "y.npz", {"meta.json.npy": meta_array(format="mine")}), "not a minirnn")


@pytest.mark.parametrize("meta", [b"{", b"[]", b"3", b"\xff", b"{}", b'{"format": 1, "version": [], "kind": null}'])
def test_a_damaged_description(tmp_path, meta):
    assert_refused(archive(tmp_path / "x.npz", {"meta.json.npy": npy(np.frombuffer(meta, np.uint8))}))


def test_a_description_nested_without_end(tmp_path):
    deep = np.frombuffer(b"[" * 200_000, np.uint8)
    assert_refused(archive(tmp_path / "x.npz", {"meta.json.npy": npy(deep)}))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(tmp_path, share):
    path = tmp_path / "x.npz"
    checkpoint.save(path, META, some_arrays())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert_refused(path, "damaged")


def test_a_flipped_byte_anywhere_is_an_error_or_changes_nothing(tmp_path):
    """The checksums of the archive stand guard over every array; a few bytes of its directory mean nothing."""
    path = tmp_path / "x.npz"
    checkpoint.save(path, META, {"a": np.arange(5.0)})
    whole = bytearray(path.read_bytes())
    refused = 0
    for place in range(len(whole)):
        damaged = whole.copy()
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            _, arrays = checkpoint.load(path)
        except MinirnnError:
            refused += 1
        else:
            assert all(np.array_equal(array, np.arange(5.0)) for array in arrays.values())
    assert refused > 0.5 * len(whole)


class Harmful:
    """A pickle that would show itself by making a file."""

    def __reduce__(self):
        return open, (os.environ["MINIRNN_TEST_TRAP"], "w")


def test_a_pickled_object_is_never_unpickled(tmp_path, monkeypatch):
    trap = tmp_path / "sprung"
    monkeypatch.setenv("MINIRNN_TEST_TRAP", str(trap))
    box = np.empty(1, object)
    box[0] = Harmful()
    path = archive(tmp_path / "x.npz", {"meta.json.npy": meta_array(), "a.npy": npy(box)})
    assert_refused(path, "'a.npy'", "object")
    assert_refused(archive(tmp_path / "y.npz", {"meta.json.npy": meta_array(), "a.npy": pickle.dumps(Harmful())}))
    assert not trap.exists()


def test_a_compressed_member(tmp_path):
    members = {"meta.json.npy": meta_array(), "a.npy": npy(np.zeros(100_000))}
    path = archive(tmp_path / "x.npz", members, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10_000  # what it would blow up to
    assert_refused(path, "unexpected member")


def archive_with_header(path, header):
    """A checkpoint with an array "a" of two numbers whose header has this text."""
    header = header.encode().ljust(118) + b"\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)
    return archive(path, {"meta.json.npy": meta_array(), "a.npy": data})


@pytest.mark.parametrize("shape", ["(10**12,)", "(10**6, 10**6)", "(-1,)", "(10**20,)", "(0, 10**20)", "(3,)"])
def test_a_header_that_claims_more_than_there_is(tmp_path, shape):
    shape = re.sub(r"10\*\*(\d+)", lambda power: str(10 ** int(power[1])), shape)
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    assert_refused(archive_with_header(tmp_path / "x.npz", header))


@pytest.mark.parametrize("change", ["'shape': (2,", "'shape': 2", "}", "1", "(" * 900, "-" * 9000 + "1", "\0", "#"])
def test_a_header_that_cannot_be_read(tmp_path, change):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
    assert_refused(archive_with_header(tmp_path / "x.npz", header.replace("'shape': (2,)", change)))


def test_an_array_of_text(tmp_path):
    path = archive(tmp_path / "x.npz", {"meta.json.npy": meta_array(), "a.npy": npy(np.array(["text"]))})
    assert_refused(path, "'a.npy'")
