"""Writing text: sample the next character over and over.

    python -m minirnn.generate --seed "Dear Ana,"        the network that comes with the package
    python -m minirnn.generate runs/text-1 --seed "Dear Ana," --length 600
    python -m minirnn.generate runs/text-1 --samples 3 --show-probabilities
    python -m minirnn.generate runs/text-1 --seed "Dear Ana," --handwrite page.png

As a function: ``"".join(generate(network, vocabulary, "Dear Ana,", 600))``.
"""

import shutil
import sys

from minirnn import backend
from minirnn.arguments import (
    Parser,
    at_least_one,
    fraction,
    not_negative,
    positive_int,
    probability,
    zero_or_more,
)
from minirnn.datasets.text import read_text
from minirnn.drawing import format_of
from minirnn.errors import MinirnnError, is_text, run_command
from minirnn.files import atomic
from minirnn.networks.own_cell import load_cell
from minirnn.networks.rebuild import SHIPPED_TEXT, load
from minirnn.writing.novelty import novelty_report
from minirnn.writing.probabilities import as_html, as_rows
from minirnn.writing.sampling import draw


def add_sampling_options(parser):
    """The options of sampling that the commands share."""
    add = parser.add_argument
    add("--temperature", type=not_negative, default=0.8, help="boldness of the choice; 0: the likeliest (default 0.8)")
    add("--top-k", type=zero_or_more, default=0, help="only the k likeliest (default 0: all)")
    add("--top-p", type=probability, default=1.0, help="only the likeliest that together have P")
    add("--min-p", type=fraction, default=0.0, help="only what is at least P times as likely as the likeliest")
    add("--repetition-penalty", type=at_least_one, default=1.0, help="how many times less likely a "
        "repetition of what was written before becomes (default 1: no penalty)")  # fmt: skip
    add("--greedy", action="store_true", help="always the likeliest character, as with --temperature 0")
    add("--random-seed", type=zero_or_more, help="repeat a draw")


def build_parser():
    """The `minirnn.arguments.Parser` of `python -m minirnn.generate`."""
    parser = Parser(
        prog="python -m minirnn.generate", description="Write new text with a network that minirnn.train has trained."
    )
    add = parser.add_argument
    add("run", nargs="?", help="folder of the run, or a checkpoint (default: the network that comes with the package)")
    add("--seed", help="text to begin with (default: the beginning of the text that was learned)")
    add("--seed-file", metavar="FILE", help="texts to begin with, one per line")
    add("--samples", type=positive_int, default=1, help="texts to write for each beginning, side by side (default 1)")
    add("--length", type=positive_int, default=500, help="characters to write (default 500)")
    add("--lines", type=positive_int, help="stop after N lines", metavar="N")
    add("--cell-from", metavar="FILE", help="the file that defines a cell of its own")
    add("--stop", help="stop after this text has been written")
    add("--stop-at-blank-line", action="store_true", help="stop after the first blank line")
    add_sampling_options(parser)
    add("--skip-unknown", action="store_true", help="leave out characters that the network never saw")
    add("--show-probabilities", metavar="HTML", nargs="?", const="", help="colour every character by its probability: "
        "on the terminal, or in a page of HTML")  # fmt: skip
    add("--novelty", metavar="TEXT", nargs="?", const="", help="say which share is copied from the text that was "
        "learned; give it if it is not where it was")  # fmt: skip
    add("--handwrite", metavar="OUT", help="also write it by hand: OUT.png, .svg, .pdf or .gcode")
    add("--device", choices=["cpu", "gpu"], default="cpu")
    return parser


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    options = build_parser().parse_args(argv)
    backend.check_device(options.device)
    if options.cell_from:
        load_cell(options.cell_from)
    if options.run is None and not SHIPPED_TEXT.exists():
        raise MinirnnError("this installation has no network that writes text; give a run of minirnn.train --text")
    trained = load(options.run or SHIPPED_TEXT, "CharRNN", options.device)
    seeds, learned = beginnings(options, trained), learned_text(options)
    if options.handwrite:
        format_of(options.handwrite)  # now, and not after the work of writing
    alone = options.samples * len(seeds) == 1 and options.show_probabilities is None
    samples = []
    for seed in seeds:
        for number in range(options.samples):
            samples.append([(character, None) for character in seed])
            for place, drawn in enumerate(drawn_characters(options, trained, seed, number)):
                samples[-1].append(drawn)
                if alone:  # as it comes; a beginning that cannot be used has been said before anything is printed
                    print(drawn[0] if place else seed + drawn[0], end="", flush=True)
    if alone:
        print()
    elif options.show_probabilities:
        with atomic(options.show_probabilities) as file:
            file.write(as_html(samples))
        print(f"probabilities: {options.show_probabilities}")
    else:
        out = getattr(sys.stdout, "trusted", sys.stdout)  # the colours are control characters of our own
        coloured = options.show_probabilities is not None
        for row in as_rows(samples, shutil.get_terminal_size((100, 24)).columns, coloured):
            print(row, file=out)
    written = ["".join(character for character, _ in sample) for sample in samples]
    if learned is not None:
        for text, seed in zip(written, [seed for seed in seeds for _ in range(options.samples)]):
            print(novelty_report(text[len(seed) :], learned))
    if options.handwrite:
        from minirnn.writing.letters import handwrite  # its network takes time to load

        print(*handwrite("\n\n".join(written), options.handwrite, seed=options.random_seed or 0), sep="\n")


def drawn_characters(options, trained, seed, number):
    """The pairs (character, probability) of the sample with this ``number``."""
    random_seed = options.random_seed
    return draw(
        trained.network, trained.chars, seed, options.length, temperature=options.temperature, top_k=options.top_k,
        top_p=options.top_p, min_p=options.min_p, greedy=options.greedy, repetition_penalty=options.repetition_penalty,
        random_seed=random_seed if random_seed is None or number == 0 else [random_seed, number], lines=options.lines,
        stop="\n\n" if options.stop_at_blank_line else options.stop, skip_unknown=options.skip_unknown,
    )  # fmt: skip


def beginnings(options, trained):
    """The texts to begin with, as they are given, or else the beginning of the text that the network has learned."""
    if options.seed is not None and options.seed_file:
        raise MinirnnError("--seed and --seed-file are two beginnings; leave out one of them")
    if options.seed_file:
        found = [line for line in read_text(options.seed_file).split("\n") if line.strip()]
        if not found:
            raise MinirnnError(f"{options.seed_file} has no line to begin with; write one per line")
        return found
    if options.seed is not None:
        return [options.seed]
    tries = [trained.meta.get("opening"), "Dear ", trained.chars.symbols[0]]  # older runs have no opening
    return [next(text for text in tries if is_text(text) and text and not trained.chars.unknown(text))]


def learned_text(options):
    """The text that the network has learned, if --novelty asks for it, else None."""
    if options.novelty is None:
        return None
    if options.novelty:
        return read_text(options.novelty)
    if options.run is None:
        raise MinirnnError("the package does not bring the text that its network has learned; give it: --novelty FILE")
    from minirnn.training.launch import resumed_settings  # takes time to load

    try:
        settings = resumed_settings(options.run)
        return read_text(settings.data.text, settings.data.encoding, "drop" if settings.data.clean else "keep")
    except (MinirnnError, TypeError) as error:
        raise MinirnnError(f"--novelty does not find what was learned ({error}); give it: --novelty FILE") from None


if __name__ == "__main__":
    sys.exit(run_command(main))
