"""The grader: right answers pass in whatever style, every planted mistake is called by its name, and nothing that a
student's file may do takes the grader down."""

import csv
import inspect
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import time
import tracemalloc

import numpy as np
import pytest
import student_answers
from planted_mistakes import PLANTED
from student_answers import STYLES, Loops, Package, Vectorised

from minirnn.errors import MinirnnError, run_command
from minirnn.grade import main
from minirnn.grading import FILES, NAMES, exercise_named, name_of, runner
from minirnn.grading.exercise import GradedCase, mistaken, results
from minirnn.grading.judge import MATCH, NOT_YET, RIGHT, TOLERANCE, WRONG, Verdict, judge, mistaken_results, same
from minirnn.grading.runner import exercise_files, grade_file, report

EXERCISES = {name: exercise_named(name) for name in NAMES}
HANDED_OUT = pathlib.Path(__file__).parents[1] / "tutorials" / "exercises"


def source_of(style, name):
    return textwrap.dedent(inspect.getsource(getattr(style, name)))


def compiled(source, name):
    """The function ``name`` of ``source``, which finds NumPy and the package where the answers find them."""
    names = dict(vars(student_answers))
    exec(source, names)
    return names[name]


def plant(style, name, *changes):
    source = source_of(style, name)
    for old, new in zip(changes[::2], changes[1::2]):
        assert old in source, f"the answer has changed: {old} is not in it"
        source = source.replace(old, new)
    return compiled(source, name)


def write_answer(folder, name, source):
    """A student's file: what was handed out, with its function replaced by ``source``, and the imports it needs."""
    file = FILES[NAMES.index(name)]
    head = (HANDED_OUT / file).read_text(encoding="utf-8").split("\ndef ")[0]
    path = folder / file
    modules = {key: value for key, value in vars(student_answers).items() if inspect.ismodule(value)}
    needed = [f"import {value.__name__} as {key}" for key, value in modules.items() if f"{key}." in source]
    path.write_text("\n".join([head, *needed, source]), encoding="utf-8")
    return path


# Right answers


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_right_answers_pass(name, style):
    assert judge(EXERCISES[name], compiled(source_of(style, name), name)) == Verdict(RIGHT)


