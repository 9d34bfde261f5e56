"""The whole way: its parts leave what is promised, what is done is not done again, and an end at any moment loses
nothing. (That a training survives any kill is tested in test_kill.py.)"""

import csv
import json
import shutil

import pytest
from drawn_lines import scan_of, written_line
from small_runs import SMALL, made_text, weights

from minirnn import train
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.image_files import save_image
from minirnn.training import hand_task, launch, main_job, run_folder
from minirnn.training import trainer as training

TEXTS = ["ab a", "ba b", "abba", "bab"]


@pytest.fixture(scope="module")
def run_main_job(tmp_path_factory):
    """run_main_job(run, learn=launch.learn_part): small networks on four drawn lines; pictures are not drawn."""
    source = tmp_path_factory.mktemp("hand")
    with open(source / "metadata.csv", "w", newline="") as file:
        csv.writer(file).writerows([("file_name", "text"), *((f"{n}.jpg", text) for n, text in enumerate(TEXTS))])
    for n in range(len(TEXTS)):
        save_image(source / f"{n}.jpg", scan_of(written_line(words=1), (150, 320), seed=n))
    (source / "text.txt").write_text(made_text())
    words = [*SMALL, "--steps", "3", "--evaluations", "1", "--init", "scratch",
             "--held-out", "0.4", "--directions", "8", "--lifts", "4", "--step-length", "0.5"]  # fmt: skip

    def blank(path, *_):
        with atomic(path) as file:
            file.write("no picture")

    def go(run, learn=launch.learn_part):
        run.mkdir(exist_ok=True)
        main_job.run_main_job(run, launch.given(words), learn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(source / "cache"))
        patch.setattr(main_job, "SAMPLE_HAND", source)
        for options_of in ("HAND", "TEXT"):
            patch.setattr(main_job, options_of, {})
        patch.setattr(launch, "LETTERS", source / "text.txt")
        patch.setattr(main_job, "draw_steps", blank)
        patch.setattr(main_job, "handwrite", lambda text, path, writer: blank(path) or [path])
        for place, name in ((run_folder, "loss_curve"), (hand_task, "strokes_picture"), (hand_task, "window_path")):
            patch.setattr(place, name, blank)
        yield go


@pytest.fixture(scope="module")
def whole(run_main_job, tmp_path_factory):
    """A run that was never broken off."""
    run = tmp_path_factory.mktemp("whole")
    run_main_job(run)
    return run


def learned(run):
    return [weights(run / part / "last.npz") for part in ("2_hand", "3_text")]


def test_it_leaves_a_picture_of_every_part_and_does_nothing_twice(run_main_job, whole, capsys):
    for part in ("1_images/steps.png", "1_images/contact_sheet_01.png", "1_images/samples.jsonl", "2_hand/best.npz",
                 "2_hand/log.csv", "2_hand/samples/0000003.png", "3_text/best.npz", "page.png"):  # fmt: skip
        assert (whole / part).exists()
    before, traced = learned(whole), (whole / "1_images" / "samples.jsonl").stat().st_mtime_ns
    run_main_job(whole)
    assert (whole / "1_images" / "samples.jsonl").stat().st_mtime_ns == traced
    assert learned(whole) == before
    said = capsys.readouterr().out
    for command in ("prepare", "train --task hand", "train --task text", "write --file"):
        assert f"$ python -m minirnn.{command}" in said


def test_it_goes_on_wherever_it_was_broken_off(run_main_job, whole, tmp_path, monkeypatch):
    step, begun, steps = training.Trainer.step, [], []

    def learn(words, folder):
        begun.append(folder)
        if len(begun) in (1, 3):  # before a part has begun
            raise KeyboardInterrupt
        launch.learn_part(words, folder)

    def dying_step(self):
        steps.append(self)
        if len(steps) in (3, 6):  # in the middle of a part
            raise MemoryError
        return step(self)

    monkeypatch.setattr(training, "SAVE_EVERY", -1)
    monkeypatch.setattr(training.Trainer, "step", dying_step)
    shutil.copytree(whole / "1_images", tmp_path / "1_images")
    ends = 0
    while not (tmp_path / "page.png").exists():
        try:
            run_main_job(tmp_path, learn)
        except (KeyboardInterrupt, MemoryError):
            ends += 1
    assert ends == 4
    assert len(steps) == 2 * 3 + 2, "no step is taken twice but for the two that failed"
    assert learned(tmp_path) == learned(whole)


def test_the_command_begins_it_and_goes_on_with_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(main_job, "run_main_job", lambda run, general, learn: calls.append((run.name, general)))
    assert run_command(train.main, ["--seed", "3", "--threads", "1"]) == 0
    assert run_command(train.main, ["--resume", "runs/main-1"]) == 0
    assert calls == [("main-1", {"seed": 3, "device": "cpu", "threads": 1})] * 2
    assert json.loads((tmp_path / "runs/main-1/settings.json").read_text())["task"] == "all"


def stopped(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("words, code, said", [
    (["--epochs", "3"], 2, "--task text or --task hand"),
    (["--resume", "runs/main-1", "--steps", "3"], 2, "leave out --steps"),
    (["--resume", "runs/main-1"], 130, "continue with --resume runs/main-1"),
])  # fmt: skip
def test_what_the_command_says(tmp_path, monkeypatch, capsys, words, code, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main_job, "run_main_job", stopped)
    assert run_command(train.main, []) == 130
    capsys.readouterr()
    assert run_command(train.main, words) == code
    assert said in capsys.readouterr().err


def test_without_the_sample_data(tmp_path, monkeypatch):
    monkeypatch.setattr(main_job, "SAMPLE_HAND", tmp_path)
    with pytest.raises(MinirnnError, match="in a clone"):
        main_job.run_main_job(tmp_path, [], None)
    assert not list(tmp_path.iterdir())
