"""From ink to strokes: on drawings whose strokes are known."""

import numpy as np
import pytest
from drawn_lines import bar, clean_ink, ring, scan_of, wave, written_line
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.morphology import skeletonize

from minirnn.images.draw_scan import draw_ink, to_pixels
from minirnn.images.pipeline import read_line
from minirnn.images.skeleton import centre_graph, clean_graph, length, skeleton_graph
from minirnn.images.trace import direct_stroke, is_mark, order_strokes, smooth_path, trace
from minirnn.studies.tracing import NEAR, direction_and_order, nats, overlap, random_scan, summary

SHAPE = (160, 300)


def traced(*strokes, pen=5):
    return trace(clean_ink(strokes, SHAPE, pen))


def ends_near(stroke, start, end, distance=4):
    return np.hypot(*(stroke[0] - start)) < distance and np.hypot(*(stroke[-1] - end)) < distance


# --- the graph -----------------------------------------------------------------------------------------------


def test_a_plus_is_four_edges_that_meet_in_one_node():
    graph = clean_graph(skeleton_graph(clean_ink([bar(50, 80, 150, 80), bar(100, 30, 100, 130)], SHAPE, 5)), 5)
    assert sorted(graph.degree(node) for node in graph.nodes) == [1, 1, 1, 1, 4]
    assert len(graph.edges) == 4


def test_a_slanting_crossing_is_split_by_the_skeleton_and_mended():
    ink = clean_ink([bar(50, 50, 150, 120), bar(50, 120, 150, 50)], SHAPE, 7)
    raw, mended = skeleton_graph(ink), clean_graph(skeleton_graph(ink), 7)
    assert [raw.degree(node) for node in raw.nodes].count(4) == 0  # two forks instead
    assert sorted(mended.degree(node) for node in mended.nodes) == [1, 1, 1, 1, 4]


def test_a_bump_on_a_stroke_leaves_a_spur_that_is_pruned():
    ink = clean_ink([bar(40, 80, 200, 80)], SHAPE, 9)
    ink[72:77, 120:122] = True
    raw, pruned = skeleton_graph(ink), clean_graph(skeleton_graph(ink), 9)
    assert len(raw.edges) > 1
    assert len(pruned.edges) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 0.7))
def test_every_pixel_of_any_skeleton_is_in_the_graph(seed, share):
    ink = np.random.default_rng(seed).random((20, 24)) < share
    graph = skeleton_graph(ink)
    points = [*graph.nodes.values(), *(point for _, _, path in graph.edges.values() for point in path)]
    pixels = {tuple(point) for point in points}
    y, x = np.nonzero(skeletonize(np.pad(ink, 1))[1:-1, 1:-1])
    assert pixels == set(zip(x, y))
    for a, b, path in graph.edges.values():
        assert tuple(path[0]) == tuple(graph.nodes[a])
        assert tuple(path[-1]) == tuple(graph.nodes[b])
        assert np.abs(np.diff(path, axis=0)).max(initial=0) <= 1


@pytest.mark.parametrize("wide", [3, 4, 5, 6])
def test_a_skeleton_is_led_to_the_middle_of_the_ink(wide):
    ink = np.zeros((40, 90), bool)
    ink[10 : 10 + wide, 5:85] = True
    raw, centred = skeleton_graph(ink), centre_graph(skeleton_graph(ink))
    middle = 10 + (wide - 1) / 2
    before, after = (
        np.concatenate([path for _, _, path in graph.edges.values()])[10:-10, 1] - middle for graph in (raw, centred)
    )
    assert np.abs(after).max() < 0.15
    assert wide % 2 or np.abs(before).max() == 0.5
    for a, b, path in centred.edges.values():
        assert np.array_equal(path[[0, -1]], [centred.nodes[a], centred.nodes[b]])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 0.9))
def test_any_blots_can_be_traced(seed, share):
    for stroke in trace(np.random.default_rng(seed).random((20, 24)) < share):
        assert stroke.ndim == 2
        assert stroke.shape[1] == 2
        assert len(stroke) >= 1
        assert np.isfinite(stroke).all()


# --- strokes -------------------------------------------------------------------------------------------------


def test_no_ink_no_strokes():
    assert trace(np.zeros((10, 12), bool)) == []


def test_a_bar_is_one_stroke_from_left_to_right():
    (stroke,) = traced(bar(200, 70, 50, 80))
    assert ends_near(stroke, (50, 80), (200, 70))


def test_a_stem_runs_from_top_to_bottom():
    (stroke,) = traced(bar(90, 130, 110, 30))
    assert ends_near(stroke, (110, 30), (90, 130))


def test_strokes_go_straight_on_through_a_crossing():
    one, two = sorted(traced(bar(60, 40, 160, 130), bar(60, 130, 160, 40)), key=lambda stroke: stroke[0, 1])
    assert ends_near(one, (60, 40), (160, 130))
    assert ends_near(two, (60, 130), (160, 40)) or ends_near(two, (160, 40), (60, 130))


