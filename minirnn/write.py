"""Write any text by hand.

    python -m minirnn.write "Dear Ana, thank you for the book." -o letter.png
    python -m minirnn.write --file letter.txt --page a5 --paper ruled --pen fountain -o letter.pdf
    python -m minirnn.write --hand list -o hands.png
"""

import argparse
import sys

import numpy as np
from tqdm import tqdm

from minirnn.arguments import above_zero, positive_int
from minirnn.datasets.text import read_text
from minirnn.drawing import check_output, save_pages
from minirnn.drawing.gcode import Plotter
from minirnn.drawing.ink import PENS
from minirnn.drawing.layout import Line as PlacedLine
from minirnn.drawing.layout import fits, lay_out, line_width, wrap_text
from minirnn.drawing.paper import DESCENDER_ROOM, PAPERS, Sheet, page_size
from minirnn.drawing.plots import strokes_picture
from minirnn.errors import MinirnnError, run_command
from minirnn.writing import Writer, transliterate

SPECIMEN = "The quick brown fox jumps over the lazy dog."
# The first guess at how wide a character is, in letter sizes; corrected as soon as the hand has written something.
ADVANCE = 1.0


def write_page_lines(writer, text, sheet, rng, temperature, raggedness, progress=None):
    """Write ``text`` for ``sheet`` -> a list of paragraphs, each a list of placed lines, ready for `lay_out`.

    The text is wrapped by the width that a character of this hand really takes, which its first words tell."""
    probe = writer.write([(" ".join(text.split()) or SPECIMEN)[:40].strip()], rng, temperature)[0]
    advance = ADVANCE * sheet.letter_size
    if probe.strokes and not probe.fault:
        advance = line_width(probe, sheet) / len(probe.text)
    paragraphs = []
    for paragraph in text.split("\n"):
        width = sheet.text_width - sheet.indent
        paragraphs.append(wrap_text(paragraph, width, 1.05 * advance, raggedness, rng))
    flat = [line for paragraph in paragraphs for line in paragraph]
    written = iter(
        writer.write(flat, rng, temperature, accept=lambda line: fits(line, sheet, first=True), progress=progress)
    )
    lines = [[next(written) for _ in paragraph] for paragraph in paragraphs]
    for paragraph in lines:
        for line in paragraph:
            if line.fault:
                print(f"minirnn: this line may be wrong ({line.fault}): {line.text!r}; try another "
                      "--random-seed or --hand", file=sys.stderr)  # fmt: skip
    return [[PlacedLine(line.text, line.ink) for line in paragraph if line.strokes] for paragraph in lines]


def handwrite(text, out, writer=None, seed=0):
    """Write ``text`` on A4 pages ``out`` (.png, .svg, .pdf, .gcode) in the manner of the defaults -> the paths written.

    Line breaks stay; characters that the hand cannot write are left out. Raises MinirnnError if nothing is left."""
    writer = writer or Writer()
    sheet = Sheet(letter_size=1.9)
    text = clean_text(writer, text.strip("\n"), plain=True, skip=True)
    paragraphs = write_page_lines(writer, text, sheet, np.random.default_rng(seed), 0.4, 0.0)
    return save_pages(lay_out(paragraphs, sheet, seed=seed), out, seed=seed)


def draw_specimens(out, rng, temperature):
    """Draw one line in each of the hands that ship with the package, as a picture."""
    lines = []
    for number in tqdm(range(1, len(Writer().hands) + 1), desc="hands"):
        line = Writer(None, number).write([SPECIMEN], rng, temperature)[0]
        lines.append((f"--hand {number}", line.ink))
    strokes_picture(out, lines)


def fitted_sheet(sheet_options, lines):
    """A sheet of A4 width that is just high enough for ``lines`` lines."""
    sheet = Sheet(**{**sheet_options, "size": "a4"})
    top, _, bottom, _ = sheet.margins
    height = top + bottom + (lines + DESCENDER_ROOM) * sheet.line_spacing
    return Sheet(**{**sheet_options, "size": f"{page_size('a4')[0]:g}x{height + 0.01:.2f}", "margins": sheet.margins})


