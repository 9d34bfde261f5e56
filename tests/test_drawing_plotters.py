"""Every plotter's files are drawn by a simulated machine: what is drawn is the page, whatever the order."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plotter_machines import draw, travel
from scipy.spatial import cKDTree

from minirnn.drawing import FORMATS, PLOTTERS, Plotter, save_pages
from minirnn.drawing.gcode import page_gcode
from minirnn.drawing.hpgl import page_hpgl
from minirnn.drawing.layout import Page
from minirnn.drawing.ordering import TOUCHING, in_short_order, joined
from minirnn.drawing.plotters import CORNERS, parts_of, seconds
from minirnn.drawing.svg import page_single_line_svg
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import resample

DIALECT = {name: "hpgl" if name == "hpgl" else name.split("-")[0] for name in PLOTTERS if name != "axidraw"}


def written_page(width=148.0, height=105.0, lines=6, words=5):
    """A page like a written one: words of humps and stems, a dot that is added when its word is done."""
    rng, strokes = np.random.default_rng(3), []
    for row in range(lines):
        for column in range(words):
            x, y = 10 + 26 * column, 15 + 14 * row
            t = np.linspace(0, 3 * np.pi, 50)
            strokes.append(np.column_stack([x + 1.2 * t, y - 2 * np.abs(np.sin(t))]))
            strokes += [np.array([[x + 13 + k, y - 5], [x + 12.5 + k, y + rng.random()]]) for k in (0, 3, 5)]
            strokes += [np.array([[x + 4.0, y - 4]]), np.array([[x + 11.0, y - 3.5], [x + 15.0, y - 3.6]])]
    return Page(width, height, strokes=strokes)


def program(page, plotter):
    return (page_hpgl if plotter.language == "hpgl" else page_gcode)(page, plotter)


def ink_of(strokes, spacing=0.05):
    return np.concatenate([resample(np.asarray(stroke, float), spacing) for stroke in strokes])


def apart(one, other):
    """How far, in mm, the ink of one drawing is from that of another, at most (Hausdorff distance)."""
    a, b = ink_of(one), ink_of(other)
    return max(cKDTree(a).query(b)[0].max(), cKDTree(b).query(a)[0].max())


@pytest.mark.parametrize("name", DIALECT)
def test_each_machine_draws_the_page_and_nothing_else(name):
    page, plotter = written_page(), dataclasses.replace(PLOTTERS[name], origin=(20.0, 30.0))
    (text,) = program(page, plotter)
    made = draw(text, DIALECT[name])
    expected = [stroke * [1, -1] + [20, 30 + page.height] for stroke in page.strokes]
    assert apart(made.drawn, expected) < 0.06  # half the distance of the points that are compared, and rounding
    assert not made.down
    assert (made.visited >= [20, 30]).all() and (made.visited <= [20 + page.width, 30 + page.height]).all()
    np.testing.assert_array_equal(made.visited[[0, -1]], [[20, 30]] * 2)
    # Its travel is less than half of what it is in the order of writing, and so it is told.
    in_order = draw(program(page, dataclasses.replace(plotter, written_order=True))[0], DIALECT[name])
    assert apart(made.drawn, in_order.drawn) < 0.06
    assert made.travel < in_order.travel / 2
    (part,) = parts_of(page, plotter)
    drawn, travelled, time = seconds(part.strokes, plotter)
    assert travelled == pytest.approx(made.travel, rel=0.01)
    assert drawn == pytest.approx(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in made.drawn), rel=0.02)
    assert time == pytest.approx(made.seconds, rel=0.15)


@pytest.mark.parametrize("name", DIALECT)
def test_the_speed_of_travel_takes_effect(name):
    page, plotter = written_page(), PLOTTERS[name]
    if plotter.language == "hpgl":
        return  # has one speed for both
    slow = dataclasses.replace(plotter, travel=plotter.travel / 10)
    usual, slower = (draw(page_gcode(page, p)[0], DIALECT[name]) for p in (plotter, slow))
    more = 60 * usual.travel * (10 - 1) / plotter.travel
    assert slower.seconds - usual.seconds == pytest.approx(more, rel=0.05)


def test_the_drawing_for_the_axidraw_has_the_strokes_in_a_short_order():
    page = written_page()
    root = ElementTree.fromstring(page_single_line_svg(page, PLOTTERS["axidraw"]).encode())
    paths = [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    strokes = [np.array([pair.split() for pair in path[1:].split("L")], float) for path in paths]
    assert apart(strokes, page.strokes) < 0.06
    top = (0.0, page.height)
    assert travel(strokes, top) < travel(page.strokes, top) / 2


def test_header_and_footer_are_replaced_and_the_end_leaves_the_pen_up():
    page = written_page(lines=1)
    (text,) = page_gcode(page, Plotter(header="G21;G90;G28 X Y", footer="M84; M2"))
    lines = [line for line in text.splitlines() if not line.startswith(";")]
    assert lines[:4] == ["G21", "G90", "G28 X Y", "M5"] and lines[-2:] == ["M84", "M2"]
    assert "M2" not in page_gcode(page, Plotter())[0].splitlines()
    last_pen = [line for line in lines if line in ("M3 S90", "M5")][-1]
    assert last_pen == "M5" and "G0" not in text  # whose speed GRBL does not heed


# --- where the paper lies -------------------------------------------------------------------------------------------


def corner_page():
    """A page of 60 x 40 mm with a dot near its upper left corner, 2 mm from the left and 5 mm from the top."""
    return Page(60.0, 40.0, strokes=[np.array([[2.0, 5.0]])])


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, (2, 35)),
        ({"zero": "upper-left"}, (2, 5)),
        ({"zero": "lower-right"}, (58, 35)),
        ({"zero": "upper-right"}, (58, 5)),
        ({"swap_axes": True}, (35, 2)),
        ({"turn": 90}, (5, 2)),  # its top lies at the left now, its left at the bottom
        ({"turn": 180}, (58, 5)),
        ({"turn": 270}, (35, 58)),
        ({"turn": 90, "zero": "upper-left"}, (5, 58)),
        ({"zero": "upper-left", "swap_axes": True, "origin": (100.0, 10.0)}, (105, 12)),
    ],
)
def test_the_paper_lies_as_it_is_told(settings, where):
    (text,) = page_gcode(corner_page(), Plotter(**settings))
    np.testing.assert_allclose(draw(text, "grbl").drawn[0][0], where, atol=0.011)


@given(st.sampled_from(CORNERS), st.booleans(), st.sampled_from([0, 90, 180, 270]))
@settings(max_examples=32, deadline=None)
def test_no_placement_leaves_the_paper_or_distorts_it(zero, swap, turn):
    page = written_page(lines=2, words=2)
    plotter = Plotter(zero=zero, swap_axes=swap, turn=turn, written_order=True)
    (part,) = parts_of(page, plotter)  # which refuses what leaves the paper
    for before, after in zip(page.strokes, part.strokes):
        length = np.hypot(*(before[-1] - before[0]))
        assert np.hypot(*(after[-1] - after[0])) == pytest.approx(max(length, 0.01), abs=1e-6)


def test_a_page_larger_than_the_bed_is_refused_with_what_to_do():
    page = written_page()
    with pytest.raises(MinirnnError, match=r"outside the plotter's area x 0 to 110, y 0 to 160; .* or --turn 90"):
        page_gcode(page, Plotter(area=(0, 0, 110, 160)))
    with pytest.raises(MinirnnError, match="or --split"):
        page_gcode(page, Plotter(area=(0, 0, 70, 60)))
    with pytest.raises(MinirnnError, match="the origin -5,0 lies outside"):
        page_gcode(page, Plotter(origin=(-5, 0), area=(0, 0, 300, 300)))
    with pytest.raises(MinirnnError, match=r"too small for this page, which would take [\d,]+ parts"):
        page_gcode(page, Plotter(area=(0, 0, 0.01, 0.01), split=True))


@pytest.mark.parametrize("name", ["grbl", "hpgl"])
def test_a_page_larger_than_the_bed_is_drawn_in_parts(name, tmp_path):
    page = written_page()
    plotter = dataclasses.replace(PLOTTERS[name], area=(0.0, 0.0, 70.0, 45.0), split=True)
    texts = program(page, plotter)
    assert len(texts) == 4
    whole = []
    for text, part in zip(texts, parts_of(page, plotter)):
        made = draw(text, DIALECT[name])
        assert (made.visited >= 0).all() and (made.visited <= [70, 45]).all() and not made.down
        moved = [float(word.strip(",")) for word in part.name.split() if word.strip(",").lstrip("-")[0].isdigit()]
        whole += [line - moved for line in made.drawn]
    expected = [stroke * [1, -1] + [0, page.height] for stroke in page.strokes]
    assert apart(whole, expected) < 0.12  # how far the paper is to be moved is said to a tenth of a millimetre
    suffix = FORMATS[plotter.language][0]
    paths = save_pages([page, page], tmp_path / f"a{suffix}", plotter=plotter)
    assert [path.name for path in paths][3:5] == [f"a-1-part4{suffix}", f"a-2-part1{suffix}"]


# --- the order ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_every_stroke_is_drawn_once_in_a_way_that_is_not_longer(count, seed):
    rng = np.random.default_rng(seed)
    strokes = [rng.uniform(0, 100, (rng.integers(1, 5), 2)).round() for _ in range(count)]
    ordered = in_short_order(strokes)
    ends = lambda stroke: min(stroke.tolist(), stroke[::-1].tolist())  # noqa: E731  a stroke, from either end
    if len(ordered) == count:  # else some touched, and were joined
        assert sorted(map(ends, ordered)) == sorted(map(ends, strokes))
    assert sum(map(len, ordered)) == sum(map(len, strokes))
    assert travel(ordered) <= 1.05 * travel(strokes) + 1e-6


def test_a_short_way_through_points_in_a_row_is_found():
    points = [np.array([[float(x), 0.0]]) for x in np.random.default_rng(0).permutation(200)]
    assert travel(in_short_order(points)) == pytest.approx(2 * 199)


def test_strokes_that_touch_are_joined_and_no_others():
    a, b = np.array([[0.0, 0], [1, 0]]), np.array([[1.0, TOUCHING / 2], [2, 0]])
    below = np.array([0.0, TOUCHING])
    assert len(joined([a, b])) == 1 and len(joined([a, b + below])) == 2
    assert joined([]) == [] and in_short_order([]) == []
