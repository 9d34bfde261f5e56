"""Every format is read back: PNG by Pillow, SVG by an XML parser, G-code by a simulated plotter, PDF by its objects."""

import dataclasses
import io
import re
import xml.etree.ElementTree as ElementTree
import zlib
from itertools import pairwise

import numpy as np
import pdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minirnn import drawing
from minirnn.drawing import png
from minirnn.drawing.animate import page_animation
from minirnn.drawing.ink import PENS, check_colour, choose_pen, ink, mixed, simplified
from minirnn.drawing.layout import Page, Place
from minirnn.drawing.paper import Sheet
from minirnn.drawing.pdf import pages_pdf
from minirnn.drawing.png import line_image, page_png
from minirnn.drawing.svg import page_single_line_svg, page_svg
from minirnn.errors import MinirnnError

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"


def curve(x, y, size=5.0):
    t = np.linspace(0, 2, 60)
    return np.column_stack([x + size * t, y + size * np.sin(3 * t)])


@pytest.fixture
def page():
    strokes = [curve(12, 20), np.array([[30.0, 20.0]]), np.array([[35.0, 15.0], [35.0, 25.0]])]
    return Page(60.0, 40.0, Sheet("60x40", margins=(5,) * 4, paper="ruled").guides, strokes, "a & b\n")


# Ink


@settings(deadline=None)
@given(st.floats(0.3, 20), st.floats(0.1, 6), st.integers(2, 400))
def test_leaving_out_points_moves_the_ink_by_less_than_a_print_shows(size, turns, count):
    angle = np.linspace(0, turns, count)
    stroke = size * np.column_stack([np.cos(angle), np.sin(angle)])
    points = simplified(stroke)
    assert len(points) <= max(2, count)
    assert {tuple(points[0]), tuple(points[-1])} <= {tuple(p) for p in stroke}
    # Of an arc, the chord is farthest at its middle. Where the stroke itself is coarser, nothing can be left out.
    middles = np.hypot(*((points[1:] + points[:-1]) / 2).T)
    coarse = size * (1 - np.cos(turns / (count - 1) / 2))
    assert (size - middles).max() <= max(0.02, 2.1 * coarse)


def test_corners_stay():
    corner = np.array([[0.0, 0], [1, 0], [2, 0], [2, 1], [2, 2]])
    assert simplified(corner).tolist() == [[0, 0], [2, 0], [2, 2]]


def test_runs_of_a_stroke_join_up(page):
    for pen in PENS.values():
        runs = ink(page.strokes[:1], pen)
        for before, after in pairwise(runs):
            np.testing.assert_array_equal(before.points[-1], after.points[0])
            assert (before.width, before.darkness) != (after.width, after.darkness)
        assert all(len(run.points) >= 2 and 0 < run.width <= 1.3 * pen.width for run in runs)


def test_a_fountain_pen_is_thin_along_its_nib_and_broad_across_it():
    pen = PENS["fountain"]
    along = np.radians(pen.nib_angle)
    width = {}
    for name, angle in [("along", along), ("across", along + np.pi / 2)]:
        (run, *_) = ink([np.array([[0, 0], [10 * np.cos(angle), -10 * np.sin(angle)]])], pen)
        width[name] = run.width
    assert width["along"] == pytest.approx(pen.thin * pen.width, rel=0.3)
    assert width["across"] == pytest.approx(pen.width, rel=0.1)


def test_a_dot_has_the_pens_width():
    for pen in PENS.values():
        (run,) = ink([np.array([[3.0, 4.0]])], pen)
        assert run.width == pen.width and run.darkness == 1


def test_pens_and_colours_that_do_not_exist_are_named():
    with pytest.raises(MinirnnError, match="unknown pen 'quill'; use one of ballpoint, fountain, pencil"):
        choose_pen("quill")
    with pytest.raises(MinirnnError, match="unknown colour 'bleu'"):
        choose_pen("fountain", "bleu")
    assert choose_pen("fountain", "navy").colour == "#000080" and check_colour("#000080") == ("#000080", 1.0)
    assert check_colour("#00008080") == ("#000080", 128 / 255)
    with pytest.raises(MinirnnError, match="cannot be seen"):
        check_colour("#00008000")
    assert mixed("#000080", 0.0) == "#ffffff" and mixed("#000080", 1.0) == "#000080"


