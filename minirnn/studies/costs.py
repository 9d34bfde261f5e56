"""What lines of handwriting cost a network that writes, with their texts and without; and how they look."""

import numpy as np
from scipy.special import log_softmax
from tqdm import tqdm

from minirnn.datasets.line_batches import blank, collate, cut, encode_text
from minirnn.ink.strokes import bounding_box, normalise, slant

BATCH, STEPS = 48, 128  # lines at once, and steps of them


def looks(strokes, text):
    """How a normalised line looks: slant (dx/dy of what goes up or down), width and lifts a character -> (3,)."""
    x_min, _, x_max, _ = bounding_box(strokes)
    return np.array([slant(strokes), (x_max - x_min) / len(text), len(strokes) / len(text)])


def line_costs(network, batch):
    """What each line of a batch of `minirnn.datasets.line_batches.collate` costs the network -> (B,) nats."""
    T, B = batch["x"].shape
    costs, state = np.zeros(B), network.start(B)
    for start in range(0, T, STEPS):
        chunk = cut(batch, start, start + STEPS)
        logits, _, state, _ = network.forward(chunk, state)
        log_p = np.take_along_axis(log_softmax(logits, axis=2), chunk["y"][:, :, None], axis=2)[:, :, 0]
        costs -= (log_p * chunk["mask"]).sum(axis=0)
    return costs


def information(writer, samples, rows, workers):
    """How many nats the text tells of each line: its cost without the text minus that with it -> (N,)."""
    lines = [writer.pens.encode(normalise(sample.strokes)) for sample in samples]
    order = np.argsort([len(line) for line in lines], kind="stable")
    parts = np.split(order, range(BATCH, len(order), BATCH))

    def told(part):
        texts = [encode_text(writer.chars, samples[i].text) for i in part]
        batch = collate([lines[i] for i in part], texts, [rows[i] for i in part], writer.pens)
        return line_costs(writer.network, {**batch, "text": blank(batch["text"])}) - line_costs(writer.network, batch)

    nats = np.empty(len(lines))
    with tqdm(total=len(parts), desc="hands", unit="batch") as bar:
        for few in np.array_split(np.arange(len(parts)), -(-len(parts) // workers.count)):
            for n, values in zip(few, workers.map(told, [parts[n] for n in few])):
                nats[parts[n]] = values
            bar.update(len(few))
    return nats
