"""How fast: this package beside PyTorch, a plain loop, and its own matrix products alone.

    python -m minirnn.bench                        2 x LSTM of 256, batch 64, 64 steps: a few minutes
    python -m minirnn.bench --full --json bench.json --plot bench.png      hidden 64 to 1024, batch 1 to 256, ...
    python -m minirnn.bench --hidden 128 512 --batch 1 32 --steps 64 --threads 1
    python -m minirnn.bench --scaling lines.png    time and memory against T, B, H, V and layers
    python -m minirnn.bench --corpus 1 100 2000    memory and speed against megabytes of text
    python -m minirnn.bench --lines 1000 100000    the same against lines of handwriting

All contenders run in one process and take turns (`minirnn.studies.benchmarks.timing`), in float32, with the same
weights and the same chunk. Milliseconds are medians over the turns; ratios are ratios of these medians, above 1
where the package is faster, each with its range over the turns. PyTorch takes part where it is installed, and of the
ways in which it can write a symbol the fastest counts.
"""

import json
import sys

from minirnn.arguments import Parser, picture, positive_int
from minirnn.errors import run_command
from minirnn.files import atomic
from minirnn.studies.benchmarks import memory, scaling
from minirnn.studies.benchmarks.charts import lines_picture, speeds_picture
from minirnn.studies.benchmarks.comparison import CENTRE, bench


def build_parser():
    """The `minirnn.arguments.Parser` of this command."""
    parser = Parser(
        prog="python -m minirnn.bench",
        description="Time training and generation beside PyTorch, a plain loop, and "
        "the matrix products alone. Milliseconds are medians of turns that are taken in one process.",
    )
    sizes = parser.add_argument_group("sizes: all combinations of the lists (hidden 256, batch 64, 64 steps)")
    sizes.add_argument("--full", action="store_true", help="from there one way at a time: hidden 64 to 1024, batch 1 "
                       "to 256, 16 to 256 steps")  # fmt: skip
    for name in CENTRE:
        sizes.add_argument(f"--{name}", type=positive_int, nargs="+", metavar="N")
    sizes.add_argument("--models", nargs="+", choices=["CharRNN", "PenRNN"], default=["CharRNN", "PenRNN"])
    sizes.add_argument("--measure", nargs="+", choices=["train", "generate"], default=["train", "generate"],
                       help="a training step, a symbol written by a single stream (default both)")  # fmt: skip
    sizes.add_argument("--threads", type=positive_int, nargs="+", default=[1, 2], metavar="N")
    sizes.add_argument("--rounds", type=positive_int, default=9, help="turns of each contender (default 9)")
    sizes.add_argument("--device", choices=["cpu", "gpu"], default="cpu", help="gpu: CuPy against cuDNN")
    parser.add_argument("--json", metavar="FILE", help="all times, and the machine")
    parser.add_argument("--plot", type=picture, metavar="FILE", help="a picture: .png, .svg or .pdf")
    other = parser.add_argument_group("instead")
    other.add_argument(
        "--scaling", type=picture, metavar="FILE", help="plot time and memory of a training step against its sizes"
    )
    other.add_argument("--corpus", type=positive_int, nargs="+", metavar="MB",
                       help="train on MB megabytes of text, each size in a process of its own")  # fmt: skip
    other.add_argument(
        "--lines", type=positive_int, nargs="+", metavar="N", help="train on N lines of handwriting in the same way"
    )
    return parser


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    options = build_parser().parse_args(argv)
    if options.scaling:
        series = scaling.measure(options.rounds)
        print(*scaling.table(series), sep="\n")
        lines_picture(options.scaling, series)
        return
    if options.corpus:
        memory.measure_text(options.corpus)
        return
    if options.lines:
        memory.measure_lines(options.lines)
        return
    result = bench(options)
    if options.json:
        with atomic(options.json) as file:
            json.dump(result, file, indent=1)
    if options.plot:
        speeds_picture(options.plot, result)


if __name__ == "__main__":
    sys.exit(run_command(main))
