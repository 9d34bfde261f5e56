"""Turn images of handwriting into strokes to learn from.

    python -m minirnn.prepare LABELLED --out SAMPLES    a labelled folder -> strokes with their texts
    python -m minirnn.prepare page.jpg --out LINES      a page (or a folder of pages) without labels -> its lines
    python -m minirnn.prepare page.jpg --show steps.png every step as a picture

SAMPLES gets samples.jsonl (the strokes, which minirnn.train reads), contact_sheet_01.png and so on (the traces drawn
over the images: look at them), and report.txt, which also names labels that the ink contradicts. LINES gets an image
per line and a metadata.csv: write what the lines say into its column "text", then prepare the folder as a labelled one.
What the program reads there itself stands in the column "suggestion"; `minirnn.label` offers it to be confirmed.
"""

import argparse
import functools
import pathlib
import sys

from minirnn.arguments import Parser, picture, positive_int
from minirnn.datasets.labelled import FORMATS, find_images, recognise_format
from minirnn.errors import MinirnnError, run_command
from minirnn.images.image_files import read_pages
from minirnn.images.labelled_sets import cut_pages, prepare_labelled, report_text
from minirnn.images.pictures import draw_steps
from minirnn.images.pipeline import read_page
from minirnn.reading.checks import contradictions, reader_if_any
from minirnn.reading.orientation import check_upright

# --- command -------------------------------------------------------------------------------------------------


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.prepare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=pathlib.Path, help="a labelled folder, an image of a page, or a folder of pages")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the strokes or lines")
    parser.add_argument("--format", choices=FORMATS, help="of the labelled folder; by default it is recognised")
    parser.add_argument("--reader", metavar="RUN", help="a run of minirnn.train --task read, by default the weights "
                        "that come with the package: suggests texts, and checks labels")  # fmt: skip
    parser.add_argument("--no-reading", action="store_true", help="suggest and check nothing")
    parser.add_argument("--lines", type=positive_int, metavar="N", help="how many lines each page without labels has")
    parser.add_argument("--show", type=picture, metavar="PNG", help="draw every step for the (first) image")
    options = parser.parse_args(argv)
    source, out = options.source, options.out

    if not source.exists():
        raise MinirnnError(f"{source}: no such file or folder")
    if not out and not options.show:
        raise MinirnnError("nothing to do: give --out FOLDER or --show PNG")
    pages = find_images(source) if source.is_dir() else [source]
    labelled = source.is_dir() and (options.format or recognise_format(source) or not pages)
    if options.show and not pages:
        raise MinirnnError(f"{source}: there is no image in it")
    if options.show and (labelled or not out):
        draw_steps(options.show, *read_page(next(read_pages(pages[0], colours=True)), options.lines))
        print(f"steps of {pages[0]}: {options.show}")
    if not out:
        return
    reader = None if options.no_reading else reader_if_any(options.reader)
    if labelled:
        contradicted = functools.partial(contradictions, reader) if reader else None
        samples, problems = prepare_labelled(source, out, options.format, contradicted)
        print(report_text(source, samples, problems))
        print(f"strokes: {out / 'samples.jsonl'}; check {out / 'contact_sheet_01.png'} by eye")
    else:
        count, problems = cut_pages(
            pages, out, reader.texts if reader else None, source if source.is_dir() else None, options.lines,
            options.show, functools.partial(check_upright, reader) if reader else None,
        )  # fmt: skip
        print("\n".join([*problems, f"{count} lines of {len(pages)} pages in {out}"]))
        print(f"write what they say into {out / 'metadata.csv'}, then prepare {out} as a labelled folder")


if __name__ == "__main__":
    sys.exit(run_command(main))
