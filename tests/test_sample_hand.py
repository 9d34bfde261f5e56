"""The sample hand: its lines say what their labels say, and it is none of the shipped hands."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn.errors import MinirnnError, run_command
from minirnn.images.image_files import read_image
from minirnn.images.pipeline import read_line
from minirnn.studies import sample_hand
from minirnn.studies.tracing import overlap
from minirnn.writing.hands import Writer
from minirnn.writing.pen import Line
from minirnn.writing.proofreading import Proof, WordFault

STROKES = [np.array([[0.0, 0.0], [0.0, -2.0]]), np.array([[1.0, 0.0], [3.0, 0.5]])]


def test_a_mixed_hand_is_the_mean_of_the_others_and_leaves_them():
    writer, plain = sample_hand.mixed_hand(Writer(), [2, 3]), Writer()
    rows, before = writer.network.params["hand"]["E"], plain.network.params["hand"]["E"]
    assert writer.hand == len(before) and writer.hand not in writer.hands
    np.testing.assert_array_equal(rows[:-1], before)
    np.testing.assert_allclose(rows[-1], (before[2] + before[3]) / 2, rtol=1e-6)


@given(st.floats(-20, 20), st.floats(0.5, 2))
def test_a_lean_to_the_right_moves_what_is_high_to_the_right(lean, width):
    stem, bar = sample_hand.reshape_hand(STROKES, lean, width)
    np.testing.assert_allclose(stem[1], [2 * np.tan(np.radians(lean)), -2])
    np.testing.assert_allclose(np.ptp(bar[:, 0]), np.abs(2 * width - 0.5 * np.tan(np.radians(lean))))


class Hand:
    """Writes every text; "bad" goes wrong, a word of "worse" may be wrong, and its ink makes "poor" least probable."""

    def unknown(self, text):
        return [c for c in text if c == "Q"]

    def write(self, texts, rng, temperature, progress):
        return [self.line(text) for text in texts]

    def line(self, text):
        log_p = {"poor": -40.0, "a longer line": -13.0}.get(text, -5.0)
        proof = Proof(log_p, [WordFault(0, text, "nurse")] if text == "worse" else [], np.zeros(2))
        fault = "ran on" if text == "bad" else ""
        return Line(text, np.zeros(1, int), STROKES, np.zeros((1, 1)), fault, proof=proof)


def test_lines_that_may_be_wrong_are_left_out_and_the_most_probable_are_kept():
    texts = ["worse", "bad", "a longer line", "Q", "poor", "fine"]
    best = sample_hand.write_best(Hand(), texts, None, keep=2)
    assert [line.text for line in best] == ["a longer line", "fine"]
    assert [line.text for line in sample_hand.write_best(Hand(), texts, None)] == ["a longer line", "poor", "fine"]
    with pytest.raises(MinirnnError, match="can write none of the texts"):
        sample_hand.write_best(Hand(), ["Q"], None)


def test_the_set_is_what_prepare_reads_and_its_ink_is_that_of_the_lines(tmp_path):
    wave = np.column_stack([np.linspace(0, 12, 200), np.sin(np.linspace(0, 12, 200))])
    lines = [Line(text, np.zeros(1, int), [wave], np.zeros((1, 1)), "") for text in ("one", 'two, "2"')]
    sample_hand.write_set(lines, tmp_path / "set", np.random.default_rng(0), lean=5, width=0.9)
    with open(tmp_path / "set" / "metadata.csv", newline="") as file:
        assert list(csv.reader(file)) == [["file_name", "text"], ["001.jpg", "one"], ["002.jpg", 'two, "2"']]
    grey = read_image(tmp_path / "set" / "001.jpg")
    traced = read_line(grey)[1].strokes
    shaped = sample_hand.reshape_hand([wave], 5, 0.9)
    scale = np.ptp(np.concatenate(traced)[:, 0]) / np.ptp(shaped[0][:, 0])
    moved = [(s - shaped[0].mean(axis=0)) * scale + np.concatenate(traced).mean(axis=0) for s in shaped]
    assert overlap(moved, traced, 4)[0] > 0.9
    assert (tmp_path / "set" / "001.jpg").stat().st_size < 20_000


@pytest.mark.parametrize("words, said", [
    (["none.txt", "--out", "x"], "none.txt"),
    (["texts.txt", "--out", "x", "--rows", "4000"], "rows from 0"),
])  # fmt: skip
def test_wrong_arguments(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.txt").write_text("a line\n")
    assert run_command(sample_hand.main, words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
