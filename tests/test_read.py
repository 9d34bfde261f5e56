"""`python -m minirnn.read`: from pictures, recordings and drawings to text, and what it prints."""

import json
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from drawn_lines import scan_of, written_page
from PIL import Image
from small_runs import made_samples, write_hand

from minirnn import read, train
from minirnn.datasets.svg_strokes import path_strokes, read_svg
from minirnn.errors import MinirnnError, run_command
from minirnn.images.image_files import save_image
from minirnn.reading.drawn_reading import HIGH, WIDE, draw_reading
from minirnn.reading.formats import formatted, words
from minirnn.reading.reader import Reader as HandReader
from minirnn.reading.reader import Reading
from minirnn.reading.sources import PageToRead, read_pages, split_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that has learned nothing, which reads whatever there is as something."""
    folder = tmp_path_factory.mktemp("read")
    write_hand(folder / "hand.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIRNN_CACHE", str(folder / "cache"))
        train.main(["--task", "read", "--data", str(folder / "hand.jsonl"), "--hidden", "4", "--embed", "3", "--layers",
                    "1", "--batch", "4", "--threads", "1", "--held-out", "0.3", "--evaluations", "1", "--steps", "1",
                    "--out", str(folder / "run")])  # fmt: skip
    save_image(folder / "page.png", a_page())
    return folder


def a_page():
    return scan_of(*written_page(lines=2))


def run(folder, capsys, name, *options):
    """What the command prints on standard output and on standard error."""
    read.main([str(folder / name), "--reader", str(folder / "run"), "--no-language-model", *options])
    said = capsys.readouterr()
    return said.out, said.err


# --- sources ------------------------------------------------------------------------------------------------------


def test_a_page_gives_a_line_of_text_for_every_line_and_nothing_else(folder, capsys):
    out, err = run(folder, capsys, "page.png")
    assert out.count("\n") == 2 and not err


def test_recordings_need_no_text_to_be_read(folder, tmp_path, capsys):
    lines = [json.dumps({"strokes": [stroke.tolist() for stroke in sample.strokes]}) for sample in made_samples(3)]
    (tmp_path / "notes.jsonl").write_text("\n".join(lines), encoding="utf-8")
    points = ", ".join(f"{x:.2f} {y:.2f}" for x, y in made_samples(1)[0].strokes[0])
    (tmp_path / "one.inkml").write_text(f"<ink><trace>{points}</trace></ink>", encoding="utf-8")
    assert [len(page.lines) for page in read_pages(tmp_path, [])] == [3, 1]
    out, _ = run(tmp_path, capsys, "notes.jsonl", "--reader", str(folder / "run"))
    assert out.count("\n") == 3


def test_a_folder_is_read_file_by_file_in_the_order_of_names(folder, tmp_path):
    save_image(tmp_path / "b.png", a_page())
    write_hand(tmp_path / "a.jsonl")
    (tmp_path / "notes.txt").write_text("not read", encoding="utf-8")
    assert [page.name.rpartition("/")[2] for page in read_pages(tmp_path, [])] == ["a.jsonl", "b.png"]


def test_what_cannot_be_read_is_named(folder, tmp_path, capsys):
    with pytest.raises(MinirnnError, match="no such file"):
        run(tmp_path, capsys, "missing.png", "--reader", str(folder / "run"))
    with pytest.raises(MinirnnError, match="neither a picture nor a pen recording"):
        list(read_pages(tmp_path, []))
    save_image(tmp_path / "empty.png", np.ones((200, 300)))
    with pytest.raises(MinirnnError, match="no handwriting found"):
        run(tmp_path, capsys, "empty.png", "--reader", str(folder / "run"))


def test_of_a_folder_what_cannot_be_read_is_named_and_the_rest_is_read(folder, tmp_path, capsys):
    source = tmp_path / "pages"
    source.mkdir()
    (source / "a.png").write_bytes(b"\x89PNG")
    write_hand(source / "b.jsonl")
    (source / "c.jsonl").symlink_to(folder / "hand.jsonl")
    assert run_command(read.main, [str(source), "--reader", str(folder / "run"), "--no-language-model"]) == 2
    out, err = capsys.readouterr()
    assert out == run(folder, capsys, "hand.jsonl")[0]
    assert "a.png: not an image" in err and "leads out of the folder" in err and "2 of 3 files could not" in err


def test_ink_that_is_no_line_of_handwriting_is_not_read_and_named(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minirnn.reading.reader.LONGEST", 200)
    zigzag = [[n, 50 * (n % 2)] for n in range(400)]
    lines = [[[[0, 0], [3, 9]], [[4, 0], [4, 9]]], [zigzag]]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"strokes": line}) for line in lines), encoding="utf-8")
    out, err = run(tmp_path, capsys, "a.jsonl", "--reader", str(folder / "run"))
    assert out.count("\n") == 2 and out.endswith("\n\n") and "nothing could be read in line 2" in err


def test_a_language_model_without_a_finite_weight_is_refused(folder):
    with pytest.raises(MinirnnError, match="must be finite"):
        HandReader(folder / "run", False, weight=float("nan"))


def test_lines_of_strokes_begin_where_the_pen_goes_back_and_down():
    def word(x, y):
        return np.array([[x, y], [x + 5, y + 8], [x + 10, y]], float)

    first, second = [word(x, 0) for x in (0, 20, 40)], [word(x, 20) for x in (2, 22, 42)]
    dot = np.array([[15.0, -3.0]])  # put on a letter afterwards
    found = split_lines([*first, dot, *second])
    assert [len(line) for line in found] == [4, 3]


# --- drawings -----------------------------------------------------------------------------------------------------


def test_paths_are_followed_whatever_their_commands():
    for data in ("M1 2 4 2 4 5", "m1,2l3,0l0,3", "M1 2H4V5", "m1 2h3v3", "M1 2L4 2 4 5"):
        (stroke,) = path_strokes(data, "x")
        assert stroke.tolist() == [[1, 2], [4, 2], [4, 5]], data
    assert path_strokes("M0 0L3 0L3 3z M5 5L6 6", "x")[0][-1].tolist() == [0, 0]
    assert len(path_strokes("M0 0L3 0L3 3zM5 5L6 6", "x")) == 2


def test_curves_pass_through_their_ends_and_bend_where_they_should():
    (cubic,) = path_strokes("M0 0C0 4 4 4 4 0S8-4 8 0", "x")
    assert cubic[-1].tolist() == [8, 0]
    assert cubic[6].tolist() == pytest.approx([2, 3]) and cubic[18].tolist() == pytest.approx([6, -3])
    (square,) = path_strokes("m0 0q2 4 4 0t4 0", "x")
    assert square[6].tolist() == pytest.approx([2, 2]) and square[18].tolist() == pytest.approx([6, -2])


@pytest.mark.parametrize("data", ["M0 0A1 1 0 0 0 2 2", "L1 1", "M1", "M0 0L1 x", "M0 0z1 2"])
def test_a_path_that_is_not_understood_is_an_error(data):
    with pytest.raises(MinirnnError, match="x: a path"):
        path_strokes(data, "x")


def test_lines_and_polylines_are_strokes_and_transforms_are_refused(tmp_path):
    body = '<line x1="1" y1="2" x2="3" y2="4"/><polyline points="0,0 1,1 2,0"/><path d="M5 5L6 6"/>'
    (tmp_path / "a.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>', encoding="utf-8")
    assert [stroke.tolist() for stroke in read_svg(tmp_path / "a.svg")] == [
        [[1, 2], [3, 4]], [[0, 0], [1, 1], [2, 0]], [[5, 5], [6, 6]]]  # fmt: skip
    for text, message in [('<svg><g transform="scale(2)"/></svg>', "transform"), ("<svg/>", "there is no path"),
                          ('<svg><polyline points="1,2 3"/></svg>', "an x without a y")]:  # fmt: skip
        (tmp_path / "a.svg").write_text(text, encoding="utf-8")
        with pytest.raises(MinirnnError, match=message):
            read_svg(tmp_path / "a.svg")
    (tmp_path / "a.svg").write_text('<svg><polygon points="0,0 1,1 2,0"/></svg>', encoding="utf-8")
    assert read_svg(tmp_path / "a.svg")[0].tolist() == [[0, 0], [1, 1], [2, 0], [0, 0]]


def test_a_drawing_with_very_many_points_costs_little_or_is_refused(tmp_path, monkeypatch):
    begun = time.process_time()
    assert len(path_strokes("M0 0" + "l1 1" * 50_000, "x")[0]) == 50_001
    assert time.process_time() - begun < 5  # and not ever more for every point
    monkeypatch.setattr("minirnn.datasets.svg_strokes.MAX_NUMBERS", 8)
    (tmp_path / "a.svg").write_text('<svg><path d="M0 0l1 1"/><polyline points="0 0 1 1"/></svg>', encoding="utf-8")
    with pytest.raises(MinirnnError, match="10 numbers and commands"):
        read_svg(tmp_path / "a.svg")


# --- what is printed ----------------------------------------------------------------------------------------------


def a_reading(text):
    boxes = [None if c == " " else (10.0 * u, 5.0, 10.0 * u + 8, 15.0) for u, c in enumerate(text)]
    return Reading(text, np.linspace(0.5, 1, len(text)), [[]] * len(text), boxes, -1.0)


def test_words_have_the_box_of_their_letters_and_the_confidence_of_the_least_sure():
    assert words(a_reading("ab cde")) == [
        ("ab", 0.5, (0.0, 5.0, 18.0, 15.0)), ("cde", pytest.approx(0.8), (30.0, 5.0, 58.0, 15.0))]  # fmt: skip
    assert [word for word, _, _ in words(a_reading("a  b "))] == ["a", "b"]
    assert words(a_reading("")) == []


def test_json_has_every_character_with_its_confidence_and_its_box(folder, capsys):
    out, _ = run(folder, capsys, "hand.jsonl", "--json")
    (page,) = json.loads(out)
    plain, _ = run(folder, capsys, "hand.jsonl")
    assert [line["text"] for line in page["lines"]] == plain.splitlines()
    for line in page["lines"]:
        assert "".join(item["character"] for item in line["characters"]) == line["text"]
        assert all(0 <= item["confidence"] <= 1 for item in line["characters"])


LINES = {"alto": "TextLine", "page": "TextLine", "hocr": "span[@class='ocr_line']"}


@pytest.mark.parametrize(("name", "line"), LINES.items())
def test_documents_are_well_formed_and_have_every_line(folder, capsys, name, line):
    out, _ = run(folder, capsys, "page.png", "--format", name)
    root = ElementTree.fromstring(out.encode())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    assert len(root.findall(f".//{line}")) == 2
    if name != "hocr":
        height, width = written_page(lines=2)[1]
        assert {str(width), str(height)} <= set(root.find(".//Page").attrib.values())


def test_a_format_for_one_page_takes_one_page(folder, tmp_path, capsys):
    for name in "ab":
        write_hand(tmp_path / f"{name}.jsonl")
    with pytest.raises(MinirnnError, match="single page"):
        read.main([str(tmp_path), "--reader", str(folder / "run"), "--format", "alto"])


@pytest.mark.parametrize("source", ["page.png", "hand.jsonl"])
def test_show_draws_the_text_over_the_ink_and_says_so_on_standard_error(folder, tmp_path, capsys, source):
    out, err = run(folder, capsys, source, "--show", str(tmp_path / "shown.png"))
    assert str(tmp_path / "shown.png") in err and "shown" not in out
    with Image.open(tmp_path / "shown.png") as picture:
        assert len(picture.getcolors(2**24)) > 2


def test_places_in_small_units_keep_their_digits_or_are_refused():
    page = PageToRead("a.jsonl", [[np.array([[0.0, 0.0], [0.0123456, 0.002]])]], 1, 1)
    (record,) = json.loads(formatted([(page, [a_reading("a")])], "json"))
    assert record["lines"][0]["box"] == [0, 0, 0.0123456, 0.002]
    with pytest.raises(MinirnnError, match="so small that --format hocr"):
        formatted([(page, [a_reading("a")])], "hocr")


@pytest.mark.parametrize("name", ["alto", "page", "hocr"])
def test_documents_stay_well_formed_whatever_a_file_is_called(name):
    page = PageToRead('a"b\x01\ud800.png', [[np.array([[0.0, 0.0], [9.0, 9.0]])]], 900, 9)
    text = formatted([(page, [a_reading("a\x02b")])], name)
    ElementTree.fromstring(text.encode())
    assert "a\ufffdb" in text


def test_tall_ink_is_shown_in_a_picture_of_bounded_size(tmp_path):
    page = PageToRead("x", [[np.array([[0.0, 0.0], [0.0, 1e9]])]], 1, 1e9)
    reading = Reading("I", np.ones(1), [[]], [(0.0, 0.0, 0.0, 1e9)], -1.0)
    draw_reading(tmp_path / "tall.png", page, [reading])
    with Image.open(tmp_path / "tall.png") as picture:
        assert picture.size[0] == WIDE and HIGH - 2 <= picture.size[1] <= HIGH


def test_show_neither_replaces_what_is_read_nor_begins_without_knowing_the_format(folder, tmp_path, capsys):
    for shown, message in ((folder / "page.png", "would replace"), (tmp_path / "a.svg", "ends in none of")):
        with pytest.raises(MinirnnError, match=message):
            run(folder, capsys, "page.png", "--show", str(shown))


def test_without_weights_that_come_with_the_package_the_way_to_some_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("minirnn.reading.reader.SHIPPED", tmp_path / "none.npz")
    write_hand(tmp_path / "hand.jsonl")
    with pytest.raises(MinirnnError, match="--task read"):
        read.main([str(tmp_path / "hand.jsonl")])
