"""Labels as people's programs write them: PAGE and ALTO XML, hOCR, text files, tables, IAM; and what is none."""

import os
import time

import numpy as np
import pytest
from drawn_lines import scan_of, written_line, written_page
from PIL import Image

from minirnn.datasets.labelled import Frame, read_labelled, recognise_format
from minirnn.datasets.labelled.page_files import outlines_from_baselines
from minirnn.errors import MinirnnError, run_command
from minirnn.images.frames import upright_outline
from minirnn.images.image_files import read_image, save_image
from minirnn.images.labelled_sets import cut_item, cut_pages, prepare_labelled
from minirnn.prepare import main

PAGE = (
    '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
    '<Page imageFilename="{image}" {size}><TextRegion id="r">{lines}</TextRegion></Page></PcGts>'
)
LINE = '<TextLine id="{name}"><Coords points="{points}"/><TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>'
STROKES, SHAPE = written_page(2, spacing=110, words=2)


def page_of(image, size, corners, texts=("first", "second")):
    """PAGE XML of a page with lines in the boxes (left, top, right, bottom)."""
    lines = [
        LINE.format(name=f"l{n}", points=f"{x},{y} {r},{y} {r},{b} {x},{b}", text=text)
        for n, ((x, y, r, b), text) in enumerate(zip(corners, texts))
    ]
    size = f'imageWidth="{size[0]}" imageHeight="{size[1]}"' if size else ""
    return PAGE.format(image=image, size=size, lines="".join(lines))


def blank(*paths, size=(100, 80)):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, 255).save(path)


def texts(source, format_name=None):
    items, problems = read_labelled(source, format_name)
    return [item.text for item in items], problems


# --- where the lines of a page lie ----------------------------------------------------------------------------------


def boxes():
    """The boxes of the two lines of the written page, and its picture."""
    middle = SHAPE[0] // 2
    return [(2, 2, SHAPE[1] - 2, middle), (2, middle, SHAPE[1] - 2, SHAPE[0] - 2)], scan_of(STROKES, SHAPE)


def check_parts(folder, corners, grey, off=0):
    """The labelled lines of the set in ``folder`` are the parts of the upright picture inside the corners, up to
    ``off`` pixels at each side."""
    items, problems = read_labelled(folder)
    assert [item.text for item in items] == ["first", "second"] and not problems
    for item, (left, top, right, bottom) in zip(items, corners):
        part = cut_item(item)
        expected = np.round(grey[top : bottom + 1, left : right + 1] * 255) / 255
        assert np.abs(np.subtract(part.shape, expected.shape)).max() <= 2 * off
        if not off:
            assert np.abs(part - expected)[1:-1, 1:-1].max() < 1e-9
        darkest = [np.argwhere(picture < 0.3).mean(axis=0) for picture in (part, expected)]
        assert np.abs(darkest[0] - darkest[1]).max() <= 2 * off + 1e-9


@pytest.mark.parametrize("scale", [1, 2, 0.5])
def test_labels_of_another_resolution_are_scaled(tmp_path, scale):
    corners, grey = boxes()
    save_image(tmp_path / "p.png", grey)
    size = [round(scale * side) for side in grey.shape[::-1]]
    corners = [[round(scale * value) for value in box] for box in corners]
    (tmp_path / "p.xml").write_text(page_of("p.png", size, corners))
    check_parts(tmp_path, boxes()[0], grey, 0 if scale == 1 else 2)


