"""Write a labelled set of line images in an invented hand, as if scanned, in place of one's own handwriting.

    python -m minirnn.studies.sample_hand data/sample_hand/texts.txt --out data/sample_hand

The hand is a mean of several of the network's hands, so it is none of them, with a slant and a width of its own.
The folder gets a JPEG per line and metadata.csv with their texts, which `minirnn.prepare` reads.
"""

import argparse
import pathlib
import sys

import numpy as np
from PIL import Image
from tqdm import tqdm

from minirnn.arguments import Parser, above_zero, degrees, positive_int, zero_or_more
from minirnn.datasets.metadata import METADATA, write_table
from minirnn.datasets.text import read_text
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.draw_scan import draw_scan, to_pixels
from minirnn.ink.strokes import rotate
from minirnn.writing.hands import Writer
from minirnn.writing.pen import TEMPERATURE
from minirnn.writing.proofreading import default_proofreader

STD = 16.0  # pixels per standard deviation of y: a small handwriting scanned at 200 dpi
PEN = 0.15  # its width, in the same unit
JPEG_QUALITY = 60


def mixed_hand(writer, rows):
    """Let ``writer`` write in the mean of the ``rows`` of its network's hands."""
    params = writer.network.params["hand"]
    if not all(0 <= row < len(params["E"]) for row in rows):
        raise MinirnnError(f"the network has no such hands; choose rows from 0 to {len(params['E']) - 1}")
    params["E"] = np.concatenate([params["E"], params["E"][list(rows)].mean(axis=0, keepdims=True)])
    writer.hand, writer.slant = len(params["E"]) - 1, None  # how a hand leans that nobody has, its lines will say
    return writer


def reshape_hand(strokes, lean, width):
    """The strokes leaning ``lean`` degrees further to the right, and ``width`` times as wide."""
    matrix = np.array([[width, 0.0], [-np.tan(np.radians(lean)), 1.0]])  # rows are points; y points down
    return [stroke @ matrix for stroke in strokes]


def scan_line(strokes, rng, std=STD):
    """A written line as a scan of a pen like a ballpoint's: (H, W) grey levels in [0, 1]."""
    strokes = rotate(strokes, np.radians(rng.normal(0, 0.4)))
    strokes, shape = to_pixels(strokes, std, margin=round(std))
    return draw_scan(
        strokes, shape, PEN * std * rng.uniform(0.9, 1.1), rng, blur=0.6, noise=0.02, paper=0.02,
        light=rng.uniform(0, 0.2), jpeg_quality=None,
    )  # fmt: skip


def write_best(writer, texts, rng, temperature=TEMPERATURE, keep=None):
    """Write every text -> the best ``keep`` of the lines, in the order of the texts.

    The label of a line has to be true: a writer with a proofreader takes the better of two writings and mends words
    that may be wrong. Lines that may still be wrong are left out, and so are texts with characters that the hand has
    not learned; the best lines are those whose ink makes their text most probable, per character. Raises MinirnnError
    if the hand can write none."""
    texts = [text for text in texts if not writer.unknown(text)]
    if not texts:
        raise MinirnnError("the hand can write none of the texts; give others")
    with tqdm(total=sum(map(len, texts)), unit="character", desc="writing", disable=None) as bar:
        lines = writer.write(texts, rng, temperature, progress=bar.update)
    good = [n for n, line in enumerate(lines) if not line.fault and not line.faults]
    best = sorted(good, key=lambda n: -lines[n].proof.log_probability / len(lines[n].text))[:keep]
    return [lines[n] for n in sorted(best)]


def write_set(lines, out, rng, lean=0.0, width=1.0):
    """Leave a JPEG of each of the ``lines`` (`minirnn.writing.pen.Line`) and metadata.csv in the folder ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, line in enumerate(tqdm(lines, unit="line", desc="scanning", disable=None), start=1):
        grey = scan_line(reshape_hand(line.ink, lean, width), rng)
        name = f"{number:03d}.jpg"
        with atomic(out / name, "wb") as file:
            Image.fromarray(np.round(grey * 255).astype(np.uint8)).save(file, "JPEG", quality=JPEG_QUALITY)
        rows.append((name, line.text))
    write_table(out / METADATA, rows)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.sample_hand",
        description="Write a labelled set of line images in an invented hand, as if scanned.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("texts", help="texts, one per line, UTF-8")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the images")
    parser.add_argument("--weights", metavar="RUN", help="a run that learned hands (default: the shipped one)")
    parser.add_argument("--rows", type=zero_or_more, nargs="+", default=[1, 5], help="hands to take the mean of")
    parser.add_argument("--lean", type=degrees, default=14.0, help="degrees further to the right")
    parser.add_argument("--width", type=above_zero, default=0.85, help="times as wide")
    parser.add_argument("--temperature", type=above_zero, default=0.35, help="lower is more regular")
    parser.add_argument("--keep", type=positive_int, default=300, help="how many lines to keep, the best ones")
    parser.add_argument("--seed", type=zero_or_more, default=0)
    options = parser.parse_args(argv)
    texts = [line.strip() for line in read_text(options.texts).split("\n") if line.strip()]
    writer = mixed_hand(Writer(options.weights, proofreader=default_proofreader()), options.rows)
    rng = np.random.default_rng(options.seed)
    lines = write_best(writer, texts, rng, options.temperature, options.keep)
    write_set(lines, options.out, rng, options.lean, options.width)
    print(f"{len(lines)} of {len(texts)} texts in {options.out}")


if __name__ == "__main__":
    sys.exit(run_command(main))
