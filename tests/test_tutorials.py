"""The chapters in tutorials/: each runs headless, makes its pictures, quotes the package as it is, and its plain
versions compute what the package computes.

A chapter is any file tutorials/NN_name.py; a new one is picked up without a change here.
"""

import ast
import importlib.util
import inspect
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import minirnn
from minirnn.layers import gru, lstm, rnn, softmax_cross_entropy

PACKAGE = pathlib.Path(minirnn.__file__).parent
TUTORIALS = PACKAGE.parent / "tutorials"
CHAPTERS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
LIMIT = 120  # seconds a chapter may take
TOLERANCE = 1e-12  # of plain version against package, in float64, values of the order of one

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def markdown(chapter):
    """The text of a chapter's Markdown cells, without the comment signs."""
    cells = re.split(r"^# %%", chapter.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "\n".join(re.sub(r"^# ?", "", cell, flags=re.MULTILINE) for cell in cells if cell.startswith(" [markdown]"))


def pictures_named(chapter):
    """The file names that a chapter hands to ``show.picture``."""
    calls = [node for node in ast.walk(ast.parse(chapter.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [call.args[1].value for call in calls if ast.unparse(call.func) == "show.picture"]


def plain_versions(number):
    """The imports and functions of chapter ``number`` (its other lines are not run) by name."""
    (chapter,) = TUTORIALS.glob(f"{number:02d}_*.py")
    tree = ast.parse(chapter.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef))]
    names = {}
    sys.path.insert(0, str(TUTORIALS))
    try:
        exec(compile(tree, str(chapter), "exec"), names)
    finally:
        sys.path.remove(str(TUTORIALS))
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
        env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=LIMIT,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr

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
    for part in ("**Takes for granted**", "**Runs for**", "**You should see**", "## Three questions"):
        assert text.count(part) == 1, part
    questions = text.split("## Three questions")[1]
    assert re.findall(r"^(\d)\. ", questions, flags=re.MULTILINE) == ["1", "2", "3"]
    answers = (TUTORIALS / "answers" / f"{chapter.name[:2]}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d)\.", answers, flags=re.MULTILINE) == ["1", "2", "3"]
    assert chapter.name in (TUTORIALS / "README.md").read_text(encoding="utf-8")


@every_chapter
def test_code_quoted_in_the_text_of_a_chapter_is_in_the_package_or_in_the_chapter(chapter):
    """Code between backquotes that does something (assigns, calls) must be a piece of a real line, unless the text
    itself calls it wrong."""
    source = " ".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    own = "\n".join(line for line in chapter.read_text(encoding="utf-8").splitlines() if not line.startswith("# "))
    known = re.sub(r"\s+", " ", source + own)
    paragraphs = re.sub(r"```.*?```", "", markdown(chapter), flags=re.DOTALL).split("\n\n")
    for paragraph in paragraphs:
        for code in re.findall(r"`([^`]+)`", paragraph):
            code = re.sub(r"\s+", " ", code)
            if re.search(r" [-+*/]?= |\(", code) and not re.search(r"\bwrong\b", paragraph):
                assert code in known, f"`{code}` is quoted, but nowhere to be found"
            elif re.fullmatch(r"minirnn(\.\w+)+", code):
                assert named_object_exists(code), f"`{code}` does not exist"


def named_object_exists(name):
    """Whether ``name`` (dotted) is a module, or an attribute of one."""
    module, _, attribute = name.rpartition(".")
    if importlib.util.find_spec(module) is None:
        return False
    return hasattr(importlib.import_module(module), attribute) or importlib.util.find_spec(name) is not None


# ---- show.source --------------------------------------------------------------------------------------------------


def test_show_source_prints_the_lines_between_its_anchors_and_refuses_anchors_that_are_gone(capsys):
    show = plain_versions(1)["show"]
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


@pytest.mark.parametrize("seed", range(3))
def test_chapter_1_softmax_and_cross_entropy(seed):
    rng = np.random.default_rng(seed)
    z, targets = 3 * rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
    plain = plain_versions(1)
    loss, cache = softmax_cross_entropy.forward(z, targets)
    assert_same(plain["cross_entropy_plain"](z, targets), loss)
    assert_same(plain["softmax_cross_entropy_backward_plain"](z, targets), softmax_cross_entropy.backward(cache))
    assert_same(plain["softmax_plain"](z), cache[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("number, name, cell", [(2, "rnn", rnn), (5, "lstm", lstm), (6, "gru", gru)])
def test_chapters_2_5_and_6_forward_and_backward_of_the_cells(number, name, cell, seed):
    plain = plain_versions(number)
    assert_cell_agrees(cell, plain[f"{name}_forward_plain"], plain[f"{name}_backward_plain"], seed)


@pytest.mark.parametrize("seed", range(3))
def test_chapter_4_lstm_forward(seed):
    x, state, params, _, _ = random_layer(lstm, seed)
    assert_same(plain_versions(4)["lstm_forward_plain"](x, state, params)[:2], lstm.forward(x, state, params)[:2])
