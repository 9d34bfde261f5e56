"""Choices between settings: a difference is told from chance by a paired bootstrap over lines."""

import csv

import numpy as np
import pytest

from minirnn.errors import MinirnnError, run_command
from minirnn.studies.choices import main, paired_bootstrap


def test_a_difference_that_every_line_shows_is_more_than_chance():
    rng = np.random.default_rng(0)
    characters = rng.integers(20, 40, 64)
    hard = rng.integers(0, 20, 64)  # for both
    difference, spread, chance = paired_bootstrap(hard + 1, hard, characters)
    assert difference == pytest.approx(-64 / characters.sum())
    assert spread < 0.001 and chance == 0


def test_a_difference_of_a_few_lines_is_not():
    wrong = np.zeros(64)
    wrong[:2] = 3
    difference, spread, chance = paired_bootstrap(wrong, wrong[::-1], np.full(64, 30))
    assert difference == 0 and chance == 1 and spread > 0.001
    difference, spread, chance = paired_bootstrap(np.zeros(64), wrong, np.full(64, 30))
    assert 0 < difference < 2 * spread and 0.05 < chance < 0.3  # the part of resamples without either line: (62/64)^64


def test_the_standard_error_is_that_of_the_mean():
    rng = np.random.default_rng(1)
    one, other = rng.poisson(2.0, (2, 400))
    _, spread, _ = paired_bootstrap(one, other, np.full(400, 10))
    assert spread == pytest.approx((other - one).std(ddof=1) / 20 / 10, rel=0.08)


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "read"), *rows])


def test_the_command_says_what_a_choice_rests_on(tmp_path, capsys):
    texts = [f"a line of number {n}" for n in range(40)]
    write(tmp_path / "usual.csv", [(text, text[:-4]) for text in texts])
    write(tmp_path / "better.csv", [(text, text) for text in texts])
    write(tmp_path / "same.csv", [(text, text[:-4] if n else text) for n, text in enumerate(texts)])
    assert run_command(main, [str(tmp_path / name) for name in ("usual.csv", "better.csv", "same.csv")]) == 0
    usual, better, same = capsys.readouterr().out.splitlines()
    assert usual.startswith("40 lines") and "more than chance" in better and "no reason to choose" in same


@pytest.mark.parametrize(
    "content, words",
    [("text\na\n", "columns text and read"), ("text,read\n,b\n", "every row needs"), ("text,read\n", "every row needs"),
     ("text,read\nother,x\n", "other texts"), ("text,read\na\n", "every row needs")],
)  # fmt: skip
def test_tables_that_cannot_be_compared_are_refused(tmp_path, content, words):
    write(tmp_path / "usual.csv", [("a", "a")])
    (tmp_path / "other.csv").write_text(content)
    with pytest.raises(MinirnnError, match=words):
        main([str(tmp_path / "usual.csv"), str(tmp_path / "other.csv")])
