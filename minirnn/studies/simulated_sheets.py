"""How well photographs of filled sheets are read, measured on simulated ones.

    python -m minirnn.studies.simulated_sheets --photos 200 --hand IAM-ONDB --out simulated

Every photograph shows a page whose bands are filled with lines of one writer of the hand (without --hand: with waves)
of about the length of the texts, drawn with a pen of 0.3 to 0.7 mm. It is taken from up to 25 degrees off the vertical,
in any of the four orientations, with 1 to 12 megapixels, a shadow, a lens that bends straight lines a little, blur,
noise and JPEG, all at random. Then it is read, and every line that was read is compared with what was written in the
band of its text:

    read        photographs that were read, and lines in them
    refused     photographs and lines that were refused, by reason
    WRONG       photographs or lines that were read as something else: must be 0
    covered     share of the length of the written strokes that lies within half a pen's width of the trace
    false       share of the length of the traced strokes that lies further than that from every written one

The folder gets a table with a row per photograph, seed-0.csv, and the first photographs with what was found in them. If
the command was stopped, the same command continues the table.
"""

import collections
import csv
import functools
import io
import pathlib
import re
import sys
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree
from tqdm import tqdm

from minirnn.arguments import Parser, positive_int
from minirnn.datasets import load_samples
from minirnn.errors import MinirnnError, run_command
from minirnn.forms import geometry
from minirnn.forms.found import draw_found
from minirnn.forms.marks import projective
from minirnn.forms.photographs import read_photo
from minirnn.forms.printing import box_corner, page_picture
from minirnn.forms.prompts import PAGES
from minirnn.images.draw_scan import draw_ink
from minirnn.images.image_files import save_image
from minirnn.ink.strokes import bounding_box, normalise, resample

RESOLUTION = 10  # pixels per millimetre of the page before it is photographed
SHORTEST, LONGEST = 20, 50  # characters of the lines of a hand with which bands are filled
ALIKE = 3  # lines of a writer, of about the length of a text, of which one is chosen
KEPT = 6  # photographs that are saved
MOVED = 1.5  # mm by which a lens moves a line at most
SAME_LINE = 0.4  # share of a written line that its trace must cover to count as a trace of this line
CONDITIONS = ("megapixels", "turn", "tilt", "blur", "shadow", "noise", "jpeg")  # of a Camera
LENGTHS = ("covered", "written", "false", "traced")  # mm
COLUMNS = ("photo", "page", *CONDITIONS, "seconds", "lines", *LENGTHS, "refused", "lines_refused", "wrong")


# --- a filled page --------------------------------------------------------------------------------------------------


def wavy_line(text, rng):
    """Strokes that stand for a line of handwriting: a wave for each word, as long as the word."""
    strokes, x = [], 0.0
    for word in text.split():
        length = len(word) * rng.uniform(1.3, 1.9)
        at = np.arange(0, length, 0.05)
        height = np.interp(at, np.arange(0, length + 2, 2), rng.uniform(0.8, 2.2, len(np.arange(0, length + 2, 2))))
        wave = -height * np.sin(np.pi * at * rng.uniform(1.0, 1.4)) - 0.3
        strokes.append(np.column_stack([x + at, wave]))
        x += length + rng.uniform(1.2, 2)
    return strokes


def place_line(strokes, index, rng, unit=None):
    """Put a line on the baseline of band ``index``: strokes in mm of the sheet's box.

    ``unit`` is the size of the hand, in mm per unit of `normalise`, by default about 2; it is reduced where the line
    would not fit into the band.
    """
    strokes = normalise(strokes)
    band = geometry.band(index)
    left, top, right, bottom = bounding_box(strokes)
    baseline = float(np.quantile(np.concatenate(strokes)[:, 1], 0.8))
    unit = min(
        rng.uniform(1.6, 2.3) if unit is None else unit,
        (geometry.BAND_RIGHT - geometry.BAND_LEFT - 4) / (right - left),
        (band.baseline - band.top - 1) / max(baseline - top, 1e-9),
        (band.bottom - band.baseline - 1) / max(bottom - baseline, 1e-9),
    )
    corner = np.array([geometry.BAND_LEFT + rng.uniform(0.5, 3), band.baseline + rng.uniform(-0.4, 0.4)])
    return [(stroke - [left, baseline]) * unit + corner for stroke in strokes]


