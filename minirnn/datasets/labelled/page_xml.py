"""PAGE XML, the schemas of 2010 to 2019, as Transkribus, eScriptorium, kraken, OCR-D and others write it."""

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
from minirnn.datasets.safe_xml import begins_with, children, descendants, read_xml
from minirnn.errors import MinirnnError


def is_page_xml(path):
    """Whether the file ``path`` is PAGE XML."""
    return begins_with(path, "PcGts")


def read_page_xml(source, problems):
    """The labelled lines of the PAGE XML files in a folder and its subfolders; a line's group is its page."""
    return read_page_files(source, "*.xml", is_page_xml, _parse, problems)


def _parse(file, problems):
    root = read_xml(file)
    pages = children(root, "Page")
    if len(pages) != 1:
        raise MinirnnError(f"{file}: names no image (Page, imageFilename)")
    lines = lines_of_page(descendants(pages[0], "TextLine"), "id", file, _line, problems)
    size = page_size(pages[0].get("imageWidth"), pages[0].get("imageHeight"), file)
    return [LabelledPage(pages[0].get("imageFilename") or "", size, lines)]


def _line(line, where):
    baselines = [points(element.get("points", ""), where) for element in children(line, "Baseline")]
    baseline = next((baseline for baseline in baselines if len(baseline) > 1), None)
    outline = _outline(line, where)
    if outline is None and baseline is None:
        raise MinirnnError(f"{where}: no outline of at least three points (Coords), and no Baseline")
    return PageLine(where, _text(line, where), outline, baseline)


def _text(line, where):
    """Transcription of a TextLine, or else of its words."""
    own = _own_text(line, where)
    if own:
        return own
    words = children(line, "Word")
    texts = [_own_text(word, where) or "".join(_own_text(c, where) for c in children(word, "Glyph")) for word in words]
    if not any(texts):
        raise MinirnnError(f"{where}: no transcription")
    if not all(texts):
        raise MinirnnError(f"{where}: the word {words[texts.index('')].get('id', '?')} has no transcription")
    return " ".join(texts)


def _own_text(element, where):
    """Text of an element's own TextEquiv, of several the one with the lowest index; "" if there is none."""
    for equivalent in sorted(children(element, "TextEquiv"), key=lambda child: number(child.get("index", 0), where)):
        for unicode in children(equivalent, "Unicode"):
            if unicode.text and unicode.text.strip():
                return plain(unicode.text).replace("\n", " ")
    return ""


def _outline(line, where):
    """(n, 2) corners: Coords points="x,y x,y" (2013 on) or Coords with Point elements (2010); None without any."""
    for coords in children(line, "Coords"):
        if coords.get("points"):
            corners = points(coords.get("points"), where)
        else:
            pairs = [(point.get("x"), point.get("y")) for point in children(coords, "Point")]
            corners = np.array([[number(x, where), number(y, where)] for x, y in pairs]).reshape(-1, 2)
        if len(corners) >= 3:
            return corners
    return None
