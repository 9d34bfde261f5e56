"""Texts: how they are read and split, and that their chunks are cut so that nothing is lost and nothing seen twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.datasets.text import TextStreams, ValidationText, read_text, split_text
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary

quick = settings(max_examples=40, deadline=None, derandomize=True)


def write(tmp_path, data):
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    return path


def refused(call, *arguments):
    """The message of the `MinirnnError` that the call ends in: one line."""
    with pytest.raises(MinirnnError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- reading --------------------------------------------------------------------------------------------------


def test_a_text_comes_back_as_it_was_written(tmp_path):
    text = "Grüße, Ana!\n\tπ ≈ 3\n☃ 𝄞"
    assert read_text(write(tmp_path, text.encode())) == text


def test_a_byte_order_mark_is_no_character(tmp_path):
    assert read_text(write(tmp_path, b"\xef\xbb\xbfab")) == "ab"


def test_a_mark_in_the_middle_stays(tmp_path):
    assert read_text(write(tmp_path, "a\ufeffb".encode())) == "a\ufeffb"


def test_lines_of_windows_end_as_all_lines_do(tmp_path):
    assert read_text(write(tmp_path, b"one\r\ntwo\r\n\r\nthree\n")) == "one\ntwo\n\nthree\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_bad_byte_is_named_with_its_place_in_the_file(tmp_path, mark):
    data = mark + "zwei Zeilen, die é haben\nund ".encode() + b"\xe9 in Latin-1"
    message = refused(read_text, write(tmp_path, data))
    place = data.index(b"\xe9 in")
    assert f"byte 0xe9 at position {place} (line 2)" in message


@pytest.mark.parametrize("data", ["a".encode("utf-16"), b"abc\xc3", b"\x80", b"\xed\xa0\x80"])
def test_what_is_not_utf_8(tmp_path, data):
    assert "not UTF-8" in refused(read_text, write(tmp_path, data))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, data):
    assert "is empty" in refused(read_text, write(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path):
    assert "No such file" in refused(read_text, tmp_path / "none.txt")


def test_a_folder_is_no_text(tmp_path):
    assert str(tmp_path) in refused(read_text, tmp_path)


# --- splitting ------------------------------------------------------------------------------------------------


@quick
@given(st.text("ab", min_size=2, max_size=50), st.floats(0, 0.9))
def test_the_two_parts_are_the_text(text, held_out):
    try:
        training, validation = split_text(text, held_out)
    except MinirnnError:
        return  # the validation part has a letter that the training part lacks
    assert training + validation == text
    assert abs(len(validation) - held_out * len(text)) <= 1


def test_the_last_part_is_held_out():
    text = "".join(map(str, range(10))) * 10
    assert split_text(text, 0.1) == (text[:90], text[90:])


def test_characters_that_could_not_be_learned_are_named():
    message = refused(split_text, "abab" * 10 + "abcé", 0.1, "my.txt")
    assert "'c' 'é'" in message and "my.txt" in message and "--held-out" in message


def test_endless_lists_of_characters_are_cut():
    assert len(refused(split_text, "a" * 9000 + "".join(map(chr, range(0x4E00, 0x4E00 + 1000))), 0.1)) < 400


# --- streams --------------------------------------------------------------------------------------------------

# The ids are numbered through, so that each says where in the text it stands.
sizes = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(0, 60))


@quick
@given(sizes, st.integers(0, 3), st.integers(0, 5))
def test_chunks_continue_each_other(size, seed, epoch):
    B, T, more = size
    ids = np.arange(B * T + T + 1 + more)
    streams = TextStreams(ids, B, T, seed)
    chunks = [streams.chunk(epoch, index) for index in range(streams.chunks(epoch))]
    assert [fresh for fresh, _ in chunks] == [True] + [False] * (len(chunks) - 1)
    x = np.concatenate([chunk["x"] for _, chunk in chunks])
    y = np.concatenate([chunk["y"] for _, chunk in chunks])
    assert all(chunk["x"].shape == chunk["y"].shape == (T, B) for _, chunk in chunks)
    assert np.array_equal(x[1:], y[:-1]), "a chunk begins with what the last one had to predict"
    assert np.all(np.diff(x, axis=0) == 1), "every stream reads from left to right and leaves nothing out"
    assert np.array_equal(x[0, 1:], y[-1, :-1]), "a stream begins where the one before it ends"
    assert len(np.unique(y)) == y.size, "nothing is predicted twice in an epoch"
    assert x.min() <= T and y.size > len(ids) - 1 - T - B * T, "hardly anything is left out"


def test_epochs_are_cut_at_different_places():
    streams = TextStreams(np.arange(1000), 4, 16)
    starts = {int(streams.chunk(epoch, 0)[1]["x"][0, 0]) for epoch in range(30)}
    assert len(starts) > 8


def test_a_chunk_is_the_same_whenever_it_is_asked_for():
    first, second = (TextStreams(np.arange(500), 3, 7, seed=5) for _ in range(2))
    for epoch, index in [(2, 1), (0, 0), (2, 1), (1, 3)]:
        assert np.array_equal(first.chunk(epoch, index)[1]["x"], second.chunk(epoch, index)[1]["x"])


@quick
@given(st.integers(1, 5), st.integers(1, 6))
def test_a_text_that_is_too_short_says_how_long_it_must_be(B, T):
    needed = B * T + T + 1
    assert TextStreams(np.zeros(needed, int), B, T).chunks(0) == 1
    message = refused(TextStreams, np.zeros(needed - 1, int), B, T)
    assert f"has {needed - 1:,} characters" in message and f"at least {needed:,}" in message


# --- validation -----------------------------------------------------------------------------------------------


@quick
@given(st.integers(2, 120), st.integers(1, 6), st.integers(1, 9))
def test_every_character_but_the_first_is_predicted_once(n, B, T):
    validation = ValidationText(np.arange(n), B, T)
    chunks = list(validation)
    assert len(chunks) == len(validation) and [fresh for fresh, _ in chunks].index(True) == 0
    assert sum(fresh for fresh, _ in chunks) == 1
    counted = [(chunk["x"][chunk["mask"]], chunk["y"][chunk["mask"]]) for _, chunk in chunks]
    x, y = (np.concatenate(parts) for parts in zip(*counted))
    assert sorted(y) == list(range(1, n))
    assert np.array_equal(x + 1, y), "each from the character before it"


@quick
@given(st.integers(2, 120), st.integers(1, 6), st.integers(1, 9))
def test_the_state_of_a_stream_is_never_carried_over_a_gap(n, B, T):
    """A network that has read something else in between would be judged by what it was not shown."""
    chunks = list(ValidationText(np.arange(n), B, T))
    x = np.concatenate([chunk["x"] for _, chunk in chunks])
    mask = np.concatenate([chunk["mask"] for _, chunk in chunks])
    for b in range(x.shape[1]):
        read = np.flatnonzero(mask[:, b])
        if len(read):
            assert np.array_equal(read, np.arange(len(read))), "what does not count stands at the end"
            assert np.all(np.diff(x[read, b]) == 1)


@pytest.mark.parametrize("n", [0, 1])
def test_a_validation_part_that_predicts_nothing(n):
    assert "at least 2" in refused(ValidationText, np.arange(n), 4, 8)


def test_streams_and_alphabet_together():
    text = "to be or not to be " * 9
    vocabulary = CharVocabulary.from_text(text)
    _, chunk = TextStreams(vocabulary.encode(text), 2, 8).chunk(0, 1)
    for stream in range(2):
        x, y = (vocabulary.decode(chunk[name][:, stream]) for name in "xy")
        assert x in text and x[1:] == y[:-1]
