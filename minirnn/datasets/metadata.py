"""metadata.csv, which says what is written on the images beside it: the one place that reads it and writes it.

A table of comma-separated values has the columns ``file_name``, ``text`` and, if known, ``group`` (the form, page or
writer). Tables that other programs wrote are understood as well: with semicolons or tabs between the columns, and with
other names of the columns as long as they leave no doubt. Whoever changes a text leaves everything else as it stands
in the file, to the last byte: other columns, other rows, line ends, a byte-order mark.
"""

import contextlib
import csv
import dataclasses
import io

import portalocker

from minirnn.errors import CannotWrite, MinirnnError, is_text
from minirnn.files import atomic, is_file

METADATA = "metadata.csv"
DELIMITERS = ",;\t"
SECONDS = 10.0  # that one program waits for another one to finish writing the same file
# What each column may be called, in lower case and with _ for spaces and hyphens; our own name comes first.
NAMES = {
    "file_name": ("file_name", "filename", "file", "image", "image_name", "image_file", "image_path", "img", "path"),
    "text": ("text", "words", "transcription", "transcript", "label", "sentence", "ground_truth", "gt", "content"),
    "group": ("group", "writer", "writer_id", "author", "person"),
    "suggestion": ("suggestion",),  # what a program has read, not confirmed by anyone yet
}


@dataclasses.dataclass
class TableRow:
    """A row of a table: its fields, the text that it stands as in the file, and the number of its last line."""

    fields: list
    written: str
    line: int


class Table:
    """The content of a metadata.csv; ``where`` is its path.

    place   {"file_name": index of the column, "text": index, and "group" if there is such a column}
    rows    list of `TableRow`, without the header
    """

    def __init__(self, text, where):
        self.where = where
        self.mark = "\ufeff" * text.startswith("\ufeff")
        lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))  # in which a lone return ends a line, too
        self.first = lines.pop(0) if lines and lines[0].lower().startswith("sep=") else ""  # as spreadsheets write it
        self.place, self.delimiter = _columns(lines, where)
        header, *self.rows = self._parsed(lines)
        self.header = header
        self.end = next((end for end in ("\r\n", "\n", "\r") if header.written.endswith(end)), "\n")

    def _parsed(self, lines):
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        rows, start, before = [], 0, bool(self.first)
        try:
            for fields in reader:
                rows.append(TableRow(fields, "".join(lines[start : reader.line_num]), reader.line_num + before))
                start = reader.line_num
        except csv.Error as error:
            number = reader.line_num + before
            raise MinirnnError(f"{self.where}, line {number}: not valid CSV ({error}); mend the line") from None
        return rows

    def get(self, row, column):
        """The field of a `TableRow` in one of the columns of `NAMES`, or None if there is none."""
        index = self.place.get(column)
        return row.fields[index] if index is not None and index < len(row.fields) else None

    def name(self, row):
        """The file name in a `TableRow`, or None: as it stands if there is such a file, else without spaces at its
        ends, and with slashes for backslashes if that names a file."""
        name = self.get(row, "file_name")
        if name is None or is_file(self.where.parent / name):
            return name
        name = name.strip()
        return name.replace("\\", "/") if is_file(self.where.parent / name.replace("\\", "/")) else name

    def texts(self, column="text"):
        """{file name: text} of all that have one; of several rows of the same name, the first one counts."""
        found = {}
        for row in self.rows:
            found.setdefault(self.name(row), self.get(row, column))
        return {name: text for name, text in found.items() if name and text}

    def set(self, name, text):
        """Let the image ``name`` have this text: in the first row of its name, or else in a new one."""
        if not is_text(name):
            raise MinirnnError(f"the name of {name!r} is not Unicode, so that no table can hold it; rename the image")
        row = next((row for row in self.rows if self.name(row) == name), None)
        if row is None:
            last = self.rows[-1] if self.rows else self.header
            last.written += "" if last.written.endswith(("\n", "\r")) else self.end
            row = TableRow([""] * len(self.header.fields), "", 0)
            row.fields[self.place["file_name"]] = name
            self.rows.append(row)
        row.fields += [""] * (self.place["text"] + 1 - len(row.fields))
        row.fields[self.place["text"]] = text
        row.written = _as_text([row.fields], self.delimiter, self.end)

    def check(self):
        """Raise MinirnnError if a row has more fields than there are columns: what would they belong to?"""
        for row in self.rows:
            if len(row.fields) > len(self.header.fields):
                raise MinirnnError(f"{self.where}: line {row.line} has more fields than there are columns; mend it")

    def __str__(self):
        return self.mark + self.first + self.header.written + "".join(row.written for row in self.rows)


