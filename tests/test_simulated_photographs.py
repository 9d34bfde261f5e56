"""Simulated photographs of pages: how they are judged, and that a photograph leads back to its sheet."""

import numpy as np
import pytest
from drawn_lines import bar
from scipy import ndimage
from skimage.segmentation import clear_border

from minirnn.studies import simulated_photographs as study
from minirnn.studies.simulated_sheets import Camera, draw_lines

LINES = [[bar(10, 20 + 10 * k, 90, 20 + 10 * k)] for k in range(3)]


def test_lines_that_were_found_as_they_were_written_are_right():
    row = study.judge(LINES, [LINES[2], LINES[0], LINES[1]], 0.5)
    assert (row["right"], row["lost"], row["false"]) == (3, 0, 0)
    assert row["written"] == pytest.approx(240, abs=1)


def test_two_lines_in_one_and_halves_of_lines_are_not_right():
    half = [bar(10, 40, 50, 40)]
    row = study.judge(LINES, [LINES[0] + LINES[1], half], 0.5)
    assert row["right"] == 0
    assert row["lost"] == pytest.approx(40, abs=1)


def test_what_was_not_written_is_false():
    row = study.judge(LINES, [*LINES, [bar(10, 80, 50, 80)]], 0.5)
    assert row["right"] == 3
    assert row["false"] == pytest.approx(40, abs=1)
    assert study.judge(LINES, [], 0.5)["lost"] == row["written"]


def test_points_of_a_photograph_lead_back_to_the_sheet(monkeypatch):
    camera = Camera(megapixels=0.4, blur=0.03, shadow=0.0, noise=0.0, lens=0.005, jpeg=95)
    monkeypatch.setattr(study, "random_camera", lambda rng: camera)
    monkeypatch.setattr(study, "MEGAPIXELS", (0.4, 0.41))
    picture = np.ones(tuple(int(length * 10) for length in study.SIZE[::-1]), np.float32)
    draw_lines(picture, [[np.array([[30.0, 25.0]])], [np.array([[110.0, 80.0]])]], 2.0, 0.9)
    photo, to_sheet, _ = study.take("plain", picture, np.random.default_rng(0))
    pieces, count = ndimage.label(clear_border(photo < 0.5 * np.median(photo)))  # without the table
    middles = np.array(ndimage.center_of_mass(pieces > 0, pieces, range(1, count + 1)))[:, ::-1]
    assert count == 2
    np.testing.assert_allclose(to_sheet(middles), [[30, 25], [110, 80]], atol=0.3)


def test_the_summary_has_a_row_for_every_kind():
    row = {"photo": 0, "kind": "ruled", "pen": 0.5, "megapixels": 2.0, "lines": 3, "found": 3, "seconds": 1.0,
           "refused": ""} | study.judge(LINES, LINES, 0.5)  # fmt: skip
    text = study.summary([row, row | {"kind": "bent", "refused": "too dark"}])
    assert "100.0%" in text
    assert text.count("too dark") == 1
