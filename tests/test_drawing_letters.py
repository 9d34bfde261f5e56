"""Letters as they are typed: lists, columns, mark-up, page breaks; and what a ruler says about the page."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from minirnn.drawing.layout import WrittenLine, lay_out
from minirnn.drawing.markup import Paragraph, parse, words_of
from minirnn.drawing.paper import ENVELOPES, Sheet
from minirnn.drawing.wrapping import BULLET, STEP, rows_of
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box
from minirnn.writing.letters import pages_of, read_letter, write_letter

SIZE = 2.0  # of the letters, in mm


class SteadyHand:
    """Writes every character as a loop that stands on the baseline and is as high as a small letter, and a unit wide;
    an l is twice as high, a g hangs as far below. It says where: baseline 0, x-height 1."""

    def __init__(self):
        self.asked = []

    def unknown(self, text):
        return sorted(set(text) & set("é“”’•"))

    def write(self, texts, rng, temperature=0.4, accept=lambda line: True, progress=None):
        self.asked += texts
        return [self.line(text) for text in texts]

    def line(self, text):
        strokes = []
        for place, letter in enumerate(text):
            if letter != " ":
                top, bottom = -2.0 if letter in "lL" else -1.0, 1.0 if letter == "g" else 0.0
                middle = (top + bottom) / 2
                x = np.array([0.0, 0.45, 0.9, 0.45, 0.0]) + place
                strokes.append(np.column_stack([x, [middle, bottom, middle, top, middle]]))
        return SimpleNamespace(text=text, strokes=strokes, ink=strokes, fault="", faults=[], phi=None)


@pytest.fixture(autouse=True)
def known_metrics(monkeypatch):
    """The steady hand's metrics need not be found."""
    monkeypatch.setattr(WrittenLine, "metrics", property(lambda line: (0.0, 1.0)))


def letter(text, sheet=None, **options):
    """(pages, {text of a line: its strokes' (x_min, y_min, x_max, y_max)}) of a text, written tidily."""
    hand, sheet = SteadyHand(), sheet or Sheet("a5", letter_size=SIZE)
    sections = read_letter(hand, text)
    pages = pages_of(write_letter(hand, sections, sheet, np.random.default_rng(0)), untidiness=0, **options)
    return pages


def places(pages):
    return {place.text: place for page in pages for place in page.places}


LEFT = 14.8  # the margin of A5, a tenth of its width
WIDTH = 148 - 2 * LEFT
ADVANCE = SIZE  # of the steady hand, once it has been seen; 1.3 SIZE before


# --- what plain text says -------------------------------------------------------------------------------------------


def test_every_kind_of_line_end_ends_a_line():
    expected = [["one"], ["two"], [], ["three"]]
    for end in ("\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\x0b"):
        (section,) = parse(end.join(["one", "two", "", "three"]))
        assert [paragraph.cells for paragraph in section.paragraphs] == expected, repr(end)


def test_tabs_and_spaces_set_the_first_line_in():
    found = places(letter("one\n\ttwo\n\t\tthree\n  four"))
    assert found["one"].x == pytest.approx(LEFT)
    assert found["two"].x == pytest.approx(LEFT + STEP * SIZE)
    assert found["three"].x == pytest.approx(LEFT + 2 * STEP * SIZE)
    assert LEFT + 1.5 * SIZE < found["four"].x < LEFT + 3 * SIZE


def test_columns_stand_below_each_other_and_the_last_is_broken_into_lines():
    words = "a long remark " * 8
    pages = letter(f"Name\tPrice\tRemark\nTea leaves\t3\t{words}\nCup\t\tnone\n\nafter")
    found = places(pages)
    assert found["Name"].x == found["Tea leaves"].x == found["Cup"].x == pytest.approx(LEFT)
    assert found["Price"].x == found["3"].x > LEFT + 10 * SIZE
    remark = [place for place in pages[0].places if place.x == pytest.approx(found["Remark"].x)]
    assert " ".join(place.text for place in remark) == f"Remark {words}none".strip()
    assert len(remark) > 4 and found["none"].y == found["Cup"].y > found["3"].y
    # Three spaces do what a tab does, two do not.
    assert [parse(text)[0].paragraphs[0].cells for text in ("Tea   3", "So.  But")] == [["Tea", "3"], ["So.  But"]]


