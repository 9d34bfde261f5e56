"""Every error that a user can cause in the commands of text: exit code 2, one line that says what and what to do, no
traceback, and nothing of theirs overwritten. Ctrl-C and SIGTERM save first."""

import errno
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_runs import SMALL, made_text, weights, write_hand

import minirnn.generate as generate
import minirnn.gradcheck as gradcheck
from minirnn import __main__ as listing
from minirnn import backend, evaluate, train
from minirnn import files as writing_files
from minirnn.errors import MinirnnError, run_command
from minirnn.networks import checkpoint
from minirnn.training import hand_task, launch, run_folder
from minirnn.training import trainer as training
from minirnn.writing import letters, sampling

TINY = [*SMALL, "--steps", "6", "--evaluations", "2"]
BAR = re.compile("step/s|s/step")  # what a line of the progress bar ends with


def no_pictures(patch):
    """Curves and handwriting take longer than these trainings."""
    patch.setattr(run_folder, "loss_curve", lambda path, rows: None)
    patch.setattr(letters, "handwrite", lambda text, path, seed: [path])


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """A working folder and a cache of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    no_pictures(monkeypatch)
    (tmp_path / "text.txt").write_text(made_text(), encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that has ended, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text(made_text(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        assert run_command(train.main, ["--text", str(folder / "text.txt"), "--out", str(folder / "run"), *TINY]) == 0
    return folder / "run"


@pytest.fixture
def run(trained):
    """A run that has ended, in ./run, with its text in ./text.txt."""
    shutil.copytree(trained, "run")
    change_settings(text=os.path.abspath("text.txt"))
    return "run"


@pytest.fixture
def unfinished(run):
    """The same run as if twice as many steps had been asked for."""
    change_settings(steps=12)
    rewrite("run/last.npz", lambda meta, arrays: meta["progress"].update(total=12, done=False))
    return run


def change_settings(**changes):
    path = Path("run/settings.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def rewrite(path, change):
    """Rewrite a checkpoint after ``change(meta, arrays)``."""
    meta, arrays = checkpoint.load(path)
    change(meta, arrays)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_check_finite", lambda *_: None)  # whoever spoils a file does not ask
        checkpoint.save(path, meta, arrays)


def files():
    """{path: bytes} of everything in the working folder, but for locks and caches."""
    kept = [path for path in Path().rglob("*") if path.is_file() and path.name != "lock" and path.parts[0] != "cache"]
    return {str(path): path.read_bytes() for path in kept}


@pytest.fixture
def fails(capsys):
    """fails(main, "--argument value", "words", "of the message"): the command fails as it should."""

    def check(main, arguments, *words, unchanged=True):
        before = files()
        argv = arguments.split() if isinstance(arguments, str) else arguments
        capsys.readouterr()
        code = run_command(main, argv)
        output = capsys.readouterr()
        lines = [line for line in output.err.splitlines() if line.strip() and not BAR.search(line)]
        assert code == 2, output.err
        assert len(lines) == 1 and lines[0].startswith("minirnn: "), output.err
        assert "Traceback" not in output.err + output.out
        for word in words:
            assert word in lines[0]
        if unchanged:
            assert files() == before
        return lines[0]

    return check


# --- wrong arguments --------------------------------------------------------------------------------------------

WRONG = {
    train.main: [
        "--hidden 0", "--hidden -3", "--hidden many", "--layers 1.5", "--batch 0", "--steps-per-chunk 0", "--lr 0",
        "--lr nan", "--lr inf", "--clip -1", "--dropout 1", "--dropout -0.1", "--held-out 1", "--average 1",
        "--seed -1", "--warmup -1", "--patience -1", "--grow -1", "--weight-decay -1", "--weight-decay nan",
        "--steps 0", "--minutes 0", "--epochs nan", "--steps 5 --epochs 2", "--cell perceptron", "--optimiser newton",
        "--schedule never", "--device tpu", "--task swim", "--threads 0", "--evaluations 0", "--nonsense", "--hid 8",
        "one too many", "--text", "--step-length 0", "--directions 0", "--lifts 0", "--epochs 1e100", "--minutes 1e308",
        "--weight-decay 1e100",
    ],
    generate.main: [
        "run --length 0", "run --length -5", "run --temperature nan", "run --top-k -1",
        "run --top-p 0", "run --top-p 1.5", "run --random-seed -1", "run --device tpu", "run --nonsense",
    ],
    evaluate.main: ["--task swim", "run --nonsense", "run --held-out 2", "run run"],
    gradcheck.main: ["--seed -1", "--seed x", "--tolerance 0", "--tolerance nan", "more more"],
    listing.main: ["--train"],
}  # fmt: skip


@pytest.mark.parametrize("main, arguments", [(main, line) for main, lines in WRONG.items() for line in lines])
def test_wrong_arguments(fails, main, arguments):
    options = [word for word in arguments.split() if word.startswith("--")]
    fails(main, arguments, "--help", *options[:1])


@pytest.mark.parametrize("main", WRONG)
def test_help_names_every_option(capsys, main):
    with pytest.raises(SystemExit) as ended:
        run_command(main, ["--help"])
    output = capsys.readouterr().out
    assert ended.value.code == 0 and "--debug" in output


@pytest.mark.parametrize("command, more", [(train.main, ""), (generate.main, "run"), (evaluate.main, "run --text x")])
def test_a_gpu_where_there_is_none(fails, monkeypatch, command, more):
    monkeypatch.setitem(sys.modules, "cupy", None)
    fails(command, f"{more} --device gpu", "CuPy", "--device cpu")


# --- texts that cannot be learned -------------------------------------------------------------------------------

TEXTS = {
    b"": ["is empty"],
    b"\xef\xbb\xbf": ["is empty"],
    b"caf\xe9" * 900: ["not UTF-8", "byte 0xe9 at position 3 (line 1)", "save it as UTF-8"],
    b"to be or not to be": ["characters", "use a longer text, or a smaller --batch or --steps-per-chunk"],
    b"a": ["characters"],
    b"tea\0 " * 200: ["has 200 control characters, the first U+0000 in line 1", "--clean"],
}


@pytest.mark.parametrize("data", TEXTS)
def test_texts_that_cannot_be_learned(fails, data):
    Path("bad.txt").write_bytes(data)
    fails(train.main, ["--text", "bad.txt", *TINY], "bad.txt", *TEXTS[data])
    fails(train.main, ["--text", "bad.txt", "--out", "new", *TINY], *TEXTS[data])
    assert not os.path.exists("new") and not os.listdir("runs"), "what never began leaves no run behind"


def test_characters_that_only_the_end_of_a_text_has_are_said_and_never_written(capsys):
    Path("short.txt").write_text("tea " * 200 + "coffee")
    assert run_command(train.main, ["--text", "short.txt", "--out", "run-short", *TINY]) == 0
    said = capsys.readouterr().out
    assert "unknown     4 characters for validation do not occur in what is learned ('c' 'f' 'o')" in said
    assert "vocabulary  5 symbols" in said
    assert run_command(generate.main, ["run-short", "--seed", "tea", "--length", "300", "--temperature", "50"]) == 0
    assert set(capsys.readouterr().out) == set("tea \n")


def test_several_texts_in_another_encoding_with_control_characters(capsys):
    os.mkdir("texts")
    for name in "ab":
        Path(f"texts/{name}.txt").write_bytes(b"caf\xe9 \x07" * 90)
    argv = ["--text", "texts", "texts/a.txt", "--encoding", "cp1252", "--clean", "--out", "run-texts", *TINY]
    assert run_command(train.main, argv) == 0
    assert "a.txt and 2 more: 1,216 characters to learn from, 136 for validation" in capsys.readouterr().out
    assert run_command(train.main, ["--resume", "run-texts"]) == 0


@pytest.mark.parametrize("task", ["", "--task text", "--task hand"])
def test_one_thing_is_learned_at_a_time(fails, task):
    write_hand(Path("hand.jsonl"))
    fails(train.main, f"{task} --text text.txt --data hand.jsonl", "--text is for --task text", "leave out one")


def test_what_cannot_be_read_twice_is_no_text(fails):
    fails(train.main, "--text /dev/zero", "is a device or a pipe", "save the text in a file")


def test_a_text_that_is_not_there(fails):
    fails(train.main, "--text none.txt", "none.txt does not exist", "--text")
    os.mkdir("no texts")
    fails(train.main, ["--text", "no texts", *TINY], "no texts: no file in the folder ends in .txt")


def test_nothing_held_out(fails):
    fails(train.main, ["--text", "text.txt", "--held-out", "0", *TINY], "hold out more")


def test_a_text_of_one_letter_is_learned(capsys):
    Path("a.txt").write_text("a" * 400)
    assert run_command(train.main, ["--text", "a.txt", "--out", "run", *TINY]) == 0
    assert "0.0000 nats" in capsys.readouterr().out


def test_a_network_larger_than_any_memory(fails):
    fails(train.main, ["--text", "text.txt", *TINY, "--hidden", str(10**14)], "out of memory")


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_learning_rate_that_spoils_the_network(fails):
    fails(train.main, ["--text", "text.txt", *TINY, "--lr", "1e99"], "the loss on the validation data is not finite",
          "try a smaller --lr", unchanged=False)  # fmt: skip


# --- handwriting that cannot be learned -------------------------------------------------------------------------


HAND = ["--task", "hand", "--lifts", "4", "--directions", "8", "--step-length", "0.5", "--held-out", "0.4", *TINY]


def test_a_run_of_a_hand_does_not_continue_with_other_strokes(fails):
    write_hand(Path("hand.jsonl"))
    assert run_command(train.main, [*HAND, "--data", "hand.jsonl", "--init", "scratch", "--out", "run"]) == 0
    assert run_command(train.main, ["--resume", "run"]) == 0
    lines = [json.loads(line) for line in Path("hand.jsonl").read_text().splitlines()]
    lines[-1]["strokes"][0][0][1] += 0.01
    Path("hand.jsonl").write_text("\n".join(map(json.dumps, lines)))
    fails(train.main, "--resume run", "the data are not those that run was trained on (another data")


def test_a_run_keeps_the_weights_that_it_started_from(monkeypatch):
    write_hand(Path("hand.jsonl"))
    assert run_command(train.main, [*HAND, "--data", "hand.jsonl", "--init", "scratch", "--out", "first"]) == 0
    begin = ["--task", "hand", "--data", "hand.jsonl", *TINY, "--held-out", "0.4"]
    assert run_command(train.main, [*begin, "--init", "first", "--out", "from run"]) == 0
    monkeypatch.setattr(hand_task, "SHIPPED", Path("first/best.npz"))
    assert run_command(train.main, [*begin, "--out", "from shipped"]) == 0
    first = Path("first/best.npz").read_bytes()
    shutil.rmtree("first")
    for run in ("from run", "from shipped"):
        assert Path(run, "init.npz").read_bytes() == first
        before = weights(Path(run, "last.npz"))
        assert run_command(train.main, ["--resume", run]) == 0
        assert weights(Path(run, "last.npz")) == before


def test_weights_to_start_from_that_are_not_there(fails):
    write_hand(Path("hand.jsonl"))
    fails(train.main, "--task hand --data hand.jsonl --init none --out new", "no checkpoint at", "none")


def test_parts_of_the_whole_way_that_began_on_a_gpu_continue_on_a_cpu(monkeypatch):
    learned = []
    monkeypatch.setattr(launch, "learn", lambda settings, run, resume: learned.append((settings.run.device, resume)))
    options = {"task": "text", "text": "text.txt", "device": "gpu"}
    launch.learn_part(options, Path("part"))
    launch.learn_part({**options, "device": "cpu"}, Path("part"))
    assert learned == [("gpu", False), ("cpu", True)]


def test_handwriting_that_is_not_there(fails):
    fails(train.main, "--task hand", "--data")
    fails(train.main, "--task hand --data none.jsonl", "none.jsonl does not exist")
    fails(train.main, "--task hand --data .")


@pytest.mark.parametrize("line, word", [("{", "line 1"), ("{}", "line 1"), ('{"text": "a", "strokes": 3}', "line 1")])
def test_handwriting_that_is_damaged(fails, line, word):
    Path("hand.jsonl").write_text(line + "\n")
    fails(train.main, ["--task", "hand", "--init", "scratch", "--data", "hand.jsonl", *TINY], word)


def test_handwriting_of_one_group_cannot_be_split(fails):
    write_hand(Path("hand.jsonl"))
    lines = Path("hand.jsonl").read_text().splitlines()
    Path("hand.jsonl").write_text("\n".join(lines[:2]))
    fails(train.main, ["--task", "hand", "--init", "scratch", "--data", "hand.jsonl", *TINY], "whole groups")


def test_weights_to_begin_with_that_are_not_there(fails):
    write_hand(Path("hand.jsonl"))
    fails(train.main, ["--task", "hand", "--init", "none", "--data", "hand.jsonl", "--held-out", "0.4", *TINY],
          "no checkpoint")  # fmt: skip


# --- folders ----------------------------------------------------------------------------------------------------


def test_a_folder_that_is_there_already(fails):
    os.makedirs("mine")
    Path("mine/thesis.tex").write_text("mine")
    fails(train.main, ["--text", "text.txt", "--out", "mine", *TINY], "is there already", "--resume mine")
    fails(train.main, ["--text", "text.txt", "--out", "text.txt", *TINY], "is a file", "another --out")
    fails(train.main, ["--text", "text.txt", "--out", "text.txt/run", *TINY], "cannot make", "another --out")


def test_an_empty_folder_is_as_good_as_a_new_one():
    os.mkdir("empty")
    assert run_command(train.main, ["--text", "text.txt", "--out", "empty", *TINY]) == 0
    assert os.path.exists("empty/best.npz")


def test_runs_without_a_name_are_numbered():
    for _ in range(2):
        assert run_command(train.main, ["--text", "text.txt", *TINY]) == 0
    assert sorted(os.listdir("runs")) == ["text-1", "text-2"]


def failing(number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_folder_that_cannot_be_written(fails, monkeypatch):
    """chmod would not stop root, who runs tests in containers: so the system's answer is played."""
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", failing(errno.EROFS))
        fails(train.main, ["--text", "text.txt", "--out", "new", *TINY], "Read-only", "another --out")
    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "open", failing(errno.EACCES), raising=False)
        fails(train.main, ["--text", "text.txt", "--out", "new", *TINY], "Permission denied", "--out")
    monkeypatch.setattr(writing_files, "_create", failing(errno.EROFS))
    fails(train.main, ["--text", "text.txt", "--out", "newer", *TINY], "Read-only", "can be written")


