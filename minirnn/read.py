"""Read handwriting: a scan, a photograph, a pen recording -> text.

    python -m minirnn.read page.jpg                    the text of the page, one line of text per line
    python -m minirnn.read page.jpg --show read.png    and a picture with the text over the ink, doubts marked
    python -m minirnn.read page.jpg --json             confidences and boxes of all characters
    python -m minirnn.read page.jpg --format alto      for programs that take documents: alto, page, hocr, txt
    python -m minirnn.read notes.inkml                 also .svg, .jsonl and folders

Only the text goes to standard output; everything else is said on standard error. What cannot be read in a folder is
named there, and the rest is read; the exit code is then 2.
"""

import argparse
import pathlib
import sys

from minirnn import backend
from minirnn.arguments import Parser, pixels
from minirnn.errors import MinirnnError, run_command
from minirnn.reading.drawn_reading import draw_reading
from minirnn.reading.formats import FORMATS, formatted
from minirnn.reading.reader import Reader, add_language_options, language_of
from minirnn.reading.sources import read_pages


def read_page(page, reader):
    """The list of `Reading` of a `Page`; lines in which nothing is found are named on standard error."""
    readings = reader.read_strokes(page.lines)
    if not readings:
        print(f"minirnn: {page.name}: no handwriting found", file=sys.stderr)
    for number, reading in enumerate(readings, 1):
        if not reading.text:
            print(f"minirnn: {page.name}: nothing could be read in line {number}", file=sys.stderr)
    return readings


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.read", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=pathlib.Path, help="a picture of a page or a line, an .inkml, .svg, .jsonl or "
                        ".jsonl.gz file, or a folder of such files")  # fmt: skip
    parser.add_argument("--reader", metavar="RUN", help="a run of minirnn.train --task read; by default the weights "
                        "that come with the package")  # fmt: skip
    add_language_options(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the same as --format json")
    form.add_argument("--format", choices=FORMATS, default="txt", help="of what is printed (default txt)")
    parser.add_argument("--show", type=pixels, metavar="PNG", help="draw the text over the ink of the (first) page")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args(argv)
    backend.check_device(options.device)
    if options.show and options.show.exists() and options.source.exists() and options.show.samefile(options.source):
        raise MinirnnError(f"--show {options.show} would replace the picture that is read; choose another name")
    reader = Reader(options.reader, language_of(options), options.device)
    pages, problems, shown = [], [], None
    for page in read_pages(options.source, problems):
        pages.append((page, read_page(page, reader)))
        if options.show and page.lines and shown is None:
            shown = pages[-1]
        else:
            page.grey = None  # the pictures of many pages would fill the memory
    for problem in problems:
        print(f"minirnn: {problem}", file=sys.stderr)
    if not any(readings for _, readings in pages):
        raise MinirnnError(f"{options.source}: no handwriting found in it")
    sys.stdout.write(formatted(pages, "json" if options.json else options.format))
    sys.stdout.flush()
    if options.show:
        draw_reading(options.show, *shown)
        print(f"the text over the ink: {options.show}", file=sys.stderr)
    if problems:
        raise MinirnnError(f"{len(problems)} of {len(pages) + len(problems)} files could not be read, as said above")


if __name__ == "__main__":
    sys.exit(run_command(main))
