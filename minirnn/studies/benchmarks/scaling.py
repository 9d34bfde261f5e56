"""Time and memory of a training step against its sizes, one at a time. In T, B, V and the number of layers they should
be straight lines; in H, where matrices have H² weights and a state has H units, a parabola.

A small batch does not occupy a matrix product fully, and a step has costs of its own that depend on no size. So the
lines need not go through zero.
"""

import dataclasses
import statistics
import tracemalloc

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from minirnn.studies.benchmarks.minirnn_steps import Package
from minirnn.studies.benchmarks.sizes import Sizes, make_chunk, make_network
from minirnn.studies.benchmarks.timing import take_turns
from minirnn.training.threads import Workers, keep_freed_memory

CENTRE = {"hidden": 128, "batch": 32, "steps": 64, "layers": 2, "V": 128}
WAYS = {
    "steps": ("T, steps", [32, 64, 128, 192, 256]),
    "batch": ("B, sequences", [16, 32, 64, 96, 128]),
    "hidden": ("H, hidden units", [64, 128, 256, 384, 512]),
    "V": ("V, symbols", [64, 128, 512, 1024, 2048]),
    "layers": ("layers", [1, 2, 3, 4, 6]),
}


@dataclasses.dataclass
class Series:
    """What was measured along one size."""

    name: str
    sizes: list
    milliseconds: list  # of a training step
    megabytes: list  # the most memory that a step holds at one time, without weights and moments
    degree: int  # of the polynomial that theory expects

    def fit(self, values):
        """The polynomial, fitted so that relative errors count, and its largest relative error."""
        values = np.asarray(values, float)
        curve = np.polynomial.Polynomial.fit(self.sizes, values, self.degree, w=1 / values)
        return curve, float(np.abs(curve(np.asarray(self.sizes)) / values - 1).max())


def measure(rounds, model="CharRNN"):
    """Measure every way, on one thread -> list of `Series`."""
    keep_freed_memory()
    series = []
    with threadpool_limits(1, user_api="blas"), tqdm(WAYS.items(), unit="way", leave=False) as ways:
        for key, (name, values) in ways:
            steps = {value: training(Sizes(model, **{**CENTRE, key: value})) for value in values}
            seconds = take_turns({value: package.train for value, package in steps.items()}, rounds)
            milliseconds = [1000 * statistics.median(seconds[value]) for value in values]
            megabytes = [peak_memory(package) / 1e6 for package in steps.values()]
            series.append(Series(name, values, milliseconds, megabytes, 2 if key == "hidden" else 1))
    return series


def training(sizes):
    """A `Package` of these sizes, on one thread."""
    return Package(make_network(sizes), make_chunk(sizes), Workers(1))


def peak_memory(package):
    """Bytes: the most that a training step holds at one time beyond what is there before it."""
    package.train()
    tracemalloc.start()
    package.train()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def table(series):
    """The measured values and how far they are from the curve, as lines of text."""
    for one in series:
        yield f"{one.name:18}" + "".join(f"{size:>9,}" for size in one.sizes)
        for label, values in (("  ms per step", one.milliseconds), ("  MB at most", one.megabytes)):
            measured = "".join(f"{value:>9.1f}" for value in values)
            shape = "line" if one.degree == 1 else "parabola"
            yield f"{label:18}{measured}   {shape}, off by {one.fit(values)[1]:.0%} at most"
