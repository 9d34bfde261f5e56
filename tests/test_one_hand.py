"""Learning one hand: which lines judge, where the new row starts, and what stays as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import hand_trainer, made_samples

from minirnn import backend
from minirnn.datasets import Sample
from minirnn.ink.strokes import normalise
from minirnn.training import fine_tuning, launch


def lines(count, groups):
    return [Sample(str(n), [np.zeros((1, 2))], f"page {n % groups}") for n in range(count)]


@given(st.integers(10, 60), st.integers(1, 60), st.floats(0.01, 0.5), st.integers(0, 9))
def test_lines_that_judge_are_not_learned_from(count, groups, fraction, seed):
    learn, judge = fine_tuning.split_lines(lines(count, groups), fraction, seed)
    assert learn and judge
    assert sorted(int(s.text) for s in learn + judge) == list(range(count))
    assert ([s.text for s in learn], [s.text for s in judge]) == tuple(
        [s.text for s in part] for part in fine_tuning.split_lines(lines(count, groups), fraction, seed)
    )


@given(st.integers(1, 9), st.integers(1, 9))
def test_of_very_few_lines_none_is_kept_back(count, groups):
    samples = lines(count, groups)
    learn, judge = fine_tuning.split_lines(samples, 0.1, 0)
    assert learn is judge is samples


@given(st.integers(0, 2**32 - 1))
def test_a_slightly_augmented_line_is_the_same_line_only_a_little_different(seed):
    strokes = normalise(made_samples()[0].strokes)
    again = fine_tuning.augment_slightly(strokes, np.random.default_rng(seed))
    assert [s.shape for s in again] == [s.shape for s in strokes]
    width = np.ptp(np.concatenate(strokes)[:, 0])
    difference = np.concatenate(normalise(again)) - np.concatenate(strokes)
    assert 0 < np.abs(difference).max() < 0.2 * width


def test_few_lines_come_often_and_many_once():
    assert fine_tuning.copies(4) * 4 == fine_tuning.A_SHORT_EPOCH
    assert fine_tuning.copies(40) * 40 == fine_tuning.AN_EPOCH
    assert fine_tuning.copies(1000) == 1


@pytest.fixture
def writer(tmp_path):
    """A network whose fourth hand is learned from one form and whose other hands are nonsense."""
    trainer = hand_trainer(tmp_path / "run", steps=60, patience=0, evaluations=1)
    trainer.data.hands, trainer.data.generic_hand = [3] * len(trainer.data.hands), 0.0
    trainer.network.params["hand"]["E"][...] = np.random.default_rng(0).normal(0, 3, (5, 3))
    while trainer.progress.step != 60:
        trainer.step()

    class Small:
        network, chars, pens, hands = trainer.network, trainer.data.chars, trainer.data.pens, [4, 3, 1]

    return Small()


def test_a_new_hand_starts_as_the_one_that_fits_and_writes_as_that_one_does(writer):
    samples = made_samples()[:4]
    row = fine_tuning.nearest_hand(writer, samples)
    assert row == 3
    grown = fine_tuning.with_another_hand(writer.network, row, dropout=0.25)
    assert grown.settings["hands"] == writer.network.settings["hands"] + 1
    assert grown.p == 0.25
    old, new = backend.flatten(writer.network.params), backend.flatten(grown.params)
    for name in old.keys() - {"hand.E"}:
        np.testing.assert_array_equal(old[name], new[name])
        assert new[name] is not old[name], "what is learned later must not change the weights it came from"
    np.testing.assert_array_equal(new["hand.E"][:-1], old["hand.E"])
    np.testing.assert_array_equal(new["hand.E"][-1], old["hand.E"][row])


def test_the_command_has_defaults_of_its_own_for_it():
    hand = {"task": "hand", "data": [__file__]}
    tuned, scratch = (launch.new_settings({**hand, **more}) for more in ({}, {"init": "scratch"}))
    values = tuned.values()
    assert {name: values[name] for name in fine_tuning.FINE_TUNING} == fine_tuning.FINE_TUNING
    assert scratch.training.lr != tuned.training.lr
    assert launch.new_settings({**hand, "lr": 0.5, "steps": 3}).training.lr == 0.5
    assert launch.new_settings({**hand, "steps": 3}).training.epochs is None
