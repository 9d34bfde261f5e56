"""The settings of a run: declared once, given on a command line, kept in settings.json, read again."""

import dataclasses

import pytest

from minirnn.errors import MinirnnError
from minirnn.training import launch
from minirnn.training.settings import LENGTHS, RENAMED, Settings


def test_what_is_written_is_read_again():
    settings = launch.new_settings({"text": __file__, "lr": 0.5, "steps": 7, "cell": "gru"})
    assert Settings.of(settings.values()) == settings
    assert (settings.training.lr, settings.training.steps, settings.network.cell) == (0.5, 7, "gru")


def test_every_setting_is_an_option_under_its_own_name():
    words = [f"--{name.replace('_', '-')}" for name in Settings().values()]
    shown = launch.build_parser().format_help()
    assert not [word for word in words if word not in shown]


def test_only_what_is_given_is_parsed():
    assert launch.given([]) == {}
    assert launch.given(["--lr", "0.5", "--average", "0.9"]) == {"lr": 0.5, "ema": 0.9}


def test_older_runs_have_other_names_for_some_settings():
    values = Settings().values()
    older = {{new: old for old, new in RENAMED.items()}.get(name, name): value for name, value in values.items()}
    older.update(average=0.5, grow=3)
    settings = Settings.of(older)
    assert (settings.training.ema, settings.data.curriculum) == (0.5, 3)


def test_a_single_source_of_an_older_run_is_a_list_of_one():
    assert Settings.of({"data": "archives"}).data.data == ["archives"]


@pytest.mark.parametrize("values, words", [
    ({"hidden": "x"}, "hidden: 'x' is not a whole number"), ({"hidden": None}, "hidden"), ({"hidden": 2.5}, "hidden"),
    ({"hidden": True}, "hidden"), ({"lr": []}, "lr"), ({"lr": float("nan")}, "lr"), ({"epochs": 1e300}, "epochs"),
    ({"cell": "perceptron"}, "cell is 'perceptron', not one of gru, lstm, rnn"),
    ({"text": 5}, "text is 5, not a list of names"), ({"clean": "yes"}, "clean is 'yes', neither true nor false"),
    ({"data": []}, "data"), ({"data": [3]}, "data"), ({"colour": "red"}, "there is no setting 'colour'"),
])  # fmt: skip
def test_what_cannot_be_is_named(values, words):
    with pytest.raises(MinirnnError, match=words):
        Settings.of(values)


def test_a_run_has_one_length():
    assert launch.new_settings({"text": __file__}).training.epochs == 12
    for length in LENGTHS:
        training = launch.new_settings({"text": __file__, length: 3}).training
        assert {name for name in LENGTHS if getattr(training, name)} == {length}
    with pytest.raises(MinirnnError, match="not allowed with"):
        launch.given(["--steps", "3", "--minutes", "2"])


def test_the_groups_share_no_name():
    names = [field.name for group in dataclasses.fields(Settings) for field in dataclasses.fields(group.type)]
    assert len(names) == len(set(names))
