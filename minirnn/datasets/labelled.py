"""Folders of labelled handwriting images, in the formats in which they are published.

    imagefolder   metadata.csv or metadata.jsonl with file_name, text and, if known, group
    gt            x.png beside x.gt.txt
    iam-lines     lines.txt (or ascii/lines.txt) of the IAM Handwriting Database, with its folder lines/
    iam-words     words.txt (or ascii/words.txt), with its folder words/
    page          PAGE XML, 2010 to 2019, beside its page images

A text with line breaks labels a whole page, a line each. What cannot be used is said in a list of problems, one
line each, and the rest goes on.
"""

import csv
import dataclasses
import json
import pathlib
import unicodedata

import numpy as np

from minirnn.datasets.safe_xml import local_name, read_xml
from minirnn.errors import MinirnnError, is_text

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".pbm", ".ppm")
LABEL_SUFFIX = ".gt.txt"


@dataclasses.dataclass
class LabelledImage:
    """An image, or the part of one inside ``outline``, and what is written on it.

    group    the form, page or writer that must not be split between training and validation
    outline  (n, 2) corners in pixels, or None for the whole image
    """

    path: pathlib.Path
    text: str
    group: str
    outline: np.ndarray | None = None


def read_labelled(source, format_name=None):
    """Read a labelled set: (list of LabelledImage, list of problems, one line of text each).

    ``format_name`` is one of `FORMATS`; by default it is recognised. Raises MinirnnError if ``source`` is no
    folder, of no known format, or of an unknown format's name.
    """
    source = pathlib.Path(source)
    if not source.is_dir():
        raise MinirnnError(f"{source}: no such folder; give the folder of a labelled set")
    format_name = format_name or recognise_format(source)
    if format_name is None:
        raise MinirnnError(
            f"{source}: no labels found; give it a metadata.csv (file_name,text), x{LABEL_SUFFIX} beside each x.png, "
            "IAM's lines.txt or words.txt, or PAGE XML"
        )
    if format_name not in FORMATS:
        raise MinirnnError(f"there is no format {format_name!r}; choose one of {', '.join(FORMATS)}")
    problems = []
    items = [item for item in FORMATS[format_name](source, problems) if _is_usable(item, problems)]
    return items, problems


def recognise_format(source):
    """Name of the format of the folder ``source``, or None. Of several, the first one of `FORMATS`."""
    source = pathlib.Path(source)
    if _metadata_files(source):
        return "imagefolder"
    if any(source.rglob(f"*{LABEL_SUFFIX}")):
        return "gt"
    for name in ("lines", "words"):
        if _iam_list(source, name).is_file():
            return f"iam-{name}"
    if any(_is_page_xml(path) for path in sorted(source.rglob("*.xml"))):
        return "page"
    return None


def find_images(folder):
    """All image files in a folder and its subfolders, by their names, sorted."""
    return sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)


