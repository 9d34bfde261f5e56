"""The task of text: load the corpus, build the network, write samples while it learns.

A network that has learned much English already (``--init pretrained``) learns a short text better than a new one does.
It keeps its characters, and gets new rows for those of the text that it lacks.
"""

import math

from minirnn import backend
from minirnn.datasets.corpus import Corpus
from minirnn.datasets.text import TextStreams, ValidationText, streams_for
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.own_cell import load_cell
from minirnn.networks.rebuild import CELL_FILE, SHIPPED_TEXT, file_digest, load
from minirnn.training.run_folder import INIT, starting_weights
from minirnn.training.trainer import Trainer
from minirnn.writing.sampling import generate

# The settings that differ when a run starts from trained weights.
FINE_TUNING = {"lr": 1e-3, "epochs": 6.0, "batch": 16, "dropout": 0.2, "evaluations": 6}
FIXED = ("cell", "layers", "hidden", "embed")  # settings of the network that trained weights bring with them


def text_task(settings, run):
    """The network, the data and everything else a run over a text needs -> `Trainer`."""
    source, seed = settings.data, settings.training.seed
    begun = trained_weights(settings, run)
    corpus = Corpus(source.text, run, source.encoding, source.clean)
    vocabulary, training, validation = corpus.split(source.held_out, begun.chars.symbols if begun else "")
    streams = streams_for(len(training), source.batch, source.steps_per_chunk)
    data = TextStreams(training, streams, source.steps_per_chunk, seed, f"the part of {corpus.name} to learn from")
    validation_text = ValidationText(validation, 32, 128, f"the part of {corpus.name} kept for validation")
    sizes = settings.network
    if begun:
        network = with_symbols(begun, vocabulary, sizes.dropout, seed)
        for name in FIXED[bool(sizes.cell_from) :]:  # a cell of one's own is known by its file
            setattr(sizes, name, network.settings[name])
    else:
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
        print(
            f"unknown     {sum(corpus.unknown.values()):,} characters for validation do not occur in what is learned "
            f"({names}); they share a symbol for unknown ones"
        )
    print(f"vocabulary  {len(vocabulary)} symbols; a uniform guess costs {uniform:.3f} nats per character")
    if begun:
        new = sorted(set(vocabulary.symbols) - set(begun.chars.symbols))
        origin, names = "the package" if sizes.init == "pretrained" else sizes.init, " ".join(map(repr, new[:20]))
        print(
            f"begins      with the weights of {origin}; it keeps its characters, and gets rows for {len(new)} new "
            f"ones{': ' * bool(new)}{names}"
        )
    print(
        f"network     {sizes.layers} x {network.settings['cell'].upper()} of {sizes.hidden}: "
        f"{network.count():,} weights"
    )
    print(f"epoch       {data.chunks(0)} batches of {data.B} streams x {data.T} steps")
    beginning = training.text(1000)
    opening = beginning.lstrip()[:20] or beginning[:20]

    def sample(network, step):
        written = "".join(generate(network, vocabulary, opening, 500, random_seed=[seed, step]))
        with atomic(run / "samples" / f"{step:07d}.txt") as file:
            file.write(opening + written + "\n")

    meta = {"symbols": vocabulary.symbols, "text": corpus.sha256, "opening": opening}
    if sizes.cell_from:  # a run that is continued with another cell would be neither
        meta[CELL_FILE] = file_digest(sizes.cell_from)
    return Trainer(network.to_device(settings.run.device), data, validation_text, settings.training, run, meta, sample,
                   trained=begun is not None)  # fmt: skip


def trained_weights(settings, run):
    """What the run starts from, as `minirnn.networks.rebuild.load` gives it, or None: a new network."""
    init = settings.network.init
    # Older runs have the setting, too, without having made use of it.
    if init == "scratch" or ((run / "last.npz").exists() and not (run / INIT).exists()):
        return None
    if init == "pretrained" and not SHIPPED_TEXT.exists():
        raise MinirnnError("this installation has no weights of a text; give a run of minirnn.train --text to --init")
    if settings.network.cell_from:
        load_cell(settings.network.cell_from)
    return load(starting_weights(run, SHIPPED_TEXT if init == "pretrained" else init), CharRNN.kind)


def with_symbols(begun, vocabulary, dropout, seed):
    """A copy of the network of ``begun`` for all symbols of ``vocabulary``, among which are all that it knows: these
    keep their weights, and the others have those of a new network."""
    network = CharRNN(**{**begun.network.settings, "V": len(vocabulary), "dropout": dropout}, seed=seed)
    places = vocabulary.encode(begun.chars.symbols)
    for name, weights in backend.flatten(network.params).items():
        trained = backend.flatten(begun.network.params)[name]
        if name == "embedding.E":
            weights[places] = trained
        elif name.startswith("softmax."):
            weights[..., places] = trained
        else:
            weights[...] = trained
    return network
