"""How well tracing works: pen recordings are drawn as scans, traced back, and compared with the traces.

    python -m minirnn.studies.tracing IAM-ONDB --lines 500 --out measured

IAM-ONDB is the folder of the IAM On-Line Handwriting Database. The lines are drawn as `draw_scan` does, 30 pixels
to a standard deviation of y, with pens of 2 to 8 pixels, noise, blur, paper, uneven light and JPEG at random.

    covered    share of the length of the recorded strokes that lies within 2 pixels of the trace
    false      share of the length of the traced strokes that lies further than that from every recorded one
    direction  share of the length of the traced strokes that has the direction of the pen; 0.5 by chance
    order      share of the traced strokes that come after their predecessor in the recording, too; 0.5 by chance
    symbols    pen symbols per character of the trace, and of the recording
    strokes    strokes per character of the trace, and of the recording
    nats       loss of the shipped network per character of the trace, and of the recording, which also depends on where
               strokes begin, on their direction and on their order

The first two compare the place of the ink alone, and would be the same if all strokes were shuffled and reversed.

The folder gets measured.csv with a row per line, traced.png with the traces drawn over the scans, and the folders
recorded/ and traced/ with both redrawn with the same pen, for a handwriting recogniser to read.
"""

import csv
import functools
import pathlib
import sys

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import log_softmax
from tqdm import tqdm

from minirnn.arguments import Parser
from minirnn.cores import on_all_cores
from minirnn.datasets import load_samples
from minirnn.datasets.line_batches import collate, cut, encode_text
from minirnn.datasets.metadata import METADATA, write_table
from minirnn.drawing.png import line_image
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.draw_scan import draw_scan, to_pixels
from minirnn.images.image_files import save_image
from minirnn.images.pictures import draw_traces
from minirnn.images.pipeline import read_line
from minirnn.ink.strokes import normalise, resample, rotate
from minirnn.writing.hands import Writer

PENS = (2.0, 8.0)  # narrowest and widest pen, pixels
NEAR = 2.0  # pixels, 30 of which are a standard deviation of y; the same for every pen
EXAMPLES = 12  # lines in the picture
STEPS = 128  # of a line that are evaluated at once
TEXTS = ("text", "group")  # the columns that are not figures


def overlap(strokes, others, distance):
    """Share of the length of ``strokes`` that lies within ``distance`` of ``others``, and that length in pixels."""
    points, near = _dense(strokes), _dense(others)
    return float(np.mean(cKDTree(near).query(points)[0] <= distance)), len(points) / 2


def _dense(strokes):
    """Points (n, 2) every half pixel along all strokes."""
    return np.concatenate([resample(stroke, 0.5) for stroke in strokes])


def direction_and_order(traced, truth):
    """How much of a trace goes as the pen went -> [length forwards, length backwards], [lifts forwards, backwards].

    Every half pixel of the trace gets the time at which the recorded pen was nearest, if it was within `NEAR`."""
    recorded = cKDTree(_dense(truth))
    lengths, lifts, before = [0, 0], [0, 0], None
    for stroke in traced:
        distance, time = recorded.query(resample(stroke, 0.5))
        time = time[distance <= NEAR]
        if not len(time):
            continue
        steps = np.diff(time)
        lengths = [lengths[0] + int((steps > 0).sum()), lengths[1] + int((steps < 0).sum())]
        middle = np.median(time)
        if before is not None:
            lifts[int(middle < before)] += 1
        before = middle
    return lengths, lifts


@functools.cache
def _shipped():
    """The shipped weights, loaded once in every process."""
    return Writer()


def line_costs(network, batch):
    """The loss of each line of a batch of `minirnn.datasets.line_batches.collate`, summed over its symbols: (B,)
    nats."""
    T, B = batch["x"].shape
    costs, state = np.zeros(B), network.start(B)
    for start in range(0, T, STEPS):
        chunk = cut(batch, start, start + STEPS)
        logits, _, state, _ = network.forward(chunk, state)
        log_p = np.take_along_axis(log_softmax(logits, axis=2), chunk["y"][:, :, None], axis=2)[:, :, 0]
        costs -= (log_p * chunk["mask"]).sum(axis=0)
    return costs


