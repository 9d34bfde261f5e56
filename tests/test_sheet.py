"""The sheet: what is printed, and photographs of it read back, or refused by name; never read wrong.

The photographs are simulated, and the writing is waves: `python -m minirnn.studies.simulated_sheets` measures the same
with as many photographs, and with as real a hand, as one likes.
"""

import collections
import itertools
import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn import sheet
from minirnn.datasets import read_jsonl
from minirnn.datasets.text import LETTERS
from minirnn.errors import MinirnnError
from minirnn.forms import geometry, photographs, prompts
from minirnn.forms.filled import check_bands, read_sheet
from minirnn.forms.marks import find_sheet
from minirnn.forms.photographs import RUN_TOGETHER, ReadBand
from minirnn.forms.printing import box_corner, box_picture, page_picture
from minirnn.images.image_files import save_image
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.reading.reader import Reading
from minirnn.studies import simulated_sheets
from minirnn.studies.simulated_sheets import RESOLUTION, Camera, photograph

A4 = geometry.PAPERS["a4"]
TEXTS = prompts.PAGES[0]


# --- what is printed ------------------------------------------------------------------------------------------------


def letter_pairs(text):
    """Count the pairs of letters that stand next to each other in a word: {pair: count}, upper and lower case apart."""
    words = re.findall(r"[A-Za-z]+", text)
    return collections.Counter(a + b for word in words for a, b in itertools.pairwise(word))


def pair_coverage(texts, corpus):
    """Share of the letter pairs of ``corpus``, each as often as it is used, that occur somewhere in ``texts``."""
    use, have = letter_pairs(corpus), letter_pairs(" ".join(texts))
    return sum(count for pair, count in use.items() if pair in have) / sum(use.values())


def test_letter_pairs_by_hand():
    assert letter_pairs("To be, to") == {"To": 1, "be": 1, "to": 1}
    # Of the pairs an, an, na: "man" has an, which is two thirds of the use.
    assert pair_coverage(["man"], "ana an") == pytest.approx(2 / 3)


def test_two_pages_bring_the_letters_and_pairs_of_english():
    texts = [text for page in prompts.PAGES[:2] for text in page]
    assert set(string.ascii_letters + string.digits + ".,;:!?'\"()-&") <= set("".join(texts))
    assert pair_coverage(texts, LETTERS.read_text(encoding="utf-8")) >= 0.93
    assert max(map(len, texts)) <= 43  # 170 mm hold so many letters of a large hand


def test_every_text_has_a_place_of_its_own():
    texts = [text for page in prompts.PAGES for text in page]
    assert len(set(texts)) == len(texts)
    for page in prompts.PAGES:
        assert geometry.band(len(page) - 1).bottom < geometry.BOX_HEIGHT - geometry.SQUARE
    bands = [geometry.band(index) for index in range(3)]
    assert bands[0].prompt < bands[0].top < bands[0].baseline < bands[0].bottom < bands[1].prompt


@pytest.mark.parametrize("number", range(1, len(prompts.PAGES) + 1))
def test_nothing_is_printed_inside_a_band(number):
    picture = box_picture(number, 4)
    for index in range(len(prompts.PAGES[number - 1])):
        left, top, right, bottom = photographs.band_corners(index)
        inside = picture[int(np.ceil(top * 4)) : int(bottom * 4), int(np.ceil(left * 4)) : int(right * 4)]
        assert inside.min() == 1
        above = picture[int(geometry.band(index).prompt * 4) : int(top * 4)]
        assert above.min() < 0.5  # and the prompt is there


@pytest.mark.parametrize("paper", geometry.PAPERS)
def test_the_pdf_has_the_pages_in_their_size_as_vectors(tmp_path, paper):
    path = tmp_path / "sheet.pdf"
    sheet.main(["-o", str(path), "--paper", paper])
    content = path.read_bytes()
    boxes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", content)
    points = [72 / 25.4 * length for length in geometry.PAPERS[paper]]
    assert [list(map(float, box)) for box in boxes] == [pytest.approx(points, abs=0.1)] * len(prompts.PAGES)
    assert b"/Subtype /Image" not in content


