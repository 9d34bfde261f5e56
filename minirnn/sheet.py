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
from minirnn.datasets import write_jsonl
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.reading import read_image
from minirnn.sheets.layout import PAPERS
from minirnn.sheets.prompts import PAGES


def print_sheet(path, paper="a4"):
    """Write the sheet as a PDF file to print, on ``paper``, one of `minirnn.sheets.layout.PAPERS`."""
    from minirnn.sheets.printing import sheet_pdf  # matplotlib takes a second to load

    with atomic(path, "wb") as file:
        file.write(sheet_pdf(paper))


def read_sheet(photos, folder):
    """Read photographs of filled pages and write samples.jsonl and the pictures of what was found to ``folder``.

    Returns (pages, refused): {path: `minirnn.sheets.reading.ReadPage`} and {path: why it was refused}.
    Raises MinirnnError if nothing at all could be read; then nothing is written.
    """
    from minirnn.sheets.found import draw_found
    from minirnn.sheets.reading import read_photo

    pages, refused, seen = {}, {}, {}
    for path in map(pathlib.Path, photos):
        try:
            page = read_photo(read_image(path))
        except MinirnnError as error:
            refused[path] = str(error).removeprefix(f"{path}: ")
            continue
        if page.number in seen:
            refused[path] = (
                f"this is page {page.number} again, which {seen[page.number]} shows; give one photograph of each page"
            )
            continue
        seen[page.number] = path
        pages[path] = page
    samples = [sample for page in pages.values() for sample in page.samples()]
    if not samples:
        reasons = [f"{path}: {reason}" for path, reason in refused.items()]
        raise MinirnnError("; ".join(["no line could be read", *reasons]))
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MinirnnError(f"cannot make the folder {folder}: {error.strerror}; choose another") from None
    for page in pages.values():
        draw_found(folder / f"found-page-{page.number}.png", page)
    write_jsonl(folder / "samples.jsonl", samples)
    return pages, refused


def report(pages, refused, folder):
    """What `read_sheet` found, as text: each photograph, and below it each line that is left out."""
    lines = []
    for path, page in pages.items():
        bad = [(number, band) for number, band in enumerate(page.bands, 1) if band.fault]
        lines.append(f"{path}: page {page.number}, {len(page.bands) - len(bad)} of {len(page.bands)} lines")
        lines += [f"    line {number} ({band.text}) left out: {band.fault}" for number, band in bad]
    lines += [f"{path}: REFUSED: {reason}" for path, reason in refused.items()]
    missing = set(range(1, len(PAGES) + 1)) - {page.number for page in pages.values()}
    lines += [f"page {number} is in none of the photographs" for number in sorted(missing)]
    good = sum(not band.fault for page in pages.values() for band in page.bands)
    lines.append(f"{good} lines in {folder / 'samples.jsonl'}; look at {folder / 'found-page-*.png'} to see them")
    return "\n".join(lines)


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
    options = parser.parse_args(argv)

    if options.command == "read":
        pages, refused = read_sheet(options.photos, options.out)
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
