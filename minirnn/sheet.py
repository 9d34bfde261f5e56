"""Your own hand: print a sheet, write on it, photograph it, read it.

    python -m minirnn.sheet -o sheet.pdf
    python -m minirnn.sheet read photo1.jpg photo2.jpg --out myhand

Print the PDF on A4 (or Letter, with --paper letter), copy each sentence below its print with a dark pen, and photograph
each page with all four corner marks in the picture, any side up. `read` writes

    myhand/samples.jsonl        the lines with their texts, to learn from
    myhand/found-page-1.png     what was found on the page: look at it

A line or a page that cannot be relied on is left out, and said by name with what to do; all others are kept. Exit code
0 when every photograph could be read, 2 when one was refused.
"""

import pathlib
import sys

from minirnn.arguments import Parser
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.forms.filled import read_sheet, report
from minirnn.forms.geometry import PAPERS
from minirnn.forms.prompts import PAGES
from minirnn.reading.checks import reader_if_any


def print_sheet(path, paper="a4"):
    """Write the sheet as a PDF file to print, on ``paper``, one of `minirnn.forms.geometry.PAPERS`."""
    from minirnn.forms.printing import sheet_pdf  # matplotlib takes a second to load

    with atomic(path, "wb") as file:
        file.write(sheet_pdf(paper))


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.sheet", description="Print a sheet to write on, and read photographs of it."
    )
    parser.add_argument("-o", "--out", dest="pdf", type=pathlib.Path, help="the PDF file to write, to be printed")
    parser.add_argument("--paper", choices=sorted(PAPERS), default="a4", help="paper of the PDF file (default a4)")
    commands = parser.add_subparsers(dest="command", metavar="read")
    read = commands.add_parser("read", help="read photographs of the filled sheet")
    read.add_argument("photos", nargs="+", metavar="PHOTO", help="photographs of the pages, in any order")
    read.add_argument("--out", type=pathlib.Path, required=True, metavar="SAMPLES", help="folder for the samples")
    read.add_argument("--reader", metavar="RUN", help="a run of minirnn.train --task read that checks what the lines "
                      "say, by default the weights that come with the package")  # fmt: skip
    read.add_argument("--no-reading", action="store_true", help="do not check what the lines say")
    options = parser.parse_args(argv)

    if options.command == "read":
        reader = None if options.no_reading else reader_if_any(options.reader)
        pages, refused = read_sheet(options.photos, options.out, reader)
        print(report(pages, refused, options.out))
        if refused:
            raise MinirnnError(f"{len(refused)} of {len(options.photos)} photographs refused, for the reasons above")
    elif options.pdf:
        print_sheet(options.pdf, options.paper)
        print(f"{options.pdf}: {len(PAGES)} pages; print them, write below each printed line, photograph each page")
    else:
        parser.error("nothing to do; give -o sheet.pdf to print the sheet, or read and photographs of it")


if __name__ == "__main__":
    sys.exit(run_command(main))
