"""Make the weights that ship with the package out of a run over many hands.

    python -m minirnn.studies.export runs/hand-1 --data ARCHIVES -o minirnn/weights/pen.npz

Of the run's many hands only some stay: the forms are grouped by how they look (slant, width of a letter, lifts a
character), and of each group the most legible is kept: the one whose writing the text explains best, by the nats that a
character of it costs the network less when it sees the text than when it does not. With these hands some lines are
written, to learn how long the pen takes for each character (`minirnn.writing.judging.unevenness`). Weights are
stored in half precision.

A hand's row is learned from the few lines of one form, and seen often enough the network knows these by heart: new
texts it then writes worse than "any hand", row 0, does. So all rows are moved towards row 0, to ``--strength`` of their
distance from it.
"""

import sys

import numpy as np
from scipy.cluster.vq import kmeans2, whiten
from scipy.special import log_softmax
from tqdm import tqdm

from minirnn import backend
from minirnn.arguments import Parser, positive_int, probability
from minirnn.datasets import load_samples
from minirnn.datasets.line_batches import blank, collate, cut, encode_text
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.strokes import bounding_box, normalise, slant
from minirnn.networks import checkpoint
from minirnn.training.threads import Workers
from minirnn.writing.hands import SIDE_BY_SIDE, Writer
from minirnn.writing.judging import symbols_of_characters
from minirnn.writing.pen import write_lines

LINES = 4  # of a form that judge it
LEGIBLE = 0.25  # of the forms, the more legible part, may be chosen
BATCH, STEPS = 48, 128  # lines judged at once, and steps of them
WRITTEN = 480  # lines that show the pace of the pen


def weaken_hands(writer, strength):
    """Move all hands of a `Writer` towards any hand: 1 leaves them where they are, 0 makes them all row 0."""
    E = writer.network.params["hand"]["E"]
    E[:] = E[:1] + strength * (E - E[:1])


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


def legible_hands(writer, samples, count, workers):
    """Choose ``count`` of the run's hands, legible and unlike each other -> [(group, nats told a character)], the most
    legible first."""
    rows = {group: row for row, group in enumerate(writer.meta["hands"], start=1)}
    by_group = {}
    for sample in samples:
        if sample.group in rows and not writer.chars.unknown(sample.text):
            by_group.setdefault(sample.group, []).append(sample)
    by_group = {group: lines[:LINES] for group, lines in by_group.items() if len(lines) >= LINES}
    if len(by_group) < 2 * count:
        raise MinirnnError(f"{len(by_group)} hands with {LINES} lines are too few to choose {count} from")
    lines = [line for group in by_group.values() for line in group]
    nats = information(writer, lines, [rows[line.group] for line in lines], workers).reshape(-1, LINES).sum(axis=1)
    told = nats / [sum(len(line.text) for line in group) for group in by_group.values()]
    features = np.array([looks(normalise(line.strokes), line.text) for line in lines])
    features = features.reshape(len(by_group), LINES, -1).mean(axis=1)
    # Sorted by legibility, so that the first of each kind is its most legible.
    legible = np.argsort(-told)[: max(count, int(LEGIBLE * len(told)))]
    _, kind = kmeans2(whiten(features[legible]), count, minit="++", seed=0)
    chosen = sorted(np.flatnonzero(kind == k)[0] for k in range(count) if (kind == k).any())
    groups = list(by_group)
    return [(groups[legible[n]], float(told[legible[n]])) for n in chosen]


def usual_pace(writer, rows, samples, seed=0):
    """{character: the median number of symbols that the hands ``rows`` spend on it}, from writing some texts of
    ``samples``."""
    rng, spent = np.random.default_rng(seed), {}
    texts = [sample.text for sample in samples if not writer.unknown(sample.text)]
    texts = sorted(rng.choice(texts, min(WRITTEN, len(texts)), replace=False).tolist(), key=len)
    for start in tqdm(range(0, len(texts), SIDE_BY_SIDE), desc="pace", unit="batch"):
        part = texts[start : start + SIDE_BY_SIDE]
        hands = rng.choice(rows, len(part))
        for line in write_lines(writer.network, writer.chars, writer.pens, part, hands, rng):
            for c, symbols in zip(line.text, symbols_of_characters(line)):
                spent.setdefault(c, []).append(symbols)
    return {c: round(float(np.median(values)), 2) for c, values in sorted(spent.items()) if c != " "}


def pack(writer, groups, pace, path):
    """Write the network with the hands ``groups`` only, in half precision."""
    rows = [0, *(1 + writer.meta["hands"].index(group) for group in groups)]
    params = dict(backend.flatten(writer.network.params))
    params["hand.E"] = params["hand.E"][rows]
    meta = {key: value for key, value in writer.meta.items() if key not in ("progress", "rows")}
    meta.update(network={**writer.network.settings, "hands": len(rows)}, hands=groups,
                neat_hands=list(range(1, len(rows))), pace=pace)  # fmt: skip
    arrays = {f"params.{name}": a.astype(np.float16) for name, a in params.items()}
    checkpoint.save(path, meta, {**arrays, "extra.lifts": writer.pens.lifts})


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.export", description="Make the weights that ship with the package out of a run."
    )
    parser.add_argument("run", help="folder of a run of minirnn.train --task hand --init scratch, or a checkpoint")
    parser.add_argument("--data", required=True, metavar="SOURCE", help="the handwriting that it was trained on")
    parser.add_argument("-o", "--out", required=True, help="the .npz to write")
    parser.add_argument("--hands", type=positive_int, default=16, help="how many hands to keep (default 16)")
    parser.add_argument("--groups", nargs="+", metavar="GROUP", help="keep the hands of these forms, and choose none")
    parser.add_argument("--strength", type=probability, default=0.35, help="of hands beside any hand (default 0.35)")
    options = parser.parse_args(argv)
    writer = Writer(options.run, likeness=1.0)
    weaken_hands(writer, options.strength)
    samples, _ = load_samples(options.data, progress=True)
    groups = options.groups
    if groups is None:
        chosen = legible_hands(writer, samples, options.hands, Workers(2))
        for number, (group, told) in enumerate(chosen, start=1):
            print(f"hand {number:2}  {group:10} {told:6.2f} nats told by a character of the text")
        groups = [group for group, _ in chosen]
    for group in set(groups) - set(writer.meta["hands"]):
        raise MinirnnError(f"{options.run} has no hand {group}; name forms that it was trained on")
    rows = [1 + writer.meta["hands"].index(group) for group in groups]
    pack(writer, groups, usual_pace(writer, rows, samples), options.out)
    print(options.out)


if __name__ == "__main__":
    sys.exit(run_command(main))
