"""The main job: learn, and write.

    python -m minirnn.train                                     the texts in data/, about three minutes
    python -m minirnn.train --text my.txt --minutes 20          another text
    python -m minirnn.train --task hand --data ARCHIVES         handwriting, many hours
    python -m minirnn.train --resume runs/text-1                go on where it stopped
    mpiexec -n 4 python -m minirnn.train --text my.txt          on many cores or machines; see `minirnn.mpi`

A run leaves a folder with its settings, log, loss curve, checkpoints and samples; see `minirnn.training`.
"""

import argparse
import contextlib
import dataclasses
import math
import os
import pathlib
import sys

import numpy as np

from minirnn import backend, mpi
from minirnn.alphabets import CharAlphabet, PenAlphabet
from minirnn.arguments import Parser, above_zero, fraction, not_negative, positive_int, zero_or_more
from minirnn.datasets import coverage, format_coverage, load_samples, split_by_group
from minirnn.datasets.corpus import Corpus
from minirnn.datasets.lines import LineBatches, ValidationLines
from minirnn.datasets.text import TextStreams, ValidationText
from minirnn.drawing.plots import strokes_picture, window_path
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.generate import generate
from minirnn.layers import CELLS
from minirnn.models import CharRNN, PenRNN
from minirnn.optim import OPTIMISERS
from minirnn.strokes import normalise
from minirnn.training import Options, Trainer, locked, new_run, read_settings, write_settings
from minirnn.write import handwrite
from minirnn.writing import Writer, write_lines

LETTERS = pathlib.Path(__file__).parent.parent / "data" / "letters.txt"


def text_task(settings, run):
    """The network, the data and everything else a run over a text needs -> `Trainer`."""
    path, seed = settings["text"], settings["seed"]
    corpus = Corpus(path, run)
    alphabet, training, validation = corpus.split(settings["held_out"])
    data = TextStreams(training, settings["batch"], settings["steps_per_chunk"], seed,
                       f"the part of {path} to learn from")  # fmt: skip
    judge = ValidationText(validation, 32, 128, f"the part of {path} kept for validation")
    network = CharRNN(
        len(alphabet), settings["cell"], settings["layers"], settings["hidden"], settings["embed"],
        settings["dropout"], seed,
    )  # fmt: skip
    print(f"text        {path}: {len(training):,} characters to learn from, {len(validation):,} to judge by")
    print(f"alphabet    {len(alphabet)} symbols; a blind guess costs {math.log(len(alphabet)):.3f} nats a character")
    print(f"network     {settings['layers']} x {settings['cell'].upper()} of {settings['hidden']}: "
          f"{network.count():,} weights")  # fmt: skip
    print(f"epoch       {data.chunks(0)} batches of {data.B} streams x {data.T} steps")
    beginning = training.text(1000)
    opening = beginning.lstrip()[:20] or beginning[:20]

    def sample(network, step):
        written = "".join(generate(network, alphabet, opening, 500, random_seed=[seed, step]))
        with atomic(run / "samples" / f"{step:07d}.txt") as file:
            file.write(opening + written + "\n")

    meta = {"symbols": alphabet.symbols, "text": corpus.sha256}
    return Trainer(network.to_device(settings["device"]), data, judge, options_from(settings), run, meta, sample)


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
    training, validation = split_by_group(samples, settings["held_out"], settings["seed"])
    if not training or not validation:
        raise MinirnnError(
            f"{settings['data']}: {len(training)} lines to learn from and {len(validation)} to judge by, split by "
            "whole groups; give more of them, or change --held-out"
        )
    counts = coverage(sample.text for sample in training)
    print(format_coverage(counts))
    if settings["init"] == "scratch":
        chars, pens, hands, network, meta = new_pen(training, counts, settings)
    else:
        chars, pens, hands, network, meta = trained_pen(training, counts, settings)
    known = [[s for s in part if not chars.unknown(s.text)] for part in (training, validation)]
    for name, part, kept in zip(("learn from", "judge by"), (training, validation), known):
        if len(kept) < len(part):
            print(f"left out    {len(part) - len(kept)} lines to {name}, with characters that the network lacks")
        if not kept:
            raise MinirnnError(f"{settings['data']} has no line to {name} without such characters; give more lines")
    batch, T = settings["batch"], settings["steps_per_chunk"]
    data = LineBatches(known[0], chars, pens, hands, batch, T, settings["seed"], settings["grow"],
                       weights=rarity_weights(known[0], counts))  # fmt: skip
    judge = ValidationLines(known[1], chars, pens, batch, T, hands)
    print(f"lines       {len(known[0]):,} to learn from, {len(known[1]):,} of other groups to judge by")
    print(f"alphabets   {len(chars)} characters; {len(pens)} pen symbols, "
          f"{judge.symbols / judge.characters:.1f} a character")  # fmt: skip
    print(f"network     {network.settings['layers']} layers of {network.settings['hidden']}: "
          f"{network.count():,} weights")  # fmt: skip
    print(f"epoch       {data.chunks(settings['grow']):,} chunks of {batch} lines x {T} steps")
    meta = {
        **meta, "held_out": settings["held_out"], "seed": settings["seed"],
        "symbols": chars.symbols, "directions": pens.directions, "step_length": pens.step,
        "symbols_a_character": judge.symbols / judge.characters, "symbols_a_line": judge.symbols / judge.lines,
    }  # fmt: skip

    def sample(network, step):
        rng = np.random.default_rng([settings["seed"], step])
        texts = ["".join(c for c in text if c in chars.symbols) for text in SPECIMENS]
        rows = meta.get("neat_hands") or range(network.settings["hands"])
        lines = write_lines(network, chars, pens, texts, rng.choice(rows, len(texts)), rng)
        path = run / "samples" / f"{step:07d}.png"
        strokes_picture(path, [(f"{line.text}   {line.fault}", line.ink) for line in lines])
        window_path(path.with_name(f"{step:07d}_window.png"), lines[0].phi, lines[0].text + " ")

    return Trainer(network.to_device(settings["device"]), data, judge, options_from(settings), run, meta, sample,
                   {"lifts": pens.lifts})  # fmt: skip


