"""Measure tracing against the truth: pen recordings are drawn as scans and traced back.

    python -m minirnn.images.measure IAM-ONDB --lines 500 --out measured

IAM-ONDB is the folder of the IAM On-Line Handwriting Database. The lines are drawn as `draw_scan` does, 30 pixels
to a standard deviation of y, with pens of 2 to 8 pixels, noise, blur, paper, uneven light and JPEG at random.

    covered   share of the length of the recorded pen paths that lies within half a pen's width of the trace
    false     share of the length of the traced paths that lies further than that from every recorded path
    symbols   pen symbols a character of the trace, and of the recording
    lifts     strokes a character of the trace, and of the recording

The folder gets measured.csv with a row a line, traced.png with the traces drawn over the scans, and the folders
recorded/ and traced/ with both redrawn with the same pen, for a handwriting recogniser to read.
"""

import argparse
import csv
import pathlib
import sys

import numpy as np
from scipy.spatial import cKDTree
from tqdm import tqdm

from minirnn.alphabets import PenAlphabet
from minirnn.datasets import load_samples
from minirnn.drawing.png import line_image
from minirnn.errors import MinirnnError, run_command
from minirnn.images.draw_scan import draw_scan, to_pixels
from minirnn.images.pictures import draw_traces
from minirnn.images.pipeline import read_line
from minirnn.images.reading import save_image
from minirnn.strokes import normalise, resample, rotate

PENS = (2.0, 8.0)  # narrowest and widest pen, pixels
COLUMNS = ("pen", "length", "covered", "traced_length", "false", "characters", "symbols", "traced_symbols", "strokes", "traced_strokes")


def overlap(strokes, others, distance):
    """Share of the length of ``strokes`` that lies within ``distance`` of ``others``, and that length in pixels."""
    points, near = _dense(strokes), _dense(others)
    return float(np.mean(cKDTree(near).query(points)[0] <= distance)), len(points) / 2


def _dense(strokes):
    """Points (n, 2) every half pixel along all strokes."""
    return np.concatenate([resample(stroke, 0.5) for stroke in strokes])


def random_scan(strokes, rng):
    """Draw a recorded line as a scan with everything at random: (grey, strokes in its pixels, pen width)."""
    pen = rng.uniform(*PENS)
    strokes, shape = to_pixels(rotate(strokes, np.radians(rng.uniform(-1, 1))))
    grey = draw_scan(
        strokes, shape, pen, rng,
        blur=rng.uniform(0.4, 1.2), noise=rng.uniform(0.01, 0.06), paper=rng.uniform(0.01, 0.06),
        light=rng.uniform(0, 0.4), jpeg_quality=int(rng.integers(40, 96)),
    )  # fmt: skip
    return grey, strokes, pen


def measure_line(sample, alphabet, rng):
    """(row of ``COLUMNS``, scan, traced strokes) of one recorded line."""
    grey, truth, pen = random_scan(sample.strokes, rng)
    line = read_line(grey)[1]
    if line is None:
        raise MinirnnError(f"nothing was found in the drawn line {sample.text!r}")
    covered, length = overlap(truth, line.strokes, pen / 2)
    true, traced_length = overlap(line.strokes, truth, pen / 2)
    symbols, traced_symbols = (len(alphabet.encode(normalise(strokes))) for strokes in (truth, line.strokes))
    row = (pen, length, covered, traced_length, 1 - true, len(sample.text), symbols, traced_symbols, len(truth), len(line.strokes))
    return dict(zip(COLUMNS, row)), grey, line.strokes


def summary(rows):
    """Table of the figures for all rows and by width of the pen, as text."""
    columns = {name: np.array([row[name] for row in rows], float) for name in COLUMNS}
    lines = ["pen, pixels   lines   covered   false   symbols a character (recorded)   lifts a character (recorded)"]
    for low, high in [(2, 3), (3, 4), (4, 6), (6, 8), PENS]:
        chosen = (columns["pen"] >= low) & (columns["pen"] <= high)
        if not chosen.any():
            continue
        c = {name: values[chosen] for name, values in columns.items()}
        characters = c["characters"].sum()
        covered = np.average(c["covered"], weights=c["length"])
        false = np.average(c["false"], weights=c["traced_length"])
        per = {name: c[name].sum() / characters for name in ("symbols", "traced_symbols", "strokes", "traced_strokes")}
        lines.append(
            f"{low:4.0f} to {high:.0f}     {chosen.sum():5d}   {covered:7.4f}   {false:5.4f}"
            f"   {per['traced_symbols']:6.2f} ({per['symbols']:.2f}, ratio {per['traced_symbols'] / per['symbols']:.3f})"
            f"        {per['traced_strokes']:.2f} ({per['strokes']:.2f})"
        )
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m minirnn.images.measure", description="Measure tracing.")
    parser.add_argument("source", help="folder of IAM-OnDB, or pen recordings as .jsonl")
    parser.add_argument("--lines", type=int, default=500, help="how many lines (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="which lines, pens and papers (default 0)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("measured"), help="folder for the results")
    options = parser.parse_args(argv)

    samples, _ = load_samples(options.source, progress=True)
    rng = np.random.default_rng(options.seed)
    samples = [samples[i] for i in rng.permutation(len(samples))[: options.lines]]
    if not samples:
        raise MinirnnError(f"{options.source}: no line to measure with")
    alphabet = PenAlphabet.fit_lifts([normalise(sample.strokes) for sample in samples])
    for name in ("recorded", "traced"):
        (options.out / name).mkdir(parents=True, exist_ok=True)

    rows, examples = [], []
    for number, sample in enumerate(tqdm(samples, unit="line")):
        row, grey, strokes = measure_line(sample, alphabet, rng)
        rows.append({"text": sample.text, "group": sample.group, **row})
        if number < 12:
            examples.append((f"pen {row['pen']:.1f}, covered {row['covered']:.3f}, false {row['false']:.3f}", grey, strokes))
        for name, drawn in (("recorded", sample.strokes), ("traced", strokes)):
            save_image(options.out / name / f"{number:04d}.png", line_image(normalise(drawn)) / 255)
    for name in ("recorded", "traced"):
        with open(options.out / name / "metadata.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("file_name", "text"), *((f"{i:04d}.png", row["text"]) for i, row in enumerate(rows))])
    with open(options.out / "measured.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("text", "group", *COLUMNS))
        writer.writeheader()
        writer.writerows(rows)
    draw_traces(options.out / "traced.png", examples)
    print(summary(rows))


if __name__ == "__main__":
    sys.exit(run_command(main))
