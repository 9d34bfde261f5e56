"""The settings that a run over a text gets where none are given: by its length, the time and the machine."""

import pytest

from minirnn.training import defaults, launch
from minirnn.training.defaults import rule

CORE = 44e9  # operations per second that training reached on one core of the machine of the table


@pytest.mark.parametrize("N, options, rate, wanted", [
    (1_003_854, {"minutes": 3}, 2 * CORE, ("gru", 256, 24, 0.004)),
    (1_003_854, {"minutes": 57}, CORE, ("lstm", 384, 40, 0.0029)),
    (167_905, {"epochs": 9.0}, None, ("gru", 256, 16, 0.004)),
    (1_000, {"epochs": 12.0}, None, ("gru", 64, 16, 0.004)),
])  # fmt: skip
def test_the_rule_gives_what_the_table_was_made_from(N, options, rate, wanted):
    found = rule(N, options, rate)
    assert tuple(found[name] for name in ("cell", "hidden", "batch", "lr")) == wanted


def test_ten_times_the_time_never_makes_the_network_smaller():
    for N in (10**6, 10**7):
        sizes = [defaults.weights(found["cell"], found["hidden"], {})
                 for minutes in (1, 10, 100) for found in [rule(N, {"minutes": minutes}, CORE)]]  # fmt: skip
        assert sizes == sorted(sizes)


def test_what_is_seen_more_often_gets_more_dropout():
    dropouts = [rule(10**6, {"epochs": epochs})["dropout"] for epochs in (1.0, 3.0, 9.0, 12.0, 40.0)]
    assert dropouts == [0.0, 0.1, 0.2, 0.2, 0.35]


def test_a_run_without_minutes_on_a_long_text_does_not_take_a_day():
    assert rule(10**7, {"epochs": 12.0})["hidden"] == 256 and rule(10**7, {"steps": 10**6})["hidden"] == 256


def test_what_is_given_stays_as_given(tmp_path, monkeypatch):
    monkeypatch.setattr(defaults, "product_speed", lambda: 1e9)
    path = tmp_path / "text.txt"
    path.write_text("a net at ten " * 1000)
    given = {"cell": "rnn", "hidden": 7, "batch": 3, "lr": 0.1, "dropout": 0.5, "evaluations": 4, "steps_per_chunk": 9}
    settings = launch.new_settings({"text": [str(path)], "minutes": 2.0, **given}).values()
    assert {name: settings[name] for name in given} == given
    open_ones = launch.new_settings({"text": [str(path)], "minutes": 2.0}).values()
    assert open_ones["hidden"] == 64 and open_ones["cell"] == "gru" and open_ones["dropout"] == 0.35


def test_the_speed_of_the_machine_is_a_number_that_can_be():
    assert 1e7 < defaults.product_speed() < 1e14