@pytest.mark.parametrize("orientation", [1, 3, 4, 5, 6, 7, 8])  # 2, a mirror, cannot be told by the lines
@pytest.mark.parametrize("stored_pixels", [True, False])
def test_an_image_turned_by_exif_gets_its_labels_turned_when_they_are_of_the_stored_pixels(
    tmp_path, orientation, stored_pixels
):
    corners, grey = boxes()
    upright = Image.fromarray(np.uint8(np.round(grey * 255)))
    back = {3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that makes stored pixels of upright ones
    stored = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "p.png", exif=exif)
    assert np.abs(read_image(tmp_path / "p.png") - np.asarray(upright) / 255).max() == 0
    size = stored.size if stored_pixels else upright.size
    if stored_pixels:
        masks = []
        for left, top, right, bottom in corners:
            mask = Image.new("L", upright.size)
            mask.paste(255, (left, top, right + 1, bottom + 1))
            mask = mask.transpose(Image.Transpose(back[orientation])) if orientation > 1 else mask
            box = mask.getbbox()
            masks.append((box[0], box[1], box[2] - 1, box[3] - 1))
        corners = masks
    (tmp_path / "p.xml").write_text(page_of("p.png", size, corners))
    check_parts(tmp_path, boxes()[0], grey)


def test_labels_of_another_page_are_refused(tmp_path):
    corners, grey = boxes()
    save_image(tmp_path / "p.png", grey)
    (tmp_path / "p.xml").write_text(page_of("p.png", (grey.shape[0], grey.shape[1]), corners))  # on its side, no EXIF
    with pytest.raises(MinirnnError, match=r"report\.txt"):
        prepare_labelled(tmp_path, tmp_path / "out")
    report = (tmp_path / "out" / "report.txt").read_text()
    assert f"its labels are of an image of {grey.shape[0]} x {grey.shape[1]} pixels, and this one has" in report


@pytest.mark.parametrize("orientation, reading", [(3, (0, 0)), (2, (0, 9)), (3, (9, 1))])
def test_what_could_be_the_stored_and_the_upright_image_is_refused(orientation, reading):
    frame = Frame((50, 80), np.array(reading))
    with pytest.raises(MinirnnError, match=rf"p\.png: .* turned upright by EXIF \(orientation {orientation}\)"):
        upright_outline(np.zeros((3, 2)), frame, (50, 80), orientation, "p.png")


def test_a_size_that_was_rounded_is_the_same_shape():
    outline = np.array([[0.0, 0], [1099, 0], [1099, 179]])
    moved = upright_outline(outline, Frame((1100, 180), np.array([0, 1])), (367, 60), 1, "p.png")
    assert np.allclose(moved, [[-0.33, -0.33], [366.3, -0.33], [366.3, 59.3]], atol=0.05)


# --- PAGE XML -------------------------------------------------------------------------------------------------------


def test_text_that_only_the_words_have_is_joined(tmp_path):
    blank(tmp_path / "p.png")
    words = "".join(
        f'<Word id="w{n}"><Coords points="1,1 9,1 9,9"/><TextEquiv><Unicode>{word}</Unicode></TextEquiv></Word>'
        for n, word in enumerate(["Dear", "Ana,"])
    )
    empty = f'<TextLine id="l2"><Coords points="1,1 9,1 9,9"/><Word id="w9"/>{words}</TextLine>'
    line = f'<TextLine id="l1"><Coords points="1,1 9,1 9,9"/>{words}<TextEquiv><Unicode/></TextEquiv></TextLine>'
    (tmp_path / "p.xml").write_text(PAGE.format(image="p.png", size="", lines=line + empty))
    found, problems = texts(tmp_path)
    assert found == ["Dear Ana,"]
    assert "line l2: the word w9 has no transcription" in problems[0]


