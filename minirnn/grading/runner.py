"""Grading one file in a process of its own, with a time limit, so that a crash or an endless loop harms nobody."""

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap

from minirnn.errors import MinirnnError
from minirnn.grading import FILES
from minirnn.grading.child import PATIENCE
from minirnn.grading.exercise import WRONG, Verdict

TIME_LIMIT = 10  # seconds of computing that an exercise may take; a right one takes far less than one
WIDTH = 100


def grade_file(path, time_limit=TIME_LIMIT):
    """Grade one exercise, the file ``path`` -> `minirnn.grading.exercise.Verdict`, text that it printed."""
    path = pathlib.Path(path).resolve()
    if not path.is_file():
        return Verdict(WRONG, "the file is missing; copy it again from what was handed out"), ""
    package_folder = str(pathlib.Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(filter(None, [package_folder, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-B", "-m", "minirnn.grading.child", str(path), str(time_limit)]
    environment = {**os.environ, "PYTHONPATH": python_path, "PYTHONIOENCODING": "utf-8"}
    try:
        # The process ends itself; the longer limit is for the case that it hangs where it cannot.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            env=environment, timeout=PATIENCE * time_limit + 60,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Verdict(WRONG, f"it does not come to an end within {time_limit:g} s"), ""
    try:
        said = json.loads(done.stdout.splitlines()[-1])
        return Verdict(said["state"], said["words"], tuple(said["mistakes"])), said["printed"]
    except (IndexError, ValueError, KeyError, TypeError):
        return Verdict(WRONG, _describe_end(path, done, time_limit)), ""


def _describe_end(path, done, time_limit):
    """Words for a process that ended without a verdict, from what the interpreter said of it on stderr."""
    if "Timeout" in done.stderr:
        words = f"it does not come to an end: after {time_limit:g} s it was still"
    elif done.returncode < 0 or "Fatal Python error" in done.stderr:
        words = "it makes Python crash"
    else:
        words = f"it ends Python (exit code {done.returncode}) instead of returning a result"
    place = re.search(rf'File "{re.escape(str(path))}", line (\d+)', done.stderr)
    if not place:
        return words + (" busy" if words.endswith("still") else "")
    line = int(place[1])
    source = path.read_text(encoding="utf-8", errors="replace").splitlines()[line - 1].strip()
    return f"{words} in line {line}: {source}"


def report(name, verdict, printed=""):
    """What is printed of one exercise: its name and state, and below, indented, what is wrong."""
    lines = [f"{name:32}{verdict.state}"]
    if verdict.words:
        lines.append(textwrap.fill(verdict.words, WIDTH, initial_indent="    ", subsequent_indent="    "))
    if printed.strip():
        shown = printed.rstrip().splitlines()
        lines += [f"    it prints: {line}" for line in shown[:5]]
        if len(shown) > 5:
            lines.append("    it prints: ...")
    return "\n".join(lines)


def exercise_files(path):
    """A folder -> the paths of its exercises, whether they are there or not; the path of one exercise -> [path]."""
    path = pathlib.Path(path)
    if path.is_dir():
        paths = [path / name for name in FILES]
        if not any(p.exists() for p in paths):
            raise MinirnnError(f"{path} holds no exercise ({FILES[0]}, ...); give the folder that was handed out")
        return paths
    if path.name not in FILES:
        raise MinirnnError(f"{path} is neither a folder nor an exercise; give the folder, or a file such as {FILES[0]}")
    return [path]
