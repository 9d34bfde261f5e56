"""What the page asks for to watch trainings of any kind: their losses, their samples, what the network looks at."""

import pathlib
import re
import time

from minirnn.errors import MinirnnError
from minirnn.studio_page.own_hands import printed
from minirnn.training.run_folder import read_settings
from minirnn.training.run_table import COLUMNS, Summary, find_runs, read_log
from minirnn.web.local_server import Content

LONGEST = 4000  # characters of a sample, and of what was printed


class Watching:
    """The answers about the runs in ``folders`` and those of ``own`` (`minirnn.studio_page.own_hands.OwnHands`)."""

    def __init__(self, folders, own):
        self.folders, self.own = [pathlib.Path(folder) for folder in folders], own

    def routes(self):
        """Answers to GET, to POST and to uploads, by their paths."""
        return {"runs": self.runs, "run": self.run, "sample": self.sample}, {}, {}

    def _found(self):
        """The `Summary` of every run, by its path."""
        folders = [folder for folder in (*self.folders, self.own.folder) if folder.is_dir()]
        try:
            summaries, _ = find_runs(folders)
        except MinirnnError:  # there is no run
            return {}
        return {str(summary.path): summary for summary in summaries}

    def runs(self, query):
        """A row for each run."""
        return {"columns": COLUMNS, "runs": [summary.row() for summary in self._found().values()]}

    def run(self, query):
        """A run: its settings, the log, the newest samples, what it has printed, whether it was started here."""
        path = self._path(query)
        names = sorted(file.name for file in (path / "samples").glob("*") if re.match(r"\d+[\w.]*$", file.name))
        written = [name for name in names if name.endswith(".txt")]
        log, settings = read_log(path), read_settings(path) if (path / "settings.json").exists() else {}
        return {
            "row": Summary(path, settings, log).row(), "log": log,
            "pictures": [name for name in names if name.endswith(".png") and not name.endswith("_window.png")],
            "windows": [name for name in names if name.endswith("_window.png")],
            "written": self._text(path / "samples" / written[-1])[:LONGEST] if written else "",
            "printed": self._text(printed(path)).replace("\r", "\n")[-LONGEST:],
            "training": self.own.is_training(path), "quiet": self._quiet(path),
        }  # fmt: skip

    def sample(self, query):
        """A picture among the samples of a run."""
        path, name = self._path(query), query.get("name", "")
        if not re.fullmatch(r"\d{1,12}(_window)?\.png", name) or not (path / "samples" / name).is_file():
            raise MinirnnError("there is no such sample")
        return Content("image/png", (path / "samples" / name).read_bytes())

    def _path(self, query):
        """The folder of the run that a query names: one of those that were found, and no other."""
        own = {str(run) for name in self.own.names() for run in self.own.runs(name)}
        path = query.get("path", "")
        if path not in own and path not in self._found():
            raise MinirnnError("there is no such run; choose one of the list")
        return pathlib.Path(path)

    @staticmethod
    def _text(path):
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    @staticmethod
    def _quiet(path):
        """Seconds since the folder of a run changed last."""
        times = [file.stat().st_mtime for file in (path / "log.csv", path / "last.npz", path) if file.exists()]
        return max(0, round(time.time() - max(times)))
