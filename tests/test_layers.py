"""What every layer promises: true gradients, true shapes, the input's dtype, and no fingers in its arguments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_calls import calls

from minirnn import backend
from minirnn.layers import (
    CELLS,
    attention_window,
    bidirectional,
    dense,
    dropout,
    embedding,
    softmax_cross_entropy,
    windowed_lstm,
)
from minirnn.networks import gradient_cases, gradient_check

# The same examples on every run: whether the suite passes must not be a matter of luck.
drawn = settings(max_examples=12, deadline=None, derandomize=True)
size = st.integers(1, 4)
layers = st.integers(1, 3)
seed = st.integers(0, 2**32 - 1)
kind = st.sampled_from(sorted(CELLS))
share = st.sampled_from([0.0, 0.2, 0.5])  # of units that dropout silences


def assert_gradients_are_true(case):
    wrong = [result for result in gradient_check.check(case) if not result.ok]
    assert not wrong


# --- gradients, at every shape ------------------------------------------------------------------------------


@drawn
@given(seed, size, size, size, size)
def test_gradient_of_embedding(seed, T, B, V, D):
    assert_gradients_are_true(gradient_cases.embedding_case(np.random.default_rng(seed), T, B, V, D))


@drawn
@given(seed, size, size, size, size)
def test_gradient_of_dense(seed, T, B, D, H):
    assert_gradients_are_true(gradient_cases.dense_case(np.random.default_rng(seed), T, B, D, H))


@drawn
@given(seed, size, size, size, share)
def test_gradient_of_dropout(seed, T, B, D, p):
    assert_gradients_are_true(gradient_cases.dropout_case(np.random.default_rng(seed), T, B, D, p))


@drawn
@given(seed, size, size, size, st.booleans())
def test_gradient_of_softmax_cross_entropy(seed, T, B, V, masked):
    assert_gradients_are_true(gradient_cases.softmax_cross_entropy_case(np.random.default_rng(seed), T, B, V, masked))


@settings(drawn, max_examples=40)
@given(seed, kind, layers, size, size, size, size, share)
def test_gradient_of_recurrent_layers_with_any_start_state(seed, kind, layers, T, B, D, H, p):
    assert_gradients_are_true(gradient_cases.stack_case(np.random.default_rng(seed), kind, layers, T, B, D, H, p))


@drawn
@given(seed, size, size, size, size, size)
def test_gradient_of_window(seed, B, H, K, U, E):
    assert_gradients_are_true(gradient_cases.window_case(np.random.default_rng(seed), B, H, K, U, E))


@drawn
@given(seed, st.integers(9, 12), st.integers(5, 7))
def test_gradient_of_ctc(seed, T, V):
    assert_gradients_are_true(gradient_cases.ctc_case(np.random.default_rng(seed), T, V))


@drawn
@given(seed, kind, st.integers(3, 6), size, size)
def test_gradient_of_bidirectional_layers(seed, kind, T, D, H):
    assert_gradients_are_true(gradient_cases.bidirectional_case(np.random.default_rng(seed), kind, T, 3, D, H))


@settings(drawn, max_examples=6)
@given(seed, layers, size, size, share)
def test_gradient_of_reader_rnn(seed, layers, V, H, p):
    assert_gradients_are_true(gradient_cases.reader_rnn_case(np.random.default_rng(seed), layers, 3, V, H, p))


@drawn
@given(seed, size, size, size, size, size, size, size)
def test_gradient_of_the_windowed_lstm(seed, T, B, D, H, K, U, E):
    assert_gradients_are_true(gradient_cases.reader_case(np.random.default_rng(seed), T, B, D, H, K, U, E))


@drawn
@given(seed, kind, layers, size, size, size, size, size, share)
def test_gradient_of_char_rnn(seed, kind, layers, T, B, V, D, H, p):
    assert_gradients_are_true(gradient_cases.char_rnn_case(np.random.default_rng(seed), kind, layers, T, B, V, D, H, p))


@settings(drawn, max_examples=6)
@given(seed, layers, size, size, size, size, size, share)
def test_gradient_of_pen_rnn(seed, layers, T, B, V, H, U, p):
    assert_gradients_are_true(gradient_cases.pen_rnn_case(np.random.default_rng(seed), layers, T, B, V, H, U, p))


# --- shapes -------------------------------------------------------------------------------------------------


def shapes(tree):
    return backend.tree_map(np.shape, tree)


@drawn
@given(kind, size, size, size, size)
def test_shapes_of_recurrent_layers(kind, T, B, D, H):
    cell, rng = CELLS[kind], np.random.default_rng(0)
    params = cell.init(rng, D, H, np.float64)
    x, dy = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    start = cell.start(B, params)
    y, state, cache = cell.forward(x, start, params)
    dx, dstate, grads = cell.backward(dy, None, cache)
    assert y.shape == (T, B, H) and dx.shape == x.shape
    assert shapes(state) == shapes(dstate) == shapes(start) == tuple((B, H) for _ in start)
    assert shapes(grads) == shapes(params)


@drawn
@given(size, size, size, size, size, size, size)
def test_shapes_of_reader(T, B, D, H, K, U, E):
    rng = np.random.default_rng(0)
    params = windowed_lstm.init(rng, D, E, H, K, 0.5, np.float64)
    x, C = rng.standard_normal((T, B, D)), rng.standard_normal((B, U, E))
    h, w, phi, state, cache = windowed_lstm.forward(x, C, windowed_lstm.start(B, params), params)
    dx, dC, dstate, grads = windowed_lstm.backward(h, w, None, cache)
    assert h.shape == (T, B, H) and w.shape == (T, B, E) and phi.shape == (T, B, U)
    assert dx.shape == x.shape and dC.shape == C.shape
    assert shapes(state) == shapes(dstate) == ((B, H), (B, H), (B, K), (B, E))
    assert shapes(grads) == shapes(params)


@drawn
@given(st.lists(size, min_size=1, max_size=3), size, size)
def test_embedding_and_dense_take_any_leading_shape(leading, D, V):
    rng = np.random.default_rng(0)
    y, cache = embedding.forward(rng.integers(0, V, leading), embedding.init(rng, V, D))
    assert y.shape == (*leading, D) and embedding.backward(y, cache)["E"].shape == (V, D)
    z, cache = dense.forward(y, dense.init(rng, D, V))
    dx, grads = dense.backward(z, cache)
    assert z.shape == (*leading, V) and dx.shape == y.shape and grads["W"].shape == (D, V)


# --- values -------------------------------------------------------------------------------------------------


def naive_loss(z, targets, mask):
    """-1/N Σ log p[target], read off the formula place by place."""
    terms = []
    for place in np.ndindex(targets.shape):
        if mask is None or mask[place]:
            p = np.exp(z[place]) / np.exp(z[place]).sum()
            terms.append(-np.log(p[targets[place]]))
    return np.mean(terms) if terms else 0.0


def assert_loss_is_the_mean_over_what_counts(seed=0, T=4, B=3, V=5):
    rng = np.random.default_rng(seed)
    z, targets = rng.standard_normal((T, B, V)), rng.integers(0, V, (T, B))
    one = np.arange(T * B).reshape(T, B) == T * B - 1
    for mask in (None, rng.random((T, B)) < 0.6, np.zeros((T, B), bool), one):
        loss, _ = softmax_cross_entropy.forward(z, targets, mask)
        assert loss == pytest.approx(naive_loss(z, targets, mask), abs=1e-12)


@drawn
@given(seed, size, size, size)
def test_loss_is_the_mean_over_what_counts(seed, T, B, V):
    assert_loss_is_the_mean_over_what_counts(seed, T, B, V)


def test_nothing_counts_nothing_learned():
    rng = np.random.default_rng(0)
    z, targets = rng.standard_normal((4, 3, 5)), rng.integers(0, 5, (4, 3))
    loss, cache = softmax_cross_entropy.forward(z, targets, np.zeros((4, 3), bool))
    assert loss == 0 and not softmax_cross_entropy.backward(cache).any()


def test_huge_logits_do_not_overflow():
    z = np.array([[1e4, -1e4, 0.0]], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, cache = softmax_cross_entropy.forward(z, np.array([1]))
        assert loss == 2e4
        assert np.array_equal(softmax_cross_entropy.backward(cache), [[1, -1, 0]])


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(p):
    m = dropout.draw_mask(np.random.default_rng(0), p, np.empty((300, 300)))
    assert set(np.unique(m)) <= {0.0, m.max()}
    assert m.max() == pytest.approx(1 / (1 - p), rel=1e-3)
    assert (m == 0).mean() == pytest.approx(p, abs=0.01)
    assert m.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_silences_exactly_the_share_asked_for(p):
    """Of all numbers that can be drawn, each once."""

    class Every:
        def integers(self, low, high, shape, dtype):
            return np.arange(low, high, dtype=dtype).reshape(shape)

    m = dropout.draw_mask(Every(), p, np.empty(65536))
    assert (m == 0).sum() == round(p * 65536) and m.mean() == pytest.approx(1, abs=1e-12)


def test_dropout_of_nearly_everything_leaves_a_little():
    m = dropout.draw_mask(np.random.default_rng(0), 1 - 1e-9, np.empty((1000, 1000)))
    assert set(np.unique(m)) == {0.0, 65536.0} and m.mean() == pytest.approx(1, abs=0.5)


def test_dropout_does_nothing_when_the_network_is_used():
    x = np.ones((2, 3))
    y, cache = dropout.forward(x, None)
    assert np.array_equal(y, x) and np.array_equal(dropout.backward(x, cache), x)


# --- what no layer may do -----------------------------------------------------------------------------------


def leaves(tree):
    found = []
    backend.tree_map(found.append, tree)
    return found


CALLS = sorted(calls())


@pytest.mark.parametrize("name", CALLS)
def test_no_layer_writes_into_its_arguments(name):
    call, arguments = calls()[name]
    before = backend.tree_map(np.copy, arguments)
    call(*arguments)
    for was, now in zip(leaves(before), leaves(arguments)):
        assert np.array_equal(was, now)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_outputs_have_the_dtype_of_the_input(name, dtype):
    call, arguments = calls(dtype)[name]
    assert {np.asarray(output).dtype for output in leaves(call(*arguments))} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", CALLS)
def test_float32_agrees_with_float64(name):
    call, arguments = calls()[name]
    single, arguments32 = calls(np.float32)[name]
    for exact, rounded in zip(leaves(call(*arguments)), leaves(single(*arguments32))):
        np.testing.assert_allclose(rounded, exact, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CALLS)
def test_the_same_call_gives_the_same_bits(name):
    call, arguments = calls()[name]
    for once, again in zip(leaves(call(*arguments)), leaves(call(*arguments))):
        assert np.array_equal(once, again)


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_backward_does_not_use_up_the_cache(kind):
    _, (x, state, params, dy, dstate) = calls()[kind]
    cell = CELLS[kind]
    _, _, cache = cell.forward(x, state, params)
    for once, again in zip(leaves(cell.backward(dy, dstate, cache)), leaves(cell.backward(dy, dstate, cache))):
        assert np.array_equal(once, again)


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_the_state_is_no_view_of_the_output(kind):
    """Whoever reuses the output's memory must not change the state that goes into the next chunk."""
    _, (x, state, params, dy, dstate) = calls()[kind]
    y, last, cache = CELLS[kind].forward(x, state, params)
    _, first, _ = CELLS[kind].backward(dy, dstate, cache)
    for out, others in ((last, (y, *state)), (first, (dy, *dstate))):
        assert not any(np.shares_memory(a, b) for a in out for b in others)


