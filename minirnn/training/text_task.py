"""The task of text: load the corpus, build the network, write samples while it learns."""

import math

from minirnn.datasets.corpus import Corpus
from minirnn.datasets.text import TextStreams, ValidationText, streams_for
from minirnn.files import atomic
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.own_cell import load_cell
from minirnn.training.trainer import Trainer
from minirnn.writing.sampling import generate


def text_task(settings, run):
    """The network, the data and everything else a run over a text needs -> `Trainer`."""
    source, seed = settings.data, settings.training.seed
    corpus = Corpus(source.text, run, source.encoding, source.clean)
    vocabulary, training, validation = corpus.split(source.held_out)
    streams = streams_for(len(training), source.batch, source.steps_per_chunk)
    data = TextStreams(training, streams, source.steps_per_chunk, seed, f"the part of {corpus.name} to learn from")
    validation_text = ValidationText(validation, 32, 128, f"the part of {corpus.name} kept for validation")
    sizes = settings.network
    cell = load_cell(sizes.cell_from) if sizes.cell_from else sizes.cell
    network = CharRNN(
        len(vocabulary), cell, sizes.layers, sizes.hidden, sizes.embed, dropout=sizes.dropout, seed=seed
    )
    print(f"text        {corpus.name}: {len(training):,} characters to learn from, {len(validation):,} for validation")
    uniform = math.log(len(vocabulary))
    if streams < source.batch:
        print(f"batch       {streams} instead of {source.batch}, since the text is short")
    if corpus.unknown:
        names = " ".join(map(repr, sorted(corpus.unknown)[:20]))
        print(f"unknown     {sum(corpus.unknown.values()):,} characters to judge by do not occur in what is learned "
              f"({names}); they share a symbol for unknown ones")  # fmt: skip
    print(f"vocabulary  {len(vocabulary)} symbols; a uniform guess costs {uniform:.3f} nats per character")
    print(f"network     {sizes.layers} x {cell.upper()} of {sizes.hidden}: "
          f"{network.count():,} weights")  # fmt: skip
    print(f"epoch       {data.chunks(0)} batches of {data.B} streams x {data.T} steps")
    beginning = training.text(1000)
    opening = beginning.lstrip()[:20] or beginning[:20]

    def sample(network, step):
        written = "".join(generate(network, vocabulary, opening, 500, random_seed=[seed, step]))
        with atomic(run / "samples" / f"{step:07d}.txt") as file:
            file.write(opening + written + "\n")

    meta = {"symbols": vocabulary.symbols, "text": corpus.sha256, "opening": opening}
    return Trainer(network.to_device(settings.run.device), data, validation_text, settings.training, run, meta, sample)
