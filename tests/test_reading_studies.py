"""What makes and measures the reader: its weights to ship, lines drawn and traced back, a step beside PyTorch."""

import gzip
import json

import numpy as np
import pytest
from small_runs import made_samples, write_hand

from minirnn import train
from minirnn.datasets import read_jsonl
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint
from minirnn.reading.reader import Reader
from minirnn.studies import export_reader, traced_lines
from minirnn.studies.benchmarks import reading_step

TEXT = ["--steps", "1", "--hidden", "4", "--embed", "3", "--batch", "4", "--steps-per-chunk", "8", "--threads", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that learned to read nothing, a text run, and the handwriting that they know."""
    folder = tmp_path_factory.mktemp("studies")
    write_hand(folder / "hand.jsonl")
    (folder / "text.txt").write_text("abc abc bca\n" * 90, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIRNN_CACHE", str(folder / "cache"))
        train.main(["--task", "read", "--data", str(folder / "hand.jsonl"), "--layers", "1", "--held-out", "0.3",
                    "--evaluations", "1", "--out", str(folder / "run"), *TEXT[:8], *TEXT[10:]])  # fmt: skip
        train.main(["--text", str(folder / "text.txt"), "--out", str(folder / "text"), *TEXT])
    return folder


def test_exported_weights_are_half_as_large_and_read_the_same(folder, tmp_path, capsys):
    export_reader.main([str(folder / "run"), "-o", str(tmp_path / "reader.npz")])
    meta, arrays = checkpoint.load(tmp_path / "reader.npz", "ReaderRNN")
    assert all(array.dtype == np.float16 for name, array in arrays.items() if name.startswith("params."))
    assert not {"progress", "rows"} & meta.keys()
    before, after = Reader(folder / "run", False), Reader(tmp_path / "reader.npz", False)
    lines = [sample.strokes for sample in made_samples(3)]
    for (_, a), (_, b) in zip(before.log_probabilities(lines), after.log_probabilities(lines)):
        np.testing.assert_allclose(a, b, atol=0.01)


def test_the_weight_of_the_language_model_is_the_best_of_the_grid(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIRNN_CACHE", str(folder / "cache"))
    monkeypatch.setattr(export_reader, "WEIGHTS", (0.1, 0.7))
    monkeypatch.setattr(export_reader, "BONUSES", (0.0, 9.0))
    options = [str(folder / "run"), "--language-model", str(folder / "text"), "-o", str(tmp_path / "reader.npz")]
    with pytest.raises(MinirnnError, match="give --data"):
        export_reader.main(options)
    export_reader.main([*options, "--data", str(folder / "hand.jsonl")])
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("weight")]
    best = min(rows, key=lambda row: float(row[-1]))
    reader = Reader(tmp_path / "reader.npz", folder / "text")
    assert [reader.weight, reader.bonus] == [float(best[1]), float(best[3])]


def test_lines_are_drawn_and_traced_back_with_their_texts_and_people(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))
    samples = made_samples(8)
    with open(tmp_path / "hand.jsonl", "w", encoding="utf-8") as file:
        for n, sample in enumerate(samples):
            text = f"{sample.text} and more {n}" if n else "short"
            strokes = [stroke.tolist() for stroke in sample.strokes]
            file.write(json.dumps({"text": text, "strokes": strokes, "group": f"person {n}"}) + "\n")
    out = tmp_path / "traced.jsonl.gz"
    traced_lines.main([str(tmp_path / "hand.jsonl"), "--lines", "2", "--held-out", "0.3", "--out", str(out)])
    found = list(read_jsonl(out))
    assert len(found) == 2 and all(sample.text.endswith(f"more {sample.group[-1]}") for sample in found)
    assert {sample.text for sample in found}.isdisjoint({"short"})
    with gzip.open(out, "rt") as file:
        assert "\n" in file.read()


def test_a_step_is_timed_beside_pytorch(capsys, monkeypatch):
    for name, small in (("HIDDEN", 4), ("EMBED", 3), ("LAYERS", 2)):
        monkeypatch.setattr(reading_step, name, small)
    reading_step.main(["--batch", "2", "--symbols", "30", "--characters", "4", "--rounds", "1", "--threads", "1"])
    assert "s per step" in capsys.readouterr().out
    with pytest.raises(MinirnnError, match="multiple of 3"):
        reading_step.main(["--symbols", "31"])
