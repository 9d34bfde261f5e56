"""The training loop that both networks share: truncated BPTT, early stopping, checkpoints, resuming.

    with locked(run):
        Trainer(network, data, validation, options, run, ...).train()

A run is a folder, and all that a run will ever need stands in it:

    settings.json    what was asked for          log.csv, loss.png    how it went, a row an evaluation
    last.npz         to go on from               best.npz             the best on the validation part
    samples/         what the network made at every evaluation

Nothing in the loop depends on the clock, and every random number comes from the seed and the step's own number. So
the same run gives the same numbers to the last bit, and so does a run that was killed at any moment and resumed
from its last checkpoint.
"""

import contextlib
import csv
import dataclasses
import io
import json
import math
import os
import pathlib
import signal
import time

import numpy as np
from tqdm import tqdm

from minirnn import backend
from minirnn.drawing.diagrams import loss_curve
from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.networks import checkpoint
from minirnn.networks.network import symbols_counted
from minirnn.training import mpi, threads
from minirnn.training.optimisers import DECAY, OPTIMISERS, clip_by_global_norm, learning_rate

LOG = ["step", "epoch", "train_loss", "validation_loss", "learning_rate", "gradient_norm", "skipped", "seconds"]
SAVE_EVERY = 60  # seconds between checkpoints; when they are written changes no number
TRIAL_STEPS = 50  # of a run with a budget in minutes, timed to plan the rest
MARGIN = 0.97  # of the time left that is planned for
MAX_SKIPPED = 10  # bad steps in a row before a run gives up


@dataclasses.dataclass
class Options:
    """How to train. All of it is kept in settings.json."""

    steps: int | None = None  # in all; or
    epochs: float | None = None  # so many times over the data; or
    minutes: float | None = None  # as many steps as fit, planned after the first few and twice again
    optimiser: str = "adam"
    lr: float = 2e-3  # the highest learning rate
    schedule: str = "cosine"  # constant, cosine, plateau, trapezoid
    warmup: int = 20  # steps over which the learning rate rises
    weight_decay: float = 0.0  # of Adam, decoupled (AdamW)
    clip: float = 1.0  # largest global norm of a gradient
    evaluations: int = 10  # spread evenly over the run
    patience: int = 0  # stop after so many evaluations without a new best; 0: never
    average: float = 0.0  # decay of a running mean of the weights, which is then what is evaluated and kept; 0: off
    threads: int = 1  # that share the sequences of a batch
    seed: int = 0


@dataclasses.dataclass
class Progress:
    """Where a run stands: the part of a checkpoint that is neither weights nor moments nor state."""

    step: int = 0
    epoch: int = 0
    index: int = 0  # of the next chunk within the epoch
    total: int = 0  # steps of the whole run; 0: not planned yet
    plans: int = 0  # that were made by the clock
    best: float = math.inf
    since_best: int = 0  # evaluations since then
    lr_scale: float = 1.0  # what the plateau schedule has made of the learning rate
    loss_sum: float = 0.0  # of the training steps since the last evaluation
    loss_steps: int = 0
    skipped: int = 0  # steps left out because they were not finite
    skipped_in_a_row: int = 0
    evaluation_seconds: float = 0.0  # that the first evaluation took
    seconds: float = 0.0
    done: bool = False


def evaluate(network, validation, workers=None):
    """The mean loss of ``network`` over all chunks of ``validation``, in nats a symbol (a float).

    Every symbol that the masks let count weighs the same."""
    workers = workers or threads.Workers(1)
    total, count, states = 0.0, 0, None
    for fresh, chunk in validation:
        chunk = backend.tree_map(lambda a: backend.to_device(a, network.device), chunk)
        if fresh:
            states = threads.start(network, chunk, workers)
        loss, states = threads.loss_only(network, chunk, states, workers)
        n = symbols_counted(chunk)
        total, count = total + loss * n, count + n
    return total / max(1, count)


