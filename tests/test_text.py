"""Texts: how they are read and split, and that their chunks are cut so that nothing is lost and nothing seen twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.datasets.corpus import Corpus
from minirnn.datasets.text import TextStreams, ValidationText, read_text, streams_for
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


@pytest.mark.parametrize("data", [b"abc\xc3", b"\x80", b"\xed\xa0\x80"])
def test_what_is_not_utf_8(tmp_path, data):
    assert "not UTF-8" in refused(read_text, write(tmp_path, data))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, data):
    assert "is empty" in refused(read_text, write(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path):
    assert "No such file" in refused(read_text, tmp_path / "none.txt")


def test_a_folder_of_texts_does_not_lead_out_of_itself(tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "texts" / "b.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(MinirnnError, match=r"b\.txt leads out of the folder"):
        read_text(tmp_path / "texts")
    assert read_text(tmp_path / "texts" / "b.txt") == "secret"  # whoever names it means it


def test_a_folder_without_a_text(tmp_path):
    assert f"{tmp_path}: no file in the folder ends in .txt" in refused(read_text, tmp_path)


@pytest.mark.parametrize("data", [b"a\x07b\n\x00c\x7f", "a\x07b\n\x00c\x7f".encode("utf-16")])
def test_control_characters_are_refused_with_place_and_number_or_dropped(tmp_path, data):
    path = write(tmp_path, data)
    message = refused(read_text, path, None, "refuse")
    assert "has 3 control characters, the first U+0007 in line 1; --clean drops them" in message
    assert read_text(path, control="drop") == "ab\nc"
    assert read_text(path) == "a\x07b\n\x00c\x7f"
    assert "is empty" in refused(read_text, write(tmp_path, b"\0\0"), None, "drop")
    one = refused(read_text, write(tmp_path, b"fine\nfine\n\0"), None, "refuse")
    assert "has a control character, U+0000 in line 3" in one
    assert read_text(write(tmp_path, b"tab\there\n"), control="refuse") == "tab\there\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("block", [1, 2, 3, 1000])
def test_all_line_ends_become_one(tmp_path, monkeypatch, end, block):
    monkeypatch.setattr("minirnn.datasets.text.BLOCK", block)
    assert read_text(write(tmp_path, f"one{end}{end}two{end}".encode())) == "one\n\ntwo\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("block", [5, 1000])
def test_a_mark_says_the_encoding(tmp_path, monkeypatch, encoding, block):
    monkeypatch.setattr("minirnn.datasets.text.BLOCK", block)
    assert read_text(write(tmp_path, "\ufeffGrüße\r\n☃ 𝄞".encode(encoding))) == "Grüße\n☃ 𝄞"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(tmp_path, encoding):
    text = "Dear Ana,\nthe café — “the old one” — is shut.\n"
    assert read_text(write(tmp_path, text.encode(encoding))) == text


def test_another_encoding_is_named_and_then_read(tmp_path):
    path = write(tmp_path, "Das Café\nist “zu”".encode("cp1252"))
    message = refused(read_text, path)
    assert "byte 0xe9 at position 7 (line 1)" in message and "--encoding cp1252 reads this byte as 'é'" in message
    assert read_text(path, "cp1252") == "Das Café\nist “zu”"
    for encoding in ("klingon", "base64", "rot13", "hex"):
        assert f"no encoding of text called '{encoding}'" in refused(read_text, path, encoding)
    assert "is not ASCII: byte 0xe9" in refused(read_text, path, "ascii")


def test_several_files_and_folders_are_one_text(tmp_path):
    for name, text in (("b.txt", "two"), ("a.txt", "one\n"), ("sub/c.TXT", "three"), ("sub/d.md", "no")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_text(tmp_path) == "one\ntwo\nthree"
    assert read_text([tmp_path / "sub" / "d.md", tmp_path / "sub"]) == "no\nthree"
    (tmp_path / "none").mkdir()
    assert "no file in the folder ends in .txt" in refused(read_text, [tmp_path, tmp_path / "none"])


# --- splitting ------------------------------------------------------------------------------------------------


def split(tmp_path, text, held_out):
    corpus = Corpus(write(tmp_path, text.encode()), tmp_path)
    vocabulary, training, validation = corpus.split(held_out)
    return corpus, vocabulary, training.text(len(training)), validation.text(len(validation))


def test_the_last_part_is_held_out(tmp_path):
    text = "".join(map(str, range(10))) * 10
    corpus, vocabulary, training, validation = split(tmp_path, text, 0.1)
    assert (training, validation) == (text[:90], text[90:])
    assert vocabulary.symbols == "0123456789" and corpus.unknown == {}


def test_characters_that_cannot_be_learned_share_a_symbol(tmp_path):
    corpus, vocabulary, training, validation = split(tmp_path, "abab" * 9 + "cé" + "cc", 0.1)
    assert (training, validation) == ("abab" * 9, "\ufffd" * 4)
    assert corpus.unknown == {"c": 3, "é": 1} and vocabulary.symbols == "ab\ufffd"


def test_the_counts_of_unknown_characters_are_of_the_whole_part(tmp_path, monkeypatch):
    monkeypatch.setattr("minirnn.datasets.corpus.BLOCK", 3)
    assert split(tmp_path, "ab" * 20 + "xyx" * 5, 0.3)[0].unknown == {"x": 10, "y": 5}


@pytest.mark.parametrize("length, expected", [(10**6, 32), (2113, 32), (2112, 3), (1800, 3), (700, 1), (70, 1)])
def test_a_short_text_has_fewer_streams(length, expected):
    assert streams_for(length, 32, 64) == expected
    if length > 128:
        assert TextStreams(np.zeros(length, int), expected, 64).chunks(0) >= 1


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
    vocabulary = CharVocabulary(text)
    _, chunk = TextStreams(vocabulary.encode(text), 2, 8).chunk(0, 1)
    for stream in range(2):
        x, y = (vocabulary.decode(chunk[name][:, stream]) for name in "xy")
        assert x in text and x[1:] == y[:-1]
