"""Photographs of handwritten pages that nobody took, to measure how their lines are found, cut apart and traced.

    python -m minirnn.studies.simulated_photographs --photos 36 --hand IAM-ONDB --out photographs

Every photograph is of a sheet with a few lines of one writer of the hand (without --hand: with waves), from up to 12
degrees off the vertical, with shadow, lens, blur, noise and JPEG at random, as `minirnn.studies.simulated_sheets` takes
them. The kinds take turns:

    plain         nothing but the writing
    table         the sheet lies on a table with a grain, all of it in the picture
    bent          ruled, and the page bends down towards its right side, as at the spine of a book
    ruled         rules of any darkness, exactly under the feet of the letters
    squared       squares of 5 mm, light to dark
    show-through  the writing of the other side, mirrored and soft
    corners       a lens that leaves the corners dark

The traces are taken back to the sheet and compared with what was written on it:

    right   lines of which one line that was found covers nine tenths, and has nothing else for more than a tenth
    false   share of the length of the traced paths that lies further than half a pen's width from every written path
    lost    share of the length of the written paths that lies further than that from every trace

The folder gets photographs-SEED.csv with one row per photograph, and the first of every kind with its traces.
"""

import csv
import dataclasses
import pathlib
import sys
import time

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from tqdm import tqdm

from minirnn.arguments import Parser, positive_int
from minirnn.datasets import load_samples
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.pictures import draw_traces
from minirnn.images.pipeline import project, read_page
from minirnn.ink.strokes import bounding_box, normalise, resample
from minirnn.studies.simulated_sheets import RESOLUTION, draw_lines, photograph, random_camera, view, wavy_line

KINDS = ("plain", "table", "bent", "ruled", "squared", "show-through", "corners")
SIZE = np.array([148.0, 105.0])  # mm of the sheet: A6, as a postcard lies
SPACING = 10.0  # mm from line to line
MARGIN = 14.0  # mm
SQUARE = 5.0  # mm
WORDS = "the quick brown fox jumps over a lazy dog and runs away from it"
RIGHT = 0.9  # share of a line
BLUR = 0.1  # mm of a trace beside its path that are no fault, beside half a pen's width
MEGAPIXELS = (1.5, 3.0)  # least and most
COLUMNS = ("photo", "kind", "pen", "megapixels", "lines", "found", "right", "written", "lost", "traced", "false",
           "seconds", "refused")  # fmt: skip


# --- the page -------------------------------------------------------------------------------------------------------


def written_lines(samples, rng):
    """The lines of a page, each a list of strokes in mm of the sheet, all in the hand of one writer of ``samples``;
    without samples, waves."""
    count = int((SIZE[1] - 2 * MARGIN) / SPACING)
    if samples:
        groups = sorted({sample.group for sample in samples})
        group = groups[rng.integers(len(groups))]
        of_writer = [sample.strokes for sample in samples if sample.group == group]
        chosen = [of_writer[rng.integers(len(of_writer))] for _ in range(count)]
    else:
        chosen = [wavy_line(" ".join(rng.permutation(WORDS.split())[:8]), rng) for _ in range(count)]
    unit = SPACING * rng.uniform(0.16, 0.22)
    return [_placed(strokes, MARGIN + (number + 1) * SPACING, unit, rng) for number, strokes in enumerate(chosen)]


def _placed(strokes, baseline, unit, rng):
    """A line on a ``baseline``, both in mm of the sheet, as large as ``unit`` mm, or less if it would be too long."""
    strokes = normalise(strokes)
    left, _, right, _ = bounding_box(strokes)
    unit = min(unit, (SIZE[0] - 2 * MARGIN) / (right - left))
    feet = float(np.quantile(np.concatenate(strokes)[:, 1], 0.8))
    corner = np.array([MARGIN + rng.uniform(0, 3), baseline + rng.uniform(-0.4, 0.4)])
    return [(stroke - [left, feet]) * unit + corner for stroke in strokes]


def bend(points, depth):
    """Points (n, 2) in mm of a sheet whose right side bends down by ``depth`` mm."""
    return points + np.column_stack([np.zeros(len(points)), depth * (points[:, 0] / SIZE[0]) ** 3])


def rules(kind, depth):
    """The rules of a kind of paper: list of lines in mm, each (n, 2)."""
    x, y = (np.arange(-5, length + 5, 1.0) for length in SIZE)
    spacing = SQUARE if kind == "squared" else SPACING
    level = [np.column_stack([x, np.full(len(x), at)]) for at in np.arange(MARGIN % spacing, SIZE[1] + depth, spacing)]
    upright = [np.column_stack([np.full(len(y), at), y]) for at in np.arange(3, SIZE[0], spacing)]
    return [bend(rule, depth) for rule in level] + (upright if kind == "squared" else [])


def page_of(kind, lines, pen, depth, samples, rng):
    """Grey levels (H, W) of the sheet with its lines, `RESOLUTION` pixels to the mm."""
    shape = tuple(int(length * RESOLUTION) for length in SIZE[::-1])
    picture = np.ones(shape, np.float32)
    if kind == "show-through":
        behind = [[stroke * [-1, 1] + [SIZE[0], 0] for stroke in line] for line in written_lines(samples, rng)]
        draw_lines(picture, behind, pen, rng.uniform(0.1, 0.3))
        picture = ndimage.gaussian_filter(picture, 0.25 * RESOLUTION)
    if kind in ("bent", "ruled", "squared"):
        draw_lines(picture, [[rule] for rule in rules(kind, depth)], rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.6))
    draw_lines(picture, lines, pen, rng.uniform(0.65, 0.95))
    return picture


