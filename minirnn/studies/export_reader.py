"""Make the weights for reading that ship with the package out of a run of minirnn.train --task read.

    python -m minirnn.studies.export_reader runs/read-1 --data ARCHIVES -o minirnn/weights/reader.npz

The weight of the language model and the bonus of every character are chosen on lines of people whom the network has
never seen: those of a grid with which the fewest characters are read wrongly. Weights are stored in half precision.
"""

import itertools
import sys

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from minirnn import backend
from minirnn.arguments import Parser, positive_int
from minirnn.datasets import load_samples
from minirnn.datasets.writers import split_by_people
from minirnn.errors import MinirnnError, run_command
from minirnn.networks import checkpoint
from minirnn.reading.decoding import WIDTH, beam_search, errors
from minirnn.reading.reader import Reader

WEIGHTS = (0.15, 0.3, 0.45, 0.6, 0.8)
BONUSES = (0.0, 0.5, 1.0, 1.5)


def choose(reader, samples):
    """The (weight, bonus) of the grid with the smallest character error on ``samples``; prints all of them."""
    found = {}
    lines = list(reader.log_probabilities([sample.strokes for sample in samples]))
    for weight, bonus in tqdm(list(itertools.product(WEIGHTS, BONUSES)), unit="pair"):
        wrong = 0
        for sample, (_, log_p) in zip(samples, lines):
            with threadpool_limits(1, user_api="blas"):
                _, ids = beam_search(log_p, WIDTH, reader.language, weight, bonus)[0]
            wrong += errors(sample.text, reader.chars.decode(np.array(ids, int) - 1))
        found[weight, bonus] = wrong / sum(len(sample.text) for sample in samples)
        print(f"weight {weight:4.2f}  bonus {bonus:4.2f}  character error {found[weight, bonus]:.4f}")
    return min(found, key=found.get)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.export_reader",
        description="Make the weights for reading that ship with the package out of a run.",
    )
    parser.add_argument("run", help="folder of a run of minirnn.train --task read, or a checkpoint")
    parser.add_argument(
        "--data", metavar="SOURCE", nargs="+", default=[], help="the handwriting that it was trained on"
    )
    parser.add_argument("--language-model", metavar="RUN", help="by default the one that comes with the package")
    parser.add_argument("--lines", type=positive_int, default=100, help="of each source to choose on (default 100)")
    parser.add_argument("-o", "--out", required=True, help="where to write the weights")
    options = parser.parse_args(argv)
    # Without data to choose on, no weight is chosen, and the defaults of `minirnn.reading.reader` hold.
    reader = Reader(options.run, options.language_model or (None if options.data else False))
    chosen = {}
    if reader.language is not None:
        samples = []
        for source in options.data:
            _, part = split_by_people(load_samples(source)[0], source, reader.meta["held_out"], reader.meta["seed"])
            samples += part[:: -(-len(part) // options.lines)]
        if not samples:
            raise MinirnnError("to choose the weight of the language model, give --data with people held out")
        weight, bonus = choose(reader, samples)
        chosen = {"language_weight": weight, "language_bonus": bonus}
    meta = {key: value for key, value in reader.meta.items() if key not in ("progress", "rows")}
    arrays = {f"params.{name}": a.astype(np.float16) for name, a in backend.flatten(reader.network.params).items()}
    checkpoint.save(options.out, {**meta, **chosen}, {**arrays, "extra.lifts": reader.pens.lifts})
    print(f"{options.out}: {reader.network.count():,} weights, {chosen or 'no language model'}")


if __name__ == "__main__":
    sys.exit(run_command(main))
