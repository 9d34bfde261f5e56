"""Rotation, slant and the lines of a page: what was put in must be found."""

import tracemalloc

import numpy as np
import pytest
from drawn_lines import bar, clean_ink, scan_of, wave, written_line, written_page
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.errors import MinirnnError
from minirnn.images import lines
from minirnn.images.line_labels import label_ink
from minirnn.images.pipeline import read_line, read_page
from minirnn.images.text_lines import find_text_lines

PAGE, SHAPE = written_page()
INK = clean_ink(written_line(words=1), (150, 320))


def labels_of(ink, pen):
    """To which line each pixel of ink belongs."""
    return label_ink(ink, pen, find_text_lines(ink, pen))


def turned(strokes, degrees):
    """Strokes turned clockwise to the eye about (500, 250)."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [(stroke - (500, 250)) @ matrix + (500, 250) for stroke in strokes]


@settings(max_examples=6, deadline=None)
@given(st.floats(-8, 8))
def test_rotation_is_found(degrees):
    # The lines rise by what turns them anticlockwise.
    ink = clean_ink(turned(PAGE, -degrees), (SHAPE[0] + 100, SHAPE[1]))
    assert lines.find_rotation(ink) == pytest.approx(degrees, abs=0.5)


@settings(max_examples=6, deadline=None)
@given(st.floats(-30, 30))
def test_slant_is_found_and_corrected(degrees):
    upright = [bar(x, 30, x, 130) for x in range(150, 900, 40)]
    lean = np.tan(np.radians(degrees))
    leaning = [np.column_stack([x - lean * (y - 80), y]) for x, y in (stroke.T for stroke in upright)]
    ink = clean_ink(leaning, (160, 1000))
    assert lines.find_slant(ink) == pytest.approx(degrees, abs=1.5)
    straight = lines.correct_slant(1.0 - ink, lines.find_slant(ink)) < 0.5
    assert straight.sum() == pytest.approx(ink.sum(), rel=0.05)  # nothing was cut off
    assert lines.find_slant(straight) == pytest.approx(0, abs=1.5)


def test_without_ink_nothing_is_found():
    empty = np.zeros((50, 60), bool)
    assert lines.find_rotation(empty) == lines.find_slant(empty) == 0
    assert find_text_lines(empty, 3) == []
    assert labels_of(empty, 3).max() == 0


@settings(max_examples=20, deadline=None)
@given(st.floats(-10, 10), st.integers(2, 60), st.integers(2, 60))
def test_a_turned_page_holds_all_of_the_page_and_leads_back(degrees, height, width):
    matrix, (new_height, new_width) = lines.rotation_matrix(degrees, (height, width))
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1.0]]) @ matrix.T
    assert corners[:, :2].min() > -1e-6
    assert np.all(corners[:, :2].max(axis=0) <= np.array([new_width, new_height]) - 1 + 1e-6)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_line_of_a_page_is_found(count):
    strokes, shape = written_page(count, words=2)
    labels = labels_of(clean_ink(strokes, shape), 4)
    assert labels.max() == count
    for number in range(1, count + 1):
        truth = clean_ink(written_line(100 + (number - 1) * 120, 2), shape)
        assert np.mean(labels[truth] == number) == 1.0


def test_a_short_last_line_is_a_line():
    strokes = written_line(100, 4) + written_line(220, 4) + written_line(340, 1)
    assert labels_of(clean_ink(strokes, (420, 1120)), 4).max() == 3


def test_letters_of_two_lines_that_touch_are_cut_apart():
    strokes = [wave(40, 100, 30, 20), wave(40, 220, 30, 20), bar(300, 90, 300, 200)]  # a tail into the line below
    ink = clean_ink(strokes, (300, 700))
    labels = labels_of(ink, 4)
    assert labels.max() == 2
    assert np.all(labels[ink] > 0)
    assert np.mean(labels[clean_ink(strokes[:1], ink.shape)] == 1) > 0.99
    assert np.mean(labels[clean_ink(strokes[1:2], ink.shape)] == 2) > 0.97


@settings(max_examples=8, deadline=None)
@given(st.floats(0.5, 2.0))
def test_a_larger_page_gives_the_same_line(factor):
    strokes = [stroke * factor for stroke in written_line(words=1)]
    shape = (round(150 * factor), round(320 * factor))
    ink = clean_ink(strokes, shape, 4 * factor)
    picture, scale = lines.uniform_height(1.0 - ink, ink)
    assert np.nonzero(picture < 0.5)[0].std() == pytest.approx(lines.UNIFORM_STD, rel=0.05)
    assert scale == pytest.approx(lines.uniform_height(1.0 - INK, INK)[1] / factor, rel=0.05)


def test_erasing_paints_over_the_neighbours_but_nothing_of_the_line():
    mine, other = clean_ink([bar(20, 30, 80, 30)], (60, 100)), clean_ink([bar(50, 40, 90, 55)], (60, 100))
    grey = np.where(mine | other, 0.1, 0.9)
    erased = lines.erase(grey, other & ~mine, mine, 4)
    assert np.all(erased[mine] == grey[mine])
    assert np.all(erased[other & ~clean_ink([bar(20, 30, 80, 30)], (60, 100), 7)] == 1)


def test_the_strokes_of_a_page_lie_on_its_scan():
    strokes, shape = written_page(2, words=2)
    turned_page = turned(strokes, 3)
    page, found = read_page(scan_of(turned_page, (shape[0] + 40, shape[1] + 20)))
    assert page.angle == pytest.approx(-3, abs=0.4)
    assert len(found) == 2
    ink = clean_ink(turned_page, page.grey.shape, 6)
    for line in found:
        x, y = np.round(np.concatenate(line.strokes)).astype(int).T
        assert np.mean(ink[y, x]) > 0.98


def test_a_page_without_ink_has_no_lines():
    assert read_page(np.full((80, 90), 0.8))[1] == []
    assert read_line(np.full((80, 90), 0.8))[1] is None


def test_a_page_takes_a_bounded_amount_of_memory_for_each_of_its_pixels():
    strokes, shape = written_page(2, spacing=110, words=2)
    grey = np.pad(scan_of(strokes, shape), ((0, 700), (0, 300)), constant_values=1.0)
    read_page(grey[:60])  # what is only loaded at the first use does not count
    tracemalloc.start()
    try:
        _, lines = read_page(grey)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(lines) == 2 and peak / grey.size < 150  # bytes; it was five hundred


def test_a_page_of_too_many_lines_is_refused(monkeypatch):
    monkeypatch.setattr("minirnn.images.pipeline.MOST_LINES", 1)
    with pytest.raises(MinirnnError, match="2 lines on a page, and 1 are too many"):
        read_page(scan_of(*written_page(2, spacing=110, words=2)))