def fill(texts, samples, rng):
    """The lines of a page with these ``texts``: strokes in mm of the box, all in one writer's hand.

    The writer is one of the groups of ``samples``; each line is one of about the length of its text. Without samples
    the lines are waves.
    """
    if not samples:
        return [place_line(wavy_line(text, rng), index, rng) for index, text in enumerate(texts)]
    groups = sorted({sample.group for sample in samples})
    group, unit = groups[rng.integers(len(groups))], rng.uniform(1.3, 2.3)
    of_writer = [sample for sample in samples if sample.group == group]
    lines = []
    for index, text in enumerate(texts):
        alike = sorted(of_writer, key=lambda sample: abs(len(sample.text) - len(text)))[:ALIKE]
        lines.append(place_line(alike[rng.integers(len(alike))].strokes, index, rng, unit))
    return lines


def filled_page(number, lines, pen, size, darkness=0.85):
    """Page ``number`` on paper of ``size`` (width, height) in mm with ``lines``, a list of strokes in mm of the box.

    Returns grey levels (H, W), `RESOLUTION` pixels per mm. ``pen`` is its width in mm, ``darkness`` that of its ink.
    """
    picture = _printed(number, size).copy()
    corner = np.array(box_corner(size))
    draw_lines(picture, [[stroke + corner for stroke in line] for line in lines], pen, darkness)
    return picture


def draw_lines(picture, lines, pen, darkness):
    """Draw lines, each a list of strokes in mm, into a ``picture`` of `RESOLUTION` pixels per mm, in place.

    What is already darker stays so. ``pen`` is its width in mm, ``darkness`` that of its ink.
    """
    strokes = [resample(stroke * RESOLUTION - 0.5, 1) for line in lines for stroke in line]
    ink = draw_ink(strokes, picture.shape, pen * RESOLUTION)
    np.minimum(picture, 1 - darkness * ink, out=picture)


@functools.cache
def _printed(number, size):
    """A page as printed, drawn once, since matplotlib takes long for it."""
    return page_picture(number, size, RESOLUTION)


# --- the photograph -------------------------------------------------------------------------------------------------


@dataclass
class Camera:
    """How a photograph is taken: megapixels, quarter turns, degrees off the vertical, and what spoils it.

    roll is an angle in degrees in addition to the quarter turns, and direction the one in which the camera leans; fill
    is the share of the picture that the page takes; lens says how far the edges are bent, as a share of half the width;
    blur is a standard deviation in mm on the page; shadow the share of the light that it takes away; noise a standard
    deviation in grey levels; jpeg a quality.
    """

    megapixels: float = 8.0
    turn: int = 0
    tilt: float = 0.0
    direction: float = 0.0
    roll: float = 0.0
    fill: float = 0.9
    lens: float = 0.0
    blur: float = 0.08
    shadow: float = 0.3
    noise: float = 0.02
    jpeg: int = 80


def random_camera(rng):
    """A `Camera` with everything at random, as a careless user might hold it."""
    return Camera(
        megapixels=float(np.exp(rng.uniform(0, np.log(12)))),
        turn=int(rng.integers(4)),
        tilt=rng.uniform(0, 25),
        direction=rng.uniform(0, 360),
        roll=rng.uniform(-6, 6),
        fill=rng.uniform(0.75, 0.97),
        lens=rng.uniform(-0.006, 0.006),
        blur=rng.uniform(0.03, 0.3),
        shadow=rng.uniform(0, 0.6),
        noise=rng.uniform(0.005, 0.04),
        jpeg=int(rng.integers(50, 96)),
    )


def photograph(picture, camera, rng):
    """Photograph a page, grey levels (H, W) at `RESOLUTION`, lying on a table: grey levels of the photograph."""
    width, height = (length / RESOLUTION for length in picture.shape[::-1])
    shape, place = view(width, height, camera)
    scale = np.sqrt(np.abs(np.linalg.det(place.params[:2, :2])))  # about how many pixels per mm
    # The blur of the lens, and that of a pixel of the photograph.
    softened = ndimage.gaussian_filter(picture.astype(np.float32), RESOLUTION * np.hypot(camera.blur, 0.35 / scale))
    photo = np.empty(shape, np.float32)
    centre, half = np.array([shape[1], shape[0]]) / 2, max(shape) / 2
    back = np.linalg.inv(place.params)
    for top in range(0, shape[0], 256):  # a strip at a time, to bound the memory
        rows = np.arange(top, min(top + 256, shape[0]))
        x, y = np.meshgrid(np.arange(shape[1]) - centre[0], rows - centre[1])
        bend = 1 + camera.lens * (x**2 + y**2) / half**2
        mm = np.stack([x * bend + centre[0], y * bend + centre[1], np.ones_like(x)], axis=-1) @ back.T
        column, row = (mm[..., k] / mm[..., 2] * RESOLUTION - 0.5 for k in (0, 1))
        strip = ndimage.map_coordinates(softened, [row, column], order=1, cval=-1)
        table = 0.35 + 0.08 * np.sin(row / 90 + 2 * np.sin(column / 400))  # the grain of wood
        photo[rows] = np.where(strip < 0, table, 0.06 + 0.88 * strip)
    photo *= _light(shape, camera.shadow, rng)
    photo += rng.standard_normal(shape, dtype=np.float32) * camera.noise
    memory = io.BytesIO()
    Image.fromarray(np.round(np.clip(photo, 0, 1) * 255).astype(np.uint8)).save(memory, "JPEG", quality=camera.jpeg)
    return np.asarray(Image.open(memory), dtype=np.float64) / 255


