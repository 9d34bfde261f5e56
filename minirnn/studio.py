"""Write letters in the browser, learn one's own hand there, read pictures, watch trainings.

    python -m minirnn.studio

One types a letter and sees it written by hand, writes a word or a line again with a click on it, and keeps the letter
as PNG, SVG, PDF, an animation, or for a pen plotter. The page is served to this computer alone, and only at the address
that is printed (`minirnn.web.local_server`). What was typed is kept in the browser, hands of one's own in the folder
that --folder names. Ctrl-C ends it; trainings that were started in the page save and end with it.
"""

import sys

from minirnn.arguments import Parser, port
from minirnn.errors import run_command
from minirnn.studio_page.answers import PORT, Studio


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studio", description="Write letters in the browser.")
    parser.add_argument("--port", type=port, default=PORT, help=f"of the page; 0 takes a free one (default {PORT})")
    parser.add_argument("--folder", default="studio", help="where hands of one's own are kept (default studio)")
    parser.add_argument("--runs", nargs="*", default=["runs"], metavar="FOLDER",
                        help="runs that can be watched, or folders of runs (default runs)")  # fmt: skip
    parser.add_argument("--reader", metavar="RUN", help="a run of minirnn.train --task read, which reads pictures and "
                        "proofreads letters; by default the weights that come with the package")  # fmt: skip
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser, only print the address")
    options = parser.parse_args(argv)
    studio = Studio(options.folder, options.runs, options.reader)
    studio.reader()  # one that cannot be used is said now
    with studio.server(options.port) as server:
        print(f"write letters at {server.url} (Ctrl-C ends)", flush=True)
        if not options.no_browser:
            server.open_browser()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
        finally:
            studio.close()


if __name__ == "__main__":
    sys.exit(run_command(main))
