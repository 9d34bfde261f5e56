"""Every command of the package, in one table.

    python -m minirnn                            list them
    python -m minirnn write "Hello" -o a.png     run one; after installation also: minirnn write "Hello" -o a.png
    python -m minirnn.write "Hello" -o a.png     the same
"""

import importlib
import sys

from minirnn.arguments import Parser
from minirnn.errors import MinirnnError, run_command

COMMANDS = {
    "train": "learn a text, a handwriting, or to read; without arguments, everything from images to a page",
    "generate": "write new text with a network that has learned one",
    "write": "write any text by hand, as a picture, a vector drawing, a PDF, or for a pen plotter",
    "studio": "write letters in the browser: type, and see them written by hand",
    "read": "say what stands on a page, in a line, or in a recording of the pen",
    "prepare": "turn images of handwriting into strokes to learn from",
    "label": "type what line images say, in the browser",
    "sheet": "print a sheet to write on by hand, and read photographs of it",
    "evaluate": "say how well a network predicts what it has not seen",
    "runs": "list runs with their settings and losses, and draw their curves in one picture",
    "gradcheck": "hold every hand-written gradient against central differences",
    "grade": "grade the exercises: not yet, right, or where each goes wrong",
    "bench": "time training and generation beside PyTorch and beside the matrix products alone",
    "studies.tracing": "measure how well lines drawn as scans are traced back",
    "studies.units": "find units of a text network that can be named, and show them over text",
    "studies.choices": "say whether a difference in legibility is more than chance",
    "studies.pages": "measure how well and how fast pages are written and saved",
    "studies.learned_hands": "measure how well a hand is learned from images",
    "studies.simulated_sheets": "measure how well photographs of filled sheets are read",
    "studies.simulated_photographs": "measure how lines are found in photographs of handwritten pages",
    "studies.rehearsal": "go from a printed sheet to a letter in one's own hand, with a made-up hand",
    "studies.sample_hand": "make the labelled images of the sample hand",
    "studies.export": "make the weights that ship with the package out of a run over many hands",
    "studies.people": "train a network that writes further, with one row per person",
    "studies.drawn_characters": "put drawn characters, such as accents, into real lines to learn from",
    "studies.export_text": "make the weights of the network of text that ship with the package out of a run",
    "studies.legible_hands": "measure how legible the hands that ship are",
    "studies.export_reader": "make the weights of the reader that ship with the package out of a run",
    "studies.traced_lines": "draw recorded lines as scans and trace them back, to learn to read from",
    "studies.notebooks": "make notebooks of the chapters of the course",
    "studies.course": "make the whole course into HTML pages, which need no network",
    "studies.benchmarks.reading_step": "time a training step of the network that reads beside PyTorch",
    "studies.benchmarks.written_lines": "count the written lines that go wrong, and time the writing",
}


def main(argv=None):
    """Run the command that the first of ``argv`` names, or list them all. Raises MinirnnError."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words and not words[0].startswith("-"):
        name, *rest = words
        if name not in COMMANDS:
            raise MinirnnError(f"there is no command {name!r}; python -m minirnn lists them")
        importlib.import_module(f"minirnn.{name}").main(rest)
        return
    Parser(prog="python -m minirnn", description="List the commands, or run one: python -m minirnn COMMAND ..."
           ).parse_args(words)  # fmt: skip
    width = max(map(len, COMMANDS))
    for name, what in COMMANDS.items():
        print(f"python -m minirnn.{name:{width}}  {what}")
    print("\nEach shows its options with --help.")


def run():
    """The entry point `minirnn`: returns the exit code."""
    return run_command(main)


if __name__ == "__main__":
    sys.exit(run())