# PNG


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_png_has_its_size_in_millimetres_and_ink_where_the_strokes_are(page):
    page.guides = []
    image = opened(page_png(page, choose_pen("ballpoint", "black"), dpi=254))  # 10 pixels to the millimetre
    assert image.size == (600, 400)
    assert image.info["dpi"] == pytest.approx((254, 254), abs=0.1)
    dark = np.asarray(image.convert("L")) < 128
    rows, columns = np.nonzero(dark[:, 345:356])
    assert abs(rows.min() - 148) <= 1 and abs(rows.max() - 251) <= 1
    # Where the upright stroke is, a row holds as many dark pixels as the pen is wide, in the right place.
    assert dark[200, 345:356].sum() == pytest.approx(10 * PENS["ballpoint"].width, abs=1)
    assert columns.mean() == pytest.approx(4.5, abs=0.3)
    assert dark[200, 300]  # the dot
    assert not dark[:, :110].any()


def test_ink_covers_the_area_of_its_width_times_its_length():
    run = png.Run(np.array([[10.0, 10.3], [110.0, 50.7]]), 3.0, 1.0)
    length = np.hypot(100, 40.4)
    cover = png.coverage([run], 120, 60, 1.0) / 255
    assert cover.sum() == pytest.approx(3 * length + np.pi * 1.5**2, rel=0.03)


def test_strips_leave_no_seam(page, monkeypatch):
    whole = page_png(page, PENS["fountain"], dpi=100)
    monkeypatch.setattr(png, "STRIP", 7)
    difference = np.asarray(opened(whole), int) - np.asarray(opened(page_png(page, PENS["fountain"], dpi=100)), int)
    # Pillow rounds coordinates, so an edge may move by a quarter of a pixel; a seam would be a whole one.
    assert np.abs(difference).max() <= 128 and np.mean(difference != 0) < 0.01


def test_pencil_is_paler_than_ink_of_its_colour(page):
    page.guides = []

    def darkness(pen):
        ink = 255 - np.asarray(opened(page_png(page, choose_pen(pen, "black"))).convert("L"), float)
        return ink[ink > 0].mean()

    assert darkness("pencil") < 0.7 * darkness("ballpoint")


def test_an_image_too_large_is_refused(page):
    with pytest.raises(MinirnnError, match="use between 10 and 600 dpi"):
        page_png(page, PENS["pencil"], dpi=20000)


def test_line_image_is_what_a_recogniser_expects():
    strokes = [np.array([[1.0, 1.0], [1.0, 4.0]]), np.array([[1.0, 2.0], [11.0, 2.0]])]
    image = line_image(strokes)
    assert image.dtype == np.uint8
    assert image.shape == (3 * 22 + 19, 10 * 22 + 19)
    assert image[0].min() == image[-1].min() == image[:, 0].min() == image[:, -1].min() == 255
    assert (image[:, 150] < 128).sum() == 3  # the pen's width
    assert (image[50, :40] < 128).sum() == 3
    assert line_image([np.array([[0.0, 0.0]])]).min() == 0  # a dot is drawn


def layers(page, **look):
    return np.asarray(opened(drawing.page_files([page], "png", drawing.Look(colour="black", **look))[0][1]), int)


def test_a_transparent_png_laid_on_white_is_the_opaque_one_and_has_no_ground(page):
    page.guides = []
    clear, opaque = layers(page, transparent=True), layers(page)
    alpha = clear[..., 3:]
    assert (alpha[:100] == 0).all() and alpha.max() == 255
    laid = (clear[..., :3] * alpha + 255 * (255 - alpha)) / 255
    assert np.abs(laid - opaque).max() <= 1
    assert (clear[..., :3][alpha[..., 0] > 0] == 0).all()  # no light edges: ink is black wherever there is any


def test_the_paper_shows_through_ink_that_is_not_opaque(page):
    page.guides, half = [], drawing.Look(colour="#ff000080", pen_width=2)
    files = {kind: drawing.page_files([page], kind, half)[0][1] for kind in ("png", "svg", "pdf")}
    darkest = np.asarray(opened(files["png"])).reshape(-1, 3).min(axis=0)
    assert abs(int(darkest[1]) - 127) <= 1 and darkest[0] == 255  # red on white
    assert b'opacity="0.502"' in files["svg"] and b"#ff0000" in files["svg"]
    (picture,) = pdf.pictures(files["pdf"], dpi=50)
    assert abs(int(picture[..., 1].min()) - 127) <= 2


# SVG


def points_of(path):
    return [np.array([pair.split() for pair in part.split("L")], float) for part in path.get("d").split("M")[1:]]


