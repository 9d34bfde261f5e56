"""Export: of a run's many people some stay as hands, legible and unlike each other, in half precision."""

import numpy as np
import pytest
from small_runs import hand_trainer, made_samples, write_hand

from minirnn import backend
from minirnn.datasets.line_batches import collate, encode_text
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import normalise, slant
from minirnn.networks import checkpoint
from minirnn.studies import export, legible_hands, tracing
from minirnn.training.trainer import evaluate
from minirnn.writing.hands import Writer

GROUPS = [f"form {n}" for n in range(6)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A checkpoint as a run over six forms would leave it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(export, "ENOUGH", 2)
    monkeypatch.setattr(export, "TEXTS", ("ab ba", "abc a"))
    monkeypatch.setattr(export, "PACED", 1)
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


class DeafReader:
    """A reader that reads "abc" everywhere."""

    def __init__(self, *rest, **more):
        pass

    def texts(self, lines):
        return ["abc"] * len(lines)


def options(tmp_path, run):
    write_hand(tmp_path / "hand.jsonl")
    return [str(run), "--data", f"={tmp_path / 'hand.jsonl'}", "--hands", "3", "--candidates", "5",
            "-o", str(tmp_path / "pen.npz")]  # fmt: skip


def test_the_chosen_hands_stand_between_any_hand_and_their_people(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "Reader", DeafReader)
    export.main([*options(tmp_path, run), "--strength", "0.6", "--terms", "letters to one's aunt"])
    many, few = Writer(run), Writer(tmp_path / "pen.npz", 2)
    people = few.meta["hands"]
    assert len(few.hands) == len(set(people)) == 3 and set(people) < set(GROUPS)
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("hand ")]
    assert [line.split()[2] + " " + line.split()[3] for line in printed] == people
    E, packed = many.network.params["hand"]["E"], few.network.params["hand"]["E"]
    np.testing.assert_allclose(packed[0], E[0], rtol=2e-3)
    for row, person in zip(packed[1:], people, strict=True):
        np.testing.assert_allclose(row, E[0] + 0.6 * (E[1 + GROUPS.index(person)] - E[0]), rtol=2e-3, atol=2e-3)
    assert few.terms == "letters to one's aunt"
    own = [slant(normalise(s.strokes)) for s in made_samples() if s.group == people[1]]
    assert few.slant == pytest.approx(np.mean(own), abs=0.15)
    assert set(few.pace) <= set("abc") and all(symbols > 0 for symbols in few.pace.values())


def test_the_least_legible_candidates_are_left_out(run, monkeypatch, capsys):
    errors = iter([0.4, 0.01, 0.9, 0.1])
    monkeypatch.setattr(export, "read_wrong", lambda lines, reader: next(errors))
    candidates = {f"form {n}": (np.array([n, 0.0]), 0.1 * n) for n in range(4)}
    found = export.chosen_hands(Writer(run), candidates, 2, 1.0, None, np.random.default_rng(0))
    assert [(person, error) for person, error, *_ in found] == [("form 1", 0.01), ("form 3", 0.1)]


def test_the_next_hand_is_the_farthest_from_all_before_it():
    looks = np.array([[0.0, 0], [1, 0], [9, 0], [10, 0], [5, 0]])
    assert export.unlike(looks, 3) == [0, 3, 4]
    assert sorted(export.unlike(looks, 9)) == [0, 1, 2, 3, 4]


def test_the_first_hand_is_a_legible_one_like_most():
    looks = np.array([[9.0, 9], [4, 5], [0, 0], [5, 5], [5, 5], [9, 0], [0, 9], [5, 5]])
    assert export.most_usual(looks) == 1, "not the third, which is less legible"


def test_what_a_reader_reads_wrong_is_a_part_of_all_characters(run):
    lines = Writer(run).write(["abc"], np.random.default_rng(0))
    assert export.read_wrong(lines, DeafReader()) == 0
    lines[0].text = "abcabc"
    assert export.read_wrong(lines, DeafReader()) == 0.5


def test_the_cost_of_lines_is_the_loss_of_the_training(run):
    """Added up, the lines cost what `evaluate` says that a symbol costs on average."""
    writer, samples = Writer(run), made_samples()[:5]
    lines = [writer.pens.encode(normalise(sample.strokes)) for sample in samples]
    texts = [encode_text(writer.chars, sample.text) for sample in samples]
    batch = collate(lines, texts, [0, 1, 2, 3, 4], writer.pens)
    each = tracing.line_costs(writer.network, batch)
    mean = evaluate(writer.network, [(True, batch)])
    assert each.sum() == pytest.approx(mean * batch["mask"].sum(), rel=1e-5)


def test_too_few_hands_are_an_error(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "Reader", DeafReader)
    monkeypatch.setattr(export, "ENOUGH", 3)
    with pytest.raises(MinirnnError, match="0 people with 3 lines are too few for 5 candidates"):
        export.main(options(tmp_path, run))
    with pytest.raises(MinirnnError, match="no hand form 9"):
        export.main([*options(tmp_path, run), "--people", "form 9"])


def test_lines_in_all_hands_are_read_and_drawn(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(legible_hands, "SETS", {"research": run})
    monkeypatch.setattr(legible_hands, "Reader", DeafReader)
    monkeypatch.setattr(legible_hands, "lines_of", lambda text, seed: (["abc"] * 9, ["abcabc"] * 9))
    meta, arrays = checkpoint.load(run)
    checkpoint.save(run, {**meta, "neat_hands": [1, 2, 3]}, arrays)
    (tmp_path / "text.txt").write_text("abc", encoding="utf-8")
    legible_hands.main([str(tmp_path / "text.txt"), "--out", str(tmp_path / "lines")])
    printed = capsys.readouterr().out
    assert "ordinary  3 lines  error 0.0000" in printed and "hard      2 lines  error 0.5000" in printed
    rows = (tmp_path / "lines" / "metadata.csv").read_text().splitlines()
    assert rows[1:] == [*(f"00{n}.png,abc" for n in range(3)), "003.png,abcabc", "004.png,abcabc"]
    assert len(list((tmp_path / "lines").glob("*.png"))) == 5


def test_hard_lines_are_those_with_capitals_and_digits():
    text = "the old man walked slowly to the river and home\nDear Mr. Brown, it is 9 o'clock on a Monday\nshort"
    ordinary, hard = legible_hands.lines_of(text, 0)
    assert ordinary == ["the old man walked slowly to the river"] and hard == ["Dear Mr. Brown, it is 9 o'clock on a"]
