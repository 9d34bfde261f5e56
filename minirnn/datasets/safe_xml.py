"""XML from strangers: parsed without entities of its own, so that it cannot swell up or fetch anything."""

import xml.etree.ElementTree as ElementTree

from minirnn.errors import MinirnnError

MAX_BYTES = 16 * 2**20  # far more than a line of handwriting takes (0.1 MB)


class _NoDoctype(ElementTree.TreeBuilder):
    """A tree builder that refuses a document type, the only place where entities can be declared."""

    def doctype(self, name, pubid, system):
        raise MinirnnError("has a DOCTYPE, which is not accepted here; remove it")


def parse_xml(data, where):
    """Return the root element of ``data`` (bytes). MinirnnError names ``where``."""
    if len(data) > MAX_BYTES:
        raise MinirnnError(f"{where} is larger than {MAX_BYTES >> 20} MB; that is no line of handwriting")
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(target=_NoDoctype()))
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