def take(kind, picture, rng):
    """Photograph a page: (grey levels, function that takes points (n, 2) of the photograph to mm of the sheet, the
    `Camera`)."""
    camera = dataclasses.replace(
        random_camera(rng), megapixels=rng.uniform(*MEGAPIXELS), turn=0, tilt=rng.uniform(0, 12),
        roll=rng.uniform(-3, 3), blur=rng.uniform(0.03, 0.15), fill=rng.uniform(0.75, 0.9) if kind == "table" else 1.12,
    )  # fmt: skip
    photo = photograph(picture, camera, rng)
    if kind == "corners":
        y, x = (np.linspace(-1, 1, length) for length in photo.shape)
        photo = photo * (1 - rng.uniform(0.4, 0.7) * (x**2 + y[:, None] ** 2) / 2)
    shape, place = view(*SIZE, camera)
    back, centre, half = np.linalg.inv(place.params), np.array(shape[::-1]) / 2, max(shape) / 2

    def to_sheet(points):
        away = points - centre
        return project(centre + away * (1 + camera.lens * (away**2).sum(axis=1, keepdims=True) / half**2), back)

    return photo, to_sheet, camera


# --- the measurement ------------------------------------------------------------------------------------------------


def judge(written, found, pen):
    """{"right": lines, "written", "lost", "traced", "false": mm} of the lines ``found`` on a page with the lines
    ``written``; both are lists of lists of strokes in mm, ``pen`` is in mm."""
    truth, line = _dense(written)
    points, of = _dense(found)
    if not len(points):
        return {"right": 0, "written": 0.1 * len(truth), "lost": 0.1 * len(truth), "traced": 0.0, "false": 0.0}
    near = pen / 2 + BLUR
    distance, nearest = cKDTree(points).query(truth)
    off, nearest_line = cKDTree(truth).query(points)
    covered, true = np.zeros((2, len(written), len(found)))
    np.add.at(covered, (line[distance <= near], of[nearest[distance <= near]]), 1)
    np.add.at(true, (line[nearest_line[off <= near]], of[off <= near]), 1)
    both = covered >= RIGHT * np.bincount(line, minlength=len(written))[:, None]
    both &= true >= RIGHT * np.bincount(of, minlength=len(found))
    lost, false = 0.1 * np.sum(distance > near), 0.1 * np.sum(off > near)
    lengths = {"written": 0.1 * len(truth), "lost": lost, "traced": 0.1 * len(points), "false": false}
    return {"right": int(both.any(axis=1).sum())} | lengths


def _dense(lines):
    """Points (n, 2) every 0.1 mm along all strokes of the lines, and the number of the line of each, (n,)."""
    points = [np.concatenate([resample(stroke, 0.1) for stroke in line]) for line in lines]
    numbers = np.repeat(np.arange(len(points)), [len(of_line) for of_line in points])
    return (np.concatenate(points) if points else np.zeros((0, 2))), numbers


def simulate(number, seed, samples, out):
    """Write a page, photograph it, read it and judge what was found: a row of `COLUMNS`."""
    rng = np.random.default_rng([seed, number])
    kind, pen = KINDS[number % len(KINDS)], rng.uniform(0.35, 0.7)
    depth = rng.uniform(3, 9) if kind == "bent" else 0.0
    lines = [[bend(stroke, depth) for stroke in line] for line in written_lines(samples, rng)]
    photo, to_sheet, camera = take(kind, page_of(kind, lines, pen, depth, samples, rng), rng)
    row = {"photo": number, "kind": kind, "pen": pen, "megapixels": camera.megapixels, "lines": len(lines)}
    start, refused, found = time.process_time(), "", []
    try:
        found = read_page(photo)[1]
    except MinirnnError as error:
        refused = str(error)
    row |= {"found": len(found), "seconds": time.process_time() - start, "refused": refused}
    if number < len(KINDS):
        strokes = [stroke for line in found for stroke in line.strokes]
        draw_traces(out / f"{kind}.png", [(f"{kind}: {len(found)} of {len(lines)} lines", photo, strokes)], height=11)
    return row | judge(lines, [[to_sheet(stroke) for stroke in line.strokes] for line in found], pen)


def summary(rows):
    """Table of the figures by kind and for all photographs, as text."""
    table = ["kind          photographs  lines  found  right     false    lost  seconds"]
    for kind in (*KINDS, "all"):
        chosen = [row for row in rows if kind in (row["kind"], "all")]
        if chosen:
            total = {name: sum(row[name] for row in chosen) for name in COLUMNS if name not in ("kind", "refused")}
            right, false = total["right"] / total["lines"], total["false"] / max(total["traced"], 1e-9)
            lost, seconds = total["lost"] / total["written"], np.median([row["seconds"] for row in chosen])
            counts = f"{len(chosen):11d}  {total['lines']:5d}  {total['found']:5d}  {right:6.1%}"
            table.append(f"{kind:12s}  {counts}   {false:6.2%}  {lost:6.2%}  {seconds:7.1f}")
    return "\n".join([*table, *(f"photograph {row['photo']}: {row['refused']}" for row in rows if row["refused"])])


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.simulated_photographs", description="Measure reading photographs.")
    parser.add_argument("--photos", type=positive_int, default=36, help="how many (default 36)")
    parser.add_argument("--hand", help="handwriting to write with, as for training (default: waves)")
    parser.add_argument("--seed", type=int, default=0, help="which pages and cameras (default 0)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("photographs"), help="folder for the results")
    options = parser.parse_args(argv)

    samples = load_samples(options.hand)[0] if options.hand else []
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in tqdm(range(options.photos), unit="photograph"):
        rows.append(simulate(number, options.seed, samples, options.out))
        with atomic(options.out / f"photographs-{options.seed}.csv", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    print(summary(rows))


if __name__ == "__main__":
    sys.exit(run_command(main))