def test_strokes_go_on_through_a_crossing_so_flat_that_they_share_a_piece():
    truth = [bar(40, 70, 240, 105), bar(40, 105, 240, 70)]
    one, two = traced(*truth)
    assert {tuple(s[[0, -1], 1] > 87) for s in (one, two)} == {(False, True), (True, False)}
    assert overlap([one, two], truth, 2.5)[0] > 0.99


def test_a_ring_is_closed_and_runs_counterclockwise_from_its_top():
    (stroke,) = traced(ring(100, 80, 30))
    assert np.array_equal(stroke[0], stroke[-1])
    assert np.hypot(*(stroke[0] - (100, 50))) < 4
    assert stroke[len(stroke) // 4, 0] < 80  # to the left first
    np.testing.assert_allclose(np.hypot(*(stroke - (100, 80)).T), 30, atol=1.5)


def test_a_dot_is_one_point():
    (stroke,) = traced(np.array([[100.0, 80.0]]))
    np.testing.assert_allclose(stroke, [[100, 80]], atol=1)


def test_the_stem_of_an_n_is_written_down_and_up_again():
    stem, arch = bar(100, 50, 100, 120), wave(100, 118, 60, 1, 60)
    (stroke,) = traced(stem, arch)
    assert ends_near(stroke, (100, 50), (160, 118), 6)
    assert length(stroke) > 70 + length(arch) - 10  # not only once


def test_a_loop_too_narrow_to_show_its_hole_keeps_both_its_sides():
    t = np.linspace(0, np.pi, 50)
    loop = np.column_stack([100 + 6 * np.sin(2 * t), 120 - 80 * np.sin(t)])  # up one side, down the other
    entry, leave = bar(60, 130, 100, 120), bar(100, 120, 140, 130)
    strokes = traced(entry, loop, leave, pen=10)
    assert overlap([loop], strokes, 5)[0] > 0.97


def test_a_sharp_corner_is_traced_to_its_tip():
    truth = np.concatenate([bar(80, 40, 110, 120), bar(110, 120, 125, 40)])
    (stroke,) = traced(truth, pen=8)
    assert np.hypot(*(stroke - (110, 120)).T).min() < 2.5


def test_a_bar_that_only_touches_a_stem_is_no_part_of_it():
    strokes = traced(bar(100, 30, 100, 130), bar(100, 80, 160, 80))
    assert sorted(len(stroke) > 80 for stroke in strokes) == [False, True]


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 60), st.floats(0.5, 5), st.integers(0, 99))
def test_smoothing_keeps_the_ends_and_stays_near(count, pen, seed):
    path = np.cumsum(np.random.default_rng(seed).integers(-1, 2, (count, 2)), axis=0).astype(float)
    smooth = smooth_path(path, pen)
    assert np.isfinite(smooth).all()
    if len(smooth) > 1 and not np.array_equal(path[0], path[-1]):
        np.testing.assert_allclose(smooth[[0, -1]], path[[0, -1]], atol=1e-9)
    assert overlap([smooth], [path], 4 + pen)[0] == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 30), st.integers(0, 99))
def test_the_direction_does_not_depend_on_how_the_path_was_walked(count, seed):
    path = np.random.default_rng(seed).normal(size=(count, 2)) * 50
    np.testing.assert_allclose(direct_stroke(path, 1), direct_stroke(path[::-1], 1))


# --- order ---------------------------------------------------------------------------------------------------


def test_dots_and_bars_follow_their_letters():
    stem_t, bar_t = bar(50, 20, 50, 100), bar(35, 40, 78, 40)
    stem_i, dot = bar(90, 65, 80, 100), np.array([[96.0, 40.0]])
    letter, next_word = wave(110, 100, 35, 1), wave(250, 100, 35, 3)
    written = [stem_t, bar_t, stem_i, dot, letter, next_word]
    for shuffled in ([5, 3, 1, 2, 0, 4], [4, 1, 0, 3, 2, 5]):
        ordered = order_strokes([written[n] for n in shuffled], 4)
        assert [id(s) for s in ordered] == [id(s) for s in written]


def test_a_bar_across_two_letters_comes_once_after_the_one_at_its_middle():
    stems, across = [bar(x, 20, x, 100) for x in (50, 70, 130)], bar(38, 40, 98, 40)
    ordered = order_strokes([across, *stems], 4)
    assert [id(s) for s in ordered] == [id(s) for s in (stems[0], stems[1], across, stems[2])]


def test_a_tail_to_the_left_does_not_bring_a_letter_forward():
    first, tailed = wave(50, 100, 35, 2), np.concatenate([bar(120, 60, 120, 130), bar(120, 130, 30, 140)[:20]])
    ordered = order_strokes([tailed, first], 4)
    assert [id(s) for s in ordered] == [id(s) for s in (first, tailed)]


