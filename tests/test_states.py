"""Where a sequence is cut must not matter: forward, backward, after a reset; and the layers against plain ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_calls import B, D, E, H, K, T, U, V, char_chunk, pen_chunk, random_params, small_pen_rnn

from minirnn import backend
from minirnn.layers import CELLS, attention_window, dense, embedding, softmax_cross_entropy, windowed_lstm
from minirnn.networks.char_rnn import CharRNN

drawn = settings(max_examples=15, deadline=None, derandomize=True)
KINDS = sorted(CELLS)
lengths = st.lists(st.integers(1, 4), min_size=3, max_size=3)  # of three chunks


def cuts(lengths):
    """The slices of chunks of these lengths."""
    ends = np.cumsum(lengths)
    return [slice(end - length, end) for end, length in zip(ends, lengths)]


def assert_same(a, b, tolerance=1e-12):
    """Two trees of arrays are equal to within ``tolerance``."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        a, b = list(a.values()), [b[name] for name in a]
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y, tolerance)
    else:
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def add(a, b):
    """The sum of two dicts of arrays."""
    return {name: a[name] + b[name] for name in a}


def a_cell(kind, T, seed=0):
    """A recurrent layer with weights, input, start state, and errors of its output and of its last state."""
    rng, cell = np.random.default_rng(seed), CELLS[kind]
    params = random_params(cell.init(rng, D, H), rng, np.float64)
    width = len(cell.start(B, params))
    x, dy = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    state, dstate = (tuple(rng.standard_normal((B, H)) for _ in range(width)) for _ in range(2))
    return cell, params, x, state, dy, dstate


def a_reader(T, seed=0):
    rng = np.random.default_rng(seed)
    params = random_params(windowed_lstm.init(rng, D, E, H, K, 0.5), rng, np.float64)
    x, C = rng.standard_normal((T, B, D)), rng.standard_normal((B, U, E))
    state, dstate = (tuple(rng.standard_normal((B, n)) for n in (H, H, K, E)) for _ in range(2))
    return params, x, C, state, (rng.standard_normal((T, B, H)), rng.standard_normal((T, B, E))), dstate


# --- a whole sequence equals three chunks -------------------------------------------------------------------


def assert_chunks_equal_the_whole(kind, lengths=(2, 3, 1)):
    """Forward with the state carried, backward with its error passed back from chunk to chunk."""
    cell, params, x, start, dy, dlast = a_cell(kind, sum(lengths))
    whole_y, whole_state, cache = cell.forward(x, start, params)
    whole = cell.backward(dy, dlast, cache)
    ys, caches, state = [], [], start
    for cut in cuts(lengths):
        y, state, cache = cell.forward(x[cut], state, params)
        ys.append(y.copy())
        caches.append(cache)
    assert_same(np.concatenate(ys), whole_y)
    assert_same(state, whole_state)
    dxs, dstate, total = [], dlast, dict.fromkeys(params, 0.0)
    for cut, cache in reversed(list(zip(cuts(lengths), caches))):
        dx, dstate, grads = cell.backward(dy[cut], dstate, cache)
        dxs.insert(0, dx)
        total = add(total, grads)
    assert_same((np.concatenate(dxs), dstate, total), whole)


@drawn
@given(st.sampled_from(KINDS), lengths)
def test_three_chunks_of_a_recurrent_layer_equal_the_whole(kind, lengths):
    assert_chunks_equal_the_whole(kind, lengths)


@drawn
@given(lengths)
def test_three_chunks_of_the_reader_equal_the_whole(lengths):
    params, x, C, start, (dh, dw), dlast = a_reader(sum(lengths))
    h, w, phi, last, cache = windowed_lstm.forward(x, C, start, params)
    whole = windowed_lstm.backward(dh, dw, dlast, cache)
    outputs, caches, state = [], [], start
    for cut in cuts(lengths):
        *output, state, cache = windowed_lstm.forward(x[cut], C, state, params)
        outputs.append(output)
        caches.append(cache)
    assert_same([np.concatenate(parts) for parts in zip(*outputs)], [h, w, phi])
    assert_same(state, last)
    dxs, dC, dstate, total = [], 0.0, dlast, dict.fromkeys(params, 0.0)
    for cut, cache in reversed(list(zip(cuts(lengths), caches))):
        dx, dC_chunk, dstate, grads = windowed_lstm.backward(dh[cut], dw[cut], dstate, cache)
        dxs.insert(0, dx)
        dC, total = dC + dC_chunk, add(total, grads)
    assert_same((np.concatenate(dxs), dC, dstate, total), whole)


