"""The training loop that all networks share: truncated BPTT, early stopping, checkpoints, resuming.

    with locked(run):
        Trainer(network, data, validation, settings, run, ...).train()

The loop knows nothing of text or handwriting: `data` gives chunks, the network gives losses and gradients. How long a
run is, is decided in `minirnn.training.plan`; its files are written by `minirnn.training.run_folder`.

Every random number comes from the seed and the step's own number. So the same run gives the same numbers to the last
bit, and so does a run that was killed at any moment and resumed from its last checkpoint. (Only how many steps fit into
``--minutes`` depends on the clock; what was planned is kept.)
"""

import contextlib
import dataclasses
import json
import math
import pathlib
import signal
import time

import numpy as np
from tqdm import tqdm

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint
from minirnn.networks.network import symbols_counted
from minirnn.training import mpi, threads
from minirnn.training.optimisers import OPTIMISERS, clip_by_global_norm, learning_rate, matrices
from minirnn.training.plan import Plan, Progress, checked_progress
from minirnn.training.run_folder import LOG, write_log

SAVE_EVERY = 60  # seconds between checkpoints; the results do not depend on when they are written
MAX_SKIPPED = 10  # steps in a row that are not finite, after which a run gives up


def evaluate(network, validation, workers=None):
    """The mean loss of ``network`` over all chunks of ``validation``, in nats per symbol (a float).

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


class Trainer:
    """One run.

    network      see `minirnn.networks.network`
    data         chunks to learn from; validation: chunks of the validation set
    settings     `minirnn.training.settings.TrainingSettings`
    run          the folder
    meta         further meta data of a checkpoint, for JSON; extra: further arrays of every checkpoint
    sample       sample(network, step) is called at every evaluation, to save something to look at in the folder
    trained      whether the network starts from trained weights, which then may be the best of the run themselves
    """

    def __init__(self, network, data, validation, settings, run, meta, sample=None, extra=None, trained=False):
        self.network, self.data, self.validation = network, data, validation
        self.settings, self.run = settings, pathlib.Path(run)
        self.meta, self.sample, self.extra, self.trained = meta, sample, extra or {}, trained
        self.params = backend.flatten(network.params)
        decay = {"weight_decay": settings.weight_decay, "decayed": matrices(self.params)}
        self.optimiser = OPTIMISERS[settings.optimiser](self.params, **(decay if settings.optimiser == "adam" else {}))
        self.mean = {name: a.copy() for name, a in self.params.items()} if settings.ema else None
        self.workers = mpi.workers(settings.threads if network.device == "cpu" else 1)  # a GPU is parallel by itself
        self.states = None  # of the network, one for each thread's share of the batch
        self.progress = Progress()
        self.plan = Plan(settings, data, self.progress)
        self.rows = []
        self.clock = time.monotonic()

    # ---- one step ---------------------------------------------------------------------------------------------

    def step(self):
        """Forward and back through one chunk, clip, update. Returns loss and gradient norm before clipping."""
        progress, settings, network = self.progress, self.settings, self.network
        fresh, chunk = self.data.chunk(progress.epoch, progress.index)
        chunk = backend.tree_map(lambda a: backend.to_device(a, network.device), chunk)
        if fresh or self.states is None:
            self.states = threads.start(network, chunk, self.workers)
        shares = self.workers.sequences(chunk["x"].shape[1])
        rngs = [threads.SequenceBits(settings.seed, progress.step, share) for share in shares]
        loss, states, grads = threads.loss_and_gradients(network, chunk, self.states, rngs, self.workers)
        # The last chunks of long lines have few symbols; each of them shall weigh as much as one of a full chunk.
        counted = symbols_counted(chunk)
        for g in grads.values():
            g *= counted / self.data.symbols_per_chunk
        norm = clip_by_global_norm(grads, settings.clip)
        if math.isfinite(loss) and math.isfinite(norm):
            lr = self.learning_rate()
            self.optimiser.step(self.params, grads, lr)
            if self.mean:
                # The exponential moving average forgets faster at the beginning, when the weights still change a lot.
                decay = min(settings.ema, (1 + progress.step) / (10 + progress.step))
                for name, a in self.mean.items():
                    a += (1 - decay) * (self.params[name] - a)
            self.states = states
            progress.loss_sum += loss * counted
            progress.loss_count += counted
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
        settings, progress = self.settings, self.progress
        return progress.lr_scale * learning_rate(
            progress.step - progress.begin, (progress.total or 10**9) - progress.begin,
            peak=settings.lr, warmup=settings.warmup, schedule=settings.schedule,
        )  # fmt: skip

    # ---- the whole run ----------------------------------------------------------------------------------------

    def train(self):
        """Train to the end of the plan, until the validation loss no longer falls, or until Ctrl-C or SIGTERM, which
        save first and end in a KeyboardInterrupt. The caller holds the lock of the folder."""
        threads.keep_freed_memory()
        (self.run / "samples").mkdir(exist_ok=True)
        with _interruptible() as interrupted:
            progress = self.progress
            progress.total = self.plan.steps() or 0
            if self.plan.prolonged:  # saved at once: after a kill, it must not be prolonged once more
                self.save()
            if progress.step == 0 and not self.rows:
                started = time.monotonic()
                self._evaluate(norm=0.0)  # before any training: about the logarithm of the number of symbols
                progress.evaluation_seconds = time.monotonic() - started
            elif not any((self.run / "samples").iterdir()):  # someone has emptied it
                self._sample()
            with self._bar() as bar:
                saved, times = time.monotonic(), []
                while not progress.done:
                    started = time.monotonic()
                    loss, norm = self.step()
                    times.append(time.monotonic() - started)
                    planned = self.plan.is_due()
                    if planned:
                        progress.total = self.workers.agreed(self.plan.by_time(times, self.seconds_spent()))
                        progress.plans += 1
                        bar.total = progress.total
                    self._show(bar, loss)
                    finished = progress.total and progress.step >= progress.total
                    if finished or self.plan.evaluation_is_due():
                        self._evaluate(norm)
                    patience = self.settings.patience
                    progress.done = bool(finished or (patience and progress.since_best >= patience))
                    # A plan that was made by the clock is saved at once: after a kill, it must not be made differently.
                    old = time.monotonic() - saved > SAVE_EVERY or planned
                    old, stop = self.workers.any(old, bool(interrupted))
                    if old or self.plan.evaluation_is_due() or progress.done or stop:
                        self.save()
                        saved = time.monotonic()
                    if stop:
                        raise KeyboardInterrupt(f"and saved at step {progress.step}; continue with --resume {self.run}")
        return progress

    def seconds_spent(self):
        """Seconds that the run has taken so far, including those before it was stopped."""
        return self.progress.seconds + time.monotonic() - self.clock

    def seconds_per_step(self):
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

    def _evaluate(self, norm):
        """Validation loss, sample, log, best checkpoint."""
        progress, network = self.progress, self.network
        with self._kept():
            loss = evaluate(network, self.validation, self.workers)
            if not math.isfinite(loss):
                self._give_up("the loss on the validation data is not finite")
            self._sample()
            if loss < progress.best and (progress.step or self.trained):
                progress.best, progress.since_best = loss, 0
                params = backend.flatten(network.params)
                self._write(self.run / "best.npz", {f"params.{name}": a for name, a in params.items()})
            elif progress.step:
                progress.since_best += 1
                if self.settings.schedule == "plateau" and progress.since_best % 2 == 0:
                    progress.lr_scale /= 2
        train_loss = progress.loss_sum / progress.loss_count if progress.loss_count else None
        self.rows.append(
            {
                "step": progress.step, "epoch": progress.epoch, "train_loss": train_loss, "validation_loss": loss,
                "learning_rate": self.learning_rate(), "gradient_norm": norm, "skipped": progress.skipped,
                "seconds": round(self.seconds_spent(), 1),
            }
        )  # fmt: skip
        progress.loss_sum, progress.loss_count = 0.0, 0
        self._log()

    def _sample(self):
        if self.sample and self.workers.rank == 0:
            self.sample(self.network, self.progress.step)

    @contextlib.contextmanager
    def _kept(self):
        """The network with the weights that are evaluated and kept: their exponential moving average, if any."""
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
        """Continue from last.npz of the run's folder. Raises MinirnnError if it is damaged or was made with other
        data."""
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
        self._log()
        self.clock = time.monotonic()

    def _take_over(self, meta, arrays, path):
        """Weights, moments, states and progress from what `checkpoint.load` returned, each compared with our own."""
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
        self.progress = checked_progress(meta["progress"], self.data)
        self.plan.progress = self.progress
        self.optimiser.steps = self.progress.step - self.progress.skipped
        states = _nested([(name.split("."), backend.to_device(a, device)) for name, a in groups["state"].items()])
        fresh, chunk = self.data.chunk(self.progress.epoch, self.progress.index)
        if states and not fresh:
            self.states = threads.recut(states, self.workers, chunk["x"].shape[1])
            expected = threads.start(self.network, chunk, self.workers)
            if backend.tree_map(np.shape, self.states) != backend.tree_map(np.shape, expected):
                raise ValueError("the states do not fit the batch")
        self.rows = [{name: row[name] for name in LOG} for row in meta["rows"]]

    def _log(self):
        if self.workers.rank == 0:
            write_log(self.run, self.rows)

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


@contextlib.contextmanager
def _interruptible():
    """Ctrl-C and SIGTERM are only noted, in the list that is yielded, so that they do not interrupt a step; a second
    one interrupts at once."""
    signals = []

    def handler(number, _):
        if signals:
            raise KeyboardInterrupt
        signals.append(number)

    try:
        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, which alone receives signals
        yield signals
        return
    try:
        yield signals
    finally:
        for number, old in before.items():
            signal.signal(number, old)
