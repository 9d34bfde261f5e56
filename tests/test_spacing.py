"""Even gaps: words that run together are parted, letters that stand apart are brought back, nothing else changes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn.ink.spacing import LETTER_GAP, WORD_GAP, close_up, even_gaps, words_of


def letter(x, width=1.0):
    return np.array([[x, 0.0], [x + width / 2, -1.0], [x + width, 0.0]])


def line(*gaps):
    """Letters of width one with the given gaps before them."""
    lefts = np.cumsum([gap + 1 for gap in gaps]) - 1
    return [letter(left) for left in lefts]


def gaps_of(strokes):
    return [b[:, 0].min() - a[:, 0].max() for a, b in itertools.pairwise(strokes)]


def test_words_that_run_together_are_parted_and_those_far_apart_brought_together():
    places = np.array([0, 1, 3, 4, 6])  # "ab cd e", a stroke a letter
    strokes = even_gaps("ab cd e", line(0, 0.2, 0.3, 0.2, 9), places)
    assert gaps_of(strokes) == pytest.approx([0.2, WORD_GAP[0], 0.2, WORD_GAP[1]])


def test_a_gap_that_a_careful_hand_leaves_stays():
    before = line(0, 0.2, 1.7, 0.3)
    after = even_gaps("ab cd", before, np.array([0, 1, 3, 4]))
    assert all(np.allclose(a, b) for a, b in zip(before, after))


def test_a_letter_apart_from_its_word_comes_back():
    assert gaps_of(even_gaps("abc", line(0, 0.2, 3), np.array([0, 1, 2]))) == pytest.approx([0.2, LETTER_GAP])


def test_the_widest_gap_near_the_space_ends_the_word():
    """The window may be a character early or late when the pen is lifted."""
    strokes = line(0, 0.1, 1.2, 0.1)
    for late in (-1, 0, 1):
        assert words_of("ab cd", strokes, np.array([0, 1, 3, 4]) + late).tolist() == [0, 0, 1, 1]


def test_a_dot_added_later_stays_over_its_word():
    strokes = [*line(0, 0.1), *line(5.1, 0.1), np.array([[0.5, -2.0]])]
    places = np.array([0, 1, 3, 4, 5])
    assert words_of("ij kl", strokes, places).tolist() == [0, 0, 1, 1, 0]
    assert even_gaps("ij kl", strokes, places)[4] == pytest.approx(np.array([[0.5, -2.0]]))


def test_words_in_one_stroke_stay_joined():
    assert words_of("a b", [letter(0, 5)], np.array([0.0])).tolist() == [0]


@given(st.data())
def test_strokes_are_only_moved_along_x(data):
    count = data.draw(st.integers(1, 8))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    text = data.draw(st.text("ab ", min_size=1, max_size=12))
    strokes = [rng.normal(0, 3, (rng.integers(1, 5), 2)) for _ in range(count)]
    places = np.sort(rng.uniform(0, len(text), count))
    moved = even_gaps(text, strokes, places)
    for before, after in zip(strokes, moved):
        shift = after - before
        assert np.allclose(shift[:, 1], 0)
        assert np.allclose(shift[:, 0], shift[0, 0])
    assert len(close_up(strokes)) == count