@pytest.mark.parametrize("mark", ["- ", "1. ", "12) ", "a) ", "• ", "* ", "‣ "])
def test_the_items_of_a_list_hang(mark):
    item = "milk and honey " * 10
    (page,) = letter(f"{mark}{item}\n\t{mark}more of it")
    own = [place for place in page.places if "more" not in place.text]
    assert len(own) > 2 and len({round(place.x, 6) for place in own[1:]}) == 1
    drawn = mark[0] in "•*‣"
    assert own[0].text.startswith("milk" if drawn else mark + "milk")
    assert own[0].x == pytest.approx(LEFT + (BULLET * SIZE if drawn else 0))
    assert own[1].x == pytest.approx(own[0].x if drawn else LEFT + len(mark) * ADVANCE, rel=0.2)
    bullets = [stroke for stroke in page.strokes if len(stroke) > 20]
    assert len(bullets) == (2 if drawn else 0)
    if drawn:
        middle = (bullets[0].min(axis=0) + bullets[0].max(axis=0)) / 2
        assert LEFT < middle[0] < own[0].x and own[0].y - SIZE < middle[1] < own[0].y
        assert bullets[1][:, 0].min() == pytest.approx(LEFT + STEP * SIZE)


def test_what_only_looks_like_a_list_is_written_as_it_is():
    for text in ("-5 degrees", "1945. It was", "i.e. this", "*", "1.5 litres", "a", "-"):
        (paragraph,) = parse(text)[0].paragraphs
        assert paragraph == Paragraph([text]), text


@given(st.text("ab {}[]()<>#_=+|\\/.,;:!?\"'&%$@^~`", max_size=30))
def test_plain_text_survives(line):
    (section,) = parse(line)
    (paragraph,) = section.paragraphs
    assert " ".join(paragraph.cells).split() == line.split() and paragraph.align == "left" and not paragraph.hang


# --- pages ----------------------------------------------------------------------------------------------------------


def test_blank_lines_make_no_page_without_ink():
    assert len(letter("one" + 60 * "\n")) == 1
    first, second = letter("one" + 60 * "\n" + "two")
    assert [place.text for place in (*first.places, *second.places)] == ["one", "two"]
    assert second.places[0].y == Sheet("a5", letter_size=SIZE).baselines[0]
    (page,) = letter(60 * "\n" + "one")
    assert page.strokes
    (page,) = letter("\n\none")  # but some blank lines at the top stay
    assert page.places[0].y == Sheet("a5", letter_size=SIZE).baselines[2]


@pytest.mark.parametrize(
    "text",
    ["one\ftwo", "one\n\f\ntwo", "one\n{page}\ntwo", "\fone\n\f\f\n\ftwo\f", "one\n{page}\n\n{page}\ntwo"],
)
def test_page_breaks(text):
    first, second = letter(text)
    assert (first.text, second.text) == ("one\n", "two\n")


def test_a_page_may_have_another_size():
    first, second, third = letter("Dear Ana,\n{page dl}\nAna Lee\n12 Mill Lane\n{page a6 landscape}\ncard")
    assert (first.width, second.width, third.width, third.height) == (148, 220, 148, 105)
    address = second.places[0]
    assert address.x > 0.4 * second.width and address.y > 0.4 * second.height
    with pytest.raises(MinirnnError, match="unknown page size 'a44'"):
        letter("one\n{page a44}\ntwo")


@pytest.mark.parametrize("size", ENVELOPES)
def test_an_address_of_six_lines_fits_an_envelope(size):
    assert len(letter("\n".join(["Ana Lee", "c/o Vera Hill", "12 Mill Lane", "Old Town", "AB1 2CD", "England"]),
                      Sheet(size))) == 1  # fmt: skip


def test_even_pages_have_mirrored_margins():
    sheet = Sheet("a5", margins=(10, 8, 10, 30), letter_size=SIZE, mirrored=True, paper="ruled")
    pages = letter("one\n{page}\ntwo\n{page}\nthree", sheet)
    assert [page.places[0].x for page in pages] == pytest.approx([30, 8, 30])
    rules = [next(line for colour, line in page.guides if line[0, 0] == line[1, 0])[0, 0] for page in pages]
    assert rules == pytest.approx([28, 6, 28])


# --- mark-up --------------------------------------------------------------------------------------------------------


