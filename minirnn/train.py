"""The main job: learn, and write.

    python -m minirnn.train                               the whole way, ten minutes: see `minirnn.main_job`
    python -m minirnn.train --text my.txt --minutes 20    learn a text
    python -m minirnn.train --task hand --data SAMPLES    learn a hand from what minirnn.prepare made of its images
    python -m minirnn.train --task hand --data ARCHIVES --init scratch    learn to write, many hours
    python -m minirnn.train --resume runs/main-1          go on where it stopped
    mpiexec -n 4 python -m minirnn.train --text my.txt    on many cores or machines; see `minirnn.mpi`

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

from minirnn import backend, mpi, one_hand, read_task
from minirnn.alphabets import CharAlphabet, PenAlphabet
from minirnn.arguments import Parser, above_zero, fraction, not_negative, positive_int, zero_or_more
from minirnn.datasets import coverage, format_coverage, load_samples, split_by_group
from minirnn.datasets.corpus import Corpus
from minirnn.datasets.lines import LineBatches, ValidationLines, encoded
from minirnn.datasets.text import TextStreams, ValidationText
from minirnn.drawing.plots import strokes_picture, window_path
from minirnn.errors import MinirnnError
from minirnn.files import atomic, newest_sample
from minirnn.generate import generate
from minirnn.layers import CELLS
from minirnn.models import CharRNN, PenRNN
from minirnn.optim import OPTIMISERS
from minirnn.strokes import augment, normalise
from minirnn.training import Options, Trainer, locked, new_run, read_settings, write_settings
from minirnn.write import handwrite
from minirnn.writing import LIKENESS, Writer, part_of_the_way, write_lines

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
    scratch = settings["init"] == "scratch"
    split = split_by_group if scratch else one_hand.split_lines
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
        change, weights = one_hand.another_time, [one_hand.copies(len(known[0]))] * len(known[0])
    data = LineBatches(known[0], chars, pens, hands, batch, T, settings["seed"], settings["grow"], change, weights,
                       processes=settings["threads"] if settings["device"] == "gpu" else 0)  # fmt: skip
    judge = ValidationLines(known[1], chars, pens, batch, T, hands)
    judges = "the same" if training is validation else f"{len(known[1]):,} others"
    print(f"lines       {len(known[0]):,} to learn from, {judges} to judge by")
    print(f"alphabets   {len(chars)} characters; {len(pens)} pen symbols, "
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
    """Alphabets and a network with fresh weights -> chars, pens, {group: row}, network, meta."""
    chars = CharAlphabet("".join(counts))
    some = training[:: max(1, len(training) // 4000)]
    pens = PenAlphabet.fit_lifts(
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
    """The alphabets and the network of trained weights, with one row more for the new hand -> as `new_pen`."""
    writer = Writer(None if settings["init"] == "pretrained" else settings["init"], likeness=1.0)
    row = one_hand.nearest_hand(writer, [sample for sample in training if not writer.chars.unknown(sample.text)])
    network = one_hand.with_another_hand(writer.network, row, dropout=settings["dropout"])
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


def options_from(settings):
    """The `minirnn.training.Options` among the settings of a run."""
    names = {field.name for field in dataclasses.fields(Options)}
    return Options(**{name: value for name, value in settings.items() if name in names})


TASKS = {
    "text": text_task,
    "hand": hand_task,
    "read": lambda settings, run: read_task.read_task(settings, run, options_from(settings)),
}


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
    """The `minirnn.arguments.Parser` of this command."""
    parser = Parser(
        prog="python -m minirnn.train",
        description="Train a character-level recurrent network and let it write. Without arguments, the whole way on "
        "the data that come with the project: pictures of a handwriting are traced, the hand is learned, a text is "
        "learned, and new text is written in that hand, in about ten minutes on two cores.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    run = parser.add_argument_group("the run")
    run.add_argument("--task", choices=["all", "text", "hand", "read"], help="the whole way on the data that come with "
                     "the project; a text; a handwriting; to read handwriting; by default what --text or --data ask "
                     "for, else all")  # fmt: skip
    run.add_argument("--out", metavar="FOLDER", help="where to leave the run (default runs/main-1, -2, ...)")
    run.add_argument("--resume", metavar="RUN", help="go on with a run; its settings are kept, but "
                     "--steps may give it another length")  # fmt: skip
    run.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    run.add_argument("--threads", type=positive_int, default=min(2, os.cpu_count() or 1),
                     help="threads that share the sequences of a batch; with --device gpu, processes that make batches "
                     "of handwriting ahead of time")  # fmt: skip
    run.add_argument("--seed", type=zero_or_more, default=0, help="of everything that is drawn at random")
    data = parser.add_argument_group("the data")
    data.add_argument("--text", metavar="FILE", help="UTF-8 text to learn, by default data/letters.txt")
    data.add_argument("--data", metavar="SOURCE", nargs="+",
                      help="handwriting to learn: a folder that minirnn.prepare made, the folder of IAM-OnDB's "
                      "archives, a .jsonl or .jsonl.gz file, or a folder of .inkml files; to read, also "
                      "several")  # fmt: skip
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
                         help="of the hand: scratch, pretrained (what the package brings), or a run; if not scratch, "
                         "other defaults hold: " + one_hand.told())
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
    words = [word for name, value in settings.items() if value is not None for word in _words(name, value)]
    try:
        checked = vars(parser.parse_args(words))
    except MinirnnError as error:
        raise MinirnnError(f"{path} is damaged, or of another version: {error}") from None
    if not settings.keys() <= checked.keys():
        raise MinirnnError(f"{path} is damaged, or of another version: {min(settings.keys() - checked.keys())!r}")
    lacking = checked.keys() - settings.keys() - {"resume", "out"}
    if lacking:
        raise MinirnnError(f"{path} is of another version: it lacks {', '.join(sorted(lacking))}; start a new run")
    if checked["data"] and checked["task"] == "hand":
        checked["data"] = checked["data"][0]
    return {name: checked[name] for name in settings}


def _words(name, value):
    """A setting as words of a command line."""
    option = f"--{name.replace('_', '-')}"
    return [option, *value] if isinstance(value, list) else [f"{option}={value}"]


def settings_of(words):
    """The settings of a new run: ``words`` of the command line, and the defaults of its task."""
    parser = build_parser()
    settings = vars(parser.parse_args(words))
    task = settings["task"] or ("text" if settings["text"] else "hand" if settings["data"] else "all")
    if task == "hand" and settings["init"] != "scratch":
        parser.set_defaults(**one_hand.FINE_TUNING)
        settings = vars(parser.parse_args(words))
        if settings["steps"] or settings["minutes"]:
            settings["epochs"] = None
    if task == "read":
        parser.set_defaults(**read_task.DEFAULTS)
        settings = vars(parser.parse_args(words))
        if settings["steps"] or settings["minutes"]:
            settings["epochs"] = None
    settings["task"] = task
    if task == "hand" and settings["data"]:
        if len(settings["data"]) > 1:
            raise MinirnnError("--task hand learns from one source; give --data once")
        settings["data"] = settings["data"][0]
    if not (settings["epochs"] or settings["steps"] or settings["minutes"]):
        settings["epochs"] = 12.0
    if task == "text":
        settings["text"] = settings["text"] or str(LETTERS)
    return settings


GENERAL = ("--seed", "--device", "--threads")  # settings of all parts of the whole way


def settings_from(argv):
    """The settings of a run, new or resumed, its folder, and whether it is resumed."""
    parser = build_parser()
    options = vars(parser.parse_args(argv))
    resume, given = options["resume"], [word for word in argv if word.startswith("--")]
    if resume is not None:
        changeable = ("--resume", "--device", "--steps")
        given = [word for word in given if word.split("=")[0] not in changeable]
        settings = resumed_settings(resume, parser)
        if settings["task"] == "all" and options["steps"]:
            given.append("--steps")
        if given:
            raise MinirnnError(f"--resume keeps the settings of {resume}; leave out {' '.join(given)}")
        if any(word.startswith("--device") for word in argv):
            settings["device"] = options["device"]
        if options["steps"]:
            settings.update(steps=options["steps"], epochs=None, minutes=None)
        return settings, pathlib.Path(resume), True
    settings = settings_of(argv)
    del settings["resume"]
    out = settings.pop("out")
    if settings["task"] == "all":
        odd = [word for word in given if word.split("=")[0] not in (*GENERAL, "--out", "--task")]
        if odd:
            raise MinirnnError(f"the whole way takes {', '.join(GENERAL)} and --out; for {' '.join(odd)} say which "
                               "part is meant: --task text or --task hand")  # fmt: skip
    else:
        check_sources(settings)
    return settings, out, False


def check_sources(settings):
    """Make the names of what is to be learned absolute. A wrong one is a `MinirnnError`, before there is a run."""
    source = "text" if settings["task"] == "text" else "data"
    if settings[source] is None:
        raise MinirnnError(
            f"--task {settings['task']} needs --data, the folder of IAM-OnDB's archives or a .jsonl file"
        )
    if settings["text"] is not None and settings["data"] is not None:
        raise MinirnnError("--text is for --task text and --data for --task hand; leave out one of them")
    several = isinstance(settings[source], list)
    paths = [pathlib.Path(path) for path in (settings[source] if several else [settings[source]])]
    for path in paths:
        if not path.exists():
            raise MinirnnError(f"{path} does not exist; check the name after --{source}")
    absolute = [str(path.resolve()) for path in paths]
    settings[source] = absolute if several else absolute[0]
    if settings["init"] not in ("scratch", "pretrained"):
        settings["init"] = str(pathlib.Path(settings["init"]).resolve())


def learn(settings, run, resume):
    """Train, and say how it went. The caller holds the lock of the folder ``run``."""
    trainer = prepared(settings, run, resume)
    write_settings(run, settings)
    mpi.tell_all((settings, run, resume))
    progress = announced(trainer).train()
    print(f"\nbest validation loss {progress.best:.4f} nats a symbol; the run is in {run}")


def learn_part(words, run):
    """A run that is a part of a larger one: begin it with the ``words`` of a command line, or go on with it."""
    run.mkdir(exist_ok=True)
    with locked(run):
        resume = (run / "settings.json").exists()
        if not resume:
            settings = settings_of(words)
            del settings["resume"], settings["out"]
            check_sources(settings)
            write_settings(run, settings)
        learn(resumed_settings(run, build_parser()), run, resume)


def do_all(settings, run):
    """The whole way, begun or gone on with."""
    if mpi.world() is not None:
        raise MinirnnError("the whole way is for one process; under mpiexec, say --task text or --task hand")
    from minirnn.main_job import whole_way  # what reads pictures takes a second to load: only for who needs it

    write_settings(run, settings)
    general = [word for name in GENERAL for word in (name, str(settings[name[2:]]))]
    try:
        whole_way(run, general, learn_part)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"and saved; go on with --resume {run}") from None


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    if mpi.rank() > 0:  # rank 0 speaks for all, and first finds out whether there is anything to complain of
        with contextlib.redirect_stdout(None):
            announced(prepared(*mpi.told())).train()
        return
    settings, run, resume = settings_from(sys.argv[1:] if argv is None else argv)
    task = settings["task"]
    backend.check_device(settings["device"])
    if not resume:
        run = new_run(run, "main" if task == "all" else task)
    with locked(run):
        if task == "all":
            do_all(settings, run)
        else:
            learn(settings, run, resume)
    if task == "hand":
        print(f"what it now writes: {newest_sample(run, '*[0-9].png')}")
    elif task == "text":
        newest = newest_sample(run, "*.txt")
        written = newest.read_text(encoding="utf-8")
        print(f"it now writes ({newest}):\n\n{written}")
        try:
            print(*handwrite(written, run / "page.png", seed=settings["seed"]), "is the same by hand")
        except MinirnnError as error:  # a text in letters that the hand does not know is learned all the same
            print(f"not written by hand: {error}")


if __name__ == "__main__":
    sys.exit(mpi.run(main))
