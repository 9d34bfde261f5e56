"""A text file beside each image: x.gt.txt beside x.png, as OCR tools have it, or x.txt beside x.png."""

from minirnn.datasets.labelled.items import (
    LabelledImage,
    find_images,
    find_labels,
    plain,
    read_label,
    report_unlabelled,
)
from minirnn.errors import MinirnnError

GROUND_TRUTH, TEXT = ".gt.txt", ".txt"


def is_gt(source):
    """Whether there are files x.gt.txt in the folder or its subfolders."""
    return any(source.rglob(f"*{GROUND_TRUTH}"))


def is_text(source):
    """Whether an image in the folder or its subfolders has a file x.txt beside it."""
    return any(image.with_suffix(TEXT).is_file() for image in find_images(source))


def read_gt(source, problems):
    """The labelled images of a folder with x.gt.txt beside x.png (or .jpg ..., or x.bin.png, as OCR tools have it)."""
    items, labelled = [], []
    images = {}
    for path in find_images(source):
        images.setdefault((path.parent, path.name.split(".")[0]), []).append(path)
    for label in find_labels(source, f"*{GROUND_TRUTH}", problems):
        stem = label.name[: -len(GROUND_TRUTH)]
        beside = images.get((label.parent, stem.split(".")[0]), [])
        mine = [path for path in beside if path.name.startswith(f"{stem}.")]
        labelled += mine
        if not mine:
            problems.append(f"{label}: label without an image")
            continue
        # The plainest name first: x.png before x.bin.png. All pictures of a line are of the line's group.
        group = label.with_name(stem).relative_to(source).as_posix()
        _add(items, min(mine, key=lambda path: len(path.name)), label, group, problems)
    report_unlabelled(source, labelled, problems)
    return items


def read_text_files(source, problems):
    """The labelled images of a folder with x.txt beside x.png."""
    items, labelled = [], []
    images = {}
    for path in find_images(source):
        images.setdefault(path.with_suffix(TEXT), []).append(path)
    for label in find_labels(source, f"*{TEXT}", problems):
        mine = images.get(label, [])
        labelled += mine
        if len(mine) == 1:
            _add(items, mine[0], label, None, problems)
        elif mine:
            problems.append(f"{label}: could belong to {' or '.join(path.name for path in mine)}; rename one of them")
        elif not label.name.endswith(GROUND_TRUTH):
            problems.append(f"{label}: label without an image")
    report_unlabelled(source, labelled, problems)
    return items


def _add(items, image, label, group, problems):
    try:
        items.append(LabelledImage(image, plain(read_label(label)), group))
    except MinirnnError as error:
        problems.append(str(error))