def test_with_the_package_as_solutions_all_files_are_right(tmp_path, capsys):
    shutil.copytree(HANDED_OUT, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in NAMES:
        write_answer(tmp_path, name, source_of(Package, name))
    assert run_command(main, [str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in said[:-1]] == [RIGHT] * 18 and said[-1] == "all 18 right"


# Mistakes


def test_there_are_many_mistakes():
    assert all(len(exercise.mistakes) >= 6 for exercise in EXERCISES.values())
    assert sum(len(planted) for planted in PLANTED.values()) >= 150


@pytest.mark.parametrize("name", NAMES)
def test_planted_mistakes_are_called_by_their_names(name):
    for mistake, style, *changes in PLANTED[name]:
        verdict = judge(EXERCISES[name], plant(style, name, *changes))
        assert (verdict.state, verdict.mistakes) == (WRONG, (mistake,)), str(verdict)
        assert EXERCISES[name].mistakes[mistake] in verdict.words
    assert len({mistake for mistake, *_ in PLANTED[name]}) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_every_way_of_making_a_mistake_is_called_by_its_name(name):
    exercise = EXERCISES[name]
    assert {mistake for mistake, _ in exercise.ways} == exercise.mistakes.keys()
    for mistake, changes in exercise.ways:
        verdict = judge(exercise, mistaken(exercise, changes))
        assert (verdict.state, verdict.mistakes) == (WRONG, (mistake,)), (changes, str(verdict))


@pytest.mark.parametrize("name", NAMES)
def test_the_inputs_tell_every_mistake_from_right_and_from_every_other(name):
    exercise = EXERCISES[name]

    def agree(a, b, tolerance):
        return all(same(own[key], other[key], tolerance) for own, other in zip(a, b) for key in own)

    plain = results(exercise, exercise.solution, exercise.judged_on)
    assert agree(plain, exercise.right, TOLERANCE), "the solution into which mistakes are put is itself right"
    ways = {n: mistaken_results(exercise, (n,)) for n in range(len(exercise.ways))}
    assert [exercise.ways[n] for n in ways if agree(ways[n], exercise.right, TOLERANCE)] == []
    pairs = [(exercise.ways[a], exercise.ways[b]) for a, b in itertools.combinations(ways, 2) if
             exercise.ways[a][0] != exercise.ways[b][0] and agree(ways[a], ways[b], MATCH)]  # fmt: skip
    assert pairs == []


def test_two_mistakes_at_once_are_both_named():
    function = plant(Vectorised, "lstm_step_backward", "(1 - g**2)", "1", "dc_prev = dc * f", "dc_prev = dc")
    verdict = judge(EXERCISES["lstm_step_backward"], function)
    assert set(verdict.mistakes) == {"tanh' missing for g", "dc_prev without f"}
    assert "2 mistakes at once" in verdict.words


def test_a_mistake_for_each_output_is_named_for_each():
    changes = ("dc_prev = dc * f", "dc_prev = dc", "db = dz.sum(axis=0)", "db = dz[0]", "dz @ Wh.T", "dh")
    verdict = judge(EXERCISES["lstm_step_backward"], plant(Vectorised, "lstm_step_backward", *changes))
    assert set(verdict.mistakes) == {"dh_prev without Wh", "dc_prev without f", "db not summed over the batch"}


def test_the_error_that_stops_at_the_last_step_is_said_in_those_words():
    verdict = judge(EXERCISES["gru_backward"], plant(Vectorised, "gru_backward", "dy[t] + back", "dy[t]"))
    assert "dWh and the others are right at t = T-1 only: the gradient from later steps does not reach" in verdict.words


UNKNOWN = [  # mistakes that nobody thought of, and what has to be said of them
    ("rnn_step", "np.tanh(a)", "2 * np.tanh(a)", "2 times what it should be"),
    ("rnn_step", "np.tanh(a)", "-np.tanh(a)", "wrong sign"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a) + 0.25", "off by the same 0.25"),
    ("rnn_step", "np.tanh(a)", "0 * np.tanh(a)", "all zeros"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a).T", r"h has shape \(4, 3\), it should be \(3, 4\): it is transposed"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a)[None]", "axis of length 1"),
    ("rnn_step", "np.tanh(a)", "np.log(a - a)", r"h\[0, 0\] is -inf: look for exp"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a)[::-1]", "opposite order along axis 0"),
    ("gru_backward", "dx[t] = dz @ Wx.T", "dx[t] = dz @ Wx.T * (t > 1)", "dx .* right at t = 2, 3 only"),
    ("gru_backward", "dn * (1 - n[t] ** 2)", "dn * (1 - n[t] ** 3)", "dbn are wrong"),
    ("gru_backward", "dbn += dm.sum(axis=0)", "dbn += 2 * dm.sum(axis=0)", "^dbn is wrong.* 2 times what it should be"),
    ("gru_backward", "return dx, back", "dx[0] += 1; db[:2] += 1\n    return dx, back",
     "dx and db are wrong.*Only the block of r is wrong"),
    ("rnn_backward", "return dx, dh_next, dWx, dWh", "return dx, dh_next, dWx, dWh * 0", "all zeros"),
    ("lstm_backward", "return dx, dh_next, dc_next", "return dx, dc_next, dh_next", "dh0 and dc0 are exchanged"),
    ("lstm_step_backward", "dx = dz @ Wx.T", "dx = dz @ Wh.T", "dx has the value that dh_prev should have"),
    ("lstm_step_backward", "[dz_i, dz_f, dz_o, dz_g]", "[dz_f, dz_g, dz_o, dz_i]", "in the order f, g, o, i; here"),
    ("ctc_forward", "log_p[t, places]", "log_p[t, places] * 2", "log_alpha and loss are wrong"),
    ("ctc_forward", "return log_alpha,", "return np.maximum(log_alpha, -1e3),", "is -1000, it should be -inf"),
    ("sample", "z / temperature", "z / temperature**2", "at most$"),  # and no list of the forty rows that are right
    ("lstm_step_backward", "di * i * (1 - i)", "di * i * (2 - i)", "dWx, dWh and db are wrong, dc_prev is right"),
    ("lstm_step_backward", "dWh = h_prev.T @ dz", "dWh = h_prev.T @ dz\n    dWh[:, :2] += 1", "Only the block of i is"),
    ("lstm_step_backward", "db = dz.sum(axis=0)", "db = dz", "is a sum over the first axis missing"),
    ("clip_by_global_norm", "if norm > max_norm:", "if norm > 2:", "it goes wrong where the norm is below max_norm"),
    ("window_forward", "delta**2)).sum", "delta**4)).sum", "in minirnn"),
    ("embedding_backward", "np.add.at(dE, x, dy)", "np.add.at(dE, x, dy**3)", "by central differences"),
]


@pytest.mark.parametrize(("name", "old", "new", "words"), UNKNOWN)
def test_an_unknown_mistake_is_described(name, old, new, words):
    verdict = judge(EXERCISES[name], plant(Vectorised, name, old, new))
    assert verdict.state == WRONG and verdict.mistakes == ()
    assert re.search(words, verdict.words), verdict.words


RETURNS = [  # what an exercise with one output, and one with two, may return instead of arrays, and the words for it
    ("rnn_step", "return np.tanh(a)", "pass", "returns nothing"),
    ("rnn_step", "np.tanh(a)", "(np.tanh(a), a)", "returns a tuple; it has to return h alone"),
    ("rnn_step", "np.tanh(a)", "[np.tanh(a)]", "returns a list; it has to return h alone, as one array"),
    ("rnn_step", "np.tanh(a)", "'h'", "h is a str"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a).astype(np.float32)", "dtype float32"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a) > 0", "dtype bool"),
    ("rnn_step", "np.tanh(a)", "1.5", "shape"),
    ("rnn_step", "(x, h_prev, Wx, Wh, b)", "(x, h_prev)", "def rnn_step\\(x, h_prev, Wx, Wh, b\\):"),
    ("rnn_step", "np.tanh(a)", "1 / 0", "ZeroDivisionError"),
    ("rnn_step", "np.tanh(a)", "exit()", "SystemExit"),
    ("rnn_step", "np.tanh(a)", "rnn_step(x, h_prev, Wx, Wh, b)", "RecursionError"),
    ("rnn_step", "np.tanh(a)", "np.tanh(a) + np.random.rand()", "second call"),
    ("rnn_step", "a = x @ Wx", "h_prev += 1; a = x @ Wx", "writes into its argument h_prev"),
    ("lstm_step_forward", "return h, c", "return h", "returns one ndarray; it has to return 2: h, c"),
    ("lstm_step_forward", "return h, c", "return h, None", "c is None"),
    ("lstm_step_forward", "return h, c", "return h, c, f", "returns 3 things"),
    ("softmax_cross_entropy", "return loss, dz", "return 'low', dz", "loss is a str; it should be a number"),
    ("sample", ".sum(axis=1)", ".sum(axis=1) + 0.0", "dtype float64; ids are integers"),
    ("clip_by_global_norm", "return clipped, norm", "return {}, norm", r'clipped\["Wx"\] is missing'),
    ("clip_by_global_norm", "norm = ", 'grads["b"] *= 2; norm = ', "writes into its argument grads"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "words"), RETURNS)
