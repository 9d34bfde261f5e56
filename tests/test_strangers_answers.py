"""The grader against answers that are in none of its lists.

Wrong ones are made by machine from right answers in four styles: one operator, index, axis, name or constant is
changed. Whether the change matters is decided without the grader, on other inputs than its own; then the grader has to
say "wrong" where it does, never "right", and may name a mistake only if the plain solution with that mistake gives the
same on those other inputs. Right ones are rewritten by rules that change nothing.
"""

import ast
import copy
import inspect
import textwrap

import numpy as np
import pytest
import student_answers
from student_answers import STYLES, Loops, OtherAlgebra, Vectorised

from minirnn.grading import NAMES, exercise_named
from minirnn.grading.exercise import mistaken, results
from minirnn.grading.judge import RIGHT, WRONG, agree, judge, same

OTHER_SEEDS = (1, 2)  # of inputs that the grader does not use


def source_of(style, name):
    return textwrap.dedent(inspect.getsource(getattr(style, name)))


def compiled(source, name):
    names = dict(vars(student_answers))
    exec(source, names)
    return names[name]


# ---- wrong answers: one thing changed -----------------------------------------------------------------------------

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
FUNCTIONS = {"exp": "expm1", "tanh": "sinh", "sum": "mean", "log": "log1p", "sqrt": "abs", "max": "min",
             "cumsum": "cumprod",
             "hstack": "vstack", "argmax": "argmin",
             "zeros_like": "ones_like", "logaddexp": "maximum"}  # fmt: skip


def places(tree):
    """Every way of changing one thing in ``tree``: functions that do it to a copy's node of the same number."""
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            yield number, lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult)):
            yield number, lambda n: n.__dict__.update(left=n.right, right=n.left)
        if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
            yield number, lambda n: setattr(n, "ops", [OPERATORS[type(n.ops[0])]()])
        if isinstance(node, ast.BoolOp):
            yield number, lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield number, lambda n: setattr(n, "value", n.value + 1)
        if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
            yield number, lambda n: setattr(n, "attr", FUNCTIONS[n.attr])
        if isinstance(node, ast.AugAssign):
            yield number, lambda n: setattr(n, "op", ast.Sub() if isinstance(n.op, ast.Add) else ast.Add())
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
            yield number, lambda n: n.elts.reverse()
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield number, lambda n: setattr(n, "op", ast.UAdd())


def mutants(name):
    """Sources of answers with one thing changed, from three styles."""
    for style in (Vectorised, Loops, OtherAlgebra):
        tree = ast.parse(source_of(style, name))
        for number, change in places(tree):
            changed = copy.deepcopy(tree)
            change(list(ast.walk(changed))[number])
            yield ast.unparse(ast.fix_missing_locations(changed))


def other_cases(exercise, seed):
    return exercise.cases(np.random.default_rng(seed))


def returned(exercise, function, seed):
    """What ``function`` returns on inputs of another seed, or None where it fails or is no result at all."""
    try:
        return results(exercise, lambda **arguments: function(*arguments.values()), other_cases(exercise, seed))
    except Exception:
        return None


def agrees(a, b, one=agree):
    return a is not None and b is not None and len(a) == len(b) and all(
        x.keys() == y.keys() and one(x, y) for x, y in zip(a, b)
    )  # fmt: skip


def close(a, b):
    return all(same(a[key], b[key], 1e-7) for key in b)


@pytest.mark.parametrize("name", NAMES)
def test_answers_with_one_thing_changed_are_judged_and_named_rightly(name):
    exercise, wrong = exercise_named(name), 0
    sources = list(mutants(name))
    chosen = np.random.default_rng(len(name)).permutation(len(sources))[:40]
    rights = {seed: results(exercise, exercise.expected, other_cases(exercise, seed)) for seed in OTHER_SEEDS}
    for source in (sources[n] for n in chosen):
        function = compiled(source, name)
        own = {seed: returned(exercise, function, seed) for seed in OTHER_SEEDS}
        verdict = judge(exercise, function)
        if all(agrees(own[seed], rights[seed]) for seed in OTHER_SEEDS):
            assert verdict.state == RIGHT, (source, str(verdict))
            continue
        wrong += 1
        assert verdict.state == WRONG and verdict.words, source
        for seed in OTHER_SEEDS if verdict.mistakes else ():
            explained = explanations(exercise, verdict.mistakes, seed)
            assert any(agrees(own[seed], one, close) for one in explained), (source, verdict.mistakes)
    assert wrong >= {"embedding_backward": 8}.get(name, 15)


