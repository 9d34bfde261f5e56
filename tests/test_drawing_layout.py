"""Lines on pages: the baseline is found whatever is written, nothing leaves the margins, no word is broken."""

import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.drawing import layout
from minirnn.drawing.baseline import expected_metrics, line_metrics
from minirnn.drawing.layout import CLOSEST, SMALLEST, WrittenLine
from minirnn.drawing.paper import PAGE_SIZES, Sheet, page_size
from minirnn.drawing.wrapping import Cell, Row, unwrapped, wrap_text
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box, normalise, resample

OUTLINES = {
    "n": [(0, -1), (0, 0), (0, -0.8), (0.3, -1), (0.6, -0.8), (0.6, 0)],
    "o": [(0.3, -1), (0, -0.5), (0.3, 0), (0.6, -0.5), (0.3, -1)],
    "l": [(0.2, -2), (0.2, 0)],
    "g": [(0.6, -0.9), (0.3, -1), (0, -0.5), (0.3, 0), (0.6, -0.5), (0.6, -1), (0.6, 1), (0.1, 0.8)],
}


def written(text):
    """A line as a pen could write it, in normalised units: baseline at y = 0 and x-height 1 before that."""
    places = [(letter, [0.9 * place, 0.0]) for place, letter in enumerate(text) if letter != " "]
    return WrittenLine(text, normalise([resample(np.add(OUTLINES[letter], place), 0.05) for letter, place in places]))


def lay_out(paragraphs, sheet, untidiness=0.5, seed=0):
    """Pages of paragraphs, each a list of lines, of which the first is set in; one without lines is blank."""
    rows = []
    for paragraph in paragraphs:
        for number, line in enumerate(paragraph):
            x = 0.0 if number else sheet.indent
            rows.append(Row([Cell(line.text, x, sheet.text_width - x, line=line)]))
        rows += [] if paragraph else [Row()]
    return layout.lay_out(rows, sheet, untidiness, seed)


def truth(line):
    """The true (baseline, x_height) in normalised units of a line that holds an "o"."""
    letters = line.text.replace(" ", "")
    y = line.strokes[letters.index("o")][:, 1]
    return y.max(), np.ptp(y)


@pytest.mark.parametrize("text", ["nonnonno", "lonnonlonlon", "gonnongnong", "lonngo nonlgnon", "no", "lo", "go"])
def test_baseline_and_x_height_do_not_depend_on_ascenders_and_descenders(text):
    line = written(text)
    baseline, x_height = truth(line)
    found_baseline, found_x_height = line_metrics(line.strokes, text)
    # These lines' true baselines lie between 0.3 and 1.8 units below the mean of y, their x-heights between 1 and 3.
    assert found_baseline == pytest.approx(baseline, abs=0.15 * x_height)
    assert found_x_height == pytest.approx(x_height, rel=0.25)


def test_what_a_text_lets_expect():
    flat, tall, hanging = (expected_metrics(text) for text in ("sun", "till", "gypsy"))
    assert flat[1] > tall[1] and flat[1] > hanging[1]  # without stems and tails, the x-height is all of the deviation
    assert tall[0] / tall[1] > flat[0] / flat[1] > hanging[0] / hanging[1]  # in x-heights, below the mean
    assert expected_metrics("...") == expected_metrics("") == flat


def test_lines_of_different_letters_stand_on_their_rules_in_one_size():
    sheet = Sheet("a5", letter_size=2.0)
    lines = [written(text) for text in ("lonlonlon", "gongongon", "nonnonnon")]
    (page,) = lay_out([lines], sheet, untidiness=0)
    letters = np.array(page.strokes, dtype=object).reshape(3, -1)[:, 1]  # an "o": from baseline to x-height
    bottoms, sizes = [letter[:, 1].max() for letter in letters], [np.ptp(letter[:, 1]) for letter in letters]
    np.testing.assert_allclose(bottoms, sheet.baselines[:3], atol=0.25)
    # Steadier than any hand, these lines are taken for a little smaller than they are, but all alike.
    np.testing.assert_allclose(sizes, np.mean(sizes), rtol=0.1)
    np.testing.assert_allclose(sizes, 2.0, rtol=0.3)


