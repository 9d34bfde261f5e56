"""The task of handwriting: load the lines, build the network, draw samples while it learns."""

from typing import NamedTuple

import numpy as np

from minirnn import backend
from minirnn.datasets import coverage, digest, format_coverage, load_samples
from minirnn.datasets.line_batches import LineBatches, ValidationLines, encoded
from minirnn.datasets.writers import split_by_people
from minirnn.drawing.diagrams import strokes_picture, window_path
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import augment, normalise
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training import fine_tuning
from minirnn.training.run_folder import starting_weights
from minirnn.training.trainer import Trainer
from minirnn.writing.hands import LIKENESS, SHIPPED, Writer, part_of_the_way
from minirnn.writing.pen import write_lines

SPECIMENS = [
    "Dear Ana, thank you for the book.",
    "We will meet at noon on Tuesday.",
    "The quick brown fox jumps over",
    "the lazy dog. Call me tonight!",
    "It was the best of times, 1859.",
    "Every student checks the gradient",
]


class TrainedHand(NamedTuple):
    """A network that writes, and what belongs to it: its vocabularies, the row of each group's hand {group: row}, the
    meta data for its checkpoint, and the weights from which it began ({} for new ones)."""

    network: PenRNN
    chars: CharVocabulary
    pens: PenVocabulary
    hands: dict
    meta: dict
    began: dict


def hand_task(settings, run):
    """The network, the data and everything else a run over handwriting needs -> `Trainer`.

    If the run starts from scratch, every person (or, where people are not known, every group of lines, such as a form
    or a page) has a row among the network's hands, and validation is on other people. If it starts from trained
    weights, all lines are taken to be of one hand, which becomes a new row."""
    training, validation = load_lines(settings)
    counts = coverage(sample.text for sample in training)
    print(format_coverage(counts))
    scratch = settings.network.init == "scratch"
    pen = new_pen(training, counts, settings) if scratch else trained_pen(training, counts, settings, run)
    data, validation_lines = batches(pen, training, validation, counts, settings)
    network = pen.network
    print(
        f"network     {network.settings['layers']} layers of {network.settings['hidden']}: {network.count():,} weights"
    )
    meta = {
        **pen.meta, "held_out": settings.data.held_out, "seed": settings.training.seed,
        "split": "people" if scratch else "lines", "data": digest(training + validation), "symbols": pen.chars.symbols,
        "directions": pen.pens.directions, "step_length": pen.pens.step,
        "symbols_a_character": validation_lines.symbols / validation_lines.characters,
        "symbols_a_line": validation_lines.symbols / validation_lines.lines,
    }  # fmt: skip
    extra = {"lifts": pen.pens.lifts, **{f"began.{name}": array for name, array in pen.began.items()}}
    network.to_device(settings.run.device)
    return Trainer(network, data, validation_lines, settings.training, run, meta, sampler(pen, settings, run), extra,
                   trained=not scratch)  # fmt: skip


def load_lines(settings):
    """(training, validation), lists of samples, of the handwriting that the settings name."""
    source, held_out, seed = settings.data.data[0], settings.data.held_out, settings.training.seed
    samples, report = load_samples(source, progress=True)
    print(f"data        {source}: {report}")
    if settings.network.init == "scratch":
        training, validation = split_by_people(samples, source, held_out, seed)
    else:
        training, validation = fine_tuning.split_lines(samples, held_out, seed)
    if not training or not validation:
        raise MinirnnError(
            f"{source}: {len(training)} lines to learn from and {len(validation)} for validation, split by whole "
            "groups; give more of them, or change --held-out"
        )
    return training, validation


