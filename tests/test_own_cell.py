"""A recurrent layer of one's own: it is checked in words, trained, generated from, and never run unasked."""

import inspect
import pathlib
import re
import shutil
import textwrap

import numpy as np
import pytest
from student_answers import Vectorised

from minirnn.course import show
from minirnn.errors import MinirnnError, run_command
from minirnn.evaluate import main as evaluate
from minirnn.generate import main as generate
from minirnn.gradcheck import main as gradcheck
from minirnn.grade import main as grade
from minirnn.grading import FILES, NAMES
from minirnn.layers import CELLS
from minirnn.networks.gradient_cases import stack_case
from minirnn.networks.gradient_check import check
from minirnn.networks.own_cell import complaints, load_cell
from minirnn.train import main as train
from minirnn.writing import letters

TUTORIALS = pathlib.Path(__file__).parents[1] / "tutorials"
OWN = sorted(show.CELLS.glob("*.py"))


@pytest.fixture(autouse=True)
def cells_as_before():
    before = dict(CELLS)
    yield
    CELLS.clear()
    CELLS.update(before)


def mended(tmp_path, *changes, cell="peephole"):
    """A copy of a cell with what stands in it replaced -> its path."""
    source = (show.CELLS / f"{cell}.py").read_text(encoding="utf-8")
    for old, new in zip(changes[::2], changes[1::2]):
        assert old in source
        source = source.replace(old, new)
    path = tmp_path / "my_cell.py"
    path.write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_cells_of_the_chapter_are_right_and_short(path, capsys):
    assert run_command(gradcheck, [str(path)]) == 0
    assert "all gradients are right" in capsys.readouterr().out
    code = path.read_text(encoding="utf-8").split('"""\n', 1)[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 60


@pytest.fixture
def done(tmp_path):
    """A folder of exercises that are all right."""
    shutil.copytree(TUTORIALS / "exercises", tmp_path / "done")
    for name, file in zip(NAMES, FILES):
        source = textwrap.dedent(inspect.getsource(getattr(Vectorised, name)))
        (tmp_path / "done" / file).write_text(f"import numpy as np\n\n\n{source}", encoding="utf-8")
    return tmp_path / "done"


def test_exercises_of_any_number_make_a_cell_and_one_that_is_missing_is_named(done):
    (done / "05_rnn_backward.py").rename(done / "rnn_backward.py")
    assert complaints(CELLS[load_cell(done / "my_rnn.py")]) == []
    (done / "rnn_backward.py").unlink()
    with pytest.raises(MinirnnError, match=r"rnn_backward\.py has to lie in the same folder"):
        load_cell(done / "my_rnn.py")


@pytest.mark.parametrize("name", ["my_rnn", "my_lstm"])
def test_right_exercises_make_a_right_cell(done, name):
    assert complaints(CELLS[load_cell(done / f"{name}.py")]) == []


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_packages_own_cells_have_nothing_to_complain_of(name):
    assert complaints(CELLS[name]) == []


WRONG = [
    (("dh, dc = dz[t] @ Wh.T, ", "dh, dc = 0 * dh + (dz[t] @ Wh.T if t == 0 else 0), "), "for one step it is right"),
    (("dz_o = dh * tanh_c", "dz_o = dh"), r"the gradient of x is wrong: \[0, 0, 0\] is .*, by central differences"),
    (("dh + dy[t], np", "np.add(dy[t], dh, out=dy[t]), np"), "backward writes into dy or dstate"),
    (("Wx.shape[1]), dy.dtype)", "Wx.shape[1]))"), "is float64 where"),
    (("(h[-1].copy(), c[-1].copy())", "(h[-1].copy(), h[-1].copy())"), "five steps at once are not two"),
    (("return np.array(h[1:]), (", "state[0][...] = 0\n    return np.array(h[1:]), ("), "forward writes into x"),
    (('"p": dp, ', ""), "grads should have the keys of params; p missing or too many"),
    (("return dz @ Wx.T, (dh, dc)", "return dz @ Wx.T, (dh,)"), "the state should be a tuple of 2 everywhere"),
    (("x, h, c, gates, params = cache", "raise NotImplementedError"),
     r"backward \(my_cell.py, line \d+\) is not written yet"),
    (("x, h, c, gates, params = cache", "x, h, c = cache"), r"backward \(my_cell.py, line \d+\) raises ValueError"),
    (("else dstate\n", "else dstate\n    if dstate is None: dy = 2 * dy\n"),
     "dstate None is not backward with a dstate of zeros"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_a_wrong_cell_is_told_where_to_look(tmp_path, capsys, changes, words):
    assert run_command(gradcheck, [str(mended(tmp_path, *changes))]) == 2
    captured = capsys.readouterr()
    assert "is not a cell yet" in captured.err
    assert re.search(words, captured.out), captured.out


def test_a_cell_may_have_any_number_of_states(tmp_path):
    path = tmp_path / "three.py"
    path.write_text(textwrap.dedent("""
        import numpy as np

        def init(rng, D, H, dtype=np.float32):
            return {"W": rng.standard_normal((D, H)).astype(dtype)}

        def start(B, params):
            return tuple(np.zeros((B, params["W"].shape[1]), params["W"].dtype) for _ in range(3))

        def forward(x, state, params):
            y = []
            for x_t in x:
                a, b, c = state
                state = (x_t @ params["W"] + c, a, b)
                y.append(state[0])
            return np.array(y), tuple(s.copy() for s in state), (x, params)

        def backward(dy, dstate, cache):
            x, params = cache
            da, db, dc = dstate or tuple(np.zeros_like(dy[0]) for _ in range(3))
            dx, dW = np.zeros_like(x), np.zeros_like(params["W"])
            for t in reversed(range(len(dy))):
                da = da + dy[t]
                dx[t] = da @ params["W"].T
                dW += x[t].T @ da
                da, db, dc = db, dc, da
            return dx, (da, db, dc), {"W": dW}
    """), encoding="utf-8")  # fmt: skip
    assert complaints(CELLS[load_cell(path)]) == []
    assert all(result.ok for result in check(stack_case(np.random.default_rng(0), "three", layers=2)))


def test_what_is_no_cell_is_an_error(tmp_path):
    for name, source, words in (
        ("none.py", "x = 1\n", "has no function init"),
        ("broken.py", "import nothing_of_this_name\n", "cannot be loaded: ModuleNotFoundError"),
        ("lstm.py", "x = 1\n", "there is a cell lstm already"),
        ("my-cell.py", "x = 1\n", "cannot be the name of a cell"),
    ):
        (tmp_path / name).write_text(source, encoding="utf-8")
        with pytest.raises(MinirnnError, match=words):
            load_cell(tmp_path / name)
    with pytest.raises(MinirnnError, match="does not exist"):
        load_cell(tmp_path / "nothing.py")


def test_a_run_with_a_cell_of_its_own_is_trained_generated_from_evaluated_and_resumed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(letters, "handwrite", lambda *arguments, **options: [])
    text, run, cell = tmp_path / "text.txt", tmp_path / "run", str(mended(tmp_path, cell="mgu"))
    text.write_text("the sun shines on the old stone house. " * 60, encoding="utf-8")
    small = ["--layers", "2", "--hidden", "8", "--embed", "4", "--batch", "4", "--steps-per-chunk", "8"]
    small += ["--schedule", "constant", "--threads", "1"]
    words = ["--text", str(text), "--cell-from", cell, "--steps", "6", "--out", str(run), *small]
    assert run_command(train, words) == 0
    commands = {
        generate: [str(run), "--seed", "the ", "--length", "5"],
        evaluate: [str(run), "--text", str(text)],
        train: ["--resume", str(run), "--steps", "8"],
    }
    for main, arguments in commands.items():
        del CELLS["my_cell"]  # as in a process of its own
        capsys.readouterr()
        assert run_command(main, arguments) == 2
        assert "has a cell of its own" in (said := capsys.readouterr().err) and "--cell-from my_cell.py" in said
        assert run_command(main, [*arguments, "--cell-from", cell]) == 0
    with open(cell, "a", encoding="utf-8") as file:
        file.write("\n# another cell\n")
    assert run_command(train, [*commands[train], "--cell-from", cell]) == 2
    assert "another file of the cell" in capsys.readouterr().err
    assert run_command(generate, [*commands[generate], "--cell-from", cell]) == 0
    assert "has changed since" in capsys.readouterr().err


def test_a_cell_that_ends_python_is_no_success(tmp_path):
    (tmp_path / "quitter.py").write_text("import sys; sys.exit(0)", encoding="utf-8")
    with pytest.raises(MinirnnError, match=r"quitter\.py cannot be loaded: SystemExit"):
        load_cell(tmp_path / "quitter.py")


def test_the_capstone_trains_the_students_cell_and_writes_a_page(done, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(grade, ["--capstone", "done/my_rnn.py", "--minutes", "0.02"]) == 0
    said = capsys.readouterr().out
    assert "all its gradients agree with central differences" in said
    assert [line.split()[0] for line in said.splitlines() if "runs/capstone-" in line and "nats" not in line][:1]
    assert (tmp_path / "runs" / "capstone-my_rnn-1" / "page.png").exists()


def test_the_capstone_of_exercises_that_are_not_done_says_which(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(grade, ["--capstone", str(TUTORIALS / "exercises" / "my_rnn.py")]) == 2
    assert "rnn_step (04_rnn_step.py" in capsys.readouterr().err
