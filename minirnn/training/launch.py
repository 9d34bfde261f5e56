"""Runs: from a command line or the folder of an earlier run to a trained network."""

import argparse
import dataclasses
import pathlib

from minirnn.arguments import Parser
from minirnn.datasets.text import LETTERS
from minirnn.errors import MinirnnError
from minirnn.training import fine_tuning, mpi, read_task, text_task
from minirnn.training.defaults import text_defaults
from minirnn.training.hand_task import hand_task
from minirnn.training.run_folder import locked, read_settings, write_settings
from minirnn.training.settings import LENGTHS, Settings, add_options

TASKS = {"text": text_task.text_task, "hand": hand_task, "read": read_task.read_task}
GENERAL = ("seed", "device", "threads")  # settings that the main job takes, for all its parts
CHANGEABLE = ("device", *LENGTHS, "cell_from")  # settings that a resumed run takes


def build_parser():
    """The `minirnn.arguments.Parser` of `python -m minirnn.train`. Options that are not given are not in its result."""
    tuned = ", ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in fine_tuning.FINE_TUNING.items())
    parser = Parser(
        prog="python -m minirnn.train",
        description="Train a character-level recurrent network and let it write. Without arguments, this is the main "
        "job on the data that come with the project: pictures of a handwriting are traced, the hand is learned, a text "
        "is learned, and new text is written in that hand, in about ten minutes on two cores. A hand that starts from "
        f"trained weights has its own defaults: {tuned}. Those of a text follow from its length, the time and the "
        "machine, by the rule in minirnn/training/defaults.py.",
    )
    parser.add_argument("--out", metavar="FOLDER", default=argparse.SUPPRESS,
                        help="where to leave the run (default runs/main-1, -2, ...)")  # fmt: skip
    parser.add_argument("--resume", metavar="RUN", default=argparse.SUPPRESS,
                        help="continue a run; its settings are kept, but --steps, --epochs or --minutes may prolong it "
                        "(they say how long it shall be in all), and --device may give it another device")  # fmt: skip
    add_options(parser)
    return parser


def given(words):
    """{name: value} of the options that are among ``words``."""
    return vars(build_parser().parse_args(words))


def new_settings(options):
    """The `Settings` of a new run: the ``options`` {name: value} that are given, and the defaults of its task."""
    options = dict(options)
    by_source = "text" if options.get("text") else "hand" if options.get("data") else "all"
    task = options["task"] = options.get("task") or by_source
    options["init"] = options.get("init") or ("pretrained" if task == "hand" else "scratch")
    defaults = {"read": read_task.DEFAULTS}.get(task, {})
    if task in ("hand", "text") and options["init"] != "scratch":
        defaults = {"hand": fine_tuning.FINE_TUNING, "text": text_task.FINE_TUNING}[task]
        fixed = [f"--{name}" for name in text_task.FIXED if task == "text" and name in options]
        if fixed:
            raise MinirnnError(f"--init {options['init']} brings a network of its own; leave out {' '.join(fixed)}")
    if not any(options.get(length) for length in LENGTHS):
        defaults = {"epochs": 12.0, **defaults}
    else:
        defaults = {name: value for name, value in defaults.items() if name not in LENGTHS}
    if task == "text":
        options["text"] = options.get("text") or str(LETTERS)
        if options["init"] == "scratch":
            defaults |= text_defaults({**defaults, **options})
    settings = Settings.of({**defaults, **options})
    if task != "all":
        check_sources(settings)
    return settings


def check_sources(settings):
    """Make the paths of what is to be learned absolute. A wrong one raises MinirnnError, before there is a run."""
    task, data, network = settings.run.task, settings.data, settings.network
    if task != "text" and data.data is None:
        raise MinirnnError(f"--task {task} needs --data, the folder of IAM-OnDB's archives or a .jsonl file")
    if data.text is not None and data.data is not None:
        raise MinirnnError("--text is for --task text and --data for --task hand; leave out one of them")
    if task == "hand" and len(data.data) > 1:
        raise MinirnnError("--task hand learns from one source; give --data once")
    option = "text" if task == "text" else "data"
    for path in data.text if task == "text" else data.data:
        if not pathlib.Path(path).exists():
            raise MinirnnError(f"{path} does not exist; check the name after --{option}")
    data.text = data.text and [absolute(path) for path in data.text]
    data.data = data.data and [absolute(path) for path in data.data]
    if network.cell_from is not None:
        if task != "text":
            raise MinirnnError("--cell-from is for a text; leave it out, or add --text FILE")
        network.cell_from = absolute(network.cell_from)
    if network.init not in ("scratch", "pretrained"):
        network.init = absolute(network.init)


def absolute(path):
    """The absolute path, as a str."""
    return str(pathlib.Path(path).resolve())


