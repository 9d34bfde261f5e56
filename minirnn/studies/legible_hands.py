"""Measure how legible the hands that ship are: lines of a text, written by all hands in turn, and read.

    python -m minirnn.studies.legible_hands minirnn/datasets/letters.txt --reader runs/read-1 --out lines

Every hand writes one ordinary line, and every other hand a hard one, with at least three capitals or digits. Of two
writings the better is taken (`minirnn.writing.hands.Writer.in_hands`), and none is written again. Printed is the part
of the characters that a network reads wrong. The folder gets a picture of every line and metadata.csv, for another
recogniser.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from minirnn.arguments import Parser
from minirnn.datasets.metadata import METADATA, write_table
from minirnn.datasets.text import read_text
from minirnn.errors import run_command
from minirnn.images.draw_scan import draw_scan, to_pixels
from minirnn.reading.decoding import errors
from minirnn.reading.reader import Reader
from minirnn.writing.hands import SETS, Writer

SHORTEST, LONGEST = 25, 40  # characters of a line
HARD = 3  # capitals and digits
UNIT, PEN = 22.0, 3.0  # pixels of a standard deviation of y, and of the pen


def lines_of(text, seed):
    """(ordinary, hard) lines of a text, each list shuffled, cut between words."""
    long = [line for line in text.split("\n") if len(line) > SHORTEST]
    cut = [line[:LONGEST].rsplit(" ", 1)[0] if len(line) > LONGEST else line for line in long]
    is_hard = np.array([sum(c.isupper() or c.isdigit() for c in line) >= HARD for line in cut])
    rng = np.random.default_rng(seed)
    return [rng.permutation(np.array(cut)[is_hard == hard]).tolist() for hard in (False, True)]


def draw(out, lines):
    """Draw written lines as pictures into the folder ``out``, with their texts in a table."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, line in enumerate(lines):
        strokes, shape = to_pixels(line.ink or [np.zeros((1, 2))], UNIT, margin=12)
        grey = draw_scan(strokes, shape, PEN, np.random.default_rng(0), blur=0.5, noise=0, paper=0, light=0,
                         jpeg_quality=None)  # fmt: skip
        Image.fromarray(np.round(grey * 255).astype(np.uint8)).save(out / f"{number:03d}.png")
        rows.append((f"{number:03d}.png", line.text))
    write_table(out / METADATA, rows)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.legible_hands",
                    description="Measure how legible the hands that ship are.")  # fmt: skip
    parser.add_argument("text", help="whose lines are written")
    parser.add_argument("--weights", choices=SETS, default="research", help="(default research)")
    parser.add_argument("--reader", metavar="RUN", help="the network that reads; by default that of the package")
    parser.add_argument("--out", type=pathlib.Path, help="a folder for pictures of the lines")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    writer, reader = Writer(SETS[options.weights]), Reader(options.reader, language_model=False)
    ordinary, hard = lines_of(read_text(options.text), options.seed)
    count = len(writer.hands)
    tasks = [*zip(ordinary, range(count)), *zip(hard, range(0, count, 2))]
    texts, hands = zip(*tasks)
    lines = writer.in_hands(texts, hands, np.random.default_rng(options.seed))
    if options.out:
        draw(options.out, lines)
    wrong = [errors(line.text, said) for line, said in zip(lines, reader.texts([line.strokes for line in lines]))]
    for name, part in (("ordinary", slice(count)), ("hard", slice(count, None))):
        characters = sum(map(len, texts[part]))
        print(f"{name:9} {len(texts[part])} lines  error {sum(wrong[part]) / characters:.4f}")
    print(f"{sum(bool(line.fault) for line in lines)} lines went wrong by the path of the window")


if __name__ == "__main__":
    sys.exit(run_command(main))
