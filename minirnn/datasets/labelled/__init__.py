"""Folders of labelled handwriting images, in the formats in which they are published, one file per format.

    imagefolder   metadata.csv or metadata.jsonl with file_name, text and, if known, group; or another table of them
    gt            x.gt.txt beside x.png
    text          x.txt beside x.png
    iam-lines     lines.txt of the IAM Handwriting Database, with its images
    iam-words     words.txt, with its images
    page          PAGE XML, 2010 to 2019, beside its page images
    alto          ALTO XML, versions 1 to 4, beside its page images
    hocr          hOCR beside its page images

A text with line breaks labels a whole page, with a line of text per line of handwriting. What cannot be used is said in
a list of problems, one line each, and the rest is read. Nothing outside the folder is read, whatever its files name.
"""

import collections
import pathlib
import unicodedata

from minirnn.datasets.labelled.alto import is_alto, read_alto
from minirnn.datasets.labelled.hocr import is_hocr, read_hocr
from minirnn.datasets.labelled.iam import is_iam_lines, is_iam_words, read_iam_lines, read_iam_words
from minirnn.datasets.labelled.image_folder import is_image_folder, read_image_folder
from minirnn.datasets.labelled.items import (
    IMAGE_SUFFIXES,
    Frame,
    LabelledImage,
    find_files,
    find_images,
    is_file,
    is_inside,
)
from minirnn.datasets.labelled.page_xml import is_page_xml, read_page_xml
from minirnn.datasets.labelled.text_files import is_gt, is_text, read_gt, read_text_files
from minirnn.errors import MinirnnError
from minirnn.errors import is_text as is_unicode

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "Frame",
    "LabelledImage",
    "find_images",
    "is_inside",
    "read_labelled",
    "recognise_format",
]

READ = (
    "metadata.csv (file_name,text), x.gt.txt or x.txt beside each x.png, IAM's lines.txt or words.txt, PAGE XML, "
    "ALTO XML, hOCR"
)
# Files with these endings beside images are labels, or may be: they are not passed over without a word.
LABEL_SUFFIXES = {
    *(".xml", ".hocr", ".html", ".htm", ".xhtml", ".csv", ".tsv", ".json", ".jsonl", ".txt", ".lab", ".lbl", ".box"),
    *(".mat", ".parquet", ".arrow", ".mdb", ".lmdb", ".h5", ".hdf5", ".pkl", ".npz", ".tfrecord", ".xlsx", ".xls"),
    *(".ods", ".md5labels", ".yaml", ".yml", ".toml", ".inkml", ".tei"),
}
NO_LABELS = ("readme", "license", "licence", "copying", "changelog", "report", "requirements")  # names begin like this


def _any(pattern, is_kind):
    return lambda source: any(is_kind(path) for path in find_files(source, pattern))


# {name: (whether a folder is of this format, its reader)}; of several that fit, the first one is taken.
_FORMATS = {
    "imagefolder": (is_image_folder, read_image_folder),
    "gt": (is_gt, read_gt),
    "text": (is_text, read_text_files),
    "iam-lines": (is_iam_lines, read_iam_lines),
    "iam-words": (is_iam_words, read_iam_words),
    "page": (_any("*.xml", is_page_xml), read_page_xml),
    "alto": (_any("*.xml", is_alto), read_alto),
    "hocr": (_any("*.*", is_hocr), read_hocr),
}
FORMATS = tuple(_FORMATS)


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
        raise MinirnnError(f"{source}: no labels found; give it a {READ}")
    if format_name not in FORMATS:
        raise MinirnnError(f"there is no format {format_name!r}; choose one of {', '.join(FORMATS)}")
    problems, usable = [], []
    for item in _FORMATS[format_name][1](source, problems):
        fault = _fault(item, source)
        if fault:
            problems.append(f"{item.path}: {fault}")
        else:
            usable.append(item)
    _name_groups(usable, source)
    return usable, problems


def recognise_format(source):
    """Name of the format of the folder ``source``, or None if it has images (or nothing) alone.

    Raises MinirnnError if there is a file in it that looks like labels of a kind that is not understood.
    """
    for name, (is_format, _) in _FORMATS.items():
        if is_format(source):
            return name
    for path in find_files(source, "*"):
        if path.suffix.lower() in LABEL_SUFFIXES and not path.name.lower().startswith(NO_LABELS) and is_file(path):
            raise MinirnnError(
                f"{path}: looks like labels, but of no kind that is understood; give one of these: {READ}; or move it "
                "away if it is none"
            )
    return None


def _fault(item, source):
    """Why a labelled image cannot be used, or None."""
    if not is_file(item.path):
        return "labelled, but there is no such image"
    if not is_inside(item.path, source):
        return f"leads out of the folder {source}, and is not read"
    if not is_unicode(item.text):
        return "its text has halves of characters in it; write it anew"
    if not item.text:
        return "its text is empty; write what it says"
    control = next((c for c in item.text if unicodedata.category(c) == "Cc" and c != "\n"), None)
    if control:
        return f"its text has the control character U+{ord(control):04X} in it; remove it"
    return None


def _name_groups(items, source):
    """Name the group of every item without one after its image's path in the folder: it is this image's alone."""
    folder = source.resolve()
    paths = {item.path: item.path.resolve().relative_to(folder) for item in items if item.group is None}
    shared = collections.Counter(path.with_suffix("") for path in set(paths.values()))
    for item in items:
        if item.group is None:
            path = paths[item.path]
            plain = path.with_suffix("")
            item.group = (plain if shared[plain] == 1 else path).as_posix()
