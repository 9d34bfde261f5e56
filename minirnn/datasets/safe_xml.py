"""XML from strangers: parsed without entities of its own, so that it cannot swell up or fetch anything."""

import re
import xml.etree.ElementTree as ElementTree

from minirnn.errors import MinirnnError

MAX_BYTES = 16 * 2**20  # far more than a line of handwriting takes (0.1 MB)
BEGINNING = 20_000  # bytes, in which the outermost element stands
FIRST_ELEMENT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
MAX_DEPTH = 200
MAX_ELEMENTS = 200_000  # a page with an element for every letter has some 10,000


class _Careful(ElementTree.TreeBuilder):
    """A tree builder that refuses a document type, the only place where entities can be declared, and more elements
    than any document needs, before they fill the memory."""

    def __init__(self):
        super().__init__()
        self.left, self.depth = MAX_ELEMENTS, 0

    def doctype(self, name, pubid, system):
        raise MinirnnError("has a DOCTYPE, which is not accepted here; remove it")

    def start(self, tag, attributes):
        self.left, self.depth = self.left - 1, self.depth + 1
        if self.left < 0 or self.depth > MAX_DEPTH:
            most = f"{MAX_ELEMENTS:,} elements" if self.left < 0 else f"{MAX_DEPTH} elements inside of each other"
            raise MinirnnError(f"has more than {most}; that is no page of handwriting")
        return super().start(tag, attributes)

    def end(self, tag):
        self.depth -= 1
        return super().end(tag)


def parse_xml(data, where):
    """Return the root element of ``data`` (bytes). MinirnnError names ``where``."""
    if len(data) > MAX_BYTES:
        raise MinirnnError(f"{where} is larger than {MAX_BYTES >> 20} MB; that is no line of handwriting")
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(target=_Careful()))
    except MinirnnError as error:
        raise MinirnnError(f"{where} {error}") from None
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the latter two: an unknown encoding
        raise MinirnnError(f"{where} is not well-formed XML: {error}") from None


def read_xml(path):
    """Return the root element of the file ``path``, which is not read if it is too large. MinirnnError names it."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror}; check the name") from None
    return parse_xml(data, path)


def local_name(element):
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element, name):
    """The element's own children of a name, without regard to the namespace, as a list."""
    return [child for child in element if local_name(child) == name]


def descendants(element, name):
    """The element itself and everything in it that has this name, without regard to the namespace, as a list."""
    return [inner for inner in element.iter() if local_name(inner) == name]


def begins_with(path, root, *words):
    """Whether the XML (or HTML) file ``path`` has ``root`` as its outermost element, and the ``words`` near its start.

    Only the beginning of the file is looked at, in any encoding; False if the file cannot be read."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(BEGINNING).replace(b"\0", b"")  # UTF-16 has zeros between the letters
    except OSError:  # a folder by such a name, say
        return False
    first = FIRST_ELEMENT.search(beginning)
    return bool(first) and first[1].decode().lower() == root.lower() and all(w.encode() in beginning for w in words)
