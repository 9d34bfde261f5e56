"""How well a network predicts: nats, bits and perplexity per symbol.

    python -m minirnn.evaluate runs/text-1 --text FILE
    python -m minirnn.evaluate --task hand --data ARCHIVES      the shipped weights on the forms they never saw
    python -m minirnn.evaluate runs/hand-1 --task hand --data SAMPLES
    python -m minirnn.evaluate --task read --data ARCHIVES      character and word error on people it never saw
"""

import sys

from minirnn import backend
from minirnn.arguments import Parser, positive_int, probability
from minirnn.errors import MinirnnError, run_command
from minirnn.networks.own_cell import load_cell
from minirnn.reading.reader import add_language_options, language_of
from minirnn.training.evaluation import evaluate_hand, evaluate_reading, evaluate_text


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.evaluate",
        description="What a symbol of unseen text or handwriting costs a trained network, and how well it reads.",
    )
    parser.add_argument("run", nargs="?", help="folder of the run, or a checkpoint; for handwriting also nothing")
    parser.add_argument("--task", choices=["text", "hand", "read"], default="text")
    parser.add_argument("--text", metavar="FILE", nargs="+", help="texts to evaluate on, files or folders of .txt")
    parser.add_argument("--encoding", help="of the texts, such as cp1252; by default it is recognised")
    parser.add_argument("--skip-unknown", action="store_true", help="leave out characters that the network never saw")
    parser.add_argument("--data", metavar="SOURCE", nargs="+", help="handwriting to evaluate on; to read, also several")
    parser.add_argument("--held-out", type=probability, help="which part of the groups of --data; 1: all")
    parser.add_argument("--lines", type=positive_int, help="read at most N lines of each source", metavar="N")
    parser.add_argument("--cell-from", metavar="FILE", help="the file that defines a cell of its own")
    add_language_options(parser)
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args(argv)
    backend.check_device(options.device)
    if options.cell_from:
        load_cell(options.cell_from)
    if options.task == "text":
        if options.run is None or options.text is None:
            raise MinirnnError("to evaluate a network of text, give its run and --text FILE")
        evaluate_text(options.run, options.text, options.device, options.skip_unknown, options.encoding)
        return
    if options.data is None:
        raise MinirnnError(f"--task {options.task} needs --data: IAM-OnDB's folder, a .jsonl file, or .inkml files")
    if options.task == "read":
        evaluate_reading(
            options.run, options.data, options.held_out, options.device, language_of(options), options.lines
        )
    elif len(options.data) > 1:
        raise MinirnnError("--task hand evaluates on one source; give --data once")
    else:
        evaluate_hand(options.run, options.data[0], options.held_out, options.device)


if __name__ == "__main__":
    sys.exit(run_command(main))
