"""Sets of labelled images, traced; and pages without labels, cut into lines that can then be labelled."""

import unicodedata

import numpy as np
from skimage.draw import polygon2mask
from skimage.measure import approximate_polygon
from tqdm import tqdm

from minirnn.cores import on_all_cores
from minirnn.datasets import Sample, coverage, format_coverage, write_jsonl
from minirnn.datasets.labelled import is_inside, read_labelled
from minirnn.datasets.metadata import METADATA, write_table
from minirnn.errors import CannotWrite, MinirnnError
from minirnn.files import atomic, make_folder
from minirnn.images.frames import upright_outline
from minirnn.images.image_files import read_image, read_pages, save_image, stored_size
from minirnn.images.paper_outline import as_grey
from minirnn.images.pictures import draw_steps, draw_traces
from minirnn.images.pipeline import read_line, read_page

SHEET_ROWS = 20  # lines on a contact sheet
MAX_SHEETS = 10  # of a larger set, lines spread evenly over it are shown
TOLERANCE = 0.01  # strokes are kept to this part of a standard deviation of y
MAX_WORK = 10**10  # corners of an outline times pixels inside it; a page's line has some 10**8
TOO_LARGE = "{}: needs more memory than there is; scale it down, or close other programs"
LONGEST_NAME = 60  # characters of the name of a page that the names of its lines begin with


# --- labelled sets -------------------------------------------------------------------------------------------


def prepare_labelled(source, out, format_name=None, contradicted=None):
    """Trace a labelled set and write samples.jsonl, contact sheets and report.txt into the folder ``out``.

    ``contradicted(texts, lines)`` gives the labels that the ink contradicts, as
    `minirnn.reading.checks.contradictions` does; they are named among the problems and kept.

    Returns (list of Sample, list of problems). Raises MinirnnError if not one line could be used; report.txt
    says why.
    """
    if out.is_dir() and out.samefile(source):
        raise MinirnnError(f"--out {out} is the labelled folder itself; choose another, or its files would be mixed up")
    items, problems = read_labelled(source, format_name)
    shown = set(np.linspace(0, len(items) - 1, min(len(items), SHEET_ROWS * MAX_SHEETS)).astype(int))
    samples, examples, paths = [], [], []
    found = on_all_cores(_trace_or_problem, items, [number in shown for number in range(len(items))], lost=_lost)
    traced = tqdm(found, total=len(items), desc="tracing", unit="image")
    for item, (more_samples, more_examples, problem) in zip(items, traced):
        samples += more_samples
        paths += [item.path] * len(more_samples)
        examples += more_examples
        problems += problem
    if contradicted and samples:
        problems += _contradictions(samples, paths, contradicted)
    make_folder(out)
    report = report_text(source, samples, problems)
    with atomic(out / "report.txt") as file:
        file.write(report)
    if not samples:
        raise MinirnnError(f"{source}: not one line could be used; {out / 'report.txt'} says why")
    for old in out.glob("contact_sheet_[0-9][0-9].png"):
        old.unlink()
    for sheet, start in enumerate(range(0, len(examples), SHEET_ROWS), 1):
        draw_traces(out / f"contact_sheet_{sheet:02d}.png", examples[start : start + SHEET_ROWS])
    # Last: where it is, everything is.
    write_jsonl(out / "samples.jsonl", samples)
    return samples, problems


def _contradictions(samples, paths, contradicted):
    """What to say of the labels that the ink contradicts."""
    texts, said = [sample.text for sample in samples], []
    for n, read, better in contradicted(texts, [sample.strokes for sample in samples]):
        more = f", which is the label of {paths[better].name}" if better is not None else ""
        said.append(f"{paths[n]}: labelled {texts[n]!r}, but the ink reads {read!r}{more}; look at it")
    return said


def _trace_or_problem(item, shown):
    """(samples, examples for the contact sheet if ``shown``, list of what went wrong) of a LabelledImage."""
    try:
        traced = trace_item(item)
    except MinirnnError as error:
        return [], [], [str(error)]
    except MemoryError:
        return [], [], [TOO_LARGE.format(item.path)]
    examples = [(sample.text, *cut_out(grey, sample.strokes)) for sample, grey in traced if shown]
    return [_compact(sample) for sample, _ in traced], examples, []


