"""Many images on all cores: the same results in the same order, and no process is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from minirnn import cores

PROGRAM = """
import os, time
from minirnn import cores

def slow(number):
    os.write(1, b"%d\\n" % os.getpid())  # at once: of two processes that print, each may end the other's line
    time.sleep(60)

cores.os.cpu_count = lambda: 2
list(cores.on_all_cores(slow, range(20)))
"""


def add(one, two):
    if one == 7:
        raise ValueError("seven")
    return one + two, os.getpid()


@pytest.mark.parametrize("granted, count", [(1, 40), (2, 3), (2, 40), (3, cores.MANY)])
def test_results_come_in_order(monkeypatch, granted, count):
    monkeypatch.setattr(cores.os, "cpu_count", lambda: granted)
    numbers = [n + 10 for n in range(count)]
    results = list(cores.on_all_cores(add, numbers, numbers[::-1]))
    assert [total for total, _ in results] == [19 + count] * count
    alone = granted == 1 or count < cores.MANY
    assert ({pid for _, pid in results} == {os.getpid()}) == alone


def test_what_goes_wrong_is_raised(monkeypatch):
    monkeypatch.setattr(cores.os, "cpu_count", lambda: 2)
    with pytest.raises(ValueError, match="seven"):
        list(cores.on_all_cores(add, range(40), range(40)))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # one that has ended may wait for its parent to ask
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_killed_it_leaves_no_process_behind():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        workers = [int(process.stdout.readline()) for _ in range(2)]
        os.kill(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert not any(map(alive, workers))
