"""The task of handwriting: load the lines, build the network, draw samples while it learns."""

import numpy as np

from minirnn import backend
from minirnn.datasets import coverage, format_coverage, load_samples, split_by_group
from minirnn.datasets.line_batches import LineBatches, ValidationLines, encoded
from minirnn.drawing.diagrams import strokes_picture, window_path
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import augment, normalise
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training import fine_tuning
from minirnn.training.trainer import Trainer, options_from
from minirnn.writing.hands import LIKENESS, Writer, part_of_the_way
from minirnn.writing.pen import write_lines

SPECIMENS = [
    "Dear Ana, thank you for the book.",
    "We will meet at noon on Tuesday.",
    "The quick brown fox jumps over",
    "the lazy dog. Call me tonight!",
    "It was the best of times, 1859.",
    "Every student checks the gradient",
]


def hand_task(settings, run):
    """The network, the data and everything else a run over handwriting needs -> `Trainer`.

    From scratch every group of lines (a form, a page) has a row of its own among the network's hands. Starting from
    trained weights, all lines are taken to be of one hand, which becomes a new row."""
    samples, report = load_samples(settings["data"], progress=True)
    print(f"data        {settings['data']}: {report}")
    scratch = settings["init"] == "scratch"
    split = split_by_group if scratch else fine_tuning.split_lines
    training, validation = split(samples, settings["held_out"], settings["seed"])
    if not training or not validation:
        raise MinirnnError(
            f"{settings['data']}: {len(training)} lines to learn from and {len(validation)} to judge by, split by "
            "whole groups; give more of them, or change --held-out"
        )
    counts = coverage(sample.text for sample in training)
    print(format_coverage(counts))
    begin = new_pen if scratch else trained_pen
    chars, pens, hands, network, meta = begin(training, counts, settings)
    known = [[s for s in part if not chars.unknown(s.text)] for part in (training, validation)]
    for name, part, kept in zip(("learn from", "judge by"), (training, validation), known):
        if len(kept) < len(part):
            print(f"left out    {len(part) - len(kept)} lines to {name}, with characters that the network lacks")
        if not kept:
            raise MinirnnError(f"{settings['data']} has no line to {name} without such characters; give more lines")
    batch, T = settings["batch"], settings["steps_per_chunk"]
    if scratch:
        change, weights = augment, rarity_weights(known[0], counts)
    else:
        change, weights = fine_tuning.another_time, [fine_tuning.copies(len(known[0]))] * len(known[0])
    data = LineBatches(known[0], chars, pens, hands, batch, T, settings["seed"], settings["grow"], change, weights,
                       processes=settings["threads"] if settings["device"] == "gpu" else 0)  # fmt: skip
    judge = ValidationLines(known[1], chars, pens, batch, T, hands)
    judges = "the same" if training is validation else f"{len(known[1]):,} others"
    print(f"lines       {len(known[0]):,} to learn from, {judges} to judge by")
    print(f"vocabularies   {len(chars)} characters; {len(pens)} pen symbols, "
          f"{judge.symbols / judge.characters:.1f} a character")  # fmt: skip
    print(f"network     {network.settings['layers']} layers of {network.settings['hidden']}: "
          f"{network.count():,} weights")  # fmt: skip
    print(f"epoch       {data.chunks(settings['grow']):,} chunks of {batch} lines x {T} steps")
    began = {} if scratch else backend.tree_map(np.copy, backend.flatten(network.params))
    meta = {
        **meta, "held_out": settings["held_out"], "seed": settings["seed"],
        "symbols": chars.symbols, "directions": pens.directions, "step_length": pens.step,
        "symbols_a_character": judge.symbols / judge.characters, "symbols_a_line": judge.symbols / judge.lines,
    }  # fmt: skip

    def sample(network, step):
        rng = np.random.default_rng([settings["seed"], step])
        if began:
            network = part_of_the_way(network, began, LIKENESS)
        texts = ["".join(c for c in text if c in chars.symbols) for text in SPECIMENS]
        rows = meta.get("neat_hands") or range(network.settings["hands"])
        lines = write_lines(network, chars, pens, texts, rng.choice(rows, len(texts)), rng)
        path = run / "samples" / f"{step:07d}.png"
        strokes_picture(path, [(f"{line.text}   {line.fault}", line.ink) for line in lines])
        window_path(path.with_name(f"{step:07d}_window.png"), lines[0].phi, lines[0].text + " ")

    extra = {"lifts": pens.lifts, **{f"began.{name}": array for name, array in began.items()}}
    return Trainer(network.to_device(settings["device"]), data, judge, options_from(settings), run, meta, sample, extra)


def new_pen(training, counts, settings):
    """Vocabularies and a network with fresh weights -> chars, pens, {group: row}, network, meta."""
    chars = CharVocabulary("".join(counts))
    some = training[:: max(1, len(training) // 4000)]
    pens = PenVocabulary.fit_lifts(
        (normalise(sample.strokes) for sample in some), settings["lifts"], settings["seed"], settings["directions"],
        settings["step_length"],
    )  # fmt: skip
    groups = sorted({sample.group for sample in training})
    characters = sum(len(sample.text) + 1 for sample in some)
    network = PenRNN(
        len(pens), characters=len(chars) + 1, heights=pens.n_heights, hands=len(groups) + 1,
        layers=settings["layers"], hidden=settings["hidden"], embed=settings["embed"],
        rate=characters / sum(map(len, encoded(some, pens))),
        dropout=settings["dropout"], seed=settings["seed"],
    )  # fmt: skip
    hands = {group: row for row, group in enumerate(groups, start=1)}
    return chars, pens, hands, network, {"counts": counts, "hands": groups}


def trained_pen(training, counts, settings):
    """The vocabularies and the network of trained weights, with one row more for the new hand -> as `new_pen`."""
    writer = Writer(None if settings["init"] == "pretrained" else settings["init"], likeness=1.0)
    row = fine_tuning.nearest_hand(writer, [sample for sample in training if not writer.chars.unknown(sample.text)])
    network = fine_tuning.with_another_hand(writer.network, row, dropout=settings["dropout"])
    print(f"hand        starts from row {row} of {writer.network.settings['hands']}")
    known = {character: max(counts.get(character, 0), n) for character, n in writer.counts.items()}
    new = writer.network.settings["hands"]
    hands = {sample.group: new for sample in training}
    meta = {"counts": known, "hands": [], "neat_hands": [new], "pace": writer.pace}
    return writer.chars, writer.pens, hands, network, meta


def rarity_weights(samples, counts, plenty=400, most=8.0):
    """How often each sample is seen in an epoch: a line with a character that has fewer than ``plenty`` examples in
    the data comes so often that it has as many, but no more than ``most`` times."""
    often = {character: min(most, max(1.0, plenty / count)) for character, count in counts.items()}
    return [max(often[character] for character in sample.text) for sample in samples]