def _is_file(path):
    """Whether there is such a file; a name that no file can have (too long, or with a zero byte) is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_usable(item, problems):
    if not _is_file(item.path):
        problems.append(f"{item.path}: labelled, but there is no such image")
    elif not is_text(item.text):
        problems.append(f"{item.path}: its text has halves of characters in it; write it anew")
    elif not item.text:
        problems.append(f"{item.path}: its text is empty; write what it says")
    else:
        return True
    return False


def _plain(text):
    """Text in composed Unicode, its lines without outer or doubled white space, without empty lines."""
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(line for line in lines if line)


def _report_unlabelled(folder, labelled, problems):
    known = {path.resolve() for path in labelled if _is_file(path)}
    for path in find_images(folder):
        if path.resolve() not in known:
            problems.append(f"{path}: image without a label")


def _read_text(path):
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MinirnnError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise MinirnnError(f"{path}: cannot be read ({error.strerror})") from None


# --- imagefolder ---------------------------------------------------------------------------------------------


def _metadata_files(source):
    """metadata.csv or metadata.jsonl of the folder itself, or else of its subfolders."""
    for pattern in ("metadata.csv", "metadata.jsonl", "*/metadata.csv", "*/metadata.jsonl"):
        files = sorted(source.glob(pattern))
        if files:
            return files
    return []


def read_imagefolder(source, problems):
    """Items of a folder with metadata.csv or metadata.jsonl (the imagefolder convention)."""
    files = _metadata_files(source)
    if not files:
        raise MinirnnError(f"{source}: neither metadata.csv nor metadata.jsonl in it")
    items = {}
    for file in files:
        rows = _csv_rows(file) if file.suffix == ".csv" else _jsonl_rows(file, problems)
        for where, row in rows:
            name, text, group = (row.get(key) for key in ("file_name", "text", "group"))
            if not isinstance(name, str) or not name.strip() or not isinstance(text, str):
                problems.append(f"{where}: file_name or text is missing")
                continue
            path = file.parent / name.strip()
            if path in items:
                problems.append(f"{where}: {name} has a label already; the first one is kept")
                continue
            items[path] = LabelledImage(path, _plain(text), str(group or path.stem))
    _report_unlabelled(source, items, problems)
    return list(items.values())


def _csv_rows(file):
    """Yield (where, row as a dict) of a CSV file. MinirnnError if it lacks the columns or is broken."""
    reader = csv.DictReader(_read_text(file).splitlines(keepends=True), strict=True)
    try:
        if not {"file_name", "text"} <= set(reader.fieldnames or ()):
            raise MinirnnError(f"{file}, line 1: expected the columns file_name and text")
        for row in reader:
            yield f"{file}, line {reader.line_num}", row
    except csv.Error as error:
        raise MinirnnError(f"{file}, line {reader.line_num}: not valid CSV ({error}); mend the line") from None


def _jsonl_rows(file, problems):
    for number, line in enumerate(_read_text(file).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"{file}, line {number}: not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield f"{file}, line {number}", row
        else:
            problems.append(f"{file}, line {number}: not an object with file_name and text")


# --- x.png beside x.gt.txt -----------------------------------------------------------------------------------


def read_gt(source, problems):
    """Items of a folder with x.gt.txt beside x.png (or .jpg ..., or x.bin.png, as OCR tools name them)."""
    items, labelled = [], []
    images = {}
    for path in find_images(source):
        images.setdefault((path.parent, path.name.split(".")[0]), []).append(path)
    for label in sorted(source.rglob(f"*{LABEL_SUFFIX}")):
        stem = label.name[: -len(LABEL_SUFFIX)]
        beside = images.get((label.parent, stem.split(".")[0]), [])
        mine = [path for path in beside if path.name.startswith(f"{stem}.")]
        labelled += mine
        if not mine:
            problems.append(f"{label}: label without an image")
            continue
        try:
            # The plainest name first: x.png before x.bin.png.
            items.append(LabelledImage(min(mine, key=lambda path: len(path.name)), _plain(_read_text(label)), stem))
        except MinirnnError as error:
            problems.append(str(error))
    _report_unlabelled(source, labelled, problems)
    return items


# --- IAM -----------------------------------------------------------------------------------------------------


def _iam_list(source, name):
    """Path of lines.txt or words.txt: in the folder, or in its subfolder ascii/."""
    inside = source / "ascii" / f"{name}.txt"
    return inside if inside.is_file() else source / f"{name}.txt"


def read_iam_lines(source, problems):
    """Lines of the IAM Handwriting Database; the group is the form."""
    return _read_iam(source, "lines", problems)


def read_iam_words(source, problems):
    """Words of the IAM Handwriting Database; the group is the form."""
    return _read_iam(source, "words", problems)


def _read_iam(source, name, problems):
    """Rows ``a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to``: the text is all from the ninth field on.

    The second field says whether the *words* were found well (ok or err); the image and its text are good in
    either case.
    """
    file = _iam_list(source, name)
    if not file.is_file():
        raise MinirnnError(f"{source}: neither {name}.txt nor ascii/{name}.txt in it")
    items = []
    for number, row in enumerate(_read_text(file).splitlines(), 1):
        if not row.strip() or row.startswith("#"):
            continue
        fields = row.split(maxsplit=8)
        parts = fields[0].split("-")
        if len(fields) < 9 or len(parts) < 3:
            problems.append(f"{file}, line {number}: expected nine fields, the first like a01-000u-00")
            continue
        form = "-".join(parts[:2])
        path = source / name / parts[0] / form / f"{fields[0]}.png"
        items.append(LabelledImage(path, _plain(fields[8].replace("|", " ")), form))
    _report_unlabelled(source / name, [item.path for item in items], problems)
    return items


# --- PAGE XML ------------------------------------------------------------------------------------------------


def _is_page_xml(path):
    try:
        with open(path, "rb") as file:
            return b"PcGts" in file.read(2000)
    except OSError:  # a folder by such a name, say
        return False


def read_page_xml(source, problems):
    """Text lines of PAGE XML files (schemas of 2010 to 2019); the group is the page."""
    items, images = [], []
    for file in sorted(path for path in source.rglob("*.xml") if _is_page_xml(path)):
        try:
            root = read_xml(file)
            image = _page_image(file, root)
            images.append(image)
        except (MinirnnError, OSError) as error:
            problems.append(f"{error}")
            continue
        found = [element for element in root.iter() if local_name(element) == "TextLine"]
        if not found:
            problems.append(f"{file}: has no TextLine")
        for line in found:
            where = f"{file}, line {line.get('id', '?')}"
            try:
                items.append(LabelledImage(image, _line_text(line, where), image.stem, _line_outline(line, where)))
            except MinirnnError as error:
                problems.append(str(error))
    _report_unlabelled(source, images, problems)
    return items


def _children(element, name):
    return [child for child in element if local_name(child) == name]


def _page_image(file, root):
    """Path of the image that a PAGE file describes: beside the file, or one folder up (page/ beside the images)."""
    pages = _children(root, "Page")
    name = pages[0].get("imageFilename") if pages else None
    if not name:
        raise MinirnnError(f"{file}: names no image (Page, imageFilename)")
    name = name.replace("\\", "/")
    tries = [folder / part for part in (name, name.rpartition("/")[2]) for folder in (file.parent, file.parent.parent)]
    return next((path for path in tries if _is_file(path)), tries[0])


def _line_text(line, where):
    """Transcription of a TextLine itself, not of its words; of several the one with the lowest index."""
    equivalents = sorted(_children(line, "TextEquiv"), key=lambda element: _whole(element.get("index", "0"), where))
    for equivalent in equivalents:
        for unicode in _children(equivalent, "Unicode"):
            if unicode.text and unicode.text.strip():
                return _plain(unicode.text).replace("\n", " ")
    raise MinirnnError(f"{where}: no transcription")


def _line_outline(line, where):
    """(n, 2) corners: Coords points="x,y x,y" (2013 on) or Coords with Point elements (2010)."""
    for coords in _children(line, "Coords"):
        if coords.get("points"):
            pairs = [pair.split(",") for pair in coords.get("points").split()]
        else:
            pairs = [(point.get("x"), point.get("y")) for point in _children(coords, "Point")]
        if len(pairs) >= 3 and all(len(pair) == 2 for pair in pairs):
            return np.array([[_whole(x, where), _whole(y, where)] for x, y in pairs], float)
    raise MinirnnError(f"{where}: no outline of at least three points (Coords)")


def _whole(value, where):
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        raise MinirnnError(f"{where}: {value!r} is not a whole number") from None


FORMATS = {
    "imagefolder": read_imagefolder,
    "gt": read_gt,
    "iam-lines": read_iam_lines,
    "iam-words": read_iam_words,
    "page": read_page_xml,
}
