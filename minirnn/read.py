"""Read handwriting: a scan, a photograph, a pen recording -> text.

    python -m minirnn.read page.jpg                    the text of the page, one line of text per line
    python -m minirnn.read page.jpg --show read.png    and a picture with the text over the ink, doubts marked
    python -m minirnn.read page.jpg --json             confidences and boxes of all characters
    python -m minirnn.read page.jpg --format alto      for programs that take documents: alto, page, hocr, txt
    python -m minirnn.read notes.inkml                 also .svg, .jsonl and folders

Only the text goes to standard output; everything else is said on standard error.
"""

import argparse
import pathlib
import sys

from minirnn import backend
from minirnn.arguments import Parser, picture
from minirnn.errors import MinirnnError, run_command
from minirnn.reading.formats import FORMATS, formatted
from minirnn.reading.reader import Reader, add_language_options, language_of
from minirnn.reading.show import draw_reading
from minirnn.reading.sources import read_pages


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
    parser.add_argument("--show", type=picture, metavar="PNG", help="draw the text over the ink of the (first) page")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args(argv)
    backend.check_device(options.device)
    reader = Reader(options.reader, language_of(options), options.device)
    pages = []
    for page in read_pages(options.source):
        if not page.lines:
            print(f"minirnn: {page.name}: no handwriting found", file=sys.stderr)
        pages.append((page, reader.read_strokes(page.lines)))
    if not any(readings for _, readings in pages):
        raise MinirnnError(f"{options.source}: no handwriting found in it")
    text = formatted(pages, "json" if options.json else options.format)
    if options.show:
        draw_reading(options.show, *next(page for page in pages if page[1]))
        print(f"the text over the ink: {options.show}", file=sys.stderr)
    sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(run_command(main))