def explanations(exercise, mistakes, seed):
    """What the solution gives with all of these mistakes together, for every choice of one way of each."""
    ways = [[changes for name, changes in exercise.ways if name == mistake] for mistake in mistakes]
    combined = [[]]
    for own in ways:
        combined = [made + way for made in combined for way in own]
    for changes in combined:
        if function := mistaken(exercise, changes):
            yield results(exercise, function, other_cases(exercise, seed))


# ---- right answers: rewritten without changing anything -----------------------------------------------------------

REWRITTEN = [  # exercise, style, what stands there, what comes to the same
    ("numerical_gradient", Vectorised,
     "(f(theta + e) - f(theta - e)) / (2 * step)", "f(theta + e) / step / 2 - f(theta - e) / (step + step)"),
    ("numerical_gradient", Vectorised, "np.zeros_like(theta)\n        e", "np.zeros(theta.shape)\n        e"),
    ("numerical_gradient", Loops, ".reshape(theta.shape)", ".reshape(*theta.shape)"),
    ("embedding_backward", Vectorised,
     "np.add.at(dE, x, dy)", "np.add.at(dE, x.ravel(), dy.reshape(-1, dy.shape[-1]))"),
    ("embedding_backward", Vectorised,
     "np.add.at(dE, x, dy)", "for v in range(len(E)): dE[v] = dy[x == v].sum(axis=0)"),
    ("embedding_backward", Vectorised,
     "np.add.at(dE, x, dy)", "for v in set(x.flat): dE[v] += (dy * (x == v)[..., None]).sum((0, 1))"),
    ("embedding_backward", OtherAlgebra, '"vtb,tbd->vd"', '"vtb,tbd->vd" + ""'),
    ("softmax_cross_entropy", Vectorised, "z.max(axis=-1, keepdims=True)", "z.max(axis=2)[..., None]"),
    ("softmax_cross_entropy", Vectorised, "N = mask.sum()", "N = float(np.sum(mask))"),
    ("softmax_cross_entropy", Vectorised, "return loss, dz", "return np.array(loss), np.ascontiguousarray(dz)"),
    ("softmax_cross_entropy", Vectorised, "return loss, dz", "return [loss, dz]"),
    ("softmax_cross_entropy", Vectorised, "-picked[mask].sum() / N", "-np.average(picked, weights=mask)"),
    ("softmax_cross_entropy", Loops, "sum(math.exp(value - top) for value in z[t, n])", "np.exp(z[t, n] - top).sum()"),
    ("rnn_step", Vectorised, "np.tanh(a)", "2 / (1 + np.exp(-2 * a)) - 1"),
    ("rnn_step", Vectorised, "np.tanh(a)", "np.sinh(a) / np.cosh(a)"),
    ("rnn_step", Vectorised, "np.tanh(a)", "np.asfortranarray(np.tanh(a))"),
    ("rnn_step", Vectorised, "x @ Wx + h_prev @ Wh + b", "b + np.dot(x, Wx) + np.einsum('bi,ij->bj', h_prev, Wh)"),
    ("rnn_step", Vectorised, "x @ Wx + h_prev @ Wh + b", "(Wx.T @ x.T + Wh.T @ h_prev.T + b[:, None]).T"),
    ("rnn_backward", Vectorised, "range(T - 1, -1, -1)", "range(T)[::-1]"),
    ("rnn_backward", Vectorised, "da.sum(axis=0)", "np.ones(B) @ da"),
    ("rnn_backward", Vectorised, "dWx += x[t].T @ da", "dWx += sum(np.outer(a, d) for a, d in zip(x[t], da))"),
    ("rnn_backward", Vectorised, "(1 - h[t + 1] ** 2)", "(1 - np.tanh(np.arctanh(h[t + 1])) ** 2)"),
    ("rnn_backward", OtherAlgebra, "da.sum((0, 1))", "np.einsum('tbj->j', da)"),
    ("dropout", Vectorised, "keep = u >= p", "keep = ~(u < p)"),
    ("dropout", Vectorised, "y = np.where(keep, x / (1 - p), 0)", "y = np.zeros_like(x); y[keep] = x[keep] / (1 - p)"),
    ("dropout", Vectorised, "return y, dx", "return y * 1.0, keep * dy / (1 - p)"),
    ("lstm_step_forward", Vectorised, "1 / (1 + np.exp(-z_i))", "np.tanh(z_i / 2) / 2 + 0.5"),
    ("lstm_step_forward", Vectorised, "1 / (1 + np.exp(-z_f))", "np.exp(z_f) / (1 + np.exp(z_f))"),
    ("lstm_step_forward", Vectorised, "np.split(z, 4, axis=1)", "(z.reshape(len(z), 4, -1)[:, n] for n in range(4))"),
    ("lstm_step_forward", Vectorised, "return h, c", "return [h, c]"),
    ("lstm_step_backward", Vectorised, "(1 - tanh_c**2)", "(1 / np.cosh(c) ** 2)"),
    ("lstm_step_backward", Vectorised, "do = dh * tanh_c", "do = dh * (o * tanh_c) / o"),
    ("lstm_step_backward", Vectorised, "dz.sum(axis=0)", "dz.T @ np.ones(len(dz))"),
    ("lstm_step_backward", Vectorised, "np.hstack([dz_i, dz_f, dz_o, dz_g])", "np.block([[dz_i, dz_f, dz_o, dz_g]])"),
    ("lstm_step_backward", Vectorised, "dWx = x.T @ dz", "dWx = (dz.T @ x).T"),
    ("lstm_backward", Vectorised, "dc = dc_next + dh * o * (1 - tanh_c**2)", "dc = dc_next + dh * (o - o * tanh_c**2)"),
    ("lstm_backward", Vectorised, "dh * tanh_c * o * (1 - o)", "dh * h[t + 1] * (1 - o)"),
    ("lstm_backward", Vectorised, "dWx += x[t].T @ dz", "dWx = dWx + x[t].T @ dz"),
    ("gru_backward", Vectorised, "(h[t] - n[t])", "(h[t + 1] - n[t]) / u[t]"),
    ("gru_backward", Vectorised, "back = dq @ Wh.T + dh * u[t]", "back = dh * u[t] + (Wh @ dq.T).T"),
    ("gru_backward", Vectorised, "reversed(range(T))", "range(T - 1, -1, -1)"),
    ("clip_by_global_norm", Vectorised, "np.sqrt(sum((g**2).sum() for g in grads.values()))",
     "np.linalg.norm([np.linalg.norm(g) for g in grads.values()])"),
    ("clip_by_global_norm", Vectorised, "g * factor for", "np.array(g) * factor for"),
    ("clip_by_global_norm", Vectorised, "return clipped, norm", "return {**clipped}, np.float64(norm)"),
    ("clip_by_global_norm", Vectorised, "if norm > max_norm:", "if norm >= max_norm:"),
    ("adam_step", Vectorised, "g**2", "g * g"),
    ("adam_step", Vectorised, "np.sqrt(s_hat)", "s_hat**0.5"),
    ("adam_step", Vectorised, "beta1**t", "math.pow(beta1, t)"),
    ("adam_step", Vectorised, "m = beta1 * m + (1 - beta1) * g", "m = g + beta1 * (m - g)"),
    ("adam_step", Vectorised, "return theta, m, s", "return [theta, m, s]"),
    ("truncated_bptt", Vectorised, "return y, h", "return y, y[-1].copy()"),
    ("truncated_bptt", Vectorised, "stop = min(start + k, T)", "stop = start + len(x[start : start + k])"),
    ("truncated_bptt", Vectorised, "da = (dy[t] + back)", "da = (back + dy[t])"),
    ("sample", Vectorised,
     "(np.cumsum(p, axis=1) <= u[:, None]).sum(axis=1)",
     "np.array([int(np.argmax(c > r)) for c, r in zip(p.cumsum(1), u)])"),
    ("sample", Vectorised, ".sum(axis=1)", ".sum(axis=1).astype(np.int32)"),
    ("sample", Vectorised, "e = np.exp(z - z.max(axis=1, keepdims=True))", "e = np.exp((z.T - z.max(axis=1)).T)"),
    ("sample", Vectorised,
     "(np.cumsum(p, axis=1) <= u[:, None]).sum(axis=1)",
     "np.array([np.searchsorted(c, r, 'right') for c, r in zip(p.cumsum(1), u)])"),
    ("window_forward", Vectorised, "(phi[:, :, None] * C).sum(axis=1)", "np.einsum('bu,bue->be', phi, C)"),
    ("window_forward", Vectorised, "np.arange(C.shape[1])", "np.arange(C.shape[1])[None, None]"),
    ("window_forward", Vectorised,
     "np.exp(-beta[:, :, None] * delta**2)", "np.exp(-beta)[:, :, None] ** (delta * delta)"),
    ("window_backward", Vectorised, "dC = phi[:, :, None] * dw[:, None, :]", "dC = np.einsum('bu,be->bue', phi, dw)"),
    ("window_backward", Vectorised, "dphi = (C * dw[:, None, :]).sum(axis=2)", "dphi = (C @ dw[:, :, None])[..., 0]"),
    ("ctc_forward", Vectorised,
     "-np.logaddexp(log_alpha[-1, -1], log_alpha[-1, -2])", "-float(logsumexp(log_alpha[-1, -2:]))"),
    ("ctc_forward", Vectorised, "return log_alpha,", "return np.maximum(log_alpha, -1e30),"),
    ("ctc_backward", Vectorised, "np.exp(log_p) - gamma", "-(gamma - np.exp(log_p))"),
    ("ctc_backward", Vectorised, "np.exp(log_alpha + log_beta + loss)", "np.exp(log_alpha - (-loss) + log_beta)"),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(REWRITTEN)))
