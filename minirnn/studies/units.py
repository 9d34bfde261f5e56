"""Find units of a text network that hold something that can be named, and show them over text.

    python -m minirnn.studies.units runs/text-1 --text FILE --html units.html

Karpathy, Johnson and Fei-Fei (2015) found units that are on inside a quotation, or that count the characters of a line.
Here each of several quantities, which can be read off the text at every character, is compared with the output h of
every unit, by a coefficient of correlation. The best of hundreds of units is partly lucky: so a unit is chosen on the
first half of the text, and its coefficient measured on the second, where luck does not help. The same search in a
network without training says what every network has. Chapter 20 looks into the gates of such units.
"""

import sys

import numpy as np

from minirnn.arguments import Parser, positive_int
from minirnn.datasets.text import LETTERS, read_text
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.layers import embedding
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.rebuild import SHIPPED_TEXT, load
from minirnn.writing.probabilities import as_html, as_rows

LEAST = 200  # characters of a half of the text
SHOWN = 1500  # characters of a passage that is coloured


def inside_quotation(text):
    """1 after an opening quotation mark and before the closing one, else 0; the end of a paragraph closes it, too."""
    inside, found = False, []
    for character in text:
        inside = character != "\n" and (inside != (character == '"'))
        found.append(inside)
    return np.array(found, float)


def since(marks, most):
    """A function: text -> how many characters ago the last of ``marks`` was, at most ``most``."""

    def count(text):
        number, found = 0, []
        for character in text:
            number = 0 if character in marks else min(number + 1, most)
            found.append(number)
        return np.array(found, float)

    return count


QUANTITIES = {
    "inside a quotation": inside_quotation,
    "how far into the line": since("\n", 100),
    "how far into the sentence": since(".?!", 100),
    "how far into the word": since(" \n", 12),
    "since a comma": since(",;", 40),
    "since a capital": since("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 40),
}


def outputs(network, ids):
    """The outputs h of all units of all layers of a `CharRNN` that reads ids (N,) -> (N, units)."""
    y, _ = embedding.forward(ids[:, None], network.params["embedding"])
    found = []
    for name, state in zip(network.recurrent, network.start(1)):
        y, *_ = network.cell.forward(y, state, network.params[name])
        found.append(y[:, 0])
    return np.concatenate(found, axis=1)


def correlations(values, h):
    """The coefficients of correlation of values (N,) with every unit of h (N, units) -> (units,)."""
    values, h = values - values.mean(), h - h.mean(axis=0)
    return values @ h / np.maximum(np.linalg.norm(values) * np.linalg.norm(h, axis=0), 1e-9)


def best_unit(values, h):
    """The unit of h (N, units) that follows values (N,) most closely in the first half, and its coefficient in the
    second. None if the values are the same all through a half."""
    half = len(values) // 2
    if not (np.ptp(values[:half]) and np.ptp(values[half:])):
        return None
    unit = int(np.argmax(np.abs(correlations(values[:half], h[:half]))))
    return unit, float(correlations(values[half:], h[half:])[unit])


def find_units(network, vocabulary, text, quantities=None):
    """{quantity: (unit, its coefficient, that of the best unit of an untrained network)} for a `CharRNN` and a text,
    and the outputs h (N, units) on that text. ``quantities``: {name: function of the text}, by default `QUANTITIES`;
    one that does not vary in the text is left out."""
    ids = vocabulary.encode(text)
    if len(ids) < 2 * LEAST:
        raise MinirnnError(f"the text has {len(ids):,} characters; to find units in it, give at least {2 * LEAST}")
    h, untrained = outputs(network, ids), outputs(CharRNN(**network.settings, seed=1), ids)
    found = {}
    for name, of in (quantities or QUANTITIES).items():
        values = of(text)
        best = best_unit(values, h)
        if best is not None:
            found[name] = (*best, best_unit(values, untrained)[1])
    return found, h


def coloured(text, h, unit):
    """The characters of ``text`` with what ``unit`` gives out there, from 0 (its least) to 1 (its most), as
    `minirnn.writing.probabilities` shows them."""
    values = h[:, unit]
    return list(zip(text, ((values - values.min()) / max(np.ptp(values), 1e-9)).tolist()))


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.units", description="Find units of a text network that hold "
                    "something that can be named, and show them over text.")  # fmt: skip
    parser.add_argument("run", nargs="?", help="folder of a run of minirnn.train --text, or a checkpoint (default: the "
                        "network that comes with the package)")  # fmt: skip
    parser.add_argument("--text", metavar="FILE", nargs="+", default=[str(LETTERS)], help="text to read, best one that "
                        "the network has not learned (default: the end of data/letters.txt)")  # fmt: skip
    parser.add_argument("--length", type=positive_int, default=40_000, help="characters of it, the last ones")
    parser.add_argument("--html", metavar="FILE", help="the text, coloured by each unit; without it, on the terminal")
    options = parser.parse_args(argv)
    if options.run is None and not SHIPPED_TEXT.exists():
        raise MinirnnError("this installation has no network that writes text; give a run of minirnn.train --text")
    network, vocabulary, *_ = load(options.run or SHIPPED_TEXT, CharRNN.kind)
    text = read_text(options.text)[-options.length :]
    text = "".join(character for character in text if character in vocabulary.symbols)
    found, h = find_units(network, vocabulary, text)
    for name, (unit, strength, untrained) in found.items():
        print(f"{name:26} unit {unit:4}: {strength:+.2f}; the best of an untrained network {untrained:+.2f}")
    passages = [coloured(text[-SHOWN:], h[-SHOWN:], unit) for unit, *_ in found.values()]
    if options.html:
        with atomic(options.html) as file:
            file.write(as_html(passages, "The stronger the colour, the less the unit gives out. From left to right: "
                               + ", ".join(found)))  # fmt: skip
        print(options.html)
        return
    out = getattr(sys.stdout, "trusted", sys.stdout)  # the colours are control characters of our own
    for name, passage in zip(found, passages):
        print(f"\n{name}:")
        for row in as_rows([passage[-400:]], 100, coloured=True):
            print(row, file=out)


if __name__ == "__main__":
    sys.exit(run_command(main))
