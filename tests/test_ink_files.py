"""Ink as people have it: Unipen files, drawings with their texts, JSON with points as objects."""

import json

import numpy as np
import pytest

from minirnn.datasets import Report, load_samples, read_samples
from minirnn.errors import MinirnnError

UNIPEN = """.VERSION 1.0
.WRITER_ID anna
.COORD X Y T
.HIERARCHY TEXT WORD
.SEGMENT TEXT 0-2 OK "Hi \\"you\\""
.SEGMENT WORD 0 OK "Hi"
.PEN_DOWN
0 90 1
0 0 2
.PEN_UP
5 5 3
.PEN_DOWN
30 90 4
30 0 5
.PEN_UP
.PEN_DOWN
60 90 6
.PEN_UP
.SEGMENT TEXT 3 OK
"""


def test_a_unipen_file_gives_its_longest_segments(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text(UNIPEN.replace("TEXT 3", "TEXT 2"))
    report = Report()
    (sample,) = read_samples(path, report)
    assert sample.text == 'Hi "you"'
    assert sample.group == "anna"
    assert [stroke.tolist() for stroke in sample.strokes] == [[[0, -90], [0, 0]], [[30, -90], [30, 0]], [[60, -90]]]
    assert "a segment without a text" in str(report)


def test_components_with_the_pen_up_are_counted_where_the_numbers_say_so(tmp_path):
    path = tmp_path / "a.unipen"
    path.write_text(UNIPEN.replace("0-2 OK", "0-4 OK"))
    (sample,) = read_samples(path)
    assert [len(stroke) for stroke in sample.strokes] == [2, 2, 1]


def test_a_unipen_file_includes_others_and_a_folder_of_them_is_a_dataset(tmp_path):
    (tmp_path / "include" / "pens").mkdir(parents=True)
    (tmp_path / "include" / "pens" / "ink.txt").write_text(".PEN_DOWN\n1 2\n3 4\n.PEN_UP\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.dat").write_text('.COORD X Y\n.SEGMENT WORD 0 ? "one"\n.INCLUDE pens/ink.txt\n')
    (tmp_path / "data" / "two.dat").write_text('.COORD X Y\n.SEGMENT WORD 0 ? "two"\n.INCLUDE pens/gone.txt\n')
    (tmp_path / "data" / "noise.dat").write_bytes(bytes(range(256)))
    report = Report()
    (sample,) = read_samples(tmp_path / "data", report)
    assert (sample.text, sample.group) == ("one", "one")
    assert "includes pens/gone.txt" in str(report)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".COORD X P\n.SEGMENT WORD 0 ? \"a\"\n", "has no X and Y"),
        (".SEGMENT WORD 0 ? \"a\"\n.PEN_DOWN\n1 2 3\n", "no segment"),
        (".SEGMENT WORD 7 ? \"a\"\n.PEN_DOWN\n1 2\n", "no segment"),
        (".SEGMENT WORD x ? \"a\"\n.PEN_DOWN\n1 2\n", "no segment"),
        (".PEN_DOWN\n1 2\n", "no segment"),
        (".INCLUDE a.dat\n", "includes more than"),
    ],
)  # fmt: skip
def test_a_unipen_file_that_cannot_be_used_is_named(tmp_path, text, said):
    path = tmp_path / "a.dat"
    path.write_text(text)
    with pytest.raises(MinirnnError, match=rf"a\.dat: .*{said}"):
        list(read_samples(path))


def test_drawings_with_their_texts_beside_them_are_a_dataset(tmp_path):
    for name, text in (("one", "first line\n"), ("two", " second ")):
        (tmp_path / f"{name}.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0 L 5 9"/></svg>')
        (tmp_path / f"{name}.txt").write_text(text)
    (tmp_path / "logo.svg").write_text("<svg/>")
    samples, report = load_samples(tmp_path, tmp_path / "cache")
    assert [(sample.text, sample.group) for sample in samples] == [("first line", "one"), ("second", "two")]
    assert report.used == 2
    np.testing.assert_array_equal(samples[0].strokes[0], [[0, 0], [5, 9]])
    with pytest.raises(MinirnnError, match=r"logo\.txt"):
        list(read_samples(tmp_path / "logo.svg"))


def test_json_may_be_one_list_and_its_points_objects(tmp_path):
    stroke = [{"x": 0, "y": 0, "time": 1}, {"x": 3, "y": 9, "time": 2}]
    (tmp_path / "a.json").write_text(json.dumps([{"text": "a", "strokes": [stroke, [[1, 2]]]}]))
    (sample,) = read_samples(tmp_path / "a.json")
    assert [points.tolist() for points in sample.strokes] == [[[0, 0], [3, 9]], [[1, 2]]]
    (tmp_path / "b.json").write_text('[{"text": "a", "strokes": [[{"x": 1}]]}]')
    with pytest.raises(MinirnnError, match=r"b\.json, object 1: stroke 1"):
        list(read_samples(tmp_path / "b.json"))
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(MinirnnError, match="expected a list of objects"):
        list(read_samples(tmp_path / "c.json"))
