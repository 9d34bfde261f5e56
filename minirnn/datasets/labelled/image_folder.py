"""A table of file names and texts beside the images, as the imagefolder convention has it, or as others name it."""

import json

from minirnn.datasets.labelled.items import (
    LabelledImage,
    find_images,
    is_file,
    lines_of,
    plain,
    read_label,
    report_unlabelled,
)
from minirnn.datasets.metadata import METADATA, read_table
from minirnn.errors import MinirnnError


def tables(source):
    """metadata.csv or metadata.jsonl of the folder, or else of its subfolders, or else other tables with the columns of
    one: labels.csv, say."""
    for pattern in (METADATA, "metadata.jsonl", f"*/{METADATA}", "*/metadata.jsonl"):
        files = sorted(source.glob(pattern))
        if files:
            return files
    return [file for file in sorted([*source.glob("*.csv"), *source.glob("*.tsv")]) if _is_table(file)]


def _is_table(file):
    try:
        return bool(read_table(file))
    except MinirnnError:
        return False


def is_image_folder(source):
    """Whether there is a table of labels in the folder ``source``."""
    return bool(tables(source))


def read_image_folder(source, problems):
    """The labelled images of a folder with a table. Raises MinirnnError if there is none, or a broken one."""
    files = tables(source)
    if not files:
        raise MinirnnError(f"{source}: neither metadata.csv nor metadata.jsonl in it")
    items = {}
    for file in files:
        places = None
        for where, name, text, group in _csv_rows(file) if file.suffix != ".jsonl" else _jsonl_rows(file, problems):
            if not isinstance(name, str) or not name.strip() or not isinstance(text, str):
                problems.append(f"{where}: file_name or text is missing")
                continue
            path = file.parent / name
            if not is_file(path):
                places = _places(file.parent) if places is None else places
                path = places.get(name.replace("\\", "/").rpartition("/")[2].lower()) or file.parent / name.strip()
            if path in items:
                problems.append(f"{where}: {name} has a label already; the first one is kept")
                continue
            items[path] = LabelledImage(path, plain(text), str(group) if group else None)
    report_unlabelled(source, items, problems)
    return list(items.values())


def _places(folder):
    """{file name, and file name without its suffix, in lower case: path} of the images in a folder and its subfolders;
    None where several images could be meant."""
    found = {}
    for path in find_images(folder):
        for name in {path.name.lower(), path.stem.lower()}:
            found[name] = None if name in found else path
    return found


def _csv_rows(file):
    """Yield (where, file name, text, group) of the rows of a CSV file. MinirnnError if it lacks the columns."""
    table = read_table(file)
    for row in table.rows:
        where = f"{file}, line {row.line}"
        if not row.fields:
            continue  # an empty line
        if len(row.fields) > len(table.header.fields):
            # Most likely a comma in a text without quotes: what comes after it would be missing from the label.
            yield f"{where} (more fields than columns; put quotes round the text)", None, None, None
        else:
            yield where, table.name(row), table.get(row, "text"), table.get(row, "group")


def _jsonl_rows(file, problems):
    """Yield (where, file name, text, group) of the lines of a file of JSON lines."""
    for number, line in enumerate(lines_of(read_label(file)), 1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"{where}: not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield where, row.get("file_name"), row.get("text"), row.get("group")
        else:
            problems.append(f"{where}: not an object with file_name and text")


