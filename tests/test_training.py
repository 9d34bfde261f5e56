"""The training loop: the same run gives the same numbers to the last bit, whatever comes in between; what is not
finite gets into no checkpoint; and a run's folder holds what it should."""

import contextlib
import csv
import dataclasses
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import hand_trainer, text_trainer, weights

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint
from minirnn.training import plan, run_folder, threads
from minirnn.training import trainer as training
from minirnn.training.run_folder import locked, new_run, read_settings, write_settings
from minirnn.training.settings import TrainingSettings

VARIANTS = {
    "text": (text_trainer, {}),
    "gru, threads, averaged": (text_trainer, {"cell": "gru", "threads": 2, "ema": 0.9}),
    "rmsprop, plateau": (text_trainer, {"optimiser": "rmsprop", "schedule": "plateau", "lr": 0.2, "evaluations": 12}),
    "sgd, decay of nothing": (text_trainer, {"optimiser": "sgd", "lr": 0.5}),
    "hand": (hand_trainer, {}),
    "hand, threads": (hand_trainer, {"threads": 2, "weight_decay": 0.01}),
}


@pytest.fixture
def pictures():
    """For the test that has the curves drawn."""


@pytest.fixture(autouse=True)
def no_pictures(request, monkeypatch):
    """Curves take longer to draw than these networks to train."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(run_folder, "loss_curve", lambda path, rows: None)


class Killed(Exception):
    """As if the process had ended here."""


def losses_of(trainer):
    """Train to the end -> the loss of every step."""
    losses, step = [], trainer.step

    def noted():
        loss, norm = step()
        losses.append(loss)
        return loss, norm

    trainer.step = noted
    trainer.train()
    return losses


def resumed(make, folder, options):
    """The trainer of a run that may have died before."""
    trainer = make(folder, **options)
    if (folder / "last.npz").exists():
        trainer.load()
    return trainer


def die(trainer, after):
    """Train, and die in the step that follows ``after`` steps, if there are so many."""
    step, count = trainer.step, itertools.count()

    def dying():
        result = step()
        if next(count) == after:
            raise Killed
        return result

    trainer.step = dying
    with contextlib.suppress(Killed):
        trainer.train()


def finish(make, folder, options, stops):
    """Train in ``folder``; die after ``stops[0]`` steps, resume, die after ``stops[1]`` more, ... and end."""
    for stop in stops:
        die(resumed(make, folder, options), stop)
    trainer = resumed(make, folder, options)
    trainer.train()
    return trainer


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """name of a variant -> the folder of its run that was left alone (made once)."""
    made = {}

    def folder_of(name):
        if name not in made:
            make, options = VARIANTS[name]
            made[name] = tmp_path_factory.mktemp("alone")
            make(made[name], **options).train()
        return made[name]

    return folder_of


def without_seconds(folder):
    with open(folder / "log.csv", encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def assert_same_run(folder, other):
    assert weights(folder / "last.npz") == weights(other / "last.npz")
    assert weights(folder / "best.npz") == weights(other / "best.npz")
    assert without_seconds(folder) == without_seconds(other)


# --- to the last bit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_run_twice(tmp_path, name):
    make, options = VARIANTS[name]
    first, second = (losses_of(make(tmp_path / run, **options)) for run in "ab")
    assert len(first) == 24 and first == second
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_another_seed_is_another_run(tmp_path):
    assert losses_of(text_trainer(tmp_path / "a")) != losses_of(text_trainer(tmp_path / "b", seed=3))


def test_threads_share_a_batch_and_change_next_to_nothing(tmp_path):
    one, two = (losses_of(text_trainer(tmp_path / str(n), threads=n, dropout=0.0)) for n in (1, 2))
    assert one != two  # the sums are made in another order
    assert np.allclose(one, two, rtol=1e-3)


@pytest.mark.parametrize("save_every", [-1, 60], ids=["saved at every step", "saved at evaluations"])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_run_that_died_at_any_steps_ends_the_same(tmp_path_factory, reference, monkeypatch, name, save_every):
    make, options = VARIANTS[name]
    alone = reference(name)
    monkeypatch.setattr(training, "SAVE_EVERY", save_every)
    for stops in [[0, 0, 3], np.random.default_rng(len(name)).integers(0, 12, 3).tolist()]:
        folder = tmp_path_factory.mktemp("died")
        finish(make, folder, options, stops)
        assert_same_run(folder, alone)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(0, 24), max_size=4), save_every=st.sampled_from([-1, 60]))
def test_any_stops(tmp_path_factory, reference, monkeypatch, stops, save_every):
    monkeypatch.setattr(training, "SAVE_EVERY", save_every)
    folder = tmp_path_factory.mktemp("died")
    finish(text_trainer, folder, {}, stops)
    assert_same_run(folder, reference("text"))


def test_a_run_that_died_in_an_evaluation_ends_the_same(tmp_path, reference, monkeypatch):
    """After the best checkpoint was written, and before the last."""
    evaluations = itertools.count()
    write_log = training.Trainer._log

    def dying(self):
        if next(evaluations) == 2:
            raise Killed
        write_log(self)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Trainer, "_log", dying)
        text_trainer(tmp_path).train()
    finish(text_trainer, tmp_path, {}, [])
    assert_same_run(tmp_path, reference("text"))


def test_a_run_that_is_done_stays_as_it_is(tmp_path, reference):
    text_trainer(tmp_path).train()
    again = text_trainer(tmp_path)
    again.load()
    again.train()
    assert again.progress.step == 24
    assert_same_run(tmp_path, reference("text"))


# --- being asked to stop ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_finish_the_step_and_save(tmp_path, reference, number):
    trainer = text_trainer(tmp_path)
    step = trainer.step

    def stopped():
        if trainer.progress.step == 9:
            os.kill(os.getpid(), number)
        return step()

    trainer.step = stopped
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match=f"saved at step 10; continue with --resume {tmp_path}"):
        trainer.train()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert checkpoint.load(tmp_path / "last.npz")[0]["progress"]["step"] == 10
    finish(text_trainer, tmp_path, {}, [])
    assert_same_run(tmp_path, reference("text"))


def test_a_thread_trains_without_signals(tmp_path, reference):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(text_trainer(tmp_path).train).result().done
    assert_same_run(tmp_path, reference("text"))


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    trainer = text_trainer(tmp_path)

    def hanging():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("still here")

    trainer.step = hanging
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert not (tmp_path / "last.npz").exists()


# --- where it begins --------------------------------------------------------------------------------------------


def test_what_holds_if_nothing_is_said():
    """Of the settings, and of a run that has not begun."""
    assert TrainingSettings(threads=1) == TrainingSettings(
        steps=None, epochs=None, minutes=None, optimiser="adam", lr=0.004, schedule="cosine", warmup=20,
        weight_decay=0.0, clip=1.0, evaluations=10, patience=3, ema=0.0, threads=1, seed=0,
    )  # fmt: skip
    assert plan.Progress() == plan.Progress(
        step=0, epoch=0, index=0, total=0, plans=0, best=math.inf, since_best=0, lr_scale=1.0, loss_sum=0.0,
        loss_count=0, skipped=0, skipped_in_a_row=0, evaluation_seconds=0.0, seconds=0.0, done=False,
    )  # fmt: skip


def test_a_run_can_be_saved_before_its_first_step(tmp_path):
    text_trainer(tmp_path).save()
    trainer = resumed(text_trainer, tmp_path, {})
    assert trainer.progress.step == 0 and trainer.states is None


def noted_calls(trainer, monkeypatch):
    """Step through two epochs and a bit -> for each step (fresh, states that went in, states that came out)."""
    calls, honest, chunk = [], training.threads.loss_and_gradients, trainer.data.chunk

    def noting(network, part, states, rngs, workers):
        loss, after, grads = honest(network, part, states, rngs, workers)
        calls[-1] += [states, after, len(rngs)]
        return loss, after, grads

    def noted_chunk(epoch, index):
        fresh, part = chunk(epoch, index)
        calls.append([fresh])
        return fresh, part

    monkeypatch.setattr(training.threads, "loss_and_gradients", noting)
    monkeypatch.setattr(trainer.data, "chunk", noted_chunk)
    for _ in range(2 * trainer.data.chunks(0) + 2):
        trainer.step()
    return calls


@pytest.mark.parametrize("make", [text_trainer, hand_trainer])
def test_the_state_is_carried_from_chunk_to_chunk_until_a_fresh_one(tmp_path, monkeypatch, make):
    calls = noted_calls(make(tmp_path, threads=2), monkeypatch)
    assert sum(fresh for fresh, *_ in calls) >= 2
    for (_, _, left, _), (fresh, came, _, shares) in itertools.pairwise(calls):
        assert shares == len(came)
        if not fresh:
            assert came is left
        else:
            assert all(not np.any(a) or np.all(a == a.flat[0]) for share in came for layer in share for a in layer)


def test_what_is_drawn_for_a_sequence_does_not_depend_on_its_share():
    whole = threads.SequenceBits(3, 7, slice(0, 5)).integers(0, 65536, (4, 5, 2), dtype=np.uint16)
    parts = [threads.SequenceBits(3, 7, part).integers(0, 65536, (4, part.stop - part.start, 2), dtype=np.uint16)
             for part in (slice(0, 2), slice(2, 5))]  # fmt: skip
    assert np.array_equal(np.concatenate(parts, axis=1), whole) and whole.dtype == np.uint16
    assert len({whole[:, b].tobytes() for b in range(5)}) == 5
    assert not np.array_equal(threads.SequenceBits(3, 8, slice(0, 5)).integers(0, 65536, (4, 5, 2)), whole)


@pytest.mark.parametrize("make", [text_trainer, hand_trainer])
def test_dropout_does_not_depend_on_the_number_of_threads(tmp_path, make):
    one, three = (make(tmp_path / str(count), threads=count) for count in (1, 3))
    assert one.network.p > 0
    np.testing.assert_allclose([one.step() for _ in range(6)], [three.step() for _ in range(6)], rtol=1e-4)


def test_every_symbol_that_counts_weighs_the_same(tmp_path, monkeypatch):
    """A chunk in which one symbol counts, as the last one of a long line may be, moves the weights by so much less."""
    gradients = []
    monkeypatch.setattr(training, "clip_by_global_norm", lambda grads, largest: gradients.append(grads) or 1.0)
    full, few = text_trainer(tmp_path / "a", dropout=0.0), text_trainer(tmp_path / "b", dropout=0.0)
    _, chunk = few.data.chunk(0, 0)
    mask = np.zeros(chunk["y"].shape, bool)
    mask[0, 0] = True
    full.step()
    monkeypatch.setattr(few.data, "chunk", lambda *_: (True, {**chunk, "mask": mask}))
    loss, _ = few.step()
    network, alone = text_trainer(tmp_path / "c", dropout=0.0).network, few.workers
    states = threads.start(network, chunk, alone)
    _, _, alone = threads.loss_and_gradients(network, {**chunk, "mask": mask}, states, [None], alone)
    for name, g in gradients[1].items():
        np.testing.assert_allclose(g, alone[name] / chunk["y"].size, rtol=1e-5, atol=1e-12)
    assert few.progress.loss_count == 1 and few.progress.loss_sum == pytest.approx(loss)
    assert full.progress.loss_count == chunk["y"].size


def test_weight_decay_is_for_the_matrices_of_products(tmp_path):
    names = set(hand_trainer(tmp_path / "hand", weight_decay=0.1).optimiser.decay)
    assert {"reader.Wx", "reader.Wh", "lstm2.Wx", "softmax.W"} <= names
    assert not [name for name in names if name.endswith((".E", ".b"))]
    trainer = text_trainer(tmp_path / "text", weight_decay=0.5, lr=0.1)
    before = {name: a.copy() for name, a in trainer.params.items()}
    zero = {name: np.zeros_like(a) for name, a in trainer.params.items()}
    trainer.optimiser.step(trainer.params, zero, 0.1)
    for name, a in trainer.params.items():
        np.testing.assert_allclose(a, before[name] * (0.95 if name.split(".")[1].startswith("W") else 1), rtol=1e-6)


def test_an_older_checkpoint_that_summed_over_steps_is_read(tmp_path):
    trainer = text_trainer(tmp_path)
    trainer.step()
    older = dataclasses.asdict(trainer.progress)
    del older["loss_count"]
    progress = plan.checked_progress({**older, "loss_steps": 1}, trainer.data)
    assert (progress.step, progress.loss_sum, progress.loss_count) == (1, 0.0, 0)


def test_a_gpu_has_one_worker(tmp_path):
    trainer = text_trainer(tmp_path, threads=2)
    assert trainer.workers.count == 2
    trainer.network.device = "gpu"
    again = training.Trainer(trainer.network, trainer.data, trainer.validation, trainer.settings, tmp_path, {})
    assert again.workers.count == 1


# --- how long ---------------------------------------------------------------------------------------------------


def test_a_plan_leaves_three_per_cent_of_the_time(tmp_path, monkeypatch):
    trainer = text_trainer(tmp_path, steps=None, minutes=2.0, evaluations=4)
    monkeypatch.setattr(training.time, "monotonic", lambda: trainer.clock + 10)
    trainer.progress.step, trainer.progress.seconds, trainer.progress.evaluation_seconds = 100, 20, 5
    # Two minutes, less the thirty seconds that are over and four evaluations; the first three steps were slow.
    assert trainer.plan.by_time([9, 9, 9, 0.25, 0.75], trainer.seconds_spent()) == 100 + int(0.97 * 70 / 0.5)
    assert trainer.plan.by_time([2, 3], trainer.seconds_spent()) == 100 + int(0.97 * 70 / 2.5)
    trainer.progress.total = 200  # half of it is done, and so are two of the evaluations
    assert trainer.plan.by_time([9, 9, 9, 0.5], trainer.seconds_spent()) == 100 + int(0.97 * 80 / 0.5)
    trainer.progress.seconds = 1000
    assert trainer.plan.by_time([1], trainer.seconds_spent()) == 101


def test_plans_are_made_after_fifty_steps_and_at_a_quarter_and_half_of_the_way(tmp_path):
    trainer = text_trainer(tmp_path, steps=None, minutes=2.0)
    due = {}
    for plans, total in ((0, 0), (1, 400), (2, 400), (3, 400)):
        trainer.progress.plans, trainer.progress.total = plans, total
        for step in range(400):
            trainer.progress.step = step
            if trainer.plan.is_due():
                due.setdefault(plans, step)
    assert due == {0: 50, 1: 100, 2: 200}
    assert not text_trainer(tmp_path).plan.is_due()


def test_the_loss_before_any_training_is_measured_once_and_timed(tmp_path):
    trainer = text_trainer(tmp_path / "new")
    began = time.monotonic()
    trainer.train()
    assert 0 < trainer.progress.evaluation_seconds < time.monotonic() - began
    assert trainer.rows[0]["gradient_norm"] == 0
    killed = text_trainer(tmp_path / "killed")  # before its first step
    killed._evaluate(norm=0.0)
    killed.save()
    trainer = resumed(text_trainer, tmp_path / "killed", {})
    trainer.train()
    assert [row["step"] for row in trainer.rows].count(0) == 1


def test_epochs_follow_each_other(tmp_path):
    trainer = text_trainer(tmp_path)
    chunks = trainer.data.chunks(0)
    for place in itertools.product(range(3), range(chunks)):
        assert (trainer.progress.epoch, trainer.progress.index) == place
        trainer.step()


def test_as_long_as_nothing_is_planned_the_learning_rate_does_not_fall(tmp_path):
    trainer = text_trainer(tmp_path, steps=None, minutes=2.0, warmup=3)
    trainer.progress.step = 49
    assert trainer.learning_rate() == pytest.approx(trainer.settings.lr, rel=1e-6)


def test_steps_epochs_and_minutes(tmp_path, monkeypatch):
    assert text_trainer(tmp_path, steps=7).plan.steps() == 7
    trainer = text_trainer(tmp_path, steps=None, epochs=1.5)
    assert trainer.plan.steps() == round(1.5 * trainer.data.chunks(0))
    assert text_trainer(tmp_path, steps=None, epochs=1e-9).plan.steps() == 1
    assert text_trainer(tmp_path, steps=None, minutes=1).plan.steps() is None
    trainer = hand_trainer(tmp_path, steps=None, epochs=2.5)  # lines begin short in its first epoch
    assert trainer.data.chunks(0) < trainer.data.chunks(1)
    assert trainer.plan.steps() == round(sum(map(trainer.data.chunks, (0, 1))) + 0.5 * trainer.data.chunks(2))


class Bar(training.tqdm):
    """A bar that can be looked at after the run."""

    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        Bar.last = self


def test_the_bar_tells_how_far_it_is_and_how_it_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "tqdm", Bar)
    trainer = text_trainer(tmp_path, steps=None, minutes=0.02)
    trainer.train()
    assert Bar.last.n == Bar.last.total == trainer.progress.total > 0
    assert f"val={trainer.rows[-2]['validation_loss']:.3f}" in Bar.last.postfix  # that of the last step comes after it
    assert "loss=" in Bar.last.postfix and "characters/s=" in Bar.last.postfix
    assert Bar.last.dynamic_ncols, "a terminal may change its width on the way"
    die(text_trainer(tmp_path / "steps", steps=12, evaluations=3), after=7)
    assert (Bar.last.n, Bar.last.total) == (7, 12)
    resumed(text_trainer, tmp_path / "steps", {"steps": 12, "evaluations": 3}).train()
    assert (Bar.last.initial, Bar.last.n, Bar.last.total) == (4, 12, 12)


def test_the_curve_is_drawn_from_two_points_on(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(run_folder, "loss_curve", lambda path, rows: drawn.append((path.name, len(rows))))
    text_trainer(tmp_path, steps=4, evaluations=2).train()
    assert drawn == [("loss.png", 2), ("loss.png", 3)]


def test_processes_compare_their_weights_before_a_checkpoint_and_wait_for_it(tmp_path, monkeypatch):
    trainer, calls = text_trainer(tmp_path), []
    last = tmp_path / "last.npz"
    monkeypatch.setattr(
        trainer.workers, "check_same", lambda params: calls.append(("same", params is trainer.params, last.exists()))
    )
    monkeypatch.setattr(trainer.workers, "wait", lambda: calls.append(("wait", last.exists())))
    trainer.save()
    assert calls == [("same", True, False), ("wait", True)]


def test_only_the_first_process_writes(tmp_path):
    trainer = text_trainer(tmp_path)
    trainer.workers.rank = 1
    trainer._evaluate(norm=0.0)
    trainer.save()
    assert os.listdir(tmp_path) == [] and trainer._bar().disable


def test_a_run_goes_on_where_fewer_lines_begin_than_have_ended(tmp_path):
    trainer = hand_trainer(tmp_path)
    for _ in range(40):
        trainer.step()
        fresh, chunk = trainer.data.chunk(trainer.progress.epoch, trainer.progress.index)
        if fresh and chunk["x"].shape[1] != len(trainer.states[0][0][0]):
            break
    else:
        pytest.fail("all batches are of one size")
    trainer.save()
    again = hand_trainer(tmp_path)
    again.load()
    assert again.step() == trainer.step()


def test_the_log_is_that_of_the_checkpoint_when_a_run_goes_on(tmp_path):
    die(text_trainer(tmp_path), after=13)
    log = tmp_path / "log.csv"
    there = log.read_text()
    log.write_text(there + "an evaluation behind the last checkpoint")
    resumed(text_trainer, tmp_path, {})
    assert log.read_text() == there


def test_the_log_has_the_seconds_of_the_run_to_a_tenth(tmp_path, monkeypatch):
    """Those before it was stopped are counted in, those in which nobody ran it are not."""
    now = 1000.0
    monkeypatch.setattr(training.time, "monotonic", lambda: now)
    trainer = text_trainer(tmp_path)
    now += 2.04
    trainer._evaluate(norm=0.0)
    trainer.save()
    trainer = text_trainer(tmp_path)
    now += 500
    trainer.load()
    now += 3.52
    trainer._evaluate(norm=0.0)
    now += 10
    trainer._evaluate(norm=0.0)
    assert [row["seconds"] for row in trainer.rows] == [2.0, 5.6, 15.6]


def test_a_validation_loss_that_is_not_finite_ends_the_run(tmp_path, monkeypatch):
    trainer = text_trainer(tmp_path)
    monkeypatch.setattr(training, "evaluate", lambda *_: math.nan)
    with pytest.raises(MinirnnError, match="the loss on the validation data is not finite"):
        trainer.train()
    assert not (tmp_path / "best.npz").exists()


@pytest.mark.parametrize("schedule", ["constant", "trapezoid"])
def test_a_run_that_is_prolonged_while_level_is_the_longer_run(tmp_path, schedule):
    options = {"schedule": schedule, "warmup": 3}
    text_trainer(tmp_path / "long", steps=24, **options).train()
    die(text_trainer(tmp_path / "prolonged", steps=12, evaluations=2, **options), after=7)
    trainer = resumed(text_trainer, tmp_path / "prolonged", {"steps": 24, **options})
    assert trainer.progress.step == 6
    assert "a run so long from the beginning" in trainer.plan.prolong(trainer.run)
    trainer.train()
    assert weights(tmp_path / "prolonged" / "last.npz") == weights(tmp_path / "long" / "last.npz")


def test_a_run_that_has_ended_is_prolonged_with_a_learning_rate_that_rises_and_falls_again(tmp_path):
    options = {"schedule": "cosine", "warmup": 3}
    first = text_trainer(tmp_path, **options)
    first.train()
    trainer = resumed(text_trainer, tmp_path, {"steps": 48, **options})
    assert "from step 24 to 48; the learning rate rises again" in trainer.plan.prolong(trainer.run)
    assert trainer.learning_rate() < trainer.settings.lr / 2
    trainer.train()
    rates = [row["learning_rate"] for row in trainer.rows]
    assert [row["step"] for row in trainer.rows] == [0, 6, 12, 18, 24, 30, 36, 42, 48]
    assert rates[4] < rates[5] > rates[6] > rates[7] > rates[8] and rates[5] > 0.9 * trainer.settings.lr


def test_a_prolonged_run_that_is_killed_continues_to_the_same_end(tmp_path):
    for name, stops in (("alone", []), ("died", [5, 4])):
        text_trainer(tmp_path / name, schedule="cosine").train()
        trainer = resumed(text_trainer, tmp_path / name, {"steps": 48})
        trainer.plan.prolong(trainer.run)
        trainer.save()
        finish(text_trainer, tmp_path / name, {"steps": 48}, stops)
    assert weights(tmp_path / "died" / "last.npz") == weights(tmp_path / "alone" / "last.npz")


@pytest.mark.parametrize("schedule, step, level", [
    ("constant", 39, True), ("plateau", 40, True), ("trapezoid", 28, True), ("trapezoid", 29, False),
    ("cosine", 1, False),
])  # fmt: skip
def test_up_to_when_a_prolonged_run_is_the_longer_run(tmp_path, schedule, step, level):
    trainer = text_trainer(tmp_path, steps=50, schedule=schedule, warmup=0)
    trainer.progress.total, trainer.progress.step = 40, step
    before = trainer.learning_rate()
    trainer.plan.prolong(trainer.run)
    assert (trainer.progress.total, trainer.progress.begin) == (50, 0 if level else step)
    assert trainer.learning_rate() == before if level else trainer.learning_rate() >= before


def test_a_run_cannot_end_before_it_has_come_to_it_and_what_is_prolonged_is_not_planned_again(tmp_path):
    trainer = text_trainer(tmp_path, steps=30, schedule="constant")
    trainer.progress.total, trainer.progress.step, trainer.progress.seconds = 40, 30, 90.0
    with pytest.raises(MinirnnError, match=r"has gone 30 steps already, in 1\.5 minutes"):
        trainer.plan.prolong(trainer.run)
    trainer.settings.steps, trainer.settings.minutes = None, 2.0
    trainer.plan.prolong(trainer.run)
    assert trainer.progress.total == 40 and not trainer.plan.is_due()
    trainer.settings.minutes = 3.0
    trainer.plan.prolong(trainer.run)
    assert trainer.progress.total == 60, "as many as fit at the pace so far"


def test_how_long_a_step_takes_is_the_best_of_three(tmp_path, monkeypatch):
    trainer, now, left = text_trainer(tmp_path, threads=2), 0.0, [3.0, 1.0, 2.0]

    def step(network, chunk, states, rngs, workers):
        nonlocal now
        now += left.pop(0)
        assert np.array_equal(chunk["x"], trainer.data.chunk(0, 0)[1]["x"]) and len(states) == len(rngs) == 2

    monkeypatch.setattr(training.time, "monotonic", lambda: now)
    monkeypatch.setattr(training.threads, "loss_and_gradients", step)
    assert trainer.seconds_per_step() == 1.0 and not left


def clock(monkeypatch, seconds=1.0):
    """A clock that goes on by so many seconds whenever it is read."""
    ticks = itertools.count()
    monkeypatch.setattr(training.time, "monotonic", lambda: seconds * next(ticks))


def test_a_budget_of_minutes_once_planned_is_kept_when_resumed(tmp_path, monkeypatch):
    options = {"steps": None, "minutes": 3.0}
    clock(monkeypatch)
    alone = finish(text_trainer, tmp_path / "alone", options, [])
    assert 21 < alone.progress.total < 180 and alone.progress.step == alone.progress.total
    clock(monkeypatch)
    die(text_trainer(tmp_path / "died", **options), plan.TRIAL_STEPS + 4)  # so short a run is planned to the end
    clock(monkeypatch, 5.0)  # another load on the machine, which would make another plan
    died = finish(text_trainer, tmp_path / "died", options, [])
    assert died.progress.plans == 3
    assert_same_run(tmp_path / "died", tmp_path / "alone")


def test_a_budget_of_minutes_allows_for_a_machine_that_slows_down(tmp_path, monkeypatch):
    options = {"steps": None, "minutes": 3.0}
    clock(monkeypatch)
    alone = finish(text_trainer, tmp_path / "alone", options, [])
    clock(monkeypatch)
    die(text_trainer(tmp_path / "slow", **options), plan.TRIAL_STEPS)
    clock(monkeypatch, 2.0)
    slow = finish(text_trainer, tmp_path / "slow", options, [])
    assert plan.TRIAL_STEPS < slow.progress.total < alone.progress.total


@pytest.mark.parametrize("stop", [0, 5, 17, 18, 19, 20])
def test_a_budget_of_minutes_survives_a_stop_before_its_plan(tmp_path, monkeypatch, stop):
    monkeypatch.setattr(training, "SAVE_EVERY", -1)
    clock(monkeypatch, 0.5)
    trainer = finish(text_trainer, tmp_path, {"steps": None, "minutes": 1.0}, [stop])
    assert trainer.progress.done and trainer.progress.step == trainer.progress.total > 20


def test_a_budget_that_is_used_up_ends_at_once(tmp_path, monkeypatch):
    clock(monkeypatch)
    trainer = finish(text_trainer, tmp_path, {"steps": None, "minutes": 0.01}, [])
    assert trainer.progress.step <= plan.TRIAL_STEPS + 3


# --- early stopping, plateau, averaging -------------------------------------------------------------------------


def judged(monkeypatch, values):
    """Let evaluations give these validation losses, the first before any training."""
    given = iter(values)
    monkeypatch.setattr(training, "evaluate", lambda *_: next(given))


def test_a_run_stops_when_the_validation_loss_rests(tmp_path, monkeypatch):
    judged(monkeypatch, [9.0, 5.0, 4.0, 6.0, 4.0, 7.0, 1.0])
    progress = text_trainer(tmp_path, patience=3, evaluations=12).train()
    assert (progress.best, progress.since_best, progress.step, progress.done) == (4, 3, 10, True)
    assert checkpoint.load(tmp_path / "best.npz")[0]["progress"]["step"] == 4
    again = text_trainer(tmp_path, patience=3, evaluations=12)
    again.load()
    assert again.train().step == 10, "a run that has stopped has stopped"


def test_without_patience_it_goes_on(tmp_path, monkeypatch):
    judged(monkeypatch, [9, 5, *range(6, 17)])
    assert text_trainer(tmp_path, patience=0, evaluations=12).train().step == 24


def test_the_loss_before_training_is_not_the_best(tmp_path, monkeypatch):
    judged(monkeypatch, [1, 5, 4, 4, 4])
    assert text_trainer(tmp_path).train().best == 4


def test_trained_weights_are_a_candidate_for_the_best(tmp_path, monkeypatch):
    judged(monkeypatch, [1, 5, 4, 4, 4])
    trainer = text_trainer(tmp_path)
    trainer.trained, start = True, {name: a.tobytes() for name, a in trainer.params.items()}
    assert trainer.train().best == 1
    assert weights(tmp_path / "best.npz") == {f"params.{name}": a for name, a in start.items()}


def test_a_folder_of_samples_that_was_emptied_gets_a_new_one(tmp_path):
    def sample(network, step):
        (tmp_path / "samples" / f"{step}.txt").touch()

    text_trainer(tmp_path, sample=sample).train()
    for path in (tmp_path / "samples").iterdir():
        path.unlink()
    again = text_trainer(tmp_path, sample=sample)
    again.load()
    again.train()
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["24.txt"]


@pytest.mark.parametrize("length", [{"epochs": 1e15}, {"epochs": 9e99}, {"steps": 10**400}])
def test_more_steps_than_can_be_counted_are_said_at_once(tmp_path, length):
    trainer = text_trainer(tmp_path, **{"steps": None, **length})
    with pytest.raises(MinirnnError, match="so many steps cannot be counted; give fewer --epochs or --steps"):
        trainer.plan.steps()


def test_very_many_epochs_are_planned_at_once(tmp_path):
    trainer = hand_trainer(tmp_path, steps=None, epochs=1e9)
    exact = sum(map(trainer.data.chunks, range(plan.COUNTED)))
    assert trainer.plan.steps() == pytest.approx(1e9 * exact / plan.COUNTED, rel=1e-6)
    few = hand_trainer(tmp_path, steps=None, epochs=2.5)
    chunks = [few.data.chunks(epoch) for epoch in range(3)]
    assert few.plan.steps() == round(chunks[0] + chunks[1] + chunks[2] / 2)


def test_plateau_halves_the_learning_rate_whenever_two_evaluations_bring_nothing(tmp_path, monkeypatch):
    judged(monkeypatch, [9, 5, 5, 5, 5, 5, 4, 4, 4])
    text_trainer(tmp_path, schedule="plateau", evaluations=8, warmup=0, lr=0.8).train()
    rates = [float(row["learning_rate"]) for row in without_seconds(tmp_path)]
    assert rates == [0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1]


def test_what_is_judged_and_kept_is_the_mean_of_the_weights(tmp_path):
    trainer = text_trainer(tmp_path, ema=0.5, steps=8, evaluations=1)
    start = {name: a.copy() for name, a in trainer.params.items()}
    step, seen = trainer.step, []

    def noted():
        result = step()
        seen.append({name: a.copy() for name, a in trainer.params.items()})
        return result

    trainer.step = noted
    trainer.train()
    best = checkpoint.load(tmp_path / "best.npz")[1]
    for name, expected in start.items():
        for t, after in enumerate(seen):
            expected = expected + (1 - min(0.5, (1 + t) / (10 + t))) * (after[name] - expected)
        assert np.allclose(best[f"params.{name}"], expected, atol=1e-6)
        assert np.array_equal(trainer.params[name], seen[-1][name]), "training goes on with the last weights"
        assert backend.flatten(trainer.network.params)[name] is trainer.params[name]
    network = text_trainer(tmp_path / "other").network
    network.load_params({name.removeprefix("params."): a for name, a in best.items()})
    assert math.isclose(training.evaluate(network, trainer.validation), trainer.progress.best)


def test_evaluation_of_a_single_symbol(tmp_path):
    trainer = text_trainer(tmp_path)
    (_, chunk), *_ = trainer.validation
    mask = np.zeros_like(chunk["mask"])
    mask[0, 0] = True
    one = {**chunk, "mask": mask}
    loss, _, _ = trainer.network.loss(one, trainer.network.start(one["x"].shape[1]))
    assert training.evaluate(trainer.network, [(True, one)]) == pytest.approx(loss)
    assert training.evaluate(trainer.network, [(True, {**chunk, "mask": np.zeros_like(mask)})]) == 0


def test_evaluation_weighs_every_symbol_the_same(tmp_path):
    """Chunks with few symbols that count must not count as much as full ones."""
    trainer = text_trainer(tmp_path)
    chunks = [chunk for _, chunk in trainer.validation]
    whole = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    loss, _, _ = trainer.network.loss(whole, trainer.network.start(whole["x"].shape[1]))
    assert len(trainer.validation) > 1
    assert math.isclose(training.evaluate(trainer.network, trainer.validation), loss, rel_tol=1e-5)


def test_it_learns(tmp_path):
    text_trainer(tmp_path, steps=150, evaluations=3, dropout=0.0, lr=0.02).train()
    rows = without_seconds(tmp_path)
    assert float(rows[-1]["validation_loss"]) < 0.8 * float(rows[0]["validation_loss"])


# --- numbers that are not finite --------------------------------------------------------------------------------


def spoil(monkeypatch, steps, value=np.nan):
    """Let the gradient of the training's steps with these numbers (from 0) be spoiled."""
    honest, count = training.threads.loss_and_gradients, itertools.count()

    def spoiled(*arguments):
        loss, states, grads = honest(*arguments)
        if next(count) in steps:
            grads = {name: np.full_like(g, value) for name, g in grads.items()}
            if not np.isfinite(value):
                states = backend.tree_map(lambda a: np.full_like(a, np.nan), states)
            loss = loss if value == np.inf else value  # a loss that looks well does not help
        return loss, states, grads

    monkeypatch.setattr(training.threads, "loss_and_gradients", spoiled)


