"""The gradient check must be one that can fail: classical mistakes are planted in the source, one at a time."""

import inspect
import subprocess
import sys
import types

import numpy as np
import pytest
from layer_calls import B, D, H, V, char_chunk
from test_ctc import assert_each_direction_is_the_cell_alone, assert_it_is_the_sum_over_all_paths
from test_layers import assert_loss_is_the_mean_over_what_counts
from test_states import assert_chunks_equal_the_whole, assert_reset_really_resets

import minirnn.gradcheck as gradcheck
from minirnn.errors import run_command
from minirnn.layers import (
    attention_window,
    bidirectional,
    ctc,
    dense,
    dropout,
    embedding,
    gru,
    lstm,
    rnn,
    softmax_cross_entropy,
    windowed_lstm,
)
from minirnn.networks import char_rnn, gradient_cases, gradient_check, pen_rnn, reader_rnn
from minirnn.networks.char_rnn import CharRNN


def plant(monkeypatch, module, *replacements):
    """Run the module's source with text replaced, and put its functions and methods in the place of the true ones."""
    source = inspect.getsource(module)
    for original, fault in replacements:
        assert source.count(original) == 1, f"{original!r} stands {source.count(original)} times in {module.__name__}"
        source = source.replace(original, fault)
    faulty = types.ModuleType(module.__name__)
    exec(compile(source, module.__file__, "exec"), faulty.__dict__)
    for name, value in vars(faulty).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, types.FunctionType):
            monkeypatch.setattr(module, name, value)
        elif isinstance(value, type):
            for key, method in vars(value).items():
                if isinstance(method, types.FunctionType):
                    monkeypatch.setattr(getattr(module, name), key, method)


def gradients_are_true(*cases):
    return all(result.ok for case in cases for result in gradient_check.check(case))


# Each judge is True for the program as it is, and False for a fault that it catches.


def embedding_judge():
    return gradients_are_true(gradient_cases.embedding_case(np.random.default_rng(0)))


def dense_judge():
    return gradients_are_true(gradient_cases.dense_case(np.random.default_rng(0)))


def dropout_judge():
    return gradients_are_true(gradient_cases.dropout_case(np.random.default_rng(0)))


def loss_judge():
    rng = np.random.default_rng(0)
    cases = (gradient_cases.softmax_cross_entropy_case(rng, masked=masked) for masked in (False, True))
    return gradients_are_true(*cases)


def rnn_judge():
    return gradients_are_true(gradient_cases.stack_case(np.random.default_rng(0), "rnn"))


def lstm_judge():
    return gradients_are_true(gradient_cases.stack_case(np.random.default_rng(0), "lstm"))


def gru_judge():
    return gradients_are_true(gradient_cases.stack_case(np.random.default_rng(0), "gru"))


def window_judge():
    return gradients_are_true(gradient_cases.window_case(np.random.default_rng(0)))


def reader_judge():
    return gradients_are_true(gradient_cases.reader_case(np.random.default_rng(0)))


def char_rnn_judge():
    return gradients_are_true(gradient_cases.char_rnn_case(np.random.default_rng(0)))


def pen_rnn_judge():
    return gradients_are_true(gradient_cases.pen_rnn_case(np.random.default_rng(0)))


def ctc_judge():
    return gradients_are_true(gradient_cases.ctc_case(np.random.default_rng(0)))


def bidirectional_judge():
    return gradients_are_true(gradient_cases.bidirectional_case(np.random.default_rng(0), "lstm"))


def reader_rnn_judge():
    return gradients_are_true(gradient_cases.reader_rnn_case(np.random.default_rng(0)))


def holds(assertion, *arguments):
    try:
        assertion(*arguments)
    except AssertionError:
        return False
    return True


def loss_value_judge():
    return holds(assert_loss_is_the_mean_over_what_counts)


def ctc_value_judge():
    return holds(assert_it_is_the_sum_over_all_paths)


def bidirectional_value_judge():
    return holds(assert_each_direction_is_the_cell_alone)


def lstm_chunks_judge():
    return holds(assert_chunks_equal_the_whole, "lstm")


def rnn_chunks_judge():
    return holds(assert_chunks_equal_the_whole, "rnn")


def reset_judge():
    network = CharRNN(V, "lstm", layers=2, hidden=H, embed=D, dtype=np.float64)
    return holds(assert_reset_really_resets, network, char_chunk(np.random.default_rng(0)))


