"""Connectionist temporal classification against the sum over all paths, written out; and layers in both directions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_calls import random_params

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.layers import CELLS, bidirectional, ctc

drawn = settings(max_examples=25, deadline=None, derandomize=True)
seed = st.integers(0, 2**32 - 1)


def spelled(path):
    """What a path spells: repeats merged, blanks removed."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != ctc.BLANK]


def probability(z, text):
    """The probability of a text, logits z (T, V): the sum over all V^T paths."""
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    paths = itertools.product(range(z.shape[1]), repeat=len(z))
    return sum(np.prod([p[t, k] for t, k in enumerate(path)]) for path in paths if spelled(path) == list(text))


def assert_it_is_the_sum_over_all_paths(seed=0):
    """Texts of every length that fits, with and without a repeated letter, in one batch of different lengths."""
    rng = np.random.default_rng(seed)
    texts = [[1, 1], [1, 2], [2], [], [2, 1, 2], [1, 2, 2]]
    lengths, counts = np.array([3, 5, 1, 4, 3, 5]), np.array([len(text) for text in texts])
    y = rng.integers(1, 3, (4, len(texts)))  # whatever stands past the end of a text
    for b, text in enumerate(texts):
        y[: len(text), b] = text
    z = 2 * rng.standard_normal((5, len(texts), 3))
    loss, _ = ctc.forward(z, y, lengths, counts)
    logs = [np.log(probability(z[:length, b], text)) for b, (text, length) in enumerate(zip(texts, lengths))]
    assert loss == pytest.approx(-sum(logs) / counts.sum(), abs=1e-12)


@drawn
@given(seed)
def test_the_loss_is_that_of_all_paths_that_spell_the_text(seed):
    assert_it_is_the_sum_over_all_paths(seed)


def test_the_probabilities_of_all_texts_add_up_to_one():
    z = np.random.default_rng(0).standard_normal((4, 1, 3))
    total = 0
    for n in range(5):
        for text in itertools.product([1, 2], repeat=n):
            y, counts = np.array([text], int).reshape(1, n).T, np.array([n])
            if ctc.frames_needed(y, counts)[0] <= 4:
                loss, _ = ctc.forward(z, y, np.array([4]), counts)
                total += np.exp(-loss * max(n, 1))
    assert total == pytest.approx(1)


def a_batch(rng, T=12, V=5):
    y, lengths, counts = rng.integers(1, V, (3, 4)), np.array([T, 7, 9, T - 1]), np.array([3, 2, 0, 1])
    return 2 * rng.standard_normal((T, 4, V)), y, lengths, counts


@drawn
@given(seed)
def test_a_sequence_in_a_batch_has_the_gradient_that_it_has_alone(seed):
    z, y, lengths, counts = a_batch(np.random.default_rng(seed))
    _, cache = ctc.forward(z, y, lengths, counts)
    dz = ctc.backward(cache, counts.sum())
    for b, (T, U) in enumerate(zip(lengths, counts)):
        _, cache = ctc.forward(z[:T, b : b + 1], y[:U, b : b + 1], lengths[b : b + 1], counts[b : b + 1])
        np.testing.assert_allclose(dz[:T, b : b + 1], ctc.backward(cache, max(U, 1)), rtol=0, atol=1e-12)
        assert not dz[T:, b].any()


@drawn
@given(seed)
def test_the_gradient_of_every_frame_adds_up_to_zero(seed):
    _, cache = ctc.forward(*a_batch(np.random.default_rng(seed)))
    np.testing.assert_allclose(ctc.backward(cache).sum(axis=2), 0, atol=1e-12)


@drawn
@given(seed, st.floats(-50, 50))
def test_a_constant_added_to_all_logits_changes_nothing(seed, constant):
    z, *texts = a_batch(np.random.default_rng(seed))
    loss, cache = ctc.forward(z, *texts)
    moved, moved_cache = ctc.forward(z + constant, *texts)
    assert moved == pytest.approx(loss, abs=1e-10)
    np.testing.assert_allclose(ctc.backward(moved_cache), ctc.backward(cache), atol=1e-10)


def test_what_stands_in_the_padding_does_not_matter():
    rng = np.random.default_rng(0)
    z, y, lengths, counts = a_batch(rng)
    loss, cache = ctc.forward(z, y, lengths, counts)
    other_z, other_y = z.copy(), y.copy()
    for b, (T, U) in enumerate(zip(lengths, counts)):
        other_z[T:, b], other_y[U:, b] = 99, 1
    other, other_cache = ctc.forward(other_z, other_y, lengths, counts)
    assert other == pytest.approx(loss, abs=1e-12)
    np.testing.assert_allclose(ctc.backward(other_cache), ctc.backward(cache), rtol=0, atol=1e-12)