def test_no_untidiness_is_none_and_the_same_seed_drifts_the_same_way():
    sheet, lines = Sheet("a5"), [written("nonlongon")] * 3

    def first_points(**settings):
        return np.array([stroke[0] for stroke in lay_out([lines], sheet, **settings)[0].strokes])

    tidy = first_points(untidiness=0)
    per_line = tidy.reshape(3, -1, 2)
    np.testing.assert_allclose(per_line[:, :, 0], per_line[:1, :, 0].repeat(3, axis=0))
    np.testing.assert_allclose(np.diff(per_line[:, :, 1], axis=0), sheet.line_spacing)
    np.testing.assert_array_equal(first_points(seed=5), first_points(seed=5))
    assert np.abs(first_points(seed=5) - first_points(seed=6)).max() > 0.01


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.text("nolg ", min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=12),
    size=st.sampled_from(["a4", "a5", "letter", "postcard", "90x120"]),
    untidiness=st.floats(0, 1),
    indent=st.floats(0, 15),
    seed=st.integers(0, 9),
)
def test_every_line_is_placed_inside_the_margins(texts, size, untidiness, indent, seed):
    sheet = Sheet(size, letter_size=2.0, indent=indent)
    lines = [written(text) for text in texts]
    pages = lay_out([lines, [], lines], sheet, untidiness, seed)
    left, top, right, bottom = sheet.text_box
    for page in pages:
        if page.strokes:
            x_min, y_min, x_max, y_max = bounding_box(page.strokes)
            assert min(x_min - left, y_min - top, right - x_max, bottom - y_max) > -1e-9
    assert sum(len(page.strokes) for page in pages) == 2 * sum(len(line.strokes) for line in lines)
    # An empty paragraph leaves a line blank.
    rows, per_page = 2 * len(lines) + 1, len(sheet.baselines)
    rows -= len(lines) % per_page == 0  # at the top of a page nothing is left blank
    assert len(pages) == -(-rows // per_page)


def test_a_line_too_wide_is_written_closer_and_then_smaller():
    line = written("nonon" * 8)
    width = line.width(2.0)
    tidy = lay_out([[line]], Sheet("a3", letter_size=2.0), untidiness=0)[0]
    for share, smaller in [(1.0, 1.0), (0.9, 1.0), (0.5, 0.5 / CLOSEST)]:
        sheet = Sheet(f"{width * share + 20}x60", margins=(10, 10, 10, 10), letter_size=2.0)
        # What does not fit should be written again, but can be placed.
        assert line.fits(sheet.text_width, 2.0) == (share > SMALLEST)
        (page,) = lay_out([[line]], sheet, untidiness=0)
        x_min, y_min, x_max, y_max = bounding_box(page.strokes)
        assert x_min == pytest.approx(10) and x_max <= sheet.text_box[2] + 1e-9
        assert np.ptp([y_min, y_max]) == pytest.approx(smaller * np.ptp(bounding_box(tidy.strokes)[1::2]))


def test_at_the_edge_of_the_paper_long_strokes_are_shortened_and_letters_keep_their_size():
    tail = WrittenLine("no", [*written("no").strokes, np.array([[0.0, 0.0], [0.0, 15.0]])])
    sheet = Sheet("100x37", margins=(5,) * 4, letter_size=2.0)
    rows = len(sheet.baselines)
    (page,) = lay_out([[tail] * rows], sheet, untidiness=0)
    first, last = page.strokes[:3], page.strokes[-3:]
    np.testing.assert_allclose([np.ptp(s[:, 0]) for s in first], [np.ptp(s[:, 0]) for s in last])
    assert np.ptp(last[2][:, 1]) < 0.85 * np.ptp(first[2][:, 1])
    assert last[2][:, 1].max() == pytest.approx(32)


@settings(max_examples=100, deadline=None)
@given(
    words=st.lists(st.text("abcd-", min_size=1, max_size=12), max_size=40),
    advance=st.floats(1, 4),
    raggedness=st.floats(0, 0.4),
)
def test_wrapping_keeps_every_word_whole_and_in_order(words, advance, raggedness):
    lines = wrap_text("  ".join(words), 60, advance, raggedness, np.random.default_rng(0))
    assert " ".join(lines).split() == words
    for line in lines:
        assert len(line) * advance <= 60 or " " not in line


def test_wrapping_is_greedy():
    assert wrap_text("one two three four", 13, 1.0) == ["one two three", "four"]
    assert wrap_text("one two three four", 12.9, 1.0) == ["one two", "three four"]
    assert wrap_text(" \n ", 10, 1.0) == []


@given(st.lists(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=30), min_size=1), st.booleans())
def test_unwrapping_undoes_what_cut_a_text_at_a_fixed_width(paragraphs, blank):
    texts = [" ".join(words) for words in paragraphs]
    cut = [textwrap.fill(text, 30) for text in texts]
    full = "x" * 30  # a line as long as lines may be, so that the width shows
    text = ("\n\n" if blank else "\n").join([full, *cut])
    unwrapped_text = unwrapped(text)
    assert unwrapped_text.split() == text.split()
    if blank:
        assert unwrapped_text.split("\n\n") == [full, *texts]


