"""A text network that starts from trained weights: it keeps what it knows, and learns characters that are new."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_runs import SMALL, made_text, weights

import minirnn.generate as generate
from minirnn import train
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks.rebuild import SHIPPED_TEXT, load
from minirnn.training import launch, run_folder, text_task
from minirnn.writing import letters

TINY = ["--batch", "4", "--steps-per-chunk", "8", "--threads", "1", "--steps", "6", "--evaluations", "2"]


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """A working folder with a text in it; no pictures, which take longer than these trainings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_folder, "loss_curve", lambda path, rows: None)
    monkeypatch.setattr(letters, "handwrite", lambda text, path, seed: [path])
    Path("text.txt").write_text(made_text(), encoding="utf-8")
    Path("other.txt").write_text(made_text().replace("tea", "thé"), encoding="utf-8")


@pytest.fixture
def begun():
    assert run_command(train.main, ["--text", "text.txt", "--out", "begun", *SMALL, *TINY]) == 0
    return load("begun", "CharRNN")


def test_a_network_with_more_symbols_says_the_same_of_those_that_it_knows(begun):
    more = CharVocabulary(begun.chars.symbols + "Zé\n")
    network = text_task.with_symbols(begun, more, dropout=0.1, seed=0)
    text = "a net at ten"
    before, *_ = begun.network.forward(begun.chars.encode(text)[:, None], begun.network.start(1))
    after, *_ = network.forward(more.encode(text)[:, None], network.start(1))
    assert np.allclose(after[:, 0, more.encode(begun.chars.symbols)], before[:, 0], atol=1e-6)
    assert network.settings["V"] == len(more) and network.settings["dropout"] == 0.1


def test_a_run_that_starts_from_another_says_which_characters_are_new_and_can_be_continued(begun, capsys):
    words = ["--text", "other.txt", "--init", "begun", "--out", "tuned", *TINY]
    assert run_command(train.main, words) == 0
    assert "gets rows for 2 new ones: 'h' 'é'" in capsys.readouterr().out
    tuned = load("tuned", "CharRNN")
    assert set(tuned.chars.symbols) == set(begun.chars.symbols) | {"h", "é"}
    settings = json.loads(Path("tuned/settings.json").read_text())
    assert (settings["hidden"], settings["embed"], settings["layers"], settings["lr"]) == (6, 3, 2, 1e-3)
    before = weights("tuned/last.npz")
    assert run_command(train.main, ["--resume", "tuned"]) == 0
    assert weights("tuned/last.npz") == before


def test_what_it_knows_already_counts_from_the_first_evaluation_on(begun):
    words = ["--text", "text.txt", "--init", "begun", "--lr", "1e-9", "--out", "same", *TINY]
    assert run_command(train.main, words) == 0
    rows = Path("same/log.csv").read_text().splitlines()[1:]
    start, end = (float(row.split(",")[3]) for row in (rows[0], rows[-1]))
    last_of_begun = float(Path("begun/log.csv").read_text().splitlines()[-1].split(",")[3])
    assert abs(start - last_of_begun) < 1e-4 and abs(end - start) < 1e-4


def test_a_character_that_only_the_validation_part_has_is_no_unknown_one_if_the_network_knows_it(begun, capsys):
    Path("aaa.txt").write_text("at " * 300 + "net" * 20, encoding="utf-8")
    assert run_command(train.main, ["--text", "aaa.txt", "--init", "begun", "--out", "new", *TINY]) == 0
    assert "unknown" not in capsys.readouterr().out


def test_a_run_is_prolonged_by_the_command_and_only_once(begun, capsys):
    assert run_command(train.main, ["--resume", "begun", "--steps", "9"]) == 0
    assert "prolonged   from step 6 to 9; the learning rate rises again" in capsys.readouterr().out
    before = weights("begun/last.npz")
    assert run_command(train.main, ["--resume", "begun", "--steps", "9"]) == 0
    assert "prolonged  " not in capsys.readouterr().out and weights("begun/last.npz") == before
    assert run_command(train.main, ["--resume", "begun", "--minutes", "1e-9"]) == 2
    assert "say how long it shall be in all" in capsys.readouterr().err
    settings = json.loads(Path("begun/settings.json").read_text())
    assert (settings["steps"], settings["minutes"]) == (9, None)


def test_a_size_beside_weights_that_have_one_is_refused():
    with pytest.raises(MinirnnError, match="--init pretrained brings a network of its own; leave out --hidden"):
        launch.new_settings({"text": ["text.txt"], "init": "pretrained", "hidden": 5})


def test_weights_of_another_kind_or_none_are_refused_by_name(capsys, monkeypatch):
    monkeypatch.setattr(text_task, "SHIPPED_TEXT", Path("none.npz"))
    assert run_command(train.main, ["--text", "text.txt", "--init", "pretrained", *TINY]) == 2
    assert "give a run of minirnn.train --text to --init" in capsys.readouterr().err
    assert run_command(train.main, ["--text", "text.txt", "--init", "nowhere", *TINY]) == 2
    assert "no checkpoint at" in capsys.readouterr().err
    assert not list(Path("runs").iterdir())


def test_exported_weights_are_half_as_large_and_write_the_same(begun, capsys):
    from minirnn.studies import export_text

    export_text.main(["begun", "-o", "text.npz"])
    assert "weights, 0.0 MB, 5 characters" in capsys.readouterr().out
    shipped = load("text.npz", "CharRNN")
    assert not {"progress", "rows"} & shipped.meta.keys() and shipped.meta["opening"] == begun.meta["opening"]
    assert all(array.dtype == np.float16 for array in shipped.arrays.values())
    before, after = (net.network.forward(net.chars.encode("a ten")[:, None], net.network.start(1))[0]
                     for net in (begun, shipped))  # fmt: skip
    assert np.allclose(before, after, atol=0.01)


def test_it_is_generated_from_without_a_run(begun, capsys, monkeypatch):
    monkeypatch.setattr(generate, "SHIPPED_TEXT", Path("begun/best.npz"))
    generate.main(["--seed", "a ten", "--length", "30", "--random-seed", "1"])
    written = capsys.readouterr().out
    assert written.startswith("a ten") and len(written) == 36
    with pytest.raises(MinirnnError, match="give it: --novelty FILE"):
        generate.main(["--seed", "a ten", "--novelty"])
    monkeypatch.setattr(generate, "SHIPPED_TEXT", Path("none.npz"))
    with pytest.raises(MinirnnError, match="this installation has no network that writes text"):
        generate.main([])


# --- the weights that ship --------------------------------------------------------------------------------------


def test_the_shipped_network_predicts_letters_that_it_has_not_learned():
    from minirnn.datasets.text import LETTERS, ValidationText, read_text
    from minirnn.training.trainer import evaluate

    network, chars, *_ = load(SHIPPED_TEXT, "CharRNN")
    assert not chars.unknown("".join(map(chr, range(32, 127))) + "\n") and SHIPPED_TEXT.stat().st_size < 6e6
    kept_out = read_text(LETTERS)[-4000:]
    assert evaluate(network, ValidationText(chars.encode(kept_out), 8, 128)) < 1.7


def test_the_shipped_network_writes_sentences(capsys):
    for seed in ("3", "4", "5"):
        generate.main(["--seed", "Dear Ana,", "--length", "800", "--random-seed", seed])
    written = capsys.readouterr().out
    assert written.count("Dear Ana,") == 3 and len(re.findall(r"[a-z][.?!]", written)) >= 6