def test_the_sheet_fits_every_paper_with_room_for_the_printer():
    for size in geometry.PAPERS.values():
        assert min(box_corner(size)) > 10


def test_there_must_be_something_to_do():
    with pytest.raises(MinirnnError, match="nothing to do"):
        sheet.main([])


# --- the page's mark ------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**geometry.CODE_BITS - 1), st.sets(st.integers(0, 2 * geometry.CODE_BITS - 1)), st.booleans())
def test_no_blot_and_no_glare_makes_one_page_into_another(number, touched, dark):
    squares = [is_dark for _, is_dark in geometry.code_cells(number)]
    assert geometry.decode(squares) == number
    touched_squares = [dark if place in touched else was for place, was in enumerate(squares)]
    assert geometry.decode(touched_squares) in (number, None)


# --- finding the sheet ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def blank():
    """Page 1 on A4, as printed."""
    return page_picture(1, A4, RESOLUTION)


def take(picture, seed=0, **how):
    return photograph(picture, Camera(**{"megapixels": 1.5, **how}), np.random.default_rng(seed))


def paint(picture, left, top, right, bottom, grey=1.0):
    """A copy of an A4 page with a rectangle, in mm of the box, painted over."""
    picture, (x, y) = picture.copy(), box_corner(A4)
    left, right, top, bottom = (round(mm * RESOLUTION) for mm in (left + x, right + x, top + y, bottom + y))
    picture[top:bottom, left:right] = grey
    return picture


@pytest.mark.parametrize("turn", range(4))
def test_the_sheet_is_found_whichever_way_up_and_from_the_side(blank, turn):
    camera = Camera(megapixels=0.6, turn=turn, tilt=25, direction=70 * turn, roll=5, shadow=0.6)
    photo = photograph(blank, camera, np.random.default_rng(turn))
    _, truth = simulated_sheets.view(*A4, camera)
    points = np.array([[0, 0], [186, 0], [90, 120], [0, 256], [186, 256]])
    error = find_sheet(photo)(points) - truth(points + box_corner(A4))
    assert np.abs(error).max() < 1.0  # pixels: about 0.4 mm


@pytest.mark.parametrize("corner", range(4))
def test_a_covered_corner_is_named(blank, corner):
    x, y = geometry.CENTRES[corner]
    covered = paint(blank, x - 9, y - 9, x + 9, y + 9)
    with pytest.raises(MinirnnError, match=f"the {geometry.CORNERS[corner]} corner mark is missing or covered"):
        find_sheet(take(covered, megapixels=0.6, turn=corner, tilt=10))


def test_a_page_that_is_cut_off_is_told_from_a_covered_corner(blank):
    camera = Camera(megapixels=0.6, roll=10)  # turned clockwise, so that the upper right corner is farthest right
    _, truth = simulated_sheets.view(*A4, camera)
    edge = truth(geometry.MARKS[1] + box_corner(A4))[:, 0].min()
    with pytest.raises(MinirnnError, match="cut off at its upper right corner"):
        find_sheet(photograph(blank, camera, np.random.default_rng(0))[:, : int(edge) - 2])


@pytest.mark.parametrize("what", ["mirrored", "dark", "stripes"])
def test_what_is_no_sheet_is_refused(blank, what):
    y, x = np.mgrid[:600, :450]
    photos = {
        "mirrored": take(blank, megapixels=0.6)[:, ::-1],
        "dark": np.full((600, 450), 0.02),
        "stripes": 0.5 + 0.5 * np.sin(x * y / 600),
    }
    with pytest.raises(MinirnnError, match="no sheet found"):
        find_sheet(photos[what])


# --- refusing a photograph ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how, words",
    [
        ({"megapixels": 0.5}, "too small: .* nearer"),
        ({"blur": 0.7}, "too blurred: .* still"),
    ],
)
def test_small_and_blurred_photographs_are_refused(blank, how, words):
    with pytest.raises(MinirnnError, match=words):
        photographs.read_photo(take(blank, **how))