@pytest.mark.parametrize("pen", PENS)
def test_svg_is_in_millimetres_and_draws_all_the_ink(page, pen):
    root = ElementTree.fromstring(page_svg(page, PENS[pen]).encode())
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("60mm", "40mm", "0 0 60 40")
    assert root.find(f"{SVG}title").text == "a & b"
    paper, inked = root.findall(f"{SVG}g")
    assert [layer.get(f"{INKSCAPE}groupmode") for layer in (paper, inked)] == ["layer"] * 2
    assert paper.get(f"{INKSCAPE}label") == "%paper"  # which the software of the AxiDraw does not draw
    assert inked.get(f"{INKSCAPE}label") == f"1 page 1, ink {PENS[pen].colour}"
    guides, inked = paper.findall(f"{SVG}path"), inked.findall(f"{SVG}path")
    assert len(guides) == len(page.guides) > 0
    length = sum(np.hypot(*np.diff(part, axis=0).T).sum() for path in inked for part in points_of(path))
    expected = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in page.strokes)
    assert length == pytest.approx(expected, rel=0.01)
    assert len({(path.get("stroke-width"), path.get("stroke")) for path in inked}) == len(inked)


def test_single_line_svg_is_one_path_a_stroke_and_nothing_else(page):
    root = ElementTree.fromstring(page_single_line_svg(page).encode())
    assert [child.tag for child in root] == [f"{SVG}title", f"{SVG}g"]
    paths = list(root.find(f"{SVG}g"))
    assert len(paths) == len(page.strokes)
    for path, stroke in zip(paths, page.strokes):
        (points,) = points_of(path)
        np.testing.assert_allclose(points[0], stroke[0], atol=0.006)
        np.testing.assert_allclose(points[-1], stroke[-1], atol=0.016)  # a dot is a hundredth of a millimetre long


def animated(page, **settings):
    """Start and length in seconds of each stroke of an animation."""
    root = ElementTree.fromstring(page_animation(page, PENS["ballpoint"], **settings).encode())
    style = [path.get("style") for path in root.findall(f"{SVG}g")[-1]]
    numbers = r"animation-delay:([\d.]+)s;animation-duration:([\d.]+)s"
    return np.array([re.fullmatch(numbers, s).groups() for s in style], float)


def test_animation_writes_stroke_after_stroke_with_pauses_between(page):
    timing = animated(page)
    assert len(timing) == len(page.strokes)
    ends = timing.sum(axis=1)
    assert (timing[1:, 0] > ends[:-1] + 0.05).all()
    # A longer stroke takes longer, and a farther lift too.
    assert timing[0, 1] > timing[2, 1] > timing[1, 1]
    assert timing[1, 0] - ends[0] > timing[2, 0] - ends[1]


def test_animation_takes_the_time_asked_for_and_plays_once(page):
    assert animated(page, duration=7)[-1].sum() == pytest.approx(7, abs=0.01)
    text = page_animation(page, PENS["ballpoint"])
    assert "forwards" in text and "infinite" not in text and "prefers-reduced-motion" in text
    assert animated(Page(10.0, 10.0)).size == 0


# PDF


def test_pdf_holds_every_page_in_its_size_as_lines(page):
    data = pages_pdf([page, page, Page(100.0, 50.0)], PENS["ballpoint"])
    assert data.startswith(b"%PDF") and data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", data)) == 3
    boxes = [[float(n) for n in box.split()] for box in re.findall(rb"/MediaBox \[([^\]]*)\]", data)]
    np.testing.assert_allclose(boxes[0][2:], np.array([60, 40]) * 72 / 25.4, atol=0.01)
    np.testing.assert_allclose(boxes[2][2:], np.array([100, 50]) * 72 / 25.4, atol=0.01)
    streams = [zlib.decompress(s) for s in re.findall(rb"FlateDecode[^>]*>>\s*stream\r?\n(.*?)endstream", data, re.S)]
    lines = sum(len(re.findall(rb" l\b", stream)) for stream in streams)
    drawn = sum(len(run.points) - 1 for run in ink(page.strokes, PENS["ballpoint"]))
    assert lines >= 2 * drawn
    assert b"/Subtype /Image" not in data
    assert data == pages_pdf([page, page, Page(100.0, 50.0)], PENS["ballpoint"])


