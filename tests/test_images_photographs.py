"""Pictures as people take them: on tables, of ruled and squared paper, on their side, light on dark."""

import numpy as np
import pytest
from drawn_lines import bar, clean_ink, ring, scan_of, wave, written_line, written_page
from scipy import ndimage
from skimage import transform

from minirnn.errors import MinirnnError
from minirnn.images import clean, plausible
from minirnn.images.draw_scan import draw_ink
from minirnn.images.line_labels import label_ink, seam
from minirnn.images.paper_outline import cut_paper
from minirnn.images.pipeline import TracedLine, project, read_line, read_page
from minirnn.images.rules import remove_rules
from minirnn.images.text_lines import find_text_lines
from minirnn.images.trace import trace
from minirnn.reading.orientation import check_upright, turned
from minirnn.reading.reader import Reading
from minirnn.studies.tracing import overlap

STROKES, SHAPE = written_page(3, spacing=120, words=3)
PAGE = scan_of(STROKES, SHAPE, noise=0.02)


def table(shape):
    """(H, W, 3) brown wood with a grain."""
    y, x = np.indices(shape)
    grain = 0.5 + 0.5 * np.sin(y / 3 + 3 * np.sin(x / 150))
    return np.stack([0.35 + 0.2 * grain, 0.22 + 0.13 * grain, 0.08 + 0.06 * grain], axis=-1)


def on_a_table(page, corners, shape):
    """(picture (H, W, 3), matrix from points of the page to it): the page lies on a table with these corners."""
    height, width = page.shape
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    matrix = transform.ProjectiveTransform.from_estimate(flat, np.array(corners, float)).params
    there = transform.warp(page, np.linalg.inv(matrix), output_shape=shape, order=1, cval=-1)
    noise = np.random.default_rng(0).normal(0, 0.01, (*shape, 3))
    picture = np.where(there[..., None] < 0, table(shape), np.stack([there] * 3, axis=-1))
    return np.clip(picture + noise, 0, 1), matrix


def found_share(truth, lines, pen=4):
    """(share of the truth that was traced, share of the trace that is true)."""
    traced = [stroke for line in lines for stroke in line.strokes]
    return overlap(truth, traced, pen / 2 + 1)[0], overlap(traced, truth, pen / 2 + 1)[0]


def test_of_a_sheet_on_a_table_only_the_writing_is_traced():
    picture, matrix = on_a_table(PAGE, [(150, 80), (1010, 110), (990, 600), (130, 560)], (680, 1150))
    page, lines = read_page(picture)
    assert len(lines) == 3
    covered, true = found_share([project(stroke, matrix) for stroke in STROKES], lines)
    assert covered > 0.97
    assert true > 0.97
    assert "cut out" in page.said[0]


def test_the_edge_of_a_shadow_is_no_edge_of_the_paper():
    x = np.arange(SHAPE[1])
    shadow = 1 - 0.45 / (1 + np.exp(-(x - 400) / 40))
    _, matrix, said = cut_paper(PAGE * shadow)
    assert said == ""
    assert np.array_equal(matrix, np.eye(3))


@pytest.mark.parametrize("soft", [8, 60])
def test_a_sheet_that_lies_half_in_shadow_is_found_whole(soft):
    picture, matrix = on_a_table(PAGE, [(150, 80), (1010, 110), (990, 600), (130, 560)], (680, 1150))
    y, x = np.indices(picture.shape[:2])
    shadow = 1 - 0.55 / (1 + np.exp((y - 330 - 0.2 * x) / soft))
    sheet, found, _ = cut_paper(picture * shadow[..., None])
    for corner, truth in zip(np.array([[0, 0], sheet.shape[::-1]]), np.array([[0, 0], PAGE.shape[::-1]])):
        assert np.abs(project(corner[None], found) - project(truth[None], matrix)).max() < 15


def test_dark_corners_spoil_nothing():
    y, x = np.indices(SHAPE)
    away = np.hypot(y / SHAPE[0] - 0.5, x / SHAPE[1] - 0.5) / np.sqrt(0.5)
    _, lines = read_page(PAGE * (1 - 0.6 * away**2))
    assert len(lines) == 3
    assert min(found_share(STROKES, lines)) > 0.97