@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_a_disk_that_is_full(capsys, unfinished, monkeypatch, write):
    """At the ``write``-th file: the run is left such that it can go on when there is room again."""
    honest, count = os.fsync, iter(range(1, 10**6))

    def fsync(handle):
        if next(count) >= write:
            failing(errno.ENOSPC)()
        honest(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        assert run_command(train.main, ["--resume", "run"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("minirnn: cannot write run/") and "No space left on device; nothing was changed" in last
    assert not [name for name in files() if name.endswith(".tmp")]
    for name in ("last.npz", "best.npz"):
        checkpoint.load(f"run/{name}")
    assert run_command(train.main, ["--resume", "run"]) == 0
    assert checkpoint.load("run/last.npz")[0]["progress"]["step"] == 12


def test_a_folder_that_vanishes(fails, monkeypatch):
    step, steps = training.Trainer.step, iter(range(100))

    def vanishing(self):
        if next(steps) == 2:
            shutil.rmtree("new")
        return step(self)

    monkeypatch.setattr(training.Trainer, "step", vanishing)
    fails(train.main, ["--text", "text.txt", "--out", "new", *TINY], "cannot write new/", "No such file")


# --- going on ---------------------------------------------------------------------------------------------------


def test_going_on_with_what_is_no_run(fails):
    os.mkdir("empty")
    fails(train.main, "--resume none", "no run at none", "check the name")
    fails(train.main, "--resume empty", "no run at empty")
    fails(train.main, "--resume text.txt", "no run at text.txt")


def test_going_on_keeps_the_settings(fails, run):
    fails(train.main, "--resume run --hidden 9 --lr 3", "keeps the settings of run", "--hidden --lr")


def test_a_device_may_be_given_when_going_on(fails, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    fails(train.main, "--resume run --device gpu", "CuPy")
    change_settings(device="gpu")
    fails(train.main, "--resume run", "CuPy")
    assert run_command(train.main, ["--resume", "run", "--device", "cpu"]) == 0


@pytest.mark.parametrize(
    "changes", [{"hidden": "x"}, {"hidden": -1}, {"task": "swim"}, {"surprise": 1}, {"lr": []}, {"text=a": "b"}]
)
def test_settings_that_were_damaged(fails, run, changes):
    change_settings(**changes)
    fails(train.main, "--resume run", "run/settings.json is damaged, or of another version")


def test_settings_of_another_version(fails, run):
    settings = json.loads(Path("run/settings.json").read_text())
    del settings["clip"]
    Path("run/settings.json").write_text(json.dumps(settings))
    fails(train.main, "--resume run", "it lacks clip")


def test_a_checkpoint_that_was_damaged(fails, run):
    Path("run/last.npz").write_bytes(Path("run/last.npz").read_bytes()[:999])
    fails(train.main, "--resume run", "run/last.npz is damaged")


def test_checkpoints_of_another_version_or_kind(fails, run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "VERSION", 99)
        fails(train.main, "--resume run", "version 1", "reads version 99")
        fails(generate.main, "run", "version 1", "reads version 99")
    for name in ("last.npz", "best.npz"):
        rewrite(f"run/{name}", lambda meta, arrays: meta.update(kind="PenRNN"))
    fails(train.main, "--resume run", "run/last.npz holds a PenRNN, and a CharRNN is needed")
    fails(generate.main, "run", "run/best.npz holds a PenRNN, and a CharRNN is needed")


def test_going_on_with_another_text(fails, run):
    Path("text.txt").write_text(made_text()[::-1])
    fails(train.main, "--resume run", "the data are not those", "put the old ones back")
    os.remove("text.txt")
    fails(train.main, "--resume run", "text.txt: No such file")


def test_going_on_with_a_run_that_is_done(run, capsys):
    before = weights("run/last.npz")
    assert run_command(train.main, ["--resume", "run"]) == 0
    assert weights("run/last.npz") == before and "resuming    at step 6" in capsys.readouterr().out


def test_going_on_with_a_run_that_was_killed_before_its_first_checkpoint(run):
    alone = {name: weights(f"run/{name}") for name in ("last.npz", "best.npz")}
    for name in (*alone, "log.csv"):
        os.remove(f"run/{name}")
    shutil.rmtree("run/samples")
    assert run_command(train.main, ["--resume", "run"]) == 0
    assert {name: weights(f"run/{name}") for name in alone} == alone


def test_a_run_that_another_process_trains(fails, unfinished):
    code = "import pathlib, sys; from minirnn.training.run_folder import locked\n"
    code += "with locked(pathlib.Path('run')): print('locked', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        fails(train.main, "--resume run", f"run is being trained by process {other.pid}")
        other.kill()
    assert run_command(train.main, ["--resume", "run"]) == 0


def test_a_loss_that_is_not_a_number(fails, monkeypatch):
    def spoiled(network, chunk, states, rngs, workers):
        return float("nan"), states, {name: np.zeros_like(a) for name, a in backend.flatten(network.params).items()}

    monkeypatch.setattr(training.threads, "loss_and_gradients", spoiled)
    message = fails(train.main, ["--text", "text.txt", "--out", "new", *SMALL, "--steps", "50", "--evaluations", "1"],
                    "not finite 10 times in a row", "at step 9", "--lr", unchanged=False)  # fmt: skip
    assert "last.npz" not in message


# --- generate and evaluate --------------------------------------------------------------------------------------

READERS = [(generate.main, ""), (evaluate.main, "--text text.txt")]


@pytest.mark.parametrize("main, more", READERS)
def test_runs_that_cannot_be_read(fails, run, main, more):
    os.mkdir("empty")
    fails(main, f"none {more}", "no checkpoint at none")
    fails(main, f"empty {more}", "no checkpoint at empty/last.npz")
    fails(main, f"text.txt {more}", "text.txt is damaged or is no checkpoint")
    Path("run/best.npz").write_bytes(Path("run/best.npz").read_bytes()[:2000])
    fails(main, f"run {more}", "run/best.npz is damaged")
    os.remove("run/best.npz")
    os.mkdir("run/best.npz")
    fails(main, f"run {more}", "run/best.npz is no file", "give a checkpoint")
    fails(main, f"/dev/zero {more}", "/dev/zero is no file")


@pytest.mark.parametrize("main, more", READERS)
def test_a_run_that_claims_a_terabyte_and_one_that_is_not_a_number(fails, run, main, more):
    rewrite("run/best.npz", lambda meta, arrays: meta["network"].update(hidden=10**6))
    fails(main, f"run {more}", "run/best.npz is damaged")
    rewrite("run/last.npz", lambda meta, arrays: arrays["params.softmax.W"].fill(np.nan))
    fails(main, f"run/last.npz {more}", "not finite in softmax.W")


def test_a_seed_that_the_network_never_saw(fails, run, capsys):
    fails(generate.main, ["run", "--seed", "tea für"], "'tea für'", "'f' 'r' 'ü'", "another --seed", "--skip-unknown")
    assert run_command(generate.main, ["run", "--seed", "tea für", "--skip-unknown", "--length", "9"]) == 0
    fails(generate.main, ["run", "--seed", "XYZ", "--skip-unknown"], "give another --seed")


def test_what_generate_prints(run, capsys):
    network, vocabulary, *_ = generate.load("run", "CharRNN")
    argv = ["run", "--seed", "tea", "--length", "30", "--random-seed", "5", "--temperature", "0.5", "--top-k", "3"]
    assert run_command(generate.main, argv) == 0
    text = "".join(sampling.generate(network, vocabulary, "tea", 30, random_seed=5, temperature=0.5, top_k=3))
    assert capsys.readouterr().out == f"tea{text}\n"
    assert run_command(generate.main, [*argv, "--stop", text[4:7]]) == 0
    assert capsys.readouterr().out == f"tea{text[: text.index(text[4:7]) + 3]}\n"


def test_what_generate_begins_with(run, fails, capsys):
    argv = ["run", "--length", "9", "--random-seed", "1"]
    assert run_command(generate.main, argv) == 0
    opening = Path("text.txt").read_text().lstrip()[:20]
    assert capsys.readouterr().out.startswith(opening), "an opening of the text, which the network has seen"
    Path("seeds.txt").write_text("tea\n\nat\n")
    assert run_command(generate.main, [*argv, "--seed-file", "seeds.txt", "--samples", "2"]) == 0
    (row,) = capsys.readouterr().out.splitlines()
    first, again, second, _ = row.split(" | ")
    assert first.startswith("tea") and second.startswith("at") and again[:3] == "tea" and first != again
    fails(generate.main, ["run", "--seed", "tea", "--seed-file", "seeds.txt"], "leave out one of them")
    Path("empty.txt").write_text("\n \n")
    fails(generate.main, ["run", "--seed-file", "empty.txt"], "no line to begin with")


def test_probabilities_are_shown_on_the_terminal_and_as_html(run, capsys):
    argv = ["run", "--seed", "tea", "--length", "9", "--random-seed", "1"]
    assert run_command(generate.main, argv) == 0
    text = capsys.readouterr().out.rstrip("\n")
    assert run_command(generate.main, [*argv, "--show-probabilities"]) == 0
    shown = capsys.readouterr().out
    bare = re.sub("\x1b\\[[0-9;]*m", "", shown)
    assert shown.count("\x1b[48;2;") == 9 - text.count("\n") and "".join(bare.split()) == "".join(text.split())
    assert run_command(generate.main, [*argv, "--samples", "2", "--show-probabilities", "p.html"]) == 0
    page = Path("p.html").read_text()
    assert page.count("<pre>") == 2 and page.count('title="given"') == 6 and page.count("<span") == 24


def test_what_is_copied_is_said(run, fails, capsys):
    argv = ["run", "--seed", "tea", "--length", "60", "--random-seed", "1", "--temperature", "5"]
    assert run_command(generate.main, [*argv, "--novelty"]) == 0
    *written, said = capsys.readouterr().out.splitlines()
    assert said == "novelty     no passage of more than 50 characters stands in the text that was learned"
    Path("copy.txt").write_text("before " + "\n".join(written) + " after")
    assert run_command(generate.main, [*argv, "--novelty", "copy.txt"]) == 0
    assert "100% of what is written stands in the text that was learned" in capsys.readouterr().out
    os.remove("text.txt")
    fails(generate.main, [*argv, "--novelty"], "give it: --novelty FILE")


@pytest.mark.parametrize("data", [b"", b"caf\xe9", b"a", b"tea for two"])
def test_texts_that_cannot_be_judged(fails, run, data):
    Path("other.txt").write_bytes(data)
    words = {b"": ["is empty"], b"caf\xe9": ["not UTF-8"], b"a": ["at least 2"], b"tea for two": ["'f' 'o' 'r' 'w'"]}
    fails(evaluate.main, "run --text other.txt", "other.txt", *words[data])


def test_characters_that_a_network_lacks_can_be_left_out_when_it_is_judged(run, capsys):
    Path("other.txt").write_text("tea for tea " * 20)
    assert run_command(evaluate.main, ["run", "--text", "other.txt", "--skip-unknown"]) == 0
    assert "180 characters of other.txt; 60 left out that the network never saw" in capsys.readouterr().out


def test_what_there_is_to_judge_has_to_be_said(fails, run):
    fails(evaluate.main, "run", "--text")
    fails(evaluate.main, "--text text.txt", "give its run")
    fails(evaluate.main, "run --text none.txt", "none.txt: No such file")
    fails(evaluate.main, "--task hand", "--data")


def test_what_evaluate_prints(run, capsys):
    assert run_command(evaluate.main, ["run", "--text", "text.txt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    nats, bits, perplexity = (float(line.split()[0]) for line in lines[1:])
    assert lines[0] == "900 characters of text.txt"
    assert bits == pytest.approx(nats / np.log(2), abs=2e-4) and perplexity == pytest.approx(np.exp(nats), rel=1e-3)


# --- the commands as processes ----------------------------------------------------------------------------------


def python(*words, **options):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_first(number):
    argv = ["--text", "text.txt", "--out", "run", *SMALL, "--steps", "1000000"]
    command = [sys.executable, "-m", "minirnn.train", *argv]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while not os.path.exists("run/log.csv"):  # written by the evaluation before the first step
            time.sleep(0.02)
            assert process.poll() is None
        time.sleep(0.1)
        process.send_signal(number)
        _, errors = process.communicate()
    step = checkpoint.load("run/last.npz")[0]["progress"]["step"]
    assert process.returncode == 130
    last = errors.splitlines()[-1]
    assert last == f"minirnn: interrupted and saved at step {step}; continue with --resume run"
    assert "Traceback" not in errors


def test_ctrl_c_while_a_command_is_being_loaded():
    Path("tqdm.py").write_text("import time; print('loading', flush=True); time.sleep(600)")
    command = [sys.executable, "-m", "minirnn.train"]
    # What a script starts in the background ignores Ctrl-C, and so does all that it starts: not here.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, preexec_fn=heard) as process:
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (130, "minirnn: interrupted\n")
    Path("tqdm.py").write_text("1 / 0")
    result = python("-m", "minirnn.train")
    assert result.returncode == 1 and result.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_the_reader_of_our_output_may_go_away(trained):
    command = f'"{sys.executable}" -m minirnn.generate "{trained}" --seed a --length 3000 | head -c 5; '
    result = subprocess.run(["bash", "-c", command + 'echo " ${PIPESTATUS[0]}"'], capture_output=True, text=True)
    assert result.stdout.endswith(" 0\n") and result.stderr == ""


def test_a_fault_of_the_program_shows_its_traceback_and_exits_with_1():
    code = "import sys; from minirnn.errors import run_command\n"
    result = python("-c", code + "sys.exit(run_command(lambda argv: 1 / 0, []))")
    assert result.returncode == 1 and "ZeroDivisionError" in result.stderr


def test_a_message_is_one_line_even_with_a_strange_file_name(capsys):
    def main(argv):
        raise MinirnnError("no file of\nthat name")

    assert run_command(main, []) == 2
    assert capsys.readouterr().err == "minirnn: no file of that name\n"


@pytest.mark.parametrize("main, arguments", [(train.main, "--text none.txt"), (generate.main, "none")])
def test_debug_shows_the_traceback(capsys, main, arguments):
    assert run_command(main, ["--debug", *arguments.split()]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("Traceback") and errors.splitlines()[-1].startswith("minirnn: ")


def test_the_commands_are_listed(capsys):
    assert run_command(listing.main, []) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split(maxsplit=3) for line in lines if line.startswith("python -m minirnn.")]
    named = {name.removeprefix("minirnn."): what for _, _, name, what in rows}
    assert named == listing.COMMANDS
    assert {"train", "generate", "evaluate", "gradcheck", "write"} <= named.keys()
    assert all(what and len(what) < 110 for what in named.values())
