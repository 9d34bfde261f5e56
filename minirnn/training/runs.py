"""Runs: settings from the command line or from a folder, begun or resumed."""

import argparse
import pathlib

from minirnn.arguments import Parser, above_zero, fraction, not_negative, positive_int, zero_or_more
from minirnn.cores import available_cores
from minirnn.errors import MinirnnError
from minirnn.layers import CELLS
from minirnn.training import fine_tuning, mpi, read_task
from minirnn.training.hand_task import hand_task
from minirnn.training.optimisers import OPTIMISERS
from minirnn.training.text_task import LETTERS, text_task
from minirnn.training.trainer import locked, options_from, read_settings, write_settings

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
    run.add_argument("--threads", type=positive_int, default=min(2, available_cores()),
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
                         "other defaults hold: " + fine_tuning.told())
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
        parser.set_defaults(**fine_tuning.FINE_TUNING)
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
    from minirnn.training.main_job import whole_way  # what reads pictures takes a second to load: only for who needs it

    write_settings(run, settings)
    general = [word for name in GENERAL for word in (name, str(settings[name[2:]]))]
    try:
        whole_way(run, general, learn_part)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"and saved; go on with --resume {run}") from None