def ruled(shape, spacing, first, bend, darkness, thickness=2.0, upright=False):
    """(H, W) darkness of rules ``spacing`` pixels apart that bend by ``bend`` pixels over the width."""
    across = np.linspace(-1, 1, shape[1])
    heights = range(first, shape[0] + abs(bend), spacing)
    rules = [np.column_stack([np.arange(shape[1]), y + bend * across**2]) for y in heights]
    drawn = darkness * draw_ink(rules, shape, thickness)
    if upright:
        lines = [bar(x, -5, x, shape[0] + 5) for x in range(20, shape[1], spacing)]
        drawn = np.maximum(drawn, darkness * draw_ink(lines, shape, thickness))
    return drawn


@pytest.mark.parametrize(
    ("darkness", "bend", "squares"), [(0.3, 0, False), (0.6, 0, False), (0.3, 25, False), (0.25, 0, True)]
)
def test_rules_go_and_the_feet_of_the_letters_on_them_stay(darkness, bend, squares):
    strokes = [stroke for k in range(3) for stroke in written_line(100 + 120 * k, 5, x=40 + 57 * k)]
    shape = (460, 1450)
    spacing = 40 if squares else 120
    paper = 0.92 * (1 - ruled(shape, spacing, 100 % spacing, bend, darkness, upright=squares))
    grey = paper * (1 - 0.85 * ndimage.gaussian_filter(draw_ink(strokes, shape, 4), 0.7))
    grey = np.clip(grey + np.random.default_rng(1).normal(0, 0.02, shape), 0, 1)
    _, lines = read_page(grey)
    covered, true = found_share(strokes, lines)
    assert len(lines) == 3
    assert covered > 0.95
    assert true > 0.96


def test_without_rules_the_ink_is_left_alone():
    ink = clean_ink(STROKES, SHAPE)
    assert np.array_equal(remove_rules(np.where(ink, 0.5, -0.5), ink, 4), ink)


def test_light_writing_on_dark_paper_is_read():
    _, lines = read_page(1 - PAGE)
    assert len(lines) == 3
    assert min(found_share(STROKES, lines)) > 0.97
    word = written_line(words=1)
    assert min(found_share(word, [read_line(1 - scan_of(word, (150, 330)))[1]])) > 0.95


@pytest.mark.parametrize("turns", [1, 3])
def test_a_page_on_its_side_is_refused_by_name(turns):
    strokes = [wave(x, 60 + 90 * k, 26, 4, 15) for k in range(6) for x in range(40, 900, 90)]
    assert len(read_page(scan_of(strokes, (580, 1000)))[1]) == 6
    with pytest.raises(MinirnnError, match="turn the picture by 90 degrees"):
        read_page(np.rot90(scan_of(strokes, (580, 1000)), turns))


@pytest.mark.parametrize("slant", [0, 25])
def test_lines_close_together_of_different_lengths_are_found(slant):
    lines = [written_line(90 + 78 * k, words=(4, 2, 3, 1)[k % 4]) for k in range(8)]
    lines = [[s + np.column_stack([0 * s[:, 0], slant * s[:, 0] / 1000]) for s in line] for line in lines]
    ink = clean_ink([stroke for line in lines for stroke in line], (760, 1120))
    found = find_text_lines(ink, 4)
    assert len(found) == 8
    labels = label_ink(ink, 4, found)
    for k, line in enumerate(lines):
        small_letters = clean_ink([stroke for stroke in line if np.ptp(stroke[:, 1]) < 40], ink.shape)
        assert np.mean(labels[small_letters] == k + 1) > 0.97


def test_the_number_of_lines_can_be_said():
    ink = clean_ink(STROKES, SHAPE)
    assert len(find_text_lines(ink, 4, count=3)) == 3


def test_what_is_far_from_every_line_belongs_to_none():
    ink = clean_ink([*STROKES, bar(20, 455, 22, 456)], (1000, 900))
    ink[900:906, 700:706] = True
    labels = label_ink(ink, 4, find_text_lines(clean_ink(STROKES, ink.shape), 4))
    assert not labels[900:906, 700:706].any()


def test_a_seam_goes_where_the_least_ink_is():
    ink = np.zeros((40, 60), bool)
    ink[:, 30] = True
    ink[22:25, 30] = False
    path = seam(ink, np.zeros(60, int), np.full(60, 40))
    assert 21 < path[30] < 25


def test_noise_is_refused_in_a_moment():
    with pytest.raises(MinirnnError, match="no handwriting"):
        trace(np.random.default_rng(0).random((500, 500)) < 0.4)


