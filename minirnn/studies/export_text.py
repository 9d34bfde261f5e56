"""Make the weights of the network of text that ship with the package out of a run of minirnn.train --text.

    python -m minirnn.studies.export_text runs/text-1 -o minirnn/weights/text.npz

Weights are stored in half precision, without what only training needs: the loss on the validation text does not change
in its third decimal place, and the file is half as large.
"""

import pathlib
import sys

import numpy as np

from minirnn import backend
from minirnn.arguments import Parser
from minirnn.errors import run_command
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.rebuild import load


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.export_text", description="Make the weights of the network of text "
                    "that ship with the package out of a run.")  # fmt: skip
    parser.add_argument("run", help="folder of a run of minirnn.train --text, or a checkpoint")
    parser.add_argument("-o", "--out", required=True, help="where to write the weights")
    options = parser.parse_args(argv)
    trained = load(options.run, CharRNN.kind)
    meta = {key: value for key, value in trained.meta.items() if key not in ("progress", "rows")}
    arrays = {f"params.{name}": a.astype(np.float16) for name, a in backend.flatten(trained.network.params).items()}
    checkpoint.save(options.out, meta, arrays)
    size = pathlib.Path(options.out).stat().st_size
    print(f"{options.out}: {trained.network.count():,} weights, {size / 1e6:.1f} MB, "
          f"{len(trained.chars)} characters")  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_command(main))