def test_a_right_answer_written_in_another_way_is_right(n):
    name, style, old, new = REWRITTEN[n]
    source = source_of(style, name)
    assert old in source
    assert judge(exercise_named(name), compiled(source.replace(old, new), name)).state == RIGHT


def test_there_are_enough_of_both():
    assert len(REWRITTEN) >= 60 and 17 * 15 + 8 >= 150 and len(STYLES) == 4


# ---- what a machine would not think of ----------------------------------------------------------------------------

WRONG_ONES = [  # exercise, what stands there in the vectorised answer, what a student wrote
    ("numerical_gradient", "(2 * step)", "(2 * max(step, 0.05))"),
    ("numerical_gradient", "np.zeros_like(theta)\n    for", "np.zeros(theta.size)\n    for"),
    ("embedding_backward", "return dE", "return dE[: x.max() + 1]"),
    ("softmax_cross_entropy", "z.max(axis=-1, keepdims=True)", "z.mean()"),
    ("softmax_cross_entropy", "N = mask.sum()", "N = max(mask.sum(), 2)"),
    ("softmax_cross_entropy", "z - z.max(axis=-1, keepdims=True)", "np.clip(z - z.max(axis=2)[..., None], -700, 0)"),
    ("rnn_step", "np.tanh(a)", "np.clip(a, -1, 1)"),
    ("rnn_step", "+ b", "+ b.mean()"),
    ("rnn_backward", "dh_next = da @ Wh.T", "dh_next = np.clip(da @ Wh.T, -1, 1)"),
    ("rnn_backward", "return dx, dh_next, dWx", "return dx, dh_next, np.clip(dWx, -20, 20)"),
    ("lstm_step_backward", "dx = dz @ Wx.T", "dx = np.clip(dz @ Wx.T, -5, 5)"),
    ("lstm_backward", "dh_next = dz @ Wh.T", "dh_next = np.clip(dz @ Wh.T, -5, 5)"),
    ("gru_backward", "return dx, back", "return np.clip(dx, -10, 10), back"),
    ("dropout", "/ (1 - p)", "/ max(1 - p, 0.5)"),
    ("dropout", "keep = u >= p", "keep = np.random.rand(*u.shape) >= p"),
    ("lstm_step_forward", "np.tanh(z_g)", "np.maximum(z_g, 0)"),
    ("lstm_step_backward", "dx = dz @ Wx.T", "dx = dz[:1] @ Wx.T + 0 * x"),
    ("lstm_backward", "dc_next = dc * f", "dc_next = dc * f * (t > 1)"),
    ("gru_backward", "dbn += dm.sum(axis=0)", "dbn += dm.sum(axis=0) * r[t].mean()"),
    ("clip_by_global_norm", "if norm > max_norm:", "if norm > 1:"),
    ("clip_by_global_norm", "grads.items()", "list(grads.items())[:3]"),
    ("clip_by_global_norm", "for g in grads.values()", "for g in [grads['Wx'], grads['Wh'], grads['b']]"),
    ("adam_step", "+ eps)", "+ 1e-8)"),
    ("adam_step", "beta2**t", "0.999**t"),
    ("adam_step", "g**2", "np.sum(g**2)"),
    ("truncated_bptt", "range(0, T, k)", "range(0, T, 3)"),
    ("sample", "z = z / temperature", "z = z / max(temperature, 0.02)"),
    ("sample", "<= u[:, None]", "< u[:, None]"),
    ("window_forward", "np.arange(C.shape[1])", "np.arange(5)"),
    ("window_forward", "kappa_prev + np.exp(kappa_hat)", "np.minimum(kappa_prev + np.exp(kappa_hat), C.shape[1])"),
    ("window_backward", "kappa[:, :, None] - np.arange", "np.abs(kappa[:, :, None]) - 1e-3 - np.arange"),
    ("ctc_forward", "a + log_p[t, places]", "np.maximum(a + log_p[t, places], -700)"),
    ("ctc_backward", "return np.exp(log_p) - gamma", "return np.round(np.exp(log_p) - gamma, 3)"),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(WRONG_ONES)))
def test_a_wrong_answer_that_is_right_on_most_inputs_is_found_and_not_misnamed(n):
    name, old, new = WRONG_ONES[n]
    source = source_of(Vectorised, name)
    assert old in source
    verdict = judge(exercise_named(name), compiled(source.replace(old, new), name))
    assert verdict.state == WRONG
    assert verdict.mistakes in ((), ("upper end counted in",)), str(verdict)