def test_the_measured_blur_is_that_of_the_edge():
    x = np.arange(-30, 30)
    for sigma in (1.5, 3.0, 5.0):
        edge = np.cumsum(np.exp(-(x**2) / (2 * sigma**2)))
        assert photographs.edge_blur(edge) == pytest.approx(sigma, rel=0.03)


def test_a_page_mark_or_print_that_does_not_fit_is_refused(blank):
    x, y = geometry.CODE_CORNER
    with pytest.raises(MinirnnError, match="page mark, cannot be read"):
        photographs.read_photo(take(paint(blank, x, y, x + 20, y + 8, grey=0.0)))
    with pytest.raises(MinirnnError, match="page 9 is of a sheet that this version does not know"):
        photographs.read_photo(take(with_mark(blank, 9)))
    with pytest.raises(MinirnnError, match="print of page 2 is not where it should be"):
        photographs.read_photo(take(with_mark(blank, 2)))  # its texts are those of page 1


def with_mark(picture, number):
    """The page with the mark of another one."""
    for (x, y), dark in geometry.code_cells(number):
        picture = paint(picture, x, y, x + geometry.CELL, y + geometry.CELL, 0.0 if dark else 1.0)
    return picture


# --- reading --------------------------------------------------------------------------------------------------------

EMPTY, TALL, LONG, HALF, HIDDEN = (2, 6, 8, 10), 4, 7, 9, 12
LEFT_OUT = {*EMPTY, TALL, TALL + 1, LONG, HALF, HIDDEN}
GOOD = [index for index in range(len(TEXTS)) if index not in LEFT_OUT]


