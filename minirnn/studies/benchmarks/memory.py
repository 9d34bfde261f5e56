"""Memory and speed of a training against the size of its data: both should stay the same.

Each size is a run of the real command in a process of its own, whose largest resident memory the system reports when
it ends. The text is the one that comes with the package, repeated; the lines of handwriting are some that the package
has written, repeated. The data and the run are in a temporary folder.
"""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from minirnn.datasets import Sample, write_jsonl
from minirnn.datasets.text import LETTERS, read_text
from minirnn.errors import MinirnnError
from minirnn.writing.hands import Writer

STEPS, BATCH, T = 200, 32, 64
A_FORM = 8  # lines
DIFFERENT = 20  # lines that are repeated


def measure_text(megabytes):
    """Print a line for each number of megabytes of text."""
    print(f"{'MB of text':>16}{'resident MB':>13}{'before training, s':>20}{'characters/s':>14}")
    for size in megabytes:
        with tempfile.TemporaryDirectory(prefix="minirnn-") as folder:
            text = pathlib.Path(folder) / "text.txt"
            repeat(LETTERS, text, size * 10**6)
            # The same number of characters for validation at every size, so that only the size differs.
            held_out = min(0.1, 20_000 / text.stat().st_size)
            resident, before, seconds = train(["--text", text, "--held-out", held_out], folder)
        print(f"{size:>16,}{resident:>13.0f}{before:>20.1f}{STEPS * BATCH * T / seconds:>14,.0f}", flush=True)


def measure_lines(counts):
    """Print a line for each number of lines of handwriting."""
    print(f"{'lines by hand':>16}{'MB of JSON':>13}{'resident MB':>13}{'before training, s':>20}{'chunks/s':>14}")
    different = written_lines(DIFFERENT)
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="minirnn-") as folder:
            source = pathlib.Path(folder) / "lines.jsonl"
            repeat_lines(different, source, count)
            size = source.stat().st_size / 1e6
            words = ["--data", source, "--init", "scratch", "--held-out", min(0.3, 100 / count)]
            resident, before, seconds = train(words, folder)
        print(f"{count:>16,}{size:>13,.0f}{resident:>13.0f}{before:>20.1f}{STEPS / seconds:>14.1f}", flush=True)


def repeat(source, path, size):
    """Fill ``path`` with copies of ``source`` until it has at least ``size`` bytes."""
    data = pathlib.Path(source).read_bytes()
    with open(path, "wb") as file:
        while file.tell() < size:
            file.write(data)


def written_lines(count):
    """Samples that the shipped pen writes."""
    texts = read_text(LETTERS).split(". ")[:count]
    lines = Writer().write([" ".join(text.split()[:6]) for text in texts], np.random.default_rng(0))
    return [Sample(line.text, line.strokes, "written") for line in lines if line.strokes]


def repeat_lines(samples, path, count):
    """Fill ``path`` with ``count`` lines of handwriting."""
    lines = ((samples[n % len(samples)], f"form {n // A_FORM}") for n in range(count))
    write_jsonl(path, (Sample(sample.text, sample.strokes, form) for sample, form in lines))


def train(words, folder):
    """Train a small network in ``folder`` with the options ``words`` -> largest resident memory (MB), seconds before
    the first step, seconds from there to the last."""
    run = pathlib.Path(folder) / "run"
    words = [*words, "--out", run, "--steps", STEPS, "--hidden", 64, "--batch", BATCH, "--steps-per-chunk", T]
    command = [sys.executable, "-m", "minirnn.train", *map(str, words), "--threads", "1", "--evaluations", "1"]
    started = time.time()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "MINIRNN_CACHE": str(folder)}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise MinirnnError(f"the training ended with {process.returncode}; is there room in {folder}?")
    with open(run / "log.csv", encoding="utf-8") as file:
        first, last = csv.DictReader(file)
    seconds = float(last["seconds"])
    # After its last line the command writes a page by hand, which is not a part of what is measured.
    before = (run / "log.csv").stat().st_mtime - seconds - started
    return usage.ru_maxrss / 1024, before, seconds - float(first["seconds"])