def test_what_is_no_result_is_said_in_words(name, old, new, words):
    verdict = judge(EXERCISES[name], plant(Vectorised, name, old, new))
    assert verdict.state == WRONG
    assert re.search(words, verdict.words), verdict.words


def test_a_list_of_right_values_is_right_and_an_array_is_asked_for():
    for name, old, new in (
        ("sample", ".sum(axis=1)", ".sum(axis=1).tolist()"),
        ("rnn_step", "np.tanh(a)", "np.tanh(a).tolist()"),
    ):
        verdict = judge(EXERCISES[name], plant(Vectorised, name, old, new))
        assert verdict.state == RIGHT and "as one array, np.array(" in verdict.words
    verdict = judge(EXERCISES["rnn_step"], plant(Vectorised, "rnn_step", "np.tanh(a)", "a.tolist()"))
    assert verdict.mistakes == ("no tanh",) and "np.array(h)" in verdict.words


def test_the_callers_own_arrays_returned_are_not_a_new_result():
    for old, new in (("return clipped, norm", "return (clipped if norm > max_norm else grads), norm"),
                     ("g * factor for", "(g * factor if norm > max_norm else g) for")):  # fmt: skip
        verdict = judge(EXERCISES["clip_by_global_norm"], plant(Vectorised, "clip_by_global_norm", old, new))
        assert verdict.state == WRONG and "it is the caller's own array grads" in verdict.words