def all_finite(folder):
    return all(
        np.isfinite(array).all() for path in folder.glob("*.npz") for array in checkpoint.load(path)[1].values()
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_that_is_not_finite_is_left_out_and_counted(tmp_path, monkeypatch, value):
    monkeypatch.setattr(training, "SAVE_EVERY", -1)
    spoil(monkeypatch, {3, 4, 11}, value)
    trainer = text_trainer(tmp_path)
    step, states = trainer.step, []

    def noted():
        result = step()
        states.append(trainer.states)
        assert all_finite(tmp_path)
        return result

    trainer.step = noted
    progress = trainer.train()
    assert (progress.step, progress.skipped, progress.skipped_in_a_row) == (24, 3, 0)
    assert trainer.optimiser.steps == 21
    assert [n for n, state in enumerate(states) if state is None] == [3, 4, 11], "the state starts anew"
    assert [int(row["skipped"]) for row in without_seconds(tmp_path)] == [0, 2, 3, 3, 3]
    assert all_finite(tmp_path)


def test_skipped_steps_change_no_weight(tmp_path, monkeypatch):
    spoil(monkeypatch, {0, 1})
    trainer = text_trainer(tmp_path)
    before = {name: a.copy() for name, a in trainer.params.items()}
    trainer.progress.total = 24
    trainer.step(), trainer.step()
    assert all(np.array_equal(before[name], a) for name, a in trainer.params.items())
    trainer.step()
    assert not all(np.array_equal(before[name], a) for name, a in trainer.params.items())


def test_a_run_with_skipped_steps_resumes_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", -1)
    with monkeypatch.context() as patch:
        spoil(patch, {3, 4, 11})
        text_trainer(tmp_path / "alone").train()
    with monkeypatch.context() as patch:
        spoil(patch, {3, 4, 12})  # 12 is the second try of step 11, whose first one dies before it is saved
        finish(text_trainer, tmp_path / "died", {}, [11])
    assert_same_run(tmp_path / "died", tmp_path / "alone")


def test_a_run_gives_up_after_ten_bad_steps_in_a_row(tmp_path, monkeypatch):
    spoil(monkeypatch, {0, *range(14, 99)})
    with pytest.raises(MinirnnError, match=r"10 times in a row, last at step 23; try a smaller --lr") as caught:
        text_trainer(tmp_path, steps=60, evaluations=6).train()
    assert f"{tmp_path}/last.npz is from before" in str(caught.value)
    meta, _ = checkpoint.load(tmp_path / "last.npz")
    assert meta["progress"]["step"] == 20 and all_finite(tmp_path)


def test_a_run_that_is_bad_from_the_beginning_names_no_checkpoint(tmp_path, monkeypatch):
    spoil(monkeypatch, range(99))
    with pytest.raises(MinirnnError, match="not finite") as caught:
        text_trainer(tmp_path, steps=60, evaluations=1).train()
    assert "last.npz" not in str(caught.value) and not list(tmp_path.glob("*.npz"))


def test_weights_that_have_exploded_are_not_saved(tmp_path):
    """The step itself was finite, and its learning rate was not of this world."""
    trainer = text_trainer(tmp_path, steps=8, evaluations=2, optimiser="sgd", warmup=0, schedule="constant")
    trainer.train()
    before = weights(tmp_path / "last.npz")
    trainer.params["softmax.b"][0] = np.inf
    with pytest.raises(MinirnnError, match=r"softmax\.b holds numbers that are not finite, .* try a smaller --lr"):
        trainer.save()
    assert weights(tmp_path / "last.npz") == before


def test_a_loss_spike_is_clipped(tmp_path, monkeypatch):
    spoil(monkeypatch, {5}, 1e15)
    trainer = text_trainer(tmp_path, optimiser="sgd", lr=1.0, clip=1.0, warmup=0)
    trainer.progress.total = 24
    for _ in range(6):
        before = {name: a.copy() for name, a in trainer.params.items()}
        _, norm = trainer.step()
    moved = math.sqrt(sum(float(np.sum((a - before[name]) ** 2)) for name, a in trainer.params.items()))
    assert norm > 1e14 and moved < 1.001


# --- the folder -------------------------------------------------------------------------------------------------


def test_a_run_leaves_its_log_its_curve_its_samples_and_its_checkpoints(tmp_path, pictures):
    def sample(network, step):
        (tmp_path / "samples" / f"{step}.txt").write_text("x", encoding="utf-8")

    text_trainer(tmp_path, sample=sample).train()
    rows = without_seconds(tmp_path)
    assert [int(row["step"]) for row in rows] == [0, 6, 12, 18, 24]
    assert rows[0]["train_loss"] == "" and all(float(row["train_loss"]) > 0 for row in rows[1:])
    assert math.isclose(float(rows[0]["validation_loss"]), math.log(5), rel_tol=0.2), "five letters, nothing learned"
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (tmp_path / "samples").iterdir()} == {f"{n}.txt" for n in (0, 6, 12, 18, 24)}
    meta, arrays = checkpoint.load(tmp_path / "best.npz", "CharRNN")
    assert meta["symbols"] == " aent" and all(name.startswith("params.") for name in arrays)
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_training_loss_is_the_mean_since_the_last_evaluation(tmp_path):
    losses = losses_of(text_trainer(tmp_path))
    rows = without_seconds(tmp_path)
    assert [float(row["train_loss"]) for row in rows[1:]] == pytest.approx(
        [np.mean(losses[n : n + 6]) for n in (0, 6, 12, 18)]
    )


