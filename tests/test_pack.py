"""Packing: of a run's many hands some stay, in half precision, with the usual pace of the pen."""

import numpy as np
import pytest
from small_runs import hand_trainer, made_samples, write_hand

from minirnn import backend
from minirnn.datasets.line_batches import collate, encode_text
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import normalise
from minirnn.networks import checkpoint
from minirnn.studies import export
from minirnn.training.threads import Workers
from minirnn.training.trainer import evaluate
from minirnn.writing.hands import Writer

GROUPS = [f"form {n}" for n in range(6)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A checkpoint as a run over six forms would leave it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(export, "LINES", 2)
    monkeypatch.setattr(export, "WRITTEN", 3)
    trainer = hand_trainer(tmp_path / "run")
    network, rng = trainer.network, np.random.default_rng(0)
    network = type(network)(**{**network.settings, "hands": 7})
    network.params["hand"]["E"][:] = rng.normal(0, 1, network.params["hand"]["E"].shape)
    meta = {"network": network.settings, "kind": "PenRNN", "symbols": "abc ", "directions": 8, "step_length": 0.5,
            "counts": dict.fromkeys("abc ", 99), "hands": GROUPS}  # fmt: skip
    arrays = {f"params.{name}": a for name, a in backend.flatten(network.params).items()}
    path = tmp_path / "many.npz"
    checkpoint.save(path, meta, {**arrays, "extra.lifts": trainer.extra["lifts"]})
    return path


def test_the_chosen_hands_stay_as_they_are(run, tmp_path):
    write_hand(tmp_path / "hand.jsonl")
    where = [str(run), "--data", str(tmp_path / "hand.jsonl"), "-o", str(tmp_path / "pen.npz")]
    export.main([*where, "--hands", "2", "--strength", "1"])
    many, few = Writer(run), Writer(tmp_path / "pen.npz", 2)
    assert len(few.hands) == 2
    assert set(few.meta["hands"]) < set(GROUPS)
    row = 1 + GROUPS.index(few.meta["hands"][1])
    kept = many.network.params["hand"]["E"][row].astype(np.float16)
    assert np.array_equal(few.network.params["hand"]["E"][few.hand].astype(np.float16), kept)
    assert set(few.pace) == set("abc")
    assert all(symbols > 0 for symbols in few.pace.values())


def test_named_hands_are_kept_and_stand_nearer_to_any_hand(run, tmp_path):
    write_hand(tmp_path / "hand.jsonl")
    where = [str(run), "--data", str(tmp_path / "hand.jsonl"), "-o", str(tmp_path / "pen.npz")]
    export.main([*where, "--groups", "form 4", "form 1", "--strength", "0.25"])
    many, few = (Writer(path).network.params["hand"]["E"] for path in (run, tmp_path / "pen.npz"))
    assert Writer(tmp_path / "pen.npz").meta["hands"] == ["form 4", "form 1"]
    np.testing.assert_allclose(few[0], many[0], rtol=2e-3)
    np.testing.assert_allclose(few[1:], 0.25 * many[[5, 2]] + 0.75 * many[0], rtol=2e-3, atol=1e-3)
    with pytest.raises(MinirnnError, match="no hand form 9"):
        export.main([*where, "--groups", "form 9"])


def test_the_cost_of_lines_is_the_loss_of_the_training(run):
    """Added up, the lines cost what `evaluate` says that a symbol costs on average."""
    writer, samples = Writer(run), made_samples()[:5]
    lines = [writer.pens.encode(normalise(sample.strokes)) for sample in samples]
    texts = [encode_text(writer.chars, sample.text) for sample in samples]
    batch = collate(lines, texts, [0, 1, 2, 3, 4], writer.pens)
    costs = export.line_costs(writer.network, batch)
    mean = evaluate(writer.network, [(True, batch)])
    assert costs.sum() == pytest.approx(mean * batch["mask"].sum(), rel=1e-5)


def test_information_is_in_the_order_of_the_lines(run):
    writer, samples = Writer(run), made_samples()
    rows = [1 + n // 2 for n in range(12)]
    together = export.information(writer, samples, rows, Workers(2))
    alone = [export.information(writer, [s], [row], Workers(1))[0] for s, row in zip(samples, rows)]
    assert together == pytest.approx(alone, rel=1e-3, abs=1e-4)


def test_too_few_hands_are_an_error(run):
    with pytest.raises(MinirnnError, match="6 hands with 2 lines are too few to choose 4"):
        export.legible_hands(Writer(run), made_samples(), 4, Workers(1))