def test_long_lines_and_extreme_logits_stay_finite():
    rng = np.random.default_rng(0)
    z = (200 * rng.standard_normal((500, 2, 90))).astype(np.float32)
    y, lengths, counts = rng.integers(1, 90, (80, 2)), np.array([500, 161]), np.array([80, 80])
    loss, cache = ctc.forward(z, y, lengths, counts)
    assert np.isfinite(loss) and np.isfinite(ctc.backward(cache)).all()


def test_padding_in_which_a_text_would_fit_far_better_does_no_harm():
    """α goes on in the padding, and may be e to the 100th there, measured by the probability of the text."""
    y, T = np.array([[1, 1], [2, 2], [3, 3]]), 40
    z = np.zeros((T, 2, 4), np.float32)
    z[:3, 0, 0] = 60  # three frames that insist on blanks, and padding that spells the text
    z[5:, 0, 1:] = 20
    lengths, counts = np.array([3, T]), np.array([3, 3])
    _, cache = ctc.forward(z, y, lengths, counts)
    dz = ctc.backward(cache, 6.0)
    assert np.isfinite(dz).all() and not dz[3:, 0].any()
    _, cache = ctc.forward(z[:3, :1], y[:, :1], lengths[:1], counts[:1])
    np.testing.assert_allclose(dz[:3, :1], ctc.backward(cache, 3.0), atol=1e-5)


def test_a_text_that_is_too_long_for_its_frames_is_named():
    y = np.array([[1, 1, 1], [1, 2, 1], [2, 3, 1]])
    assert list(ctc.frames_needed(y, np.array([3, 3, 3]))) == [4, 3, 5]
    z = np.zeros((4, 3, 5))
    message = r"too long for its frames in 1 of 3 sequences \(2\).*has 4 frames and needs 5"
    with pytest.raises(MinirnnError, match=message):
        ctc.forward(z, y, np.array([4, 4, 4]), np.array([3, 3, 3]))
    ctc.forward(z, y, np.array([4, 4, 4]), np.array([3, 3, 2]))  # just fits


def test_texts_may_all_be_empty():
    z = np.random.default_rng(0).standard_normal((4, 2, 3))
    loss, cache = ctc.forward(z, np.zeros((0, 2), int), np.array([4, 2]), np.array([0, 0]))
    p = np.exp(z) / np.exp(z).sum(axis=2, keepdims=True)
    assert loss == pytest.approx(-np.log(p[:, 0, 0]).sum() - np.log(p[:2, 1, 0]).sum())
    assert ctc.backward(cache).shape == z.shape


# --- both directions ----------------------------------------------------------------------------------------


def both(kind, T=6, lengths=(6, 1, 4), dtype=np.float64):
    rng, cell = np.random.default_rng(0), CELLS[kind]
    params = {name: random_params(part, rng, dtype) for name, part in bidirectional.init(rng, 3, 2, cell).items()}
    return cell, params, rng.standard_normal((T, len(lengths), 3)), np.array(lengths)


def assert_each_direction_is_the_cell_alone(kind="lstm"):
    cell, params, x, lengths = both(kind)
    y, _ = bidirectional.forward(x, lengths, params, cell)
    for b, T in enumerate(lengths):
        one = x[:T, b : b + 1]
        left, _, _ = cell.forward(one, cell.start(1, params["forward"]), params["forward"])
        right, _, _ = cell.forward(one[::-1], cell.start(1, params["backward"]), params["backward"])
        np.testing.assert_allclose(y[:T, b : b + 1], np.concatenate([left, right[::-1]], axis=2), atol=1e-12)
        assert not y[T:, b].any()


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_each_direction_is_the_cell_alone_over_each_sequence(kind):
    assert_each_direction_is_the_cell_alone(kind)


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_nothing_is_known_of_the_padding(kind):
    cell, params, x, lengths = both(kind)
    y, _ = bidirectional.forward(x, lengths, params, cell)
    padding = np.arange(len(x))[:, None] >= lengths
    other, cache = bidirectional.forward(np.where(padding[:, :, None], 9, x), lengths, params, cell)
    np.testing.assert_array_equal(other, y)
    dx, _ = bidirectional.backward(np.ones(y.shape), cache)
    assert not dx[padding].any()


def test_gradients_have_the_names_and_shapes_of_the_parameters():
    cell, params, x, lengths = both("lstm")
    y, cache = bidirectional.forward(x, lengths, params, cell)
    dx, grads = bidirectional.backward(y, cache)
    assert dx.shape == x.shape
    assert backend.tree_map(np.shape, grads) == backend.tree_map(np.shape, params)


@drawn
@given(st.integers(1, 9), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_reversal_is_its_own_inverse(T, lengths):
    lengths = np.minimum(lengths, T)
    order = bidirectional.reversal(T, lengths)
    assert (np.take_along_axis(order, order, axis=0) == np.arange(T)[:, None]).all()
