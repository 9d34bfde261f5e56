"""Pages from text to file: what the writer is asked for, and each format opened by a reader that knows nothing of us.

The page of three thousand characters is measured by `python -m minirnn.studies.pages`; here it is a shorter one.
"""

import dataclasses
import io
import re

import numpy as np
import pdf
import pytest
from browser import browsing
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from plotter_machines import draw, travel
from scipy.ndimage import gaussian_filter

from minirnn.drawing import FORMATS, PLOTTERS, save_pages, slips
from minirnn.drawing.layout import Page
from minirnn.drawing.paper import Sheet
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.strokes import bounding_box
from minirnn.write import main, numbers
from minirnn.writing.hands import Writer
from minirnn.writing.letters import handwrite, pages_of, read_letter, write_letter
from minirnn.writing.pen import Line

TEXT = """Dear Ana, thank you for the book and for your kind letter. We have read it aloud by the fire, every evening.

The garden is full of blossom now, and the old plum tree leans over the wall as if it wished to see who passes by.
Do write again soon."""

# --- a page with the shipped hand, written once ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def sheet():
    return Sheet("120x80", letter_size=2.2, paper="ruled", indent=6)


@pytest.fixture(scope="module")
def sections(sheet):
    writer = Writer()
    return write_letter(writer, read_letter(writer, TEXT), sheet, np.random.default_rng(1), raggedness=0.05)


@pytest.fixture(scope="module")
def pages(sections):
    return pages_of(sections, seed=1)


def test_every_word_is_written_whole_and_in_order(sections, pages):
    assert " ".join(line.text for line in lines_of(sections)).split() == TEXT.split()
    assert len(pages) == 2 and all(page.strokes for page in pages)
    assert "".join(page.text for page in pages).split() == TEXT.split()


def test_no_ink_leaves_the_margins(pages, sheet):
    left, top, right, bottom = sheet.text_box
    for page in pages:
        x_min, y_min, x_max, y_max = bounding_box(page.strokes)
        assert min(x_min - left, y_min - top, right - x_max, bottom - y_max) > -1e-9


def opened(content):
    """Darkness (H, W) from 0 to 1 of an image file's bytes."""
    return darkness(Image.open(io.BytesIO(content)))


def darkness(image):
    """Darkness (H, W) from 0 to 1 of a Pillow image."""
    return 1 - np.asarray(image.convert("L"), float) / 255


def alike(one, other):
    """Correlation of two pictures of one page, of which one may be larger by empty space below and to the right."""
    height, width = np.minimum(one.shape, other.shape)
    for picture in (one, other):
        assert not picture[height + 1 :].any() and not picture[:, width + 1 :].any()
    # Renderers smooth edges differently: a blur makes up for that.
    one, other = (gaussian_filter(picture[:height, :width], 1.0) for picture in (one, other))
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.fixture(scope="module")
def png(pages, tmp_path_factory):
    """The first page as PNG at 96 dpi, a browser's pixels."""
    (path,) = save_pages(pages[:1], tmp_path_factory.mktemp("png") / "page.png", colour="black", dpi=96)
    return opened(path.read_bytes())


def test_a_pdf_renderer_shows_the_pages(pages, png, tmp_path):
    (path,) = save_pages(pages, tmp_path / "letter.pdf", colour="black")
    pictures = [darkness(Image.fromarray(picture)) for picture in pdf.pictures(path.read_bytes(), dpi=96)]
    assert len(pictures) == len(pages)
    assert alike(pictures[0], png) > 0.95
    assert alike(pictures[1], png) < 0.7  # and not one page twice


def test_a_browser_shows_the_drawing_and_plays_the_animation(pages, png, tmp_path):
    (still,) = save_pages(pages[:1], tmp_path / "still.svg", colour="black")
    (single,) = save_pages(pages[:1], tmp_path / "single.svg", single_line=True)
    (moving,) = save_pages(pages[:1], tmp_path / "moving.svg", colour="black", animate=True)
    with browsing(tmp_path) as browser:
        for path, least in ((still, 0.95), (single, 0.8)):  # single lines come without the paper's rules
            browser.go(path.as_uri())
            assert alike(opened(browser.picture()), png) > least
        browser.go(moving.as_uri())
        assert browser.run("return document.getAnimations().length") == len(pages[0].strokes)
        inked = []
        for time in (0, 0.5, 1):  # of the whole
            browser.run(
                "const all = document.getAnimations();"
                "const end = Math.max(...all.map(one => one.effect.getComputedTiming().endTime));"
                f"all.forEach(one => {{ one.pause(); one.currentTime = {time} * end; }})"
            )
            inked.append(opened(browser.picture()))
    assert alike(inked[2], png) > 0.9
    assert alike(inked[0], png) < 0.4  # nothing but the rules is to be seen before the pen begins
    half, whole = ((picture - inked[0]).sum() for picture in inked[1:])
    assert half == pytest.approx(whole / 2, rel=0.3)


