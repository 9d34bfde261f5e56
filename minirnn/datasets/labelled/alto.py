"""ALTO XML, versions 1 to 4, as kraken, eScriptorium and OCR programs write it (loc.gov/standards/alto)."""

import numpy as np

from minirnn.datasets.labelled.items import plain
from minirnn.datasets.labelled.page_files import (
    LabelledPage,
    PageLine,
    lines_of_page,
    number,
    page_size,
    points,
    read_page_files,
)
from minirnn.datasets.safe_xml import begins_with, children, descendants, local_name, read_xml
from minirnn.errors import MinirnnError

SOFT_HYPHEN = "\u00ad"


def is_alto(path):
    """Whether the file ``path`` is ALTO XML."""
    return begins_with(path, "alto")


def read_alto(source, problems):
    """The labelled lines of the ALTO XML files in a folder and its subfolders; a line's group is its page."""
    return read_page_files(source, "*.xml", is_alto, _parse, problems)


def _parse(file, problems):
    root = read_xml(file)
    pages = descendants(root, "Page")
    if len(pages) != 1:
        raise MinirnnError(f"{file}: has {len(pages)} pages; write a file for each page's image")
    lines = lines_of_page(descendants(pages[0], "TextLine"), "ID", file, _line, problems)
    # The unit (pixel, mm10, inch1200) need not be known: the image's size is stated in the same one.
    sizes = [page_size(e.get("WIDTH"), e.get("HEIGHT"), file) for e in [pages[0], *children(pages[0], "PrintSpace")]]
    names = [name.text or "" for name in descendants(root, "fileName")]
    return [LabelledPage(names[0] if names else "", next(filter(None, sizes), None), lines)]


def _line(line, where):
    outline, baseline = _outline(line, where), _baseline(line, where)
    if outline is None and baseline is None:
        raise MinirnnError(f"{where}: neither a Shape, nor HPOS, VPOS, WIDTH and HEIGHT, nor a BASELINE")
    return PageLine(where, _text(line, where), outline, baseline)


def _text(line, where):
    """The contents of a line's Strings: words, between which SP stands or, in some programs' files, nothing."""
    kinds = [local_name(child) for child in line]
    parts = []
    for kind, child in zip(kinds, line):
        if kind == "SP":
            parts.append(" ")
        elif kind == "HYP":
            parts.append(child.get("CONTENT", "-").replace(SOFT_HYPHEN, "-"))
        elif kind == "String":
            parts += [" "] * ("SP" not in kinds) + [child.get("CONTENT", "")]
    text = plain("".join(parts)).replace("\n", " ")
    if not text:
        raise MinirnnError(f"{where}: no transcription")
    return text


def _outline(line, where):
    """(n, 2) corners of a line's Shape, or of the box around it; None if there is neither."""
    for shape in children(line, "Shape"):
        for polygon in children(shape, "Polygon"):
            corners = points(polygon.get("POINTS", ""), where)
            if len(corners) >= 3:
                return corners
    box = [line.get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    if None in box:
        return None
    left, top, width, height = (number(value, where) for value in box)
    if width <= 1 or height <= 1:
        return None
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def _baseline(line, where):
    """(n, 2) points of a line's BASELINE, which until version 4.1 was only its height; None if there is none."""
    text = line.get("BASELINE", "")
    if len(text.replace(",", " ").split()) == 1:
        ends = number(line.get("HPOS"), where), number(line.get("HPOS"), where) + number(line.get("WIDTH"), where)
        return np.array([[x, number(text, where)] for x in ends])
    found = points(text, where)
    return found if len(found) > 1 else None
