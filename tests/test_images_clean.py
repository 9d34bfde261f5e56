"""From scan to ink: what each step must do, and what must not change when the page gets brighter or is turned."""

import numpy as np
import pytest
from drawn_lines import bar, clean_ink, ring, scan_of, written_line
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label

from minirnn.images import clean
from minirnn.images.draw_scan import draw_ink
from minirnn.images.rules import remove_rules

LINE = written_line(words=2)
SHAPE = (150, 600)


def ink_of(grey):
    """All steps that make ink."""
    ink = clean.threshold_ink(clean.normalise_contrast(clean.remove_light(grey)))
    return clean.remove_specks(ink, clean.pen_width(ink))


def difference(ink, other):
    """Share of the ink that is not the same."""
    return np.sum(ink != other) / np.sum(ink | other)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 99)
)  # fmt: skip
def test_every_step_keeps_the_shape_and_the_range_of_any_picture(height, width, level, seed):
    noise = np.random.default_rng(seed).random((height, width))
    for grey in (noise, np.full((height, width), level)):
        for step in (clean.remove_light, clean.normalise_contrast):
            out = step(grey)
            assert out.shape == grey.shape
            assert out.min() >= 0
            assert out.max() <= 1
        ink = clean.threshold_ink(grey)
        assert ink.shape == grey.shape
        assert ink.dtype == bool
        for out in (clean.remove_specks(ink, 3), remove_rules(np.where(ink, 0.5, -0.5), ink, 1)):
            assert out.shape == ink.shape
        assert clean.pen_width(ink) >= 1


def test_a_shadow_over_the_page_is_removed():
    dark_side = np.linspace(1, 0.4, SHAPE[1])
    even = clean.remove_light(scan_of(LINE, SHAPE, noise=0, paper=0, light=0) * dark_side)
    paper = ~clean_ink(LINE, SHAPE, 12)
    assert even[paper].std() < 0.02
    assert even[paper].mean() > 0.97


@settings(max_examples=6, deadline=None)
@given(st.floats(0.4, 1.0))
def test_a_darker_photograph_has_the_same_ink(brightness):
    grey = scan_of(LINE, SHAPE)
    assert difference(ink_of(grey), ink_of(grey * brightness)) < 0.02


def test_a_fainter_pen_has_the_same_ink():
    grey = scan_of(LINE, SHAPE, noise=0.01)
    assert difference(ink_of(grey), ink_of(1 - 0.4 * (1 - grey))) < 0.06


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_the_ink_of_a_turned_page_is_the_turned_ink(turns):
    # Sizes divisible by the shrinking of remove_light: otherwise its small pictures differ by a pixel.
    grey = scan_of(LINE, (152, 600))
    assert difference(np.rot90(ink_of(grey), turns), ink_of(np.rot90(grey, turns))) < 0.01


def test_the_ink_is_the_ink_that_was_drawn():
    truth = clean_ink(LINE, SHAPE)
    assert difference(ink_of(scan_of(LINE, SHAPE, noise=0.01, blur=0.4)), truth) < 0.25  # the edges' pixels
    # All ink is found and none is invented beyond the blurred edges, also in noise.
    found = ink_of(scan_of(LINE, SHAPE, noise=0.06))
    assert np.mean(found[clean_ink(LINE, SHAPE, 2)]) > 0.99
    assert np.mean(clean_ink(LINE, SHAPE, 8)[found]) > 0.995


@pytest.mark.parametrize("options", [{}, {"noise": 0}, {"noise": 0.06, "paper": 0.06, "jpeg_quality": 40}])
def test_an_empty_page_has_no_ink(options):
    assert not ink_of(scan_of([np.zeros((1, 2)) - 99], SHAPE, **options)).any()


def test_the_default_window_of_scikit_image_would_hollow_out_a_broad_pen():
    from skimage.filters import threshold_sauvola

    strokes = [bar(50, 75, 550, 75)]
    grey = scan_of(strokes, SHAPE, pen=24, light=0)
    middle = (slice(72, 79), slice(100, 500))
    assert clean.threshold_ink(grey)[middle].mean() > 0.999
    assert (grey < threshold_sauvola(grey, k=0.5, r=0.5))[middle].mean() < 0.9


def test_a_dot_that_the_pen_hardly_touched_is_found():
    grey = 1 - 0.8 * draw_ink(LINE, SHAPE, 4) - 0.4 * draw_ink([np.array([[300.0, 30.0]])], SHAPE, 4)
    assert ink_of(grey)[30, 300]


@pytest.mark.parametrize("pen", [3, 5, 8, 12])
def test_pen_width_is_measured(pen):
    assert clean.pen_width(clean_ink(LINE, SHAPE, pen)) == pytest.approx(pen, abs=1)


def test_ruled_lines_go_and_what_crosses_them_stays():
    strokes = [bar(x, 20, x + 5, 130) for x in range(60, 560, 50)]
    rules = [bar(0, y, 600, y + 1) for y in (40, 80, 120)]  # not quite level
    ink = clean_ink(strokes, SHAPE) | clean_ink(rules, SHAPE, 2)
    without = remove_rules(np.where(ink, 0.5, -0.5), ink, 4)
    assert np.mean(without[clean_ink(strokes, SHAPE)]) > 0.93
    assert label(without, connectivity=2).max() == len(strokes)  # none is broken
    assert np.mean(without[clean_ink(rules, SHAPE, 2) & ~clean_ink(strokes, SHAPE, 8)]) < 0.02


def test_squared_paper_goes_too():
    rules = [bar(0, y, 600, y) for y in range(20, 600, 40)] + [bar(x, 0, x, 600) for x in range(20, 600, 40)]
    ink = clean_ink([ring(300, 300, 60)], (600, 600)) | clean_ink(rules, (600, 600), 2)
    without = remove_rules(np.where(ink, 0.5, -0.5), ink, 4)
    ring_ink = clean_ink([ring(300, 300, 60)], (600, 600))
    assert np.mean(without[ring_ink]) > 0.8
    assert without[~clean_ink([ring(300, 300, 60)], (600, 600), 10)].mean() < 0.002


def test_a_line_without_rules_is_left_alone():
    ink = clean_ink(LINE, SHAPE)
    assert np.array_equal(remove_rules(np.where(ink, 0.5, -0.5), ink, 4), ink)


def test_specks_go_and_dots_stay():
    ink = clean_ink([np.array([[50.0, 50.0]])], (100, 100), 6)  # the dot of an i
    ink[20, 20] = ink[70:72, 80] = True  # dust
    assert np.array_equal(clean.remove_specks(ink, 6), clean_ink([np.array([[50.0, 50.0]])], (100, 100), 6))


def test_pinholes_are_filled_and_letters_stay_open():
    ink = clean_ink([ring(50, 50, 20)], (100, 100), 6)
    pricked = ink.copy()
    pricked[50, 70] = False
    assert np.array_equal(clean.remove_specks(pricked, 6), ink)
