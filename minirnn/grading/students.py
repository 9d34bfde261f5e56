"""A class: one folder per student, one table for the teacher."""

import contextlib
import csv
import pathlib

from minirnn.errors import MinirnnError, printable
from minirnn.grading import NAMES
from minirnn.grading.judge import RIGHT
from minirnn.grading.runner import exercise_files, grade_files


def folders_of(path):
    """The students' folders in the folder ``path``, by name. Raises MinirnnError where there is none."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise MinirnnError(f"{path} is no folder; give the folder that holds one folder per student")
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith((".", "__")))
    if not folders:
        raise MinirnnError(f"{path} holds no folders; it should hold one per student, each with its exercises")
    return folders


def write_marks(path, file):
    """Grade all students of the folder ``path`` and write a CSV table: a row per student with the state of every
    exercise ("missing" where there is no file), how many are right, and the names of the mistakes."""
    folders = folders_of(path)
    files = [_files_of(folder) for folder in folders]
    graded = grade_files([file for own in files for file in own])
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["student", *NAMES, "right", "mistakes"])
    for folder, own in zip(folders, files):
        verdicts = [verdict for _, (verdict, _) in zip(own, graded)]
        states = [verdict.state if path.exists() else "missing" for path, verdict in zip(own, verdicts)]
        mistakes = [f"{name}: {mistake}" for name, verdict in zip(NAMES, verdicts) for mistake in verdict.mistakes]
        table.writerow([_plain(folder.name), *states, states.count(RIGHT), "; ".join(mistakes)])
        file.flush()


def _files_of(folder):
    """The paths of a student's exercises; a folder may hold them in a folder of its own."""
    try:
        places = [folder, *sorted(inner for inner in folder.iterdir() if inner.is_dir())]
    except OSError:  # it may not be read
        places = []
    for place in places:
        with contextlib.suppress(MinirnnError, OSError):
            return exercise_files(place)
    return [folder / f"{name}.py" for name in NAMES]


def _plain(name):
    """A folder's name that no spreadsheet takes for a formula."""
    name = printable(name)
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
