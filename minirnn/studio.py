"""Write letters in the browser: type, and see them written by hand.

    python -m minirnn.studio

The page lets one choose a hand and a pen, the paper and the margins, write a line again with a click on it, and keep
the letter as PNG, SVG, PDF, an animation, or for a pen plotter. It is served to this computer alone, and only at the
address that is printed (`minirnn.web.local_server`). What was typed is kept in the browser. Ctrl-C ends it.
"""

import sys

from minirnn.arguments import Parser, port
from minirnn.errors import run_command
from minirnn.studio_page.answers import PORT, Studio


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studio", description="Write letters in the browser.")
    parser.add_argument("--port", type=port, default=PORT, help=f"of the page; 0 takes a free one (default {PORT})")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser, only print the address")
    options = parser.parse_args(argv)
    with Studio().server(options.port) as server:
        print(f"write letters at {server.url} (Ctrl-C ends)", flush=True)
        if not options.no_browser:
            server.open_browser()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    sys.exit(run_command(main))