@pytest.fixture(scope="module")
def filled():
    """A page with some lines that cannot be used: (picture, strokes of each band)."""
    rng = np.random.default_rng(5)
    lines = [simulated_sheets.place_line(simulated_sheets.wavy_line(text, rng), k, rng) for k, text in enumerate(TEXTS)]
    for index in EMPTY:
        lines[index] = []
    tail = geometry.band(TALL).baseline
    lines[TALL].append(np.array([[60, tail], [58, tail + 11]]))  # a long descender, into the room of the next line
    lines[LONG].append(np.array([[150, geometry.band(LONG).baseline], [184, geometry.band(LONG).baseline]]))
    lines[HALF] = lines[HALF][: len(lines[HALF]) // 3]
    picture = simulated_sheets.filled_page(1, lines, 0.5, A4)
    top = geometry.band(HIDDEN).prompt
    return paint(picture, geometry.BAND_LEFT, top - 0.5, geometry.BAND_RIGHT, top + 3.2), lines


@pytest.fixture(scope="module")
def photo(filled):
    camera = Camera(megapixels=4, turn=1, tilt=18, direction=40, lens=0.004)
    return photograph(filled[0], camera, np.random.default_rng(1))


@pytest.fixture(scope="module")
def folder(photo, blank, tmp_path_factory):
    """Photographs in files: the page, the same page again, and none at all."""
    folder = tmp_path_factory.mktemp("photos")
    for name, picture in {"one.jpg": photo, "again.jpg": take(blank), "none.jpg": np.ones((300, 200))}.items():
        save_image(folder / name, picture)
    return folder


@pytest.fixture(scope="module")
def found(folder):
    """What `read_sheet` finds in them: pages and refused photographs."""
    return read_sheet([folder / name for name in ("one.jpg", "again.jpg", "none.jpg")], folder / "hand")


@pytest.fixture(scope="module")
def read_back(folder, found):
    return found[0][folder / "one.jpg"]


def test_lines_that_cannot_be_used_are_named_and_the_others_kept(read_back):
    faults = {index: band.fault for index, band in enumerate(read_back.bands) if band.fault}
    assert {faults[index] for index in EMPTY} == {"nothing is written there"}
    assert "neighbouring line's room (below)" in faults[TALL]
    assert "neighbouring line's room (above)" in faults[TALL + 1]
    assert "off the end of the line (right)" in faults[LONG]
    assert "only a part of its text" in faults[HALF]
    assert "print cannot be made out" in faults[HIDDEN]
    assert faults.keys() == LEFT_OUT


def test_each_text_comes_with_what_was_written_below_it(filled, read_back):
    wrong, (covered, written, false, traced) = simulated_sheets.compare(read_back, 1, filled[1], 0.5)
    assert wrong == []
    assert covered / written > 0.93 and false / traced < 0.07  # the lens of this camera bends lines by 0.3 mm
    # The judge itself must see lines that were exchanged.
    exchanged = list(filled[1])
    for index, other in zip(GOOD, GOOD[1:] + GOOD[:1]):
        exchanged[index] = filled[1][other]
    assert len(simulated_sheets.compare(read_back, 1, exchanged, 0.5)[0]) == len(GOOD)


def test_the_command_writes_samples_and_says_what_it_left_out(folder, found, monkeypatch, capsys):
    monkeypatch.setattr(sheet, "read_sheet", lambda photos, out, reader: found)  # it takes seconds, and was done above
    with pytest.raises(MinirnnError, match="2 of 3 photographs refused"):
        sheet.main(["read", "one.jpg", "again.jpg", "none.jpg", "--out", str(folder / "hand")])
    said = capsys.readouterr().out
    assert f"{folder / 'one.jpg'}: page 1, {len(GOOD)} of 14 lines" in said
    assert f"line {EMPTY[0] + 1} ({TEXTS[EMPTY[0]]}) left out: nothing is written there" in said
    assert f"{folder / 'again.jpg'}: REFUSED: this is page 1 again, which {folder / 'one.jpg'} shows" in said
    assert f"{folder / 'none.jpg'}: REFUSED: no sheet found" in said
    assert "page 2 is in none of the photographs" in said
    samples = list(read_jsonl(folder / "hand" / "samples.jsonl"))
    assert [sample.text for sample in samples] == [TEXTS[index] for index in GOOD]
    assert {sample.group for sample in samples} == {"sheet page 1"}
    points = np.concatenate([point for sample in samples for point in sample.strokes])
    assert points[:, 0].min() > 0 and points[:, 0].max() < 170 and np.abs(points[:, 1]).max() < 10  # mm
    assert (folder / "hand" / "found-page-1.png").read_bytes().startswith(b"\x89PNG")


class Reads:
    """Reads each line as the text that is given in the place of its strokes, surely."""

    chars = CharVocabulary("".join({c for text in TEXTS for c in text} | {*"QX"}))

    def read_strokes(self, lines):
        return [Reading(text, np.full(len(text), 0.9), [], [], 0.0) for text in lines]

    def texts(self, lines):
        return list(lines)


def test_bands_that_read_otherwise_are_refused_and_small_ones_that_read_right_are_taken():
    right, other = TEXTS[0], "QX" * 20
    bands = [
        ReadBand(right, (), right), ReadBand(right, (), other), ReadBand(right, (), right, RUN_TOGETHER),
        ReadBand(right, (), other, RUN_TOGETHER), ReadBand(right, (), [], "nothing is written there"),
    ]  # fmt: skip
    check_bands(bands, Reads())
    faults = [band.fault for band in bands]
    assert faults[0] == "" and "not as printed" in faults[1] and "QXQX" in faults[1]
    assert faults[2] == "" and faults[3] == RUN_TOGETHER and faults[4] == "nothing is written there"


def test_nothing_is_written_when_nothing_can_be_read(tmp_path):
    save_image(tmp_path / "white.png", np.ones((300, 200)))
    with pytest.raises(MinirnnError, match=r"no line could be read; .*white.png: no sheet found"):
        sheet.main(["read", str(tmp_path / "white.png"), str(tmp_path / "gone.png"), "--out", str(tmp_path / "hand")])
    assert not (tmp_path / "hand").exists()


def test_simulated_photographs_are_never_read_wrong(tmp_path, capsys):
    command = ["--photos", "1", "--seed", "3", "--out", str(tmp_path)]
    simulated_sheets.main(command)
    said = capsys.readouterr().out
    assert re.search(r"^WRONG +0$", said, re.MULTILINE), said
    assert len((tmp_path / "seed-3.csv").read_text().splitlines()) == 2
    simulated_sheets.main(command)  # finds that all is done
    assert capsys.readouterr().out == said