def new_pen(training, counts, settings):
    """A `TrainedHand` with fresh weights, and vocabularies fitted to the lines."""
    chars, seed = CharVocabulary("".join(counts)), settings.training.seed
    some = training[:: max(1, len(training) // 4000)]
    pens = PenVocabulary.fit_lifts(
        (normalise(sample.strokes) for sample in some), settings.data.lifts, seed, settings.data.directions,
        settings.data.step_length,
    )  # fmt: skip
    groups = sorted({sample.group for sample in training})
    characters = sum(len(sample.text) + 1 for sample in some)
    sizes = settings.network
    network = PenRNN(
        len(pens), characters=len(chars) + 1, heights=pens.n_heights, hands=len(groups) + 1, layers=sizes.layers,
        hidden=sizes.hidden, embed=sizes.embed, rate=characters / sum(map(len, encoded(some, pens))),
        dropout=sizes.dropout, seed=seed,
    )  # fmt: skip
    hands = {group: row for row, group in enumerate(groups, start=1)}
    return TrainedHand(network, chars, pens, hands, {"counts": counts, "hands": groups}, {})


def trained_pen(training, counts, settings, run):
    """A `TrainedHand` with trained weights, and one row more for the new hand."""
    init = settings.network.init
    writer = Writer(starting_weights(run, SHIPPED if init == "pretrained" else init), likeness=1.0)
    row = fine_tuning.nearest_hand(writer, [sample for sample in training if not writer.chars.unknown(sample.text)])
    network = fine_tuning.with_another_hand(writer.network, row, dropout=settings.network.dropout)
    print(f"hand        starts from row {row} of {writer.network.settings['hands']}")
    known = {character: max(counts.get(character, 0), n) for character, n in writer.counts.items()}
    new = writer.network.settings["hands"]
    hands = {sample.group: new for sample in training}
    meta = {"counts": known, "hands": [], "neat_hands": [new], "pace": writer.pace}
    began = backend.tree_map(np.copy, backend.flatten(network.params))
    return TrainedHand(network, writer.chars, writer.pens, hands, meta, began)


def batches(pen, training, validation, counts, settings):
    """The lines as `LineBatches` and as `ValidationLines`, without those with characters that the network lacks."""
    same, (batch, T) = training is validation, (settings.data.batch, settings.data.steps_per_chunk)
    parts = []
    for name, part in (("to learn from", training), ("for validation", validation)):
        known = [sample for sample in part if not pen.chars.unknown(sample.text)]
        if len(known) < len(part):
            print(f"left out    {len(part) - len(known)} lines {name}, with characters that the network lacks")
        if not known:
            raise MinirnnError(f"there is no line {name} without characters that the network lacks; give more lines")
        parts.append(known)
    training, validation = parts
    if pen.began:
        change, weights = fine_tuning.augment_slightly, [fine_tuning.copies(len(training))] * len(training)
    else:
        change, weights = augment, rarity_weights(training, counts)
    ahead = settings.training.threads if settings.run.device == "gpu" else 0
    data = LineBatches(training, pen.chars, pen.pens, pen.hands, batch, T, settings.training.seed,
                       settings.data.curriculum, change, weights, processes=ahead)  # fmt: skip
    validation_lines = ValidationLines(validation, pen.chars, pen.pens, batch, T, pen.hands)
    print(
        f"lines       {len(training):,} to learn from, {'the same' if same else f'{len(validation):,} others'} "
        "for validation"
    )
    print(
        f"symbols     {len(pen.chars)} characters; {len(pen.pens)} moves of the pen, "
        f"{validation_lines.symbols / validation_lines.characters:.1f} per character"
    )
    print(f"epoch       {data.chunks(settings.data.curriculum):,} chunks of {batch} lines x {T} steps")
    return data, validation_lines


def sampler(pen, settings, run):
    """sample(network, step), which saves a picture of lines and one of the attention window in the run's folder."""

    def sample(network, step):
        rng = np.random.default_rng([settings.training.seed, step])
        if pen.began:
            network = part_of_the_way(network, pen.began, LIKENESS)
        texts = ["".join(c for c in text if c in pen.chars.symbols) for text in SPECIMENS]
        rows = pen.meta.get("neat_hands") or range(network.settings["hands"])
        lines = write_lines(network, pen.chars, pen.pens, texts, rng.choice(rows, len(texts)), rng)
        path = run / "samples" / f"{step:07d}.png"
        strokes_picture(path, [(f"{line.text}   {line.fault}", line.ink) for line in lines])
        window_path(path.with_name(f"{step:07d}_window.png"), lines[0].phi, lines[0].text + " ")

    return sample


def rarity_weights(samples, counts, plenty=400, most=8.0):
    """How often each sample is seen in an epoch: a line with a character that has fewer than ``plenty`` examples in the
    data is repeated until the character has as many, but at most ``most`` times."""
    often = {character: min(most, max(1.0, plenty / count)) for character, count in counts.items()}
    return [max(often[character] for character in sample.text) for sample in samples]