def resumed_settings(run):
    """The `Settings` from the folder of a run; the file may have been edited."""
    values, path = read_settings(run), pathlib.Path(run) / "settings.json"
    try:
        settings = Settings.of(values)
    except MinirnnError as error:
        raise MinirnnError(f"{path} is damaged, or of another version: {error}") from None
    lacking = settings.values().keys() - Settings.of_older(values).keys()
    if lacking:
        raise MinirnnError(f"{path} is of another version: it lacks {', '.join(sorted(lacking))}; start a new run")
    return settings


def settings_from(words):
    """The words of a command line -> `Settings`, the folder (None: not chosen yet), whether the run is resumed: no
    (False), as it is ("continued"), or with another length ("prolonged")."""
    options = given(words)
    resume, out = options.pop("resume", None), options.pop("out", None)
    if resume is not None:
        before = resumed_settings(resume).training
        settings = changed(resumed_settings(resume), {**options, **({"out": out} if out else {})}, resume)
        same = all(getattr(before, length) == getattr(settings.training, length) for length in LENGTHS)
        return settings, resume, "continued" if same else "prolonged"
    settings = new_settings(options)
    odd = [f"--{name.replace('_', '-')}" for name in options if name not in (*GENERAL, "task")]
    if settings.run.task == "all" and odd:
        raise MinirnnError(
            f"the main job takes --{', --'.join(GENERAL)} and --out; with {' '.join(odd)}, say which task is meant: "
            "--task text or --task hand"
        )
    return settings, out, False


def changed(settings, options, run):
    """The settings of a resumed run, with the ``options`` that may be given anew; any other raises MinirnnError."""
    kept = [name for name in options if name not in CHANGEABLE or (name in LENGTHS and settings.run.task == "all")]
    if kept:
        names = " ".join(f"--{name.replace('_', '-')}" for name in kept)
        raise MinirnnError(f"--resume keeps the settings of {run}; leave out {names}")
    settings.run.device = options.get("device", settings.run.device)
    if settings.network.cell_from is not None:  # a stranger may have written it there, and it would be run
        if "cell_from" not in options:
            name = pathlib.Path(settings.network.cell_from).name
            raise MinirnnError(f"{run} has a cell of its own; say which file defines it: --cell-from {name}")
        settings.network.cell_from = absolute(options["cell_from"])
    elif "cell_from" in options:
        raise MinirnnError(f"{run} has no cell of its own; leave out --cell-from")
    if options.keys() & set(LENGTHS):
        length = {name: options.get(name) for name in LENGTHS}
        settings.training = dataclasses.replace(settings.training, **length)
    return settings


def prepared(settings, run, resume):
    """The `Trainer` of a new run, or of a resumed one where it stopped."""
    trainer = TASKS[settings.run.task](settings, run)
    if resume and (run / "last.npz").exists():
        trainer.load()
        print(f"resuming    at step {trainer.progress.step:,}")
        if resume == "prolonged":
            print(f"prolonged   {trainer.plan.prolong(run)}")
    trainer.plan.steps()  # too many are an error, now, before there is a run
    return trainer


def announced(trainer):
    """Print how long the run of ``trainer`` will take -> ``trainer``."""
    minutes, ranks = trainer.settings.minutes, trainer.workers.ranks
    if ranks > 1:
        print(f"ranks       {ranks} share every batch; should one die, all end: continue with --resume")
    if minutes is not None:
        print(f"plan        as many steps as fit into {minutes:g} minutes")
    else:
        steps = trainer.plan.steps()
        minutes = trainer.seconds_per_step() * steps / 60
        print(f"plan        {steps:,} steps, about {minutes:.1f} minutes on this machine")
    print(f"run         {trainer.run}\n", flush=True)
    return trainer


def learn(settings, run, resume):
    """Train, and print the result. The caller holds the lock of the folder ``run``."""
    trainer = prepared(settings, run, resume)
    write_settings(run, settings.values())
    mpi.broadcast((settings, run, resume))
    progress = announced(trainer).train()
    per = "character" if settings.run.task != "hand" else "symbol"
    print(f"\nbest validation loss {progress.best:.4f} nats per {per}; the run is in {run}")


def learn_part(options, run):
    """A run that is part of the main job: begin it with these ``options`` {name: value}, or continue it."""
    run.mkdir(exist_ok=True)
    with locked(run):
        resume = (run / "settings.json").exists()
        if not resume:
            write_settings(run, new_settings(options).values())
        settings = resumed_settings(run)
        settings.run.device = options.get("device", settings.run.device)
        learn(settings, run, resume)


def do_all(settings, run):
    """The main job, begun or continued."""
    if mpi.world() is not None:
        raise MinirnnError("the main job is for one process; under mpiexec, say --task text or --task hand")
    from minirnn.training.main_job import run_main_job  # loading what reads pictures takes a second

    values = settings.values()
    write_settings(run, values)
    try:
        run_main_job(run, {name: values[name] for name in GENERAL}, learn_part)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"and saved; continue with --resume {run}") from None
