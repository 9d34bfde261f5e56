"""Fine-tuning: learning one hand from few lines, starting from trained weights.

All lines are taken to be of one hand, which gets a row of its own among the network's hands. This row starts as a copy
of the row that predicts the lines best; then all weights are trained, with small steps.
"""

import numpy as np

from minirnn import backend
from minirnn.datasets import split_by_group
from minirnn.datasets.line_batches import ValidationLines
from minirnn.ink.strokes import augment, elastic
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training.trainer import evaluate

# The settings of minirnn.train that differ. The steps are small, since the network can write already: with a learning
# rate of 1e-3, three to five lines of a form raised the loss on its other lines, as the pen recorded them, by 1 to 2%;
# with 2e-4 they lowered it. Without dropout, forty lines of a hand lowered the loss on its other lines by 8.9% instead
# of 10.1%.
FINE_TUNING = {"lr": 6e-4, "epochs": 8.0, "batch": 16, "steps_per_chunk": 128, "dropout": 0.2, "ema": 0.95, "warmup": 5}
ENOUGH = 10  # lines, of which some can be spared for validation
# The least number of lines in an epoch; if there are fewer, each comes several times, changed at random. If no line can
# be spared for early stopping, the epochs are short.
AN_EPOCH, A_SHORT_EPOCH = 150, 48
TRIED = 6  # lines on which the row to start from is chosen


def split_lines(samples, fraction, seed):
    """(training lines, validation lines). The split goes by groups if that leaves some on both sides, else by lines.
    Fewer than `ENOUGH` lines are all used for both."""
    training, validation = split_by_group(samples, fraction, seed)
    if len(samples) < ENOUGH:
        return samples, samples
    if training and validation:
        return training, validation
    order = np.random.default_rng(seed).permutation(len(samples))
    count = max(1, round(fraction * len(samples)))
    return [samples[i] for i in order[count:]], [samples[i] for i in order[:count]]


def augment_slightly(strokes, rng):
    """The normalised line as the same hand might write it at another time, with nearly the same slant and size."""
    return elastic(augment(strokes, rng, slant=0.03, scale=0.03), rng)


def copies(lines):
    """How often each line comes in an epoch if there are ``lines`` of them."""
    return max(1.0, (AN_EPOCH if lines >= ENOUGH else A_SHORT_EPOCH) / lines)


def nearest_hand(writer, samples):
    """The row that predicts the first of ``samples`` best, among the writer's hands and the generic hand, row 0."""
    lines, rows = samples[:TRIED], sorted({0, *writer.hands})
    costs = []
    for row in rows:
        validation = ValidationLines(lines, writer.chars, writer.pens, TRIED, 128, {s.group: row for s in lines})
        costs.append(evaluate(writer.network, validation))
    return rows[int(np.argmin(costs))]


def with_another_hand(network, row, **changes):
    """A copy of a PenRNN with one more hand, equal to the hand ``row``; ``changes`` are changed settings."""
    hands = network.settings["hands"]
    copy = PenRNN(**{**network.settings, **changes, "hands": hands + 1})
    params = dict(backend.flatten(network.params))
    rows = params["hand.E"]
    params["hand.E"] = np.concatenate([rows, rows[row : row + 1]])
    copy.load_params(params)
    return copy
