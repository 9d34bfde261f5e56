"""How well a trained network predicts data that it has not seen: nats, bits and perplexity are printed."""

import math
import time

from tqdm import tqdm

from minirnn.datasets import load_samples, split_by_group
from minirnn.datasets.line_batches import ValidationLines
from minirnn.datasets.text import ValidationText, read_text
from minirnn.datasets.writers import split_by_people
from minirnn.errors import MinirnnError
from minirnn.networks.rebuild import load
from minirnn.reading.reader import TOGETHER, Reader
from minirnn.reading.scores import Scores
from minirnn.training.fine_tuning import split_lines
from minirnn.training.trainer import evaluate
from minirnn.writing.hands import Writer


def evaluate_text(run, paths, device="cpu", skip_unknown=False, encoding=None):
    """Print the loss of the network of ``run`` on the texts in ``paths``, per character.

    ``skip_unknown`` leaves out characters that the network does not know; otherwise they raise `MinirnnError`."""
    network, vocabulary, *_ = load(run, "CharRNN", device)
    text, name = read_text(paths, encoding), " ".join(map(str, paths))
    unknown = vocabulary.unknown(text)
    if unknown and not skip_unknown:
        raise MinirnnError(
            f"{name} has characters that the network never saw: {' '.join(map(repr, unknown[:20]))}; remove them, or "
            "leave them out with --skip-unknown"
        )
    ids = vocabulary.encode(text, skip_unknown=True)
    nats = evaluate(network, ValidationText(ids, 32, 128, what=name))
    left_out = f"; {len(text) - len(ids):,} left out that the network never saw" if unknown else ""
    print(f"{len(ids):,} characters of {name}{left_out}")
    print(f"{nats:.4f} nats per character")
    print(f"{nats / math.log(2):.4f} bits per character")
    perplexity = math.exp(nats) if nats < 700 else math.inf
    print(f"{perplexity:.3f} perplexity per character (of a uniform guess: {len(vocabulary)})")


def evaluate_hand(run, source, held_out=None, device="cpu"):
    """Print the loss of the network of ``run`` (None: the shipped one) on handwriting, per symbol, character and line.

    If these are the data that the network was trained on, only the groups that were held out then are used;
    ``held_out`` (a fraction; 1 for all of the data) changes that."""
    writer = Writer(run, device=device, likeness=1.0)
    samples, report = load_samples(source, progress=True)
    print(f"data        {source}: {report}")
    seed = writer.meta.get("seed", 0)
    fraction = writer.meta.get("held_out", 1.0) if held_out is None else held_out
    one_hand = not writer.meta.get("hands")
    if one_hand:
        _, samples = split_lines(samples, fraction, seed)
    elif writer.meta.get("split") == "people":
        _, samples = split_by_people(samples, source, fraction, seed)
    else:  # older weights, whose people wrote forms that they learned from and forms that they did not
        _, samples = split_by_group(samples, fraction, seed)
    known = [sample for sample in samples if not writer.chars.unknown(sample.text)]
    if not known:
        raise MinirnnError(f"{source} has no line in the groups that were held out; give --held-out 1 for all")
    # A network of many hands does not know whose lines these are, so row 0 is used; one that has learned a single hand
    # uses that.
    hands = {s.group: writer.hand for s in known} if one_hand else {}
    lines = ValidationLines(known, writer.chars, writer.pens, 48, 128, hands)
    nats = evaluate(writer.network, lines)
    print(
        f"lines       {lines.lines:,} of {len({s.group for s in known}):,} groups; "
        f"{len(samples) - len(known)} left out for characters that the network lacks"
    )
    print(f"{nats:.4f} nats per symbol")
    print(
        f"{nats * lines.symbols / lines.characters:.3f} nats per character "
        f"({lines.symbols / lines.characters:.2f} symbols per character)"
    )
    print(f"{nats * lines.symbols / lines.lines:.1f} nats per line")


def evaluate_reading(run, sources, held_out=None, device="cpu", language_model=None, lines=None):
    """Print how well lines of ``sources`` are read by the network of ``run`` (None: the shipped one).

    If these are the data that the network was trained on, only lines of the people who were held out then are read;
    ``held_out`` (a fraction; 1 for all people) changes that. ``language_model``: see `Reader`; ``lines``: at most so
    many lines of each source."""
    reader = Reader(run, language_model, device)
    fraction = reader.meta.get("held_out", 1.0) if held_out is None else held_out
    for source in sources:
        samples, report = load_samples(source, progress=True)
        print(f"data             {source}: {report}")
        _, samples = split_by_people(samples, source, fraction, reader.meta.get("seed", 0))
        if not samples:
            raise MinirnnError(f"{source} has no line by people who were held out; give --held-out 1 for all")
        if lines is not None:
            samples = samples[:: -(-len(samples) // lines)]
        scores, seconds = Scores(), time.monotonic()
        with tqdm(total=len(samples), unit="line") as bar:
            for start in range(0, len(samples), TOGETHER):
                part = samples[start : start + TOGETHER]
                for sample, reading in zip(part, reader.read_strokes([sample.strokes for sample in part])):
                    scores.add(sample.text, reading.text)
                bar.update(len(part))
        seconds = time.monotonic() - seconds
        people = len({sample.group for sample in samples})
        print(
            f"lines            {len(samples):,} of {people:,} people, {seconds / len(samples):.3f} s per line, "
            f"{'with' if reader.language else 'without'} a language model"
        )
        print(scores)
