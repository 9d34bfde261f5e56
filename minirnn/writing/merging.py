"""One text for many people: a table of addresses, and a text with their columns in braces.

    {name}      the person's name; a row in which it is empty is refused
    {title?}    may be empty; a line on which nothing else stands is then left out

Words of the mark-up (see minirnn.drawing.markup) are not changed. The table has no mark-up: its texts are written as
they are.
"""

import csv
import io
import re

from minirnn.datasets.text import read_text
from minirnn.drawing.markup import LINE_ENDS, MARK, PAGE
from minirnn.errors import MinirnnError

FIELD = re.compile(r"\{\s*([^{}?]+?)\s*(\??)\s*\}")
SHOWN = 5  # faults that a message names


def read_addresses(path):
    """The rows of a table, separated by commas, semicolons or tabs, its first line naming the columns -> list of
    (the row's number as a spreadsheet counts, {column: text}). MinirnnError, with the line, if it is none."""
    text = read_text(path)
    first = LINE_ENDS.split(text.lstrip(), maxsplit=1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, columns = [], None
    try:
        for number, cells in enumerate(reader, 1):  # a row may be several lines long
            cells = [" ".join(cell.split()) for cell in cells]
            if not any(cells):
                continue
            if columns is None:
                columns = _without_empty_ends(cells)
                continue
            cells = _without_empty_ends(cells)
            if len(cells) > len(columns):
                raise MinirnnError(f"{path}, row {number}: {len(cells)} cells in {len(columns)} columns")
            rows.append((number, dict(zip(columns, cells + [""] * (len(columns) - len(cells))))))
    except csv.Error as error:
        raise MinirnnError(f"{path}, line {reader.line_num}: not valid CSV ({error}); mend it") from None
    if not rows:
        raise MinirnnError(f"{path} has no rows below the names of its columns")
    if len(set(columns)) < len(columns):
        raise MinirnnError(f"{path} has two columns of one name; rename one")
    return rows


def _without_empty_ends(cells):
    """The cells up to the last one with something in it: a spreadsheet may save empty columns at the right."""
    return cells[: max((n for n, cell in enumerate(cells, 1) if cell), default=0)]


def fill_in(text, row):
    """``text`` with the fields of one row. MinirnnError, naming the column, if the row lacks one."""
    lines = []
    for line in LINE_ENDS.split(text):
        empty = False

        def put(match):
            nonlocal empty
            column, optional = match[1], match[2]
            if not _is_field(match):
                return match[0]
            if column not in row:
                raise MinirnnError(f"there is no column {column!r}; there are {', '.join(row)}")
            if not row[column] and not optional:
                raise MinirnnError(f"{column!r} is empty; write {{{column}?}} where it may be")
            empty |= not row[column]
            return row[column]

        filled = FIELD.sub(put, line)
        if _is_marked(filled) and not _is_marked(line):
            filled = "\\" + filled  # it came out of the table
        if not empty or filled.strip():
            lines.append(filled)
    return "\n".join(lines)


def _is_field(match):
    """Whether a match of `FIELD` is one, and neither mark-up nor a word in braces."""
    return not (_is_marked(match[0]) or match.string[: match.start()].endswith("\\"))


def _is_marked(line):
    return bool(MARK.match(line) or PAGE.fullmatch(line))


def merged(text, path, read):
    """Fill in a text for every row of a table -> list of (the row's number, what ``read`` makes of its text).

    Every row is looked at before anything is written: what is wrong with them is said in one `MinirnnError`."""
    done, faults, rows = [], [], read_addresses(path)
    if not any(map(_is_field, FIELD.finditer(text))):
        column = next(iter(rows[0][1]))
        raise MinirnnError(
            f"the text has no field, so that all letters would be the same; write {{{column}}} where it is to stand"
        )
    for number, row in rows:
        try:
            done.append((number, read(fill_in(text, row))))
        except MinirnnError as error:
            faults.append(f"row {number}: {error}")
    if faults:
        more = f" (and {len(faults) - SHOWN} more)" if len(faults) > SHOWN else ""
        raise MinirnnError(f"{path}, {'; '.join(faults[:SHOWN])}{more}")
    return done
