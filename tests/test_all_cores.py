"""Many images on all cores: the same results in the same order, and no process is left behind."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from minirnn import cores
from minirnn.errors import MinirnnError

PROGRAM = """
import os, time
from minirnn import cores

def slow(number):
    os.write(1, b"%d\\n" % os.getpid())  # at once: of two processes that print, each may end the other's line
    time.sleep(60)

cores.available_cores = lambda: 2
list(cores.on_all_cores(slow, range(20)))
"""


def add(one, two):
    if one == 7:
        raise ValueError("seven")
    return one + two, os.getpid()


@pytest.mark.parametrize("granted, count", [(1, 40), (2, 3), (2, 40), (3, cores.MANY)])
def test_results_come_in_order(monkeypatch, granted, count):
    monkeypatch.setattr(cores, "available_cores", lambda: granted)
    numbers = [n + 10 for n in range(count)]
    results = list(cores.on_all_cores(add, numbers, numbers[::-1]))
    assert [total for total, _ in results] == [19 + count] * count
    alone = granted == 1 or count < cores.MANY
    assert ({pid for _, pid in results} == {os.getpid()}) == alone


def test_what_goes_wrong_is_raised(monkeypatch):
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    with pytest.raises(ValueError, match="seven"):
        list(cores.on_all_cores(add, range(40), range(40)))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # one that has ended may wait for its parent to ask
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def strange(number, killers, folder):
    """Dies at the numbers among ``killers``, at once or (if negative) only when others work beside it."""
    (pathlib.Path(folder) / f"{number} {os.getpid()}").touch()
    if number in killers:
        os.kill(os.getpid(), signal.SIGKILL)
    if -number in killers and not (pathlib.Path(folder) / "crowd").exists():
        (pathlib.Path(folder) / "crowd").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("killers", [(0, 1), (3, -11, 19)])
def test_a_worker_that_is_killed_costs_only_what_killed_it(monkeypatch, tmp_path, killers):
    """As the system does when memory runs out: alone, with nothing beside it, an element may still succeed."""
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    lists = range(20), [killers] * 20, [tmp_path] * 20
    results = list(cores.on_all_cores(strange, *lists, lost=lambda number, *_: f"lost {number}"))
    assert results == [f"lost {n}" if n in killers else n for n in range(20)]


def test_a_worker_that_is_killed_is_said_where_nothing_may_be_lost(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    with pytest.raises(MinirnnError, match="memory runs out; close other programs"):
        list(cores.on_all_cores(strange, range(20), [(3,)] * 20, [tmp_path] * 20))


def test_who_wants_no_more_results_does_not_wait_for_them(monkeypatch):
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    begun = time.monotonic()
    found = cores.on_all_cores(time.sleep, [0.01] * 2 + [0.5] * 200)
    next(found)
    found.close()
    assert time.monotonic() - begun < 30


def test_a_script_needs_no_main_guard(tmp_path):
    """Where processes are not forked, the standard library's would run the script again."""
    (tmp_path / "script.py").write_text(
        "from minirnn import cores\nprint('once')\ncores.available_cores = lambda: 2\n"
        "print(sum(cores.on_all_cores(abs, range(-20, 0))))\n"
    )
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("once\n210\n", 0), done.stderr


def test_a_module_that_is_run_shares_its_own_functions(tmp_path):
    (tmp_path / "study.py").write_text(
        "import functools\nfrom minirnn import cores\n@functools.cache\ndef kept():\n    return 3\n"
        "def triple(n):\n    return kept() * n\ncores.available_cores = lambda: 2\n"
        "if __name__ == '__main__':\n    print(sum(cores.on_all_cores(triple, range(20))))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-m", "study"], capture_output=True, text=True, env=environment)
    assert (done.stdout, done.returncode) == ("570\n", 0), done.stderr


def test_only_the_cores_that_were_granted_are_used():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        code = "from minirnn import cores; print(cores.available_cores())"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "1\n"
    finally:
        os.sched_setaffinity(0, before)


def test_killed_it_leaves_no_process_behind():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        workers = [int(process.stdout.readline()) for _ in range(2)]
        os.kill(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert not any(map(alive, workers))
