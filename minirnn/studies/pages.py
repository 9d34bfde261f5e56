"""How well a long letter is written and laid out on pages, and how long it takes.

    python -m minirnn.studies.pages --characters 3000 --out measured

The beginning of a text (by default data/letters.txt) is written on A4 pages by a shipped hand and saved in every
format. This is printed:

    words     how many are whole and in order, and how many there are: none may be broken or lost
    outside   millimetres by which ink reaches beyond the margins: must be 0
    x-height  millimetres on the page, mean and standard deviation over the lines
    slant     degrees to the right, mean and standard deviation over the lines: one hand keeps its own
    travel    metres that a plotter goes with the pen up, in the order of writing and in its own; metres drawn
    seconds   from the start to the pages, and to all files

Lines that may be wrong are named as `minirnn.write` names them.
"""

import pathlib
import sys
import time

import numpy as np

from minirnn.arguments import Parser, positive_int
from minirnn.datasets.text import LETTERS, read_text
from minirnn.drawing import Plotter, save_pages
from minirnn.drawing.baseline import line_metrics
from minirnn.drawing.markup import words_of
from minirnn.drawing.paper import Sheet
from minirnn.drawing.plotters import parts_of, seconds
from minirnn.drawing.wrapping import unwrapped
from minirnn.errors import run_command
from minirnn.ink.strokes import bounding_box, slant
from minirnn.writing.hands import Writer
from minirnn.writing.letters import pages_of, read_letter, write_letter

FILES = (
    ("page.png", {}), ("page.pdf", {}), ("page.svg", {}), ("plotter.svg", {"single_line": True}),
    ("animation.svg", {"animate": True}), ("page.gcode", {}),
)  # fmt: skip


def outside(page, sheet):
    """How far, in mm, the ink of a page reaches beyond the margins: 0 if it does not."""
    if not page.strokes:
        return 0.0
    left, top, right, bottom = sheet.text_box
    x_min, y_min, x_max, y_max = bounding_box(page.strokes)
    return max(0.0, left - x_min, top - y_min, x_max - right, y_max - bottom)


def travelled(pages, written_order):
    """(m drawn, m with the pen up) of a plotter that draws all pages."""
    plotter = Plotter(written_order=written_order)
    parts = [part for page in pages for part in parts_of(page, plotter)]
    return np.sum([seconds(part.strokes, plotter)[:2] for part in parts], axis=0) / 1000


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.pages", description="Measure how a long letter is written.")
    parser.add_argument("--characters", type=positive_int, default=3000, help="how many (default 3000)")
    parser.add_argument("--text", default=LETTERS, metavar="FILE", help="the text whose beginning is written")
    parser.add_argument("--hand", type=positive_int, default=1, help="number of a hand (default 1)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("measured"), help="folder for the pages")
    options = parser.parse_args(argv)

    start = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    writer, sheet = Writer(None, options.hand), Sheet(letter_size=1.9)
    text = unwrapped(read_text(options.text)[: options.characters].strip())
    sections = read_letter(writer, text, plain=True, skip=True)
    words = words_of(sections).split()
    written = write_letter(writer, sections, sheet, np.random.default_rng(0), raggedness=0.05)
    pages = pages_of(written)
    to_pages = time.perf_counter()
    for name, how in FILES:
        save_pages(pages, options.out / name, **how)
    done = time.perf_counter()

    lines = [cell.line for section in written for row in section.rows for cell in row.cells]
    found = " ".join(line.text for line in lines).split()
    whole = sum(word == there for word, there in zip(words, found))
    sizes = [line_metrics(line.strokes, line.text)[1] * line.scale(sheet.letter_size) for line in lines]
    slants = [np.degrees(np.arctan(-slant(line.strokes))) for line in lines]
    characters = len(words_of(sections))
    print(f"text      {characters} characters on {len(lines)} lines, {len(pages)} pages, hand {options.hand}")
    print(f"words     {whole} of {len(words)} whole and in order")
    print(f"outside   {max(outside(page, sheet) for page in pages):g} mm")
    print(f"x-height  {np.mean(sizes):.2f} mm, deviation {np.std(sizes):.2f}")
    print(f"slant     {np.mean(slants):.1f} degrees, deviation {np.std(slants):.1f}")
    print(
        f"travel    {travelled(pages, True)[1]:.2f} m in the order of writing, {travelled(pages, False)[1]:.2f} m in "
        f"the plotter's; {travelled(pages, False)[0]:.2f} m drawn"
    )
    print(f"seconds   {to_pages - start:.1f} to the pages, {done - start:.1f} to all {len(FILES)} formats")


if __name__ == "__main__":
    sys.exit(run_command(main))
