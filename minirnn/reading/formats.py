"""What was read, in the formats that programs for documents take: plain text, JSON, ALTO, PAGE and hOCR."""

import json
import pathlib
import re
import xml.etree.ElementTree as ElementTree

from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box

ALTO = "http://www.loc.gov/standards/alto/ns-v4#"
PAGE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
SMALLEST = 30  # the longer side of a page, in the units of its strokes
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FORMATS = ("txt", "json", "alto", "page", "hocr")


def formatted(pages, name):
    """``pages``, a list of (`minirnn.reading.sources.PageToRead`, list of `Reading`), in the format ``name`` of
    `FORMATS`.

    ALTO and PAGE describe one page per file, so that they take one page alone."""
    if name in ("alto", "page") and len(pages) != 1:
        raise MinirnnError(f"--format {name} describes a single page, and there are {len(pages)}; read them one by one")
    if name == "txt":
        return "".join(reading.text + "\n" for _, readings in pages for reading in readings)
    if name == "json":
        return json.dumps([_record(page, readings) for page, readings in pages], ensure_ascii=False, indent=1) + "\n"
    small = [page.name for page, _ in pages if page.lines and max(page.width, page.height) < SMALLEST]
    if small:
        raise MinirnnError(
            f"{small[0]}: its coordinates are so small that --format {name}, which has whole numbers, cannot say where "
            "words stand; use --format json"
        )
    tree = {"alto": alto, "page": page_xml}[name](*pages[0]) if name != "hocr" else hocr(pages)
    for element in tree.iter():  # characters that no XML can hold; they may stand in a file's name
        element.text, element.tail = (part and NOT_XML.sub("\ufffd", part) for part in (element.text, element.tail))
        element.attrib.update({name: NOT_XML.sub("\ufffd", value) for name, value in element.attrib.items()})
    ElementTree.indent(tree)
    return ElementTree.tostring(tree, encoding="unicode", xml_declaration=name != "hocr") + "\n"


def words(reading):
    """The words of a line: a list of (text, confidence, box); a word is as sure as its least sure character."""
    found, start = [], 0
    for word in reading.text.split(" "):
        part = slice(start, start + len(word))
        boxes = [box for box in reading.boxes[part] if box]
        if word:
            found.append((word, float(min(reading.confidence[part])), _around(boxes)))
        start += len(word) + 1
    return found


def _around(boxes):
    """(left, top, right, bottom) around boxes, or zeros if there is none."""
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    return tuple(pick(box[k] for box in boxes) for k, pick in enumerate((min, min, max, max)))


def _short(value):
    """Six digits of a coordinate, whose unit may be a pixel or a metre."""
    return float(f"{float(value):.6g}")


def _record(page, readings):
    lines = [
        {
            "text": reading.text,
            "confidence": round(float(reading.confidence.mean()), 4) if reading.text else 0.0,
            "box": [_short(value) for value in bounding_box(strokes)],
            "characters": [
                {"character": c, "confidence": round(float(sure), 4), "box": box and [_short(v) for v in box]}
                for c, sure, box in zip(reading.text, reading.confidence, reading.boxes)
            ],
        }
        for strokes, reading in zip(page.lines, readings)
    ]
    return {"source": page.name, "width": page.width, "height": page.height, "lines": lines}


def _whole(box):
    """left, top, width, height as whole numbers."""
    left, top, right, bottom = (round(float(value)) for value in box)
    return left, top, right - left, bottom - top


def _place(box):
    return dict(zip(("HPOS", "VPOS", "WIDTH", "HEIGHT"), map(str, _whole(box))))


