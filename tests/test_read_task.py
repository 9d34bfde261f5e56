"""Learning to read, from the command line: a run, going on with it, and another that begins with its weights."""

import csv

import numpy as np
import pytest
from small_runs import made_samples, write_hand

from minirnn import evaluate, train
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint
from minirnn.reading.alignment import align
from minirnn.reading.reader import Reader, ink_of

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
    assert "nats per character" in said and "for validation" in said


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


# --- what such a run is good for ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that can read nothing, and the handwriting that it was trained on."""
    folder = tmp_path_factory.mktemp("trained")
    write_hand(folder / "hand.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIRNN_CACHE", str(folder / "cache"))
        run(folder / "run", "--data", str(folder / "hand.jsonl"), "--steps", "1")
    return folder


def test_evaluate_counts_errors_on_people_held_out(trained, capsys, monkeypatch):
    monkeypatch.setenv("MINIRNN_CACHE", str(trained / "cache"))
    source = str(trained / "hand.jsonl")
    evaluate.main([str(trained / "run"), "--task", "read", "--data", source, "--no-language-model"])
    said = capsys.readouterr().out
    assert "character error" in said and "word error" in said and "commonest" in said and "capitals" in said
    assert "2 of 1 people" in said
    evaluate.main([str(trained / "run"), "--task", "read", "--data", source, "--held-out", "1", "--lines", "6"])
    assert "6 of 6 people" in capsys.readouterr().out


def test_a_reader_says_what_where_and_how_surely(trained):
    reader, samples = Reader(trained / "run", False), made_samples()
    for sample, reading in zip(samples, reader.read_strokes([sample.strokes for sample in samples])):
        assert len(reading.text) == len(reading.confidence) == len(reading.places) == len(reading.boxes)
        aligned = reader.align(sample.strokes, sample.text)
        assert aligned.text == sample.text and ((aligned.confidence >= 0) & (aligned.confidence <= 1)).all()
        points = np.concatenate(sample.strokes)
        _, log_p = next(reader.log_probabilities([sample.strokes]))
        ids = reader.chars.encode(sample.text) + 1
        path = log_p[:, 0].copy()  # the likeliest one: blanks, but where a character stands
        for k, (first, last) in zip(ids, align(log_p, ids)):
            path[first : last + 1] = log_p[first : last + 1, k]
        assert path.sum() < aligned.log_probability < 0
        for character, box, place in zip(aligned.text, aligned.boxes, aligned.places):
            assert (box is None) == (not place)
            if character == " ":
                assert box is None
            if box:
                low, high = points.min(axis=0) - 1e-9, points.max(axis=0) + 1e-9
                assert (low <= box[:2]).all() and (high >= box[2:]).all() and box[0] <= box[2] and box[1] <= box[3]


def test_all_ink_belongs_to_some_character(trained):
    reader = Reader(trained / "run", False)
    sample = made_samples()[0]
    ink = sum(np.hypot(*np.diff(s, axis=0).T).sum() for s in sample.strokes)
    reading = reader.align(sample.strokes, sample.text)
    pieces = [piece for place in reading.places for piece in ink_of(sample.strokes, place)]
    taken = sum(np.hypot(*np.diff(piece, axis=0).T).sum() for piece in pieces)
    assert 0.8 * ink < taken < 1.001 * ink  # a step between two characters is neither's


def test_lines_read_together_read_as_they_do_alone(trained):
    reader, lines = Reader(trained / "run", False), [sample.strokes for sample in made_samples(20)]
    together, alone = (list(reader.log_probabilities(part)) for part in (lines, lines[17:18]))
    np.testing.assert_allclose(together[17][1], alone[0][1], atol=1e-5)


def test_a_reader_uses_a_language_model_if_it_is_given_one(trained, tmp_path):
    (tmp_path / "text.txt").write_text("abc abc bca\n" * 90, encoding="utf-8")
    train.main(["--text", str(tmp_path / "text.txt"), "--steps", "1", "--hidden", "4", "--embed", "3", "--batch", "4",
                "--steps-per-chunk", "8", "--threads", "1", "--out", str(tmp_path / "text"), "--task", "text"])
    reader = Reader(trained / "run", tmp_path / "text", weight=1.0, bonus=0.0)
    assert reader.language is not None and reader.weight == 1.0
    assert isinstance(reader.read_strokes([made_samples(1)[0].strokes])[0].text, str)


def test_a_checkpoint_of_another_kind_or_with_other_symbols_is_refused(trained, tmp_path):
    meta, arrays = checkpoint.load(trained / "run" / "best.npz")
    for change, message in [({"kind": "PenRNN"}, "ReaderRNN is needed"), ({"symbols": "ab"}, "do not fit its network"),
                            ({"directions": 10**6}, "do not fit"), ({"symbols": None}, "damaged")]:
        checkpoint.save(tmp_path / "odd.npz", {**meta, **change}, arrays)
        with pytest.raises(MinirnnError, match=message):
            Reader(tmp_path / "odd.npz")
