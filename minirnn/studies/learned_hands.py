"""How well a hand is learned from images.

    python -m minirnn.studies.learned_hands IAM-ONDB --out measured_hands

Few lines: of forms that the shipped weights have never seen, half of the lines (three to five) are drawn as scans,
traced, and learned as `minirnn.train --task hand` does. Many lines: invented hands, each a mean of two of the network's
hands with a slant and a width of its own, write forty lines, which are scanned, traced and learned.

    before, after   loss in nats per character on lines that were not learned from, traced like those that were: of the
                    shipped weights with the generic hand, and of the weights that have learned the hand
    recorded        the same on the pen's own recording of these lines, which knows what a trace cannot: where strokes
                    begin, and in which order they were written
    slope, height/width, strokes  slope of the upright strokes to the line, height to width of a letter, strokes per
                    letter: how far the lines that are written after learning differ from the hand's own (in degrees,
                    and in shares of the hand's own)

The lines would also differ from those of other hands. So the command also prints how far they differ from the *other*
hands, how far the hands differ from each other, and how often the hand that is nearest to the written lines is the one
that was learned.

What has been measured already is not measured again, so that the command can be stopped and continued. The folders
legibility/learned and legibility/shipped get lines of the learned and of the shipped hands for a recogniser to read.
"""

import argparse
import contextlib
import json
import pathlib
import sys

import numpy as np
from tqdm import tqdm

from minirnn.arguments import Parser, zero_or_more
from minirnn.cores import on_all_cores
from minirnn.datasets import Sample, load_samples, split_by_group, write_jsonl
from minirnn.datasets.line_batches import ValidationLines
from minirnn.datasets.metadata import METADATA, write_table
from minirnn.datasets.text import read_text
from minirnn.datasets.writers import split_by_people
from minirnn.drawing.png import line_image
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.image_files import save_image
from minirnn.images.pipeline import read_line
from minirnn.ink.strokes import normalise
from minirnn.studies.sample_hand import mixed_hand, reshape_hand
from minirnn.studies.tracing import random_scan
from minirnn.training.launch import new_settings, prepared
from minirnn.training.threads import Workers
from minirnn.training.trainer import evaluate
from minirnn.writing.describing import features
from minirnn.writing.hands import Writer

LEARN, EVALUATE = 40, 12  # lines of an invented hand
MOST = 5  # lines of a form to learn from
TEXTS = pathlib.Path(__file__).parents[2] / "data" / "sample_hand" / "texts.txt"


def traced(samples, seed):
    """The samples as they are found again in scans of them, all of one group; lines without ink are left out."""
    seeds = [[seed, number] for number in range(len(samples))]
    found = on_all_cores(_scan_and_trace, [sample.strokes for sample in samples], seeds)
    return [Sample(sample.text, strokes, "traced") for sample, strokes in zip(samples, found) if strokes]


def _scan_and_trace(strokes, seed):
    line = read_line(random_scan(strokes, np.random.default_rng(seed))[0])[1]
    return line.strokes if line else []