def build_parser():
    parser = argparse.ArgumentParser(
        prog="python -m minirnn.write",
        description="Write a text by hand: as a picture, a vector drawing, a PDF, or for a pen plotter.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("text", nargs="?", help="what to write")
    parser.add_argument("--file", metavar="FILE", help="write the text of this file; a line of it is a paragraph")
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help="OUT.png, OUT.svg, OUT.pdf or OUT.gcode")
    hand = parser.add_argument_group("the hand")
    hand.add_argument("--hand", default="1", metavar="N|RUN|list",
                      help="number of a hand, a run that learned one, or list for specimens of all")  # fmt: skip
    hand.add_argument("--neatness", type=above_zero, default=1.0, help="above 1 more regular, below 1 wilder")
    hand.add_argument("--untidiness", type=float, default=0.5, help="drift of the lines on the page; 0: none")
    hand.add_argument("--random-seed", type=int, default=0, help="another number, another sheet in the same hand")
    hand.add_argument("--skip-unknown", action="store_true", help="leave out characters that the hand cannot write")
    hand.add_argument("--transliterate", action="store_true", help="write é as e, and so on")
    page = parser.add_argument_group("the page")
    page.add_argument("--page", default=None, metavar="SIZE",
                      help="a4, a5, letter, postcard, 120x80 (mm); default a4 with --file, else as needed")  # fmt: skip
    page.add_argument("--margin", type=float, metavar="MM", help="on all sides (default a tenth of the shorter side)")
    page.add_argument("--paper", choices=PAPERS, default="plain")
    page.add_argument("--letter-size", type=above_zero, default=2.4, metavar="MM", help="height of a small letter")
    page.add_argument("--line-spacing", type=above_zero, metavar="MM", help="default 3.8 letter sizes")
    page.add_argument("--indent", type=float, default=0.0, metavar="MM", help="of a paragraph's first line")
    page.add_argument("--raggedness", type=float, default=0.05, help="how early a line may turn; 0: as late as it can")
    ink = parser.add_argument_group("the ink")
    ink.add_argument("--pen", choices=sorted(PENS), default="ballpoint")
    ink.add_argument("--colour", help="of the ink, a name or #rrggbb")
    ink.add_argument("--dpi", type=positive_int, default=200, help="resolution of .png")
    ink.add_argument("--single-line", action="store_true", help=".svg with one path a stroke, for plotters")
    ink.add_argument("--animate", action="store_true", help=".svg that writes itself")
    ink.add_argument("--duration", type=above_zero, metavar="SECONDS", help="of the animation of a page")
    return parser


def main(argv=None):
    options = build_parser().parse_args(argv)
    check_output(options.out, options.single_line, options.animate)
    rng = np.random.default_rng(options.random_seed)
    temperature = 0.4 / options.neatness
    sheet_options = {
        "letter_size": options.letter_size, "line_spacing": options.line_spacing, "indent": options.indent,
        "paper": options.paper, "margins": None if options.margin is None else (options.margin,) * 4,
    }  # fmt: skip
    if options.hand == "list":
        draw_specimens(options.out, rng, temperature)
        print(options.out)
        return
    if (options.text is None) == (options.file is None):
        raise MinirnnError("give either a text or --file FILE")
    writer = Writer(None, int(options.hand)) if options.hand.isdigit() else Writer(options.hand)
    text = options.text if options.file is None else read_text(options.file).rstrip("\n")
    text = clean_text(writer, text, options.transliterate, options.skip_unknown)
    size = options.page or ("a4" if options.file else None)
    sheet = Sheet(**sheet_options, size=size or "a4")
    with tqdm(total=len(text), unit="character", disable=len(text) < 200) as bar:
        paragraphs = write_page_lines(
            writer, text, sheet, rng, temperature, options.raggedness, lambda n: bar.update(n)
        )
    if size is None:
        sheet = fitted_sheet(sheet_options, sum(max(1, len(paragraph)) for paragraph in paragraphs))
    pages = lay_out(paragraphs, sheet, options.untidiness, options.random_seed)
    for path in save_pages(
        pages, options.out, options.pen, options.colour, options.dpi, options.single_line, options.animate,
        options.duration, Plotter(), options.random_seed,
    ):  # fmt: skip
        print(path)


def clean_text(writer, text, plain, skip):
    """The text as the hand can write it, or a `MinirnnError` that names what it cannot write."""
    if plain:
        text = transliterate(text)
    unknown = writer.unknown(text)
    if unknown and not skip:
        raise MinirnnError(
            f"this hand cannot write {' '.join(unknown)}; leave them out with --skip-unknown"
            + ("" if plain else ", or try --transliterate")
        )
    text = "".join(c for c in text if c not in unknown)
    if not text.strip():
        raise MinirnnError("there is nothing to write; give a text with letters in it")
    return text


if __name__ == "__main__":
    sys.exit(run_command(main))