def test_the_text_of_a_pdf_is_found_where_it_is_written_and_not_seen(page):
    page.places = [Place("Café & $5 for_you", 12.0, 25.0, 30.0)]
    with_text = pages_pdf([page], PENS["ballpoint"])
    without = pages_pdf([dataclasses.replace(page, places=[])], PENS["ballpoint"])
    words = pdf.words(with_text)
    assert [word for word, *_ in words] == ["Café", "&", "$5", "for_you"]
    assert words[0][1] == pytest.approx(12, abs=0.6) and words[-1][3] == pytest.approx(42, abs=0.6)
    assert words[0][2] < 25 < words[0][4]
    np.testing.assert_array_equal(*(pdf.pictures(data, dpi=50)[0] for data in (with_text, without)))


# One entry for all


@pytest.mark.parametrize("suffix", [suffix for suffixes in drawing.FORMATS.values() for suffix in suffixes])
def test_the_suffix_chooses_the_format(page, tmp_path, suffix):
    first = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".hpgl": b"IN;", ".plt": b"IN;"}
    start = first.get(suffix, b"; minirnn")
    (path,) = drawing.save_pages([page], tmp_path / f"out{suffix}")
    assert path == tmp_path / f"out{suffix}" and path.read_bytes().startswith(start)
    paths = drawing.save_pages([page, page], tmp_path / f"more{suffix}")
    assert [p.name for p in paths] == (["more.pdf"] if suffix == ".pdf" else [f"more-1{suffix}", f"more-2{suffix}"])
    assert all(p.exists() for p in paths)


def test_options_of_svg(page, tmp_path):
    (path,) = drawing.save_pages([page], tmp_path / "a.svg", animate=True, duration=3)
    assert "animation-delay" in path.read_text(encoding="utf-8")
    (path,) = drawing.save_pages([page], tmp_path / "b.SVG", single_line=True)
    assert 'id="handwriting"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("page.bmp", {}, r"must end in \.png, \.svg, \.pdf, \.gcode"),
        ("page.pdf", {"transparent": True}, "only a still .png or .svg can be transparent"),
        ("page.svg", {"plotter": drawing.PLOTTERS["hpgl"]}, "reads hpgl, not svg; use a name that ends in .hpgl"),
        ("page", {}, "must end in"),
        ("page.png", {"animate": True}, r"only \.svg can be animated"),
        ("page.gcode", {"single_line": True}, r"only \.svg"),
        ("page.svg", {"single_line": True, "animate": True}, "choose one"),
        ("page.svg", {"pen": "quill"}, "unknown pen"),
        ("missing/page.svg", {}, "cannot write"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_written(page, tmp_path, name, options, message):
    with pytest.raises(MinirnnError, match=message):
        drawing.save_pages([page], tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_on_the_second_page_leaves_nothing_behind(page, tmp_path):
    outside = Page(60.0, 40.0, strokes=[np.array([[70.0, 10.0], [80.0, 10.0]])])
    with pytest.raises(MinirnnError, match="outside the plotter's area"):
        drawing.save_pages([page, outside], tmp_path / "out.gcode")
    assert list(tmp_path.iterdir()) == []


def test_pages_are_numbered_so_that_they_sort_in_their_order(page, tmp_path):
    names = [path.name for path in drawing.save_pages([page] * 11, tmp_path / "a.svg")]
    assert names[0] == "a-01.svg" and names == sorted(names)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".gcode"])
def test_pages_of_an_earlier_longer_text_are_removed_and_strangers_files_are_not(page, tmp_path, suffix):
    small = Page(20.0, 20.0, strokes=[np.array([[5.0, 5.0], [9.0, 9.0]])])
    drawing.save_pages([small] * 12, tmp_path / f"a{suffix}")
    for other in ("a-b", "a-1b", "ab-1", "b-1"):
        (tmp_path / f"{other}{suffix}").write_bytes(b"mine")
    drawing.save_pages([small] * 2, tmp_path / f"a{suffix}")
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["a-1", "a-1b", "a-2", "a-b", "ab-1", "b-1"]
    (path,) = drawing.save_pages([small], tmp_path / f"a{suffix}")
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["a", "a-1b", "a-b", "ab-1", "b-1"]
    before = path.read_bytes()
    (tmp_path / f"a-7{suffix}").write_bytes(b"a picture from elsewhere")
    with pytest.raises(MinirnnError, match=f"a-7{suffix} looks like a page of an earlier text"):
        drawing.save_pages([small] * 2, tmp_path / f"a{suffix}")
    assert path.read_bytes() == before and not (tmp_path / f"a-1{suffix}").exists()