@drawn
@given(st.sampled_from(KINDS), lengths)
def test_three_chunks_of_a_char_rnn_equal_the_whole(kind, lengths):
    network = CharRNN(V, kind, layers=2, hidden=H, embed=D, dtype=np.float64)
    x = np.random.default_rng(0).integers(0, V, (sum(lengths), B))
    whole, last, _ = network.forward(x, network.start(B))
    state, parts = network.start(B), []
    for cut in cuts(lengths):
        logits, state, _ = network.forward(x[cut], state)
        parts.append(logits)
    assert_same(np.concatenate(parts), whole)
    assert_same(state, last)


@drawn
@given(st.integers(1, 3), lengths)
def test_three_chunks_of_a_pen_rnn_equal_the_whole(layers, lengths):
    network = small_pen_rnn(layers)
    chunk = pen_chunk(np.random.default_rng(0), sum(lengths))
    whole, phi, last, _ = network.forward(chunk, network.start(B))
    state, parts = network.start(B), []
    text = network.embed_text(chunk["text"])
    for cut in cuts(lengths):
        piece = {**chunk, **{name: chunk[name][cut] for name in ("x", "y", "height", "mask")}}
        logits, weights, state, _ = network.forward(piece, state, text=text)
        parts.append((logits, weights))
    assert_same([np.concatenate(part) for part in zip(*parts)], [whole, phi])
    assert_same(state, last)


# --- truncation ---------------------------------------------------------------------------------------------


def chunk_gradients(network, chunk, lengths, truncated):
    """The gradient of the summed loss of all chunks of a CharRNN, composed here from its layers: with the state's
    error passed back from chunk to chunk (the full gradient) or cut off between them (truncated BPTT)."""
    caches, state, N = [], network.start(B), chunk["mask"].sum()
    for cut in cuts(lengths):
        own, new_state = [], []
        y, cache = embedding.forward(chunk["x"][cut], network.params["embedding"])
        own.append(cache)
        for name, layer_state in zip(network.recurrent, state):
            y, layer_state, cache = network.cell.forward(y, layer_state, network.params[name])
            own.append(cache)
            new_state.append(layer_state)
        logits, cache = dense.forward(y, network.params["softmax"])
        _, loss_cache = softmax_cross_entropy.forward(logits, chunk["y"][cut], chunk["mask"][cut])
        caches.append([*own, cache, loss_cache, chunk["mask"][cut].sum() / N])
        state = new_state
    total = backend.tree_map(np.zeros_like, network.params)
    dstates = [None] * len(network.recurrent)
    for embedding_cache, *recurrent_caches, dense_cache, loss_cache, share in reversed(caches):
        grads = {}
        dz = softmax_cross_entropy.backward(loss_cache, share)
        dy, grads["softmax"] = dense.backward(dz, dense_cache)
        for n in reversed(range(len(network.recurrent))):
            dy, dstate, grads[network.recurrent[n]] = network.cell.backward(dy, dstates[n], recurrent_caches[n])
            dstates[n] = None if truncated else dstate
        grads["embedding"] = embedding.backward(dy, embedding_cache)
        total = {name: add(total[name], grads[name]) for name in total}
    return total


def network_gradient(network, chunk):
    _, _, cache = network.loss(chunk, network.start(B))
    return network.backward(cache)


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_gradient_is_the_full_one_when_the_chunk_covers_everything(kind):
    network = CharRNN(V, kind, layers=2, hidden=H, embed=D, dtype=np.float64)
    chunk = char_chunk(np.random.default_rng(0), 6)
    full = chunk_gradients(network, chunk, (2, 3, 1), truncated=False)
    assert_same(network_gradient(network, chunk), full)
    assert_same(chunk_gradients(network, chunk, (6,), truncated=True), full)


@pytest.mark.parametrize("kind", KINDS)
def test_truncation_does_cut_something_off(kind):
    network = CharRNN(V, kind, layers=2, hidden=H, embed=D, dtype=np.float64)
    chunk = char_chunk(np.random.default_rng(0), 6)
    full = chunk_gradients(network, chunk, (2, 3, 1), truncated=False)
    truncated = chunk_gradients(network, chunk, (2, 3, 1), truncated=True)
    name = network.recurrent[0]
    assert np.abs(full[name]["Wx"] - truncated[name]["Wx"]).max() > 1e-6
    assert_same(full["softmax"], truncated["softmax"])  # nothing of it comes through the state


# --- reset --------------------------------------------------------------------------------------------------


def assert_reset_really_resets(network, chunk):
    """What a network says from a fresh state does not depend on what it has read before."""
    first, after, cache = network.loss(chunk, network.start(B))
    network.backward(cache)
    network.loss(chunk, after)
    again, after_again, _ = network.loss(chunk, network.start(B))
    carried, _, _ = network.loss(chunk, after)
    assert again == first
    assert_same(after_again, after, 0)
    assert carried != first  # the state does matter


