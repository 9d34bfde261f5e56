"""Runs survive: killed with SIGKILL at any moment and resumed, a run ends with the same weights to the last bit as
one that was left alone, and at no moment is there a half-written file under a name that counts.

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

import numpy as np
import pytest
from small_runs import SMALL, made_text, weights, write_hand

from minirnn import train
from minirnn.files import atomic
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
        yield {"text": ["--text", str(folder / "text.txt"), "--held-out", "0.2", *common], "hand": [*hand, *common]}


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
    child = os.fork()
    if child == 0:
        code = 1
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1), os.dup2(nowhere, 2)
            die_at(moment)
            train.main(argv)
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


@pytest.mark.parametrize("task", ["text", "hand"])
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


@pytest.mark.parametrize("task", ["text", "hand"] if KILLS > 1 else ["text"])
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