def test_each_argument_is_an_array_of_its_own_though_the_case_uses_one_twice():
    def aliased(theta, m):
        assert theta is not m
        m += 1
        return theta

    one = np.zeros(3)
    assert GradedCase({"theta": one, "m": one})(aliased).sum() == 0 and one.sum() == 0


# Files, each in a process of its own


RNN_HEAD = "import os, sys, time\nimport numpy as np\n\n\ndef rnn_step(x, h_prev, Wx, Wh, b):\n"

BAD_FILES = [
    ("def rnn_step(x:\n", "it is not Python: line 1"),
    ("x = 1\n", "it has no function rnn_step"),
    ("import nothing_of_this_name\n", "cannot be loaded.*ModuleNotFoundError.*line 1: import nothing"),
    (RNN_HEAD + "    while True:\n        h_prev = h_prev\n", "does not come to an end.* line [67]: "),
    (RNN_HEAD + "    os._exit(0)\n", "ends Python"),
    (RNN_HEAD + "    os.abort()\n", "crash in line 6: os.abort"),
    (RNN_HEAD + "    return np.tanh(x @ Wh)\n", r"ValueError.*line 6: return.*shapes: x \(3, 5\), Wh \(4, 4\)"),
    (RNN_HEAD + "    return input()\n", "EOFError"),
]


@pytest.mark.parametrize(("source", "words"), BAD_FILES)
def test_a_bad_file_is_reported_in_words(tmp_path, source, words):
    path = tmp_path / "04_rnn_step.py"
    path.write_text(source, encoding="utf-8")
    verdict, _ = grade_file(path, time_limit=1)
    assert verdict.state == WRONG and re.search(words, verdict.words), verdict


def test_what_a_file_prints_is_shown_and_cut_short(tmp_path):
    source = source_of(Vectorised, "rnn_step").replace("a =", "print('a\\n' * 9**5); a =")
    path = write_answer(tmp_path, "rnn_step", source)
    verdict, printed = grade_file(path)
    assert verdict.state == RIGHT and len(printed) == 2000
    lines = report("04_rnn_step", verdict, printed).splitlines()
    assert lines[1:] == ["    it prints: a"] * 5 + ["    it prints: ..."]
    assert not (tmp_path / "__pycache__").exists()


def test_a_file_that_writes_to_the_real_standard_output_is_judged_all_the_same(tmp_path):
    source = source_of(Vectorised, "rnn_step")
    real = "sys.__stdout__.write('hello\\n'); sys.__stdout__.flush()"
    for words in (real, "os.write(1, b'hello\\n')", "print('hello')"):
        path = tmp_path / "04_rnn_step.py"
        written = source.replace("a =", f"{words}; a =")
        path.write_text(f"import os, sys\nimport numpy as np\n{written}", encoding="utf-8")
        verdict, printed = grade_file(path)
        assert verdict == Verdict(RIGHT) and printed.startswith("hello")


