"""From the logits of the network that reads to text, against searches that try everything."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ctc import probability, spelled

from minirnn.errors import MinirnnError
from minirnn.layers import ctc
from minirnn.networks.char_rnn import CharRNN
from minirnn.reading.alignment import align, confidences, territory
from minirnn.reading.decoding import beam_search, edits, errors, greedy, log_softmax
from minirnn.reading.language import UNKNOWN, LanguageModel

drawn = settings(max_examples=30, deadline=None, derandomize=True)
text = st.text("ab ", max_size=7)
seed = st.integers(0, 2**32 - 1)
ALL = 1000  # wide enough that nothing is given up


def logits_of(seed, T=4, V=3):
    return np.random.default_rng(seed).uniform(-2, 2, (T, V))  # nothing so unlikely that a search leaves it out


def all_texts(T, V=3):
    """Every text that can be spelled in T frames."""
    for n in range(T + 1):
        for ids in itertools.product(range(1, V), repeat=n):
            if n + sum(a == b for a, b in itertools.pairwise(ids)) <= T:
                yield ids


# --- greedy -----------------------------------------------------------------------------------------------------


def test_greedy_merges_repeats_and_removes_blanks():
    symbols = np.array([[1, 0], [1, 2], [0, 2], [1, 0], [2, 2], [2, 2]])
    logits = np.eye(3)[symbols]
    assert [list(ids) for ids in greedy(logits, np.array([6, 4]))] == [[1, 1, 2], [2]]


# --- beam search --------------------------------------------------------------------------------------------------


@drawn
@given(seed)
def test_a_wide_beam_finds_the_probability_of_every_text(seed):
    z = logits_of(seed)
    found = {ids: score for score, ids in beam_search(log_softmax(z), ALL)}
    assert set(all_texts(4)) == found.keys()
    for ids, score in found.items():
        assert score == pytest.approx(np.log(probability(z, ids)), abs=1e-9)


def test_the_best_text_may_be_another_than_that_of_the_best_path():
    log_p = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert list(greedy(log_p[:, None], np.array([2]))[0]) == []  # 0.36 for the best path
    score, ids = beam_search(log_p)[0]
    assert ids == (1,) and np.exp(score) == pytest.approx(0.64)


@drawn
@given(seed, st.integers(1, 4))
def test_a_beam_keeps_the_best_beginnings_and_the_best_comes_first(seed, width):
    found = beam_search(log_softmax(logits_of(seed, T=6)), width)
    assert len(found) <= width
    assert [score for score, _ in found] == sorted((score for score, _ in found), reverse=True)


def test_a_frame_that_is_surely_blank_changes_no_text():
    z = logits_of(1)
    with_blank = np.insert(z, 2, [30, 0, 0], axis=0)
    for (a, ids), (b, other) in zip(beam_search(log_softmax(with_blank), ALL)[:3], beam_search(
            log_softmax(np.insert(z, 2, [8, 0, 0], axis=0)), ALL)[:3]):  # fmt: skip
        assert ids == other and a == pytest.approx(b, abs=5e-3)


# --- the language model -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def language():
    """It knows a and c of the characters a, b of the reading network."""
    return LanguageModel(CharRNN(3, hidden=5, embed=4, seed=3, dtype=np.float64), "\nac", "ab")


def score_of(language, ids):
    """The logarithms that the network gives to the characters of a text, one text alone."""
    x = np.array([0, *[{1: 1, 2: 0}[k] for k in ids]])[:, None]  # b is unknown: the new line stands in its place
    logits, _, _ = language.network.forward(x, language.network.start(1))
    log_p = log_softmax(logits[:, 0])
    return sum(log_p[t, 1] if k == 1 else UNKNOWN for t, k in enumerate(ids))


@drawn
@given(seed)
def test_the_search_adds_what_the_language_model_says(language, seed):
    z, weight, bonus = logits_of(seed), 0.7, 1.3
    found = {ids: score for score, ids in beam_search(log_softmax(z), ALL, language, weight, bonus)}
    for ids in all_texts(4):
        wanted = np.log(probability(z, ids)) + weight * score_of(language, ids) + bonus * len(ids)
        assert found[ids] == pytest.approx(wanted, abs=1e-9)


def test_without_weight_a_language_model_changes_nothing(language):
    log_p = log_softmax(logits_of(5, T=6))
    with_one, without = beam_search(log_p, 8, language), beam_search(log_p, 8)
    assert [ids for _, ids in with_one] == [ids for _, ids in without]


# --- alignment ----------------------------------------------------------------------------------------------------


@drawn
@given(seed, st.sampled_from([(1,), (1, 2), (1, 1), (2, 1, 2), (2, 2)]))
def test_the_alignment_is_the_likeliest_path_that_spells_the_text(seed, ids):
    log_p = log_softmax(logits_of(seed, T=5))
    paths = [path for path in itertools.product(range(3), repeat=5) if spelled(path) == list(ids)]
    best = max(paths, key=lambda path: sum(log_p[t, k] for t, k in enumerate(path)))
    runs, t = [], 0
    for symbol, group in itertools.groupby(best):
        n = len(list(group))
        if symbol != ctc.BLANK:
            runs.append([t, t + n - 1])
        t += n
    assert align(log_p, ids).tolist() == runs


def test_a_text_that_does_not_fit_cannot_be_aligned():
    with pytest.raises(MinirnnError, match="too long for its frames"):
        align(log_softmax(logits_of(0)), (1, 1, 2, 2))
    assert align(log_softmax(logits_of(0)), ()).shape == (0, 2)


def test_confidence_and_territory_of_characters():
    log_p = np.log(np.array([[0.1, 0.9, 0], [0.9, 0.05, 0.05], [0.3, 0.1, 0.6], [0.2, 0.1, 0.7]]) + 1e-12)
    frames = align(log_p, (1, 2))
    assert frames.tolist() == [[0, 0], [2, 3]]
    np.testing.assert_allclose(confidences(log_p, (1, 2), frames), [0.9, 0.7], atol=1e-9)
    assert territory(frames, 4, np.zeros(2, bool)).tolist() == [[0, 2], [2, 4]]
    # The border is half way between the last frame of one and the first frame of the next.
    assert territory(np.array([[0, 0], [4, 6]]), 8, np.zeros(2, bool)).tolist() == [[0, 3], [3, 8]]


def test_a_space_has_no_ink_and_its_neighbours_share_what_is_around_it():
    frames = np.array([[1, 1], [4, 5], [8, 8], [9, 9]])
    spaces = np.array([False, True, False, False])
    assert territory(frames, 12, spaces).tolist() == [[0, 4], [4, 4], [4, 9], [9, 12]]
    assert territory(frames[:0], 12, spaces[:0]).shape == (0, 2)


# --- errors -------------------------------------------------------------------------------------------------------


def naive_errors(a, b):
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return naive_errors(a[1:], b[1:])
    return 1 + min(naive_errors(a[1:], b), naive_errors(a, b[1:]), naive_errors(a[1:], b[1:]))


@drawn
@given(text, text)
def test_edits_are_the_fewest_changes(a, b):
    assert errors(a, b) == naive_errors(a, b)
    assert errors(a.split(), b.split()) == naive_errors(a.split(), b.split())
    pairs = edits(a, b)
    assert "".join(x for x, _ in pairs if x) == a and "".join(y for _, y in pairs if y) == b
