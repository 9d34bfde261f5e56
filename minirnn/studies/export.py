"""Make the weights that ship with the package out of a run over many people.

    python -m minirnn.studies.export runs/people-1 --data i=IAM_ONDB --reader runs/read-1 -o minirnn/weights/pen.npz

Of the run's many people only some stay as hands, chosen in three steps:

1. Candidates are people whose own lines are as unlike as possible (`minirnn.writing.describing.features`): each next
   one is the farthest from all before it.
2. Every candidate writes `TEXTS`, and a network that reads says how many characters it reads wrong. A row is at first
   used as it is. If that is not legible, it is moved towards row 0, any hand (`STRENGTHS`).
3. The more legible of the candidates stay, and of these the ones whose writing is as unlike as possible, chosen as in
   step 1.

A hand leans as its person does: the slant of a person's own lines is kept beside its row. Weights are stored in half
precision.
"""

import sys

import numpy as np
from tqdm import tqdm

from minirnn import backend
from minirnn.arguments import Parser, positive_int
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.strokes import normalise, slant
from minirnn.networks import checkpoint
from minirnn.reading.decoding import errors
from minirnn.reading.reader import Reader
from minirnn.studies.people import people_of
from minirnn.writing.describing import features
from minirnn.writing.hands import Writer, lean
from minirnn.writing.judging import symbols_of_characters
from minirnn.writing.pen import write_lines

TEXTS = (
    "Every pen of ours writes quite evenly, but no",
    "Jack, Zoltan & Xavier of Perth: Boxing Day!",
    "Bill for 27 GROUPS (no. 863): $40.95, by June",
)  # what candidates write; no text of the project's measurements is among them
ENOUGH = 24  # lines of several words that a candidate has: rows of people with fewer have learned little
LINES = 6  # of them that say how the person writes
STRENGTHS = (1.0, 0.6)
LEGIBLE = 0.06  # of the characters that are read wrong: with so few, a hand is used as it is
KEPT = 0.7  # of the candidates, the more legible ones
TOGETHER = 48  # lines that are written at the same time
PACED = 5  # examples of a character, at least, that tell how many symbols it takes


def strengthened(writer, rows, strengths):
    """The rows (B, E) of a `Writer`'s hands, each moved towards row 0: 1 leaves it where it is, 0 makes it row 0."""
    E = writer.network.params["hand"]["E"]
    return E[:1] + np.asarray(strengths, E.dtype)[:, None] * (E[rows] - E[:1])


