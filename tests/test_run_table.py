"""Runs side by side: found in their folders, with what they learn and how well, and drawn in one picture."""

import json

import pytest
from PIL import Image

from minirnn.errors import MinirnnError, run_command
from minirnn.runs import main
from minirnn.training.run_table import as_lines, find_runs

LOG = "step,epoch,train_loss,validation_loss,learning_rate,gradient_norm,skipped,seconds\n"


def make_run(folder, losses, **settings):
    """The folder of a run whose validation losses these were, ten steps and a minute apart."""
    folder.mkdir(parents=True)
    network = {"layers": 2, "cell": "gru", "hidden": 64, "lr": 0.002}
    settings = {"task": "text", "text": ["/x/my.txt"], **network, **settings}
    (folder / "settings.json").write_text(json.dumps(settings))
    rows = [f"{10 * n},0,,{loss},0.001,1.0,0,{60 * n}\n" for n, loss in enumerate(losses)]
    (folder / "log.csv").write_text(LOG + "".join(rows))
    return folder


def test_runs_are_listed_with_what_they_learn_and_how_well(tmp_path, capsys):
    make_run(tmp_path / "text-1", [3.0, 1.5, 1.75])
    hand = {"task": "hand", "data": ["/x/set", "/x/more"], "text": None, "cell": "lstm"}
    make_run(tmp_path / "main-1" / "2_hand", [2.0, 1.25], **hand)
    assert run_command(main, [str(tmp_path)]) == 0
    header, hand, text = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header == ["run", "task", "learns", "network", "lr", "step", "minutes", "best"]
    assert hand[2:] == ["set", "more", "2", "x", "LSTM", "of", "64", "0.002", "10", "1.0", "1.2500"]
    assert text[2:] == ["my.txt", "2", "x", "GRU", "of", "64", "0.002", "20", "2.0", "1.5000"]
    assert [hand[:2], text[:2]] == [[str(tmp_path / "main-1/2_hand"), "hand"], [str(tmp_path / "text-1"), "text"]]


def test_a_damaged_run_is_named_and_the_others_are_listed(tmp_path, capsys):
    make_run(tmp_path / "a", [2.0])
    (make_run(tmp_path / "b", []) / "log.csv").write_text(LOG + "1,2,x\n")
    (make_run(tmp_path / "c", []) / "settings.json").write_text("{")
    (make_run(tmp_path / "d", []) / "log.csv").write_text("validation_loss\n2\n")
    make_run(tmp_path / "odd", [2.0, "nan", 1.0], text=5, lr="0.1\n\x1b[2J")
    found, problems = find_runs([tmp_path])
    assert [summary.path.name for summary in found] == ["a", "odd"]
    assert as_lines(found)[2].split()[2:] == ["5", "2", "x", "GRU", "of", "64", "0.1", "?[2J", "20", "2.0", "1.0000"]
    assert "lacks the column step" in problems.pop()
    assert ["log.csv is damaged" in problems[0], "settings.json is damaged" in problems[1]] == [True, True]
    (tmp_path / "none").mkdir()
    with pytest.raises(MinirnnError, match="no run in it"):
        find_runs([tmp_path / "none"])


def test_a_run_before_its_first_evaluation(tmp_path, capsys):
    (make_run(tmp_path / "a", []) / "log.csv").unlink()
    assert run_command(main, [str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "0.002"
    assert run_command(main, [str(tmp_path), "--plot", str(tmp_path / "curves.png")]) == 2
    assert "no loss to draw yet" in capsys.readouterr().err and not (tmp_path / "curves.png").exists()


def test_several_curves_in_one_picture(tmp_path):
    runs = [str(make_run(tmp_path / name, losses)) for name, losses in (("a", [3.0, 2.0, 1.5]), ("b", [3.1, 1.8, 1.6]))]
    assert run_command(main, [*runs, "--plot", str(tmp_path / "curves.png")]) == 0
    assert min(Image.open(tmp_path / "curves.png").size) > 300
