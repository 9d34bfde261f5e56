"""Memory and speed of a training against the size of its text: both should be flat.

Each size is a run of the real command in a process of its own, whose largest resident memory the system reports when
it ends. The text is the one that the package brings, repeated; it stands in a temporary folder, and so does the run.
"""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from minirnn.errors import MinirnnError
from minirnn.train import LETTERS

STEPS = 200
HEAD = f"{'MB of text':>10}{'resident MB':>13}{'before training, s':>20}{'characters/s':>14}"


def measure(megabytes):
    """Print a line for each number of megabytes."""
    print(HEAD)
    for size in megabytes:
        with tempfile.TemporaryDirectory(prefix="minirnn-") as folder:
            text = pathlib.Path(folder) / "text.txt"
            repeat(LETTERS, text, size * 10**6)
            print(table_line(size, *train(text, pathlib.Path(folder) / "run")), flush=True)


def table_line(size, resident, before, rate):
    """A line: megabytes of text, resident megabytes, seconds before the first step, characters a second."""
    return f"{size:>10,}{resident:>13.0f}{before:>20.1f}{rate:>14,.0f}"


def repeat(source, path, size):
    """Fill ``path`` with copies of ``source`` until it has at least ``size`` bytes."""
    data = pathlib.Path(source).read_bytes()
    with open(path, "wb") as file:
        while file.tell() < size:
            file.write(data)


def train(text, run):
    """Train a small network on ``text`` in the folder ``run`` -> largest resident memory (MB), seconds before the first
    step, characters a second after it."""
    # As many characters to judge by whatever the size, so that only the size differs.
    held_out = min(0.1, 20_000 / text.stat().st_size)
    words = ["--text", text, "--out", run, "--held-out", held_out, "--steps", STEPS, "--hidden", 64, "--threads", 1]
    command = [sys.executable, "-m", "minirnn.train", *map(str, words), "--evaluations", "1"]
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise MinirnnError(f"the training of {text} ended with {process.returncode}; is there room on the disk?")
    with open(run / "log.csv", encoding="utf-8") as file:
        first, last = csv.DictReader(file)
    seconds = float(last["seconds"])
    training = seconds - float(first["seconds"])
    # Behind its last line the command writes a page by hand, which is no part of what is measured.
    before = (run / "log.csv").stat().st_mtime - seconds - started
    return usage.ru_maxrss / 1024, before, STEPS * 32 * 64 / training