def test_unwrapping_keeps_line_breaks_that_were_meant():
    letter = "12 Mill Lane\nTuesday\n\nDear Ana, thank you for the\nbook and the letter.\nYours, Vera"
    joined = "12 Mill Lane\nTuesday\n\nDear Ana, thank you for the book and the letter.\nYours, Vera"
    assert unwrapped(letter) == joined
    assert unwrapped("") == ""


def test_a_word_too_long_stands_alone_or_is_named():
    assert wrap_text("a dozen a", int(5 / SMALLEST) - 1, 1.0) == ["a", "dozen", "a"]
    with pytest.raises(MinirnnError, match="'Donaudampfschiff'"):
        wrap_text("the Donaudampfschiff sails", 10, 1.0)


def test_page_sizes():
    assert page_size("A4") == (210, 297)
    assert page_size("120x80mm") == page_size(" 120 x 80") == page_size("12 x 8 cm") == (120, 80)
    assert page_size("4x6in") == (101.6, 6 * 25.4) and page_size("#10") == (241.3, 104.775)
    assert page_size("a5 landscape") == page_size("a5 landscape".upper()) == (210, 148)
    assert page_size("dl portrait") == (110, 220) and page_size("120 x 80 portrait") == (80, 120)
    assert all(Sheet(name, letter_size=1.2).baselines for name in PAGE_SIZES)
    with pytest.raises(MinirnnError, match=r"unknown page size 'a44'.*postcard"):
        page_size("a44")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"paper": "lined"}, "unknown paper 'lined'; use one of plain, ruled, squared"),
        ({"margins": (0, 110, 0, 110)}, "the margins leave"),
        ({"margins": (150, 10, 150, 10)}, "the margins leave"),
        ({"margins": (-1, 10, 10, 10)}, "must not be negative"),
        ({"letter_size": 8, "line_spacing": 8}, "does not suit a line spacing"),
    ],
)
def test_impossible_sheets_are_refused(settings, message):
    with pytest.raises(MinirnnError, match=message):
        Sheet(**settings)


@pytest.mark.parametrize("paper", ["ruled", "squared"])
def test_every_baseline_is_printed_on_ruled_and_squared_paper(paper):
    sheet = Sheet("a5", paper=paper, line_spacing=9)
    printed = [line[0, 1] for _, line in sheet.guides if line[0, 1] == line[1, 1]]
    for baseline in sheet.baselines:
        assert np.abs(np.array(printed) - baseline).min() < 1e-9
    assert len(sheet.baselines) == len(Sheet("a5", line_spacing=9).baselines)


def test_a_line_without_ink_takes_no_width():
    assert WrittenLine("a", []).width(2.4) == 0.0 and WrittenLine("a", []).fits(1.0, 2.4)
