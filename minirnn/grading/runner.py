"""Grading one file in a process of its own, with a time limit, so that a crash or an endless loop harms nobody."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

from minirnn.cores import available_cores
from minirnn.errors import MinirnnError, printable
from minirnn.grading import FILES, NAMES, name_of
from minirnn.grading.child import PATIENCE
from minirnn.grading.judge import WRONG, Verdict

TIME_LIMIT = 10  # seconds of computing that an exercise may take; a right one takes far less than one
PRINTED = 2000  # bytes of a file's printing that are kept, the first ones
REPORTED = 2**16  # bytes of the child's report that are kept, the last ones
GRACE = 1  # seconds to read what is still in the pipes after the child has ended
WIDTH = 100


class _Reader(threading.Thread):
    """Reads a pipe to its end, or until nobody asks any more, and keeps ``size`` bytes of it, however many come."""

    def __init__(self, pipe, size, last=False):
        super().__init__(daemon=True)
        self.pipe, self.size, self.last, self.kept = pipe, size, last, b""
        self.start()

    def run(self):
        """Read and forget what is too much."""
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self.pipe.fileno(), 2**16):
                if self.last:
                    self.kept = (self.kept + data)[-self.size :]
                elif len(self.kept) < self.size:
                    self.kept = (self.kept + data)[: self.size]

    def text(self):
        """What was kept; a process that the file has left behind may hold the pipe open, and is not waited for."""
        self.join(GRACE)
        return self.kept.decode("utf-8", errors="replace")


def grade_files(paths):
    """Grade many exercises, as many at once as there are cores -> an iterator of (`Verdict`, text that it printed) in
    the order of ``paths``. Files that are equal, as those that were only handed out, are graded once."""
    graded = {}
    with ThreadPoolExecutor(available_cores()) as pool:
        keys = [(name_of(path.name), _content(path)) for path in paths]
        for key, path in zip(keys, paths):
            if key not in graded:
                graded[key] = pool.submit(grade_file, path)
        for key in keys:
            yield graded[key].result()


def _content(path):
    """What is in a file; the path itself of one that is not there or may not be read."""
    try:
        return path.read_bytes() if path.is_file() else path
    except OSError:
        return path


def grade_file(path, time_limit=TIME_LIMIT):
    """Grade one exercise, the file ``path`` -> `minirnn.grading.judge.Verdict`, text that it printed."""
    path = pathlib.Path(path).resolve()
    if not path.is_file():
        return Verdict(WRONG, "the file is missing; copy it again from what was handed out"), ""
    if not os.access(path, os.R_OK):
        return Verdict(WRONG, "the file may not be read; check its permissions"), ""
    code, said, printed = _run_child(path, time_limit)
    if code is None:
        return Verdict(WRONG, f"it does not come to an end within {time_limit:g} s"), ""
    try:
        verdict = json.loads(said.splitlines()[-1])
        return Verdict(verdict["state"], verdict["words"], tuple(verdict["mistakes"])), printed
    except (IndexError, ValueError, KeyError, TypeError):
        return Verdict(WRONG, _describe_end(path, code, said, time_limit)), ""


def _run_child(path, time_limit):
    """-> the exit code (None: it had to be killed), what the child reported, what the file printed."""
    package_folder = str(pathlib.Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(filter(None, [package_folder, os.environ.get("PYTHONPATH")]))
    child = subprocess.Popen(
        [sys.executable, "-B", "-m", "minirnn.grading.child", str(path), str(time_limit)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": python_path, "PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )
    report, printing = _Reader(child.stdout, REPORTED, last=True), _Reader(child.stderr, PRINTED)
    try:
        # The process ends itself; the longer limit is for the case that it hangs where it cannot.
        code = child.wait(timeout=PATIENCE * time_limit + 60)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        _kill(child)
    return code, report.text(), printing.text()


def _kill(child):
    """End the child and the processes that the student's file has left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def _describe_end(path, code, said, time_limit):
    """Words for a process that ended without a verdict, from what the interpreter said of it."""
    if "Timeout" in said:
        words = f"it does not come to an end: after {time_limit:g} s it was still"
    elif code < 0 or "Fatal Python error" in said:
        words = "it makes Python crash"
    else:
        words = f"it ends Python (exit code {code}) instead of returning a result"
    place = re.search(rf'File "{re.escape(str(path))}", line (\d+)', said)
    if not place:
        return words + (" busy" if words.endswith("still") else "")
    line = int(place[1])
    source = path.read_text(encoding="utf-8", errors="replace").splitlines()[line - 1].strip()
    return f"{words} in line {line}: {source}"


def report(name, verdict, printed=""):
    """What is printed of one exercise: its name and state, and below, indented, what is wrong."""
    lines = [f"{printable(name):32}{verdict.state}"]
    if verdict.words:
        words = printable(verdict.words)
        lines.append(textwrap.fill(words, WIDTH, initial_indent="    ", subsequent_indent="    "))
    if printed.strip():
        shown = printed.rstrip().splitlines()
        lines += [f"    it prints: {printable(line)}" for line in shown[:5]]
        if len(shown) > 5:
            lines.append("    it prints: ...")
    return "\n".join(lines)


def exercise_files(path):
    """A folder -> the paths of its exercises, whether they are there or not; the path of one exercise -> [path]."""
    path = pathlib.Path(path)
    if path.is_dir():
        found = {name_of(p.name): p for p in sorted(path.iterdir(), reverse=True) if name_of(p.name)}
        if not found:
            raise MinirnnError(
                f"{path} holds no exercise ({FILES[0]}, ...); give the folder that was handed out, or add --csv to a "
                "folder that holds one folder per student"
            )
        return [found.get(name, path / file) for name, file in zip(NAMES, FILES)]
    if name_of(path.name) is None:
        raise MinirnnError(f"{path} is neither a folder nor an exercise; give the folder, or a file such as {FILES[0]}")
    return [path]
