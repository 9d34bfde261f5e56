"""Many processes compute what one does. Where MPI is missing, what needs it is passed over; the arithmetic is not."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import hand_trainer, text_trainer

from minirnn import train
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint
from minirnn.training import mpi, threads

HERE = pathlib.Path(__file__).parent
PROGRAM = str(HERE / "mpi_program.py")
SMALL = ["--hidden", "8", "--embed", "4", "--batch", "6", "--steps-per-chunk", "8", "--evaluations", "2"]


@pytest.fixture(scope="module")
def mpiexec():
    """Run a Python program on so many ranks."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: pip install 'minirnn[mpi]' mpich")
    here = pathlib.Path(sys.executable).with_name("mpiexec")
    command = str(here) if here.exists() else shutil.which("mpiexec")
    if command is None:
        pytest.skip("no mpiexec: pip install mpich, or Debian's openmpi-bin")
    # Open MPI, but not MPICH, wants to be asked before it works for root, or with more ranks than cores.
    asked = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }  # fmt: skip
    environment = {**os.environ, **asked, "PYTHONPATH": f"{HERE}:{HERE.parent}"}

    def run(ranks, *words, code=0):
        words = [command, "-n", str(ranks), sys.executable, *map(str, words)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=500)
        assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def arrays(run, name="last.npz"):
    return checkpoint.load(run / name)[1]


def assert_close(one, two, tolerance=1e-6):
    """The weights of two runs, which may have cut their states into different shares."""
    one, two = ({name: a for name, a in run.items() if name.startswith("params.")} for run in (one, two))
    assert one.keys() == two.keys()
    for name, a in one.items():
        np.testing.assert_allclose(a, two[name], rtol=0, atol=tolerance, err_msg=name)


# --- the arithmetic, without MPI ----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 3))
def test_every_sequence_is_somebodys_and_nobody_elses(B, ranks, threads):
    taken = []
    for rank in range(ranks):
        one = object.__new__(mpi.Ranks)
        one.rank, one.ranks, one.count = rank, ranks, threads
        taken += [b for part in one.sequences(B) for b in range(B)[part]]
    assert taken == list(range(B))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 5))
def test_states_are_recut_by_sequences(B, before, after):
    whole = [(np.arange(2.0 * B).reshape(B, 2), np.arange(B) * 10.0), (np.arange(B) * 100.0,)]
    old = [[tuple(a[part] for a in layer) for layer in whole] for part in threads.cut(0, B, before)]
    new = threads.recut(old, threads.Workers(after), B)
    assert len(new) == min(after, B)
    for layer, arrays_of_layer in enumerate(whole):
        for place, a in enumerate(arrays_of_layer):
            assert np.array_equal(np.concatenate([share[layer][place] for share in new]), a)
    with pytest.raises(ValueError, match="sequences"):
        threads.recut(old, threads.Workers(after), B + 1)


def test_alone_nothing_of_mpi_is_loaded():
    program = "import sys, minirnn.train; from minirnn.training import mpi; assert mpi.rank() == 0; "
    program += "print('mpi4py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=HERE.parent)
    assert done.stdout == "False\n", done.stderr


def test_mpiexec_without_mpi4py(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)  # as if it were not installed
    mpi.world.cache_clear()  # asked before, it has its answer
    with pytest.raises(MinirnnError, match="pip install"):
        mpi.world()


# --- two ranks and more ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hand", [False, True])
def test_two_ranks_give_what_two_threads_give(mpiexec, tmp_path, hand):
    """Dropout, validation, batches with fewer lines than ranks and all: only the place of the work differs."""
    (hand_trainer if hand else text_trainer)(tmp_path / "one", threads=2).train()
    mpiexec(2, PROGRAM, "train", tmp_path / "two", json.dumps({"threads": 1, "hand": hand}))
    assert_close(arrays(tmp_path / "one"), arrays(tmp_path / "two"))
    logs = [(tmp_path / name / "log.csv").read_text(encoding="utf-8").splitlines()[1:] for name in ("one", "two")]
    losses = [[float(field) for row in log for field in row.split(",")[2:4] if field] for log in logs]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0, atol=1e-6)
    names = [{name for name in arrays(tmp_path / run) if name.startswith("state.")} for run in ("one", "two")]
    assert names[0] == names[1], "rank 0 has written all ranks' states"


def test_the_command_on_three_ranks(mpiexec, tmp_path):
    # In Greek, which the hand that comes with the package does not know: a page of it would take longer than the rest.
    (tmp_path / "text.txt").write_text("ειναι η να μη ειναι ιδου το ζητημα " * 48, encoding="utf-8")
    words = ["-m", "minirnn.train", "--text", tmp_path / "text.txt", *SMALL, "--steps", 12, "--threads", 1]
    words += ["--dropout", 0]
    told = mpiexec(3, *words, "--out", tmp_path / "three")
    assert told.count("it now writes") == 1 and "ranks       3" in told, "rank 0 alone prints"
    train.main([*map(str, words[2:]), "--out", str(tmp_path / "one")])
    assert_close(arrays(tmp_path / "one"), arrays(tmp_path / "three"))


def test_what_the_user_did_wrong_is_said_once(mpiexec, tmp_path):
    (tmp_path / "text.txt").write_bytes(b"abc \xff")
    told = mpiexec(2, "-m", "minirnn.train", "--text", tmp_path / "text.txt", "--out", tmp_path / "run", code=2)
    assert told.count("is not UTF-8") == 1 and "Traceback" not in told
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ranks", [1, 5])
def test_a_run_goes_on_with_another_number_of_ranks(mpiexec, tmp_path, ranks):
    """SIGTERM meets one rank of two; all save and stop. Five ranks are more than there are sequences."""
    text_trainer(tmp_path / "whole", dropout=0).train()
    options = json.dumps({"dropout": 0.0})
    assert "saved at step 11" in mpiexec(2, PROGRAM, "stop", tmp_path / "run", options, code=130)
    mpiexec(ranks, PROGRAM, "resume", tmp_path / "run", options)
    assert_close(arrays(tmp_path / "whole"), arrays(tmp_path / "run"))


@pytest.mark.parametrize("how", ["die", "crash"])
def test_a_rank_that_dies_ends_the_job_and_leaves_the_last_checkpoint(mpiexec, tmp_path, how):
    """It is killed, or falls over a fault, at step 10; the checkpoint is that of the evaluation at step 6."""
    told = mpiexec(2, PROGRAM, how, tmp_path / "run", "{}", code=1)
    assert "nobody foresaw" in told and "rank 1 ends the job" in told if how == "crash" else "9" in told
    meta, _ = checkpoint.load(tmp_path / "run" / "last.npz")
    assert meta["progress"]["step"] == 6
    trainer = text_trainer(tmp_path / "run")
    trainer.load()
    assert trainer.train().done


def test_ranks_that_differ_are_found_out(mpiexec, tmp_path):
    assert "different weights" in mpiexec(2, PROGRAM, "differ", tmp_path / "run", "{}", code=2)
    assert checkpoint.load(tmp_path / "run" / "last.npz")[0]["progress"]["step"] == 6