def reset_of_one_layer_judge():
    """An LSTM called twice from one start state must say the same twice."""
    params = {name: np.ones(a.shape) for name, a in lstm.init(np.random.default_rng(0), D, H).items()}
    x = np.ones((2, B, D))
    once, again = (lstm.forward(x, lstm.start(B, params), params)[0] for _ in range(2))
    return np.array_equal(once, again)


FAULTS = {
    # Connectionist temporal classification: the loss
    "ctc: the blank between equal letters is skipped": (
        ctc_value_judge, ctc, ("(labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])",
         "labels[:, 2:] != BLANK")),
    "ctc: blanks are skipped as letters are": (
        ctc_value_judge, ctc, ("(labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])",
         "labels[:, 2:] != -1")),
    "ctc: no letter is ever skipped to": (
        ctc_value_judge, ctc, ("(labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])",
         "labels[:, 2:] < 0")),
    "ctc: the text may end before its last letter": (
        ctc_value_judge, ctc, ("2 * counts[:, None] - 1 == S", "2 * counts[:, None] - 2 == S")),
    "ctc: the blank at the end is asked for": (
        ctc_value_judge, ctc, (" | (2 * counts[:, None] - 1 == S)", "")),
    "ctc: the text may end without a blank only": (
        ctc_value_judge, ctc, ("(2 * counts[:, None] == S) | ", "")),
    "ctc: the blank at the start is asked for": (
        ctc_value_judge, ctc, ("alpha[0, :, :2] = log_p[0, :, :2]", "alpha[0, :, :1] = log_p[0, :, :1]")),
    "ctc: paths may begin anywhere in the text": (
        ctc_value_judge, ctc, ("alpha[0, :, :2] = log_p[0, :, :2]", "alpha[0] = log_p[0]")),
    "ctc: lengths ignored at the end of a sequence": (
        ctc_value_judge, ctc, ("alpha[lengths - 1, b[:, 0]]", "alpha[-1]")),
    "ctc: a path cannot stay where it is": (
        ctc_value_judge, ctc, ("log_p[t] + log_sum(before,", "log_p[t] + log_sum(NEVER + 0 * before,")),
    "ctc: the likeliest path instead of the sum over all": (
        ctc_value_judge, ctc, ("largest + np.log(np.exp(a", "largest + 0 * (np.exp(a")),
    "ctc: no softmax": (
        ctc_value_judge, ctc, (" - (largest + np.log(total))", "")),
    "ctc: mean over the sequences": (
        ctc_value_judge, ctc, ("N = np.maximum(counts.sum(), 1)", "N = np.asarray(len(counts))")),
    "ctc: what stands past the end of a text is spelled too": (
        ctc_value_judge, ctc, ("np.where(inside, y, BLANK).T", "y.T"),
        ("2 * counts[:, None] == S", "2 * len(y) == S"),
        ("2 * counts[:, None] - 1 == S", "2 * len(y) - 1 == S")),
    # Its gradient
    "ctc: the gradient without the posterior": (
        ctc_judge, ctc, ("dz = p - np.matmul(", "dz = p - 0 * np.matmul(")),
    "ctc: the posterior without the softmax": (
        ctc_judge, ctc, ("dz = p - np.matmul(", "dz = -np.matmul(")),
    "ctc: the posterior is not divided by the probability of the text": (
        ctc_judge, ctc, ("    gamma -= log_P[:, None]\n", "")),
    "ctc: frames past the end of a sequence get a gradient": (
        ctc_judge, ctc, ("(np.arange(T, like=lengths)[:, None] < lengths)[:, :, None]", "1")),
    "ctc: all sequences end in the last frame on the way back": (
        ctc_judge, ctc, ("(t < lengths - 1)[:, None]", "True")),
    "ctc: a sequence begins its way back one frame too early": (
        ctc_judge, ctc, ("(t < lengths - 1)[:, None]", "(t < lengths)[:, None]")),
    "ctc: a letter is skipped from where it is skipped to": (
        ctc_judge, ctc, ("from_here[:, :-2] = skip[:, 2:]", "from_here[:] = skip")),
    "ctc: the probability of the frame counts twice": (
        ctc_judge, ctc, ("after = log_p[t + 1] + beta[t + 1]", "after = log_p[t] + beta[t + 1]")),
    "ctc: the gradient of a sum, not of a mean": (
        ctc_judge, ctc, ("dz *= dloss / N", "dz *= dloss")),
    "ctc: dloss forgotten": (
        ctc_judge, ctc, ("dz *= dloss / N", "dz *= 1 / N")),
    # Both directions
    "bidirectional: the padding comes first on the way back": (
        bidirectional_value_judge, bidirectional, ("np.where(t < lengths, lengths - 1 - t, t)",
         "T - 1 - t + 0 * lengths")),
    "bidirectional: the errors from the right are not turned round": (
        bidirectional_judge, bidirectional, ("dx += dx_right[order]", "dx += dx_right")),
    "bidirectional: the errors to the right are not turned round": (
        bidirectional_judge, bidirectional, ("dy[:, :, H:][order]", "dy[:, :, H:]")),
    "bidirectional: errors of the padding come through": (
        bidirectional_judge, bidirectional, ("dy = dy * inside", "pass")),
    "bidirectional: one direction only sends its error down": (
        bidirectional_judge, bidirectional, ("dx += dx_right[order]", "pass")),
    # The network that reads
    "ReaderRNN: frames are put together in another order": (
        reader_rnn_judge, reader_rnn, ("transpose(0, 2, 1, 3).reshape(frames * self.join",
         "transpose(0, 1, 2, 3).reshape(frames * self.join")),
    "ReaderRNN: the mask of the embedding is forgotten": (
        reader_rnn_judge, reader_rnn, ("dy = dropout.backward(dy, caches.pop())\n        grads[\"height\"]",
         "caches.pop()\n        grads[\"height\"]")),
    # The vanilla recurrent layer
    "rnn: recurrent term dropped on the way back": (
        rnn_judge, rnn, ("backend.product(da[t], WhT, out=dh)", "dh[:] = 0")),
    "rnn: dy overwrites the error from the next step": (
        rnn_judge, rnn, ("dh += dy[t]", "dh[:] = dy[t]")),
    "rnn: derivative of tanh taken at the previous state": (
        rnn_judge, rnn, ("np.multiply(h[t + 1], h[t + 1], out=da[t])", "np.multiply(h[t], h[t], out=da[t])")),
    "rnn: derivative of tanh taken of the activation": (
        rnn_judge, rnn, ("np.multiply(h[t + 1], h[t + 1], out=da[t])", "np.tanh(h[t + 1], out=da[t]); da[t] *= da[t]")),
    "rnn: dWh from h_t instead of h_{t-1}": (
        rnn_judge, rnn, ('"Wh": h[:-1]', '"Wh": h[1:]')),
    "rnn: weight matrix not transposed": (
        rnn_judge, rnn, ("WhT = Wh.T.copy()", "WhT = Wh.copy()")),
    "rnn: gradient of the start state lost": (
        rnn_judge, rnn, ("(dh,), grads", "(backend.zeros((B, H), like=x),), grads")),
    "rnn: error of the last state ignored": (
        rnn_judge, rnn, ("like=x) if dstate is None else dstate[0].copy()", "like=x)")),
    "rnn: start state ignored": (
        rnn_judge, rnn, ("h[0] = state[0]", "h[0] = 0")),
    "rnn: bias gradient of the last step only": (
        rnn_judge, rnn, ("da.sum(axis=0)", "da[-B:].sum(axis=0)")),
    "rnn: state of the first step handed on": (
        rnn_chunks_judge, rnn, ("(h[T].copy(),)", "(h[1].copy(),)")),
    "rnn: one buffer for all steps": (
        rnn_judge, rnn, ("backend.product(da[t], WhT, out=dh)", "backend.product(da[t], WhT, out=dh); da[-1] = da[t]")),
    # The LSTM
    "lstm: forget gate's delta in the input gate's slot": (
        lstm_judge, lstm,
        ("np.multiply(dc, g, out=di)", "np.multiply(dc, c_prev, out=di)"),
        ("np.multiply(dc, c_prev, out=df)", "np.multiply(dc, g, out=df)")),
    "lstm: dc loses the path from the next cell": (
        lstm_judge, lstm, ("dc += dh\n", "dc[:] = dh\n")),
    "lstm: dc loses the path from the output": (
        lstm_judge, lstm, ("dc += dh\n", "pass\n"), ("dc -= dh", "pass")),
    "lstm: dc through the output without the derivative of tanh": (
        lstm_judge, lstm, ("dc -= dh", "pass")),
    "lstm: dc passes the cell without the forget gate": (
        lstm_judge, lstm, ("dc *= f", "pass")),
    "lstm: derivative of tanh in the place of the sigmoid's": (
        lstm_judge, lstm,
        ("np.subtract(1, gates, out=slope)\n    slope *= gates", "np.subtract(1, gates * gates, out=slope)")),
    "lstm: derivative of tanh of the candidate forgotten": (
        lstm_judge, lstm, ("np.subtract(1, slope_g, out=slope_g)", "slope_g[:] = 1")),
    "lstm: output gate's delta from the old cell": (
        lstm_judge, lstm, ("np.multiply(dh, tanh_c, out=do)", "np.multiply(dh, c_prev, out=do)")),
    "lstm: argument of the sigmoids not halved for the tanh": (
        lstm_judge, lstm, ("z *= half\n    np.tanh(z, out=z)", "np.tanh(z, out=z)")),
    "lstm: gates not shifted back from tanh to sigmoid": (
        lstm_judge, lstm, ("np.tanh(z, out=z)\n    z *= half", "np.tanh(z, out=z)")),
    "lstm: bias gradient summed over the wrong axis": (
        lstm_judge, lstm, ('"b": dz.sum(axis=0)', '"b": dz.reshape(T, B, 4 * H).sum(axis=1)[0]')),
    "lstm: a buffer for every step aliased to the first": (
        lstm_judge, lstm, ("tanh_c[t], dz[t], slope)", "tanh_c[t], dz[0], slope)")),
    "lstm: gradient of the start cell lost": (
        lstm_judge, lstm, ("(dh, dc), grads", "(dh, dc * 0), grads")),
    "lstm: cell not handed on": (
        lstm_chunks_judge, lstm, ("(h[T].copy(), c[T].copy())", "(h[T].copy(), h[T].copy())")),
    "lstm: stale state after a reset": (
        reset_of_one_layer_judge, lstm,
        ("h[0], c[0] = state", 'h[0], c[0] = globals().get("kept", state)'),
        ("return h[1:], (h[T]", 'globals()["kept"] = h[T], c[T]\n    return h[1:], (h[T]')),
    # The GRU
    "gru: reset gate forgotten on the way to the past": (
        gru_judge, gru, ("dq[t, :, 2 * H :] *= r", "pass")),
    "gru: direct path of the state dropped": (
        gru_judge, gru, ("dh *= u", "dh *= 0")),
    "gru: update gate's sign": (
        gru_judge, gru, ("np.subtract(h[t], n, out=du)", "np.subtract(n, h[t], out=du)")),
    "gru: update gate the other way round": (
        gru_judge, gru, ("np.subtract(1, u, out=scratch)", "scratch[:] = u")),
    "gru: gradient of the inner bias without the reset gate": (
        gru_judge, gru, ('"bn": dq[', '"bn": dz[')),
    "gru: reset gate's delta from the candidate": (
        gru_judge, gru, ("np.multiply(dn, m[t], out=dr)", "np.multiply(dn, n, out=dr)")),
    "gru: two buffers are one": (
        gru_judge, gru, ("dq = backend.empty((T, B, 3 * H), like=x)", "dq = dz")),
    # Embedding, dense, dropout, loss
    "embedding: repeated ids overwrite each other": (
        embedding_judge, embedding,
        ('return {"E": onehot @ dy.reshape(-1, D)}', 'dE = np.zeros_like(E); dE[x] += dy; return {"E": dE}')),
    "embedding: ids and rows in different orders": (
        embedding_judge, embedding, ("ids == x.reshape(1, -1)", "ids == x.T.reshape(1, -1)")),
    "dense: bias gradient averaged": (
        dense_judge, dense, ("dy.sum(axis=0)", "dy.mean(axis=0)")),
    "dense: bias gradient summed over the wrong axis": (
        dense_judge, dense, ("dy.sum(axis=0)", "dy.sum(axis=1)")),
    "dropout: mask redrawn": (
        dropout_judge, dropout, ("else dy * m", "else dy * draw_mask(backend.np.random.default_rng(1), 0.4, dy)")),
    "dropout: error not scaled up": (
        dropout_judge, dropout, ("else dy * m", "else dy * (m > 0)")),
    "loss: gradient divided by T twice": (
        loss_judge, softmax_cross_entropy, ("dz *= dloss / len(targets)", "dz *= dloss / len(targets) / shape[0]")),
    "loss: mask ignored in the gradient": (
        loss_judge, softmax_cross_entropy, ("dz *= weight[:, None] * dloss", "dz *= dloss * weight.max()")),
    "loss: target not subtracted": (
        loss_judge, softmax_cross_entropy, ("dz[rows, targets] -= 1", "pass")),
    "loss: divided by T twice, forward as well": (
        loss_value_judge, softmax_cross_entropy, ("-log_p.mean()", "-log_p.mean() / shape[0]"),
        ("V = z.shape[-1]", "V, shape = z.shape[-1], z.shape")),
    "loss: mask ignored, forward as well": (
        loss_value_judge, softmax_cross_entropy, ("if mask is None:", "if True:")),
    "loss: what does not count still divides": (
        loss_value_judge, softmax_cross_entropy, ("np.maximum(counts.sum(), 1).astype(z.dtype)", "len(targets)")),
    # Window and reader
    "window: kappa not accumulated on the way back": (
        window_judge, attention_window, ("dkappa = dkappa - 2 * beta", "dkappa = -2 * beta")),
    "window: sign of kappa": (
        window_judge, attention_window, ("dkappa - 2 * beta", "dkappa + 2 * beta")),
    "window: sign of beta": (
        window_judge, attention_window, ("= -beta * dG_G.sum(axis=2)", "= beta * dG_G.sum(axis=2)")),
    "window: alpha's gradient not carried through the exponential": (
        window_judge, attention_window,
        ("dz[:, :K] = dG_G.sum(axis=2)", "dz[:, :K] = dG_G.sum(axis=2) / exp_z[:, :K]")),
    "window: kappa's step not carried through the exponential": (
        window_judge, attention_window, ("dkappa * exp_z[:, 2 * K :]", "dkappa")),
    "reader: error of the text lost": (
        reader_judge, windowed_lstm, ("return dx, dC,", "return dx, dC * 0,")),
    "reader: error of the text from the last step only": (
        reader_judge, windowed_lstm,
        ("phi.transpose(1, 2, 0), dw.transpose(1, 0, 2)", "phi[-1:].transpose(1, 2, 0), dw[-1:].transpose(1, 0, 2)")),
    "reader: error of w into the LSTM dropped": (
        reader_judge, windowed_lstm, ("np.add(dw_out[t], dwh[:, :E], out=dw[t])", "dw[t] = dw_out[t]")),
    "reader: error of the window into the LSTM dropped": (
        reader_judge, windowed_lstm, ("dh += dz_window[t] @ W_windowT", "pass")),
    "reader: error of the next step's LSTM dropped": (
        reader_judge, windowed_lstm, ("dh_out[t] + dwh[:, E:]", "dh_out[t].copy()")),
    "reader: kappa's error not passed to the step before": (
        reader_judge, windowed_lstm, ("dw[t], dkappa, C, windows[t])", "dw[t], 0 * dkappa, C, windows[t])")),
    "reader: gradient of the start window lost": (
        reader_judge, windowed_lstm, ("dkappa, dwh[:, :E].copy()), grads", "dkappa, dwh[:, :E] * 0), grads")),
    # The networks
    "CharRNN: dropout behind a layer forgotten on the way back": (
        char_rnn_judge, char_rnn,
        ("for name in reversed(self.recurrent):\n            dy = dropout.backward(dy, caches.pop())",
         "for name in reversed(self.recurrent):\n            caches.pop()")),
    "CharRNN: stale state after a reset": (
        reset_judge, char_rnn,
        ("return [self.cell.start(B", 'return getattr(self, "last", None) or [self.cell.start(B'),
        ("return logits, new_state, caches", "self.last = new_state; return logits, new_state, caches")),
    "PenRNN: padded text gets a gradient": (
        pen_rnn_judge, pen_rnn, ("embedding.backward(dC * inside, cache)", "embedding.backward(dC, cache)")),
    "PenRNN: error of the upper layers' symbol dropped": (
        pen_rnn_judge, pen_rnn, ("dx = dx + dx_reader", "dx = dx_reader")),
    "PenRNN: error of the uppermost layer's window dropped": (
        pen_rnn_judge, pen_rnn, ("dw + din[:, :, D : D + E]", "din[:, :, D : D + E]")),
    "PenRNN: error of the layer above dropped": (
        pen_rnn_judge, pen_rnn, ("backward(douts[:, :, :H] + dh_above,", "backward(douts[:, :, :H],")),
    "PenRNN: the hand learns from the last step only": (
        pen_rnn_judge, pen_rnn, ("dx.sum(axis=0)", "dx[-1]")),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_caught(name, monkeypatch):
    judge, module, *replacements = FAULTS[name]
    plant(monkeypatch, module, *replacements)
    assert not judge()


JUDGES = list(dict.fromkeys(fault[0] for fault in FAULTS.values()))  # in an order that is always the same


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.__name__)
def test_without_a_fault_nothing_is_caught(judge):
    assert judge()