def test_a_plotter_draws_the_page_inside_its_area(pages, tmp_path):
    area = (0.0, 0.0, 200.0, 100.0)
    plotter = dataclasses.replace(PLOTTERS["grbl"], origin=(20, 15), area=area, feed=1500)
    paths = save_pages(pages, tmp_path / "letter.gcode", plotter=plotter)
    assert len(paths) == len(pages)
    for path, page in zip(paths, pages):
        made = draw(path.read_text(), "grbl")
        assert not made.down
        if page is pages[0]:  # the other has but one line, and little to choose
            assert made.travel < travel(page.strokes, (0, page.height)) / 1.8
        assert (made.visited >= area[:2]).all() and (made.visited <= area[2:]).all()
        x_min, y_min, x_max, y_max = bounding_box(page.strokes)
        low, high = np.concatenate(made.drawn).min(axis=0), np.concatenate(made.drawn).max(axis=0)
        np.testing.assert_allclose([*low, *high], [20 + x_min, 95 - y_max, 20 + x_max, 95 - y_min], atol=0.02)


# --- what the writer is asked for, and what becomes of what it gives ------------------------------------------------


class StraightHand:
    """Stands for a `minirnn.writing.hands.Writer`: every character is a hook, down and up, ``width`` units wide."""

    def __init__(self, width=1.5, fault=""):
        self.asked, self.width, self.fault = [], width, fault

    def unknown(self, text):
        return []

    def write(self, texts, rng, temperature=0.4, accept=lambda line: True, progress=None):
        self.asked += texts
        return [self.line(text) for text in texts if text]

    def line(self, text):
        points = np.cumsum([[0.0, 1.0], [self.width, -1.0]] * len(text), axis=0)
        strokes = [points[start : start + 6] for start in range(0, len(points), 6)]
        phi = np.eye(len(text) + 1)[[*np.arange(len(text)).repeat(2), len(text)]]
        return Line(text, np.arange(len(phi)), strokes, phi, self.fault)


def write(hand, text, sheet, **options):
    return write_letter(hand, read_letter(hand, text), sheet, np.random.default_rng(0), **options)


def lines_of(sections):
    return [cell.line for section in sections for row in section.rows for cell in row.cells]


def test_a_short_text_is_written_straight_away():
    hand = StraightHand()
    (line,) = lines_of(write(hand, "Dear Ana,", Sheet()))
    assert hand.asked == ["Dear Ana,"] and line.text == "Dear Ana,"


def test_a_longer_text_is_wrapped_by_the_width_of_the_hand():
    longest = {}
    for width in (1.0, 2.0):
        hand = StraightHand(width)
        write(hand, "ab " * 60, Sheet("a5"))
        (first, *lines) = hand.asked
        assert first == ("ab " * 60)[:40].strip()  # to see how wide it writes
        longest[width] = max(map(len, lines))
    assert longest[1.0] == pytest.approx(2 * longest[2.0], abs=3)


def test_what_is_not_as_it_should_be_is_said_in_one_line(capsys):
    sheet = Sheet("a6", letter_size=2)
    hand = StraightHand(2)
    hand.write = lambda texts, *rest, **more: [StraightHand(20).line(text) for text in texts]  # wider than its probe
    written = write(hand, "a word", sheet)
    said = capsys.readouterr().err
    assert said.startswith("minirnn: 1 of 1 lines came out too wide, and are written smaller: line 1, 'a word'; use")
    assert said.count("\n") == 1
    (page,) = pages_of(written)
    assert bounding_box(page.strokes)[2] <= sheet.text_box[2] + 1e-9
    write(StraightHand(fault="ran on"), "a word\nor two", sheet)
    said = capsys.readouterr().err
    assert said.startswith("minirnn: 2 of 2 lines may be wrong: line 1, 'a word' (ran on); line 2, ")
    assert said.count("\n") == 1


def test_a_page_that_was_not_asked_for_is_as_large_as_its_ink_and_margins():
    sheet = Sheet(margins=(9,) * 4, paper="squared")
    (page,) = pages_of(write(StraightHand(), "some words\n\nand more\n\n\n", sheet), size=False)
    x_min, y_min, x_max, y_max = bounding_box(page.strokes)
    assert page.width == pytest.approx(x_max + 9, abs=0.02) and page.width < 100
    assert page.height >= y_max + 9 and page.height < 70
    assert min(x_min, y_min) >= 9
    assert page.text.split("\n") == ["some words", "and more", ""]
    assert max(line[:, 0].max() for _, line in page.guides) <= page.width