def test_the_state_of_the_reader_is_no_view_of_the_output():
    _, (x, C, state, params, dh, dw, dstate) = calls()["windowed_lstm"]
    h, w, phi, last, cache = windowed_lstm.forward(x, C, state, params)
    _, _, first, _ = windowed_lstm.backward(dh, dw, dstate, cache)
    for out, others in ((last, (h, w, phi, *state)), (first, (dh, dw, *dstate))):
        assert not any(np.shares_memory(a, b) for a in out for b in others)


# --- how weights begin --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_new_weights_are_of_the_size_declared(kind):
    params = CELLS[kind].init(np.random.default_rng(0), 50, 100)
    for name in ("Wx", "Wh"):
        assert 0.099 < np.abs(params[name]).max() <= 0.1  # 1/√H
        assert params[name].dtype == np.float32
    assert not CELLS[kind].start(3, params)[0].any()


def test_new_weights_of_dense_and_embedding():
    params = dense.init(np.random.default_rng(0), 100, 50)
    assert 0.099 < np.abs(params["W"]).max() <= 0.1 and params["W"].dtype == np.float32  # 1/√D
    assert not params["b"].any() and params["b"].dtype == np.float32
    E = embedding.init(np.random.default_rng(0), 100, 50)["E"]
    assert E.std() == pytest.approx(1, abs=0.05) and abs(E.mean()) < 0.05 and E.dtype == np.float32


