"""The texts of the line images in a folder, kept in its metadata.csv."""

import pathlib
import unicodedata

from minirnn.datasets.labelled import IMAGE_SUFFIXES
from minirnn.datasets.metadata import METADATA, changed_table, read_texts
from minirnn.errors import MinirnnError, is_text


class Labels:
    """The texts of the line images in a folder, kept in its metadata.csv, which is read anew for every change, so that
    several pages may be open on the same folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / METADATA
        if not self.folder.is_dir():
            raise MinirnnError(f"{self.folder}: no such folder; give the folder of line images")
        if not self.names():
            raise MinirnnError(f"{self.folder}: no image in it; python -m minirnn.prepare cuts a page into lines")

    def names(self):
        """The file names of the images, sorted: the order in which they are shown. Those that are not Unicode, which
        neither a table nor a browser can hold, are left out (`unwritable`)."""
        return [name for name in self._all_names() if is_text(name)]

    def unwritable(self):
        """How many images have names that are not Unicode."""
        return sum(not is_text(name) for name in self._all_names())

    def _all_names(self):
        return sorted(path.name for path in self.folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)

    def texts(self):
        """{file name: text} of all that have one."""
        return read_texts(self.path)

    def suggestions(self):
        """{file name: what a program has read} of all that have such a suggestion and no text yet."""
        texts = self.texts()
        return {name: read for name, read in read_texts(self.path, "suggestion").items() if name not in texts}

    def answer(self, name, text):
        """Save the text of the image called ``name``. MinirnnError if there is no such image, or no text."""
        text = unicodedata.normalize("NFC", text).strip()
        if name not in self.names():
            raise MinirnnError(f"there is no image {name!r} in the folder any more; load the page again")
        if not text:
            raise MinirnnError("type what the line says; the down arrow skips it")
        if not text.isprintable():
            raise MinirnnError("the text holds a character that cannot be printed; type it again")
        with changed_table(self.path) as table:
            table.set(name, text)

    def undo(self, name):
        """Take back the last text before the image called ``name``, or of all if it is none of them.

        Returns (name, text) of what was taken back, or None if there is nothing.
        """
        with changed_table(self.path) as table:
            names, texts = self.names(), table.texts()
            before = names[: names.index(name)] if name in names else names
            for last in reversed(before):
                if last in texts:
                    table.set(last, "")
                    return last, texts[last]
        return None
