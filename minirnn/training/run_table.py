"""What the runs in a folder were asked to learn, how far they are, and how well they do, side by side."""

import csv
import dataclasses
import math
import pathlib

from minirnn.errors import MinirnnError, printable
from minirnn.training.run_folder import read_settings

COLUMNS = ("run", "task", "learns", "network", "lr", "step", "minutes", "best")


@dataclasses.dataclass
class Summary:
    """A run: its folder, its settings {name: value}, and its log, a list of {column: number, or None}."""

    path: pathlib.Path
    settings: dict
    log: list

    def best(self):
        """The lowest validation loss so far in nats, or None if there is none yet."""
        losses = [row["validation_loss"] for row in self.log if row["validation_loss"] is not None]
        return min((loss for loss in losses if math.isfinite(loss)), default=None)

    def row(self):
        """{column of COLUMNS: text} for a table; what is not known is empty."""
        own, last, best = self.settings, self.log[-1] if self.log else {}, self.best()
        sources = own.get("text") or own.get("data") or []
        sources = sources if isinstance(sources, list) else [sources]  # as older runs have it
        names = [printable(pathlib.Path(str(source)).name) for source in sources]
        size = f"{own.get('layers', '?')} x {str(own.get('cell', '?')).upper()} of {own.get('hidden', '?')}"
        seconds = last.get("seconds")
        values = (
            str(self.path), own.get("task", ""), " ".join(names), size if own.get("task") != "all" else "",
            own.get("lr", ""), f"{last['step']:.0f}" if last.get("step") is not None else "",
            "" if seconds is None else f"{seconds / 60:.1f}", "" if best is None else f"{best:.4f}",
        )  # fmt: skip
        return dict(zip(COLUMNS, map(printable, values)))


def find_runs(folders):
    """The `Summary` of every run in the ``folders`` and below them, and the problems with others, a line each.

    MinirnnError if a folder is not there, or if there is no run."""
    found, problems = [], []
    for folder in map(pathlib.Path, folders):
        if not folder.is_dir():
            raise MinirnnError(f"{folder}: no such folder; give a run, or a folder of runs")
        for path in sorted(folder.rglob("settings.json")):
            try:
                found.append(Summary(path.parent, read_settings(path.parent), read_log(path.parent)))
            except MinirnnError as error:
                problems.append(str(error))
    if not found and not problems:
        raise MinirnnError(f"{' '.join(map(str, folders))}: no run in it; minirnn.train leaves one")
    return found, problems


def read_log(run):
    """The rows of log.csv of a run, {column: number, or None where there is none}; [] before the first evaluation."""
    path = pathlib.Path(run) / "log.csv"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            lacking = [name for name in ("step", "validation_loss") if name not in (table.fieldnames or ())]
            if lacking:
                raise ValueError(f"it lacks the column {lacking[0]}")
            return [
                {name: float(value) if value else None for name, value in row.items() if name is not None}
                for row in table
            ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise MinirnnError(f"{path} is damaged ({error}); the run itself may still be good") from None


def as_lines(summaries):
    """The table of the runs as lines of text, the columns one below the other."""
    rows = [dict(zip(COLUMNS, COLUMNS)), *(summary.row() for summary in summaries)]
    widths = {name: max(len(row[name]) for row in rows) for name in COLUMNS}
    return ["  ".join(row[name].ljust(widths[name]) for name in COLUMNS).rstrip() for row in rows]
