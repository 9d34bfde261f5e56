"""Runs survive: killed with SIGKILL at any moment and resumed, a run ends with the same weights to the last bit as
one that was left alone, and at no moment is there a half-written file under a name that counts. Nor is there when
pages are cut, lines labelled, or letters saved.

The suite kills a few times. The long run, some twenty minutes, kills each task two hundred times:

    MINIRNN_KILLS=100 python -m pytest -s tests/test_kill.py
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from small_runs import SMALL, made_text, weights, write_hand

from minirnn import train
from minirnn.datasets.metadata import METADATA, read_table, read_texts
from minirnn.drawing import save_files
from minirnn.files import atomic, clear_half_written
from minirnn.images import labelled_sets
from minirnn.images.image_files import read_image
from minirnn.labelling.labels import Labels
from minirnn.networks import checkpoint
from minirnn.training import hand_task, run_folder
from minirnn.training import trainer as training

KILLS = int(os.environ.get("MINIRNN_KILLS", "1"))  # of each task by the clock
AT_MOMENTS = max(12, KILLS)  # and by itself, at a moment of its work
STEPS = 24


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """{task: arguments of its training}."""
    folder = tmp_path_factory.mktemp("data")
    greek = str.maketrans("aent", "αεντ")  # no hand that comes with the package can write it, which saves the time
    (folder / "text.txt").write_text(made_text().translate(greek), encoding="utf-8")
    write_hand(folder / "hand.jsonl")
    common = [*SMALL, "--steps", str(STEPS), "--evaluations", "3", "--patience", "0", "--average", "0.9"]
    hand = ["--task", "hand", "--data", str(folder / "hand.jsonl"), "--init", "scratch", "--held-out", "0.3",
            "--directions", "8", "--lifts", "4", "--step-length", "0.5"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        read = ["--task", "read", "--data", str(folder / "hand.jsonl"), "--init", "scratch", "--held-out", "0.3",
                "--layers", "1"]  # fmt: skip
        yield {
            "text": ["--text", str(folder / "text.txt"), "--held-out", "0.2", *common], "hand": [*hand, *common],
            "read": [*read, *common],
        }  # fmt: skip


def arguments(task, run):
    """Begin a run, or go on with it."""
    return ["--resume", str(run)] if (run / "settings.json").exists() else [*task, "--out", str(run)]


def assert_whole(run):
    """Whatever is there under its name is complete."""
    for path in run.glob("*.npz"):
        checkpoint.load(path)
    if (run / "settings.json").exists():
        json.loads((run / "settings.json").read_text(encoding="utf-8"))
    if (run / "log.csv").exists():
        assert (run / "log.csv").read_text(encoding="utf-8").endswith("\n")


def assert_same(run, alone):
    for name in ("last.npz", "best.npz"):
        assert weights(run / name) == weights(alone / name)
    assert not list(run.rglob("*.tmp")), "what was left half-written is cleared away"


# --- at given moments -------------------------------------------------------------------------------------------


def die_at(moment):
    """Let this process kill itself at its ``moment``-th moment: after a step, and before, during and after every
    stage of the writing of every file. Checkpoints are written at every step, and pictures are not drawn."""
    passed = 0

    def one_more():
        nonlocal passed
        passed += 1
        if passed == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(place, name, before=False, after=False):
        function = getattr(place, name)

        def wrapped(*arguments, **keywords):
            if before:
                one_more()
            result = function(*arguments, **keywords)
            if after:
                one_more()
            return result

        setattr(place, name, wrapped)

    def halting_savez(file, savez=np.savez, **arrays):
        whole = io.BytesIO()
        savez(whole, **arrays)
        half = len(whole.getvalue()) // 2
        file.write(whole.getvalue()[:half])
        file.flush()
        one_more()
        file.write(whole.getvalue()[half:])

    def blank(path, *_):
        with atomic(path) as file:
            file.write("no picture")

    around(training.Trainer, "step", after=True)
    around(os, "open", after=True)
    around(os, "fsync", before=True)
    around(os, "replace", before=True, after=True)
    np.savez = halting_savez
    training.SAVE_EVERY = -1
    run_folder.loss_curve = hand_task.strokes_picture = hand_task.window_path = blank


def run_in_child(argv, moment):
    """Train in a forked process that dies at ``moment`` -> its exit code, negative for a signal."""
    return in_child(lambda: train.main(argv), moment)


def in_child(work, moment):
    """Call ``work()`` in a forked process that dies at ``moment`` -> its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1), os.dup2(nowhere, 2)
            die_at(moment)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture(scope="module")
def alone(tasks, tmp_path_factory):
    """{task: folder of its run that was left alone}."""
    folders = {task: tmp_path_factory.mktemp(task) for task in tasks}
    for task, argv in tasks.items():
        assert run_in_child(arguments(argv, folders[task]), moment=0) == 0
    return folders


