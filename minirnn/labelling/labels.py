"""The texts of the line images in a folder, kept in its metadata.csv."""

import csv
import io
import pathlib
import threading
import unicodedata

from minirnn.datasets.labelled import IMAGE_SUFFIXES
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.images.labelled_sets import SUGGESTION

COLUMNS = ["file_name", "text"]


class Labels:
    """The texts of the line images in a folder, kept in its metadata.csv, which is read anew for every change."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "metadata.csv"
        self._lock = threading.Lock()
        if not self.folder.is_dir():
            raise MinirnnError(f"{self.folder}: no such folder; give the folder of line images")
        if not self.names():
            raise MinirnnError(f"{self.folder}: no image in it; python -m minirnn.prepare cuts a page into lines")

    def names(self):
        """The file names of the images, sorted: the order in which they are shown."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)

    def texts(self):
        """{file name: text} of all that have one."""
        return {row["file_name"]: row["text"] for row in self._read()[1] if row["text"]}

    def suggestions(self):
        """{file name: what a program has read} of all that have such a suggestion and no text yet."""
        rows = self._read()[1]
        return {row["file_name"]: row[SUGGESTION] for row in rows if row.get(SUGGESTION) and not row["text"]}

    def answer(self, name, text):
        """Save the text of the image called ``name``. MinirnnError if there is no such image, or no text."""
        text = unicodedata.normalize("NFC", text).strip()
        if name not in self.names():
            raise MinirnnError(f"there is no image {name!r} in the folder any more; load the page again")
        if not text:
            raise MinirnnError("type what the line says; the down arrow skips it")
        if not text.isprintable():
            raise MinirnnError("the text holds a character that cannot be printed; type it again")
        with self._lock:
            self._set(name, text)

    def undo(self, name):
        """Take back the last text before the image called ``name``, or of all if it is none of them.

        Returns (name, text) of what was taken back, or None if there is nothing.
        """
        with self._lock:
            names, texts = self.names(), self.texts()
            before = names[: names.index(name)] if name in names else names
            for last in reversed(before):
                if last in texts:
                    self._set(last, "")
                    return last, texts[last]
        return None

    def _set(self, name, text):
        columns, rows = self._read()
        of_name = [row for row in rows if row["file_name"] == name]
        if not of_name:
            of_name = [dict.fromkeys(columns, "") | {"file_name": name}]
            rows += of_name
        of_name[0]["text"] = text
        with atomic(self.path, newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def _read(self):
        """(columns, rows as dicts) of metadata.csv; no rows if there is none yet."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return COLUMNS, []
        except UnicodeDecodeError:
            raise MinirnnError(f"{self.path} is not UTF-8 text; save it as UTF-8") from None
        except OSError as error:
            raise MinirnnError(f"cannot read {self.path}: {error.strerror}") from None
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
        try:
            rows = list(reader)
        except csv.Error as error:
            raise MinirnnError(f"{self.path}, line {reader.line_num}: not valid CSV ({error}); mend the line") from None
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise MinirnnError(f"{self.path}, line 1: expected the columns file_name and text")
        if any(None in row for row in rows):
            raise MinirnnError(f"{self.path}: a row has more fields than there are columns; mend it")
        return reader.fieldnames, rows
