"""Every command and every error that its user can cause: exit code 2 and one line that says what and what to do, no
traceback, nothing written. What is peculiar to a command is tested with it; this is the table of what all have in
common.
"""

import errno
import importlib
import json
import os
import pickle
import resource
import stat
import subprocess
import sys
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from small_runs import write_hand

import minirnn.generate as generate
import minirnn.gradcheck as gradcheck
from minirnn import __main__ as listing
from minirnn import bench, evaluate, files, grade, label, prepare, runs, sheet, train, write
from minirnn.datasets import Sample, default_cache_folder, load_samples, write_jsonl
from minirnn.datasets.cache import cache_path, fingerprint, load_cache
from minirnn.errors import MinirnnError, is_text, printable, run_command
from minirnn.networks import checkpoint
from minirnn.studies import export, sample_hand, simulated_sheets, tracing
from minirnn.training import run_folder

# {command: [arguments, words of the message]}; "bad" is a file of noise, "empty" an empty folder, "none" is not there.
WRONG = {
    "train": [
        ("--nonsense", "--nonsense"),
        ("--text none", "none does not exist; check the name after --text"),
        ("--text bad", "bad is not UTF-8", "save it as UTF-8"),
        ("--resume none", "no run at none", "check the name"),
        ("--resume empty", "no run at empty"),
        ("--task hand", "--data"),
        ("--task hand --data empty", "neither ascii-all.tar.gz nor a folder ascii; give the folder", "minirnn.prepare"),
        ("--task hand --data text.txt", "text.txt is neither .jsonl nor .inkml nor a folder", "minirnn.prepare"),
        ("--task hand --data bad.jsonl", "bad.jsonl is not UTF-8"),
        ("--task hand --data bad.inkml", "bad.inkml is not well-formed XML"),
        ("--task hand --data pen.jsonl --init bad --held-out 0.4", "bad is damaged or is no checkpoint"),
        ("--out bad", "bad is a file; choose another --out"),
    ],
    "runs": [
        ("none", "none: no such folder"), ("empty", "empty: no run in it"), ("", "runs: no such folder"),
        ("empty --plot a.doc", "--plot"),
    ],
    "generate": [
        ("none", "no checkpoint at none"), ("bad", "bad is damaged or is no checkpoint"),
        ("empty", "no checkpoint at empty"), ("bad --length 0", "--length", "1 or more"),
    ],
    "evaluate": [
        ("--nonsense", "--nonsense"), ("none --text text.txt", "no checkpoint at none"), ("--task hand", "--data"),
        ("bad --text text.txt", "bad is damaged"), ("--task hand --data empty", "give the folder of IAM-OnDB"),
    ],
    "write": [
        ("", "--out"), ("Hi -o page.doc", "page.doc"), ("Hi", "--out"), ("-o page.png", "--file"),
        ("-o page.png --file none", "cannot read none"), ("-o page.png --file bad", "bad is not UTF-8"),
        ("Hi -o page.png --hand none", "no checkpoint at none"), ("Hi -o page.png --hand bad", "bad is damaged"),
        ("Hi -o page.png --hand 99", "there is no hand 99"), ("Hi -o page.png --neatness 0", "--neatness"),
        ("Hi -o page.png --likeness 0.5", "--likeness is for a hand that was learned, not for --hand 1"),
        ("Hi -o page.png --random-seed -1", "--random-seed"), ("Hi -o page.png --hand ²", "no checkpoint at ²"),
    ],
    "prepare": [
        ("", "source"), ("none --out new", "none: no such file or folder"), ("bad --out new --show", "--show"),
        ("pen.jsonl", "give --out FOLDER or --show PNG"), ("bad.png --show steps.png", "bad.png", "save it as PNG"),
        ("empty --show steps.png", "no image in it"), ("empty --out new", "no labels found; give it a metadata.csv"),
        ("empty --out new --format swim", "--format"),
    ],
    "label": [
        ("", "folder"), ("none", "no such folder"), ("empty", "no image in it; python -m minirnn.prepare"),
        ("empty --port x", "--port"), ("empty --port 99999", "not from 0 to 65535"),
    ],
    "sheet": [
        ("", "give -o sheet.pdf"), ("-o sheet.pdf --paper a0", "--paper"), ("read", "PHOTO"), ("read a.jpg", "--out"),
        ("read none --out new", "none: no such file"), ("read bad.png --out new", "bad.png: not an image"),
        ("-o none/sheet.pdf", "cannot write none/sheet.pdf", "choose a folder"),
    ],
    "grade": [
        ("", "nothing to grade; give the folder"),
        ("none", "neither a folder nor an exercise"), ("empty", "holds no exercise"),
    ],
    "gradcheck": [("--tolerance 0", "--tolerance", "above zero"), ("--seed x", "--seed")],
    "bench": [
        ("--hidden 0", "--hidden", "1 or more"), ("--models swim", "--models"), ("--device tpu", "--device"),
        ("--plot a.doc", "--plot", "'a.doc' ends in none of .png"), ("--scaling a", "--scaling", "'a' ends in none"),
    ],
    "sample_hand": [
        ("", "texts"), ("none --out new", "none: No such file"), ("bad --out new", "bad is not UTF-8"),
        ("text.txt --out new --lean nan", "--lean", "from -60 to 60"), ("text.txt --out new --rows 99", "from 0 to"),
    ],
    "pack": [
        ("run", "--data"), ("none --data empty -o new.npz", "no checkpoint at none"),
        ("bad --data empty -o new.npz", "bad is damaged"), ("bad --data empty -o new.npz --hands 0", "--hands"),
    ],
    "__main__": [("nonsense", "nonsense", "lists them"), ("--nonsense", "--help")],
    "images.measure": [("", "source"), ("pages --nonsense", "--nonsense"), ("none", "none")],
    "sheets.simulate": [("--photos 0", "--photos", "1 or more"), ("--nonsense", "--nonsense")],
}  # fmt: skip
MODULES = {
    "runs": runs,
    "train": train, "generate": generate, "evaluate": evaluate, "write": write, "prepare": prepare, "label": label,
    "sheet": sheet, "grade": grade, "gradcheck": gradcheck, "bench": bench, "pack": export, "sample_hand": sample_hand,
    "__main__": listing,
    "images.measure": tracing, "sheets.simulate": simulated_sheets,
}  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("a browser was opened"))
    noise = np.random.default_rng(0).bytes(400)
    for name in ("bad", "bad.png", "bad.jsonl", "bad.inkml"):
        Path(name).write_bytes(noise)
    Path("text.txt").write_text("some text\n" * 50)
    write_hand(Path("pen.jsonl"))
    os.mkdir("empty")


