"""Draw recorded lines as scans and trace them back, so that a network can learn to read scans.

    python -m minirnn.studies.traced_lines ARCHIVES CLEAN.jsonl.gz --lines 3000 --out traced.jsonl.gz

The same number of lines is taken from every source, and only lines of several words. The pen, the paper, the noise and
the blur of each line are random (`minirnn.studies.tracing.random_scan`). The group of a line is the person who wrote
it, so that a person who is kept for validation stays there; a tenth as many lines of such people are added.
"""

import gzip
import json
import pathlib
import sys

import numpy as np
from skimage.measure import approximate_polygon
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from minirnn.arguments import Parser, fraction, positive_int, zero_or_more
from minirnn.datasets import load_samples
from minirnn.datasets.writers import read_writers, split_by_people
from minirnn.errors import run_command
from minirnn.images.pipeline import read_line
from minirnn.studies.tracing import random_scan

LENGTHS = (10, 70)  # characters of a line
TOLERANCE = 0.01  # to which strokes are kept, in standard deviations of y


def chosen(source, count, held_out, seed):
    """``count`` lines of ``source`` by people to learn from, and a tenth as many by those held out."""
    samples, _ = load_samples(source, progress=True)
    samples = [s for s in samples if LENGTHS[0] <= len(s.text) < LENGTHS[1] and " " in s.text.strip()]
    writers, rng = read_writers(source), np.random.default_rng(seed)
    training, validation = split_by_people(samples, source, held_out, seed)
    if writers is not None:  # nobody knows who wrote the others
        training = [sample for sample in training if sample.group in writers.values()]
    lines = []
    for part, number in ((training, count), (validation, count // 10)):
        lines += [part[i] for i in rng.permutation(len(part))[:number]]
    return lines


def scanned(sample, rng):
    """The strokes of a line that was drawn as a scan and traced back, or None if nothing was found."""
    grey, _, _ = random_scan(sample.strokes, rng)
    _, line = read_line(grey)
    if line is None:
        return None
    unit = np.concatenate(line.strokes)[:, 1].std()
    return [approximate_polygon(stroke, TOLERANCE * unit).round(2).tolist() for stroke in line.strokes]


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.traced_lines", description="Draw recorded lines as scans and trace them back."
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="recorded handwriting of many people")
    parser.add_argument("--lines", type=positive_int, default=3000, help="in all (default 3000)")
    parser.add_argument("--held-out", type=fraction, default=0.1, help="as of the run that will learn from them")
    parser.add_argument("--seed", type=zero_or_more, default=0, help="as of the run that will learn from them")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the .jsonl.gz file to write")
    options = parser.parse_args(argv)
    each = options.lines // len(options.sources)
    lines = [line for source in options.sources for line in chosen(source, each, options.held_out, options.seed)]
    lines = [lines[i] for i in np.random.default_rng(options.seed).permutation(len(lines))]
    with threadpool_limits(1), gzip.open(options.out, "wt", encoding="utf-8") as file:
        for number, sample in enumerate(tqdm(lines, unit="line")):
            strokes = scanned(sample, np.random.default_rng([options.seed, number]))
            if strokes:
                file.write(json.dumps({"text": sample.text, "strokes": strokes, "group": sample.group}) + "\n")


if __name__ == "__main__":
    sys.exit(run_command(main))
