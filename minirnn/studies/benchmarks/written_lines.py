"""How often a written line goes wrong, by the path of the attention window over the text, and how fast it is written.

    python -m minirnn.studies.benchmarks.written_lines data/letters.txt --lines 1000

The text is cut into lines of whole words, and the shipped hands take turns. A line is wrong if the window passes over a
character, or if the pen does not stop at the end of the text or leaves its line; the writer then writes it again.
"""

import collections
import sys
import textwrap
import time

import numpy as np
from tqdm import tqdm

from minirnn.arguments import Parser, positive_int
from minirnn.datasets.text import read_text
from minirnn.errors import MinirnnError, run_command
from minirnn.writing.hands import SIDE_BY_SIDE, Writer

WIDTH = 40  # characters of a line, at most


def cut_lines(text, writer, count):
    """The first ``count`` lines of whole words of ``text``, without characters that cannot be written."""
    unknown = set(writer.unknown(text))
    lines = textwrap.wrap("".join(c for c in text if c not in unknown), WIDTH)
    if len(lines) < count:
        raise MinirnnError(f"the text has {len(lines)} lines of {WIDTH} characters, not {count}; ask for fewer --lines")
    return lines[:count]


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.benchmarks.written_lines", description="Count the lines that go wrong."
    )
    parser.add_argument("text", help="a text to write, UTF-8")
    parser.add_argument("--lines", type=positive_int, default=1000)
    parser.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args(argv)
    hands = len(Writer().hands)
    texts = cut_lines(read_text(options.text), Writer(), options.lines)
    rng, lines, seconds = np.random.default_rng(options.random_seed), [], 0.0
    parts = [texts[start : start + SIDE_BY_SIDE] for start in range(0, len(texts), SIDE_BY_SIDE)]
    for number, part in enumerate(tqdm(parts, unit="batch")):
        writer = Writer(None, number % hands + 1)
        started = time.perf_counter()
        lines += writer.write(part, rng)
        seconds += time.perf_counter() - started
    tries = collections.Counter(line.tries for line in lines)
    wrong = [line for line in lines if line.fault]
    print(f"{len(lines):,} lines, {sum(map(len, texts)):,} characters, {sum(map(len, texts)) / seconds:.0f} per second")
    for n in sorted(tries):
        print(f"written {n} times: {tries[n]} lines" if n > 1 else f"right at once: {tries[n]} lines")
    print(f"still wrong: {len(wrong)} lines")
    for line in wrong:
        print(f"  {line.fault}: {line.text}")


if __name__ == "__main__":
    sys.exit(run_command(main))
