"""hOCR (T. Breuel, "The hOCR Microformat", 2007): HTML whose elements say in class and title what they stand for."""

import html.parser
import re

import numpy as np

from minirnn.datasets.labelled.items import plain, read_label
from minirnn.datasets.labelled.page_files import LabelledPage, PageLine, points, read_page_files
from minirnn.datasets.safe_xml import MAX_BYTES, begins_with
from minirnn.errors import MinirnnError

LINES = {"ocr_line", "ocrx_line", "ocr_header", "ocr_caption", "ocr_textfloat"}
WITHOUT_END = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DEEPEST = 200  # elements inside of each other


def is_hocr(path):
    """Whether the file ``path`` is hOCR."""
    if path.suffix.lower() == ".hocr":
        return True
    return path.suffix.lower() in (".html", ".htm", ".xhtml", ".xml") and begins_with(path, "html", "ocr_page")


def read_hocr(source, problems):
    """The labelled lines of the hOCR files in a folder and its subfolders; a line's group is its page."""
    return read_page_files(source, "*.*", is_hocr, _parse, problems)


def _parse(file, problems):
    if file.stat().st_size > MAX_BYTES:
        raise MinirnnError(f"{file} is larger than {MAX_BYTES >> 20} MB; that is no page of handwriting")
    parser = _Parser(file)
    parser.feed(read_label(file))
    # Not parser.close(), which would read a tag that never ends again and again, from each of its characters on.
    if "<" in parser.rawdata:
        raise MinirnnError(f"{file}: is cut off in the middle of a tag; save it again")
    if not parser.pages:
        raise MinirnnError(f"{file}: has no element of the class ocr_page")
    for page in parser.pages:
        for line in page.lines:
            line.text = plain("".join(line.text)).replace("\n", " ")
            if not line.text:
                problems.append(f"{line.name}: no transcription")
            elif line.outline is None:
                problems.append(f"{line.name}: its title has no bbox")
        page.lines = [line for line in page.lines if line.text and line.outline is not None]
    return parser.pages


class _Parser(html.parser.HTMLParser):
    """Collects the pages and their lines, whose texts are lists of pieces. ``open`` has the tag of every element that
    is open, and its line or None."""

    def __init__(self, file):
        super().__init__()
        self.file, self.pages, self.open = file, [], []

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        title, classes = attributes.get("title", ""), set(attributes.get("class", "").split())
        line = self.open[-1][1] if self.open else None
        if "ocr_page" in classes:
            box = _box(title, self.file)
            name = re.search(r"""\bimage\s+(?:"([^"]*)"|'([^']*)'|([^;]*))""", title)
            image = next(filter(None, name.groups()), "").strip() if name else ""
            self.pages.append(LabelledPage(image, None if box is None else tuple(box.max(axis=0)), []))
        elif classes & LINES and self.pages:
            where = f"{self.file}, line {attributes.get('id', '?')}"
            line = PageLine(where, [], _box(title, where))
            self.pages[-1].lines.append(line)
        if tag not in WITHOUT_END:
            if len(self.open) >= DEEPEST:
                raise MinirnnError(f"{self.file}: more than {DEEPEST} elements inside of each other")
            self.open.append((tag, line))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in WITHOUT_END:
            self.open.pop()

    def handle_endtag(self, tag):
        tags = [name for name, _ in self.open]
        if tag in tags:  # what is left open inside of it ends with it
            del self.open[len(tags) - 1 - tags[::-1].index(tag) :]

    def handle_data(self, data):
        if self.open and self.open[-1][1] is not None:
            self.open[-1][1].text.append(data)


def _box(title, where):
    """Corners (4, 2) of the bbox in a title, or None."""
    found = re.search(r"\bbbox((?:\s+[^\s;]+){4})", title)
    if not found:
        return None
    (left, top), (right, bottom) = points(found[1], where)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
