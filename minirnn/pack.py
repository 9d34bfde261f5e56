"""Make the weights that ship with the package out of a run over many hands.

    python -m minirnn.pack runs/hand-1 --data ARCHIVES -o minirnn/weights/pen.npz

Of the run's many hands only some stay: the forms are grouped by how they look (slant, width of a letter, lifts a
character), and of each group the one that the network finds most regular, the one with the least nats a character, is
kept. Weights are stored in half precision.
"""

import argparse
import sys

import numpy as np
from scipy.cluster.vq import kmeans2, whiten
from tqdm import tqdm

from minirnn import backend, checkpoint
from minirnn.arguments import positive_int
from minirnn.datasets import load_samples
from minirnn.datasets.lines import ValidationLines
from minirnn.errors import MinirnnError, run_command
from minirnn.parallel import Workers
from minirnn.strokes import bounding_box, normalise
from minirnn.training import evaluate
from minirnn.writing import Writer

LINES = 4  # of a form that judge it
TIDY = 0.5  # of the forms, the more regular part, may be chosen


def looks(strokes, text):
    """How a normalised line looks: slant (dx/dy of what goes up or down), width and lifts a character -> (3,)."""
    moves = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
    steep = moves[np.abs(moves[:, 1]) > np.abs(moves[:, 0])]
    slant = (steep[:, 0] * np.sign(steep[:, 1])).sum() / max(1e-6, np.abs(steep[:, 1]).sum())
    x_min, _, x_max, _ = bounding_box(strokes)
    return np.array([slant, (x_max - x_min) / len(text), len(strokes) / len(text)])


def neat_hands(writer, samples, count, workers):
    """Choose ``count`` of the run's hands -> their groups, neat and unlike each other, the neatest first."""
    rows = {group: row for row, group in enumerate(writer.meta["hands"], start=1)}
    by_group = {}
    for sample in samples:
        if sample.group in rows and not writer.chars.unknown(sample.text):
            by_group.setdefault(sample.group, []).append(sample)
    by_group = {group: lines[:LINES] for group, lines in by_group.items() if len(lines) >= LINES}
    if len(by_group) < 2 * count:
        raise MinirnnError(f"{len(by_group)} hands with {LINES} lines are too few to choose {count} from")
    costs, features = [], []
    for group, lines in tqdm(by_group.items(), desc="hands"):
        judge = ValidationLines(lines, writer.chars, writer.pens, LINES, 128, {group: rows[group]})
        costs.append(evaluate(writer.network, judge, workers) * judge.symbols / judge.characters)
        features.append(np.mean([looks(normalise(line.strokes), line.text) for line in lines], axis=0))
    groups, costs = np.array(list(by_group)), np.array(costs)
    tidy = np.argsort(costs)[: int(TIDY * len(costs))]
    _, kind = kmeans2(whiten(np.array(features)[tidy]), count, minit="++", seed=0)
    # ``tidy`` is sorted by cost, so the first of each kind is its neatest.
    chosen = sorted(tidy[np.flatnonzero(kind == k)[0]] for k in range(count) if (kind == k).any())
    chosen.sort(key=lambda n: costs[n])
    return [(str(groups[n]), float(costs[n])) for n in chosen]


def pack(writer, groups, path):
    """Write the network with the hands ``groups`` only, in half precision."""
    rows = [0, *(1 + writer.meta["hands"].index(group) for group in groups)]
    params = dict(backend.flatten(writer.network.params))
    params["hand.E"] = params["hand.E"][rows]
    meta = {key: value for key, value in writer.meta.items() if key not in ("progress", "rows")}
    meta.update(network={**writer.network.settings, "hands": len(rows)}, hands=groups,
                neat_hands=list(range(1, len(rows))))  # fmt: skip
    arrays = {f"params.{name}": a.astype(np.float16) for name, a in params.items()}
    checkpoint.save(path, meta, {**arrays, "extra.lifts": writer.pens.lifts})


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m minirnn.pack", description="Make the weights that ship with the package out of a run."
    )
    parser.add_argument("run", help="folder of a run of minirnn.train --task hand --init scratch, or a checkpoint")
    parser.add_argument("--data", required=True, metavar="SOURCE", help="the handwriting that it was trained on")
    parser.add_argument("-o", "--out", required=True, help="the .npz to write")
    parser.add_argument("--hands", type=positive_int, default=16, help="how many hands to keep (default 16)")
    options = parser.parse_args(argv)
    writer = Writer(options.run)
    samples, _ = load_samples(options.data, progress=True)
    chosen = neat_hands(writer, samples, options.hands, Workers(2))
    for number, (group, cost) in enumerate(chosen, start=1):
        print(f"hand {number:2}  {group:10} {cost:6.2f} nats a character")
    pack(writer, [group for group, _ in chosen], options.out)
    print(options.out)


if __name__ == "__main__":
    sys.exit(run_command(main))