def test_right_centred_and_quoted():
    text = "{right} 12 May\n{centre} Programme\n{quote} As I said. " + "word " * 30 + "\nplain\n\\{right} plain"
    (page,) = letter(text)
    date, title, *quoted, plain, escaped = page.places
    assert date.x + date.width == pytest.approx(LEFT + WIDTH)
    assert title.x + title.width / 2 == pytest.approx(148 / 2)
    assert len(quoted) > 1 and {round(place.x, 6) for place in quoted} == {LEFT + STEP * SIZE}
    assert max(place.x + place.width for place in quoted) <= LEFT + WIDTH - STEP * SIZE + 1e-9
    assert plain.x == escaped.x == pytest.approx(LEFT) and escaped.text == "{right} plain"


def test_a_mark_alone_on_its_line_holds_until_the_next():
    sections = parse("one\n{right}\ntwo\n\n{centre} three\nfour\n{page}\nfive\n{left}\nsix")
    aligned = {p.cells[0]: p.align for section in sections for p in section.paragraphs if p.cells}
    assert " ".join(aligned.values()) == "left right centre right right left"
    assert words_of(sections) == "one two three four five six"


def test_what_has_no_room_is_named():
    with pytest.raises(MinirnnError, match="'deep' is indented so far"):
        letter("\t" * 20 + "deep")
    with pytest.raises(MinirnnError, match=r"a table of 2 columns, with 'a{50}.*wider than the page"):
        letter("a" * 90 + "\tb")


def test_unseen_characters_go_and_typographic_marks_are_written(capsys):
    hand = SteadyHand()
    sections = read_letter(hand, "co\u00adoperation\u200b, \ufeff“It’s”\u00a0so")
    assert words_of(sections) == "cooperation, \"It's\" so"
    with pytest.raises(MinirnnError, match=r"cannot write U.00E9 .*; leave"):
        read_letter(hand, "é")
    assert words_of(read_letter(hand, "éa", skip=True)) == "a" and "é" in capsys.readouterr().err
    assert words_of(read_letter(hand, "é•\n• b", plain=True, skip=True)) == "e b"


# --- with a ruler ---------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(
    margins=st.tuples(*[st.floats(5, 30)] * 4),
    size=st.floats(1, 4),
    spacing=st.floats(2.6, 5),
    text=st.sampled_from(["ale gala", "ogle a gal\n\tla"]),
)
def test_margins_letter_size_and_line_spacing_are_what_was_asked_for(margins, size, spacing, text):
    sheet = Sheet("a4", margins, size, size * spacing)
    top, right, bottom, left = margins
    pages = letter("\n".join([text] * 90), sheet)
    for page in pages[:-1]:
        x_min, y_min, _, y_max = bounding_box(page.strokes)
        assert x_min == pytest.approx(left)
        assert 0 <= y_min - top < 0.7 * size  # the tallest letter of the first line reaches the margin, or nearly
        assert 0 <= 297 - bottom - y_max < size * spacing + 1.6 * size  # no more line fits
        small = [stroke for stroke in page.strokes if np.ptp(stroke[:, 1]) < 1.01 * size]
        feet = np.unique([round(stroke[:, 1].max(), 6) for stroke in small])
        np.testing.assert_allclose(np.diff(feet), size * spacing, atol=1e-5)
        heights = [np.ptp(stroke[:, 1]) for stroke in page.strokes]
        assert min(heights) == pytest.approx(size)
    long = letter("a" * 7 + " " + "a" * 7, dataclasses.replace(sheet, size=f"{left + right + 12 * size}x200"))
    assert bounding_box(long[0].strokes)[2] <= left + 12 * size + 1e-9


def test_a_ruler_on_the_shipped_hand(monkeypatch):
    """Small letters without stems are as high as they were asked to be, within what a hand varies."""
    monkeypatch.undo()
    from minirnn.writing.hands import Writer

    writer, sheet = Writer(), Sheet("a4", letter_size=2.4)
    text = "we saw our new arena near a rose\nno sun so we use wax or resin"
    (page,) = pages_of(write_letter(writer, read_letter(writer, text), sheet, np.random.default_rng(0)), untidiness=0)
    heights = [np.ptp(stroke[:, 1]) for stroke in page.strokes]
    assert np.median([height for height in heights if 1 < height < 5]) == pytest.approx(2.4, rel=0.12)
    for place in page.places:
        feet = [stroke[:, 1].max() for stroke in page.strokes if abs(stroke[:, 1].max() - place.y) < 4]
        assert abs(np.median(feet) - place.y) < 0.5


def test_rows_can_be_laid_out_without_ink():
    sheet = Sheet("a5")
    (page,) = lay_out(rows_of(parse("\n\n")[0].paragraphs, sheet, 2.0), sheet)
    assert not page.strokes and not page.places