@pytest.mark.parametrize("task", ["text", "hand", "read"])
def test_killed_at_any_moment_of_a_step_or_of_a_checkpoint(tasks, alone, tmp_path, task):
    rng = np.random.default_rng(len(task))
    kills, runs = 0, 0
    while kills < AT_MOMENTS:
        run, code, runs = tmp_path / str(runs), -signal.SIGKILL, runs + 1
        while code == -signal.SIGKILL:
            moment = int(rng.integers(1, 60)) if kills < AT_MOMENTS else 0
            code = run_in_child(arguments(tasks[task], run), moment)
            kills += code == -signal.SIGKILL
            assert_whole(run)
        assert code == 0
        assert_same(run, alone[task])


# --- other work than training -----------------------------------------------------------------------------------


def cut_some_pages(folder):
    """Pages of two lines each, without the work of finding them."""
    labelled_sets.read_pages = lambda path, colours: [np.ones((4, 4))]
    labelled_sets.read_page = lambda picture, count: (SimpleNamespace(said=[]), [a_line(), a_line()])
    labelled_sets.cut_pages([folder / f"{n}.png" for n in range(8)], folder / "out")


def a_line():
    return SimpleNamespace(grey=np.full((3, 3), 0.5), strokes=[])


def assert_whole_lines(folder):
    """Every line of the table has its image, whole."""
    for name in read_table(folder / "out" / METADATA).rows if (folder / "out" / METADATA).exists() else []:
        assert read_image(folder / "out" / name.fields[0]).shape == (3, 3)


def answer_some_lines(folder):
    for n in range(18):
        Image.new("L", (2, 2)).save(folder / f"{n}.png")
    for n in range(18):
        Labels(folder).answer(f"{n}.png", f"text {n}")


def assert_whole_answers(folder):
    """What was answered is there, from the first on."""
    texts = read_texts(folder / METADATA)
    assert texts == {f"{n}.png": f"text {n}" for n in range(len(texts))}


def save_some_letters(folder):
    """Letters take the places of older ones."""
    for version in (b"minirnn old", b"minirnn new" * 1000):
        save_files([(f"-{n}", version) for n in range(9)], folder / "letter.svg")


def assert_whole_letters(folder):
    for path in folder.glob("letter-*.svg"):
        assert path.read_bytes() in (b"minirnn old", b"minirnn new" * 1000)


@pytest.mark.parametrize(
    ("work", "assert_whole_files"),
    [
        (cut_some_pages, assert_whole_lines),
        (answer_some_lines, assert_whole_answers),
        (save_some_letters, assert_whole_letters),
    ],
    ids=["prepare", "label", "letters"],
)
def test_what_other_commands_write_is_whole_whenever_they_are_killed(tmp_path, work, assert_whole_files):
    killed, moment, code = 0, 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        moment += 1 if KILLS > 1 else 29
        folder = tmp_path / str(moment)
        folder.mkdir()
        code = in_child(lambda folder=folder: work(folder), moment)
        killed += code == -signal.SIGKILL
        assert_whole_files(folder)
    assert code == 0
    clear_half_written(folder)
    assert killed > 2 and not list(folder.rglob("*.tmp"))
    print(f"{work.__name__}: killed {killed} times")


# --- by the clock -----------------------------------------------------------------------------------------------


# `python -m minirnn.train`, but with a checkpoint after every step: it spends most of its time on writing them.
COMMAND = """import sys; from minirnn import train; from minirnn.training import mpi, trainer
trainer.SAVE_EVERY = -1; sys.exit(mpi.run(train.main))"""


def run_command_for(argv, seconds):
    """Run the command, and kill it so long after it has begun (None: not) -> exit code, seconds it took."""
    command = [sys.executable, "-c", COMMAND, *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("run  "):
                break
        begun = time.monotonic()
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors
        return process.returncode, time.monotonic() - begun


@pytest.mark.parametrize("task", ["text", "hand", "read"] if KILLS > 1 else ["text"])
def test_the_command_killed_at_random_moments(tasks, alone, tmp_path, task):
    rng = np.random.default_rng()
    whole = 1.0  # seconds that a run takes, to be corrected
    kills = runs = writing = 0
    while kills < KILLS:
        run, code, runs = tmp_path / str(runs), -signal.SIGKILL, runs + 1
        while code == -signal.SIGKILL:
            seconds = rng.uniform(0, whole) if kills < KILLS else None
            code, took = run_command_for(arguments(tasks[task], run), seconds)
            whole = max(whole, took)
            kills += code == -signal.SIGKILL
            writing += bool(list(run.rglob("*.tmp")))
            assert_whole(run)
        assert_same(run, alone[task])
    print(f"{task}: killed {kills} times in {runs} runs, {writing} times while a file was being written")