def files_here():
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.parts[0] != "cache"}


@pytest.mark.parametrize("name, case", [(name, case) for name, cases in WRONG.items() for case in cases])
def test_errors_of_the_user(name, case, capsys):
    arguments, *words = case
    before = files_here()
    code = run_command(MODULES[name].main, arguments.split())
    output = capsys.readouterr()
    assert code == 2, output
    assert "Traceback" not in output.err + output.out
    last = output.err.splitlines()[-1]
    assert last.startswith("minirnn: ")
    for word in words:
        assert word in last
    assert {path: data for path, data in files_here().items() if not path.startswith("new/")} == before


@pytest.mark.parametrize("name", WRONG)
def test_debug_shows_the_traceback(name, capsys):
    arguments, *_ = WRONG[name][0]
    assert run_command(MODULES[name].main, ["--debug", *arguments.split()]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("Traceback") and errors.splitlines()[-1].startswith("minirnn: ")


@pytest.mark.parametrize("name", WRONG)
def test_help(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(MODULES[name].main, ["--help"])
    assert ended.value.code == 0 and "--debug" in capsys.readouterr().out


@pytest.mark.parametrize("name", listing.COMMANDS)
def test_no_command_is_left_out(name, capsys):
    main = importlib.import_module(f"minirnn.{name}").main
    assert run_command(main, ["--nonsense"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("minirnn: ") and errors.count("\n") == 1 and "--help" in errors


# --- exit codes -------------------------------------------------------------------------------------------------


def raising(error):
    def main(argv):
        raise error

    return main


@pytest.mark.parametrize(
    "error, code, words",
    [
        (MinirnnError("no such thing"), 2, "minirnn: no such thing"),
        (MemoryError("Unable to allocate 9 TB"), 2, "minirnn: out of memory (Unable to allocate 9 TB); use a smaller"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), 2, "minirnn: a/b: Permission denied; check the"),
        (OSError("strange"), 2, "minirnn: strange; check the name"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "minirnn: No space left on device; check the name"),
        (KeyboardInterrupt("and saved"), 130, "minirnn: interrupted and saved"),
    ],
)
def test_exit_codes_and_messages(error, code, words, capsys):
    assert run_command(raising(error), []) == code
    assert capsys.readouterr().err.startswith(words)
    run_command(raising(error), ["--debug"])
    assert ("Traceback" in capsys.readouterr().err) == (code == 2)


def test_a_fault_of_the_program_is_not_hidden(capsys):
    assert run_command(raising(ZeroDivisionError("\x1b[2J")), []) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown and "ZeroDivisionError" in shown and "\x1b" not in shown


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_strangers_wrote_does_not_command_the_terminal(stream, capsys):
    """A network, a file's name, a label, a student's program: all of it goes the same way."""

    def main(argv):
        evil = "\x1b]0;title\a \x9b2J \x08\x7f \u202eright to left \u2066 \u2028"
        print("a\tb\né世\u00ad\u200d", evil, file=getattr(sys, stream), flush=True)
        getattr(sys, stream).writelines([evil])

    assert run_command(main, []) == 0
    shown = getattr(capsys.readouterr(), {"stdout": "out", "stderr": "err"}[stream])
    assert shown.startswith("a\tb\né世\u00ad\u200d ?]0;title? ?2J ?? ?right to left ? ?\n?]0;")


def test_messages_are_one_line_without_control_characters(capsys):
    assert run_command(raising(MinirnnError("no file of\nthat name\x1b[2J")), []) == 2
    assert capsys.readouterr().err == "minirnn: no file of that name?[2J\n"
    assert printable("a  b\tcé\udcff") == "a  b cé?"


def test_what_can_be_written():
    assert is_text("é世") and not is_text("\ud800") and not is_text(3) and not is_text(None)


# --- writing files ----------------------------------------------------------------------------------------------


def test_a_file_is_there_as_a_whole_or_not_at_all():
    Path("kept").write_text("old")
    with pytest.raises(ZeroDivisionError), files.atomic("kept") as file:
        file.write("half")
        raise ZeroDivisionError
    assert Path("kept").read_text() == "old" and not list(Path().glob(".*.tmp"))
    with files.atomic("kept") as file:
        file.write("new é")
        file.flush()
        assert Path("kept").read_text() == "old"
    assert Path("kept").read_text(encoding="utf-8") == "new é" and not list(Path().glob(".*.tmp"))


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_that_the_umask_grants(umask):
    before = os.umask(umask)
    try:
        with files.atomic("new") as file:
            file.write("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat("new").st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o644, 0o400, 0o755])
def test_a_file_that_was_there_keeps_its_permissions(mode):
    Path("kept").write_text("old")
    os.chmod("kept", mode)
    with files.atomic("kept") as file:
        file.write("new")
        half_written = next(Path().glob(files.HALF_WRITTEN))
        assert stat.S_IMODE(half_written.stat().st_mode) == mode  # nobody else reads what is being written either
    assert stat.S_IMODE(os.stat("kept").st_mode) == mode and Path("kept").read_text() == "new"


def test_a_symbolic_link_stays_one_and_its_file_is_written():
    Path("far").mkdir()
    Path("far/real").write_text("old")
    os.symlink("far/real", "link")
    os.symlink("link", "link of a link")
    os.symlink("far/not yet", "dangling")
    for name in ("link", "link of a link", "dangling"):
        with files.atomic(name) as file:
            file.write(f"by {name}")
        assert Path(name).is_symlink() and not Path(os.path.realpath(name)).is_symlink()
    assert Path("far/real").read_text() == "by link of a link" and Path("far/not yet").read_text() == "by dangling"


def test_names_as_long_as_the_system_allows():
    for name in ("x" * 251 + ".txt", "é" * 127):
        with files.atomic(name) as file:
            file.write("x")
        assert Path(name).read_text() == "x"
    with pytest.raises(MinirnnError, match="cannot write"), files.atomic("x" * 256) as file:
        file.write("x")
    assert not list(Path().glob(".*.tmp"))


def test_what_is_no_file_is_not_replaced_by_one():
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for name in ("folder", "pipe", os.devnull):
        with pytest.raises(MinirnnError, match="is no file"), files.atomic(name) as file:
            file.write("x")
    assert Path("folder").is_dir() and stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_the_folder_is_synced_too(monkeypatch):
    synced = []
    honest = os.fsync

    def fsync(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        honest(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with files.atomic("x") as file:
        file.write("x")
    assert ".minirnn-" in synced[0] and synced[1:] == [os.getcwd()]


def test_what_killed_writers_left_is_cleared_away_and_what_is_being_written_stays():
    begin = "import sys, os; from minirnn.files import atomic\n"
    write = "with atomic('x') as file: print('ready', flush=True); sys.stdin.read(); file.write('done')"
    with subprocess.Popen([sys.executable, "-c", begin + write], stdin=-1, stdout=-1, text=True) as killed:
        killed.stdout.readline()
        killed.kill()
    assert len(list(Path().glob(".*.tmp"))) == 1
    with subprocess.Popen([sys.executable, "-c", begin + write], stdin=-1, stdout=-1, text=True) as living:
        living.stdout.readline()  # it has cleared away what the first has left
        assert len(list(Path().glob(".*.tmp"))) == 1
        files.clear_half_written(".")
        living.stdin.close()
        living.wait()
    assert Path("x").read_text() == "done" and not list(Path().glob(".*.tmp"))


def test_what_killed_writers_left_in_the_cache_is_cleared_away():
    folder = default_cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    left = folder / ".minirnn-0123456789abcdef.tmp"
    left.write_bytes(b"half")
    files.clear_once.cache_clear()
    Path("fresh.jsonl").write_text('{"text": "b", "strokes": [[[0, 0], [0, 1]]]}')
    load_samples("fresh.jsonl")
    assert not left.exists()


def test_a_run_whose_samples_are_gone_is_said():
    Path("run/samples").mkdir(parents=True)
    with pytest.raises(MinirnnError, match=r"run has no samples/\*\.txt any more"):
        run_folder.newest_sample(Path("run"), "*.txt")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_is_full_or_breaks(number, call, monkeypatch):
    def failing(*_):
        raise OSError(number, os.strerror(number))

    Path("kept").write_text("old")
    monkeypatch.setattr(os, call, failing)
    message = f"cannot write kept: {os.strerror(number)}; nothing was changed"
    with pytest.raises(MinirnnError, match=message), files.atomic("kept") as file:
        file.write("new")
    assert Path("kept").read_text() == "old" and not list(Path().glob(".*.tmp"))


def test_a_write_that_stops_in_the_middle():
    """As on a full disk, in the middle of a large array: the system refuses what goes beyond a limit."""
    checkpoint.save("x.npz", {"kind": "CharRNN"}, {"a": np.zeros(10)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(MinirnnError, match=r"cannot write x\.npz: File too large; nothing was changed"):
            checkpoint.save("x.npz", {"kind": "CharRNN"}, {"a": np.ones(10**5)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not checkpoint.load("x.npz")[1]["a"].any() and not list(Path().glob(".*.tmp"))


# --- the cache --------------------------------------------------------------------------------------------------


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch, capsys):
    Path("file").touch()
    monkeypatch.setenv("MINIRNN_CACHE", "file/cache")
    samples, report = load_samples("pen.jsonl")
    assert len(samples) == 12 == report.used
    warning = capsys.readouterr().err
    assert warning.startswith("minirnn: cannot make the folder file/cache: ") and "MINIRNN_CACHE=FOLDER" in warning
    monkeypatch.setenv("MINIRNN_CACHE", "mine")
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only")))
    assert len(load_samples("pen.jsonl")[0]) == 12
    assert "Read-only" in capsys.readouterr().err


def test_where_the_cache_is(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/else")
    monkeypatch.setenv("MINIRNN_CACHE", "/mine")
    assert default_cache_folder() == Path("/mine")
    monkeypatch.delenv("MINIRNN_CACHE")
    assert default_cache_folder() == Path("/else/minirnn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ana")
    assert default_cache_folder() == Path("/home/ana/.cache/minirnn")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert default_cache_folder() == Path("/home/ana/.cache/minirnn")


def test_without_a_home_there_is_no_cache_and_no_folder_of_that_name(monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME", "MINIRNN_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where the user is in no list of users
    before = sorted(Path().iterdir())
    assert len(load_samples("pen.jsonl")[0]) == 12
    assert sorted(Path().iterdir()) == before


def test_a_change_that_keeps_size_and_times_is_seen():
    times = (10**18, 10**18)
    line = '{{"text": "a", "strokes": [[[0, 0], [0, {}]]]}}'
    for height in (3, 7):
        Path("same.jsonl").write_text(line.format(height))
        os.utime("same.jsonl", ns=times)
        assert load_samples("same.jsonl")[0][0].strokes[0][1, 1] == height


def test_names_that_are_not_unicode_are_read_and_cached():
    name = os.fsdecode(b"caf\xe9.jsonl")
    Path(name).write_text('{"text": "a", "strokes": [[[0, 0], [0, 1]]], "group": "b"}')
    assert [len(load_samples(name)[0]) for _ in range(2)] == [1, 1]
    assert load_cache(cache_path(name, default_cache_folder()), fingerprint(name)) is not None
    groups = [Sample("a", [], os.fsdecode(group)).group for group in (b"\xe9", b"\xe8", "é".encode())]
    assert len(set(groups)) == 3 and all(map(is_text, groups))  # two names stay two, and can be written


def test_a_cache_that_is_replaced_is_not_mixed_up_by_other_processes():
    Path("one.jsonl").write_text('{"text": "a", "strokes": [[[0, 0], [0, 3]]]}')
    sample = pickle.dumps(load_samples("one.jsonl")[0][0])
    assert pickle.loads(sample).strokes[0][1, 1] == 3
    Path("one.jsonl").write_text('{"text": "a", "strokes": [[[0, 0], [0, 4]]]}')
    load_samples("one.jsonl")
    with pytest.raises(MinirnnError, match="was replaced while it was in use"):
        pickle.loads(sample)


# --- strangers' files of which fuzzing would not think ----------------------------------------------------------


def test_jsonl_that_no_file_can_hold(tmp_path):
    for value in ('"\\ud800"', '"a", "group": "\\udfff"'):
        Path("bad.jsonl").write_text(f'{{"strokes": [[[0, 0], [1, {"9" * 400}]]], "text": {value}}}')
        with pytest.raises(MinirnnError, match="line 1"):
            load_samples("bad.jsonl")
    with pytest.raises(MinirnnError, match="line 1: not JSON"):
        Path("bad.jsonl").write_text(f'{{"text": "a", "strokes": [[[0, {"9" * 5000}]]]}}')
        load_samples("bad.jsonl")
    write_jsonl("out.jsonl", [Sample("a", [np.zeros((1, 2))], "page \udcff")])  # as from a file name that is no UTF-8
    assert json.loads(Path("out.jsonl").read_text(encoding="utf-8"))["group"] == "page \\udcff"


def test_a_terminal_that_lacks_a_character(capfd):
    def main(argv):
        print("é\udcff")

    sys.stdout.flush()
    assert run_command(main, []) == 0
    assert "\\udcff" in capfd.readouterr().out