def test_handwrite_writes_what_it_can(tmp_path):
    hand = StraightHand()
    hand.unknown = lambda text: sorted(set(text) & set("#"))
    (path,) = handwrite("\nDéar #1\n", tmp_path / "a.svg", hand)
    assert hand.asked == ["Dear 1"] and "<title>Dear 1</title>" in path.read_text(encoding="utf-8")


# --- slips ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.text("abcé-'1", min_size=1, max_size=9), max_size=20), st.floats(0, 1), st.integers(0, 99))
def test_without_its_slips_the_text_is_what_it_was(words, rate, seed):
    text = " ".join(words)
    marked = slips.with_slips(text, rate, np.random.default_rng(seed))
    assert slips.without_struck(marked) == text
    plain, spans = slips.find_struck(marked)
    assert plain == marked.replace(slips.STRUCK, "")
    for begin, end in spans:
        wrong, right = plain[begin:end], plain[end + 1 :].split(" ")[0]
        assert wrong != right and (right.startswith(wrong) or sorted(wrong) == sorted(right[: len(wrong)]))


def test_slips_are_as_many_as_were_asked_for():
    text, rng = "four letters more than this there\n" * 300, np.random.default_rng(0)
    assert slips.with_slips(text, 0.0, rng) == text
    assert slips.with_slips(text, 0.1, rng).count(slips.STRUCK) == pytest.approx(180, abs=40)  # of six long words
    assert slips.with_slips("as he is, 1234 it's", 1.0, rng) == "as he is, 1234 it's"


def test_a_strike_goes_through_its_word_and_no_other():
    line = StraightHand().line("one abcd two")
    drawn = slips.strike_out(line, [(4, 8)], np.random.default_rng(0))
    (number,) = [k for k, stroke in enumerate(drawn) if not any(stroke.shape == old.shape for old in line.ink)]
    x, y = drawn[number].T
    letters = 1.5 * np.array([4, 8])  # where the word begins and ends
    assert letters[0] - 0.5 < x.min() < letters[0] + 1 and letters[1] - 1 < x.max() < letters[1] + 2
    assert y.min() > 0 and y.max() < 1  # between the top and the foot of the letters
    # It is drawn when the word is done, and before the next one.
    assert drawn[number - 1][0, 0] < letters[1] < drawn[number + 1][-1, 0]


def test_struck_words_are_in_the_ink_and_not_in_the_text():
    hand = StraightHand()
    (line,) = lines_of(write(hand, "garden", Sheet(), slips=1.0))
    assert line.text == "garden" and hand.asked[0].endswith(" garden")
    assert len(line.strokes) == len(hand.line(hand.asked[0]).strokes) + 1


# --- the command ----------------------------------------------------------------------------------------------------


def run(tmp_path, monkeypatch, *argv, hand=None):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minirnn.write.Writer", lambda *rest, **more: hand or StraightHand())
    return run_command(main, list(argv))


def test_the_options_reach_the_page(tmp_path, monkeypatch):
    (tmp_path / "letter.txt").write_text("Dear Ana,\nthank you.\n")
    options = "--page a6 --margin 5,10,15,20 --paper squared --line-spacing 10 --untidiness 0 --colour teal"
    assert run(tmp_path, monkeypatch, "--file", "letter.txt", "-o", "a.svg", "--pen-width", "1", *options.split()) == 0
    drawn = (tmp_path / "a.svg").read_text()
    assert 'width="105mm" height="148mm"' in drawn and "#008080" in drawn
    assert max(map(float, re.findall(r'stroke-width="([\d.]+)" d="M20\.0', drawn))) == pytest.approx(1, rel=0.2)


def test_a_text_cut_at_a_fixed_width_is_put_together_again_if_one_asks(tmp_path, monkeypatch):
    (tmp_path / "letter.txt").write_text("Dear Ana,\n\nthank you for the\nbook.\n")
    for options, paragraphs in [([], ["Dear Ana,", "", "thank you for the", "book."]),
                                (["--unwrap"], ["Dear Ana,", "", "thank you for the book."])]:  # fmt: skip
        hand = StraightHand()
        run(tmp_path, monkeypatch, "--file", "letter.txt", "-o", "a.svg", *options, hand=hand)
        assert hand.asked == [line for line in paragraphs if line]


