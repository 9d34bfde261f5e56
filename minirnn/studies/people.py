"""Train a network that writes further on the lines of many people, with one row per person.

    python -m minirnn.studies.people runs/hand-1 --data i=IAM_ONDB u=LINES.jsonl.gz --minutes 60 --out runs/people-1

Every source has a prefix that keeps its people apart from those of the others. A person of whom the network has no row
yet begins as row 0, any hand, and a character that it does not know begins as the most similar one that it does.

What a row can learn is what training leaves of it. Lines are therefore changed no more than one person's vary
(`minirnn.training.fine_tuning.augment_slightly`): the shear of `minirnn.ink.strokes.augment` has a standard deviation
of 0.15, and people differ by 0.13. Validation is on other lines of people who have a row: whole forms, where a source
has forms. A run that was stopped is continued by the same command.
"""

import dataclasses
import hashlib
import pathlib
import sys
import unicodedata

import numpy as np

from minirnn import backend
from minirnn.arguments import Parser, above_zero, fraction, positive_int
from minirnn.datasets import coverage, digest, load_samples
from minirnn.datasets.line_batches import LineBatches, ValidationLines
from minirnn.datasets.samples import Sample
from minirnn.datasets.writers import read_writers
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training.fine_tuning import augment_slightly
from minirnn.training.run_folder import locked
from minirnn.training.settings import TrainingSettings
from minirnn.training.trainer import Trainer
from minirnn.writing.hands import Writer

SINGLE_WORDS = 0.1  # how often a single word of small letters is seen, where a line is seen once
PLENTY, MOST = 2000, 3.0  # a character with fewer examples brings its lines more often, but never more than so often
VALIDATION_LINES = 400
LIKE = {
    "£": "L", "€": "C", "°": "o", "·": ".", "•": ".", "№": "N", "–": "-", "—": "-", "…": ".", "‘": "'", "’": "'",
    "“": '"', "”": '"', "„": ",", "‚": ",", "«": "<", "»": ">", "¿": "?", "¡": "!", "ß": "B", "æ": "a", "Æ": "A",
    "œ": "o", "Œ": "O", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "§": "S", "×": "x",
}  # fmt: skip


def people_of(named_source):
    """The samples of "PREFIX=SOURCE" -> list of (`Sample` whose group is a person, what must not be split: a form or a
    line of its own)."""
    prefix, found, source = named_source.partition("=")
    if not found:
        raise MinirnnError(f"{named_source} has no prefix for its people; write it as x={named_source}")
    samples, _ = load_samples(source, progress=True)
    writers = read_writers(source)
    lines = []
    for n, sample in enumerate(samples):
        if writers is None:
            person, part = f"{prefix}{sample.group}", f"{prefix}{n}"
        else:
            writer = writers.get(sample.group)
            person, part = f"{prefix}{writer or f'form-{sample.group}'}", f"{prefix}{sample.group}"
        lines.append((Sample(sample.text, sample.strokes, person), part))
    return lines


def split(lines, held_out, seed):
    """(training, validation), lists of samples: about ``held_out`` of all parts are kept for validation, and of these
    `VALIDATION_LINES` lines by people whom training knows are used."""
    training, validation = [], []
    for sample, part in lines:
        share = int.from_bytes(hashlib.sha256(f"{seed} {part}".encode()).digest()[:8], "big") / 2**64
        (validation if share < held_out else training).append(sample)
    known = {sample.group for sample in training}
    validation = [sample for sample in validation if sample.group in known]
    order = np.random.default_rng(seed).permutation(len(validation))[:VALIDATION_LINES]
    return training, [validation[i] for i in sorted(order)]


def weights_of(samples, counts):
    """How often each line is seen in an epoch. Single words of small letters are many and teach little."""
    rare = {character: min(MOST, max(1.0, (PLENTY / count) ** 0.5)) for character, count in counts.items()}
    return [
        SINGLE_WORDS
        if sample.text.isalpha() and sample.text.islower() and sample.text.isascii()
        else max(rare[character] for character in sample.text)
        for sample in samples
    ]


def like(character, known):
    """The character of ``known``, a string, that ``character`` looks most like."""
    plain = unicodedata.normalize("NFD", character)[0]
    return next((c for c in (LIKE.get(character), plain, "o") if c and c in known), known[-1])


