"""The task of reading: load the lines of many people, build the network, read unseen lines while it learns."""

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.datasets import coverage, digest, format_coverage, load_samples
from minirnn.datasets.reader_lines import ReaderBatches, ReaderValidation, readable, vocabulary_of
from minirnn.datasets.writers import split_by_people
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.networks.reader_rnn import ReaderRNN
from minirnn.networks.rebuild import load
from minirnn.reading.decoding import errors, greedy
from minirnn.training.run_folder import starting_weights
from minirnn.training.trainer import Trainer
from minirnn.writing.hands import Writer

JOIN = 3  # pen symbols per frame
DEFAULTS = {
    "init": "scratch", "layers": 3, "hidden": 128, "embed": 64, "dropout": 0.3, "lr": 3e-3, "schedule": "trapezoid",
    "warmup": 100, "weight_decay": 0.01, "epochs": 8.0, "evaluations": 16, "patience": 0,
}  # fmt: skip
VALIDATED = 500  # validation lines of each source that are read at every evaluation, short and long ones


def read_task(settings, run):
    """The network, the data and everything else a run that learns to read needs -> `Trainer`."""
    seed, B = settings.training.seed, settings.data.batch
    init = settings.network.init
    begun = None if init == "scratch" else load(starting_weights(run, init), ReaderRNN.kind)
    # A run that has begun keeps its moves of the pen, whatever weights are shipped today.
    pens = load(run / "last.npz", ReaderRNN.kind).pens if (run / "last.npz").exists() else Writer(None).pens
    training, validation = [], []
    for source in dict.fromkeys(settings.data.data):
        samples, report = load_samples(source, progress=True)
        parts = split_by_people(samples, source, settings.data.held_out, seed)
        print(f"data        {source}: {report}")
        print(
            f"people      {len(parts[0]):,} lines to learn from, {len(parts[1]):,} of "
            f"{len({sample.group for sample in parts[1]}):,} other people for validation"
        )
        training += settings.data.data.count(source) * parts[0]  # what is given twice is learned twice as often
        validation.append(parts[1])
    chars = vocabulary_of(training) if begun is None else begun.chars
    known, *validation_sets = (
        _known(samples, chars, where)
        for samples, where in [(training, "learn from"), *((part, "validate by") for part in validation)]
    )
    print(format_coverage(coverage(sample.text for sample in known)))
    known, lengths, left_out = readable(known, chars, pens, JOIN)
    print(f"lines       {len(known):,} to learn from; {left_out} left out, whose text is too long for their strokes")
    data = ReaderBatches(known, lengths, chars, pens, B, JOIN, seed, processes=1)
    validation_sets = [ReaderValidation(_some(part), chars, pens, B, JOIN) for part in validation_sets if part]
    if not validation_sets:
        raise MinirnnError("there is no line for validation; give handwriting of more people, or change --held-out")
    network = _network(settings, chars, pens, begun)
    print(
        f"network     {network.settings['layers']} bidirectional layers of {network.settings['hidden']}: "
        f"{network.count():,} weights"
    )
    print(
        f"epoch       {data.chunks(0):,} batches of about {data.symbols_per_chunk:,.0f} characters; "
        f"the loss is in nats per character"
    )
    meta = {
        "symbols": chars.symbols, "directions": pens.directions, "step_length": pens.step,
        "held_out": settings.data.held_out, "seed": seed,
        "data": digest([*known, *(sample for part in validation_sets for sample in part.samples)]),
    }  # fmt: skip
    return Trainer(network.to_device(settings.run.device), data, _Chain(validation_sets), settings.training, run, meta,
                   _sampler(validation_sets, chars, run), {"lifts": pens.lifts}, trained=begun is not None)  # fmt: skip


def _known(samples, chars, what):
    known = [sample for sample in samples if not chars.unknown(sample.text)]
    if len(known) < len(samples):
        print(f"left out    {len(samples) - len(known)} lines to {what}, with characters that the network lacks")
    return known


def _network(settings, chars, pens, begun):
    """A new network, or the network of the checkpoint ``begun`` with the dropout of this run."""
    if begun is None:
        sizes = {name: getattr(settings.network, name) for name in ("cell", "layers", "hidden", "embed", "dropout")}
        return ReaderRNN(len(pens), len(chars), pens.n_heights, join=JOIN, seed=settings.training.seed, **sizes)
    if not np.allclose(begun.pens.lifts, pens.lifts):
        raise MinirnnError(f"{settings.network.init} reads other pen symbols than those of the shipped weights")
    network = begun.network
    network.p = network.settings["dropout"] = settings.network.dropout
    return network


def _some(samples):
    """At most `VALIDATED` of the samples, spread evenly over them."""
    return samples[:: -(-len(samples) // VALIDATED)]


class _Chain:
    """Several validation sets, one after the other."""

    def __init__(self, parts):
        self.parts = parts

    def __iter__(self):
        for part in self.parts:
            yield from part


def _sampler(parts, chars, run):
    """Save for each source the character error on some lines of unseen people, with the lines as they should be and as
    they are read."""

    def sample(network, step):
        pieces = []
        for part in parts:
            with threadpool_limits(1):  # small products, which further threads only slow down
                read = [chars.decode(ids - 1) for ids in read_greedily(network, part)]
            texts = [sample.text for sample in part.samples]
            wrong = sum(map(errors, texts, read))
            pieces.append(f"character error {wrong / sum(map(len, texts)):.4f}")
            pieces += [f"    {text}\n    {found}\n" for text, found in list(zip(texts, read))[::10]]
        with atomic(run / "samples" / f"{step:07d}.txt") as file:
            file.write("\n".join(pieces))

    return sample


def read_greedily(network, chunks):
    """Yield for every line of ``chunks`` what the network reads: ids of characters, from 1 on."""
    for _, chunk in chunks:
        chunk = backend.tree_map(lambda a: backend.to_device(a, network.device), chunk)
        logits, _ = network.forward(chunk)
        yield from greedy(logits, network.frames(chunk["lengths"]))
