"""Pages whose lines are labelled in a file beside the image: what PAGE XML, ALTO XML and hOCR have in common.

Such a file names its image in many ways (a path of another computer, a URL, another suffix), outlines each line or
only gives the line that the letters stand on, and says of which size the image was when it was labelled.
"""

import dataclasses
import re
import urllib.parse

import numpy as np

from minirnn.datasets.labelled.items import (
    Frame,
    LabelledImage,
    find_files,
    find_images,
    is_file,
    is_inside,
    report_unlabelled,
)
from minirnn.errors import MinirnnError

MAX_LINES = 5000  # on a page
FARTHEST = 1e9  # a coordinate can be
ABOVE, BELOW = 0.72, 0.33  # parts of the distance to the next baseline that belong to a line above and below its own


@dataclasses.dataclass
class PageLine:
    """A line as the file has it: its name, its text, and its outline or its baseline, (n, 2) points, or None."""

    name: str
    text: str
    outline: np.ndarray | None = None
    baseline: np.ndarray | None = None


@dataclasses.dataclass
class LabelledPage:
    """A page as the file has it: the image's name ("" if it names none), its (width, height) or None, its lines."""

    image: str
    size: tuple | None
    lines: list


def read_page_files(source, pattern, is_kind, parse, problems):
    """The labelled lines of all files in ``source`` that fit ``pattern`` and of which ``is_kind(path)``.

    ``parse(file, problems)`` returns the list of `LabelledPage` in a file.
    """
    items, images = [], []
    for file in find_files(source, pattern):
        if not is_kind(file):
            continue
        try:
            if not is_inside(file, source):
                raise MinirnnError(f"{file}: leads out of the folder {source}")
            for page in parse(file, problems):
                image = find_page_image(page.image, file, source)
                images.append(image)
                items += _items(page, image, file)
        except (MinirnnError, OSError) as error:
            problems.append(f"{error}")
    report_unlabelled(source, images, problems)
    return items


def lines_of_page(found, identifier, file, read_line, problems):
    """The `PageLine` objects of the TextLines ``found`` in an XML file, as ``read_line(element, where)`` gives them.

    A line that it refuses becomes one of the ``problems``. ``identifier`` is the attribute that names a line. Raises
    MinirnnError if there is none."""
    if not found:
        raise MinirnnError(f"{file}: has no TextLine")
    lines = []
    for element in found:
        where = f"{file}, line {element.get(identifier, '?')}"
        try:
            lines.append(read_line(element, where))
        except MinirnnError as error:
            problems.append(str(error))
    return lines


def _items(page, image, file):
    if not page.lines:
        raise MinirnnError(f"{file}: has no line with a text")
    if len(page.lines) > MAX_LINES:
        raise MinirnnError(f"{file}: {len(page.lines):,} lines are too many for a page (at most {MAX_LINES:,})")
    outlines = [line.outline for line in page.lines]
    if any(outline is None for outline in outlines):
        from_baselines = outlines_from_baselines([line.baseline for line in page.lines], page.size, file)
        outlines = [drawn if drawn is not None else made for drawn, made in zip(outlines, from_baselines)]
    frame = Frame(page.size, outlines[-1].mean(axis=0) - outlines[0].mean(axis=0))
    return [LabelledImage(image, line.text, None, outline, frame) for line, outline in zip(page.lines, outlines)]


