"""TODO images.labelled_sets"""

import csv

import numpy as np
from skimage.draw import polygon2mask
from skimage.measure import approximate_polygon
from tqdm import tqdm

from minirnn.cores import on_all_cores
from minirnn.datasets import Sample, coverage, format_coverage, write_jsonl
from minirnn.datasets.labelled import read_labelled
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.images.image_files import read_image, save_image
from minirnn.images.pictures import draw_traces
from minirnn.images.pipeline import read_line, read_page

SHEET_ROWS = 20  # lines on a contact sheet
MAX_SHEETS = 10  # of a larger set, lines spread evenly over it are shown
TOLERANCE = 0.01  # strokes are kept to this part of a standard deviation of y
MAX_WORK = 10**10  # corners of an outline times pixels inside it; a page's line has some 10**8
METADATA = ("file_name", "text", "group")
SUGGESTION = "suggestion"  # the column of what a program has read, which nobody has confirmed yet


# --- labelled sets -------------------------------------------------------------------------------------------


def prepare_labelled(source, out, format_name=None, contradicted=None):
    """Trace a labelled set and write samples.jsonl, contact sheets and report.txt into the folder ``out``.

    ``contradicted(texts, lines)`` gives the labels that the ink contradicts, as
    `minirnn.reading.checks.contradictions` does; they are named among the problems and kept.

    Returns (list of Sample, list of problems). Raises MinirnnError if not one line could be used; report.txt
    says why.
    """
    items, problems = read_labelled(source, format_name)
    shown = set(np.linspace(0, len(items) - 1, min(len(items), SHEET_ROWS * MAX_SHEETS)).astype(int))
    samples, examples, paths = [], [], []
    found = on_all_cores(_trace_or_problem, items, [number in shown for number in range(len(items))])
    traced = tqdm(found, total=len(items), desc="tracing", unit="image")
    for item, (more_samples, more_examples, problem) in zip(items, traced):
        samples += more_samples
        paths += [item.path] * len(more_samples)
        examples += more_examples
        problems += problem
    if contradicted and samples:
        problems += _contradictions(samples, paths, contradicted)
    _make_folder(out)
    report = report_text(source, samples, problems)
    with atomic(out / "report.txt") as file:
        file.write(report)
    if not samples:
        raise MinirnnError(f"{source}: not one line could be used; {out / 'report.txt'} says why")
    for old in out.glob("contact_sheet_*.png"):
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
    examples = [(sample.text, *cut_out(grey, sample.strokes)) for sample, grey in traced if shown]
    return [_compact(sample) for sample, _ in traced], examples, []


def trace_item(item):
    """List of (Sample, grey image) of a LabelledImage: one, or one a line if it is a page.

    The strokes are in pixels of the image. Raises MinirnnError if the image cannot be read, has no ink, or has
    another number of lines than its text.
    """
    grey = read_image(item.path)
    if item.outline is not None:
        grey = cut_outline(grey, item.outline, item.path)
    texts = item.text.split("\n")
    try:
        found = read_page(grey)[1] if len(texts) > 1 else [line for line in read_line(grey)[1:] if line]
    except MinirnnError as error:
        raise MinirnnError(f"{item.path}: {error}") from None
    if not found:
        raise MinirnnError(f"{item.path}: no ink in it")
    if len(found) != len(texts):
        counts = f"{len(texts)} lines of text, but {len(found)} lines in the image"
        raise MinirnnError(f"{item.path}: {counts}; cut the page and label its lines")
    return [(Sample(text, line.strokes, item.group), grey) for text, line in zip(texts, found)]


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


def cut_pages(pages, out, read=None):
    """Cut pages into line images in the folder ``out``, with a metadata.csv whose texts are to be filled in.

    ``pages`` are image files. ``read(lines)`` gives the texts of lines of strokes: what it reads stands in the column
    "suggestion", and the column "text" stays empty until someone has confirmed it. Returns (number of lines, list of
    problems). Raises MinirnnError if ``out`` holds a metadata.csv already, which may have been filled in, and if there
    is no line in any of them.
    """
    _make_folder(out)
    if (out / "metadata.csv").exists():
        raise MinirnnError(f"{out / 'metadata.csv'} exists and may hold labels; choose another folder")
    rows, problems = [], []
    for path in tqdm(pages, desc="cutting", unit="page", disable=None):
        try:
            found = read_page(read_image(path))[1]
        except MinirnnError as error:
            problems.append(str(error))
            continue
        if not found:
            problems.append(f"{path}: no line of handwriting found")
        suggestions = [(text,) for text in read([line.strokes for line in found])] if read else [()] * len(found)
        for number, (line, suggestion) in enumerate(zip(found, suggestions), 1):
            name = f"{path.stem}_{path.suffix[1:]}_{number:02d}.png"
            save_image(out / name, line.grey)
            rows.append((name, "", path.stem, *suggestion))
    if not rows:
        more = f" (and so on, {len(problems)} pages)" if len(problems) > 1 else ""
        raise MinirnnError(f"{problems[0]}{more}; nothing to prepare")
    with atomic(out / "metadata.csv", newline="") as file:
        csv.writer(file).writerows([(*METADATA, SUGGESTION) if read else METADATA, *rows])
    return len(rows), problems


def _make_folder(out):
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MinirnnError(f"cannot make the folder {out}: {error.strerror}; choose another one") from None