def test_planting_changes_nothing_but_the_fault(monkeypatch):
    """The machinery itself: the source with nothing replaced is the same program."""
    for module in (
        embedding, dense, dropout, softmax_cross_entropy, rnn, lstm, gru, attention_window, windowed_lstm,
        char_rnn, pen_rnn,
    ):  # fmt: skip
        plant(monkeypatch, module)
    assert gradients_are_true(*gradient_cases.all_cases())


# --- the tools of the check ---------------------------------------------------------------------------------


def test_numerical_gradient_of_a_known_function():
    x = np.array([[0.5, -1.0], [2.0, 0.0]])
    kept = x.copy()
    np.testing.assert_allclose(gradient_check.numerical_gradient(lambda: (x**3).sum(), x), 3 * x**2, atol=1e-9)
    assert np.array_equal(x, kept)


def test_relative_error():
    ones = np.ones(3)
    assert gradient_check.relative_error(ones, ones) == 0
    assert gradient_check.relative_error(2 * ones, ones) == 0.5
    assert gradient_check.relative_error(0 * ones, 1e-6 * ones) == pytest.approx(1e-3)  # below the floor it is absolute
    assert gradient_check.relative_error(np.ones((1, 3)), ones) == np.inf
    assert gradient_check.relative_error(np.ones(0), np.ones(0)) == 0