def test_biases_of_a_new_lstm_are_small_and_of_both_signs():
    b = CELLS["lstm"].init(np.random.default_rng(0), 50, 100)["b"]
    assert b.min() < 0 < b.max() and 0.099 < np.abs(b).max() <= 0.1  # 1/√H


def test_a_new_window_hardly_listens_to_the_state():
    W = windowed_lstm.init(np.random.default_rng(0), 4, 3, 400, 8, rate=0.25)["W_window"]
    assert W.std() == pytest.approx(0.075 / np.sqrt(400), rel=0.05) and W.dtype == np.float32


def test_the_reader_says_how_large_it_is_before_it_uses_a_gpu(monkeypatch):
    asked = []
    monkeypatch.setattr(windowed_lstm.loops, "on_gpu", lambda x, *sizes: asked.append(sizes))
    params = windowed_lstm.init(np.random.default_rng(0), 4, 3, 5, 2, rate=0.25)
    x, C = np.zeros((8, 1, 4), np.float32), np.zeros((1, 6, 3), np.float32)
    y, w, _, _, cache = windowed_lstm.forward(x, C, windowed_lstm.start(1, params), params)
    windowed_lstm.backward(y, w, None, cache)
    assert asked == [(5, 3, 2, 6)] * 2  # H, E, K, U


