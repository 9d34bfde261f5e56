"""Make the weights that ship with the package out of a run over many people.

    python -m minirnn.studies.export runs/people-1 --data i=IAM_ONDB --reader runs/read-1 -o minirnn/weights/pen.npz

Of the run's many people only some stay as hands, chosen in three steps:

1. Candidates are people whose own lines are as unlike as possible (`minirnn.writing.describing.features`): each next
   one is the farthest from all before it.
2. Every candidate writes `TEXTS`, and a network that reads says how many characters it reads wrong. The more legible
   candidates stay.
3. Of these, the people whose own lines are as unlike as possible become hands, chosen as in step 1. The first is the
   most usual of the legible ones.

A row is used as it is, or with ``--strength`` less than 1 moved towards row 0, any hand: hands are then more legible
and more alike. A hand leans as its person does: the slant of a person's own lines is kept beside its row. Weights are
stored in half precision.
"""

import sys

import numpy as np
from tqdm import tqdm

from minirnn import backend
from minirnn.arguments import Parser, positive_int, probability
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
KEPT = 0.7  # of the candidates, the more legible ones
TOGETHER = 48  # lines that are written at the same time
PACED = 5  # examples of a character, at least, that tell how many symbols it takes


def strengthened(writer, rows, strength):
    """The rows (B, E) of a `Writer`'s hands moved towards row 0: 1 leaves them where they are, 0 makes them row 0."""
    E = writer.network.params["hand"]["E"]
    return E[:1] + E.dtype.type(strength) * (E[rows] - E[:1])


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


def candidates_of(writer, samples, count):
    """The people of whom there are enough lines, ``count`` of them, as unlike as possible; ``samples`` {person: list of
    samples} -> {person: (looks (4,), slant)} by their own lines."""
    known = set(writer.meta["hands"])
    samples = {p: [s for s in lines if " " in s.text] for p, lines in samples.items() if p in known}
    own = {p: own_lines(writer, lines) for p, lines in samples.items() if len(lines) >= ENOUGH}
    if len(own) < count:
        raise MinirnnError(f"{len(own)} people with {ENOUGH} lines are too few for {count} candidates")
    looks = {p: np.mean([features(*line) for line in lines], axis=0) for p, lines in own.items()}
    people = [list(own)[n] for n in unlike(np.array(list(looks.values())), count)]
    return {p: (looks[p], float(np.mean([slant(strokes) for _, strokes in own[p]]))) for p in people}


def chosen_hands(writer, candidates, count, strength, reader, rng):
    """Choose ``count`` of the ``candidates`` of `candidates_of`, legible and unlike each other -> list of (person,
    error, slant, lines), the most legible first, but before all the most usual of them."""
    people = list(candidates)
    rows = strengthened(writer, [1 + writer.meta["hands"].index(person) for person in people], strength)
    written = dict(zip(people, written_by(writer, rows, [candidates[person][1] for person in people], rng)))
    errors_of = {person: read_wrong(lines, reader) for person, lines in written.items()}
    legible = sorted(people, key=errors_of.get)[: max(count, int(KEPT * len(people)))]
    looks = np.array([candidates[person][0] for person in legible])
    chosen = sorted(unlike(looks, count))
    usual = most_usual(looks[chosen])
    order = [chosen.pop(usual), *chosen]
    return [(p, errors_of[p], candidates[p][1], written[p]) for p in (legible[n] for n in order)]


def most_usual(looks):
    """The one of the first quarter of the points looks (N, D) that is nearest to the mean of all: hand 1, the default,
    is a legible one and like many."""
    away = (((looks - looks.mean(axis=0)) / np.maximum(looks.std(axis=0), 1e-9)) ** 2).sum(axis=1)
    return int(away[: -(-len(looks) // 4)].argmin())


def pace_of(lines):
    """{character: the median number of symbols that the pen spends on it} in written lines."""
    spent = {}
    for line in lines:
        for c, symbols in zip(line.text, symbols_of_characters(line)):
            spent.setdefault(c, []).append(symbols)
    return {c: round(float(np.median(values)), 2) for c, values in sorted(spent.items())
            if c != " " and len(values) >= PACED}  # fmt: skip


def pack(writer, hands, strength, pace, terms, path):
    """Write the network with some hands only, in half precision; ``hands`` as `chosen_hands` gives them; ``terms`` say
    what the weights may be used for."""
    people, slants = [hand[0] for hand in hands], [hand[2] for hand in hands]
    rows = [1 + writer.meta["hands"].index(person) for person in people]
    params = dict(backend.flatten(writer.network.params))
    params["hand.E"] = np.concatenate([params["hand.E"][:1], strengthened(writer, rows, strength)])
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
    parser.add_argument("--strength", type=probability, default=1.0, help="of hands beside any hand (default 1)")
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
    candidates = candidates_of(writer, samples, max(options.hands, options.candidates))
    hands = chosen_hands(writer, candidates, options.hands, options.strength, reader, rng)
    for number, (person, error, leans, _) in enumerate(hands, start=1):
        print(f"hand {number:2}  {person:10} error {error:.3f}  slant {-leans:+.2f}")
    pace = pace_of([line for hand in hands for line in hand[3]])
    pack(writer, hands, options.strength, pace, options.terms, options.out)
    print(options.out)


if __name__ == "__main__":
    sys.exit(run_command(main))
