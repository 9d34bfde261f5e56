"""Pictures of a run are drawn without a display, without pyplot, and show what they were given."""

import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
from PIL import Image

from minirnn.drawing.diagrams import loss_curve, strokes_picture, window_path

LINE = [np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]), np.array([[3.0, 0.5]])]


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_loss_curve_with_gaps(tmp_path):
    rows = [{"step": k, "train_loss": 3 / (k + 1), "learning_rate": 1e-3} for k in range(20)]
    rows[10]["validation_loss"] = 0.5
    rows[11]["validation_loss"] = None
    loss_curve(tmp_path / "loss.png", rows)
    coloured = np.ptp(pixels(tmp_path / "loss.png"), axis=2) > 60
    assert coloured.sum() > 500
    loss_curve(tmp_path / "empty.png", [])  # a run that was stopped before its first report


def test_what_was_learned_fills_the_loss_curve_however_bad_the_beginning(tmp_path):
    rows = [{"step": 0, "validation_loss": 100.0}] + [{"step": k, "validation_loss": 3 - k / 10} for k in range(1, 20)]
    loss_curve(tmp_path / "loss.png", rows)
    coloured = np.ptp(pixels(tmp_path / "loss.png"), axis=2) > 60
    inside = np.nonzero(coloured[:, coloured.shape[1] // 5 : coloured.shape[1] * 2 // 5].any(axis=1))[0]
    assert np.ptp(inside) > 0.15 * coloured.shape[0]


def test_window_path_goes_upwards(tmp_path):
    phi = np.zeros((40, 8))
    phi[np.arange(40), np.arange(40) // 5] = 1.0
    window_path(tmp_path / "window.png", phi, "ab $cd e")
    red, green, blue = np.moveaxis(pixels(tmp_path / "window.png"), 2, 0)
    rows, columns = np.nonzero((red > 230) & (green > 230) & (blue < 230))  # the light yellow of the largest weight
    # A picture's rows count downwards, so upwards is a negative correlation.
    assert len(rows) > 1000 and np.corrcoef(columns, rows)[0, 1] < -0.95


def test_strokes_picture_shows_every_title_and_draws_every_line(tmp_path):
    titles = [f"hand {k}: costs $5 & <more>" for k in range(5)]
    lines = [(title, LINE) for title in titles]
    strokes_picture(tmp_path / "sheet.svg", [*lines, ("nothing written", [])])
    text = ElementTree.tostring(ElementTree.parse(tmp_path / "sheet.svg").getroot(), encoding="unicode")
    assert text.count("LineCollection") == 6
    strokes_picture(tmp_path / "sheet.png", lines)
    assert (pixels(tmp_path / "sheet.png").max(axis=2) < 100).sum() > 100


def test_strokes_picture_shows_a_dot(tmp_path):
    line = [np.array([[0.0, 0.0], [0.0, 4.0], [9.0, 4.0]]), np.array([[6.0, 1.0]])]
    strokes_picture(tmp_path / "line.png", [("", line)])
    ink = np.argwhere(pixels(tmp_path / "line.png").max(axis=2) < 100)
    above = ink[ink[:, 0] < ink[:, 0].max() - 20, 1]
    assert (above > ink[:, 1].min() + 50).any(), "nothing is where the dot should be"


def test_pyplot_is_never_touched():
    import subprocess

    code = "import sys, minirnn.drawing.diagrams; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