def view(width, height, camera):
    """(H, W) of the photograph and the transform from mm of the paper to its pixels, of a pinhole camera."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - [width / 2, height / 2]
    tilt, direction = np.radians([camera.tilt, camera.direction])
    turn = np.radians(90 * camera.turn + camera.roll)
    axis = np.array([np.cos(direction), np.sin(direction)])
    # The camera leans: what lies along the axis comes nearer or goes farther away.
    along = corners @ axis
    depth = 1 + along * np.sin(tilt) / (1.4 * height)
    seen = (corners + np.outer(along * (np.cos(tilt) - 1), axis)) / depth[:, None]
    cos, sin = np.cos(turn), np.sin(turn)
    seen = seen @ np.array([[cos, sin], [-sin, cos]])
    low, high = seen.min(axis=0), seen.max(axis=0)
    aspect = 4 / 3 if np.ptp(seen, axis=0)[0] > np.ptp(seen, axis=0)[1] else 3 / 4
    picture_height = np.sqrt(camera.megapixels * 1e6 / aspect)
    size = np.array([picture_height * aspect, picture_height])
    scale = camera.fill * (size / (high - low)).min()
    seen = (seen - (low + high) / 2) * scale + size / 2
    return tuple(int(length) for length in size[::-1]), projective(corners + np.array([width, height]) / 2, seen)


def _light(shape, shadow, rng):
    """The light, (H, W) and at most 1: it fades across the picture, and something throws a shadow with a soft edge."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij", sparse=True)
    angle, other = rng.uniform(0, 2 * np.pi, 2)
    fade = 1 - 0.5 * shadow * (1 + (x * np.cos(angle) + y * np.sin(angle)) / 1.5) / 2
    edge = (x * np.cos(other) + y * np.sin(other) - rng.uniform(-0.5, 0.5)) / rng.uniform(0.02, 0.2)
    return (fade * (1 - shadow / (1 + np.exp(-np.clip(edge, -30, 30))))).astype(np.float32)


# --- the measurement ------------------------------------------------------------------------------------------------


def coverage(written, traced, pen):
    """(length covered, length written, length false, length traced) in mm; ``pen`` is its width in mm.

    A lens moves and bends a whole line by up to `MOVED` mm, which is not an error of tracing. So a parabola along the
    line is subtracted first.
    """
    written, traced = (np.concatenate([resample(stroke, 0.1) for stroke in strokes]) for strokes in (written, traced))
    tree, powers = cKDTree(written), np.vander((traced[:, 0] - traced[:, 0].mean()) / 100, 3)
    shift = np.zeros(traced.shape)
    for _ in range(5):
        distance, nearest = tree.query(traced + shift)
        near = distance <= 2 * np.median(distance) + 0.05  # strokes that were traced wrongly say nothing about the lens
        bend = np.linalg.lstsq(powers[near], (written[nearest] - traced)[near], rcond=None)[0]
        shift = np.clip(powers @ bend, -MOVED, MOVED)
    traced = traced + shift
    missed = cKDTree(traced).query(written)[0] > max(pen, 0.3) / 2
    false = cKDTree(written).query(traced)[0] > max(pen, 0.3) / 2
    return 0.1 * np.sum(~missed), 0.1 * len(missed), 0.1 * np.sum(false), 0.1 * len(false)


def compare(page, number, lines, pen):
    """Compare a page that was read with what was written on it -> (list of what was read wrong, lengths (4,) as of
    `coverage`)."""
    wrong, lengths = [], np.zeros(4)
    if page.number != number:
        return [f"page {number} read as page {page.number}"], lengths
    by_text = dict(zip(PAGES[number - 1], lines))
    for band in page.bands:
        if band.fault:
            continue
        found = np.array(coverage(by_text[band.text], band.strokes, pen))
        lengths += found
        if found[0] < SAME_LINE * found[1]:
            wrong.append(f"{band.text!r}: only {found[0] / found[1]:.0%} of it")
    return wrong, lengths