def learn(samples, folder, seed):
    """Learn the hand of ``samples`` as minirnn.train does, in the folder's ``run`` -> a `Writer` with all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "samples.jsonl", samples)
    run = folder / "run"
    run.mkdir(exist_ok=True)
    settings = new_settings({"task": "hand", "data": [str(folder / "samples.jsonl")], "seed": seed})
    with open(folder / "output.txt", "w", encoding="utf-8") as output, contextlib.redirect_stdout(output):
        trainer = prepared(settings, run, resume=False)
        trainer.sample = None  # pictures on the way are not needed
        trainer.train()
    return Writer(run, likeness=1.0)


def nats(writer, samples, row):
    """The loss of the network per character of ``samples``, as the hand ``row``."""
    lines = ValidationLines(samples, writer.chars, writer.pens, 16, 128, {sample.group: row for sample in samples})
    return evaluate(writer.network, lines, Workers(2)) * lines.symbols / lines.characters


def losses(before, after, recorded, scanned):
    """Nats per character of lines that were not learned from, as recorded and as traced, before and after learning."""
    return {
        "lines": len(scanned),
        "before": nats(before, scanned, 0),
        "after": nats(after, scanned, after.hand),
        "recorded_before": nats(before, recorded, 0),
        "recorded_after": nats(after, recorded, after.hand),
    }


def measure_form(folder, lines, seed):
    """Learn from half of the ``lines`` of a form and evaluate on the others -> a row of the table."""
    half = min(MOST, len(lines) // 2)
    scanned = traced(lines, seed)
    after = learn(scanned[:half], folder, seed)
    return {"hand": lines[0].group, "learned": half, **losses(Writer(), after, lines[half:], scanned[half:])}


def made_up_hand(number, seed):
    """A `Writer` of a hand that is not shipped, its slant (degrees) and its width."""
    rng = np.random.default_rng([seed, number])
    writer = Writer()
    rows = rng.choice(writer.hands, 2, replace=False)
    return mixed_hand(writer, rows), rng.uniform(-15, 15), rng.uniform(0.8, 1.2)


def write_as(writer, texts, seed, lean=0.0, width=1.0):
    """Lines of a hand as samples, those that went wrong left out."""
    lines = [line for line in writer.write(texts, np.random.default_rng(seed)) if line.strokes and not line.fault]
    return [Sample(line.text, reshape_hand(line.ink, lean, width), "written") for line in lines]


def mean_looks(samples):
    """Slope of the upright strokes to the line in degrees, height to width of a letter, strokes per letter: (3,)
    means."""
    strokes, slant, width, _ = np.mean([features(s.text, normalise(s.strokes)) for s in samples], axis=0)
    return np.array([90 - np.degrees(np.arctan(slant)), 1 / width, strokes])


def measure_hand(folder, number, texts, seed):
    """Learn an invented hand from images of forty lines, evaluate on others and on what it then writes -> a row of the
    table."""
    writer, lean, width = made_up_hand(number, seed)
    texts = [texts[i] for i in np.random.default_rng([seed, number]).permutation(len(texts))]
    own = write_as(writer, texts[: LEARN + EVALUATE], seed, lean, width)
    scanned = traced(own, seed)
    after = learn(scanned[:LEARN], folder, seed)
    row = {"hand": f"made up {number + 1}", "learned": LEARN}
    row.update(losses(Writer(), after, own[LEARN:], scanned[LEARN:]))
    written = write_as(Writer(folder / "run"), texts[LEARN + EVALUATE :][: 2 * EVALUATE], seed)
    draw(folder.parent / "legibility" / "learned", f"{number + 1}", written)
    return {**row, "own": mean_looks(own).tolist(), "written": mean_looks(written).tolist()}


def draw(folder, name, samples):
    """Images of lines, and the metadata.csv of all that the folder holds."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples):
        save_image(folder / f"{name}_{number:02d}.png", line_image(normalise(sample.strokes)) / 255)
        with atomic(folder / f"{name}_{number:02d}.txt") as file:
            file.write(sample.text)
    rows = [(path.with_suffix(".png").name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.txt"))]
    write_table(folder / METADATA, rows)


def once(folder, measure, *arguments):
    """The row that ``measure(folder, *arguments)`` returns, or returned before: it is kept in the folder."""
    path = folder / "measured.json"
    if not path.exists():
        row = measure(folder, *arguments)
        with atomic(path) as file:
            json.dump(row, file)
    return json.loads(path.read_text(encoding="utf-8"))


def table(rows):
    """The rows as text, with the means and the worst."""
    lines = [
        f"{'hand':14} learned  lines   before  after  change  recorded  after  change   slope  height/width  strokes"
    ]
    changes = []
    for row in rows:
        changes.append([row["after"] / row["before"] - 1, row["recorded_after"] / row["recorded_before"] - 1])
        line = (
            f"{row['hand']:14} {row['learned']:7d} {row['lines']:6d}  {row['before']:7.2f} {row['after']:6.2f} "
            f"{changes[-1][0]:+7.1%}  {row['recorded_before']:8.2f} {row['recorded_after']:6.2f} {changes[-1][1]:+7.1%}"
        )
        if "own" in row:
            slope, *others = np.array(row["written"]) - row["own"]
            shares = np.array(others) / row["own"][1:]
            line += f"  {slope:+5.1f}\u00b0 {shares[0]:+13.1%} {shares[1]:+6.1%}"
        lines.append(line)
    for name, values in (("mean", np.mean(changes, axis=0)), ("worst", np.max(changes, axis=0))):
        lines.append(f"{name:14} {values[0]:+38.1%} {values[1]:+24.1%}")
    return "\n".join(lines)


def likeness(rows):
    """The errors of slope, proportions and strokes per letter, as text, beside those relative to the wrong hands, and
    beside the differences between the hands."""
    own, written = (np.array([row[name] for row in rows]) for name in ("own", "written"))
    others = ~np.eye(len(rows), dtype=bool)
    off = np.abs(written[:, None] - own)  # of what learned hand i writes to hand j, (hands, hands, 3)
    apart = np.abs(own[:, None] - own)
    lines = [f"{'off on average':24}{'its own hand':>14}{'another hand':>14}{'hands, each other':>19}"]
    for n, (name, unit) in enumerate((("slope", "\u00b0"), ("height to width", ""), ("strokes per letter", ""))):
        cells = [
            f"{values[:, :, n].mean(where=where):.2f}{unit}"
            for values, where in ((off, ~others), (off, others), (apart, others))
        ]
        lines.append(f"{name:24}{cells[0]:>14}{cells[1]:>14}{cells[2]:>19}")
    nearest = np.linalg.norm(off / np.maximum(own.std(axis=0), 1e-12), axis=2).argmin(axis=1)
    right = int((nearest == np.arange(len(rows))).sum())
    lines.append(f"the nearest of the {len(rows)} hands is the one that was learned: {right} of {len(rows)}")
    return "\n".join(lines)


def unseen_forms(source, count, seed):
    """The lines of ``count`` forms that were held out when the shipped weights were made, at least six of each."""
    writer = Writer()
    samples, _ = load_samples(source, progress=True)
    fraction, seed_of_split = writer.meta["held_out"], writer.meta["seed"]
    if writer.meta.get("split") == "people":
        _, held_out = split_by_people(samples, source, fraction, seed_of_split)
    else:
        print("the shipped weights were split by forms: they know other forms by the same people")
        _, held_out = split_by_group(samples, fraction, seed_of_split)
    forms = {}
    for sample in held_out:
        if not writer.chars.unknown(sample.text):
            forms.setdefault(sample.group, []).append(sample)
    names = sorted(group for group, lines in forms.items() if len(lines) >= 6)
    if len(names) < count:
        raise MinirnnError(f"{source} has {len(names)} forms of six lines that are new to the weights; ask for fewer")
    return [forms[names[i]] for i in np.random.default_rng(seed).permutation(len(names))[:count]]


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.learned_hands",
        description="Measure how well a hand is learned from images.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("source", help="folder of IAM-OnDB, or pen recordings as .jsonl")
    parser.add_argument("--forms", type=zero_or_more, default=10, help="of a few lines each")
    parser.add_argument("--hands", type=zero_or_more, default=5, help="invented, of forty lines each")
    parser.add_argument("--texts", default=str(TEXTS), help="what the invented hands write, one text per line")
    parser.add_argument("--seed", type=zero_or_more, default=0)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("measured_hands"), help="folder for it all")
    options = parser.parse_args(argv)
    out, seed = options.out, options.seed

    rows = []
    if options.forms:
        for lines in tqdm(unseen_forms(options.source, options.forms, seed), desc="forms"):
            folder = out / f"form_{lines[0].group}"
            rows.append(once(folder, measure_form, lines, seed))
        print(table(rows))
    if options.hands:
        texts = [line for line in read_text(options.texts).split("\n") if not Writer().unknown(line)]
        own = []
        for number in tqdm(range(options.hands), desc="hands"):
            folder = out / f"hand_{number + 1}"
            own.append(once(folder, measure_hand, number, texts, seed))
        print(table(own))
        if len(own) > 1:
            print(likeness(own))
        for number in range(len(Writer().hands)):
            few = texts[EVALUATE * number :][:EVALUATE]
            draw(out / "legibility" / "shipped", f"{number + 1}", write_as(Writer(hand=number + 1), few, seed))
        print(f"to be read by a recogniser: {out / 'legibility'}")


if __name__ == "__main__":
    sys.exit(run_command(main))
