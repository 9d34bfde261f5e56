"""Writing text: sample the next character over and over.

    python -m minirnn.generate runs/text-1 --seed "Dear Ana," --length 600
    python -m minirnn.generate runs/text-1 --seed "Dear Ana," --handwrite page.png

As a function: ``"".join(generate(network, alphabet, "Dear Ana,", 600))``.
"""

import math
import pathlib
import sys

import numpy as np

from minirnn import backend, checkpoint
from minirnn.alphabets import CharAlphabet
from minirnn.arguments import Parser, above_zero, positive_int, probability, zero_or_more
from minirnn.drawing import check_output
from minirnn.errors import MinirnnError, run_command
from minirnn.models import CharRNN


def distribution(logits, temperature=1.0, top_k=0, top_p=1.0):
    """Logits (V,) -> the probabilities p (V,) that the next symbol is drawn from.

    temperature  divides the logits: below 1 likely symbols become likelier, above 1 the choice gets bolder
    top_k        only the k likeliest symbols; 0: all
    top_p        only the likeliest symbols that together have at least this probability (Holtzman et al. 2020)
    """
    z = np.asarray(logits, np.float64)
    with np.errstate(over="ignore"):  # at next to no temperature, what is not the likeliest goes to minus infinity
        p = np.exp((z - z.max()) / temperature)
    p /= p.sum()
    if not top_k and top_p >= 1:
        return p
    order = np.argsort(-z, kind="stable")
    keep = top_k or len(p)
    if top_p < 1:
        keep = min(keep, 1 + int(np.searchsorted(np.cumsum(p[order]), top_p)))
    p[order[keep:]] = 0
    return p / p.sum()


def generate(network, alphabet, seed_text, length, *, temperature=0.8, top_k=0, top_p=1.0, greedy=False,
             random_seed=None, stop=None, skip_unknown=False):  # fmt: skip
    """Yield ``length`` characters (fewer if ``stop``, a string, appears) that follow ``seed_text``.

    The seed text sets the network's state, character by character. A character of it that the network never saw is
    a `MinirnnError` that names it, unless ``skip_unknown`` leaves it out. ``greedy`` takes the likeliest character
    every time; ``random_seed`` makes the draw repeatable.
    """
    unknown = alphabet.unknown(seed_text)
    if unknown and not skip_unknown:
        raise MinirnnError(
            f"the seed text {seed_text!r} has characters that the network never saw: "
            f"{' '.join(map(repr, unknown))}; give another --seed, or --skip-unknown"
        )
    ids = alphabet.encode(seed_text, skip_unknown=True)
    if not len(ids):
        raise MinirnnError("the seed text has no character that the network knows; give another --seed")
    rng = np.random.default_rng(random_seed)
    x = backend.to_device(ids[:, None], network.device)
    state, end = network.start(1), ""  # end: the last that was written, as long as the text to stop at
    for _ in range(length):
        logits, state, _ = network.forward(x, state)
        logits = backend.to_host(logits[-1, 0])
        if not np.isfinite(logits).all():
            raise MinirnnError("the network's weights are so large that it overflows; use another checkpoint")
        if greedy:
            symbol = int(logits.argmax())
        else:
            # The symbol at which the probabilities, added up, first exceed a number drawn from [0, 1).
            total = np.cumsum(distribution(logits, temperature, top_k, top_p))
            symbol = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        character = alphabet.symbols[symbol]
        yield character
        if stop:
            end = (end + character)[-len(stop) :]
            if end == stop:
                return
        x = backend.to_device(np.array([[symbol]], np.int32), network.device)


def load_text_run(run, device="cpu"):
    """The best network of a text run (a folder, or a checkpoint) -> network, alphabet, meta."""
    path = pathlib.Path(run)
    if path.is_dir():
        path = path / "best.npz" if (path / "best.npz").exists() else path / "last.npz"
    meta, arrays = checkpoint.load(path, "CharRNN")
    network = network_from(CharRNN, meta, arrays, path).to_device(device)
    symbols = meta.get("symbols")
    if not isinstance(symbols, str) or len(set(symbols)) != network.settings["V"]:
        raise MinirnnError(f"{path} is damaged: its characters do not fit its network; use another")
    return network, CharAlphabet(symbols), meta


class Frugal(np.random.Generator):
    """A generator that gives ``left`` numbers and no more, so that a network cannot grow larger than it should."""

    left = 0

    def _take(self, shape):
        self.left -= math.prod(np.atleast_1d(shape).tolist())
        if self.left < 0:
            raise ValueError("its settings claim more weights than it holds")

    def uniform(self, low, high, shape):
        """As `numpy.random.Generator.uniform`."""
        self._take(shape)
        return super().uniform(low, high, shape)

    def standard_normal(self, shape):
        """As `numpy.random.Generator.standard_normal`."""
        self._take(shape)
        return super().standard_normal(shape)


def network_from(kind, meta, arrays, path):
    """Rebuild a network of class ``kind`` from what `checkpoint.load` gave.

    The settings may be a stranger's: a network larger than the arrays that are there is refused while it is built,
    before its weights are allocated."""
    prefix = "params."
    params = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    rng = Frugal(np.random.PCG64(0))
    rng.left = sum(array.size for array in params.values())
    try:
        settings = dict(meta["network"])
        sizes = [value for name, value in settings.items() if isinstance(value, int) and name != "dropout"]
        if not all(1 <= size <= rng.left for size in sizes):
            raise ValueError("its settings claim sizes that do not fit its weights")
        network = kind(**settings, seed=rng)
        if network.settings != settings:
            raise ValueError("its settings are not complete")
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise MinirnnError(f"{path} is damaged: its network cannot be built ({error}); use another") from None
    network.load_params(params, str(path))
    return network


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
    network, alphabet, _ = load_text_run(options.run, options.device)
    characters = generate(
        network, alphabet, options.seed, options.length, temperature=options.temperature, top_k=options.top_k,
        top_p=options.top_p, greedy=options.greedy, random_seed=options.random_seed, stop=options.stop,
        skip_unknown=options.skip_unknown,
    )  # fmt: skip
    if options.handwrite:
        check_output(options.handwrite)
    first = next(characters, "")  # so that a seed that cannot be used is said before anything is printed
    print(options.seed + first, end="", flush=True)
    written = options.seed + first
    for character in characters:
        print(character, end="", flush=True)
        written += character
    print()
    if options.handwrite:
        from minirnn.write import handwrite  # its network takes time to load: only for who asks for it

        print(*handwrite(written, options.handwrite, seed=options.random_seed or 0), sep="\n")


if __name__ == "__main__":
    sys.exit(run_command(main))