def simulate(number, seed, samples, out):
    """Fill a page, photograph it, read it and compare: a row of `COLUMNS`.

    ``samples`` are lines to fill it with, waves if there are none. The first photographs are saved in ``out``.
    """
    rng = np.random.default_rng([seed, number])
    page_number, camera, pen = 1 + int(rng.integers(len(PAGES))), random_camera(rng), rng.uniform(0.3, 0.7)
    size = list(geometry.PAPERS.values())[rng.integers(len(geometry.PAPERS))]
    lines = fill(PAGES[page_number - 1], samples, rng)
    photo = photograph(filled_page(page_number, lines, pen, size, rng.uniform(0.6, 0.95)), camera, rng)
    if number < KEPT:
        save_image(out / f"photo-{number}.jpg", photo)

    row = dict.fromkeys(COLUMNS, "") | {"photo": number, "page": page_number, "lines": 0} | dict.fromkeys(LENGTHS, 0.0)
    row |= {name: getattr(camera, name) for name in CONDITIONS}
    start = time.process_time()
    try:
        page = read_photo(photo)
    except MinirnnError as error:
        return row | {"seconds": time.process_time() - start, "refused": str(error)}
    row["seconds"] = time.process_time() - start
    if number < KEPT:
        draw_found(out / f"found-{number}.png", page)
    wrong, lengths = compare(page, page_number, lines, pen)
    faults = [band.fault for band in page.bands if band.fault]
    row |= {"lines": len(page.bands) - len(faults), "lines_refused": " | ".join(faults), "wrong": " | ".join(wrong)}
    return row | dict(zip(LENGTHS, lengths))


def summary(rows):
    """The figures of all photographs, as text."""
    read = [row for row in rows if not row["refused"]]
    total = {name: sum(row[name] for row in rows) for name in ("lines", *LENGTHS)}
    reasons = collections.Counter("photograph " + re.split("[:;]", row["refused"])[0] for row in rows if row["refused"])
    for row in read:
        reasons.update("line: " + re.split("[(;]", fault)[0] for fault in row["lines_refused"].split(" | ") if fault)
    wrong = wrong_rows(rows)
    return "\n".join(
        [
            f"read      {len(read)} of {len(rows)} photographs, {total['lines']} lines",
            f"covered   {total['covered'] / max(total['written'], 1e-9):.3f}",
            f"false     {total['false'] / max(total['traced'], 1e-9):.3f}",
            f"seconds   {np.median([row['seconds'] for row in rows]):.1f} of one core per photograph (median)",
            *(f"refused   {count:4d}  {reason}" for reason, count in reasons.most_common()),
            f"WRONG     {len(wrong)}",
            *(f"photograph {row['photo']}: {row['wrong']}" for row in wrong),
        ]
    )


def wrong_rows(rows):
    """The rows of photographs in which something was read wrong."""
    return [row for row in rows if row["wrong"]]


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.simulated_sheets",
        description="Simulate photographs of filled sheets, and read them."
    )
    parser.add_argument("--photos", type=positive_int, default=20, help="how many (default 20)")
    parser.add_argument("--hand", help="fill them with lines of this handwriting, a folder or .jsonl (default: waves)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same photographs (default 0)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("simulated"), help="folder for the results")
    options = parser.parse_args(argv)

    samples = load_samples(options.hand, progress=True)[0] if options.hand else []
    samples = [sample for sample in samples if SHORTEST <= len(sample.text) <= LONGEST]
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / f"seed-{options.seed}.csv"
    rows = read_table(table)[: options.photos]
    with open(table, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not rows:
            writer.writeheader()
        with tqdm(initial=len(rows), total=options.photos, unit="photo") as bar:
            for number in range(len(rows), options.photos):
                rows.append(simulate(number, options.seed, samples, options.out))
                writer.writerow(rows[-1])
                file.flush()
                bar.set_postfix(refused=sum(bool(row["refused"]) for row in rows), WRONG=len(wrong_rows(rows)))
                bar.update()
    print(summary(rows))


def read_table(path):
    """The rows of a table that was written before; none if there is no such file."""
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [
            row | {name: float(row[name]) for name in ("seconds", *LENGTHS)} | {"lines": int(row["lines"])}
            for row in csv.DictReader(file)
        ]


if __name__ == "__main__":
    sys.exit(run_command(main))
