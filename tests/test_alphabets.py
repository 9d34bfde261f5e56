"""Characters and pen moves as ids. The pen's errors must be small, and must not add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from minirnn.backend import flatten
from minirnn.errors import MinirnnError
from minirnn.ink import vocabularies
from minirnn.ink.strokes import resample, smooth
from minirnn.ink.vocabularies import BEGIN, END, CharVocabulary, PenVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.pen_rnn import PenRNN
from minirnn.networks.rebuild import load

# A codebook without a plan: a grid that is nowhere farther than 0.29 from any lift up to 20 units long.
GRID = np.stack(np.meshgrid(np.arange(-20, 20.1, 0.4), np.arange(-20, 20.1, 0.4)), axis=-1).reshape(-1, 2)
SETTINGS = [(64, 0.3), (32, 0.36), (32, 0.4)]

coordinates = st.floats(-6, 6).map(lambda value: round(value, 2))
strokes_of_a_hand = st.lists(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6).map(np.array), min_size=1, max_size=5
)


def farthest(points, strokes):
    """The largest distance from the points to the ink of the strokes."""
    ink = np.concatenate([resample(stroke, 0.02) for stroke in strokes])
    return cKDTree(ink).query(np.concatenate(points))[0].max()


# Characters


def test_ids_are_sorted_and_do_not_depend_on_the_order_of_the_text():
    vocabulary = CharVocabulary("banana bread")
    assert vocabulary.symbols == " abdenr"
    assert vocabulary.encode("bad").tolist() == [2, 1, 3]
    assert vocabulary.encode("bad").dtype == np.int32


@given(st.text(min_size=1))
@settings(deadline=None, max_examples=50)
def test_any_text_survives_its_own_alphabet(text):
    vocabulary = CharVocabulary(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert len(vocabulary) == len(set(text))


def test_every_unknown_character_is_named():
    vocabulary = CharVocabulary("abc")
    with pytest.raises(MinirnnError, match=r"'é' \(U\+00E9\), '😀' \(U\+1F600\)"):
        vocabulary.encode("a😀bé")
    assert vocabulary.unknown("a😀béé") == ["é", "😀"]
    assert vocabulary.decode(vocabulary.encode("a😀bé", skip_unknown=True)) == "ab"
    assert vocabulary.encode("").shape == (0,)


@pytest.mark.parametrize("ids", [[3], [-1]])
def test_ids_of_no_character_are_refused(ids):
    with pytest.raises(MinirnnError, match="not in this vocabulary"):
        CharVocabulary("abc").decode(ids)


# The pen


@pytest.mark.parametrize("directions, step", SETTINGS)
@given(strokes=strokes_of_a_hand)
@settings(max_examples=40, deadline=None)
def test_round_trip_of_anything_a_hand_could_make(directions, step, strokes):
    pens = PenVocabulary(GRID, directions, step)
    ids = pens.encode(strokes)
    decoded = pens.decode(ids)
    assert ids[0] == BEGIN and ids[-1] == END and ids.dtype == np.int16
    assert len(decoded) == len(strokes)
    # A step ends on the path but for the rounding of its direction, or shoots past an end by half a step at most.
    rounding = 2 * step * np.sin(np.pi / (2 * directions))
    for stroke, drawn in zip(strokes, decoded):
        assert np.linalg.norm(drawn[0] - stroke[0]) < 0.29  # half the diagonal of the grid
        assert len(drawn) == 1 or farthest([drawn[1:]], [stroke]) < step / 2 + rounding + 0.02
        # What the path does within one step of the pen may be cut off, but no more.
        assert farthest([resample(stroke, 0.05)], [drawn]) < step + rounding + 0.02


def test_errors_do_not_add_up_along_a_line_of_a_thousand_units():
    angles = np.linspace(0.0, 40 * np.pi, 20_000)
    spiral = np.column_stack([angles * np.cos(angles), angles * np.sin(angles)]) / 4
    pens = PenVocabulary(GRID)
    (drawn,) = pens.decode(pens.encode([spiral]))
    assert len(drawn) > 6000
    assert farthest([drawn[1:]], [spiral]) < 0.05
    assert np.linalg.norm(drawn[-1] - spiral[-1]) < 0.2


def test_errors_of_lifts_do_not_add_up_either():
    rng = np.random.default_rng(0)
    dots = [rng.uniform(-5, 5, size=(1, 2)) for _ in range(500)]
    pens = PenVocabulary(GRID)
    decoded = pens.decode(pens.encode(dots))
    assert [len(stroke) for stroke in decoded] == [1] * 500
    assert np.linalg.norm(np.array(decoded) - np.array(dots), axis=-1).max() < 0.29


def test_straight_line_takes_one_step_for_each_step_length():
    pens = PenVocabulary([[0.0, 0.0]], directions=4, step=0.5)
    assert pens.encode([[[0.0, 0.0], [1.0, 0.0], [1.0, 0.5]]]).tolist() == [BEGIN, 6, 2, 2, 3, END]
    assert pens.encode([[[0.0, 0.0], [-0.5, 0.0], [-0.5, -0.5]]]).tolist() == [BEGIN, 6, 4, 5, END]


def test_a_cusp_is_drawn_to_its_tip_and_a_speck_is_a_dot():
    pens = PenVocabulary([[0.0, 0.0]])
    (cusp,) = pens.decode(pens.encode([[[0.0, 0.0], [0.0, -0.25], [0.0, 1.0]]]))
    assert cusp[:, 1].min() == pytest.approx(-0.3)
    (speck,) = pens.decode(pens.encode([[[0.0, 0.0], [0.05, 0.0], [0.0, 0.05]]]))
    assert len(speck) == 1


def test_a_gap_wider_than_any_lift_is_closed_up():
    pens = PenVocabulary(GRID)
    strokes = [np.array([[0.0, 0.0], [0.0, 3.0]]), np.array([[100.0, 0.0], [100.0, 3.0]]), np.array([[102.0, 0.0]])]
    decoded = pens.decode(pens.encode(strokes))
    assert len(decoded) == 3
    assert decoded[1][0, 0] == pytest.approx(20.0)  # the widest lift there is
    assert np.ptp(decoded[1][:, 0]) < 0.1  # the stroke itself is as it was
    assert decoded[2][0, 0] == pytest.approx(22.0, abs=0.3)  # and the rest of the line has moved along


def test_a_gap_is_closed_up_where_every_lift_misses_it_by_more_than_three_units():
    pens = PenVocabulary([[0.0, 0.0], [4.0, 0.0]])
    walked, just, closed = (pens.decode(pens.encode([[[0.0, 0.0]], [[4.0 + miss, 0.0]]]))[1] for miss in (2.9, 3, 3.1))
    assert walked[-1, 0] == pytest.approx(6.9, abs=0.3), "the pen walks what the lift has missed"
    assert just[-1, 0] == pytest.approx(7.0, abs=0.3)
    assert closed.tolist() == [[4.0, 0.0]]


def test_ids_that_checkpoints_rely_on():
    pens = PenVocabulary([[0.0, 0.0]], directions=8)
    assert (BEGIN, END) == (0, 1) and pens.n_heights == 33
    assert np.flatnonzero(pens.is_lift).tolist() == [10]


@pytest.mark.parametrize("strokes", [[], [[]], [[[0.0, np.nan]]], [[[0.0, 1.0, 2.0]]]])
def test_refuses_what_is_no_handwriting(strokes):
    with pytest.raises(MinirnnError):
        PenVocabulary(GRID).encode(strokes)


@pytest.mark.parametrize(
    "lifts, directions, step",
    [(lifts, 4, 1) for lifts in ([], [1.0, 2.0], [[1.0]], [[0, np.nan]], [[0, 1e6]], [[-1e6, 0]])]
    + [([[0, 1]], directions, step) for directions, step in [(3, 1), (4, 0), (4, 0.0009), (4, 1000.5), (4, np.nan)]],
)
def test_refuses_what_is_no_alphabet_of_the_pen(lifts, directions, step):
    words = r"expected \(lifts, 2\)" if (directions, step) == (4, 1) else "from 0.001 to 1000"
    with pytest.raises(MinirnnError, match=words):
        PenVocabulary(lifts, directions, step)


@pytest.mark.parametrize("step", [0.001, 1000])
def test_the_shortest_and_the_longest_step_can_be_smoothed(step):
    pens = PenVocabulary([[-999999.0, 999999.0]], 4, step)
    (stroke,) = pens.decode([BEGIN, 6, 2, 2, 3, 3, 2, END])
    assert len(stroke) == 6 and np.isfinite(smooth(stroke)).all()


def test_vectors_say_what_each_id_does():
    pens = PenVocabulary([[5.0, 0.0], [0.0, 6.0]], directions=8, step=0.5)
    assert len(pens) == 2 + 8 + 2 == len(pens.vectors) == len(pens.is_lift)
    np.testing.assert_array_equal(pens.vectors[[BEGIN, END]], 0.0)
    np.testing.assert_allclose(np.linalg.norm(pens.vectors[2:10], axis=1), 0.5)
    np.testing.assert_allclose(pens.vectors[4], [0.0, 0.5], atol=1e-12)  # a quarter turn leads down
    np.testing.assert_array_equal(pens.vectors[pens.is_lift], [[5.0, 0.0], [0.0, 6.0]])


def test_decoding_starts_a_stroke_at_every_lift():
    pens = PenVocabulary([[5.0, 0.0]], directions=4, step=1.0)
    decoded = pens.decode([BEGIN, 6, 6, 2, 3, END])
    np.testing.assert_allclose(decoded[0], [[5.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(decoded[1], [[10.0, 0.0], [11.0, 0.0], [11.0, 1.0]], atol=1e-12)
    np.testing.assert_allclose(pens.decode([2, 2])[0], [[0, 0], [1, 0], [2, 0]], atol=1e-12)
    assert pens.decode([BEGIN, END]) == []
    with pytest.raises(MinirnnError, match="not in this vocabulary"):
        pens.decode([7])


def test_heights_are_the_running_y_in_quarters():
    pens = PenVocabulary([[1.0, -1.1], [0.0, 50.0], [0.0, -50.0]], directions=4, step=0.3)
    ids = np.array([BEGIN, 6, 3, 3, 2, 7, 8, 8, END])
    y = [0.0, -1.1, -0.8, -0.5, -0.5, 49.5, -0.5, -50.5, -50.5]
    middle, top = pens.n_heights // 2, pens.n_heights - 1
    assert pens.heights(ids).tolist() == [middle + d for d in (0, -4, -3, -2, -2)] + [top, middle - 2, 0, 0]
    np.testing.assert_array_equal(pens.heights(ids), pens.height_of(y))
    two = np.stack([ids, ids[::-1]], axis=1)
    np.testing.assert_array_equal(pens.heights(two)[:, 1], pens.heights(ids[::-1]))


def test_lifts_are_fitted_to_the_lines_and_reproducible():
    rng = np.random.default_rng(1)
    # Every line: a stroke, then a lift by about (2, 0) or (0, -3).
    lifts = rng.permutation(np.repeat([[2.0, 0.0], [0.0, -3.0]], 50, axis=0)) + rng.normal(0, 0.01, (100, 2))
    lines = [[np.array([[0.0, 0.0]]), lift[None]] for lift in lifts]
    pens = PenVocabulary.fit_lifts(lines, count=3, seed=5, directions=32, step=0.4)
    for expected in ([0.0, 0.0], [2.0, 0.0], [0.0, -3.0]):
        assert np.linalg.norm(pens.lifts - expected, axis=1).min() < 0.02
    again = PenVocabulary.fit_lifts(lines, count=3, seed=5, directions=32, step=0.4)
    np.testing.assert_array_equal(again.lifts, pens.lifts)
    assert (pens.directions, pens.step, len(pens)) == (32, 0.4, 2 + 32 + 3)
    assert len(PenVocabulary.fit_lifts(lines[:1], count=192).lifts) == 2  # there are no more different ones


def test_a_few_different_lifts_are_their_own_codebook():
    """They lead from each end to the next start; the first from (0, 0)."""
    line = [[[1.0, 2.0], [5.0, 5.0]], [[4.0, 5.0], [0.0, 1.0], [7.0, 0.0]], [[9.0, 0.0]], [[8.0, 0.0], [0.0, 0.0]]]
    pens = PenVocabulary.fit_lifts([[np.array(stroke) for stroke in line]] * 30)
    assert sorted(pens.lifts.tolist()) == [[-1.0, 0.0], [1.0, 2.0], [2.0, 0.0]]


def test_what_a_codebook_is_if_nothing_is_said():
    dots = np.random.default_rng(0).uniform(-5, 5, (400, 1, 2))
    lines = [[dot] for dot in dots]
    variants = ({}, {"count": 192, "seed": 0}, {"seed": 1})
    pens, same, other = (PenVocabulary.fit_lifts(lines, **more) for more in variants)
    assert (len(pens.lifts), pens.directions, pens.step) == (192, 64, 0.3)
    assert np.array_equal(pens.lifts, same.lifts) and not np.array_equal(pens.lifts, other.lifts)


# The pen on its way. Its step is 1, it stands in 0, and points of the plane are complex numbers.


@pytest.mark.parametrize(
    "path, here, after, target",
    [
        ([1, 0.2], 1, 1, (1, 1)),  # a step away from the path: back to it
        ([0, 1], 0, 1, (1, 1)),  # a corner just one step away
        ([0, 3], 0, 1, (1, 1)),
        ([0, 0.75, -0.75], 0, 1, (0.75, 2)),  # the path ends: to the farthest point, of two the first
        ([0, 0.5], 0, 1, None),  # what is left is no more than half a step
        ([0, 0.5j, 0, 2], 0, 1, (1, 3)),  # a hairpin is cut off if that loses no more than to shoot past its tip
        ([0, 0.6j, 0, 2], 0, 1, (0.6j, 2)),
    ],
)
def test_what_the_pen_steps_towards(path, here, after, target):
    assert vocabularies._next_target([complex(point) for point in path], complex(here), after, 0j, 1.0) == target


def test_where_a_segment_leaves_a_circle():
    assert vocabularies._leave_circle(0j, 5 + 0j, 0j, 2.0) == 2
    assert vocabularies._leave_circle(1 + 1j, 5 + 1j, 1 + 1j, 0.5) == 1.5 + 1j
    assert vocabularies._leave_circle(-1 + 3j, 7 + 3j, 0j, 5.0) == pytest.approx(4 + 3j)
    assert vocabularies._leave_circle(2 + 0j, 3 + 1j, 0j, 2.0) == pytest.approx(2)  # from the rim outwards


@pytest.mark.parametrize("point, distance", [(1 + 1j, 1), (1.5 - 2j, 2), (-3 + 4j, 5), (5 - 4j, 5), (2, 0), (0.5, 0)])
def test_the_distance_to_a_segment(point, distance):
    assert vocabularies._distance_to_segment(complex(point), 0j, 2 + 0j) == pytest.approx(distance)
    turned = [1j * complex(z) + 3 for z in (point, 0, 2)]
    assert vocabularies._distance_to_segment(*turned) == pytest.approx(distance)


def test_survives_a_checkpoint(tmp_path):
    pens = PenVocabulary(GRID, 32, 0.36)
    network = PenRNN(len(pens), characters=3, heights=pens.n_heights, hidden=2, embed=2, char_embed=2)
    meta = {"kind": "PenRNN", "network": network.settings, "symbols": "ab", "directions": 32, "step_length": 0.36}
    arrays = {f"params.{name}": array for name, array in flatten(network.params).items()}
    checkpoint.save(tmp_path / "pens.npz", meta, {**arrays, "extra.lifts": pens.lifts})
    again = load(tmp_path / "pens.npz").pens
    np.testing.assert_array_equal(again.vectors, pens.vectors)
    assert (again.directions, again.step) == (32, 0.36)
