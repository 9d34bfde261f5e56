"""How fast: this package beside PyTorch, a plain loop, and its own matrix products alone.

    python -m minirnn.bench                        2 x LSTM of 256, batch 64, 64 steps: a few minutes
    python -m minirnn.bench --full --json bench.json --plot bench.png      hidden 64 to 1024, batch 1 to 256, ...
    python -m minirnn.bench --hidden 128 512 --batch 1 32 --steps 64 --threads 1
    python -m minirnn.bench --scaling lines.png    time and memory against T, B, H, V and layers
    python -m minirnn.bench --corpus 1 100 2000    memory and speed against megabytes of text
    python -m minirnn.bench --lines 1000 100000    the same against lines of handwriting

All contenders run in one process and take turns (`minirnn.benchmarks.timing`), in float32, with the same weights and
the same chunk. Milliseconds are medians over the turns; ratios are ratios of these medians, above 1 where the package
is faster. PyTorch takes part where it is installed.
"""

import itertools
import json
import math
import statistics
import sys

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from minirnn import backend
from minirnn.arguments import Parser, picture, positive_int
from minirnn.benchmarks import memory, scaling
from minirnn.benchmarks.machine import describe_machine
from minirnn.benchmarks.package import Package
from minirnn.benchmarks.plots import lines_picture, speeds_picture
from minirnn.benchmarks.products import Products
from minirnn.benchmarks.sizes import Sizes, make_chunk, make_network
from minirnn.benchmarks.textbook import Textbook
from minirnn.benchmarks.timing import take_turns
from minirnn.errors import run_command
from minirnn.files import atomic
from minirnn.parallel import Workers, keep_freed_memory

# Without options; and from there one way at a time, to the ends of what people train.
CENTRE = {"hidden": [256], "batch": [64], "steps": [64]}
FULL = {"hidden": [64, 128, 256, 512, 1024], "batch": [1, 4, 16, 64, 256], "steps": [16, 32, 64, 128, 256]}


def contenders(sizes, threads, device):
    """{name: contender} for one size; PyTorch only where it is installed."""
    chunk, workers = make_chunk(sizes), Workers(threads)

    def network():
        return make_network(sizes).to_device(device)

    found = {"package": Package(network(), chunk, workers), "products": Products(network(), chunk, workers)}
    if threads > 1 and sizes.batch > 1:
        found["products, shared"] = Products(network(), chunk, workers, shared=True)
    if device == "cpu":
        found["textbook"] = Textbook(network(), chunk)
    try:
        import torch

        from minirnn.benchmarks.pytorch import PyTorch
    except ImportError:
        return found
    torch.set_num_threads(threads)
    return {**found, "PyTorch": PyTorch(network(), chunk, device)}


def compare(sizes, threads, device, rounds, what):
    """A row of the table: the median seconds of every contender. ``what``: "train" or "generate"."""
    found = contenders(sizes, threads, device)
    if what == "generate":
        found.pop("products, shared", None)
    calls = {name: synchronised(getattr(contender, what), device) for name, contender in found.items()}
    with threadpool_limits(threads, user_api="blas"):
        seconds = take_turns(calls, rounds)
    medians = {name: statistics.median(turns) for name, turns in seconds.items()}
    row = {
        "model": sizes.model, "step": what, "hidden": sizes.hidden, "batch": sizes.batch, "steps": sizes.steps,
        "threads": threads, "seconds": medians, "turns": seconds,
    }  # fmt: skip
    own = medians["package"]
    row["limit"] = min(value for name, value in medians.items() if name.startswith("products"))
    row["of the limit"] = row["limit"] / own
    row["ratios"] = {name: medians[name] / own for name in ("PyTorch", "textbook") if name in medians}
    return row


def synchronised(function, device):
    """``function`` that comes back when the GPU is done."""
    if device == "cpu":
        return function
    import cupy

    def wait():
        function()
        cupy.cuda.Device().synchronize()

    return wait


def grid(options):
    """The sizes to compare: one way at a time from the quick size on with --full, else all combinations."""
    if options.full:
        ways = [{**CENTRE, name: values} for name, values in FULL.items()]
    else:
        ways = [{name: getattr(options, name) or values for name, values in CENTRE.items()}]
    found = {}  # as an ordered set
    for model, way in itertools.product(options.models, ways):
        for hidden, batch, steps in itertools.product(*(way[name] for name in ("hidden", "batch", "steps"))):
            found[Sizes(model, hidden, batch, steps)] = None
    return list(found)