@pytest.mark.parametrize(
    "name",
    [
        "http://example.org/iiif/my%20page.jpg?x=1", "file:///C:/scans/my%20page.jpg", "my%20page.jpg", "MY PAGE.JPG",
        "my page.tif", r"C:\scans\my page.jpg", "/home/x/my page.jpg", "scans/my page.jpg",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["p.xml", "page/p.xml"])
def test_an_image_is_found_by_whatever_its_file_calls_it(tmp_path, name, place):
    blank(tmp_path / "my page.jpg", tmp_path / "other.jpg")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(page_of(name, (100, 80), [(1, 1, 90, 20)], ["text"]))
    items, problems = read_labelled(tmp_path)
    assert [item.path for item in items] == [tmp_path / "my page.jpg"]
    assert problems == [f"{tmp_path / 'other.jpg'}: image without a label"]


def test_an_image_that_could_be_several_is_a_problem(tmp_path):
    blank(tmp_path / "p.jpg", tmp_path / "p.png")
    (tmp_path / "p.xml").write_text(page_of("p.tif", None, [(1, 1, 90, 20)], ["text"]))
    assert "its image 'p.tif' could be p.jpg or p.png; leave only one" in read_labelled(tmp_path)[1][0]


def test_lines_of_which_only_the_baselines_are_known():
    lines = [np.array([[10.0, 50], [60, 52], [110, 50]]), np.array([[10.0, 100], [110, 100]]), None]
    first, second, third = outlines_from_baselines(lines, None, "p.xml")
    assert third is None
    assert 10 < first[:, 1].min() < 20 and 60 < first[:, 1].max() < 75
    assert 60 < second[:, 1].min() < 70 and 110 < second[:, 1].max() < 130
    (whole,) = outlines_from_baselines([lines[1]], (120, 130), "p.xml")
    assert whole.tolist() == [[10, 0], [110, 0], [110, 130], [10, 130]]
    with pytest.raises(MinirnnError, match="no size"):
        outlines_from_baselines([lines[1]], None, "p.xml")


def test_a_page_with_baselines_only_is_traced_line_by_line(tmp_path):
    _, grey = boxes()
    save_image(tmp_path / "p.png", grey)
    halves = [[s for s in STROKES if (s[:, 1].mean() > grey.shape[0] / 2) == below] for below in (False, True)]
    feet = [np.median([stroke[:, 1].max() for stroke in half]) for half in halves]
    lines = "".join(
        f'<TextLine id="{text}"><Baseline points="5,{y:.0f} {grey.shape[1] - 5},{y:.0f}"/>'
        f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>"
        for y, text in zip(feet, ("first", "second"))
    )
    (tmp_path / "p.xml").write_text(PAGE.format(image="p.png", size="", lines=lines))
    samples, problems = prepare_labelled(tmp_path, tmp_path / "out")
    assert [sample.text for sample in samples] == ["first", "second"] and not problems
    for sample, half in zip(samples, halves):
        found, written = (
            sum(np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum() for stroke in strokes)
            for strokes in (sample.strokes, half)
        )
        assert 0.9 < found / written < 1.1


# --- ALTO XML -------------------------------------------------------------------------------------------------------

ALTO = (
    '<?xml version="1.0"?><{p}alto {xmlns}><{p}Description><{p}MeasurementUnit>pixel</{p}MeasurementUnit>'
    "<{p}sourceImageInformation><{p}fileName>{image}</{p}fileName></{p}sourceImageInformation></{p}Description><{p}Layout>"
    '<{p}Page WIDTH="100" HEIGHT="80" ID="p"><{p}PrintSpace><{p}TextBlock ID="b">{lines}</{p}TextBlock>'
    "</{p}PrintSpace></{p}Page></{p}Layout></{p}alto>"
)
KRAKEN = (
    '<{p}TextLine ID="k" BASELINE="{baseline}" HPOS="1" VPOS="2" WIDTH="80" HEIGHT="20">{shape}'
    '<{p}String CONTENT="Dear"/><{p}SP/><{p}String CONTENT="Ana"/><{p}HYP CONTENT="-"/></{p}TextLine>'
)


@pytest.mark.parametrize("version", ["", "ns-v2#", "ns-v3#", "ns-v4#"])
@pytest.mark.parametrize("prefix", ["", "a:"])
@pytest.mark.parametrize("points", ["1 2 80 2 80 20 1 20", "1,2 80,2 80,20 1,20"])
def test_alto_of_all_versions(tmp_path, version, prefix, points):
    blank(tmp_path / "p.png")
    name = f"xmlns{':a' if prefix else ''}"
    xmlns = f'{name}="http://www.loc.gov/standards/alto/{version}"' if version or prefix else ""
    shape = f'<{prefix}Shape><{prefix}Polygon POINTS="{points}"/></{prefix}Shape>'
    lines = KRAKEN.format(p=prefix, baseline="1 18 80 18", shape=shape)
    (tmp_path / "p.xml").write_text(ALTO.format(p=prefix, xmlns=xmlns, image="p.png", lines=lines))
    assert recognise_format(tmp_path) == "alto"
    (item,), problems = read_labelled(tmp_path)
    assert (item.text, item.group, problems) == ("Dear Ana-", "p", [])
    assert item.outline.tolist() == [[1, 2], [80, 2], [80, 20], [1, 20]]


@pytest.mark.parametrize("baseline", ["18", "1,18 80,18", ""])
def test_alto_without_a_shape_has_a_box(tmp_path, baseline):
    blank(tmp_path / "p.png")
    line = KRAKEN.format(p="", baseline=baseline, shape="")
    (tmp_path / "p.xml").write_text(ALTO.format(p="", xmlns="", image="", lines=line))  # named like the image
    (item,), problems = read_labelled(tmp_path)
    assert item.outline.tolist() == [[1, 2], [81, 2], [81, 22], [1, 22]] and not problems


def test_alto_that_escriptorium_writes_and_lines_without_text(tmp_path):
    blank(tmp_path / "p.png")
    lines = "".join(
        f'<TextLine ID="{name}" HPOS="1" VPOS="2" WIDTH="80" HEIGHT="20"><String CONTENT="{text}"/>{more}</TextLine>'
        for name, text, more in zip(
            ("e1", "e2", "e3"), ("J&#x27;ai lu, et j&#x27;y", "", "two"), ("", "", '<String CONTENT="words"/>')
        )
    )
    (tmp_path / "p.xml").write_text(ALTO.format(p="", xmlns="", image="p.png", lines=lines))
    found, problems = texts(tmp_path)
    assert found == ["J'ai lu, et j'y", "two words"]
    assert ["line e2: no transcription" in problem for problem in problems] == [True]


@pytest.mark.parametrize("unit", [1, 254 / 30])
def test_alto_in_tenths_of_millimetres_is_scaled(tmp_path, unit):
    corners, grey = boxes()
    save_image(tmp_path / "p.png", grey)
    lines = "".join(
        f'<TextLine ID="{text}" HPOS="{x * unit:.0f}" VPOS="{y * unit:.0f}" WIDTH="{(r - x) * unit:.0f}" '
        f'HEIGHT="{(b - y) * unit:.0f}"><String CONTENT="{text}"/></TextLine>'
        for (x, y, r, b), text in zip(corners, ("first", "second"))
    )
    xml = ALTO.format(p="", xmlns="", image="p.png", lines=lines)
    size = f'WIDTH="{grey.shape[1] * unit:.0f}" HEIGHT="{grey.shape[0] * unit:.0f}"'
    (tmp_path / "p.xml").write_text(xml.replace('WIDTH="100" HEIGHT="80"', size))
    check_parts(tmp_path, corners, grey, 0 if unit == 1 else 2)


# --- hOCR -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p.hocr", "p.html", "p.xml"])
def test_hocr_with_a_doctype_and_tags_left_open(tmp_path, name):
    blank(tmp_path / "p.png")
    (tmp_path / name).write_text(
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "x.dtd">'
        '<html><head><meta charset="utf-8"><title/></head><body>'
        """<div class='ocr_page' id='page_1' title='image "p.png"; bbox 0 0 100 80; ppageno 0'>"""
        """<p class='ocr_par'><span class='ocr_line' id='l1' title="bbox 1 2 80 20; baseline 0 -3">"""
        """<span class='ocrx_word' title='bbox 1 2 30 20; x_wconf 9'>D&eacute;ar</span> <span class='ocrx_word'>"""
        """<strong>Ana</strong></span><br/></span>\n<p><span class='ocr_header' id='l2'>no place</span>"""
        """<span class='ocr_line' id='l3' title='bbox 1 30 80 50'> </span></div></body></html>"""
    )
    assert recognise_format(tmp_path) == "hocr"
    (item,), problems = read_labelled(tmp_path)
    assert (item.text, item.frame.size) == ("Déar Ana", (100, 80))
    assert item.outline.tolist() == [[1, 2], [80, 2], [80, 20], [1, 20]]
    assert ["l2: its title has no bbox" in problems[0], "l3: no transcription" in problems[1]] == [True, True]


@pytest.mark.parametrize("body", ["<a " * 100_000, "<a '" * 100_000, "<!--" * 100_000, "x<b></b>" * 100_000])
def test_hocr_of_very_many_pieces_is_read_or_refused_soon(tmp_path, body):
    blank(tmp_path / "p.png")
    line = "<span class=ocr_line title='bbox 1 2 80 20'>"
    (tmp_path / "p.hocr").write_text(f"<html><div class=ocr_page title='bbox 0 0 100 80'>{line}{body}")
    begun = time.process_time()
    items, problems = read_labelled(tmp_path)
    assert time.process_time() - begun < 5
    assert [len(item.text) for item in items] == [100_000] * body.startswith("x")
    assert any("cut off in the middle of a tag" in problem for problem in problems) == (not items)


# --- text files, tables, IAM ----------------------------------------------------------------------------------------


def test_a_text_file_beside_each_image(tmp_path):
    blank(tmp_path / "a.png", tmp_path / "sub" / "a.png", tmp_path / "b.png", tmp_path / "c.png", tmp_path / "c.jpg")
    (tmp_path / "a.txt").write_text("\ufeffDear Ana\r\n")
    (tmp_path / "sub" / "a.txt").write_text("below")
    (tmp_path / "c.txt").write_text("whose?")
    (tmp_path / "notes.txt").write_text("of mine")
    assert recognise_format(tmp_path) == "text"
    items, problems = read_labelled(tmp_path)
    assert [(item.text, item.group) for item in items] == [("Dear Ana", "a"), ("below", "sub/a")]
    assert [problem.removeprefix(f"{tmp_path}/") for problem in problems] == [
        "c.txt: could belong to c.jpg or c.png; rename one of them", "notes.txt: label without an image",
        "b.png: image without a label",
    ]  # fmt: skip


@pytest.mark.parametrize("images", ["", "images/"])
@pytest.mark.parametrize("name", ["a.png", "a", "A.PNG", "somewhere/a.png"])
def test_a_table_by_another_name_whose_images_lie_elsewhere(tmp_path, images, name):
    blank(tmp_path / f"{images}a.png")
    (tmp_path / "labels.csv").write_text(f"filename;words\n{name};Dear Ana\n")
    assert recognise_format(tmp_path) == "imagefolder"
    assert texts(tmp_path) == (["Dear Ana"], [])


ROWS = "#--- lines.txt ---\na01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to\n"


@pytest.mark.parametrize("below", ["", "iam/"])
@pytest.mark.parametrize("ascii_folder", ["", "ascii/"])
@pytest.mark.parametrize("image", ["lines/a01/a01-000u/a01-000u-00.png", "lines/a01-000u-00.png", "a01-000u-00.jpg"])
def test_iam_in_nested_and_flat_folders(tmp_path, below, ascii_folder, image):
    blank(tmp_path / below / image)
    (tmp_path / below / ascii_folder).mkdir(exist_ok=True)
    (tmp_path / below / ascii_folder / "lines.txt").write_text(ROWS)
    assert recognise_format(tmp_path) == "iam-lines"
    items, problems = read_labelled(tmp_path)
    assert [(item.text, item.group) for item in items] == [("A MOVE to", "a01-000u")] and not problems


def test_of_iam_with_both_lists_that_one_is_read_whose_images_are_there(tmp_path):
    blank(tmp_path / "words" / "a01-000u-00-00.png")
    (tmp_path / "lines.txt").write_text(ROWS)
    (tmp_path / "words.txt").write_text("a01-000u-00-00 ok 154 408 768 27 51 AT A\n")
    assert texts(tmp_path) == (["A"], [])


@pytest.mark.parametrize("name", ["labels.json", "truth.xml", "rows.csv", "all.txt", "labels.mat", "set.parquet"])
def test_labels_of_a_kind_that_is_not_understood_are_never_passed_over(tmp_path, name, capsys):
    blank(tmp_path / "a.png")
    (tmp_path / name).write_text("<other><a/></other>")
    assert run_command(main, [str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"{name}: looks like labels, but of no kind that is understood" in said
    assert "metadata.csv (file_name,text), x.gt.txt or x.txt beside each x.png" in said and "ALTO XML" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["README.txt", "LICENSE.txt", ".DS_Store", "Thumbs.db", "page.docx"])
def test_what_is_no_label_is_passed_over(tmp_path, name):
    blank(tmp_path / "a.png")
    (tmp_path / name).write_text("hello")
    assert recognise_format(tmp_path) is None


def test_control_characters_in_a_label_are_named(tmp_path):
    blank(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("be\x07ll")
    assert "control character U+0007" in read_labelled(tmp_path)[1][0]


# --- nothing outside of the folder ----------------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path):
    """The folder of a set, beside which there is an image and a text that are none of its business."""
    blank(tmp_path / "secret.png")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "set").mkdir()
    blank(tmp_path / "set" / "own.png")
    return tmp_path / "set"


@pytest.mark.parametrize("name", ["../secret.png", "{}/secret.png", "link.png", "folder/secret.png"])
def test_a_set_does_not_reach_outside_its_folder(secret, name):
    os.symlink("../secret.png", secret / "link.png")
    os.symlink("..", secret / "folder")
    name = name.format(secret.parent)
    page = page_of(name, (100, 80), [(1, 1, 90, 20)], ["text"])
    alto = ALTO.format(p="", xmlns="", image=name, lines=KRAKEN.format(p="", baseline="", shape=""))
    labels = {"metadata.csv": f"file_name,text\n{name},text\n", "a.xml": page, "b.xml": alto}
    for format_name, (file, content) in zip(("imagefolder", "page", "alto"), labels.items()):
        (secret / file).write_text(content)
        items, problems = read_labelled(secret, format_name)
        assert not items
        assert any("leads out of the folder" in problem for problem in problems), format_name


def test_a_label_that_a_link_leads_out_is_not_read(secret):
    for name in ("own.txt", "own.gt.txt"):
        os.symlink("../secret.txt", secret / name)
        items, problems = read_labelled(secret)
        assert not items and f"{secret / name}: leads out of the folder {secret}" in problems
        (secret / name).unlink()


def test_pages_that_links_lead_out_are_not_cut(secret):
    os.symlink("../secret.png", secret / "link.png")
    with pytest.raises(MinirnnError, match=r"link\.png: leads out of the folder"):
        cut_pages([secret / "link.png"], secret.parent / "out", source=secret)


# --- names of what is written ---------------------------------------------------------------------------------------

PICTURE = scan_of(written_line(words=1), (150, 320))


def test_pages_of_the_same_name_keep_their_lines_apart(tmp_path):
    source, out = tmp_path / "pages", tmp_path / "out"
    for place in ("a/p.png", "b/p.png", "a_p.png", "b/P.png", "p.jpg", "p.png"):
        (source / place).parent.mkdir(parents=True, exist_ok=True)
        save_image(source / place, PICTURE)
    out.mkdir()
    (out / "p_PNG_01.png").write_bytes(b"the user's own")
    assert run_command(main, [str(source), "--out", str(out)]) == 0
    rows = read_rows(out)
    names = [row[0] for row in rows]
    assert len(names) == 6 == len({name.casefold() for name in names}) == len({row[2].casefold() for row in rows})
    assert all((out / name).is_file() for name in names)
    assert (out / "p_PNG_01.png").read_bytes() == b"the user's own" and "p_PNG_01.png" not in names
    assert {"a_p_png_01.png", "b_p_png_01.png", "p_jpg_01.png"} <= {name.casefold() for name in names}


def read_rows(folder):
    import csv

    with open(folder / "metadata.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


# --- documents ------------------------------------------------------------------------------------------------------


def pages_file(path, count=2):
    """A TIFF or PDF with ``count`` pages, a line on each."""
    pages = [Image.fromarray(np.uint8(np.round(PICTURE * 255)))] * count
    pages[0].save(path, save_all=True, append_images=pages[1:], **({"resolution": 72} if path.suffix == ".pdf" else {}))


@pytest.mark.parametrize("suffix", [".tif", ".pdf"])
def test_all_pages_of_a_document_are_cut(tmp_path, suffix):
    if suffix == ".pdf":
        pytest.importorskip("pypdfium2")
    pages_file(tmp_path / f"scan{suffix}", 3)
    count, problems = cut_pages([tmp_path / f"scan{suffix}"], tmp_path / "out")
    assert (count, problems) == (3, [])
    with pytest.raises(MinirnnError, match="has several pages, and one is expected here"):
        read_image(tmp_path / f"scan{suffix}")


@pytest.mark.parametrize("box", ["0 0 0.001 100000000", "0 0 100000000 0.001"])
def test_a_pdf_cannot_make_a_picture_of_more_pixels_than_are_allowed(tmp_path, box):
    pytest.importorskip("pypdfium2")
    parts = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
             f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]>>"]  # fmt: skip
    text = "%PDF-1.4\n" + "".join(f"{n} 0 obj{part}endobj\n" for n, part in enumerate(parts, 1))
    (tmp_path / "a.pdf").write_text(text + "trailer<</Size 4/Root 1 0 R>>\n%%EOF")
    with pytest.raises(MinirnnError, match=r"a\.pdf: a page of .* points is no page of handwriting"):
        read_image(tmp_path / "a.pdf")


def test_a_folder_of_pdfs_is_a_folder_of_pages(tmp_path):
    pytest.importorskip("pypdfium2")
    (tmp_path / "pages").mkdir()
    for name in "ab":
        pages_file(tmp_path / "pages" / f"{name}.pdf", 1)
    assert run_command(main, [str(tmp_path / "pages"), "--out", str(tmp_path / "out")]) == 0
    assert [row[0] for row in read_rows(tmp_path / "out")] == ["a_pdf_01.png", "b_pdf_01.png"]


def test_a_text_of_two_lines_over_two_pages_of_a_tiff(tmp_path):
    pages_file(tmp_path / "scan.tif")
    (tmp_path / "scan.gt.txt").write_text("first\nsecond")
    samples, problems = prepare_labelled(tmp_path, tmp_path / "out")
    assert [sample.text for sample in samples] == ["first", "second"] and not problems


def test_a_smaller_copy_in_a_tiff_is_no_page(tmp_path):
    from PIL import TiffImagePlugin

    picture = Image.fromarray(np.uint8(PICTURE * 255))
    small = picture.resize((32, 15))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    with TiffImagePlugin.AppendingTiffWriter(tmp_path / "scan.tif") as file:
        picture.save(file, "TIFF")
        file.newFrame()
        small.save(file, "TIFF", tiffinfo={254: 1})
    assert read_image(tmp_path / "scan.tif").shape == PICTURE.shape


def test_heic_is_read(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    Image.fromarray(np.uint8(PICTURE * 255)).save(tmp_path / "photo.heic", quality=95)
    assert np.abs(read_image(tmp_path / "photo.heic") - PICTURE).mean() < 0.02


@pytest.mark.parametrize(
    "content, package",
    [(b"%PDF-1.4\n", "pypdfium2"), (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow-heif")],
)
def test_a_document_without_its_package_says_what_to_install(tmp_path, monkeypatch, content, package):
    from minirnn.images import documents

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(documents.importlib, "import_module", missing)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(MinirnnError, match=rf"a\.png: .* needs the package {package}; pip install"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"%PDF-1.4\nnothing", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"])
def test_a_damaged_document_is_named(tmp_path, content):
    (tmp_path / "a.pdf").write_bytes(content)
    with pytest.raises(MinirnnError, match=r"a\.pdf: "):
        read_image(tmp_path / "a.pdf")
