"""What can be read: pictures of pages and lines, pen recordings, drawings -> pages of lines of strokes."""

import dataclasses
import pathlib

import numpy as np

from minirnn.datasets.inkml import read_ink
from minirnn.datasets.jsonl import read_jsonl
from minirnn.datasets.labelled import IMAGE_SUFFIXES, is_inside
from minirnn.datasets.svg_strokes import read_svg
from minirnn.errors import MinirnnError
from minirnn.images.image_files import read_image
from minirnn.images.pipeline import read_page
from minirnn.ink.strokes import bounding_box

INK_SUFFIXES = (".inkml", ".svg", ".jsonl", ".jsonl.gz")
BACK = 0.3  # share of the width of all ink by which the pen goes back to begin a new line


@dataclasses.dataclass
class PageToRead:
    """A page to be read.

    name           of its file
    lines          list of lines from the top, each a list of strokes, (n, 2) arrays x and y down
    width, height  of the page, in the units of the strokes: pixels of a picture
    grey           the picture, (H, W) grey levels, or None
    """

    name: str
    lines: list
    width: float
    height: float
    grey: np.ndarray | None = None


def read_pages(source, problems):
    """Yield the `PageToRead` objects of ``source``: a picture, a pen recording (.inkml, .jsonl, .jsonl.gz), a drawing
    (.svg), or a folder of such files. MinirnnError if it is none of these.

    What cannot be read in a folder is added to the list ``problems``, one line each, and the rest is read."""
    source = pathlib.Path(source)
    if not source.exists():
        raise MinirnnError(f"{source}: no such file or folder")
    paths = sorted(path for path in source.rglob("*") if _readable(path)) if source.is_dir() else [source]
    if not paths:
        raise MinirnnError(f"{source}: there is neither a picture nor a pen recording in it")
    for path in paths:
        try:
            if source.is_dir() and not is_inside(path, source):
                raise MinirnnError(f"{path}: leads out of the folder {source}, and is not read")
            page = open_page(path)
        except MinirnnError as error:
            if not source.is_dir():
                raise
            problems.append(str(error))
            continue
        yield page


def _readable(path):
    name = path.name.lower()
    return path.is_file() and name.endswith((*IMAGE_SUFFIXES, *INK_SUFFIXES)) and not name.startswith(".")


def open_page(path):
    """The `PageToRead` in one file."""
    name = path.name.lower()
    if name.endswith(".inkml"):
        return _page_of_ink(path, split_lines(read_ink(path)))
    if name.endswith(".svg"):
        return _page_of_ink(path, split_lines(read_svg(path)))
    if name.endswith((".jsonl", ".jsonl.gz")):
        return _page_of_ink(path, [sample.strokes for sample in read_jsonl(path, labelled=False)])
    grey = read_image(path)
    try:
        _, found = read_page(grey)
    except MinirnnError as error:
        raise MinirnnError(f"{path}: {error}") from None
    return PageToRead(str(path), [line.strokes for line in found], grey.shape[1], grey.shape[0], grey)


def _page_of_ink(path, lines):
    boxes = np.array([bounding_box(strokes) for strokes in lines]).reshape(-1, 4)
    right, bottom = boxes[:, 2:].max(axis=0) if len(boxes) else (0, 0)
    return PageToRead(str(path), lines, max(1.0, float(right)), max(1.0, float(bottom)))


def split_lines(strokes):
    """The lines of a page of strokes in writing order: a new one begins where the pen goes far back to the left and
    down, or near the beginning of the line below all of it."""
    left, _, right, _ = bounding_box(strokes)
    lines = [[strokes[0]]]
    for stroke in strokes[1:]:
        start, top, end, bottom = bounding_box(lines[-1])
        height = stroke[:, 1].mean()
        back = end - stroke[0, 0] > BACK * (right - left) and height > (top + bottom) / 2
        near = stroke[0, 0] - start < BACK * (end - start) and height > bottom
        if (back or near) and stroke[:, 1].max() > bottom:
            lines.append([])
        lines[-1].append(stroke)
    return lines