def _columns(lines, where):
    """({column: its index}, the delimiter) by the header, the first of the ``lines``. Raises MinirnnError."""
    found = []
    for delimiter in DELIMITERS:
        try:
            header = next(csv.reader(lines, delimiter=delimiter), [])
        except csv.Error:
            continue
        found = max(found, header, key=len)
        place = {column: index for column in NAMES if (index := _column(header, column, where)) is not None}
        if {"file_name", "text"} <= place.keys():
            return place, delimiter
    names = f", found {', '.join(map(repr, found[:9]))}" if found else ""
    raise MinirnnError(f"{where}, line 1: expected the columns file_name and text{names}; write them in the first line")


def _column(header, column, where):
    """The index of a column of `NAMES` in the ``header``, or None. MinirnnError if several could be meant."""
    names = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in header]
    for meant in ([column], NAMES[column]):
        places = [index for index, name in enumerate(names) if name in meant]
        if len(places) > 1:
            several = " and ".join(repr(header[index]) for index in places)
            raise MinirnnError(f"{where}, line 1: {several} could each be the column {column}; rename one of them")
        if places:
            return places[0]
    return None


def _as_text(rows, delimiter=",", end="\n"):
    memory = io.StringIO(newline="")
    csv.writer(memory, delimiter=delimiter, lineterminator=end).writerows(rows)
    return memory.getvalue()


def read_table(path):
    """The `Table` in the file ``path``. Raises MinirnnError if it cannot be read, or lacks a column."""
    try:
        return Table(path.read_bytes().decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise MinirnnError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror}") from None


def read_texts(path, column="text"):
    """{file name: text} of the metadata.csv at ``path``, of all images that have one; {} if there is no such file."""
    return read_table(path).texts(column) if path.exists() else {}


@contextlib.contextmanager
def changed_table(path):
    """Let the `Table` at ``path`` be changed, and write it again; without a file it is a new, empty one.

    Only one program at a time does this with the same file, so that none loses what another one has written. Raises
    MinirnnError, and leaves the file as it is, if it cannot be kept as it is.
    """
    flags = portalocker.LOCK_EX | portalocker.LOCK_NB
    name = path.with_name(f".{path.name}.lock")  # stays: whoever deleted it might delete the lock of another one
    lock = portalocker.Lock(name, "a", timeout=SECONDS, check_interval=0.01, flags=flags)
    try:
        lock.acquire()
    except portalocker.LockException:
        raise MinirnnError(f"another program has been writing {path} for {SECONDS:g} seconds; end it first") from None
    except OSError as error:
        raise CannotWrite(f"cannot write beside {path}: {error.strerror}; choose another folder") from None
    try:
        table = read_table(path) if path.exists() else Table("file_name,text\n", path)
        table.check()
        before = str(table)
        yield table
        if str(table) != before:
            with atomic(path, newline="", errors="strict") as file:
                file.write(str(table))
    finally:
        lock.release()


def write_table(path, rows):
    """Write a metadata.csv of ``rows``, all of it or nothing.

    A row is (file name, text), (file name, text, group), or (file name, text, group, what a program has read)."""
    columns = tuple(NAMES)[: len(rows[0]) if rows else 2]
    with atomic(path, newline="") as file:
        file.write(_as_text([columns, *rows]))
