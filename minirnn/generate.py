"""Writing text: sample the next character over and over.

    python -m minirnn.generate runs/text-1 --seed "Dear Ana," --length 600
    python -m minirnn.generate runs/text-1 --seed "Dear Ana," --handwrite page.png

As a function: ``"".join(generate(network, vocabulary, "Dear Ana,", 600))``.
"""

import sys

from minirnn import backend
from minirnn.arguments import Parser, above_zero, positive_int, probability, zero_or_more
from minirnn.drawing import format_of
from minirnn.errors import run_command
from minirnn.networks.rebuild import load
from minirnn.writing.sampling import generate


def add_sampling_options(parser):
    """The options of sampling that the commands share."""
    parser.add_argument("--temperature", type=above_zero, default=0.8, help="boldness of the choice (default 0.8)")
    parser.add_argument("--top-k", type=zero_or_more, default=0, help="only the k likeliest (default 0: all)")
    parser.add_argument("--top-p", type=probability, default=1.0, help="only the likeliest that together have P")
    parser.add_argument("--greedy", action="store_true", help="always the likeliest character")
    parser.add_argument("--random-seed", type=zero_or_more, help="repeat a draw")


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.generate", description="Write new text with a network that minirnn.train has trained."
    )
    parser.add_argument("run", help="folder of the run, or a checkpoint")
    parser.add_argument("--seed", default="Dear ", help="text to begin with (default 'Dear ')")
    parser.add_argument("--length", type=positive_int, default=500, help="characters to write (default 500)")
    add_sampling_options(parser)
    parser.add_argument("--stop", help="stop after this text has been written")
    parser.add_argument("--skip-unknown", action="store_true", help="leave out characters that the network never saw")
    parser.add_argument("--handwrite", metavar="OUT", help="also write it by hand: OUT.png, .svg, .pdf or .gcode")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args(argv)
    backend.check_device(options.device)
    network, vocabulary, *_ = load(options.run, "CharRNN", options.device)
    characters = generate(
        network, vocabulary, options.seed, options.length, temperature=options.temperature, top_k=options.top_k,
        top_p=options.top_p, greedy=options.greedy, random_seed=options.random_seed, stop=options.stop,
        skip_unknown=options.skip_unknown,
    )  # fmt: skip
    if options.handwrite:
        format_of(options.handwrite)  # now, and not after the work of writing
    first = next(characters, "")  # so that a seed that cannot be used is said before anything is printed
    print(options.seed + first, end="", flush=True)
    written = options.seed + first
    for character in characters:
        print(character, end="", flush=True)
        written += character
    print()
    if options.handwrite:
        from minirnn.writing.letters import handwrite  # its network takes time to load: only for who asks for it

        print(*handwrite(written, options.handwrite, seed=options.random_seed or 0), sep="\n")


if __name__ == "__main__":
    sys.exit(run_command(main))