def new_pen(training, counts, settings):
    """Alphabets and a network with fresh weights -> chars, pens, {group: row}, network, meta."""
    chars = CharAlphabet("".join(counts))
    strokes = [normalise(sample.strokes) for sample in training[:: max(1, len(training) // 4000)]]
    pens = PenAlphabet.fit_lifts(
        strokes, settings["lifts"], settings["seed"], settings["directions"], settings["step_length"]
    )
    groups = sorted({sample.group for sample in training})
    characters = sum(len(sample.text) + 1 for sample in training[:: max(1, len(training) // 4000)])
    network = PenRNN(
        len(pens), characters=len(chars) + 1, heights=pens.n_heights, hands=len(groups) + 1,
        layers=settings["layers"], hidden=settings["hidden"], embed=settings["embed"],
        rate=characters / sum(len(pens.encode(line)) for line in strokes),
        dropout=settings["dropout"], seed=settings["seed"],
    )  # fmt: skip
    hands = {group: row for row, group in enumerate(groups, start=1)}
    return chars, pens, hands, network, {"counts": counts, "hands": groups}


def trained_pen(training, counts, settings):
    """The alphabets and the network of trained weights, with one row more for the new hand -> as `new_pen`."""
    writer = Writer(None if settings["init"] == "pretrained" else settings["init"])
    old, row = writer.network, writer.network.settings["hands"]
    network = PenRNN(**{**old.settings, "hands": row + 1, "dropout": settings["dropout"]})
    params = dict(backend.flatten(old.params))
    rows = params["hand.E"]
    params["hand.E"] = np.concatenate([rows, rows[:1]])  # it starts as any hand
    network.load_params(params)
    known = {character: max(counts.get(character, 0), n) for character, n in writer.counts.items()}
    hands = {sample.group: row for sample in training}
    return writer.chars, writer.pens, hands, network, {"counts": known, "hands": [], "neat_hands": [row]}


def rarity_weights(samples, counts, plenty=1000, most=3.0):
    """How often each sample is seen in an epoch: a line with a character that has fewer than ``plenty`` examples in
    the data comes up to ``most`` times, by the root of how rare it is."""
    often = {character: min(most, max(1.0, np.sqrt(plenty / count))) for character, count in counts.items()}
    return [max(often[character] for character in sample.text) for sample in samples]


def options_from(settings):
    names = {field.name for field in dataclasses.fields(Options)}
    return Options(**{name: value for name, value in settings.items() if name in names})


TASKS = {"text": text_task, "hand": hand_task}


def prepared(settings, run, resume):
    """The `Trainer` of a run, new or where it stopped."""
    trainer = TASKS[settings["task"]](settings, run)
    if resume and (run / "last.npz").exists():
        trainer.load()
        print(f"resuming    at step {trainer.progress.step:,}")
        if settings["steps"]:
            trainer.prolong(settings["steps"])
    return trainer


def announced(trainer):
    """``trainer``, when it has been said how long its run will take."""
    options, ranks = trainer.options, trainer.workers.ranks
    if ranks > 1:
        print(f"ranks       {ranks} share every batch; should one die, all end: go on with --resume")
    if options.minutes is not None:
        print(f"plan        as many steps as fit into {options.minutes:g} minutes")
    else:
        steps = trainer.planned_steps()
        print(f"plan        {steps:,} steps, about {trainer.seconds_a_step() * steps / 60:.1f} minutes on this machine")
    print(f"run         {trainer.run}\n", flush=True)
    return trainer


def build_parser():
    parser = Parser(
        prog="python -m minirnn.train",
        description="Train a character-level recurrent network and let it write. Without arguments: the texts that "
        "come with the project, about three minutes on two cores.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    run = parser.add_argument_group("the run")
    run.add_argument("--task", choices=["text", "hand"], default="text", help="learn a text, or a handwriting")
    run.add_argument("--out", metavar="FOLDER", help="where to leave the run (default runs/text-1, -2, ...)")
    run.add_argument("--resume", metavar="RUN", help="go on with a run; its settings are kept, but "
                     "--steps may give it another length")  # fmt: skip
    run.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    run.add_argument("--threads", type=positive_int, default=min(2, os.cpu_count() or 1),
                     help="threads that share the sequences of a batch")  # fmt: skip
    run.add_argument("--seed", type=zero_or_more, default=0, help="of everything that is drawn at random")
    data = parser.add_argument_group("the data")
    data.add_argument("--text", metavar="FILE", default=str(LETTERS), help="UTF-8 text to learn")
    data.add_argument("--data", metavar="SOURCE", help="handwriting to learn: the folder of IAM-OnDB's archives, "
                      "a .jsonl file, or a folder of .inkml files")  # fmt: skip
    data.add_argument("--directions", type=positive_int, default=48, help="of a step of the pen")
    data.add_argument("--step-length", type=above_zero, default=0.36, help="in units of the line (x-height 1.3)")
    data.add_argument("--lifts", type=positive_int, default=192, help="moves of the lifted pen in the codebook")
    data.add_argument("--grow", type=zero_or_more, default=0,
                      help="epochs in which lines begin short and grow by a chunk each")  # fmt: skip
    data.add_argument("--held-out", type=fraction, default=0.1, help="last part of the text, kept for validation")
    data.add_argument("--batch", type=positive_int, default=32, help="parallel streams")
    data.add_argument("--steps-per-chunk", type=positive_int, default=64, help="time steps of truncated BPTT")
    network = parser.add_argument_group("the network")
    network.add_argument("--init", metavar="WEIGHTS", default="pretrained",
                         help="of the hand: scratch, pretrained (what the package brings), or a run")  # fmt: skip
    network.add_argument("--cell", choices=sorted(CELLS), default="lstm")
    network.add_argument("--layers", type=positive_int, default=2)
    network.add_argument("--hidden", type=positive_int, default=256, help="units of a recurrent layer")
    network.add_argument("--embed", type=positive_int, default=64, help="size of a symbol's embedding")
    network.add_argument("--dropout", type=fraction, default=0.2, help="probability that a unit is silent")
    training = parser.add_argument_group("the training")
    how_long = training.add_mutually_exclusive_group()
    how_long.add_argument("--epochs", type=above_zero, help="times over the data (default 12)")
    how_long.add_argument("--steps", type=positive_int, help="training steps in all")
    how_long.add_argument("--minutes", type=above_zero, help="a budget: as many steps as fit")
    training.add_argument("--optimiser", choices=sorted(OPTIMISERS), default="adam")
    training.add_argument("--lr", type=above_zero, default=4e-3, help="highest learning rate")
    training.add_argument("--schedule", choices=["constant", "cosine", "plateau", "trapezoid"], default="cosine")
    training.add_argument("--warmup", type=zero_or_more, default=20, help="steps over which the learning rate rises")
    training.add_argument("--weight-decay", type=not_negative, default=0.0, help="of Adam, decoupled (AdamW)")
    training.add_argument("--clip", type=above_zero, default=1.0, help="largest global norm of the gradient")
    training.add_argument("--average", type=fraction, default=0.0,
                          help="decay of a running mean of the weights, used in their place; 0: off")  # fmt: skip
    training.add_argument("--evaluations", type=positive_int, default=10, help="spread evenly over the run")
    training.add_argument("--patience", type=zero_or_more, default=3,
                          help="stop after so many evaluations without a new best; 0: never")  # fmt: skip
    return parser


def resumed_settings(run, parser):
    """The settings of a run, which were arguments once and are checked as such: anyone may have edited them."""
    settings, path = read_settings(run), pathlib.Path(run) / "settings.json"
    words = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items() if value is not None]
    try:
        checked = vars(parser.parse_args(words))
    except MinirnnError as error:
        raise MinirnnError(f"{path} is damaged, or of another version: {error}") from None
    lacking = checked.keys() - settings.keys() - {"resume", "out"}
    if lacking:
        raise MinirnnError(f"{path} is of another version: it lacks {', '.join(sorted(lacking))}; start a new run")
    return {name: checked[name] for name in settings}


def settings_from(argv):
    """The settings of a run, new or resumed, and its folder."""
    parser = build_parser()
    options = vars(parser.parse_args(argv))
    resume, out = options.pop("resume"), options.pop("out")
    if resume is not None:
        changeable = ("--resume", "--device", "--steps")
        given = [word for word in argv if word.startswith("--") and word.split("=")[0] not in changeable]
        if given:
            raise MinirnnError(f"--resume keeps the settings of {resume}; leave out {' '.join(given)}")
        settings = resumed_settings(resume, parser)
        if any(word.startswith("--device") for word in argv):
            settings["device"] = options["device"]
        if options["steps"]:
            settings.update(steps=options["steps"], epochs=None, minutes=None)
        return settings, pathlib.Path(resume), True
    if not (options["epochs"] or options["steps"] or options["minutes"]):
        options["epochs"] = 12.0
    return options, out, False


def main(argv=None):
    if mpi.rank() > 0:  # rank 0 speaks for all, and first finds out whether there is anything to complain of
        with contextlib.redirect_stdout(None):
            announced(prepared(*mpi.told())).train()
        return
    settings, run, resume = settings_from(sys.argv[1:] if argv is None else argv)
    backend.check_device(settings["device"])
    if not resume:
        source = "text" if settings["task"] == "text" else "data"
        if settings[source] is None:
            raise MinirnnError("--task hand needs --data, the folder of IAM-OnDB's archives or a .jsonl file")
        if not pathlib.Path(settings[source]).exists():  # a wrong name should not leave an empty run behind
            raise MinirnnError(f"{settings[source]} does not exist; check the name after --{source}")
        settings[source] = str(pathlib.Path(settings[source]).resolve())
        if settings["init"] not in ("scratch", "pretrained"):
            settings["init"] = str(pathlib.Path(settings["init"]).resolve())
        run = new_run(run, settings["task"])
    with locked(run):
        trainer = prepared(settings, run, resume)
        write_settings(run, settings)
        mpi.tell_all((settings, run, resume))
        progress = announced(trainer).train()
    print(f"\nbest validation loss {progress.best:.4f} nats a symbol; the run is in {run}")
    if settings["task"] == "hand":
        print(f"what it now writes: {sorted((run / 'samples').glob('*.png'))[-2]}")
        return
    newest = sorted((run / "samples").glob("*.txt"))[-1]
    written = newest.read_text(encoding="utf-8")
    print(f"it now writes ({newest}):\n\n{written}")
    try:
        print(*handwrite(written, run / "page.png", seed=settings["seed"]), "is the same by hand")
    except MinirnnError as error:  # a text in letters that the hand does not know is learned all the same
        print(f"not written by hand: {error}")


if __name__ == "__main__":
    sys.exit(mpi.run(main))