def own_lines(writer, samples):
    """Some of a person's lines as the pen vocabulary has them -> list of (text, strokes)."""
    step = max(1, len(samples) // LINES)
    return [(s.text, writer.pens.decode(writer.pens.encode(normalise(s.strokes)))) for s in samples[::step][:LINES]]


def unlike(looks, count, first=0):
    """The indices of ``count`` of the points looks (N, D), as unlike as possible, beginning with ``first``: every next
    one is the farthest from all before it (T. F. Gonzalez 1985)."""
    looks = (looks - looks.mean(axis=0)) / np.maximum(looks.std(axis=0), 1e-9)
    chosen, away = [first], np.full(len(looks), np.inf)
    while len(chosen) < min(count, len(looks)):
        away = np.minimum(away, ((looks - looks[chosen[-1]]) ** 2).sum(axis=1))
        away[chosen] = -1
        chosen.append(int(away.argmax()))
    return chosen


def written_by(writer, rows, slants, rng):
    """Write `TEXTS` with each of ``rows`` (N, E) -> N lists of `minirnn.writing.pen.Line`."""
    params, E = writer.network.params["hand"], writer.network.params["hand"]["E"]
    tasks = [(text, n) for text in TEXTS for n in range(len(rows))]  # lines of like length go together
    lines = [[] for _ in rows]
    try:
        params["E"] = np.asarray(rows, E.dtype)
        for start in tqdm(range(0, len(tasks), TOGETHER), desc="hands", unit="batch"):
            texts, numbers = zip(*tasks[start : start + TOGETHER])
            for n, line in zip(numbers, write_lines(writer.network, writer.chars, writer.pens, texts, numbers, rng)):
                lines[n].append(lean(line, slants[n]))
    finally:
        params["E"] = E
    return lines


def read_wrong(lines, reader):
    """The part of the characters of some written lines that ``reader`` reads wrong; a line without ink is all wrong."""
    readings = iter(reader.texts([line.strokes for line in lines if line.strokes]))
    wrong = sum(errors(line.text, next(readings) if line.strokes else "") for line in lines)
    return wrong / sum(len(line.text) for line in lines)


def legible_strengths(writer, rows, slants, reader, rng):
    """For each of the ``rows`` {person: row} the greatest strength at which it is legible or, if it never is, the one
    with the smallest error -> {person: (strength, error, lines)}."""
    found = {}
    for strength in STRENGTHS:
        left = [person for person in rows if person not in found or found[person][1] > LEGIBLE]
        if not left:
            break
        E = strengthened(writer, [rows[person] for person in left], [strength] * len(left))
        for person, lines in zip(left, written_by(writer, E, [slants[person] for person in left], rng)):
            error = read_wrong(lines, reader)
            print(f"{person:10} strength {strength:.2f}  error {error:.3f}", flush=True)
            if person not in found or error < found[person][1]:
                found[person] = strength, error, lines
    return found


def chosen_hands(writer, samples, count, candidates, reader, rng):
    """Choose ``count`` hands, legible and unlike each other; ``samples`` {person: list of samples} -> list of (person,
    strength, error, slant, lines), the most legible first."""
    rows = {person: row for row, person in enumerate(writer.meta["hands"], start=1)}
    samples = {p: [s for s in lines if " " in s.text] for p, lines in samples.items() if p in rows}
    own = {p: own_lines(writer, lines) for p, lines in samples.items() if len(lines) >= ENOUGH}
    if len(own) < count:
        raise MinirnnError(f"{len(own)} people with {ENOUGH} lines are too few to choose {count} hands from")
    looks = np.array([np.mean([features(*line) for line in lines], axis=0) for lines in own.values()])
    people = [list(own)[n] for n in unlike(looks, candidates)]
    slants = {p: float(np.mean([slant(strokes) for _, strokes in own[p]])) for p in people}
    legible = legible_strengths(writer, {p: rows[p] for p in people}, slants, reader, rng)
    names = sorted(legible, key=lambda person: legible[person][1])[: max(count, int(KEPT * len(people)))]
    written = np.array([np.mean([features(line.text, line.strokes) for line in legible[p][2]], axis=0) for p in names])
    return [(names[n], *legible[names[n]][:2], slants[names[n]], legible[names[n]][2])
            for n in sorted(unlike(written, count))]  # fmt: skip


def pace_of(lines):
    """{character: the median number of symbols that the pen spends on it} in written lines."""
    spent = {}
    for line in lines:
        for c, symbols in zip(line.text, symbols_of_characters(line)):
            spent.setdefault(c, []).append(symbols)
    return {c: round(float(np.median(values)), 2) for c, values in sorted(spent.items())
            if c != " " and len(values) >= PACED}  # fmt: skip


def pack(writer, hands, pace, terms, path):
    """Write the network with some hands only, in half precision; ``hands`` as `chosen_hands` gives them; ``terms`` say
    what the weights may be used for."""
    people, strengths, slants = [[hand[i] for hand in hands] for i in (0, 1, 3)]
    rows = [1 + writer.meta["hands"].index(person) for person in people]
    params = dict(backend.flatten(writer.network.params))
    params["hand.E"] = np.concatenate([params["hand.E"][:1], strengthened(writer, rows, strengths)])
    meta = {key: value for key, value in writer.meta.items() if key not in ("progress", "rows")}
    meta.update(network={**writer.network.settings, "hands": len(rows) + 1}, hands=people, terms=terms,
                neat_hands=list(range(1, len(rows) + 1)), slants=[round(s, 4) for s in slants], pace=pace)  # fmt: skip
    arrays = {f"params.{name}": a.astype(np.float16) for name, a in params.items()}
    checkpoint.save(path, meta, {**arrays, "extra.lifts": writer.pens.lifts})


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.export", description="Make the weights that ship with the package out of a run."
    )
    parser.add_argument("run", help="folder of a run of minirnn.studies.people, or a checkpoint")
    parser.add_argument("--data", required=True, nargs="+", metavar="PREFIX=SOURCE",
                        help="the handwriting that it was trained on, by people")  # fmt: skip
    parser.add_argument("--reader", metavar="RUN", help="the network that reads; by default that of the package")
    parser.add_argument("-o", "--out", required=True, help="the .npz to write")
    parser.add_argument("--hands", type=positive_int, default=28, help="how many hands to keep (default 28)")
    parser.add_argument("--candidates", type=positive_int, default=48, help="how many write (default 48)")
    parser.add_argument("--people", nargs="+", metavar="PERSON", help="choose among these people only")
    parser.add_argument("--terms", default="non-commercial research", help="what the weights may be used for")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    writer, reader = Writer(options.run, likeness=1.0), Reader(options.reader, language_model=False)
    samples = {}
    for source in options.data:
        for sample, _ in people_of(source):
            if options.people is None or sample.group in options.people:
                samples.setdefault(sample.group, []).append(sample)
    for person in set(options.people or ()) - set(writer.meta["hands"]):
        raise MinirnnError(f"{options.run} has no hand {person}; name people that it was trained on")
    rng = np.random.default_rng(options.seed)
    hands = chosen_hands(writer, samples, options.hands, options.candidates, reader, rng)
    for number, (person, strength, error, leans, _) in enumerate(hands, start=1):
        print(f"hand {number:2}  {person:10} strength {strength:.2f}  error {error:.3f}  slant {-leans:+.2f}")
    pack(writer, hands, pace_of([line for hand in hands for line in hand[4]]), options.terms, options.out)
    print(options.out)


if __name__ == "__main__":
    sys.exit(run_command(main))
