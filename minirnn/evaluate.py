"""How well a network predicts: nats, bits and perplexity a symbol.

    python -m minirnn.evaluate runs/text-1 --text FILE
    python -m minirnn.evaluate --task hand --data ARCHIVES      the shipped weights on the forms they never saw
    python -m minirnn.evaluate runs/hand-1 --task hand --data SAMPLES
"""

import sys

from minirnn import backend
from minirnn.arguments import Parser, probability
from minirnn.errors import MinirnnError, run_command
from minirnn.training.evaluation import evaluate_hand, evaluate_text


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.evaluate", description="What a symbol of unseen text costs a trained network."
    )
    parser.add_argument("run", nargs="?", help="folder of the run, or a checkpoint; of --task hand also nothing")
    parser.add_argument("--task", choices=["text", "hand"], default="text")
    parser.add_argument("--text", metavar="FILE", help="text to judge by, UTF-8")
    parser.add_argument("--data", metavar="SOURCE", help="handwriting to judge by")
    parser.add_argument("--held-out", type=probability, help="which part of the groups of --data; 1: all")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args(argv)
    backend.check_device(options.device)
    if options.task == "text":
        if options.run is None or options.text is None:
            raise MinirnnError("to judge a text network, give its run and --text FILE")
        evaluate_text(options.run, options.text, options.device)
    else:
        if options.data is None:
            raise MinirnnError("to judge a hand, give --data: IAM-OnDB's folder, a .jsonl file, or .inkml files")
        evaluate_hand(options.run, options.data, options.held_out, options.device)


if __name__ == "__main__":
    sys.exit(run_command(main))