def test_a_full_stop_and_a_dash_are_no_marks():
    word = [wave(50, 100, 35, 3), bar(30, 20, 30, 100)]
    stop, dash = np.array([[160.0, 99.0]]), bar(170, 85, 200, 85)
    for stroke in (stop, dash):
        assert not is_mark(stroke, [*word, stroke], 80, 25, 4)


# --- against the truth ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pen", "noise"), [(2.5, 0.03), (5, 0.06), (8, 0.03)])
def test_what_is_traced_is_what_was_drawn(pen, noise):
    truth = written_line(words=1)
    line = read_line(scan_of(truth, (150, 330), pen, noise=noise))[1]
    assert overlap(truth, line.strokes, pen / 2)[0] > 0.97
    assert overlap(line.strokes, truth, pen / 2)[0] > 0.97
    assert line.pen == pytest.approx(pen, abs=2)


@pytest.mark.parametrize("seed", range(3))
def test_the_noise_of_the_sensor_is_no_ink(seed):
    """A thin pen on the dark side of a page: the dots that noise makes are as large as those that the pen makes."""
    truth = written_line(words=1)
    line = read_line(scan_of(truth, (150, 330), 2.2, noise=0.06, light=0.4, seed=seed))[1]
    assert len(line.strokes) < 6  # four; without looking at the noise a hundred, and half of their length false
    assert overlap(line.strokes, truth, 1.1)[0] > 0.9


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_ink_is_traced_as_well(turns):
    ink = clean_ink(written_line(words=1), (150, 330), 5)
    strokes = trace(np.rot90(ink, turns))
    drawn = draw_ink(strokes, np.rot90(ink, turns).shape, 7) > 0.5
    assert np.mean(drawn[np.rot90(ink, turns)]) > 0.98


def test_overlap_tells_apart_what_is_near_and_what_is_not():
    share, total = overlap([bar(0, 0, 100, 0)], [bar(0, 3, 50, 3)], 4)
    assert share == pytest.approx(0.53, abs=0.02)
    assert total == pytest.approx(100, abs=1)


def test_the_same_seed_draws_the_same_scan():
    strokes = written_line(words=1)
    (one, _, _), (two, _, _), (other, _, _) = (random_scan(strokes, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert one.shape != other.shape or not np.array_equal(one, other)
    assert one.min() >= 0
    assert one.max() <= 1


def test_strokes_are_drawn_where_they_are():
    strokes, shape = to_pixels([bar(0, 0, 10, 5)], std=20)
    assert np.concatenate(strokes).min() == 30
    y, x = np.nonzero(draw_ink([np.array([[20.0, 10.0]])], (30, 40), 5) > 0.5)
    assert (x.mean(), y.mean()) == (20, 10)
    assert len(x) == pytest.approx(np.pi * 2.5**2, rel=0.15)
    assert shape[1] > shape[0]


def test_order_and_direction_are_measured_apart_from_the_place_of_the_ink():
    truth = written_line(words=1)
    assert direction_and_order(truth, truth)[1] == [len(truth) - 1, 0]
    forwards, backwards = direction_and_order(truth, truth)[0]
    assert forwards > 0.95 * (forwards + backwards)
    shuffled = [stroke[::-1] for stroke in truth[::-1]]
    assert overlap(shuffled, truth, NEAR)[0] == 1  # which says nothing of it
    (forwards, backwards), lifts = direction_and_order(shuffled, truth)
    assert forwards < 0.05 * backwards and lifts == [0, len(truth) - 1]
    assert direction_and_order([bar(900, 900, 950, 900)], truth) == ([0, 0], [0, 0])  # nothing of it is there


def test_the_cost_of_strokes_knows_their_order_and_direction():
    text = "mlog"
    own, shuffled = written_line(words=1), [stroke[::-1] for stroke in written_line(words=1)[::-1]]
    assert 0 < nats(text, own) < nats(text, shuffled)
    assert np.isnan(nats("\u2603", own))


def test_the_summary_weighs_long_lines_more():
    row = {"text": "ab", "group": "", "pen": 3.5, "length": 300, "covered": 1.0, "traced_length": 100, "false": 0.0}
    row |= {"forwards": 90, "backwards": 10, "after": 3, "earlier": 1, "nats": 40.0, "traced_nats": 44.0}
    row |= {"symbols": 20, "traced_symbols": 22, "strokes": 2, "traced_strokes": 3}
    other = {**row, "length": 100, "covered": 0.6, "false": 0.1, "nats": np.nan, "traced_nats": np.nan}
    words = summary([row, other]).splitlines()[-1].split()
    assert words[3:] == ["2", "0.9000", "0.0500", "0.900", "0.750", "11.00", "(10.00)", "1.50", "(", "1.00)", "22.00",
                         "(20.00)"]  # fmt: skip
