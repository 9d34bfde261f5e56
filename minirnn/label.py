"""Type what line images say: a page in the browser, one line after the other, by keyboard alone.

    python -m minirnn.label LINES

LINES is a folder of line images, such as `python -m minirnn.prepare page.jpg --out LINES` makes. Every answer is saved
at once to LINES/metadata.csv (file_name, text), which `minirnn.prepare` reads; other columns and rows stay as they are.
Started again, it continues with the first line that has no text. Ctrl-C ends it.

The text field begins with what the program reads in the line, in another colour until it is changed; if it is right,
Enter confirms it.

The page is served to this computer alone, and only at the address that is printed (`minirnn.web.local_server`).
"""

import pathlib
import sys

from minirnn.arguments import Parser, port
from minirnn.errors import run_command
from minirnn.labelling.labels import Labels
from minirnn.labelling.server import PORT, LabelPage
from minirnn.reading.checks import reader_if_any


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.label", description="Type what line images say.")
    parser.add_argument("folder", type=pathlib.Path, help="folder of line images")
    parser.add_argument("--port", type=port, default=PORT, help=f"of the page; 0 takes a free one (default {PORT})")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser, only print the address")
    parser.add_argument("--reader", metavar="RUN", help="a run of minirnn.train --task read that suggests texts, by "
                        "default the weights that come with the package")  # fmt: skip
    parser.add_argument("--no-reading", action="store_true", help="suggest nothing")
    options = parser.parse_args(argv)
    labels = Labels(options.folder)
    labels.texts()  # so that a metadata.csv that cannot be read is an error now
    if labels.unwritable():
        print(f"{labels.unwritable()} images are left out: their names are not Unicode; rename them", file=sys.stderr)
    reader = None if options.no_reading else reader_if_any(options.reader)
    with LabelPage(labels, reader).server(options.port) as server:
        print(f"type what the lines say at {server.url} (Ctrl-C ends)", flush=True)
        if not options.no_browser:
            server.open_browser()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            done = len(labels.texts().keys() & set(labels.names()))
            print(f"\n{done} of {len(labels.names())} lines have a text in {labels.path}")


if __name__ == "__main__":
    sys.exit(run_command(main))