def nats(text, strokes):
    """The loss of the shipped network, as the generic hand, on ``strokes``; NaN if it does not know the text's
    characters."""
    writer = _shipped()
    if writer.chars.unknown(text):
        return np.nan
    symbols = writer.pens.encode(normalise(strokes))
    return float(line_costs(writer.network, collate([symbols], [encode_text(writer.chars, text)], [0], writer.pens))[0])


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


def measure_line(sample, seed):
    """(figures of one recorded line as a dict, its scan, its traced strokes)."""
    grey, truth, pen = random_scan(sample.strokes, np.random.default_rng(seed))
    line = read_line(grey)[1]
    if line is None:
        raise MinirnnError(f"nothing was found in the drawn line {sample.text!r}")
    covered, length = overlap(truth, line.strokes, NEAR)
    true, traced_length = overlap(line.strokes, truth, NEAR)
    (forwards, backwards), (after, earlier) = direction_and_order(line.strokes, truth)
    pens = _shipped().pens
    row = {
        "text": sample.text, "group": sample.group, "pen": pen,
        "length": length, "covered": covered, "traced_length": traced_length, "false": 1 - true,
        "forwards": forwards, "backwards": backwards, "after": after, "earlier": earlier,
        "symbols": len(pens.encode(normalise(truth))), "traced_symbols": len(pens.encode(normalise(line.strokes))),
        "strokes": len(truth), "traced_strokes": len(line.strokes),
        "nats": nats(sample.text, truth), "traced_nats": nats(sample.text, line.strokes),
    }  # fmt: skip
    return row, grey, line.strokes


def summary(rows):
    """Table of the figures for all rows and by width of the pen, as text."""
    names = ("covered", "false", "direction", "order", "symbols (recorded)", "strokes (recorded)", "nats (recorded)")
    lines = ["  ".join(["pen, pixels", "lines", *names]), " " * 52 + "per character"]
    for low, high in [(2, 3), (3, 4), (4, 6), (6, 8), PENS]:
        chosen = [row for row in rows if low <= row["pen"] <= high]
        if chosen:
            total = {name: np.nansum([row[name] for row in chosen]) for name in rows[0] if name not in TEXTS}
            covered = sum(row["covered"] * row["length"] for row in chosen) / total["length"]
            false = sum(row["false"] * row["traced_length"] for row in chosen) / total["traced_length"]
            direction = total["forwards"] / max(1, total["forwards"] + total["backwards"])
            order = total["after"] / max(1, total["after"] + total["earlier"])
            characters = sum(len(row["text"]) for row in chosen)
            known = sum(len(row["text"]) for row in chosen if not np.isnan(row["nats"]))
            pairs = [
                f"{total[f'traced_{name}'] / count:9.2f} ({total[name] / count:5.2f})"
                for name, count in (("symbols", characters), ("strokes", characters), ("nats", max(1, known)))
            ]
            shares = f"{covered:7.4f}  {false:.4f}  {direction:9.3f}  {order:.3f}"
            lines.append(f"{low:4.0f} to {high:.0f}    {len(chosen):5d}  {shares}  {'  '.join(pairs)}")
    return "\n".join(lines)


def write_results(out, rows):
    """measured.csv, and metadata.csv beside the redrawn lines, whose pictures are there already."""
    for name in ("recorded", "traced"):
        named = [(f"{number:04d}.png", row["text"]) for number, row in enumerate(rows)]
        write_table(out / name / METADATA, named)
    with atomic(out / "measured.csv", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.tracing", description="Measure tracing.")
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
    for name in ("recorded", "traced"):
        (options.out / name).mkdir(parents=True, exist_ok=True)

    rows, examples = [], []
    seeds = [[options.seed, number] for number in range(len(samples))]
    measured = on_all_cores(measure_line, samples, seeds)
    for number, (sample, (row, grey, strokes)) in enumerate(
        tqdm(zip(samples, measured), total=len(samples), unit="line")
    ):
        rows.append(row)
        if number < EXAMPLES:
            title = f"pen {row['pen']:.1f}, covered {row['covered']:.3f}, false {row['false']:.3f}"
            examples.append((title, grey, strokes))
        for name, drawn in (("recorded", sample.strokes), ("traced", strokes)):
            save_image(options.out / name / f"{number:04d}.png", line_image(normalise(drawn)) / 255)
    write_results(options.out, rows)
    draw_traces(options.out / "traced.png", examples)
    print(summary(rows))


if __name__ == "__main__":
    sys.exit(run_command(main))
