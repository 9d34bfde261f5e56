"""The table of speeds: every contender at every size, taking turns, and a summary."""

import itertools
import math
import statistics
import sys

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from minirnn import backend
from minirnn.studies.benchmarks.machine import describe_machine
from minirnn.studies.benchmarks.minirnn_steps import Package
from minirnn.studies.benchmarks.products import Products
from minirnn.studies.benchmarks.sizes import Sizes, make_chunk, make_network
from minirnn.studies.benchmarks.textbook import Textbook
from minirnn.studies.benchmarks.timing import take_turns
from minirnn.training.threads import Workers, keep_freed_memory

# The sizes without options; and those of --full, which changes one of them at a time, up to the largest that are usual.
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

        from minirnn.studies.benchmarks.pytorch_steps import PyTorch, by_cells
    except ImportError:
        return found
    torch.set_num_threads(threads)
    found["PyTorch"] = PyTorch(network(), chunk, device)
    found["PyTorch, cells"] = PyTorch(network(), chunk, device, by_cells)
    return found


def compare(sizes, threads, device, rounds, what):
    """A row of the table: the median seconds of every contender. ``what``: "train" or "generate"."""
    found = contenders(sizes, threads, device)
    found.pop("products, shared" if what == "generate" else "PyTorch, cells", None)
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
    row["ratios"], row["ranges"] = {}, {}
    for name in ("PyTorch", "textbook"):
        ways = [way for way in medians if way.startswith(name)]
        if ways:
            fastest = min(ways, key=medians.get)
            turns = [theirs / ours for theirs, ours in zip(seconds[fastest], seconds["package"])]
            row["ratios"][name], row["ranges"][name] = medians[fastest] / own, [min(turns), max(turns)]
    return row


def synchronised(function, device):
    """``function``, changed so that it returns only when the GPU has finished."""
    if device == "cpu":
        return function
    import cupy

    def wait():
        function()
        cupy.cuda.Device().synchronize()

    return wait


def grid(options):
    """The sizes to compare: with --full one size is changed at a time, otherwise these are all combinations."""
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
    """(sizes, threads, "train" or "generate") of every row; generation has neither batch nor steps."""
    training = [(sizes, threads, "train") for threads in options.threads for sizes in grid(options)]
    generation = {(Sizes(s.model, s.hidden, 1, 1), threads, "generate"): None for s, threads, _ in training}
    return [job for job in [*training, *generation] if job[2] in options.measure]


HEAD = f"{'':28}{'T':>5}{'B':>5}{'threads':>9}{'ms':>10}{'limit':>8}{'PyTorch':>20}{'textbook':>20}"


def table_line(row):
    """One line of the table."""
    label = f"{row['model']} {row['hidden']}, {'training' if row['step'] == 'train' else 'generation'}"
    ratios = "".join(f"{ratio_text(row, name):>20}" for name in ("PyTorch", "textbook"))
    return (
        f"{label:28}{row['steps']:>5}{row['batch']:>5}{row['threads']:>9}{1000 * row['seconds']['package']:>10.2f}"
        f"{row['of the limit']:>8.0%}{ratios}"
    )


def ratio_text(row, name):
    """How many times the speed of the contender ``name``, with the range over the turns; a dash if it took no part."""
    if name not in row["ratios"]:
        return "-"
    low, high = row["ranges"][name]
    return f"{row['ratios'][name]:.2f} ({low:.2f}-{high:.2f})"


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
    """Compare, and print each line as soon as it is known -> the content of the JSON file."""
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
    print("\nlimit: share of the speed of the matrix products alone; PyTorch, textbook: how many times their speed,")
    print("and in brackets the least and the greatest ratio of a turn\n")
    print(*summary(rows), sep="\n")
    return {"machine": {**machine, "at the end": describe_machine(options.device)["load"]}, "rows": rows}