def outlines_from_baselines(baselines, size, file):
    """Outlines (n, 2) of lines of which only the baselines are known, by how far these are from each other.

    ``baselines``: list of (n, 2) points, or None for what has an outline (and gets None). The only line of a page of
    ``size`` reaches from its top to its bottom. Raises MinirnnError if the size is not known then.
    """
    known = [np.asarray(line) for line in baselines if line is not None]
    left, right = (np.array([getattr(line[:, 0], end)() for line in known]) for end in ("min", "max"))
    first, last = (np.array([line[index] for line in known]) for index in (0, -1))
    slope = (last - first)[:, 1] / np.where(last[:, 0] == first[:, 0], 1.0, (last - first)[:, 0])
    gaps = np.full((len(known), 2), np.inf)  # to the next baseline above and below
    for number in range(len(known)):
        low, high = np.maximum(left, left[number]), np.minimum(right, right[number])
        y = first[:, 1] + slope * ((low + high) / 2 - first[:, 0])
        own = first[number, 1] + slope[number] * ((low + high) / 2 - first[number, 0])
        away = np.where(high > low, y - own, 0.0)
        gaps[number] = (-away[away < 0]).min(initial=np.inf), away[away > 0].min(initial=np.inf)
    usual = np.median(gaps[np.isfinite(gaps)]) if np.isfinite(gaps).any() else None
    if usual is None and not size:
        raise MinirnnError(f"{file}: has a baseline but no outline, and no size of the image to guess one by")
    made = []
    for line, (above, below) in zip(known, gaps):
        line = line[np.argsort(line[:, 0], kind="stable")]
        if usual is None:
            made.append(np.array([[line[0, 0], 0], [line[-1, 0], 0], [line[-1, 0], size[1]], [line[0, 0], size[1]]]))
            continue
        above, below = (min(gap, 1.5 * usual) if np.isfinite(gap) else usual for gap in (above, below))
        upper, lower = line - np.array([0, ABOVE * above]), line + np.array([0, BELOW * below])
        made.append(np.concatenate([upper, lower[::-1]]).astype(float))
    made = iter(made)
    return [None if line is None else next(made) for line in baselines]


def find_page_image(stated, file, source):
    """Path of the image that the label ``file`` of the set ``source`` calls ``stated``, "" if it names none.

    It is looked for beside the file and one folder up (page/ beside the images): by the name as it stands, by the end
    of a path or URL, without regard to case, and at last with another suffix. Where nothing is found, the path is
    returned at which it should be. Raises MinirnnError if several images could be meant, or no name is given.
    """
    names = _spellings(stated) or [file.stem]
    folders = [folder for folder in (file.parent, file.parent.parent) if is_inside(folder, source)]
    tries = [folder / name for name in names for folder in folders]
    there = [path for path in tries if is_file(path)] if stated else []
    for path in sorted(there, key=lambda path: not is_inside(path, source)):
        return path  # one in the set, if there is one
    images = [path for folder in folders for path in find_images(folder) if path.parent == folder]
    wanted = names[-1].lower()
    stem = wanted.rpartition(".")[0] or wanted if stated else wanted
    for fits in (lambda path: path.name.lower() == wanted, lambda path: path.stem.lower() == stem):
        found = [path for path in images if fits(path)]
        if len(found) == 1:
            return found[0]
        if found:
            several = " or ".join(path.name for path in found[:5])
            raise MinirnnError(f"{file}: its image {names[-1]!r} could be {several}; leave only one of them there")
    if not stated:
        raise MinirnnError(f"{file}: names no image, and there is none called {file.stem}")
    return tries[0]


def _spellings(stated):
    """The names that may be meant by ``stated``, the end of the path last."""
    if not stated.strip():
        return []
    names = [stated, stated.replace("\\", "/")]
    try:
        if "://" in stated:
            names.append(urllib.parse.urlsplit(stated).path)
    except ValueError:  # no address at all
        pass
    names += [urllib.parse.unquote(name) for name in names]
    names += [name.rpartition("/")[2] for name in names]
    return [name for name in dict.fromkeys(names) if name.strip("/")]


def number(value, where):
    """``value``, a str, as a finite float. Raises MinirnnError naming ``where``."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = np.nan
    if not abs(found) < FARTHEST:
        raise MinirnnError(f"{where}: {value!r} is not a number that a coordinate can have")
    return found


def points(text, where):
    """(n, 2) of the numbers in ``text``: "x,y x,y" and "x y x y" alike."""
    numbers = [number(value, where) for value in re.split(r"[\s,]+", text.strip()) if value]
    if len(numbers) % 2:
        raise MinirnnError(f"{where}: an x without a y in its points")
    return np.array(numbers).reshape(-1, 2)


def page_size(width, height, where):
    """(width, height), as they stand in a file, or None if either is missing or zero."""
    if not width or not height:
        return None
    size = number(width, where), number(height, where)
    return size if min(size) > 0 else None