def _lost(item, shown):
    """What there is of an image at which even a process that had nothing else to do was ended by the system."""
    return [], [], [f"{item.path}: the process that traced it was ended, as when memory runs out; scale it down"]


def trace_item(item):
    """List of (Sample, grey image) of a LabelledImage: one, or one per line if it is a page.

    The strokes are in pixels of the image. Raises MinirnnError if the image cannot be read, has no ink, or has
    another number of lines than its text.
    """
    texts = item.text.split("\n")
    if item.outline is not None:
        pages = [cut_item(item)]
    else:
        pages = list(read_pages(item.path, colours=True)) if len(texts) > 1 else [read_image(item.path)]
    found = []
    try:
        for grey in pages:
            count = len(texts) if len(pages) == 1 else None
            lines = read_page(grey, count)[1] if len(texts) > 1 else [read_line(grey)[1]]
            found += [(line, as_grey(grey)) for line in lines if line]
    except MinirnnError as error:
        raise MinirnnError(f"{item.path}: {str(error).removeprefix(f'{item.path}: ')}") from None
    if not found:
        raise MinirnnError(f"{item.path}: no ink in it")
    if len(found) != len(texts):
        counts = f"{len(texts)} lines of text, but {len(found)} lines in the image"
        raise MinirnnError(f"{item.path}: {counts}; cut the page and label its lines")
    return [(Sample(text, line.strokes, item.group), grey) for text, (line, grey) in zip(texts, found)]


def cut_item(item):
    """(H, W) grey levels of the part of its image that a LabelledImage is about."""
    outline = item.outline
    if item.frame is not None:
        outline = upright_outline(outline, item.frame, *stored_size(item.path), item.path)
    return cut_outline(read_image(item.path), outline, item.path)


