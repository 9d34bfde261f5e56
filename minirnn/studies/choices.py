"""Whether a difference in legibility is more than chance: a paired bootstrap over lines.

    python -m minirnn.studies.choices usual.csv other.csv another.csv

Every file is a table with the columns ``text``, what a line should say, and ``read``, what a recogniser has read there.
All tables have the same texts in the same order, written with different settings. Each further table is compared with
the first: the difference of the two character error rates, its standard error, and the share of the resamples in which
it has the other sign (B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 6). A line is drawn
together with both its writings, since a hard line is hard for both; so the comparison is sharper than the two rates
alone.

A choice is justified if the difference is more than two standard errors. The best of several candidates looks better
than it is.
"""

import csv
import pathlib
import sys

import numpy as np

from minirnn.arguments import Parser, zero_or_more
from minirnn.errors import MinirnnError, run_command
from minirnn.reading.decoding import errors

RESAMPLES = 4_000


def paired_bootstrap(one, other, characters, seed=0):
    """Compare two ways to write the same lines -> difference of the error rates (other minus one), its standard error,
    and the share of the resamples in which it has the other sign, or is zero.

    one, other  (N,) characters of each line that were read wrongly
    characters  (N,) characters of each line
    """
    one, other, characters = (np.asarray(a, float) for a in (one, other, characters))
    difference = (other - one).sum() / characters.sum()
    lines = np.random.default_rng(seed).integers(0, len(one), (RESAMPLES, len(one)))
    drawn = (other - one)[lines].sum(axis=1) / characters[lines].sum(axis=1)
    return float(difference), float(drawn.std(ddof=1)), float(np.mean(drawn * np.sign(difference) <= 0))


def read_results(path):
    """(texts, wrong characters of each line) of a table. MinirnnError if it lacks a column, or a text."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [(row["text"], row["read"]) for row in csv.DictReader(file, strict=True)]
    except OSError as error:
        raise MinirnnError(f"cannot read {path}: {error.strerror}; check the name") from None
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise MinirnnError(f"{path}: expected CSV in UTF-8 with the columns text and read ({error})") from None
    if not rows or not all(text and read is not None for text, read in rows):
        raise MinirnnError(f"{path}: every row needs a text, and what was read; correct the table")
    return [text for text, _ in rows], [errors(text, read) for text, read in rows]


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.studies.choices", description="Compare how legibly the same lines were "
                    "written with different settings, by a paired bootstrap over lines.")  # fmt: skip
    parser.add_argument("usual", type=pathlib.Path, help="table with the columns text and read")
    parser.add_argument("others", type=pathlib.Path, nargs="+", help="further tables of the same texts")
    parser.add_argument("--seed", type=zero_or_more, default=0, help="of the resamples")
    options = parser.parse_args(argv)
    texts, usual = read_results(options.usual)
    characters = [len(text) for text in texts]
    print(
        f"{len(texts)} lines, {sum(characters):,} characters; character error of {options.usual}: "
        f"{sum(usual) / sum(characters):.4f}"
    )
    for path in options.others:
        others_texts, wrong = read_results(path)
        if others_texts != texts:
            raise MinirnnError(f"{path} has other texts than {options.usual}; only the same lines can be compared")
        difference, spread, chance = paired_bootstrap(usual, wrong, characters, options.seed)
        verdict = "more than chance" if abs(difference) > 2 * spread else "no reason to choose either"
        print(
            f"{path}: {sum(wrong) / sum(characters):.4f}, {difference:+.4f} with a standard error of {spread:.4f}; "
            f"of the other sign in {chance:.1%} of the resamples: {verdict}"
        )


if __name__ == "__main__":
    sys.exit(run_command(main))