def extended(writer, symbols, people):
    """The network of a `Writer` with rows for all ``people`` (those that it has come first) and the characters
    ``symbols`` beside its own -> (`PenRNN`, `CharVocabulary`, list of people)."""
    old, known = writer.network, writer.meta["hands"]
    chars = CharVocabulary(writer.chars.symbols + "".join(symbols))
    people = [*known, *sorted(set(people) - set(known))]
    network = PenRNN(**{**old.settings, "characters": len(chars) + 1, "hands": len(people) + 1})
    params = dict(backend.flatten(old.params))
    rows = [0, *(int(writer.chars.encode(c if not writer.chars.unknown(c) else like(c, writer.chars.symbols))[0]) + 1
                 for c in chars.symbols)]  # fmt: skip
    params["text.E"] = params["text.E"][rows]
    E = params["hand.E"][: len(known) + 1]
    params["hand.E"] = np.concatenate([E, np.repeat(E[:1], len(people) - len(known), axis=0)])
    network.load_params(params)
    return network, chars, people


def trainer_of(options, run):
    """The `Trainer` that the options ask for."""
    lines = [line for source in options.data for line in people_of(source)]
    training, validation = split(lines, options.held_out, options.seed)
    counts = coverage(sample.text for sample in training)
    writer = Writer(options.run, likeness=1.0)
    writer.network.settings["dropout"] = options.dropout
    network, chars, people = extended(writer, counts, {sample.group for sample in training})
    hands = {person: row for row, person in enumerate(people, start=1)}
    data = LineBatches(training, chars, writer.pens, hands, options.batch, options.steps_per_chunk, options.seed,
                       change=augment_slightly, weights=weights_of(training, counts))  # fmt: skip
    validated = ValidationLines(validation, chars, writer.pens, options.batch, options.steps_per_chunk, hands)
    print(f"lines       {len(training):,} to learn from, of {len(people):,} people; {len(validation):,} for validation")
    print(f"epoch       {data.chunks(0):,} chunks of {options.batch} lines x {options.steps_per_chunk} steps")
    meta = {
        **{key: value for key, value in writer.meta.items() if key not in ("progress", "rows")},
        "network": network.settings, "counts": counts, "hands": people, "neat_hands": list(range(len(people) + 1)),
        "symbols": chars.symbols, "held_out": options.held_out, "seed": options.seed, "split": "forms",
        "data": digest(training + validation),
    }  # fmt: skip
    settings = TrainingSettings(
        minutes=options.minutes, steps=options.steps, lr=options.lr, schedule=options.schedule, ema=options.ema,
        evaluations=options.evaluations, patience=0, threads=1, seed=options.seed,
    )  # fmt: skip
    return Trainer(network, data, validated, settings, run, meta, None, {"lifts": writer.pens.lifts}, trained=True)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    defaults = {field.name: field.default for field in dataclasses.fields(TrainingSettings)}
    parser = Parser(
        prog="python -m minirnn.studies.people",
        description="Train a network that writes further, with one row per person.",
    )
    parser.add_argument("run", help="folder of a run of minirnn.train --task hand --init scratch, or a checkpoint")
    parser.add_argument("--data", required=True, nargs="+", metavar="PREFIX=SOURCE", help="handwriting by people")
    parser.add_argument("--out", required=True, help="the folder of the run; continued if there is one")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=above_zero)
    length.add_argument("--steps", type=positive_int)
    parser.add_argument("--lr", type=above_zero, default=1e-3, help="(default 1e-3)")
    parser.add_argument("--schedule", default="trapezoid", help="of the learning rate (default trapezoid)")
    parser.add_argument("--ema", type=fraction, default=0.99, help="(default 0.99)")
    parser.add_argument("--dropout", type=fraction, default=0.15, help="(default 0.15)")
    parser.add_argument("--held-out", type=fraction, default=0.05, help="for validation (default 0.05)")
    parser.add_argument("--batch", type=positive_int, default=32, help="(default 32)")
    parser.add_argument("--steps-per-chunk", type=positive_int, default=128, help="(default 128)")
    parser.add_argument("--evaluations", type=positive_int, default=10, help="(default 10)")
    parser.add_argument("--seed", type=int, default=defaults["seed"])
    options = parser.parse_args(argv)
    run = pathlib.Path(options.out)
    run.mkdir(parents=True, exist_ok=True)
    with locked(run):
        trainer = trainer_of(options, run)
        if (run / "last.npz").exists():
            trainer.load()
        progress = trainer.train()
    print(f"best validation loss {progress.best:.4f} nats per symbol; the run is in {run}")


if __name__ == "__main__":
    sys.exit(run_command(main))
