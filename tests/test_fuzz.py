"""A short run of `fuzz.py` over every reader; and that it does find faults where there are some."""

import json

import fuzz
import pytest

FEW = {"photograph": 2, "png": 12, "jpeg": 12, "metadata.csv": 12, "metadata.jsonl": 12, "labels.csv": 12, "heic": 12}


@pytest.mark.parametrize("name", fuzz.READERS)
def test_whatever_is_in_a_file_is_read_or_refused(name):
    count = FEW.get(name, 25)
    read, refused, faults = fuzz.fuzz(name, count)
    assert not faults
    assert read + refused == count


def bad(folder):
    """A reader that takes JSON, and does not think of much."""
    value = json.loads((folder / "x").read_bytes())
    if value == 1:
        return
    if value == 2:
        bytearray(2 * fuzz.MEMORY)
    elif value == 3:
        while True:
            pass
    elif value == 4:
        fuzz.os.kill(fuzz.os.getpid(), 9)
    else:
        value["x"]


def test_faults_are_found(monkeypatch):
    inputs = [b"1", b"{}", b"2", b"3", b"4", b"1"]
    monkeypatch.setitem(fuzz.READERS, "bad", fuzz.Reader("x", lambda: [fuzz.Seed(b"1")], bad))
    monkeypatch.setattr(fuzz, "inputs", lambda seeds, first, count, name: inputs[first:])
    monkeypatch.setattr(fuzz, "SECONDS", 0.2)
    read, refused, faults = fuzz.fuzz("bad", len(inputs))
    assert (read, refused) == (2, 0)
    found = {number: fault.split(" ")[0] for number, fault in faults}
    assert found == {1: "KeyError", 2: "MemoryError", 3: "TooSlow", 4: "the"}


def test_inputs_can_be_made_again():
    seeds = fuzz.READERS["jsonl"].seeds()
    first, second = (list(fuzz.inputs(seeds, 0, 40, "jsonl")) for _ in range(2))
    assert first == second and len(set(first)) > 25


def test_a_part_of_the_inputs_is_what_the_whole_has_there(monkeypatch):
    monkeypatch.setattr(fuzz, "SHARE", 10)
    seeds = fuzz.READERS["jsonl"].seeds()
    whole, part = list(fuzz.inputs(seeds, 0, 30, "jsonl")), list(fuzz.inputs(seeds, 10, 15, "jsonl"))
    assert part[:10] == whole[10:20] and part[10:] != whole[20:]
    read, refused, faults = fuzz.fuzz("jsonl", 5, first=10)
    assert (read + refused, faults) == (5, [])