def test_new_runs_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(new_run(None, "text")) for _ in range(3)] == ["runs/text-1", "runs/text-2", "runs/text-3"]


def test_a_new_run_wants_a_folder_of_its_own(tmp_path):
    assert new_run(tmp_path / "a" / "b", "text").is_dir()
    (tmp_path / "a" / "lock").touch()
    (tmp_path / "a" / ".settings.json.xyz.tmp").touch()
    (tmp_path / "a" / "b").rmdir()
    assert new_run(tmp_path / "a", "text").is_dir(), "what died before it began is no run"
    (tmp_path / "a" / "notes.txt").touch()
    with pytest.raises(MinirnnError, match="is there already"):
        new_run(tmp_path / "a", "text")
    with pytest.raises(MinirnnError, match="is a file"):
        new_run(tmp_path / "a" / "notes.txt", "text")
    with pytest.raises(MinirnnError, match="cannot make"):
        new_run(tmp_path / "a" / "notes.txt" / "b", "text")


# --- the lock ---------------------------------------------------------------------------------------------------

HOLD = "import pathlib, sys; from minirnn.training.run_folder import locked\n"
HOLD += "with locked(pathlib.Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"


def test_a_second_process_is_refused_by_the_name_of_the_first(tmp_path):
    (tmp_path / "settings.json").touch()
    (tmp_path / ".last.npz.abc.tmp").touch()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout.readline() == "locked\n"
        assert not list(tmp_path.glob(".*.tmp")), "what a killed process left half-written is cleared away"
        (tmp_path / ".last.npz.def.tmp").touch()
        with pytest.raises(MinirnnError, match=f"process {holder.pid}; wait for it, or end it"), locked(tmp_path):
            pass
        assert list(tmp_path.glob(".*.tmp")), "but not what a living one is writing"
        holder.send_signal(signal.SIGKILL)
    with locked(tmp_path):  # the lock of the dead does not block
        assert not list(tmp_path.glob(".*.tmp"))
        assert (tmp_path / "lock").read_text(encoding="utf-8") == str(os.getpid())
    with locked(tmp_path):
        pass