@pytest.mark.parametrize("gradients", [{"x": np.array([np.nan, 1.0])}, {}, {"x": np.ones((2, 1))}])
def test_nan_a_missing_gradient_and_a_wrong_shape_fail(gradients):
    case = gradient_check.Case("sum", {"x": np.zeros(2)}, lambda x: ([x.sum()], None), lambda douts, cache: gradients)
    assert [result.ok for result in gradient_check.check(case)] == [False]


def test_float32_inside_a_layer_is_found():
    def forward(x):
        return [np.tanh(x.astype(np.float32))], x

    case = gradient_check.Case(
        "tanh", {"x": np.array([0.3, -0.7])}, forward, lambda douts, x: {"x": douts[0] * (1 - np.tanh(x) ** 2)}
    )
    assert not gradients_are_true(case)


# --- the command --------------------------------------------------------------------------------------------


def test_command_prints_a_verdict_for_every_array(capsys):
    assert run_command(gradcheck.main, []) == 0
    head, *rows, last = capsys.readouterr().out.splitlines()
    arrays = [(case.name, array) for case in gradient_cases.all_cases() for array in case.arrays]
    assert head.split()[0] == "layer" and len(rows) == len(arrays)
    for row, (case, array) in zip(rows, arrays):
        assert row.startswith(case) and f" {array} " in row and row.endswith("ok")
    assert last == f"all {len(arrays)} gradients agree with central differences"


def test_command_fails_when_a_gradient_is_wrong(monkeypatch, capsys):
    plant(monkeypatch, dense, ("dy.sum(axis=0)", "dy.mean(axis=0)"))
    assert run_command(gradcheck.main, []) == 2
    out, error = capsys.readouterr()
    wrong = [row.split()[:2] for row in out.splitlines() if row.endswith("WRONG")]
    assert ["dense", "b"] in wrong and ["dense", "W"] not in wrong
    assert "gradients are wrong" in error


def test_command_as_a_user_runs_it():
    run = subprocess.run(
        [sys.executable, "-m", "minirnn.gradcheck", "--tolerance", "1e-15"], capture_output=True, text=True
    )
    assert run.returncode == 2 and "WRONG" in run.stdout and run.stderr.startswith("minirnn: ")
    assert "Traceback" not in run.stderr
