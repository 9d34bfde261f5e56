"""How well a network predicts: nats, bits and perplexity a symbol.

    python -m minirnn.evaluate runs/text-1 --text FILE
"""

import argparse
import math
import sys

from minirnn import backend
from minirnn.datasets.text import ValidationText, read_text
from minirnn.errors import MinirnnError, run_command
from minirnn.generate import load_text_run
from minirnn.training import evaluate


def evaluate_text(run, path, device="cpu"):
    """Print what a character of the text in ``path`` costs the network of ``run``."""
    network, alphabet, _ = load_text_run(run, device)
    text = read_text(path)
    unknown = alphabet.unknown(text)
    if unknown:
        raise MinirnnError(
            f"{path} has characters that the network never saw: {' '.join(map(repr, unknown[:20]))}; remove them"
        )
    nats = evaluate(network, ValidationText(alphabet.encode(text), 32, 128, what=str(path)))
    print(f"{len(text):,} characters of {path}")
    print(f"{nats:.4f} nats a character")
    print(f"{nats / math.log(2):.4f} bits a character")
    print(f"{math.exp(nats):.3f} perplexity a character (a blind guess among {len(alphabet)}: {len(alphabet)})")


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m minirnn.evaluate", description="What a symbol of unseen text costs a trained network."
    )
    parser.add_argument("run", help="folder of the run, or a checkpoint")
    parser.add_argument("--text", required=True, metavar="FILE", help="text to judge by, UTF-8")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args(argv)
    backend.check_device(options.device)
    evaluate_text(options.run, options.text, options.device)


if __name__ == "__main__":
    sys.exit(run_command(main))