@pytest.mark.parametrize("kind", KINDS)
def test_reset_of_a_char_rnn(kind):
    network = CharRNN(V, kind, layers=2, hidden=H, embed=D, dtype=np.float64)
    assert_reset_really_resets(network, char_chunk(np.random.default_rng(0)))


def test_reset_of_a_pen_rnn():
    assert_reset_really_resets(small_pen_rnn(2), pen_chunk(np.random.default_rng(0)))


def test_one_sequence_of_a_batch_can_be_reset_alone():
    network = CharRNN(V, "lstm", layers=2, hidden=H, embed=D, dtype=np.float64)
    x = np.random.default_rng(0).integers(0, V, (T, B))
    fresh, _, _ = network.forward(x, network.start(B))
    _, state, _ = network.forward(x[::-1], network.start(B))
    going_on, _, _ = network.forward(x, state)
    keep = np.arange(B)[:, None] != 1
    mixed, _, _ = network.forward(x, backend.tree_map(lambda s: s * keep, state))
    assert_same(mixed[:, 1], fresh[:, 1])
    assert_same(mixed[:, 0], going_on[:, 0])


# --- the same layers, written plainly -----------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def plain_rnn(x, state, p):
    (h,), y = state, []
    for x_t in x:
        h = np.tanh(x_t @ p["Wx"] + h @ p["Wh"] + p["b"])
        y.append(h)
    return np.array(y), (h,)


def plain_lstm_step(x_t, h, c, Wx, Wh, b):
    z_i, z_f, z_o, z_g = np.split(x_t @ Wx + h @ Wh + b, 4, axis=1)
    c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
    return sigmoid(z_o) * np.tanh(c), c


def plain_lstm(x, state, p):
    (h, c), y = state, []
    for x_t in x:
        h, c = plain_lstm_step(x_t, h, c, p["Wx"], p["Wh"], p["b"])
        y.append(h)
    return np.array(y), (h, c)


def plain_gru(x, state, p):
    (h,), y = state, []
    Wx_r, Wx_u, Wx_n = np.split(p["Wx"], 3, axis=1)
    Wh_r, Wh_u, Wh_n = np.split(p["Wh"], 3, axis=1)
    b_r, b_u, b_n = np.split(p["b"], 3)
    for x_t in x:
        r = sigmoid(x_t @ Wx_r + h @ Wh_r + b_r)
        u = sigmoid(x_t @ Wx_u + h @ Wh_u + b_u)
        n = np.tanh(x_t @ Wx_n + b_n + r * (h @ Wh_n + p["bn"]))
        h = u * h + (1 - u) * n
        y.append(h)
    return np.array(y), (h,)


def plain_window_step(z, kappa, C):
    """One step, one sequence, one Gaussian, one character at a time."""
    alpha, beta, step = np.split(np.exp(z), 3, axis=1)
    kappa = kappa + step
    phi, w = np.zeros(C.shape[:2]), np.zeros((len(C), C.shape[2]))
    for b in range(len(C)):
        for u in range(C.shape[1]):
            for k in range(kappa.shape[1]):
                phi[b, u] += alpha[b, k] * np.exp(-beta[b, k] * (kappa[b, k] - u) ** 2)
            w[b] += phi[b, u] * C[b, u]
    return w, kappa, phi


PLAIN = {"rnn": plain_rnn, "lstm": plain_lstm, "gru": plain_gru}


@drawn
@given(st.sampled_from(KINDS), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_recurrent_layers_against_plain_ones(kind, T, seed):
    cell, params, x, state, _, _ = a_cell(kind, T, seed)
    y, last, _ = cell.forward(x, state, params)
    assert_same((y, last), PLAIN[kind](x, state, params), 1e-10)


@drawn
@given(st.integers(0, 2**32 - 1))
def test_window_against_a_plain_one(seed):
    rng = np.random.default_rng(seed)
    z, kappa, C = rng.standard_normal((B, 3 * K)), rng.standard_normal((B, K)), rng.standard_normal((B, U, E))
    *outputs, _ = attention_window.step_forward(z, kappa, C)
    assert_same(outputs, list(plain_window_step(z, kappa, C)), 1e-10)


@drawn
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_reader_against_a_plain_one(T, seed):
    p, x, C, start, _, _ = a_reader(T, seed)
    h, c, kappa, w = start
    outputs = []
    for x_t in x:
        Wx = np.concatenate([p["Wx"], p["Ww"]])
        h, c = plain_lstm_step(np.concatenate([x_t, w], axis=1), h, c, Wx, p["Wh"], p["b"])
        w, kappa, phi = plain_window_step(h @ p["W_window"] + p["b_window"], kappa, C)
        outputs.append((h, w, phi))
    *found, state, _ = windowed_lstm.forward(x, C, start, p)
    assert_same(found, [np.array(part) for part in zip(*outputs)], 1e-10)
    assert_same(state, (h, c, kappa, w), 1e-10)