def test_a_lock_without_a_run_leaves_nothing(tmp_path):
    with pytest.raises(Killed), locked(new_run(tmp_path / "run", "text")):
        raise Killed
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_locked(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(MinirnnError, match="cannot write into"), locked(tmp_path):
        pass
    with pytest.raises(MinirnnError, match="cannot write into"), locked(tmp_path / "none"):
        pass


# --- what a resumed run takes over ------------------------------------------------------------------------------


def rewrite(path, change):
    """Rewrite a checkpoint after ``change(meta, arrays)``."""
    meta, arrays = checkpoint.load(path)
    change(meta, arrays)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_check_finite", lambda *_: None)  # whoever spoils a file does not ask
        checkpoint.save(path, meta, arrays)


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """The folder of a run that was stopped in the middle of an epoch, with means."""
    monkeypatch.setattr(training, "SAVE_EVERY", -1)
    with pytest.raises(Killed):
        trainer = text_trainer(tmp_path, ema=0.9)
        step = trainer.step

        def dying():
            if trainer.progress.step == 8:
                raise Killed
            return step()

        trainer.step = dying
        trainer.train()
    return tmp_path


DAMAGES = {
    "no progress": lambda meta, arrays: meta.pop("progress"),
    "another progress": lambda meta, arrays: meta["progress"].update(surprise=1),
    "a step of too many digits": lambda meta, arrays: meta["progress"].update(step=10**400, skipped=10**400),
    "a time without end": lambda meta, arrays: meta["progress"].update(seconds=float("inf")),
    "a best loss below nothing": lambda meta, arrays: meta["progress"].update(best=-1.0),
    "a step that is a text": lambda meta, arrays: meta["progress"].update(step="8"),
    "a step that is no whole number": lambda meta, arrays: meta["progress"].update(step=8.0),
    "a time too long to be counted": lambda meta, arrays: meta["progress"].update(seconds=2.0**53),
    "a step below none": lambda meta, arrays: meta["progress"].update(step=-1),
    "more skipped than made": lambda meta, arrays: meta["progress"].update(skipped=9),
    "a chunk that is not there": lambda meta, arrays: meta["progress"].update(index=99),
    "an epoch before the first": lambda meta, arrays: meta["progress"].update(epoch=-1),
    "no rows": lambda meta, arrays: meta.pop("rows"),
    "rows of nothing": lambda meta, arrays: meta.update(rows=[1, 2]),
    "rows of something else": lambda meta, arrays: meta.update(rows=[{"step": 1}]),
    "a moment less": lambda meta, arrays: arrays.pop("moments.m.softmax.b"),
    "a moment of another shape": lambda meta, arrays: arrays.update({"moments.m.softmax.b": np.zeros(99)}),
    "means less": lambda meta, arrays: arrays.pop("mean.softmax.b"),
    "a weight less": lambda meta, arrays: arrays.pop("params.softmax.b"),
    "a weight of another shape": lambda meta, arrays: arrays.update({"params.softmax.b": np.zeros(99)}),
    "a weight that is not finite": lambda meta, arrays: arrays["params.softmax.b"].fill(np.nan),
    "a moment that is not finite": lambda meta, arrays: arrays["moments.s.softmax.b"].fill(np.inf),
    "a state of another shape": lambda meta, arrays: arrays.update({"state.0.0.0": np.zeros((9, 9))}),
    "states less": lambda meta, arrays: arrays.pop("state.0.1.1"),
    "states without numbers": lambda meta, arrays: arrays.update({"state.a.b.c": np.zeros(3)}),
    "states in no order": lambda meta, arrays: arrays.update({"state": np.zeros(3)}),
    "arrays of another kind": lambda meta, arrays: arrays.update({"surprise.x": np.zeros(3)}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused(stopped, damage):
    rewrite(stopped / "last.npz", DAMAGES[damage])
    log = (stopped / "log.csv").read_bytes()
    with pytest.raises(MinirnnError) as caught:
        text_trainer(stopped, ema=0.9).load()
    assert str(stopped / "last.npz") in str(caught.value) and "\n" not in str(caught.value)
    assert (stopped / "log.csv").read_bytes() == log


@pytest.mark.parametrize("best", [0.0, 0.5])
def test_a_loss_may_be_as_small_as_it_likes(stopped, best):
    rewrite(stopped / "last.npz", lambda meta, arrays: meta["progress"].update(best=best))
    trainer = text_trainer(stopped, ema=0.9)
    trainer.load()
    assert trainer.progress.best == best


def test_an_epoch_has_no_chunk_behind_its_last(stopped):
    trainer = text_trainer(stopped, ema=0.9)
    rewrite(stopped / "last.npz", lambda meta, arrays: meta["progress"].update(index=trainer.data.chunks(0)))
    with pytest.raises(MinirnnError, match="its progress cannot be"):
        trainer.load()


def test_another_optimiser_is_refused(stopped):
    with pytest.raises(MinirnnError, match="moments"):
        text_trainer(stopped, ema=0.9, optimiser="rmsprop").load()


def test_other_data_are_refused(stopped):
    trainer = text_trainer(stopped, ema=0.9)
    trainer.meta = {"symbols": " aenx"}
    with pytest.raises(MinirnnError, match=r"the data are not those .*\(another symbols\)"):
        trainer.load()


def test_another_codebook_of_lifts_is_refused(tmp_path):
    trainer = hand_trainer(tmp_path, steps=2, evaluations=1)
    trainer.train()
    trainer.extra = {"lifts": trainer.extra["lifts"] + 0.1}
    with pytest.raises(MinirnnError, match="lifts"):
        trainer.load()


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "[" * 100_000, "\xff"])
def test_settings_that_cannot_be_read(tmp_path, text):
    (tmp_path / "settings.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(MinirnnError, match="damaged"):
        read_settings(tmp_path)


def test_settings_are_kept_a_line_each(tmp_path):
    settings = {"lr": 0.002, "text": "é.txt", "steps": None}
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == read_settings(str(tmp_path)) == settings
    assert (tmp_path / "settings.json").read_text().splitlines()[1] == '  "lr": 0.002,'


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(MinirnnError, match=f"no run at {tmp_path}"):
        read_settings(tmp_path)
    (tmp_path / "settings.json").write_text(json.dumps({"task": "text"}), encoding="utf-8")
    assert read_settings(tmp_path) == {"task": "text"}