def test_a_file_that_writes_gigabytes_to_any_descriptor_does_not_fill_the_graders_memory(tmp_path):
    """100 megabytes to each of the first descriptors, of which the grader keeps a few kilobytes."""
    flood = "    for fd in range(1, 8):\n        try:\n            [os.write(fd, b'x' * 2**20) for _ in range(100)]\n"
    path = tmp_path / "04_rnn_step.py"
    path.write_text(RNN_HEAD + flood + "        except OSError:\n            pass\n    return x\n", encoding="utf-8")
    tracemalloc.start()
    verdict, printed = grade_file(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert verdict.state == WRONG and len(printed) <= 2000
    assert peak < 2**22, peak


def test_processes_that_a_file_leaves_behind_do_not_hold_the_grader_up(tmp_path):
    path = tmp_path / "04_rnn_step.py"
    left = "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    source = "import subprocess\n" + RNN_HEAD + left + "    return np.tanh(x @ Wx + h_prev @ Wh + b)\n"
    path.write_text(source, encoding="utf-8")
    start = time.monotonic()
    verdict, _ = grade_file(path)
    assert verdict == Verdict(RIGHT) and time.monotonic() - start < 30


def test_control_characters_of_a_student_do_not_reach_the_terminal():
    assert "\x1b" not in report("\x1b04", Verdict(WRONG, "it raises E: \x1b[2J"), "\x1b[31mred")


def test_one_bad_file_does_not_spoil_the_others(tmp_path, capsys):
    write_answer(tmp_path, "rnn_step", RNN_HEAD + "    os.abort()\n")
    write_answer(tmp_path, "embedding_backward", source_of(Vectorised, "embedding_backward"))
    shutil.copy(HANDED_OUT / "12_adam_step.py", tmp_path)
    assert run_command(main, [str(tmp_path)]) == 2
    captured = capsys.readouterr()
    states = dict(line.split(maxsplit=1) for line in captured.out.splitlines() if not line.startswith(" "))
    assert states["02_embedding_backward"] == RIGHT and states["04_rnn_step"] == WRONG
    assert states["12_adam_step"] == NOT_YET and "the file is missing" in captured.out
    assert "1 of 18 exercises are right" in captured.err and "Traceback" not in captured.err


def test_a_path_without_exercises_is_an_error(tmp_path):
    with pytest.raises(MinirnnError, match="holds no exercise"):
        exercise_files(tmp_path)
    with pytest.raises(MinirnnError, match="neither a folder nor an exercise"):
        exercise_files(tmp_path / "nothing.py")
    assert len(exercise_files(HANDED_OUT)) == 18


def test_a_file_is_known_by_its_name_whatever_its_number():
    assert name_of("04_rnn_step.py") == name_of("3_rnn_step.py") == name_of("rnn_step.py") == "rnn_step"
    assert name_of("conftest.py") is name_of("04_rnn_step.txt") is None


# Hints


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_three_hints(name, capsys):
    for stage in "123":
        assert run_command(main, ["--hint", name, stage]) == 0
    said = capsys.readouterr().out
    assert len(EXERCISES[name].hints) == 3 and all(len(hint) > 30 for hint in EXERCISES[name].hints) and len(said) > 180


def test_a_hint_that_does_not_exist_is_an_error():
    with pytest.raises(MinirnnError, match="there are numerical_gradient, embedding_backward"):
        main(["--hint", "tanh", "1"])
    with pytest.raises(MinirnnError, match="there are 1, 2 and 3"):
        main(["--hint", "rnn_backward", "4"])


# A class


def test_a_folder_of_students_becomes_a_table(tmp_path, capsys):
    for student, style in (("ada", Vectorised), ("=1+1", Loops)):
        (tmp_path / student / "exercises").mkdir(parents=True)
        write_answer(tmp_path / student / "exercises", "rnn_step", source_of(style, "rnn_step"))
    wrong = source_of(Vectorised, "sample").replace("z / temperature", "z")
    write_answer(tmp_path / "ada" / "exercises", "sample", wrong)
    (tmp_path / "nobody").mkdir()
    assert run_command(main, [str(tmp_path), "--csv"]) == 0
    rows = {row["student"]: row for row in csv.DictReader(capsys.readouterr().out.splitlines())}
    assert list(rows) == ["'=1+1", "ada", "nobody"]
    assert rows["ada"]["rnn_step"] == RIGHT and rows["ada"]["sample"] == WRONG and rows["ada"]["right"] == "1"
    assert rows["ada"]["mistakes"] == "sample: temperature ignored" and rows["ada"]["dropout"] == "missing"
    assert rows["nobody"]["right"] == "0"


def test_a_class_that_is_none_is_an_error(tmp_path):
    with pytest.raises(MinirnnError, match="holds no folders"):
        main([str(tmp_path), "--csv"])
    with pytest.raises(MinirnnError, match="is no folder"):
        main([str(tmp_path / "nothing"), "--csv"])


# What is handed out


@pytest.mark.parametrize("name", NAMES)
def test_what_is_handed_out_is_not_done_yet_and_explains_itself(name):
    source = (HANDED_OUT / FILES[NAMES.index(name)]).read_text(encoding="utf-8")
    exercise = EXERCISES[name]
    function = compiled(source, name)
    assert judge(exercise, function) == Verdict(NOT_YET)
    assert list(inspect.signature(function).parameters) == list(exercise.judged_on[0].arguments)
    assert f"--hint {name} 1" in source and f"{FILES[NAMES.index(name)]}\n" in source
    after_arrow = function.__doc__.split("->")[1]
    assert all(output.name in after_arrow for output in exercise.outputs)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_handed_out_says_how_hard_it_is_and_never_the_gradient(name):
    file = FILES[NAMES.index(name)]
    source = (HANDED_OUT / file).read_text(encoding="utf-8")
    hard, minutes = re.search(r"Difficulty: (easy|middling|hard). Expected time: (\d+) minutes.", source).groups()
    assert f"| `{file}` |" in (readme := (HANDED_OUT / "README.md").read_text(encoding="utf-8"))
    assert re.search(rf"\| `{file}` \|.*\| {hard}, {minutes} min \|", readme)
    gradients = [output.name for output in EXERCISES[name].outputs if output.name.startswith("d")]
    assert not [output for output in gradients if re.search(rf"\b{output}\s*\+?=", source)]


def test_the_shapes_of_the_docstrings_are_true():
    """Every `name (A, B)` of a function's docstring fits the arguments and the results of the grader, one letter having
    one value throughout."""
    for name, exercise in EXERCISES.items():
        source = (HANDED_OUT / FILES[NAMES.index(name)]).read_text(encoding="utf-8")
        values = {**exercise.judged_on[0].arguments, **exercise.right[0]}
        letters = {}
        for names, shape in re.findall(r"((?:\w+, )*\w+) \((\w[\w+]*,[^)]*)\)", compiled(source, name).__doc__):
            wanted = [term.strip() for term in shape.split(",") if term.strip()]
            for array in (values[key] for key in names.split(", ") if key in values):
                assert np.ndim(array) == len(wanted), (name, names, shape)
                for term, size in zip(wanted, np.shape(array)):
                    factor, letter, more = re.fullmatch(r"(\d*)([A-Z])(\+1)?", term).groups()
                    letters.setdefault(letter, (size - bool(more)) // int(factor or 1))
                    assert size == int(factor or 1) * letters[letter] + bool(more), (name, names, shape, letters)


def test_pytest_says_the_same_words(tmp_path):
    shutil.copytree(HANDED_OUT, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    write_answer(tmp_path, "rnn_step", source_of(Vectorised, "rnn_step").replace("np.tanh(a)", "a"))
    write_answer(tmp_path, "sample", source_of(Vectorised, "sample"))
    python_path = os.pathsep.join([str(pathlib.Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "rnn_step or sample or gru", str(tmp_path)],
        capture_output=True, encoding="utf-8", cwd=tmp_path, env={**os.environ, "PYTHONPATH": python_path},
    )  # fmt: skip
    assert done.returncode == 1
    assert "not yet" in done.stdout and "no tanh - h is the argument of tanh, not its value" in done.stdout
    assert re.search(r"= right =+\s14_sample\s", done.stdout), done.stdout


def test_a_file_that_may_not_be_read_costs_the_class_nothing_else(tmp_path, monkeypatch):
    paths = [tmp_path / name / FILES[0] for name in ("ana", "tom")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    read_bytes = pathlib.Path.read_bytes

    def refused(path):
        if path == paths[0]:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(pathlib.Path, "read_bytes", refused)
    monkeypatch.setattr(runner.os, "access", lambda path, mode: path != paths[0])
    right = '{"state": "right", "words": "", "mistakes": []}'
    monkeypatch.setattr(runner, "_run_child", lambda path, limit: (0, right, ""))
    (first, _), (second, _) = runner.grade_files(paths)
    assert "may not be read" in first.words and second.state == "right"
