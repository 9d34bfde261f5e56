"""Texts of any size: read piece by piece, kept as a file of ids, and yet the same numbers as with all in memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.datasets import text as text_module
from minirnn.datasets.corpus import UNKNOWN, Corpus
from minirnn.datasets.text import TextStreams, ValidationText, read_pieces, read_text
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary

quick = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("corpus")


def corpus_of(text, folder):
    path = folder / "text.txt"
    path.write_bytes(text.encode())
    return Corpus(path, folder)


def in_blocks_of(size, call, *arguments):
    """``call`` while files are read in blocks of ``size`` bytes."""
    before, text_module.BLOCK = text_module.BLOCK, size
    try:
        return call(*arguments)
    finally:
        text_module.BLOCK = before


# --- piece by piece -------------------------------------------------------------------------------------------


@quick
@given(st.text("a\r\n\ufeffé☃𝄞", min_size=1, max_size=30), st.integers(1, 7))
def test_pieces_are_the_text_wherever_blocks_end(folder, text, block):
    """Blocks cut through characters, through a return and its line feed, and through the byte order mark."""
    path = folder / "pieces.txt"
    path.write_bytes(text.encode())
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        assert "".join(in_blocks_of(block, lambda: list(read_pieces(path)))) == expected
    except MinirnnError as error:
        assert not expected and "is empty" in str(error)


@quick
@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", "é".encode(), "𝄞".encode()]), max_size=12),
       st.sampled_from([b"\xff", b"\x80", b"\xc3", b"\xf0\x9d\x84", b"\xed\xa0\x80"]), st.integers(1, 7))  # fmt: skip
def test_a_bad_byte_is_found_in_the_same_place_wherever_blocks_end(folder, before, bad, block):
    path = folder / "bad.txt"
    path.write_bytes(b"".join(before) + bad)
    place = sum(map(len, before))
    line = 1 + sum(b"\n" in one for one in before)
    with pytest.raises(MinirnnError) as caught:
        in_blocks_of(block, read_text, path)
    assert f"byte 0x{bad[0]:02x} at position {place} (line {line})" in str(caught.value)


# --- the file of ids ------------------------------------------------------------------------------------------


@quick
@given(st.text("abcdé☃", min_size=1, max_size=60), st.floats(0, 0.6), st.integers(1, 9))
def test_parts_are_the_ids_of_the_text(folder, text, held_out, block):
    corpus = in_blocks_of(block, corpus_of, text, folder)
    cut = int(len(text) * (1 - held_out))
    lacking = set(text[cut:]) - set(text[:cut])
    vocabulary, training, validation = corpus.split(held_out)
    assert corpus.unknown == {c: text[cut:].count(c) for c in lacking}
    known = "".join(UNKNOWN if c in lacking else c for c in text)
    assert vocabulary.symbols == CharVocabulary(known).symbols
    for part, its_text in ((training, known[:cut]), (validation, known[cut:])):
        assert len(part) == len(its_text)
        ids = part[np.arange(len(part))]
        assert ids.dtype == np.int32 and np.array_equal(ids, vocabulary.encode(its_text))
        assert part.text(5) == its_text[:5]


@pytest.mark.parametrize("count, size", [(256, 1), (257, 2), (65536, 2), (65537, 4)])
def test_a_character_takes_as_few_bytes_as_it_can(folder, count, size):
    codes = [*range(32, 127), *range(160, 0x2000), *range(0x3000, 0xD800), *range(0x10000, 0x20000)]
    text = "".join(map(chr, codes[:count]))
    corpus = corpus_of(text + text, folder)
    assert np.dtype(corpus.dtype).itemsize == size
    vocabulary, training, validation = corpus.split(0.5)
    assert len(vocabulary) == count
    assert np.array_equal(training[np.arange(count)], validation[np.arange(count)])
    assert training.text(count) == text


def test_the_text_is_recognised_again_and_no_file_is_left(tmp_path):
    one, two, other = (corpus_of(text, tmp_path).sha256 for text in ("a\nb", "a\r\nb", "a\nc"))
    assert one == two != other
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(MinirnnError, match="make room"):
        Corpus(__file__, tmp_path / "none")


def test_a_text_that_is_not_there(tmp_path):
    with pytest.raises(MinirnnError, match="cannot read"):
        Corpus(tmp_path / "none.txt", tmp_path)


# --- the same chunks --------------------------------------------------------------------------------------------


def same(one, two):
    return one[0] == two[0] and one[1].keys() == two[1].keys() and all(
        np.array_equal(one[1][name], two[1][name]) and one[1][name].dtype == two[1][name].dtype for name in one[1]
    )


@quick
@given(st.text("abc", min_size=60, max_size=200), st.integers(1, 4), st.integers(1, 7))
def test_chunks_are_those_of_the_ids_in_memory(folder, text, B, T):
    part, ids = corpus_of(text, folder).split(0.0)[1], CharVocabulary(text).encode(text)
    one, two = TextStreams(part, B, T, seed=3), TextStreams(ids, B, T, seed=3)
    for epoch in range(2):
        assert one.chunks(epoch) == two.chunks(epoch)
        assert all(same(one.chunk(epoch, i), two.chunk(epoch, i)) for i in range(one.chunks(epoch)))
    one, two = ValidationText(part, B, T), ValidationText(ids, B, T)
    assert len(list(one)) == len(one) == len(two)
    assert all(map(same, one, two))


# --- memory -----------------------------------------------------------------------------------------------------


def peak_memory(path, folder):
    """Bytes that building, training and judging hold at one time."""
    tracemalloc.start()
    _, training, validation = Corpus(path, folder).split(0.5)
    streams = TextStreams(training, 4, 16)
    for index in range(0, streams.chunks(0), streams.chunks(0) // 10):
        streams.chunk(0, index)
    for number, _ in enumerate(ValidationText(validation, 4, 16)):
        if number > 10:
            break
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_text(tmp_path):
    peaks = []
    for megabytes in (4, 16):
        path = tmp_path / f"{megabytes}.txt"
        path.write_text("All work and no play. " * (megabytes * 10**6 // 22), encoding="utf-8")
        peaks.append(peak_memory(path, tmp_path))
    assert peaks[1] < 1.05 * peaks[0]
