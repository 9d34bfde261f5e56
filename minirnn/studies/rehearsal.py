"""From a printed sheet to a page in one's own hand, tried out with an invented hand.

    python -m minirnn.studies.rehearsal --out own_hand

The hand is a mean of several of the network's hands, slanted and narrowed, so it is none of those that the package can
write. The printed sheet is filled in this hand and photographed (`minirnn.studies.simulated_sheets`). Everything else
is done by the commands that a user would type, and each is printed:

    sheet.pdf       the sheet
    photo-1.jpg     the filled pages as photographed
    samples/        what `minirnn.sheet read` makes of them
    run/            the run that learns the hand
    page.png        a letter in it
    own_hand.png    the first photograph beside the letter

What has been done already is not done again.
"""

import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image, ImageOps

from minirnn.arguments import Parser, above_zero, positive_int, zero_or_more
from minirnn.drawing.layout import WrittenLine
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.forms import geometry
from minirnn.forms.prompts import PAGES
from minirnn.images.image_files import save_image
from minirnn.ink.strokes import normalise
from minirnn.studies.sample_hand import mixed_hand, reshape_hand
from minirnn.studies.simulated_sheets import Camera, filled_page, photograph, place_line
from minirnn.writing.hands import Writer

LETTER = """Dear Ana,

thank you for the photographs of the garden. I have put
them up on the kitchen wall, beside the old map.

It has been raining here for three weeks, but this
morning the sun came out, and we walked along the river
until the bridge. The children found a nest with four
eggs in it, and they have talked of nothing else since.

Please come and see us in the summer. There is always
room for you.

With love from all of us,
Vera
"""
PAGE = ["--unwrap", "--page", "180x240", "--margin", "16", "--letter-size", "2.2"]
INK = ["--pen-width", "0.45", "--colour", "#303030"]
LEAN, WIDTH = 14.0, 0.95  # of the hand, relative to the mean of those it is made of: degrees, and a factor
LETTER_SIZE = 1.8  # mm, on the sheet
TEMPERATURE = 0.3  # someone who copies a sentence takes care
BAR = 5.0  # length, in units of the pen vocabulary, of a flat stroke that is no part of a letter
CAMERA = Camera(megapixels=8, tilt=14, direction=70, roll=2.5, lens=0.003, blur=0.1, shadow=0.35, noise=0.015)
SHOWN, GREYS = 960, 48  # height of the picture in pixels, and its grey levels


def fill_sheet(rows, rng):
    """The pages of the sheet as the hand made of the network's ``rows`` fills them: list of grey levels (H, W).

    Sentences with a character that the network does not know are left out; their bands stay empty."""
    writer, paper = mixed_hand(Writer(), rows), geometry.PAPERS["a4"]
    texts = [(number, index, text) for number, page in enumerate(PAGES, 1) for index, text in enumerate(page)
             if not writer.chars.unknown(text)]  # fmt: skip
    lines = writer.write([text for *_, text in texts], rng, TEMPERATURE, accept=without_bars)
    pages = {number: [[] for _ in page] for number, page in enumerate(PAGES, 1)}
    for (number, index, _), line in zip(texts, lines):
        strokes = normalise(reshape_hand(line.ink, LEAN, WIDTH))
        scale = WrittenLine(line.text, strokes).scale(LETTER_SIZE)
        pages[number][index] = place_line(strokes, index, rng, scale)
    return [filled_page(number, lines, 0.4, paper) for number, lines in pages.items()]


def without_bars(line):
    """Whether a written line has no long flat stroke: no letter has one, but a network may draw one and not stop."""
    return all(np.ptp(stroke[:, 0]) < BAR or np.ptp(stroke[:, 1]) > 1 for stroke in line.strokes)


def beside(left, right, path):
    """Save two pictures of pages side by side, in grey."""
    pictures = []
    for source in (left, right):
        with Image.open(source) as image:
            image = image.convert("L")
            image = image.resize((round(image.width * SHOWN / image.height), SHOWN), Image.Resampling.LANCZOS)
            pictures.append(ImageOps.expand(image, 1, fill=170))
    width = sum(picture.width for picture in pictures)
    both = Image.new("L", (width + 24, pictures[0].height), 255)
    both.paste(pictures[0], (0, 0))
    both.paste(pictures[1], (both.width - pictures[1].width, 0))
    with atomic(path, "wb") as file:
        both.quantize(GREYS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)


def announced(command, *words):
    """Run a command of the package as one would type it, and print what that is. Raises MinirnnError if it fails."""
    words = ["-m", f"minirnn.{command}", *map(str, words)]
    print(f"\n$ python {' '.join(words)}\n", flush=True)
    if subprocess.run([sys.executable, *words]).returncode:
        raise MinirnnError(f"minirnn.{command} failed; its message is above")


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.rehearsal", description="From a sheet to a page in one's own hand.")
    parser.add_argument("--rows", type=positive_int, nargs="+", default=[2, 5, 9], metavar="N",
                        help="of the network's hands, which the hand is the mean of (default 2 5 9)")  # fmt: skip
    parser.add_argument("--minutes", type=above_zero, help="of training (default: as minirnn.train has it)")
    parser.add_argument("--seed", type=zero_or_more, default=0, help="of the hand and its photographs (default 0)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("own_hand"), help="folder for the results")
    options = parser.parse_args(argv)

    out, rng = options.out, np.random.default_rng(options.seed)
    out.mkdir(parents=True, exist_ok=True)
    photos = [out / f"photo-{number}.jpg" for number in range(1, len(PAGES) + 1)]
    if not all(photo.exists() for photo in photos):
        announced("sheet", "-o", out / "sheet.pdf")
        for photo, page in zip(photos, fill_sheet(options.rows, rng)):
            save_image(photo, photograph(page, CAMERA, rng))
    if not (out / "samples").exists():
        announced("sheet", "read", *photos, "--out", out / "samples")
    run = out / "run"
    if not run.exists():
        budget = ["--minutes", options.minutes] if options.minutes else []
        announced("train", "--task", "hand", "--data", out / "samples", "--out", run, *budget)
    with atomic(out / "letter.txt") as file:
        file.write(LETTER)
    announced("write", "--file", out / "letter.txt", "--hand", run, *PAGE, *INK, "-o", out / "page.png")
    beside(photos[0], out / "page.png", out / "own_hand.png")
    print(f"\nlook at {out / 'own_hand.png'}")


if __name__ == "__main__":
    sys.exit(run_command(main))
