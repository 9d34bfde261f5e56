"""Anyone's pen recordings as JSON lines, packed by gzip or not: one object per line, with ``text``, ``strokes`` and,
if known, ``group``.

    {"text": "Hi", "strokes": [[[0, 0], [0, 9]], [[4, 0], [4, 9]]], "group": "page 1"}

A stroke is a list of [x, y] pairs, or of {"x": 0, "y": 9}, y down, in any unit; what else a point has is left out.
Lines without a group are groups of their own. A .json file holds the same objects as one list.
"""

import gzip
import json
import zlib

from minirnn.datasets.samples import Sample
from minirnn.errors import MinirnnError, is_text
from minirnn.files import atomic
from minirnn.ink.strokes import check_strokes


def opened(path, mode="rt", **options):
    """The file as text, unpacked if its name ends in .gz."""
    return (gzip.open if str(path).endswith(".gz") else open)(path, mode, **options)


def read_jsonl(path, labelled=True):
    """Yield the samples of a file of JSON lines. MinirnnError names the file and the line.

    ``labelled``: whether every line must have a text; without one it is "" otherwise."""
    try:
        with opened(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _sample(line, number, f"{path}, line {number}", labelled)
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror or error}; check the name") from None
    except UnicodeDecodeError as error:
        raise MinirnnError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except (EOFError, zlib.error) as error:
        raise MinirnnError(f"{path} is damaged or cut short ({error})") from None


def read_json(path):
    """The samples of a .json file, a list of the objects that `read_jsonl` reads. MinirnnError names the file and the
    object."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            records = json.load(file)
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror or error}; check the name") from None
    except (ValueError, RecursionError) as error:  # of which UnicodeDecodeError is one
        raise MinirnnError(f"{path}: not JSON ({error})") from None
    if not isinstance(records, list) or not records:
        raise MinirnnError(f'{path}: expected a list of objects with "text" and "strokes"')
    return [_of_record(record, number, f"{path}, object {number}", True) for number, record in enumerate(records, 1)]


def _sample(line, number, where, labelled):
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MinirnnError(f"{where}: not JSON ({error})") from None
    return _of_record(record, number, where, labelled)


def _of_record(record, number, where, labelled):
    wanted = ["text", "strokes"] if labelled else ["strokes"]
    if not isinstance(record, dict) or not record.keys() >= set(wanted):
        raise MinirnnError(f"{where}: expected an object with " + " and ".join(f'"{name}"' for name in wanted))
    text, group = record.get("text", ""), record.get("group", f"line {number}")
    if labelled and (not is_text(text) or not text.strip()):
        raise MinirnnError(f'{where}: "text" is not a text with something in it')
    if not is_text(group):
        raise MinirnnError(f'{where}: "group" is not a text')
    return Sample(text, check_strokes(_pairs(record["strokes"]), where), group)


def _pairs(strokes):
    """``strokes`` with points as [x, y] where they are objects with x and y; anything else as it is."""
    if not isinstance(strokes, list):
        return strokes
    return [
        [[point["x"], point["y"]] for point in stroke]
        if isinstance(stroke, list) and all(isinstance(point, dict) and {"x", "y"} <= point.keys() for point in stroke)
        else stroke
        for stroke in strokes
    ]


def write_jsonl(path, samples):
    """Write the samples as JSON lines, all of them or nothing."""
    # A group may be named after a file whose name is no Unicode: what cannot be written becomes a question mark.
    with atomic(path, errors="replace") as file:
        for sample in samples:
            strokes = [stroke.tolist() for stroke in sample.strokes]
            record = {"text": sample.text, "strokes": strokes, "group": sample.group}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
