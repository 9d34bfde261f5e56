"""The task of text: load the corpus, build the network, write samples while it learns."""

import math
import pathlib

from minirnn.datasets.corpus import Corpus
from minirnn.datasets.text import TextStreams, ValidationText
from minirnn.files import atomic
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.trainer import Trainer
from minirnn.writing.sampling import generate

LETTERS = pathlib.Path(__file__).parents[2] / "data" / "letters.txt"


def text_task(settings, run):
    """The network, the data and everything else a run over a text needs -> `Trainer`."""
    path, seed = settings.data.text, settings.training.seed
    corpus = Corpus(path, run)
    vocabulary, training, validation = corpus.split(settings.data.held_out)
    data = TextStreams(training, settings.data.batch, settings.data.steps_per_chunk, seed,
                       f"the part of {path} to learn from")  # fmt: skip
    judge = ValidationText(validation, 32, 128, f"the part of {path} kept for validation")
    sizes = settings.network
    network = CharRNN(
        len(vocabulary), sizes.cell, sizes.layers, sizes.hidden, sizes.embed, dropout=sizes.dropout, seed=seed
    )
    print(f"text        {path}: {len(training):,} characters to learn from, {len(validation):,} to judge by")
    uniform = math.log(len(vocabulary))
    print(f"vocabulary  {len(vocabulary)} symbols; a uniform guess costs {uniform:.3f} nats per character")
    print(f"network     {sizes.layers} x {sizes.cell.upper()} of {sizes.hidden}: "
          f"{network.count():,} weights")  # fmt: skip
    print(f"epoch       {data.chunks(0)} batches of {data.B} streams x {data.T} steps")
    beginning = training.text(1000)
    opening = beginning.lstrip()[:20] or beginning[:20]

    def sample(network, step):
        written = "".join(generate(network, vocabulary, opening, 500, random_seed=[seed, step]))
        with atomic(run / "samples" / f"{step:07d}.txt") as file:
            file.write(opening + written + "\n")

    meta = {"symbols": vocabulary.symbols, "text": corpus.sha256}
    return Trainer(network.to_device(settings.run.device), data, judge, settings.training, run, meta, sample)
