"""Labelled sets in the formats of the wild; whatever is wrong with an item is said and the rest is read."""

import json

import numpy as np
import pytest
from PIL import Image

from minirnn.datasets.labelled import LabelledImage, read_labelled, recognise_format
from minirnn.errors import MinirnnError

PAGE_2019 = """<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
 <Page imageFilename="{image}" imageWidth="100" imageHeight="80"><TextRegion id="r1">
  <Coords points="0,0 99,0 99,79 0,79"/>
  <TextLine id="l1"><Coords points="1,2 90,2 90,20 1,20"/>
   <Word id="w1"><Coords points="1,2 9,2 9,20"/><TextEquiv><Unicode>not this</Unicode></TextEquiv></Word>
   <TextEquiv index="1"><Unicode>nor this</Unicode></TextEquiv>
   <TextEquiv index="0"><Unicode>first line</Unicode></TextEquiv></TextLine>
  <TextLine id="l2"><Coords points="1,30 90,30 90,50 1,50"/></TextLine>
 </TextRegion></Page></PcGts>"""

PAGE_2010 = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2010-03-19">
 <Page imageFilename="{image}"><TextRegion id="r1"><TextLine id="l1">
  <Coords><Point x="1" y="2"/><Point x="90" y="2"/><Point x="90" y="20"/><Point x="1" y="20"/></Coords>
  <TextEquiv><Unicode>first line</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>"""


def draw(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (100, 80), 255).save(path)


def seen(items):
    return [(item.path.name, item.text, item.group) for item in items]


def test_metadata_csv(tmp_path):
    draw(tmp_path / "a.png", tmp_path / "b.png")
    (tmp_path / "metadata.csv").write_text('\ufefffile_name,text\na.png,"Hello,  ""world"" "\nb.png,Cafe\u0301\n')
    items, problems = read_labelled(tmp_path)
    assert seen(items) == [("a.png", 'Hello, "world"', "a"), ("b.png", "Café", "b")]
    assert problems == []


def test_metadata_csv_with_groups_in_subfolders(tmp_path):
    for part in ("test", "train"):
        draw(tmp_path / part / "a.png")
        (tmp_path / part / "metadata.csv").write_text(f"file_name,text,group\na.png,{part},anna\n")
    assert seen(read_labelled(tmp_path)[0]) == [("a.png", "test", "anna"), ("a.png", "train", "anna")]


def test_metadata_jsonl(tmp_path):
    draw(tmp_path / "a.png")
    rows = [json.dumps({"file_name": "a.png", "text": "one\ntwo"}), "{broken", "[]", ""]
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows))
    items, problems = read_labelled(tmp_path)
    assert seen(items) == [("a.png", "one\ntwo", "a")]
    assert len(problems) == 2
    assert "metadata.jsonl, line 2" in problems[0]
    assert "metadata.jsonl, line 3" in problems[1]


def test_whatever_has_no_partner_is_reported_and_the_rest_goes_on(tmp_path):
    draw(tmp_path / "a.png", tmp_path / "stray.png", tmp_path / "empty.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\na.png,yes\nnone.png,no\nempty.png,\na.png,again\n,x\n")
    items, problems = read_labelled(tmp_path)
    assert seen(items) == [("a.png", "yes", "a")]
    for expected in ("none.png: labelled, but", "empty.png: its text is empty", "line 5: a.png has a label already",
                     "line 6: file_name or text is missing", "stray.png: image without a label"):  # fmt: skip
        assert sum(expected in problem for problem in problems) == 1
    assert len(problems) == 5
    assert all("\n" not in problem for problem in problems)


@pytest.mark.parametrize("content", ["name,text\na.png,x\n", "", 'file_name,text\na.png,"open\n'])
def test_a_broken_csv_is_an_error_with_its_line(tmp_path, content):
    (tmp_path / "metadata.csv").write_text(content)
    with pytest.raises(MinirnnError, match=r"metadata\.csv, line \d"):
        read_labelled(tmp_path)


def test_text_that_is_not_utf8_is_an_error(tmp_path):
    (tmp_path / "metadata.csv").write_bytes(b"file_name,text\na.png,caf\xe9\n")
    with pytest.raises(MinirnnError, match="not UTF-8"):
        read_labelled(tmp_path)


def test_gt_txt_beside_images(tmp_path):
    draw(tmp_path / "p1" / "x.png", tmp_path / "p1" / "x.bin.png", tmp_path / "y.JPG", tmp_path / "z.png")
    (tmp_path / "p1" / "x.gt.txt").write_text("Text of x\n")
    (tmp_path / "y.gt.txt").write_text("Text of y")
    (tmp_path / "gone.gt.txt").write_text("no image")
    items, problems = read_labelled(tmp_path)
    assert seen(items) == [("x.png", "Text of x", "p1/x"), ("y.JPG", "Text of y", "y")]
    assert [problem.rpartition("/")[2] for problem in problems] == [
        "gone.gt.txt: label without an image", "z.png: image without a label",
    ]  # fmt: skip


def test_iam_lines(tmp_path):
    for number in (0, 1, 7):
        draw(tmp_path / "lines" / "a01" / "a01-000u" / f"a01-000u-0{number}.png")
    (tmp_path / "ascii").mkdir()
    (tmp_path / "ascii" / "lines.txt").write_text(
        "#--- lines.txt ---\n"
        "a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to\n"
        "a01-000u-01 err 156 19 395 932 1850 105 nominating|any more|#1\n"
        "a01-000u-02 ok 157 16 408 1106 1986 105 gone\n"
        "a01 ok\n"
    )
    items, problems = read_labelled(tmp_path)
    assert seen(items) == [
        ("a01-000u-00.png", "A MOVE to", "a01-000u"),
        ("a01-000u-01.png", "nominating any more #1", "a01-000u"),  # its words were found badly, its text is good
    ]
    assert ["line 5" in problems[0], "a01-000u-07" in problems[1], "a01-000u-02" in problems[2]] == [True] * 3


def test_iam_words(tmp_path):
    draw(tmp_path / "words" / "a01" / "a01-000u" / "a01-000u-00-00.png")
    (tmp_path / "words.txt").write_text("a01-000u-00-00 ok 154 408 768 27 51 AT A\n")
    assert recognise_format(tmp_path) == "iam-words"
    assert seen(read_labelled(tmp_path)[0]) == [("a01-000u-00-00.png", "A", "a01-000u")]


@pytest.mark.parametrize("xml", [PAGE_2019, PAGE_2010])
@pytest.mark.parametrize("place", ["page.xml", "page/page.xml"])
def test_page_xml_of_both_kinds(tmp_path, xml, place):
    draw(tmp_path / "scan.png")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(xml.format(image="scan.png"))
    items, problems = read_labelled(tmp_path)
    assert seen(items) == [("scan.png", "first line", "scan")]
    np.testing.assert_array_equal(items[0].outline, [[1, 2], [90, 2], [90, 20], [1, 20]])
    assert ["l2: no transcription" in problem for problem in problems] == [True] * (xml is PAGE_2019)


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<PcGts><Page imageFilename='scan.png'>", "not well-formed"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><PcGts/>", "DOCTYPE"),
        ("<PcGts/>", "names no image"),
        (PAGE_2010.format(image=""), "names no image"),
        ("<PcGts><Page imageFilename='scan.png'/></PcGts>", "has no TextLine"),
        (PAGE_2010.format(image="scan.png").replace('x="1"', 'x="one"'), "'one' is not a number"),
        (PAGE_2010.format(image="scan.png").replace("Point", "Spot"), "no outline"),
        (PAGE_2010.format(image="gone.png"), "gone.png: labelled, but there is no such image"),
    ],
)
def test_a_faulty_page_is_reported_and_the_next_one_is_read(tmp_path, xml, said):
    draw(tmp_path / "scan.png", tmp_path / "good.png")
    (tmp_path / "1.xml").write_text(xml)
    (tmp_path / "2.xml").write_text(PAGE_2010.format(image="good.png"))
    items, problems = read_labelled(tmp_path)
    assert [item.path.name for item in items] == ["good.png"]
    assert any(said in problem for problem in problems)


def test_the_format_can_be_named(tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\na.png,from csv\n")
    (tmp_path / "a.gt.txt").write_text("from gt")
    assert read_labelled(tmp_path)[0][0].text == "from csv"
    assert read_labelled(tmp_path, "gt")[0][0].text == "from gt"
    with pytest.raises(MinirnnError, match=r"neither lines\.txt"):
        read_labelled(tmp_path, "iam-lines")
    with pytest.raises(MinirnnError, match="choose one of imagefolder, gt, text, iam-lines, iam-words, page,"):
        read_labelled(tmp_path, "papyrus")


def test_without_labels_it_says_what_it_looked_for(tmp_path):
    draw(tmp_path / "a.png")
    assert recognise_format(tmp_path) is None
    with pytest.raises(MinirnnError, match=r"metadata\.csv"):
        read_labelled(tmp_path)
    with pytest.raises(MinirnnError, match="no such folder"):
        read_labelled(tmp_path / "nowhere")
    assert LabelledImage(tmp_path / "a.png", "x", "g").outline is None