def cut_outline(grey, outline, path):
    """The part of a page inside ``outline``, (n, 2) corners x, y in pixels; what lies outside it becomes paper."""
    size = grey.shape[::-1]
    low = np.clip(np.floor(outline.min(axis=0)), 0, size).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, size).astype(int)
    part = grey[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        raise MinirnnError(f"{path}: a line's outline lies outside the image")
    if part.size * len(outline) > MAX_WORK:
        raise MinirnnError(f"{path}: a line's outline has {len(outline)} corners; draw it with fewer")
    inside = polygon2mask(part.shape, (outline - low)[:, ::-1])
    return np.where(inside, part, np.median(part[inside]) if inside.any() else 1.0)


def cut_out(grey, strokes, margin=20):
    """(part of the image around the strokes, strokes in its pixels), for the contact sheet."""
    points = np.concatenate(strokes)
    left, top = np.maximum(0, np.floor(points.min(axis=0)).astype(int) - margin)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + margin
    return grey[top:bottom, left:right].astype(np.float32), [stroke - (left, top) for stroke in strokes]


def _compact(sample):
    """The sample with only as many points, and as many decimals, as its strokes need."""
    unit = np.concatenate(sample.strokes)[:, 1].std()
    strokes = [approximate_polygon(stroke, TOLERANCE * unit).round(2) for stroke in sample.strokes]
    return Sample(sample.text, strokes, sample.group)


def report_text(source, samples, problems):
    """What was read, what was skipped and why, and how often each character occurs."""
    return "\n".join(
        [
            f"{source}: {len(samples)} lines traced, {len(problems)} problems",
            *problems,
            "",
            format_coverage(coverage(sample.text for sample in samples)),
            "",
        ]
    )


# --- pages without labels ------------------------------------------------------------------------------------


def cut_pages(pages, out, read=None, source=None, count=None, show=None, check=None):
    """Cut pages into line images in the folder ``out``, with a metadata.csv whose texts are to be filled in.

    ``pages`` are image files, of the folder ``source`` if one is given; their lines are named after their path in it.
    ``read(lines)`` gives the texts of lines of strokes: what it reads stands in the column "suggestion", and the column
    "text" stays empty until someone has confirmed it. ``count`` is how many lines each page has, if that is known;
    ``show`` is a picture file for every step of the first page; ``check(lines)`` raises MinirnnError if a page is not
    to be used.

    Returns (number of lines, list of problems). No file that is in ``out`` already is replaced. One page at a time is
    in memory, and the table is written anew after every file, so that what was done is not lost if this is interrupted.

    Raises MinirnnError if ``out`` holds a metadata.csv already, which may have been filled in, and if there is no line
    in any of the pages.
    """
    make_folder(out)
    if (out / METADATA).exists():
        raise MinirnnError(f"{out / METADATA} exists and may hold labels; choose another folder")
    names = _Names(path.name for path in out.iterdir())
    groups = _Names()
    rows, problems = [], []
    for path in tqdm(pages, desc="cutting", unit="page", disable=None):
        try:
            if source and not is_inside(path, source):
                raise MinirnnError(f"{path}: leads out of the folder {source}, and is not read")
            lines_before = len(rows)
            place = path.relative_to(source or path.parent)
            for row in _cut_file(_read_file(path, count, problems, show, check), place, out, read, names, groups):
                rows.append(row)
            if len(rows) == lines_before:
                raise MinirnnError(f"{path}: no line of handwriting found")
        except CannotWrite:
            raise
        except MinirnnError as error:
            problems.append(f"{path}: {str(error).removeprefix(f'{path}: ')}")
        except MemoryError:
            problems.append(TOO_LARGE.format(path))
        show = None
        if rows:
            write_table(out / METADATA, rows)
    if not rows:
        more = f" (and so on, {len(problems)} pages)" if len(problems) > 1 else ""
        raise MinirnnError(f"{problems[0]}{more}; nothing to prepare")
    return len(rows), problems


def _read_file(path, count, problems, show, check):
    """Yield the lines of each page in an image file; ``problems`` is told what was left out, ``show`` is a picture file
    for every step of its first page, or None. ``check`` as in `cut_pages`."""
    for number, picture in enumerate(read_pages(path, colours=True), 1):
        page, lines = read_page(picture, count)
        problems += [f"{path}: page {number}, {said}" for said in page.said]
        if count and len(lines) != count:
            problems.append(f"{path}: page {number} has {len(lines)} lines, and not {count} as you said")
        if show and number == 1:
            draw_steps(show, page, lines)
        if check:
            check(lines)
        yield lines


def _cut_file(pages, place, out, read, names, groups):
    """Save the lines of the ``pages`` in one file, called ``place`` in its folder, as images -> yields their rows of
    the table."""
    stem, group, count = _file_name("_".join([*place.parts[:-1], place.stem])), None, 0
    for lines in pages:
        if lines and group is None:
            group = groups.take([place.with_suffix("").as_posix()])[0]
        numbers = range(count + 1, count + len(lines) + 1)
        given = names.take([f"{stem}_{place.suffix[1:]}_{number:02d}.png" for number in numbers])
        suggestions = [(text,) for text in read([line.strokes for line in lines])] if read else [()] * len(lines)
        for name, line, suggestion in zip(given, lines, suggestions):
            save_image(out / name, line.grey)
            yield (name, "", group, *suggestion)
        count += len(lines)


class _Names:
    """Names that are given once, compared as file systems do that know neither case nor how accents are composed."""

    def __init__(self, taken=()):
        self.taken = set(map(self._key, taken))

    @staticmethod
    def _key(name):
        return unicodedata.normalize("NFC", name.casefold())

    def take(self, wanted):
        """The ``wanted`` names, or if one of them is taken, all of them with the same number at their beginnings."""
        number, names = 1, wanted
        while not self.taken.isdisjoint(map(self._key, names)):
            number += 1
            names = [f"{number}_{name}" for name in wanted]
        self.taken.update(map(self._key, names))
        return names


def _file_name(text):
    """``text`` as a part of a file name that any system accepts."""
    return "".join(c if c.isalnum() or c in " ()+,.=@_-" else "_" for c in text)[-LONGEST_NAME:]
