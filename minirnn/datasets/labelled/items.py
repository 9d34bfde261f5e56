"""What all formats of labelled sets share: the labelled image, its text, and the files that belong to a set."""

import dataclasses
import pathlib
import re
import unicodedata

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.files import is_file

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".pbm", ".ppm"),
    *(".heic", ".heif", ".pdf"),  # these two kinds need the extra "documents"
)
LINE_END = re.compile(r"\r\n|\n|\r")  # str.splitlines would also cut at U+2028, U+0085 and form feeds


@dataclasses.dataclass
class Frame:
    """The coordinates in which a label file sees its image, which may not be those of the image's pixels.

    size     (width, height) of the image as the file states it, or None
    reading  (2,) the way from the first line of the page to its last one, which points down if the page is upright
    """

    size: tuple | None
    reading: np.ndarray


@dataclasses.dataclass
class LabelledImage:
    """An image, or the part of one inside ``outline``, and what is written on it.

    group    the form, page or writer that must not be split between training and validation; None: the image
    outline  (n, 2) corners, or None for the whole image
    frame    the `Frame` that the outline's coordinates belong to; None: the pixels of the upright image
    """

    path: pathlib.Path
    text: str
    group: str | None = None
    outline: np.ndarray | None = None
    frame: Frame | None = None


def is_inside(path, folder):
    """Whether ``path`` lies in ``folder`` when all symbolic links and .. on the way are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a circle of links is a RuntimeError before Python 3.13
        return False


def lines_of(text):
    """The lines of a text, as a list; lines end with a line feed, a return, or both."""
    return LINE_END.split(text)


def plain(text):
    """Text in composed Unicode, its lines without outer or doubled white space, without empty lines."""
    lines = (" ".join(line.split()) for line in lines_of(unicodedata.normalize("NFC", text)))
    return "\n".join(line for line in lines if line)


def find_files(folder, pattern):
    """The files in ``folder`` and its subfolders that fit ``pattern``, sorted, hidden ones left out."""
    return sorted(path for path in pathlib.Path(folder).rglob(pattern) if not path.name.startswith("."))


def find_images(folder):
    """All image files in a folder and its subfolders, by their names, sorted."""
    return [path for path in find_files(folder, "*") if path.suffix.lower() in IMAGE_SUFFIXES]


def find_labels(source, pattern, problems):
    """The label files that fit ``pattern``; one that a symbolic link leads out of the set becomes a problem."""
    found = find_files(source, pattern)
    problems += [f"{path}: leads out of the folder {source}" for path in found if not is_inside(path, source)]
    return [path for path in found if is_inside(path, source)]


def read_label(path):
    """The text of a label file, UTF-8. Raises MinirnnError if it is none or cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MinirnnError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise MinirnnError(f"{path}: cannot be read ({error.strerror})") from None


def report_unlabelled(folder, labelled, problems):
    """Add a problem for every image in ``folder`` that is not among the paths ``labelled``."""
    known = {path.resolve() for path in labelled if is_file(path)}
    problems += [f"{path}: image without a label" for path in find_images(folder) if path.resolve() not in known]
