"""The geometry of strokes: what a hand could make goes in, what no hand could make is refused by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import make_smoothing_spline

from minirnn.errors import MinirnnError
from minirnn.ink.strokes import (
    augment,
    bounding_box,
    check_strokes,
    deskew,
    elastic,
    normalise,
    resample,
    rotate,
    smooth,
)

coordinates = st.floats(-1e4, 1e4, allow_nan=False).map(lambda value: round(value, 3))
points = st.tuples(coordinates, coordinates)
strokes_of_a_hand = st.lists(st.lists(points, min_size=1, max_size=8), min_size=1, max_size=5)


def wave(width=60.0, points=400):
    """A line of writing as simple as can be: a long sine wave, with a dot above its middle."""
    x = np.linspace(0.0, width, points)
    return [np.column_stack([x, np.sin(x)]), np.array([[width / 2, -3.0]])]


@pytest.mark.parametrize(
    "strokes, message",
    [
        ([], "no stroke"),
        (3, "list of strokes"),
        ([[[0, 0]], []], "stroke 2 is empty"),
        ([[0, 1, 2]], "shape"),
        ([[[0, 0, 0]]], "shape"),
        ([[["a", "b"]]], "pairs of numbers"),
        ([[[0, 0], [1]]], "pairs of numbers"),
        ([[[0, 0], [1, np.nan]]], "stroke 1, point 2 is not a finite number"),
        ([[[np.inf, 0]]], "not a finite number"),
        ([[[0, 0], [0, -1e30]]], r"point 2 is not a finite number below 1e\+30"),
    ],
)
def test_refuses_what_is_no_handwriting(strokes, message):
    with pytest.raises(MinirnnError, match=message):
        check_strokes(strokes)
    with pytest.raises(MinirnnError, match=message):
        normalise(strokes)


@given(strokes_of_a_hand)
@settings(deadline=None)
def test_normalises_anything_a_hand_could_make(strokes):
    normalised = normalise(strokes)
    assert [len(stroke) for stroke in normalised] == [len(stroke) for stroke in strokes]
    assert all(np.isfinite(stroke).all() for stroke in normalised)
    assert abs(normalised[0][0, 0]) < 1e-9


def test_the_farthest_points_are_normalised_too():
    normalised = normalise([np.array([[0, 0], [9e29, -9e29]]), np.array([[-9e29, 1e-30], [5, 9e29]])])
    assert all(np.isfinite(stroke).all() for stroke in normalised) and bounding_box(normalised)[2] < 10


def test_normalised_line_is_level_centred_and_has_unit_height():
    line = [5.0 + 30.0 * stroke for stroke in rotate(wave(), 0.05)]
    dense = np.concatenate([resample(stroke, 0.01) for stroke in normalise(line)])
    assert abs(dense[:, 1].mean()) < 0.01
    assert abs(dense[:, 1].std() - 1.0) < 0.01
    assert abs(np.polyfit(dense[:, 0], dense[:, 1], 1)[0]) < 1e-3


def test_normalised_line_depends_neither_on_place_nor_size_nor_recording_rate():
    reference = normalise(wave(points=4001))
    moved = normalise([7.0 * stroke + [300.0, -40.0] for stroke in wave(points=4001)])
    np.testing.assert_allclose(np.concatenate(moved), np.concatenate(reference), atol=1e-9)
    # The same curve, its first half recorded ten times as densely as its second: a slow start must not count more.
    curve, dot = wave(points=4001)
    uneven = normalise([np.concatenate([curve[:2000], curve[2000::10]]), dot])
    np.testing.assert_allclose(uneven[1], reference[1], rtol=2e-3)  # its chords are a little shorter


def test_does_not_deskew_what_is_no_line():
    slash = [np.array([[0.0, 9.0], [4.0, 0.0]])]  # a lone "/" would be turned into a dash
    np.testing.assert_array_equal(deskew(slash)[0], slash[0])


def test_lone_dots_and_dashes_have_a_size():
    np.testing.assert_array_equal(normalise([[[7.0, 8.0]]])[0], [[0.0, 0.0]])
    np.testing.assert_allclose(normalise([[[7.0, 8.0], [27.0, 8.0]]])[0], [[0.0, 0.0], [1.0, 0.0]], atol=1e-15)


def test_bounding_box_holds_every_stroke():
    np.testing.assert_allclose(bounding_box(wave()), [0.0, -3.0, 60.0, 1.0], atol=1e-3)


def test_resampling_keeps_ends_and_spacing():
    stroke = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    points = resample(stroke, 0.5)
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 0.5)
    np.testing.assert_array_equal(points[[0, -1]], stroke[[0, -1]])
    assert len(resample(np.array([[1.0, 2.0], [1.0, 2.0]]), 0.5)) == 1


def test_smoothing_is_the_minimum_it_claims_to_be():
    stroke = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, -1.0], [3.0, 2.0], [5.0, 0.0]])
    D = np.diff(np.eye(5), 2, axis=0)
    expected = np.linalg.solve(np.eye(5) + 0.3 * D.T @ D, stroke)
    np.testing.assert_allclose(smooth(stroke, spacing=5.0, stiffness=0.3), expected)


def test_smoothing_is_the_smoothing_spline():
    stroke = np.random.default_rng(0).normal(size=(12, 2)).cumsum(axis=0)
    curve = smooth(stroke, spacing=0.02, stiffness=0.3)
    spline = make_smoothing_spline(np.arange(12.0), stroke, lam=0.3)
    np.testing.assert_allclose(curve, spline(np.linspace(0, 11, len(curve))), atol=0.02)


def test_smoothing_rounds_the_corners_of_a_polygon_towards_the_circle():
    def off_circle(stroke):
        return np.abs(np.linalg.norm(stroke, axis=1) - 1.0).mean()

    angles = np.linspace(0.0, 2 * np.pi, 21)
    polygon = np.column_stack([np.cos(angles), np.sin(angles)])
    assert off_circle(smooth(polygon)) < 0.5 * off_circle(resample(polygon, 0.05))


def test_smoothing_keeps_dots_and_never_swings_out():
    np.testing.assert_array_equal(smooth(np.array([[1.0, 2.0], [1.0, 2.0]])), [[1.0, 2.0]])
    to_and_fro = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 0.0], [0.3, 0.0], [0.0, 0.01]])
    x_min, y_min, x_max, y_max = bounding_box([smooth(to_and_fro)])
    assert x_min > -0.1 and y_min > -0.1 and x_max < 0.4 and y_max < 0.1


def test_augmentation_is_reproducible_and_affine():
    line = wave()
    once, again = (augment(line, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(np.concatenate(once), np.concatenate(again))
    before = np.column_stack([np.concatenate(line), np.ones(401)])
    _, residual, rank, _ = np.linalg.lstsq(before, np.concatenate(once), rcond=None)
    assert rank == 3 and residual.max() < 1e-18
    unchanged = augment(line, np.random.default_rng(4), slant=0.0, scale=0.0)
    np.testing.assert_allclose(np.concatenate(unchanged), np.concatenate(line))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 0.3))
def test_elastic_strokes_keep_their_shapes_and_stay_near(seed, strength):
    strokes = [wave(9.0, 120)[0], np.array([[2.0, -1.5]])]
    one, two = (elastic(strokes, np.random.default_rng(seed), strength) for _ in range(2))
    for before, after, again in zip(strokes, one, two):
        assert np.array_equal(after, again)
        assert after.shape == before.shape
        assert np.abs(after - before).max() <= 4 * strength + 1e-12


def test_what_touches_goes_on_touching():
    point = np.array([[1.0, 2.0]])
    one, two = elastic([point, np.array([[5.0, 5.0], [1.0, 2.0]])], np.random.default_rng(0), 0.5)
    np.testing.assert_allclose(one[0], two[1])