@contextlib.contextmanager
def locked(run):
    """Keep a second process out of the folder ``run``. The lock is the operating system's: it ends with us.

    What a process that was killed has left half-written in the folder is cleared away."""
    import fcntl

    try:
        file = open(run / "lock", "a+", encoding="utf-8")  # noqa: SIM115 (it has to outlive this function's body)
    except OSError as error:
        raise MinirnnError(f"cannot write into {run}: {error.strerror}; choose another folder with --out") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise MinirnnError(
                f"{run} is being trained by process {file.read().strip() or '?'}; wait for it, or end it first"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        for half_written in [*run.glob(".*.tmp"), *run.glob("samples/.*.tmp")]:
            half_written.unlink()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if os.listdir(run) == ["lock"]:  # no run came of it
                    (run / "lock").unlink()
                    run.rmdir()


class Trainer:
    """One run. ``network``, ``data`` (chunks to learn from), ``validation`` (chunks to judge by), ``options``,
    ``run`` (the folder), ``meta`` (what else a checkpoint has to say, for JSON), ``sample(network, step)``, called
    at every evaluation to leave something to look at in the run's folder, ``extra`` arrays for every checkpoint."""

    def __init__(self, network, data, validation, options, run, meta, sample=None, extra=None):
        self.network, self.data, self.validation = network, data, validation
        self.options, self.run = options, pathlib.Path(run)
        self.meta, self.sample, self.extra = meta, sample, extra or {}
        self.params = backend.flatten(network.params)
        keywords = {"weight_decay": options.weight_decay} if options.optimiser == "adam" else {}
        self.optimiser = OPTIMISERS[options.optimiser](self.params, **keywords)
        self.mean = {name: a.copy() for name, a in self.params.items()} if options.average else None
        self.workers = mpi.workers(options.threads if network.device == "cpu" else 1)  # a GPU shares out by itself
        self.states = None  # of the network, one for each thread's share of the batch
        self.progress = Progress()
        self.rows = []
        self.clock = time.monotonic()

    # ---- one step ---------------------------------------------------------------------------------------------

    def step(self):
        """Forward and back through one chunk, clip, update. Returns loss and gradient norm before clipping."""
        progress, options, network = self.progress, self.options, self.network
        fresh, chunk = self.data.chunk(progress.epoch, progress.index)
        chunk = backend.tree_map(lambda a: backend.to_device(a, network.device), chunk)
        if fresh or self.states is None:
            self.states = threads.start(network, chunk, self.workers)
        shares = range(self.workers.first_share, self.workers.first_share + len(self.states))
        rngs = [np.random.default_rng([options.seed, progress.step, share]) for share in shares]
        loss, states, grads = threads.loss_and_gradients(network, chunk, self.states, rngs, self.workers)
        norm = clip_by_global_norm(grads, options.clip)
        if math.isfinite(loss) and math.isfinite(norm):
            lr = self.learning_rate()
            self.optimiser.step(self.params, grads, lr)
            if self.mean:
                # The mean forgets its beginnings faster while it is young.
                decay = min(options.average, (1 + progress.step) / (10 + progress.step))
                for name, a in self.mean.items():
                    a += (1 - decay) * (self.params[name] - a)
            self.states = states
            progress.loss_sum += loss
            progress.loss_steps += 1
            progress.skipped_in_a_row = 0
        else:
            self.states = None  # they may hold what is not finite
            progress.skipped += 1
            progress.skipped_in_a_row += 1
            if progress.skipped_in_a_row == MAX_SKIPPED:
                self._give_up(f"the loss or its gradient was not finite {MAX_SKIPPED} times in a row")
        progress.step += 1
        progress.index += 1
        if progress.index >= self.data.chunks(progress.epoch):
            progress.epoch, progress.index = progress.epoch + 1, 0
        return loss, norm

    def _give_up(self, reason):
        last = self.run / "last.npz"
        before = f"; {last} is from before" if last.exists() else ""
        raise MinirnnError(f"{reason}, last at step {self.progress.step}; try a smaller --lr or --clip{before}")

    def learning_rate(self):
        """η of the next step."""
        options = self.options
        return self.progress.lr_scale * learning_rate(
            self.progress.step, self.progress.total or 10**9,
            peak=options.lr, warmup=options.warmup, schedule=options.schedule,
        )  # fmt: skip

    # ---- the whole run ----------------------------------------------------------------------------------------

    def train(self):
        """Train to the end of the plan, until the validation loss rests, or until Ctrl-C or SIGTERM, which save
        first and end in a KeyboardInterrupt. The caller holds the lock of the folder."""
        threads.keep_freed_memory()
        (self.run / "samples").mkdir(exist_ok=True)
        with _interruptible() as interrupted:
            progress = self.progress
            progress.total = self.planned_steps() or 0
            if progress.step == 0 and not self.rows:
                started = time.monotonic()
                self._evaluate(norm=0.0)  # before any training: about the logarithm of the number of symbols
                progress.evaluation_seconds = time.monotonic() - started
            with self._bar() as bar:
                saved, times = time.monotonic(), []
                while not progress.done:
                    started = time.monotonic()
                    loss, norm = self.step()
                    times.append(time.monotonic() - started)
                    planned = self._planning_due()
                    if planned:
                        progress.total = self.workers.agreed(self._plan_by_time(times))
                        progress.plans += 1
                        bar.total = progress.total
                    self._show(bar, loss)
                    finished = progress.total and progress.step >= progress.total
                    if finished or self._evaluation_due():
                        self._evaluate(norm)
                    patience = self.options.patience
                    progress.done = bool(finished or (patience and progress.since_best >= patience))
                    # A plan that was made by the clock is kept: it must not come out otherwise after a kill.
                    old = time.monotonic() - saved > SAVE_EVERY or planned
                    old, stop = self.workers.any(old, bool(interrupted))
                    if old or self._evaluation_due() or progress.done or stop:
                        self.save()
                        saved = time.monotonic()
                    if stop:
                        raise KeyboardInterrupt(f"and saved at step {progress.step}; go on with --resume {self.run}")
        return progress

    def planned_steps(self):
        """Steps of the whole run, or None as long as a budget in minutes has not been planned."""
        if self.progress.total:
            return self.progress.total
        if self.options.steps is not None:
            return self.options.steps
        if self.options.epochs is not None:
            whole = int(self.options.epochs)
            chunks = sum(map(self.data.chunks, range(whole)))  # those of handwriting are not all of one length
            return max(1, round(chunks + (self.options.epochs - whole) * self.data.chunks(whole)))
        return None

    def prolong(self, steps):
        """Give a run another length, if what it has learned so far does not depend on the old one."""
        progress, schedule = self.progress, self.options.schedule
        if not progress.total or steps == progress.total:
            return
        falling = schedule == "cosine" or (schedule == "trapezoid" and progress.step > (1 - DECAY) * progress.total)
        if falling or steps <= progress.step:
            raise MinirnnError(
                f"{self.run} was planned for {progress.total} steps and stands at {progress.step}; a run can only be "
                "given another length while its learning rate is level (--schedule constant, plateau, trapezoid)"
            )
        progress.total, progress.plans, progress.done = steps, 3, False

    def seconds_a_step(self):
        """How long a step takes, tried out without changing anything."""
        _, chunk = self.data.chunk(0, 0)
        chunk = backend.tree_map(lambda a: backend.to_device(a, self.network.device), chunk)
        states, times = threads.start(self.network, chunk, self.workers), []
        for _ in range(3):
            started = time.monotonic()
            rngs = [np.random.default_rng(0) for _ in states]
            threads.loss_and_gradients(self.network, chunk, states, rngs, self.workers)
            times.append(time.monotonic() - started)
        return min(times)

    def _planning_due(self):
        """Of a run with a budget in minutes: after the trial, and, since a machine's speed changes, a quarter and half
        of the way."""
        if self.options.minutes is None or self.progress.plans == 3:
            return False
        due = (TRIAL_STEPS, self.progress.total // 4, self.progress.total // 2)[self.progress.plans]
        return self.progress.step >= due

    def _plan_by_time(self, times):
        """How many steps fit into the minutes that were asked for, from the mean time of those taken so far."""
        progress, options = self.progress, self.options
        spent = time.monotonic() - self.clock + progress.seconds
        evaluations = options.evaluations
        if progress.total:
            evaluations -= progress.step * options.evaluations // progress.total
        left = 60 * options.minutes - spent - evaluations * progress.evaluation_seconds
        # The first few are slower; but there are no more if the run was resumed just before the end of the trial.
        return progress.step + max(1, int(MARGIN * left / float(np.mean(times[3:] or times))))

    def _evaluation_due(self):
        total, step = self.progress.total, self.progress.step
        if not total:
            return False
        return step * self.options.evaluations // total > (step - 1) * self.options.evaluations // total

    def _evaluate(self, norm):
        """Validation loss, sample, log, best checkpoint."""
        progress, network = self.progress, self.network
        with self._kept():
            loss = evaluate(network, self.validation, self.workers)
            if not math.isfinite(loss):
                self._give_up("the loss on the validation data is not finite")
            if self.sample and self.workers.rank == 0:
                self.sample(network, progress.step)
            if loss < progress.best and progress.step:
                progress.best, progress.since_best = loss, 0
                params = backend.flatten(network.params)
                self._write(self.run / "best.npz", {f"params.{name}": a for name, a in params.items()})
            elif progress.step:
                progress.since_best += 1
                if self.options.schedule == "plateau" and progress.since_best % 2 == 0:
                    progress.lr_scale /= 2
        train_loss = progress.loss_sum / progress.loss_steps if progress.loss_steps else None
        seconds = progress.seconds + time.monotonic() - self.clock
        self.rows.append(
            {
                "step": progress.step, "epoch": progress.epoch, "train_loss": train_loss, "validation_loss": loss,
                "learning_rate": self.learning_rate(), "gradient_norm": norm, "skipped": progress.skipped,
                "seconds": round(seconds, 1),
            }
        )  # fmt: skip
        progress.loss_sum, progress.loss_steps = 0.0, 0
        self._write_log()

    @contextlib.contextmanager
    def _kept(self):
        """The network with the weights that are kept in the place of the last ones: their mean, if there is one."""
        if not self.mean:
            yield
            return
        own, self.network.params = self.network.params, backend.unflatten(self.mean)
        try:
            yield
        finally:
            self.network.params = own

    # ---- the folder -------------------------------------------------------------------------------------------

    def save(self):
        """Write last.npz: weights, moments, state of the streams, progress."""
        now = time.monotonic()
        self.progress.seconds += now - self.clock
        self.clock = now
        arrays = {f"params.{name}": a for name, a in self.params.items()}
        arrays.update({f"moments.{name}": a for name, a in backend.flatten(self.optimiser.moments()).items()})
        if self.mean:
            arrays.update({f"mean.{name}": a for name, a in self.mean.items()})
        self.workers.check_same(self.params)
        for share, state in enumerate(self.workers.gather(self.states or [])):
            for layer, arrays_of_layer in enumerate(state):
                arrays.update({f"state.{share}.{layer}.{place}": a for place, a in enumerate(arrays_of_layer)})
        self._write(self.run / "last.npz", arrays)
        self.workers.wait()

    def _write(self, path, arrays):
        if self.workers.rank > 0:
            return
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                self._give_up(f"{name} holds numbers that are not finite")
        meta = {
            "kind": self.network.kind, "network": self.network.settings, **self.meta,
            "progress": dataclasses.asdict(self.progress), "rows": self.rows,
        }  # fmt: skip
        checkpoint.save(path, meta, {**arrays, **{f"extra.{name}": a for name, a in self.extra.items()}})

    def load(self):
        """Go on from last.npz of the run's folder. One that is damaged, or that was made with other data, is a
        `MinirnnError`."""
        path = self.run / "last.npz"
        meta, arrays = checkpoint.load(path, self.network.kind)
        own = json.loads(json.dumps(self.meta))
        changed = [key for key in own if key in meta and meta[key] != own[key]]
        if changed:
            raise MinirnnError(
                f"the data are not those that {self.run} was trained on (another {', '.join(changed)}); put the old "
                "ones back, or start a new run"
            )
        try:
            self._take_over(meta, arrays, path)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise MinirnnError(f"{path} is damaged ({type(error).__name__}: {error}); start a new run") from None
        self._write_log()
        self.clock = time.monotonic()

    def _take_over(self, meta, arrays, path):
        """Weights, moments, states and progress from what `checkpoint.load` gave, each compared with our own."""
        groups = {name: {} for name in ("params", "moments", "mean", "state", "extra")}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds numbers that are not finite")
            group, _, rest = name.partition(".")
            groups[group][rest] = array
        device = self.network.device
        self.network.load_params(groups["params"], str(path))
        self.params = backend.flatten(self.network.params)
        moments = backend.flatten(self.optimiser.moments())
        for own, found in ((moments, groups["moments"]), (self.mean or {}, groups["mean"])):
            if own.keys() != found.keys():
                raise ValueError("moments or means are missing or too many")
            for name, array in own.items():
                array[...] = backend.to_device(found[name], device)
        for name, array in self.extra.items():
            if not np.allclose(array, groups["extra"][name]):
                raise ValueError(f"{name} is another than that of the data")
        self.progress = _checked_progress(meta["progress"], self.data)
        self.optimiser.steps = self.progress.step - self.progress.skipped
        states = _nested([(name.split("."), backend.to_device(a, device)) for name, a in groups["state"].items()])
        fresh, chunk = self.data.chunk(self.progress.epoch, self.progress.index)
        if states and not fresh:
            self.states = threads.recut(states, self.workers, chunk["x"].shape[1])
            expected = threads.start(self.network, chunk, self.workers)
            if backend.tree_map(np.shape, self.states) != backend.tree_map(np.shape, expected):
                raise ValueError("the states do not fit the batch")
        self.rows = [{name: row[name] for name in LOG} for row in meta["rows"]]

    def _write_log(self):
        if self.workers.rank > 0:
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, LOG, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        with atomic(self.run / "log.csv") as file:
            file.write(text.getvalue())
        if len(self.rows) > 1:
            loss_curve(self.run / "loss.png", self.rows)

    # ---- the bar ----------------------------------------------------------------------------------------------

    def _bar(self):
        return tqdm(total=self.progress.total or None, initial=self.progress.step, unit="step", dynamic_ncols=True,
                    disable=self.workers.rank > 0)  # fmt: skip

    def _show(self, bar, loss):
        bar.update(1)
        fields = {"loss": f"{loss:.3f}"}
        if self.rows:
            fields["val"] = f"{self.rows[-1]['validation_loss']:.3f}"
        rate = bar.format_dict["rate"]
        if rate:
            fields[f"{self.data.unit}/s"] = f"{rate * self.data.symbols_per_chunk:,.0f}"
        bar.set_postfix(fields, refresh=False)


def _nested(items):
    """[(["0", "1", "0"], array), ...] as lists of lists of tuples of arrays, None for an empty list."""
    states = {}
    for (share, layer, place), array in items:
        states.setdefault(int(share), {}).setdefault(int(layer), {})[int(place)] = array
    return [[tuple(layer.values()) for layer in state.values()] for state in states.values()] or None


def _checked_progress(found, data):
    """A `Progress` of the dict ``found``; one that cannot be is a TypeError or ValueError."""
    progress = Progress(**found)
    for field in dataclasses.fields(Progress):
        if type(getattr(progress, field.name)) is not type(field.default):
            raise TypeError(f"{field.name} is {getattr(progress, field.name)!r}")
    numbers = [value for name, value in found.items() if name != "best"]
    if not (all(0 <= number < 2**53 for number in numbers) and progress.best >= 0):
        raise ValueError("its progress has numbers that cannot be")
    if not (0 <= progress.skipped <= progress.step and 0 <= progress.index < data.chunks(progress.epoch)):
        raise ValueError("its progress cannot be")
    return progress


@contextlib.contextmanager
def _interruptible():
    """Ctrl-C and SIGTERM are only noted, in the list that is yielded, so that they do not break off a step in the
    middle; a second one breaks off at once."""
    signals = []

    def handler(number, _):
        if signals:
            raise KeyboardInterrupt
        signals.append(number)

    try:
        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals do not come here
        yield signals
        return
    try:
        yield signals
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def new_run(out, default):
    """The folder of a new run: ``out`` if given, which must be empty or not there; else runs/``default``-1, -2, ..."""
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
        raise MinirnnError(f"{folder} is there already; choose another --out, or go on with --resume {folder}")
    return folder


def write_settings(run, settings):
    """Write the settings of a run, a dict for JSON, into its folder."""
    with atomic(run / "settings.json") as file:
        json.dump(settings, file, indent=2)


def read_settings(run):
    """settings.json of a run, or a `MinirnnError` if ``run`` is no run."""
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


def options_from(settings):
    """The `minirnn.training.trainer.Options` among the settings of a run."""
    names = {field.name for field in dataclasses.fields(Options)}
    return Options(**{name: value for name, value in settings.items() if name in names})
