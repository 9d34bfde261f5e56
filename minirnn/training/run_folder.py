"""The folder of a run, which has everything that the run needs.

    settings.json    what was asked for          log.csv, loss.png    how it went, a row per evaluation
    last.npz         to continue from            best.npz             the best on the validation set
    samples/         what the network made at every evaluation
    init.npz         the trained weights that the run started from, if it did
    lock             held by the process that trains the run
"""

import contextlib
import csv
import io
import json
import os
import pathlib

import portalocker

from minirnn.drawing.diagrams import loss_curve
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.networks import checkpoint
from minirnn.networks.rebuild import best

INIT = "init.npz"
LOG = ["step", "epoch", "train_loss", "validation_loss", "learning_rate", "gradient_norm", "skipped", "seconds"]


def new_run(out, default):
    """The folder of a new run: ``out`` if given, which must not exist or be empty; else runs/``default``-1, -2, ..."""
    if out is None:
        number = 1
        while (folder := pathlib.Path("runs") / f"{default}-{number}").exists():
            number += 1
    else:
        folder = pathlib.Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [path for path in folder.iterdir() if path.name != "lock" and path.suffix != ".tmp"]
    except FileExistsError:
        raise MinirnnError(f"{folder} is a file; choose another --out") from None
    except OSError as error:
        raise MinirnnError(f"cannot make {folder}: {error.strerror}; choose another --out") from None
    if taken:
        raise MinirnnError(f"{folder} is there already; choose another --out, or continue it with --resume {folder}")
    return folder


@contextlib.contextmanager
def locked(run):
    """Keep a second process out of the folder ``run``. The lock is the operating system's and ends with this process.

    Half-written files that a killed process has left in the folder are removed."""
    try:
        file = open(run / "lock", "a+", encoding="utf-8")  # noqa: SIM115 (it has to outlive this function's body)
    except OSError as error:
        raise MinirnnError(f"cannot write into {run}: {error.strerror}; choose another folder with --out") from None
    with file:
        try:
            portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except (OSError, portalocker.LockException):
            raise MinirnnError(f"{run} is being trained by process {_holder(file)}; wait for it, or end it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        for half_written in [*run.glob(".*.tmp"), *run.glob("samples/.*.tmp")]:
            half_written.unlink()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if not set(os.listdir(run)) - {"lock", INIT}:  # no run was started
                    (run / INIT).unlink(missing_ok=True)
                    (run / "lock").unlink()
                    run.rmdir()


def _holder(file):
    """The number of the process that holds the lock ``file``, a text; Windows does not let others read it."""
    with contextlib.suppress(OSError):
        file.seek(0)
        return file.read().strip() or "?"
    return "?"


def starting_weights(run, source):
    """The trained weights that a run starts from, copied from ``source`` (a run or a checkpoint) into its folder: the
    run can be continued whatever becomes of them there -> the path of the copy."""
    own = pathlib.Path(run) / INIT
    if not own.exists():
        source = best(source)
        try:
            weights = source.read_bytes()
        except OSError as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise MinirnnError(f"no checkpoint at {source}: {reason}; check the name after --init") from None
        checkpoint.load(source)  # a damaged one is refused under its own name, before it is copied
        with atomic(own, "wb") as file:
            file.write(weights)
    return own


def newest_sample(run, pattern):
    """The newest sample in the folder of a run whose name fits ``pattern``, a `pathlib.Path`. MinirnnError if there
    is none."""
    samples = sorted((pathlib.Path(run) / "samples").glob(pattern))
    if not samples:
        raise MinirnnError(f"{run} has no samples/{pattern} any more; continue the run, which makes new ones")
    return samples[-1]


def write_settings(run, settings):
    """Write the settings of a run, a dict for JSON, into its folder."""
    with atomic(run / "settings.json") as file:
        json.dump(settings, file, indent=2)


def read_settings(run):
    """The settings of the folder ``run``, from settings.json. Raises MinirnnError if it is not the folder of a run."""
    path = pathlib.Path(run) / "settings.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MinirnnError(f"no run at {run}: cannot read {path} ({error.strerror}); check the name") from None
    except (ValueError, RecursionError) as error:
        raise MinirnnError(f"{path} is damaged: {error}; start a new run") from None
    if not isinstance(settings, dict):
        raise MinirnnError(f"{path} is damaged: it holds no settings; start a new run")
    return settings


def write_log(run, rows):
    """Write log.csv, with a row {column: value} per evaluation, and from two rows on the picture of the losses."""
    text = io.StringIO()
    writer = csv.DictWriter(text, LOG, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic(run / "log.csv") as file:
        file.write(text.getvalue())
    if len(rows) > 1:
        loss_curve(run / "loss.png", rows)
