"""Runs side by side: what they learn, how far they are, how well they do.

    python -m minirnn.runs                              all runs in the folder runs
    python -m minirnn.runs runs/text-1 runs/text-2 --plot curves.png

The log.csv in every run's folder is for other tools.
"""

import sys

from minirnn.arguments import Parser, picture
from minirnn.errors import MinirnnError, run_command
from minirnn.training.run_table import as_lines, find_runs


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.runs", description="List runs with their settings and losses.")
    parser.add_argument("folders", nargs="*", default=["runs"], help="runs, or folders of runs (default runs)")
    parser.add_argument("--plot", type=picture, metavar="PNG", help="draw the validation losses of all in one picture")
    options = parser.parse_args(argv)
    found, problems = find_runs(options.folders)
    print("\n".join([*as_lines(found), *problems]))
    if options.plot:
        curves = {str(summary.path): summary.log for summary in found if summary.best() is not None}
        if not curves:
            raise MinirnnError("there is no loss to draw yet; wait for the first evaluation of a run")
        from minirnn.drawing.diagrams import compared_losses  # loaded only when something is drawn

        compared_losses(options.plot, curves)
        print(f"\nlosses: {options.plot}")


if __name__ == "__main__":
    sys.exit(run_command(main))
