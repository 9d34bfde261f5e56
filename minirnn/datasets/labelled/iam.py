"""The IAM Handwriting Database (U.-V. Marti and H. Bunke, 2002), its lines or its words, as it is found unpacked.

The list lines.txt or words.txt stands in the folder, in its subfolder ascii, or one folder further down; the images
are anywhere below, in the database's own folders (lines/a01/a01-000u/a01-000u-00.png) or all in one.
"""

from minirnn.datasets.labelled.items import (
    LabelledImage,
    find_images,
    is_inside,
    lines_of,
    plain,
    read_label,
    report_unlabelled,
)
from minirnn.errors import MinirnnError


def _lists(source, name):
    patterns = (f"ascii/{name}.txt", f"{name}.txt", f"*/ascii/{name}.txt", f"*/{name}.txt")
    return [path for pattern in patterns for path in sorted(source.glob(pattern)) if path.is_file()]


def _has_images(source, name):
    """Whether there is an image of the first of the list's entries that has all its fields."""
    lists = _lists(source, name)
    if not lists:
        return False
    rows = (row.split() for row in lines_of(read_label(lists[0])) if not row.startswith("#"))
    first = {row[0] for row, _ in zip((row for row in rows if len(row) >= 9), range(100))}
    return any(image.stem in first for image in find_images(source))


def is_iam_lines(source):
    """Whether ``source`` has the list of lines; where the words' list stands beside it, also their images."""
    lists = _lists(source, "lines")
    return bool(lists) and (_has_images(source, "lines") or not _has_images(source, "words"))


def is_iam_words(source):
    """Whether ``source`` has the list of words."""
    return bool(_lists(source, "words"))


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
    lists = _lists(source, name)
    if not lists:
        raise MinirnnError(f"{source}: neither {name}.txt nor ascii/{name}.txt in it")
    file = lists[0]
    if not is_inside(file, source):
        raise MinirnnError(f"{file}: leads out of the folder {source}")
    base = file.parent.parent if file.parent.name == "ascii" else file.parent
    inside = base / name if (base / name).is_dir() else base
    images = {path.stem: path for path in find_images(inside)}
    items = []
    for number, row in enumerate(lines_of(read_label(file)), 1):
        if not row.strip() or row.startswith("#"):
            continue
        fields = row.split(maxsplit=8)
        parts = fields[0].split("-")
        if len(fields) < 9 or len(parts) < 3:
            problems.append(f"{file}, line {number}: expected nine fields, the first like a01-000u-00")
            continue
        form = "-".join(parts[:2])
        path = images.get(fields[0], base / name / parts[0] / form / f"{fields[0]}.png")
        items.append(LabelledImage(path, plain(fields[8].replace("|", " ")), form))
    report_unlabelled(inside, [item.path for item in items], problems)
    return items