def test_a_new_window_is_wide_and_its_weights_add_up_to_one():
    b = attention_window.init(np.random.default_rng(0), H=4, K=5, rate=0.25, dtype=np.float64)["b"]
    np.testing.assert_allclose(np.exp(b).reshape(3, 5), np.outer([1 / 5, 1 / 2, 1 / 4], np.ones(5)))


def test_a_new_window_walks_over_the_text_at_the_rate_asked_for():
    params = windowed_lstm.init(np.random.default_rng(0), 4, 3, 5, 2, rate=0.25, dtype=np.float64)
    params["W_window"][:] = 0
    x, C = np.zeros((8, 1, 4)), np.zeros((1, 6, 3))
    _, _, _, (_, _, kappa, _), _ = windowed_lstm.forward(x, C, windowed_lstm.start(1, params), params)
    np.testing.assert_allclose(kappa, -0.5 + 8 * 0.25)


def test_a_layer_states_the_shapes_of_its_parameters():
    rng = np.random.default_rng(0)
    layers = {
        "dense": (dense.shapes(5, 2), dense.init(rng, 5, 2)),
        "embedding": (embedding.shapes(5, 2), embedding.init(rng, 5, 2)),
        "windowed_lstm": (windowed_lstm.shapes(5, 2, 3, 4), windowed_lstm.init(rng, 5, 2, 3, 4, 0.5)),
        **{name: (cell.shapes(5, 2), cell.init(rng, 5, 2)) for name, cell in CELLS.items()},
        "bidirectional": (bidirectional.shapes(5, 2, CELLS["gru"]), bidirectional.init(rng, 5, 2, CELLS["gru"])),
    }
    for shapes, params in layers.values():
        assert backend.flatten(shapes) == {name: array.shape for name, array in backend.flatten(params).items()}