@pytest.mark.parametrize(
    ("ink", "said"),
    [
        (np.ones((80, 90), bool), "dark place"),
        (np.eye(4, 400, dtype=bool) | np.ones((4, 400), bool), "rule"),
        (np.ones((3, 3), bool), "dot"),
        (np.ones((300, 8), bool), "upright"),
    ],
)
def test_what_is_no_handwriting_is_said(ink, said):
    assert said in plausible.fault_of_line(ink, 4.0, [20, 20, 20, 20])


def test_a_line_is_no_fault():
    assert plausible.fault_of_line(clean_ink(written_line(), (150, 1100)), 4.0, [20, 20, 20, 20]) == ""


def test_a_huge_picture_is_made_smaller_and_its_strokes_lie_where_they_were(monkeypatch):
    monkeypatch.setattr("minirnn.images.pipeline.MOST_PIXELS", PAGE.size // 3)
    _, lines = read_page(PAGE)
    assert min(found_share(STROKES, lines)) > 0.95


def test_the_spine_of_a_book_goes_and_a_column_of_numbers_stays():
    shape = (1000, 1500)
    lines = clean_ink([s for k in range(8) for s in written_line(100 + 110 * k, x=200)], shape)
    numbers = clean_ink([ring(90, 82 + 110 * k, 18) for k in range(8)], shape)
    assert np.array_equal(plausible.without_spine(lines | numbers, 4), lines | numbers)
    spine = np.random.default_rng(0).random(shape) < 0.5
    spine[:, 90:] = False
    assert np.array_equal(plausible.without_spine(lines | spine, 4), lines)
    assert np.array_equal(plausible.without_spine((lines | spine)[:, ::-1], 4), lines[:, ::-1])


def test_the_light_at_a_dark_border_is_removed_as_elsewhere():
    ramp = np.tile(np.linspace(0.3, 0.9, 300)[:, None], 200)
    assert np.abs(clean.remove_light(ramp) - 1).max() < 0.05


def columns_page(heading=False):
    """Ink (H, W) of two columns of six lines, and perhaps a heading across both."""
    shape = (900, 1700)
    words = [(260, k) for k in range(6)] + [(1000, k) for k in range(6)]
    strokes = [stroke for x, k in words for stroke in written_line(250 + 90 * k, 2, x=x)]
    if heading:
        strokes += written_line(120, 5, x=300)
    return clean_ink(strokes, shape)


@pytest.mark.parametrize("heading", [False, True])
def test_two_columns_are_read_one_after_the_other(heading):
    ink = columns_page(heading)
    found = find_text_lines(ink, 4)
    labels = label_ink(ink, 4, found)
    boxes = ndimage.find_objects(labels)
    assert len(boxes) == 12 + heading
    left, right = boxes[heading : 6 + heading], boxes[6 + heading :]
    assert all(box[1].stop < 850 for box in left)
    assert all(box[1].start > 950 for box in right)
    for column in (left, right):
        assert np.all(np.diff([box[0].start for box in column]) > 50)


def test_wide_gaps_between_words_are_no_gutter():
    places = [(k, 1 + k % 2, 40) for k in range(6)] + [(k, 1, 620 if k % 2 else 360) for k in range(6)]
    strokes = [stroke for k, words, x in places for stroke in written_line(100 + 90 * k, words, x=x)]
    ink = clean_ink(strokes, (700, 1400))
    assert len(find_text_lines(ink, 4)) == 6


class Upright:
    """A reader that is sure of lines whose first stroke is shorter than the last, and above it."""

    def read_strokes(self, lines):
        heights = [(line[0][:, 1], line[-1][:, 1]) for line in lines]
        sure = [float(first.mean() < last.mean() and np.ptp(first) < np.ptp(last)) for first, last in heights]
        return [Reading("a", np.array([value]), [None], [None], 0.0) for value in sure]


@pytest.mark.parametrize(
    ("signs", "said"), [((1, 1), ""), ((-1, -1), "upside down"), ((-1, 1), "is mirrored:"), ((1, -1), "mirrored and")]
)
def test_a_page_that_reads_better_turned_is_refused_by_name(signs, said):
    strokes = turned([bar(0, 0, 0, 20), bar(40, 10, 40, 50)], 4, signs)
    lines = 3 * [TracedLine(None, None, strokes, 4.0)]
    if not said:
        check_upright(Upright(), lines)
        return
    with pytest.raises(MinirnnError, match=said):
        check_upright(Upright(), lines)
