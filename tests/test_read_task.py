"""Learning to read, from the command line: a run, going on with it, and another that begins with its weights."""

import csv

import numpy as np
import pytest
from small_runs import write_hand

from minirnn import train
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint

SMALL = ["--task", "read", "--hidden", "4", "--embed", "3", "--layers", "1", "--batch", "4", "--threads", "1",
         "--held-out", "0.3", "--evaluations", "2"]  # fmt: skip


@pytest.fixture
def hand(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))
    write_hand(tmp_path / "hand.jsonl")
    return str(tmp_path / "hand.jsonl")


def run(out, *words):
    train.main([*SMALL, "--out", str(out), *words])
    return checkpoint.load(out / "last.npz", "ReaderRNN")


def test_a_run_learns_to_read_and_says_what_it_reads(hand, tmp_path, capsys):
    meta, _ = run(tmp_path / "run", "--data", hand, "--steps", "8")
    with open(tmp_path / "run" / "log.csv") as file:
        losses = [float(row["validation_loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert {"symbols", "directions", "step_length", "held_out", "seed"} <= meta.keys()
    assert (tmp_path / "run" / "samples" / "0000008.txt").read_text().startswith("character error ")
    said = capsys.readouterr().out
    assert "nats per character" in said and "to judge by" in said


def test_a_run_goes_on_as_if_it_had_never_stopped(hand, tmp_path):
    _, whole = run(tmp_path / "whole", "--data", hand, "--steps", "6", "--schedule", "constant")
    run(tmp_path / "part", "--data", hand, "--steps", "3", "--schedule", "constant")
    train.main(["--resume", str(tmp_path / "part"), "--steps", "6"])
    _, resumed = checkpoint.load(tmp_path / "part" / "last.npz")
    assert all(np.array_equal(array, resumed[name]) for name, array in whole.items())


def test_a_run_may_begin_with_the_weights_of_another(hand, tmp_path):
    run(tmp_path / "first", "--data", hand, "--steps", "4")
    _, second = run(tmp_path / "second", "--data", hand, hand, "--steps", "1", "--lr", "1e-9", "--init",
                    str(tmp_path / "first"))  # fmt: skip
    best = checkpoint.load(tmp_path / "first" / "best.npz")[1]
    for name in (name for name in best if name.startswith("params.")):
        np.testing.assert_allclose(second[name], best[name], atol=1e-6)


def test_a_source_that_is_not_there_is_named_before_there_is_a_run(hand, tmp_path):
    with pytest.raises(MinirnnError, match="nowhere"):
        run(tmp_path / "run", "--data", hand, str(tmp_path / "nowhere"))
    assert not (tmp_path / "run").exists()


def test_a_hand_is_learned_from_one_source(hand):
    with pytest.raises(MinirnnError, match="one source"):
        train.main(["--task", "hand", "--data", hand, hand])
