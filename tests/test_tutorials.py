"""The chapters in tutorials/: each runs headless, makes its pictures, quotes the package as it is, and its plain
versions compute what the package computes.

A chapter is any file tutorials/NN_name.py; a new one is picked up without a change here.
"""

import ast
import functools
import importlib.util
import inspect
import os
import pathlib
import re
import resource
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from skimage import filters

import minirnn
from minirnn.course import show
from minirnn.ink.vocabularies import BEGIN, END, PenVocabulary
from minirnn.layers import (
    attention_window,
    bidirectional,
    ctc,
    dropout,
    embedding,
    gru,
    lstm,
    rnn,
    softmax_cross_entropy,
    windowed_lstm,
)
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.torch_weights import to_torch
from minirnn.reading.decoding import beam_search
from minirnn.training.optimisers import Adam, clip_by_global_norm
from minirnn.writing.sampling import distribution

PACKAGE = pathlib.Path(minirnn.__file__).parent
TUTORIALS = PACKAGE.parent / "tutorials"
CHAPTERS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
LIMIT = 120  # seconds of computing that a chapter may take; a busy machine may make it wait longer than that
TOLERANCE = 1e-12  # of plain version against package, in float64, values of the order of one

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
every_seed = pytest.mark.parametrize("seed", range(3))