def alto(page, readings):
    """An ALTO 4 tree of a page."""
    root = ElementTree.Element("alto", xmlns=ALTO)
    description = ElementTree.SubElement(root, "Description")
    ElementTree.SubElement(description, "MeasurementUnit").text = "pixel"
    source = ElementTree.SubElement(description, "sourceImageInformation")
    ElementTree.SubElement(source, "fileName").text = pathlib.Path(page.name).name
    layout = ElementTree.SubElement(root, "Layout")
    size = {"WIDTH": str(round(page.width)), "HEIGHT": str(round(page.height))}
    sheet = ElementTree.SubElement(layout, "Page", ID="page", PHYSICAL_IMG_NR="1", **size)
    space = ElementTree.SubElement(sheet, "PrintSpace", HPOS="0", VPOS="0", **size)
    block = ElementTree.SubElement(space, "TextBlock", ID="block")
    for n, (strokes, reading) in enumerate(zip(page.lines, readings), 1):
        line = ElementTree.SubElement(block, "TextLine", ID=f"line_{n}", **_place(bounding_box(strokes)))
        for k, (word, sure, box) in enumerate(words(reading), 1):
            if k > 1:
                ElementTree.SubElement(line, "SP")
            ElementTree.SubElement(line, "String", ID=f"line_{n}_{k}", CONTENT=word, WC=f"{sure:.3f}", **_place(box))
    return root


def page_xml(page, readings):
    """A PAGE (2019-07-15) tree of a page."""
    root = ElementTree.Element("PcGts", xmlns=PAGE)
    sheet = ElementTree.SubElement(
        root, "Page", imageFilename=pathlib.Path(page.name).name, imageWidth=str(round(page.width)),
        imageHeight=str(round(page.height)),
    )  # fmt: skip
    boxes = [tuple(map(float, bounding_box(strokes))) for strokes in page.lines]
    region = ElementTree.SubElement(sheet, "TextRegion", id="region")
    ElementTree.SubElement(region, "Coords", points=_corners(_around(boxes)))
    for n, (box, reading) in enumerate(zip(boxes, readings), 1):
        line = ElementTree.SubElement(region, "TextLine", id=f"line_{n}")
        ElementTree.SubElement(line, "Coords", points=_corners(box))
        for k, (word, sure, word_box) in enumerate(words(reading), 1):
            part = ElementTree.SubElement(line, "Word", id=f"line_{n}_{k}")
            ElementTree.SubElement(part, "Coords", points=_corners(word_box))
            text = ElementTree.SubElement(part, "TextEquiv", conf=f"{sure:.3f}")
            ElementTree.SubElement(text, "Unicode").text = word
        text = ElementTree.SubElement(line, "TextEquiv")
        ElementTree.SubElement(text, "Unicode").text = reading.text
    return root


def _corners(box):
    left, top, width, height = _whole(box)
    right, bottom = left + width, top + height
    return f"{left},{top} {right},{top} {right},{bottom} {left},{bottom}"


def hocr(pages):
    """An hOCR tree of pages."""
    root = ElementTree.Element("html", xmlns="http://www.w3.org/1999/xhtml")
    head = ElementTree.SubElement(root, "head")
    ElementTree.SubElement(head, "meta", charset="utf-8")
    ElementTree.SubElement(head, "meta", name="ocr-capabilities", content="ocr_page ocr_line ocrx_word")
    body = ElementTree.SubElement(root, "body")
    for p, (page, readings) in enumerate(pages, 1):
        name = pathlib.Path(page.name).name
        quote = "'" if '"' in name else '"'
        title = f"image {quote}{name}{quote}; bbox 0 0 {round(page.width)} {round(page.height)}"
        sheet = ElementTree.SubElement(body, "div", {"class": "ocr_page", "id": f"page_{p}", "title": title})
        for n, (strokes, reading) in enumerate(zip(page.lines, readings), 1):
            line = _span(sheet, "ocr_line", f"line_{p}_{n}", bounding_box(strokes))
            for k, (word, sure, box) in enumerate(words(reading), 1):
                part = _span(line, "ocrx_word", f"word_{p}_{n}_{k}", box, f"; x_wconf {round(100 * sure)}")
                part.text, part.tail = word, " "
            ElementTree.SubElement(sheet, "br")
    return root


def _span(parent, kind, name, box, more=""):
    left, top, width, height = _whole(box)
    title = f"bbox {left} {top} {left + width} {top + height}{more}"
    return ElementTree.SubElement(parent, "span", {"class": kind, "id": name, "title": title})
