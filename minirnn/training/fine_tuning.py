"""Learning one hand from few lines, starting from trained weights: what is done otherwise than for many hands.

All lines are taken to be of one hand, which gets a row of its own among the network's hands. It starts as the row that
predicts the lines best, and then every weight moves, a little.
"""

import numpy as np

from minirnn import backend
from minirnn.datasets import split_by_group
from minirnn.datasets.line_batches import ValidationLines
from minirnn.ink.strokes import augment, elastic
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training.trainer import evaluate

# Where the settings of minirnn.train are others: small steps, since the network can write already. (With steps of 1e-3,
# three to five lines of a form made its other lines dearer by 1 to 2% as the pen recorded them; with 2e-4, cheaper.)
# Without dropout, forty lines of a hand made others of it cheaper by 8.9% instead of 10.1%.
FINE_TUNING = {
    "lr": 6e-4, "epochs": 8.0, "batch": 16, "steps_per_chunk": 128, "dropout": 0.2, "ema": 0.95, "warmup": 5,
}  # fmt: skip
ENOUGH = 10  # lines, of which some can be spared to judge by
# Lines that an epoch has at least; if there are fewer, each comes several times, changed at random. Where no line can
# be spared to tell when to stop, the epochs are short.
AN_EPOCH, A_SHORT_EPOCH = 150, 48
TRIED = 6  # lines that choose the row to start from


def split_lines(samples, fraction, seed):
    """(lines to learn from, lines to judge by). The split goes by groups if that leaves some on both sides, else by
    lines; of fewer than `ENOUGH` all are for learning, and the same ones judge."""
    learn, judge = split_by_group(samples, fraction, seed)
    if len(samples) < ENOUGH:
        return samples, samples
    if learn and judge:
        return learn, judge
    order = np.random.default_rng(seed).permutation(len(samples))
    count = max(1, round(fraction * len(samples)))
    return [samples[i] for i in order[count:]], [samples[i] for i in order[:count]]


def another_time(strokes, rng):
    """The normalised line as the same hand might have written it another time: hardly another slant, another size."""
    return elastic(augment(strokes, rng, slant=0.03, scale=0.03), rng)


def copies(lines):
    """How often each of so many lines comes in an epoch."""
    return max(1.0, (AN_EPOCH if lines >= ENOUGH else A_SHORT_EPOCH) / lines)


def nearest_hand(writer, samples):
    """Of the writer's hands and row 0, which is any hand, the row that predicts the first of ``samples`` best."""
    lines, rows = samples[:TRIED], sorted({0, *writer.hands})
    costs = []
    for row in rows:
        judge = ValidationLines(lines, writer.chars, writer.pens, TRIED, 128, {s.group: row for s in lines})
        costs.append(evaluate(writer.network, judge))
    return rows[int(np.argmin(costs))]


def with_another_hand(network, row, **changes):
    """A copy of a PenRNN with one hand more, which is like the hand ``row``; ``changes`` of its settings."""
    hands = network.settings["hands"]
    copy = PenRNN(**{**network.settings, **changes, "hands": hands + 1})
    params = dict(backend.flatten(network.params))
    rows = params["hand.E"]
    params["hand.E"] = np.concatenate([rows, rows[row : row + 1]])
    copy.load_params(params)
    return copy
