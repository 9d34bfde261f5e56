"""The settings of a run over a text that nobody has given: a rule, by its length, the time and the machine.

    N   characters to learn from                     given by the files
    S   characters that will be seen, repeats too    --epochs: epochs N; --steps: 2,048 per step; --minutes: below
    W   weights of the recurrent layers              what the rule looks for

    width      the largest of `WIDTHS` with W ≤ S / 2.35 and W ≤ 4 N: every weight needs characters to be learned from;
               without --minutes at most 256
    cell       GRU up to S = 6 million, LSTM above: a GRU learns faster, an LSTM further
    batch      so many streams of 64 steps that a step sees about 0.7 √S characters: a short run needs many small steps
    lr         1.1 / width, at most 0.004: the wider a layer, the more its sum changes when all weights do
    dropout    by the epochs S / N: 0 below 2, 0.1 below 6, 0.2 up to 12, then 0.35: what is seen once cannot be
               learned by heart
    evaluations  1.5 per epoch, from 2 to 10, since each reads the whole validation part

A budget in minutes becomes S by the speed of the machine. A character costs 6 W operations (two for each weight
forward, four back), so that S = 60 minutes F / (6 W), where F is what the machine reaches. F is measured in the first
moment, as the speed of one matrix product, of which training reaches 0.6. What is given as an option stays as given.
"data/measurements.md" has the table that the numbers come from.
"""

import math
import os
import time

import numpy as np

from minirnn.datasets.text import text_files
from minirnn.training.settings import DataSettings, NetworkSettings, TrainingSettings

WIDTHS = (64, 96, 128, 192, 256, 384, 512, 768)
UNTIMED = 256  # the largest width of a run that nobody has given a time, so that it does not take a day
FEW = 6_000_000  # characters to be seen, up to which a GRU is taken
PER_WEIGHT, PER_CHARACTER = 2.35, 4  # characters to be seen per weight; weights per character to learn from
REACHED = 0.6  # of the speed of a product, in training
GPU = 1e13  # operations per second that are taken to be reached on a GPU
GATES = {"gru": 3, "lstm": 4, "rnn": 1}


def text_defaults(options):
    """{name: value} of the settings of a run over a text that the ``options`` {name: value} leave open."""
    files = [file for file in text_files(options["text"]) if os.path.isfile(file)]
    held_out = options.get("held_out", DataSettings.held_out)
    N = max(1, int(sum(map(os.path.getsize, files)) * (1 - held_out)))
    rate = None
    if options.get("minutes"):
        threads = options.get("threads", TrainingSettings.threads)
        rate = GPU if options.get("device") == "gpu" else REACHED * threads * product_speed()
    return {name: value for name, value in rule(N, options, rate).items() if name not in options}


def rule(N, options, rate=None):
    """The settings {name: value} for a text of ``N`` characters, see above. ``rate``: operations per second that are
    reached, which only a run of so many minutes needs."""

    def seen(W):
        if options.get("minutes"):
            return 60 * options["minutes"] * rate / (6 * W)
        if options.get("steps"):
            return options["steps"] * options.get("batch", 32) * options.get("steps_per_chunk", 64)
        return options["epochs"] * N

    def widest(cell):
        most = math.inf if options.get("minutes") else UNTIMED
        sizes = [(width, weights(cell, width, options)) for width in WIDTHS if width <= most]
        fit = [width for width, W in sizes if seen(W) >= PER_WEIGHT * W and W <= PER_CHARACTER * N]
        return fit[-1] if fit else WIDTHS[0]

    few = seen(weights("gru", widest("gru"), options)) <= FEW
    cell = options.get("cell", "gru" if few else "lstm")
    width = options.get("hidden", widest(cell))
    S = seen(weights(cell, width, options))
    epochs = S / N
    streams = 0.7 * math.sqrt(S) / 64
    return {
        "cell": cell, "hidden": width, "batch": min(64, max(16, 8 * round(streams / 8))), "steps_per_chunk": 64,
        "lr": min(0.004, float(f"{1.1 / width:.2g}")),
        "dropout": 0.0 if epochs < 2 else 0.1 if epochs < 6 else 0.2 if epochs <= 12 else 0.35,
        "evaluations": min(10, max(2, round(1.5 * epochs))),
    }  # fmt: skip


def weights(cell, width, options):
    """W, how many weights the recurrent layers have; those of a cell of one's own are counted as an LSTM's."""
    layers, embed = (options.get(name, getattr(NetworkSettings, name)) for name in ("layers", "embed"))
    return GATES.get(cell, 4) * width * (embed + (2 * layers - 1) * width)


def product_speed():
    """Operations per second of a matrix product of (64, 512) with (512, 2048), the best of some."""
    x, W = np.ones((64, 512), np.float32), np.ones((512, 2048), np.float32)
    out, best = np.empty((64, 2048), np.float32), math.inf
    for _ in range(12):
        started = time.perf_counter()
        np.matmul(x, W, out=out)
        best = min(best, time.perf_counter() - started)
    return 2 * 64 * 512 * 2048 / best