def markdown(chapter):
    """The text of a chapter's Markdown cells, without the comment signs."""
    cells = re.split(r"^# %%", chapter.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "\n".join(re.sub(r"^# ?", "", cell, flags=re.MULTILINE) for cell in cells if cell.startswith(" [markdown]"))


def pictures_named(chapter):
    """The file names that a chapter hands to ``show.picture``."""
    calls = [node for node in ast.walk(ast.parse(chapter.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [call.args[1].value for call in calls if ast.unparse(call.func) == "show.picture"]


@functools.cache
def plain_versions(number):
    """The imports, CONSTANTS and functions of chapter ``number`` (its other lines are not run) by name."""

    def is_constant(node):
        return isinstance(node, ast.Assign) and re.fullmatch("[A-Z_]{2,}", ast.unparse(node.targets[0]))

    (chapter,) = TUTORIALS.glob(f"{number:02d}_*.py")
    tree = ast.parse(chapter.read_text(encoding="utf-8"))
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    tree.body = [node for node in tree.body if isinstance(node, kinds) or is_constant(node)]
    names = {}
    exec(compile(tree, str(chapter), "exec"), names)
    return names


# ---- every chapter ------------------------------------------------------------------------------------------------


@every_chapter
def test_a_chapter_runs_and_makes_its_pictures(chapter, tmp_path):
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "MINIRNN_PICTURES": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONIOENCODING": "utf-8",
    }
    environment.pop("DISPLAY", None)
    environment.pop("MPLBACKEND", None)
    result = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", str(chapter)],
        env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr or f"killed: more than {LIMIT} s of computing"

    names = pictures_named(chapter)
    assert names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for name in names:
        assert name.startswith(chapter.name[:3])
        with Image.open(tmp_path / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 5, f"{name} is blank"

    # What the chapter printed as the package's source stands there, at the line it names.
    quotes = re.findall(r"^    (minirnn/\S+\.py), line (\d+)\n((?:    \|.*\n)+)", result.stdout, flags=re.MULTILINE)
    assert quotes, "a chapter shows the lines that it speaks of"
    for path, first, quote in quotes:
        in_file = (PACKAGE.parent / path).read_text(encoding="utf-8").splitlines()[int(first) - 1 :]
        for quoted, real in zip(quote.splitlines(), in_file):
            assert quoted[6:].strip() == real.strip()


@every_chapter
def test_a_chapter_has_its_parts(chapter):
    text = markdown(chapter)
    assert text.lstrip(" []markdown\n").startswith(f"# {int(chapter.name[:2])}. ")
    predict = "## Predict, then change, then run"
    for part in ("**Takes for granted**", "**Runs for**", "**You should see**", predict, "## Three questions"):
        assert text.count(part) == 1, part
    questions = text.split("## Three questions")[1]
    assert re.findall(r"^(\d)\. ", questions, flags=re.MULTILINE) == ["1", "2", "3"]
    answers = (TUTORIALS / "answers" / f"{chapter.name[:2]}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d)\.", answers, flags=re.MULTILINE) == ["1", "2", "3"]
    assert predict in answers
    assert chapter.name in (TUTORIALS / "README.md").read_text(encoding="utf-8")


@every_chapter
def test_code_quoted_in_the_text_of_a_chapter_is_in_the_package_or_in_the_chapter(chapter):
    """Code between backquotes that does something (assigns, calls) must be a piece of a real line, unless the text
    itself calls it wrong."""
    own = "\n".join(line for line in chapter.read_text(encoding="utf-8").splitlines() if not line.startswith("# "))
    known = package_source() + re.sub(r"\s+", " ", own)
    paragraphs = re.sub(r"```.*?```", "", markdown(chapter), flags=re.DOTALL).split("\n\n")
    for paragraph in paragraphs:
        for code in re.findall(r"`([^`]+)`", paragraph):
            code = re.sub(r"\s+", " ", code)
            if re.search(r" [-+*/]?= |\(", code) and not re.search(r"\bwrong\b", paragraph):
                assert code in known, f"`{code}` is quoted, but nowhere to be found"
            elif re.fullmatch(r"minirnn(\.\w+)+", code):
                assert named_object_exists(code), f"`{code}` does not exist"


@functools.cache
def package_source():
    """All source of the package as one string, a space in the place of every line break and indentation."""
    return re.sub(r"\s+", " ", " ".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")))


def named_object_exists(name):
    """Whether ``name`` (dotted) is a module, or an attribute of one."""
    module, _, attribute = name.rpartition(".")
    if importlib.util.find_spec(module) is None:
        return False
    return hasattr(importlib.import_module(module), attribute) or importlib.util.find_spec(name) is not None


# ---- show.source --------------------------------------------------------------------------------------------------


def test_show_source_prints_the_lines_between_its_anchors_and_refuses_anchors_that_are_gone(capsys):
    show.source(rnn.backward, "np.multiply(h[t + 1]", "da[t] *= dh")
    shown = capsys.readouterr().out.splitlines()
    lines, start = inspect.getsourcelines(rnn.backward)
    place = next(number for number, line in enumerate(lines) if "np.multiply(h[t + 1]" in line)
    assert shown[0].strip() == f"minirnn/layers/rnn.py, line {start + place}"
    assert [line.lstrip(" |") for line in shown[1:]] == [line.strip() for line in lines[place : place + 3]]
    with pytest.raises(ValueError, match="no line with 'dh = 42'"):
        show.source(rnn.backward, "dh = 42")


# ---- plain version and package, chapter by chapter ----------------------------------------------------------------


def random_layer(cell, seed, T=5, B=3, D=4, H=2):
    """x, a state that is not zero, parameters of order one, dy and dstate, all float64."""
    rng = np.random.default_rng(seed)
    params = {name: rng.standard_normal(array.shape) for name, array in cell.init(rng, D, H, np.float64).items()}
    state = tuple(rng.standard_normal(array.shape) for array in cell.start(B, params))
    dstate = tuple(rng.standard_normal(array.shape) for array in state)
    return rng.standard_normal((T, B, D)), state, params, rng.standard_normal((T, B, H)), dstate


def assert_same(plain, package):
    """Both are arrays, or tuples or dicts of them, equal to TOLERANCE."""
    if isinstance(package, dict):
        assert plain.keys() == package.keys()
        plain, package = [plain[key] for key in package], list(package.values())
    if isinstance(package, (tuple, list)):
        assert len(plain) == len(package)
        for one, other in zip(plain, package):
            assert_same(one, other)
    else:
        np.testing.assert_allclose(plain, package, rtol=TOLERANCE, atol=TOLERANCE)


def assert_cell_agrees(cell, forward_plain, backward_plain, seed):
    """forward_plain(x, state, params) -> y, state, cache; backward_plain(dy, dstate, cache) -> dx, dstate, grads."""
    x, state, params, dy, dstate = random_layer(cell, seed)
    y_plain, end_plain, cache_plain = forward_plain(x, state, params)
    y, end, cache = cell.forward(x, state, params)
    assert_same((y_plain, end_plain), (y, end))
    for errors in (dstate, None):
        assert_same(backward_plain(dy, errors, cache_plain), cell.backward(dy, errors, cache))


@every_seed
def test_chapter_1_softmax_and_cross_entropy(seed):
    rng = np.random.default_rng(seed)
    z, targets = 3 * rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
    plain = plain_versions(1)
    loss, cache = softmax_cross_entropy.forward(z, targets)
    assert_same(plain["cross_entropy_plain"](z, targets), loss)
    assert_same(plain["softmax_cross_entropy_backward_plain"](z, targets), softmax_cross_entropy.backward(cache))
    assert_same(plain["softmax_plain"](z), cache[0])
    x, E, dy = targets, rng.standard_normal((5, 4)), rng.standard_normal((6, 4))
    onehot = np.eye(5)[x]  # the chapter's words: y = onehot(x) E, dE = onehot(x)ᵀ dy
    y, cache = embedding.forward(x, {"E": E})
    assert_same((onehot @ E, onehot.T @ dy), (y, embedding.backward(dy, cache)["E"]))


@every_seed
@pytest.mark.parametrize("number, name, cell", [(2, "rnn", rnn), (5, "lstm", lstm), (6, "gru", gru)])
def test_chapters_2_5_and_6_forward_and_backward_of_the_cells(number, name, cell, seed):
    plain = plain_versions(number)
    assert_cell_agrees(cell, plain[f"{name}_forward_plain"], plain[f"{name}_backward_plain"], seed)


@every_seed
def test_chapter_4_lstm_forward(seed):
    x, state, params, _, _ = random_layer(lstm, seed)
    assert_same(plain_versions(4)["lstm_forward_plain"](x, state, params)[:2], lstm.forward(x, state, params)[:2])


def test_chapter_8_the_gradient_in_one_chunk_is_the_gradient(seed=0):
    rng = np.random.default_rng(seed)
    network = CharRNN(5, "lstm", layers=1, hidden=4, embed=3, dtype=np.float64)
    chunk = {"x": rng.integers(0, 5, (6, 2)), "y": rng.integers(0, 5, (6, 2))}
    in_chunks = plain_versions(8)["gradient_in_chunks"]
    whole = network.backward(network.loss(chunk, network.start(2))[2])["lstm1"]["Wh"]
    assert_same(in_chunks(network, chunk, 6), whole)
    assert np.abs(in_chunks(network, chunk, 2) - whole).max() > 1e-6


def adam_steps(theta, gradients, lr, **options):
    """theta after a step of the package's Adam for each of ``gradients``."""
    params = {"theta": theta.copy()}
    adam = Adam(params, **options)
    for g in gradients:
        adam.step(params, {"theta": g}, lr)
    return params["theta"]


@every_seed
def test_chapter_9_adam_and_clipping(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(9)
    theta, gradients = rng.standard_normal((3, 2)), rng.standard_normal((30, 3, 2))
    assert_same(plain["adam_plain"](theta, gradients, 0.01), adam_steps(theta, gradients, 0.01))
    grads = {"W": gradients[0], "b": gradients[1, 0]}
    for max_norm in (0.5, 100.0):
        clipped = {name: g.copy() for name, g in grads.items()}
        clip_by_global_norm(clipped, max_norm)
        assert_same(plain["clip_plain"](grads, max_norm), clipped)


@every_seed
def test_chapter_10_dropout_and_weight_decay(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(10)
    y, m = plain["dropout_plain"](rng.standard_normal((4, 3, 5)), 0.4, rng)
    x = np.where(m > 0, y / np.where(m > 0, m, 1), 7.0)  # where a unit is silent, x does not matter
    assert_same(y, dropout.forward(x, m)[0])
    assert set(np.unique(m)) == {0.0, 1 / 0.6}
    theta, gradients = rng.standard_normal((3, 2)), rng.standard_normal((30, 3, 2))
    assert_same(plain["adamw_plain"](theta, gradients, 0.01, 0.3), adam_steps(theta, gradients, 0.01, weight_decay=0.3))


@every_seed
def test_chapter_11_temperature_top_k_top_p_and_the_draw(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(11)
    z = 2 * rng.standard_normal(9)
    p = distribution(z)
    for tau in (0.2, 1.0, 3.0):
        assert_same(plain["temperature_plain"](z, tau), distribution(z, tau))
    for k in range(1, 10):
        assert_same(plain["top_k_plain"](p, k), distribution(z, top_k=k))
    for enough in (0.1, 0.5, 0.9, 0.999):
        assert_same(plain["top_p_plain"](p, enough), distribution(z, top_p=enough))
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    assert [plain["draw_plain"](one, p) for _ in range(50)] == [other.choice(9, p=p) for _ in range(50)]


@every_seed
def test_chapter_12_closing_and_thresholds(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(12)
    image = np.clip(rng.normal(0.7, 0.1, (40, 50)) - 0.5 * (rng.random((40, 50)) < 0.2), 0, 1)
    assert_same(plain["closing_plain"](image[0], 7), ndimage.grey_closing(image[0], 7))
    assert_same(plain["otsu_plain"](image), filters.threshold_otsu(image))
    sauvola = filters.threshold_sauvola(image, window_size=15, k=0.7, r=0.5)
    assert_same(plain["sauvola_plain"](image, 20, 30, 15), sauvola[20, 30])


@every_seed
def test_chapter_13_decoding_and_the_codebook(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(13)
    points = rng.standard_normal((60, 2))
    ours, _ = plain["kmeans_plain"](points, points[:5], rounds=20)
    assert_same(ours, kmeans2(points, points[:5].copy(), iter=20, minit="matrix")[0])
    vocabulary = PenVocabulary(ours)
    moves = rng.integers(max(BEGIN, END) + 1, len(vocabulary), 80)
    ids = [BEGIN, len(vocabulary) - 1, *moves, END]  # a line begins with a lift
    assert_same(plain["decode_plain"](vocabulary, ids), vocabulary.decode(ids))


@every_seed
def test_chapter_14_the_window_and_the_reader(seed, T=4, B=3, U=5, D=2, E=4, H=6, K=2):
    rng, plain = np.random.default_rng(seed), plain_versions(14)
    C, z, kappa = rng.standard_normal((B, U, E)), rng.standard_normal((B, 3 * K)), 3 * rng.random((B, K))
    *results, cache = attention_window.step_forward(z, kappa, C)
    assert_same(plain["window_forward_plain"](z, kappa, C), results)
    dw, dkappa = rng.standard_normal((B, E)), rng.standard_normal((B, K))
    *by_hand, dC = plain["window_backward_plain"](dw, dkappa, z, kappa, C)
    assert_same(by_hand, attention_window.step_backward(dw, dkappa, C, cache))
    assert_same(dC, results[2][:, :, None] * dw[:, None])  # what the reader adds up over time

    params = {name: 0.5 * rng.standard_normal(a.shape) for name, a in windowed_lstm.init(rng, D, E, H, K, 0.5).items()}
    x, state = rng.standard_normal((T, B, D)), tuple(rng.standard_normal((B, n)) for n in (H, H, K, E))
    *results, cache = windowed_lstm.forward(x, C, state, params)
    *results_plain, cache_plain = plain["reader_forward_plain"](x, C, state, params)
    assert_same(results_plain, results)
    errors = (rng.standard_normal((T, B, H)), rng.standard_normal((T, B, E)), tuple(map(np.ones_like, state)))
    assert_same(plain["reader_backward_plain"](*errors, cache_plain), windowed_lstm.backward(*errors, cache))


@every_seed
def test_chapter_18_the_paths_and_the_two_sweeps(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(18)
    z, y = rng.standard_normal((6, 4)), [2, 2, 1]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss, cache = ctc.forward(z[:, None], np.array(y)[:, None], np.array([6]), np.array([3]))
    assert_same(plain["probability_plain"](p, y), np.exp(-3 * loss))
    alpha, beta, _ = plain["sweeps_plain"](p, y)
    assert_same(alpha, np.exp(cache[2][:, 0]))
    assert_same((alpha * beta).sum(axis=1), np.full(6, np.exp(-3 * loss)))


@every_seed
def test_chapter_19_the_sum_over_all_texts_and_the_beam(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(19)
    z = rng.standard_normal((6, 4))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    everything = {ids: sum(ends) for ids, ends in plain["beam_plain"](p)[-1].items()}
    assert_same(sum(everything.values()), 1.0)
    for ids, probability in list(everything.items())[:20]:
        loss, _ = ctc.forward(z[:, None], np.array(ids, int)[:, None], np.array([6]), np.array([len(ids)]))
        assert_same(probability, np.exp(-loss * max(len(ids), 1)))
    for width in (1, 3, 10_000):
        ours = {ids: sum(ends) for ids, ends in plain["beam_plain"](p, width)[-1].items()}
        assert_same(ours, {ids: np.exp(score) for score, ids in beam_search(np.log(p), width)})


@every_seed
def test_chapter_21_layers_by_steps_and_in_both_directions(seed):
    rng, plain = np.random.default_rng(seed), plain_versions(21)
    x, below = rng.standard_normal((6, 3, 5)), lstm.init(rng, 5, 4, np.float64)
    above = lstm.init(rng, 4, 2, np.float64)
    h, _, _ = lstm.forward(x, lstm.start(3, below), below)
    y, _, _ = lstm.forward(h, lstm.start(3, above), above)
    states = [lstm.start(3, below), lstm.start(3, above)]
    assert_same(plain["stack_by_steps"](x, states, [below, above]), y)
    both, lengths = bidirectional.init(rng, 5, 4, lstm, np.float64), rng.permutation([6, 1, 4])
    assert_same(plain["bidirectional_plain"](x, lengths, both), bidirectional.forward(x, lengths, both, lstm)[0])


@every_seed
@pytest.mark.parametrize("name, cell", [("lstm", lstm), ("gru", gru)])
def test_chapter_23_the_formulas_of_pytorch_on_its_arrays(name, cell, seed):
    x, _, params, _, _ = random_layer(cell, seed)
    empty = {"embedding": {"E": np.zeros((1, 4))}, "softmax": {"W": np.zeros((2, 1)), "b": np.zeros(1)}}
    there = to_torch({**empty, f"{name}1": params})
    arrays = [there[f"rnn.{key}_l0"] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    y, _, _ = cell.forward(x, cell.start(3, params), params)
    assert_same(plain_versions(23)[f"torch_{name}_plain"](x, *arrays), y)


@every_seed
def test_chapter_16_every_version_of_the_lstm(seed):
    x, state, params, dy, _ = random_layer(lstm, seed)
    plain = plain_versions(16)
    y, dx, grads = plain["package_lstm"](x, state, params, dy)
    assert_same(plain["plain_lstm"](x, state, params, dy), (y, dx, grads))
    for before in (False, True):
        for activate in (plain["activate"], plain["one_tanh"]):
            assert_same(plain["block_lstm"](x, state, params, dy, before, activate), (y, dx, grads))
