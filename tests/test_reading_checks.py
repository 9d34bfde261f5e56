"""Labels against ink, with a reader that says what it is told to."""

import numpy as np
import pytest

from minirnn.ink.vocabularies import CharVocabulary
from minirnn.reading.checks import contradictions, reader_if_any, unlike
from minirnn.reading.reader import Reading


class Reads:
    """Reads each line as the text that is given in the place of its strokes."""

    chars = CharVocabulary("abcdefghijklmnopqrstuvwxyz ")

    def __init__(self, confidence=0.9):
        self.confidence = confidence

    def read_strokes(self, lines):
        return [Reading(text, np.full(len(text), self.confidence), [], [], 0.0) for text in lines]


def test_unlike_counts_what_is_wrong():
    assert unlike("abc", "abc") == 0 and unlike("abc", "xyz") == 1 and unlike("abcd", "abxd") == 0.25
    assert unlike("", "") == 0 and unlike("", "ab") == 1


def test_a_shifted_line_is_found_and_the_label_that_belongs_to_it():
    texts = ["the first line", "a second one", "and the last"]
    read = ["a secnd one", "and teh last", "and the last"]
    assert contradictions(Reads(), texts, read) == [(0, "a secnd one", 1), (1, "and teh last", 2)]


def test_a_wrong_page_is_found_without_a_better_label():
    assert contradictions(Reads(), ["the first line"], ["quick brown fox"]) == [(0, "quick brown fox", None)]


def test_what_cannot_be_judged_is_left_alone():
    for texts, read in [(["abc"], ["xyz"]), (["ПРИВЕТ ВСЕМ"], ["hello all"]), (["hello there"], [""])]:
        assert contradictions(Reads(), texts, read) == []
    assert contradictions(Reads(0.5), ["hello there"], ["quick brown"]) == []
    assert contradictions(Reads(), ["hello there"], ["helo thre"]) == []


def test_without_weights_there_is_no_reader(tmp_path, monkeypatch):
    monkeypatch.setattr("minirnn.reading.checks.SHIPPED", tmp_path / "none.npz")
    assert reader_if_any() is None
    with pytest.raises(Exception, match="nowhere"):
        reader_if_any(tmp_path / "nowhere")