def jobs(options):
    """(sizes, threads, "train" or "generate") of every row; generation knows neither batch nor steps."""
    training = [(sizes, threads, "train") for threads in options.threads for sizes in grid(options)]
    generation = {(Sizes(s.model, s.hidden, 1, 1), threads, "generate"): None for s, threads, _ in training}
    return training + list(generation)


HEAD = f"{'':28}{'T':>5}{'B':>5}{'threads':>9}{'ms':>10}{'limit':>8}{'PyTorch':>9}{'textbook':>10}"


def table_line(row):
    """One line of the table."""
    label = f"{row['model']} {row['hidden']}, {'training' if row['step'] == 'train' else 'generation'}"
    ratios = "".join(
        f"{row['ratios'][name]:>{width}.2f}" if name in row["ratios"] else f"{'-':>{width}}"
        for name, width in (("PyTorch", 9), ("textbook", 10))
    )
    return (
        f"{label:28}{row['steps']:>5}{row['batch']:>5}{row['threads']:>9}{1000 * row['seconds']['package']:>10.2f}"
        f"{row['of the limit']:>8.0%}{ratios}"
    )


def summary(rows):
    """Geometric mean, least and greatest ratio of every group of rows, a line each."""
    lines = []
    for model, step in itertools.product(["CharRNN", "PenRNN"], ["train", "generate"]):
        group = [row for row in rows if (row["model"], row["step"]) == (model, step)]
        for name in ("PyTorch", "textbook"):
            ratios = [row["ratios"][name] for row in group if name in row["ratios"]]
            if ratios:
                mean = math.exp(statistics.fmean(map(math.log, ratios)))
                what = {"train": "training", "generate": "generation"}[step]
                lines.append(
                    f"{model} {what}: {mean:.2f} times the speed of {name} (geometric mean; from {min(ratios):.2f} "
                    f"to {max(ratios):.2f})"
                )
    return lines


def bench(options):
    """Compare, and print a line as soon as it is known -> what the JSON file holds."""
    backend.check_device(options.device)
    keep_freed_memory()
    machine = describe_machine(options.device)
    for name, value in machine.items():
        print(f"{name:12}{value}")
    print(f"\n{HEAD}", flush=True)
    rows = []
    with tqdm(jobs(options), unit="row", leave=False, dynamic_ncols=True) as bar:
        for sizes, threads, what in bar:
            rows.append(compare(sizes, threads, options.device, options.rounds, what))
            bar.write(table_line(rows[-1]), file=sys.stdout)
    print("\nlimit: share of the speed of the matrix products alone; PyTorch, textbook: how many times their speed\n")
    print(*summary(rows), sep="\n")
    return {"machine": {**machine, "at the end": describe_machine(options.device)["load"]}, "rows": rows}


def build_parser():
    """The `minirnn.arguments.Parser` of this command."""
    parser = Parser(
        prog="python -m minirnn.bench", description="Time training and generation beside PyTorch, a plain loop, and "
        "the matrix products alone. Milliseconds are medians of turns that are taken in one process."
    )  # fmt: skip
    sizes = parser.add_argument_group("sizes: all combinations of the lists (hidden 256, batch 64, 64 steps)")
    sizes.add_argument("--full", action="store_true", help="from there one way at a time: hidden 64 to 1024, batch 1 "
                       "to 256, 16 to 256 steps")  # fmt: skip
    for name in CENTRE:
        sizes.add_argument(f"--{name}", type=positive_int, nargs="+", metavar="N")
    sizes.add_argument("--models", nargs="+", choices=["CharRNN", "PenRNN"], default=["CharRNN", "PenRNN"])
    sizes.add_argument("--threads", type=positive_int, nargs="+", default=[1, 2], metavar="N")
    sizes.add_argument("--rounds", type=positive_int, default=9, help="turns of each contender (default 9)")
    sizes.add_argument("--device", choices=["cpu", "gpu"], default="cpu", help="gpu: CuPy against cuDNN")
    parser.add_argument("--json", metavar="FILE", help="all times, and the machine")
    parser.add_argument("--plot", type=picture, metavar="FILE", help="a picture: .png, .svg or .pdf")
    other = parser.add_argument_group("instead")
    other.add_argument("--scaling", type=picture, metavar="FILE",
                       help="plot time and memory of a training step against its sizes")  # fmt: skip
    other.add_argument("--corpus", type=positive_int, nargs="+", metavar="MB",
                       help="train on so many megabytes of text, each size in a process of its own")  # fmt: skip
    other.add_argument("--lines", type=positive_int, nargs="+", metavar="N",
                       help="train on so many lines of handwriting in the same way")  # fmt: skip
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