def test_plotter_options_reach_the_gcode(tmp_path, monkeypatch):
    options = "--page a6 --origin 5,6 --area 0,0,120,160 --feed 900 --travel 4000 --delay 0.2 --footer M2"
    assert run(tmp_path, monkeypatch, "Ana", "-o", "a.gcode", *options.split()) == 0
    text = (tmp_path / "a.gcode").read_text()
    assert "F900" in text and "F4000" in text and "G4 P0.2" in text and text.endswith("M2\n")
    made = draw(text, "grbl")
    np.testing.assert_array_equal(made.visited[[0, -1]], [[5, 6]] * 2)
    assert len(made.drawn) == len(StraightHand().line("Ana").strokes)


@pytest.mark.parametrize("name", PLOTTERS)
def test_a_plotter_is_chosen_by_its_name_and_its_work_is_said(tmp_path, monkeypatch, capsys, name):
    suffix = FORMATS[PLOTTERS[name].language][0]
    options = ["--plotter", name, "--delay", "0.2", "--page", "a6"]
    assert run(tmp_path, monkeypatch, "Ana", "-o", f"a{suffix}", *options) == 0
    said = capsys.readouterr().err
    assert re.fullmatch(r"minirnn: page 1: [\d.]+ m drawn, [\d.]+ m with the pen up, about \d+ \w+\n", said)
    text = (tmp_path / f"a{suffix}").read_text()
    if suffix != ".svg":
        made = draw(text, "hpgl" if name == "hpgl" else name.split("-")[0])
        assert sum(map(len, made.drawn)) >= 6 and not made.down


def test_standard_input_and_output(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\ufeffAna\n".encode())))
    hand = StraightHand()
    assert run(tmp_path, monkeypatch, "--file", "-", "-o", "-", "--format", "svg", "--page", "a6", hand=hand) == 0
    assert hand.asked == ["Ana"] and not list(tmp_path.iterdir())
    assert capfdbinary.readouterr().out.startswith(b"<?xml")
    pages = ["a\n" * 60, "-o", "-", "--page", "a6", "--format"]
    assert run(tmp_path, monkeypatch, *pages, "pdf") == 0
    assert capfdbinary.readouterr().out.startswith(b"%PDF")
    assert run(tmp_path, monkeypatch, *pages, "png") == 2
    said = capfdbinary.readouterr()
    assert said.out == b"" and b"pages, one file each; use --format pdf" in said.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["Ana", "-o", "a.gcode", "--area", "0,0,15,15"], "outside the plotter's area x 0 to 15"),
        (["Ana", "-o", "a.png", "--feed", "900"], "--feed is for .gcode and .hpgl, not for a.png"),
        (["Ana", "-o", "a.svg", "--plotter", "marlin"], "reads gcode, not svg; use a name that ends in .gcode"),
        (["Ana", "-o", "a.svg", "--plotter", "axidraw", "--split"], "one file per page"),
        (["Ana", "-o", "-"], "-o - needs --format"),
        (["Ana", "-o", "a.png", "--format", "svg"], "does not go with the name a.png"),
        (["Ana", "-o", "a.gcode", "--origin", "5"], "'5' is not 2 numbers, separated by commas"),
        (["Ana", "-o", "a.gcode", "--area", "0,0,nan,1"], "is not 4 numbers"),
        (["Ana", "-o", "a.png", "--margin", "1,2"], "'1,2' is not 1 or 4 numbers"),
        (["Ana", "-o", "a.png", "--margin=-3"], "must not be negative"),
        (["Ana", "-o", "a.png", "--raggedness", "1.5"], "'1.5' is not from 0"),
        (["Ana", "-o", "a.png", "--slips=-1"], "is not a number of zero or more"),
        (["Ana", "-o", "a.png", "--pen-width", "101"], "blots out the page; choose one of at most 100 mm"),
        (["Ana", "-o", "a.png", "--letter-size", "0.09"], "too small to write; give 0.1 mm or more"),
        (["Ana", "-o", "a.png", "--colour", "bleu"], "unknown colour 'bleu'"),
        (["Ana", "-o", "a.png", "--page", "a44"], "unknown page size"),
        (["a" * 200, "-o", "a.png", "--page", "a6"], "put a space into it"),
        (["Ana", "-o", "no/a.png"], "cannot write"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_and_nothing_is_written(tmp_path, monkeypatch, capsys, argv, message):
    assert run(tmp_path, monkeypatch, *argv) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_numbers():
    assert numbers(1, 4)("1,2,3,4") == (1, 2, 3, 4) and numbers(2)(" 5, -6.5") == (5, -6.5)


def test_pages_without_lines_can_be_saved(tmp_path):
    for suffix in ("png", "svg", "pdf", "gcode"):
        save_pages([Page(50.0, 40.0)], tmp_path / f"empty.{suffix}")
    with pytest.raises(MinirnnError, match="nothing to write"):
        handwrite("\n ", tmp_path / "a.png", StraightHand())
