"""Hands of one's own: the photographs of a filled sheet, what was found in them, and the trainings on it.

    FOLDER/NAME/photos/      the photographs, as they were given
    FOLDER/NAME/sheet/       samples.jsonl, pictures of what was found, report.json
    FOLDER/NAME/run-1/ ...   the trainings; the newest that has weights is written with
    FOLDER/NAME/run-1.txt    what the training has printed
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import minirnn
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.forms.filled import read_sheet
from minirnn.images.image_files import read_image

NAME = re.compile(r"[^\W_][\w -]{0,38}[^\W_]|[^\W_]")
MOST_PHOTOS = 40  # of a hand
MOST_HANDS = 100
STOPPED = (130, -signal.SIGTERM, -signal.SIGINT)  # exit codes of a training that was stopped


class OwnHands:
    """The hands in ``folder``, which is made as soon as there is one. ``options`` are further options for new trainings
    by `minirnn.train`."""

    def __init__(self, folder, options=()):
        self.folder, self.options = pathlib.Path(folder).resolve(), options
        self._processes, self._lock = {}, threading.Lock()

    def names(self):
        """The names of all hands, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name))

    def place(self, name):
        """The folder of the hand ``name``, which need not be there yet. MinirnnError if it cannot be a name."""
        if not NAME.fullmatch(name):
            raise MinirnnError("a hand's name has up to 40 letters, digits, spaces, - and _, and begins with a letter")
        if name not in self.names() and len(self.names()) >= MOST_HANDS:
            raise MinirnnError(f"there are {MOST_HANDS} hands already; remove some from {self.folder}")
        return self.folder / name

    def known(self, name):
        """The folder of the hand ``name``. MinirnnError if there is none."""
        if name not in self.names():
            raise MinirnnError(f"there is no hand {name!r}; choose another one")
        return self.folder / name

    # ---- photographs ------------------------------------------------------------------------------------------

    def photos(self, name):
        """The photographs of a hand, paths in the order in which they came."""
        folder = self.place(name) / "photos"
        found = [path for path in folder.iterdir() if path.name[0] != "."] if folder.is_dir() else []
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def add_photo(self, name, photo, data):
        """Keep the bytes of a photograph that was called ``photo``. MinirnnError if it is no picture."""
        folder, there = self.place(name) / "photos", self.photos(name)
        if len(there) >= MOST_PHOTOS:
            raise MinirnnError(f"a hand has at most {MOST_PHOTOS} photographs; remove some")
        photo = re.sub(r"[^\w.-]", "_", photo).strip("._-")[-60:].lstrip("._-") or "photo"
        taken, stem, number = {path.name for path in there}, pathlib.PurePath(photo), 1
        while photo in taken:
            number += 1
            photo = f"{stem.stem}-{number}{stem.suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(folder / photo, "wb") as file:
            file.write(data)
        try:
            read_image(folder / photo)
        except MinirnnError as error:
            (folder / photo).unlink()
            with contextlib.suppress(OSError):  # if these are empty
                folder.rmdir()
                folder.parent.rmdir()
            raise MinirnnError(str(error).replace(f"{folder}{os.sep}", "")) from None

    def remove_photo(self, name, photo):
        """Forget a photograph."""
        for path in self.photos(name):
            if path.name == photo:
                path.unlink()

    def read(self, name, reader, progress):
        """Read the photographs, and keep the samples and a report of what was found -> the report."""
        photos, sheet = self.photos(name), self.known(name) / "sheet"
        if not photos:
            raise MinirnnError("there is no photograph to read; add those of the filled sheet")
        try:
            pages, refused = read_sheet(photos, sheet, reader, progress)
        except MinirnnError as error:
            raise MinirnnError(str(error).replace(f"{photos[0].parent}{os.sep}", "")) from None
        report = {
            "pages": [{"photo": path.name, "number": page.number,
                       "lines": [{"text": band.text, "fault": band.fault} for band in page.bands]}
                      for path, page in pages.items()],
            "refused": [{"photo": path.name, "reason": reason} for path, reason in refused.items()],
        }  # fmt: skip
        with atomic(sheet / "report.json") as file:
            json.dump(report, file)
        return report

    def report(self, name):
        """What `read` has found the last time, or None."""
        try:
            return json.loads((self.known(name) / "sheet" / "report.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def found_picture(self, name, number):
        """The path of the picture of what was found on page ``number``. MinirnnError if there is none."""
        path = self.known(name) / "sheet" / f"found-page-{number}.png"
        if not (number.isascii() and number.isdecimal() and len(number) < 4 and path.is_file()):
            raise MinirnnError("there is no such page")
        return path

    # ---- training ---------------------------------------------------------------------------------------------

    def runs(self, name):
        """The folders of the trainings of a hand, from the first to the newest."""
        found = [path for path in self.known(name).glob("run-*") if re.fullmatch(r"run-\d{1,6}", path.name)]
        return sorted((path for path in found if path.is_dir()), key=lambda path: int(path.name[4:]))

    def weights(self, name):
        """The newest weights of a hand, or None as long as there are none."""
        if name not in self.names():
            return None
        return next((run / "best.npz" for run in self.runs(name)[::-1] if (run / "best.npz").is_file()), None)

    def train(self, name, go_on=False):
        """Start a training on the samples of a hand, or let the newest one ``go_on`` -> its folder."""
        folder = self.known(name)
        samples = folder / "sheet" / "samples.jsonl"
        if not samples.is_file():
            raise MinirnnError("there is nothing to learn from; read photographs of a filled sheet first")
        with self._lock:
            runs = self.runs(name)
            if any(self.is_training(run) for run in runs):
                raise MinirnnError("this hand is being trained; wait for the end, or stop it")
            if go_on and not runs:
                raise MinirnnError("there is no training to continue; start one")
            run = runs[-1] if go_on else folder / f"run-{int(runs[-1].name[4:]) + 1 if runs else 1}"
            how = ["--resume", run] if go_on else ["--task", "hand", "--data", samples, "--out", run, *self.options]
            run.mkdir(exist_ok=True)
            source = pathlib.Path(minirnn.__file__).parents[1]
            paths = os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
            with open(printed(run), "wb") as file:
                self._processes[run] = subprocess.Popen(
                    [sys.executable, "-m", "minirnn.train", *map(str, how)], stdin=subprocess.DEVNULL, stdout=file,
                    stderr=subprocess.STDOUT, env=os.environ | {"PYTHONPATH": paths},
                )  # fmt: skip
            return run

    def is_training(self, run):
        """Whether a training that was started here goes on in the folder ``run``."""
        process = self._processes.get(run)
        return process is not None and process.poll() is None

    def failed(self, name):
        """Why the last training of a hand that was started here failed, or ""."""
        ended = [run for run in self._processes if run.parent.name == name]
        if not ended or self._processes[ended[-1]].poll() in (None, 0, *STOPPED):
            return ""
        said = printed(ended[-1]).read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(said) if line.strip()), "")

    def stop(self, run):
        """Ask a training that was started here to save and end. Whether there was one."""
        if not self.is_training(run):
            return False
        self._processes[run].send_signal(signal.SIGTERM)
        return True

    def close(self):
        """Let all trainings that were started here save and end."""
        for run in list(self._processes):
            self.stop(run)
        for process in self._processes.values():
            process.wait()


def printed(run):
    """The file with what a training has printed."""
    return run.with_name(f"{run.name}.txt")
