"""Pen recordings: IAM-OnDB with all its traps, JSON lines, InkML, the cache, and the split by group."""

import io
import json
import os
import pickle
import tarfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.datasets import (
    Report,
    Sample,
    coverage,
    format_coverage,
    load_samples,
    read_iam_ondb,
    read_inkml,
    read_jsonl,
    read_samples,
    split_by_group,
    write_jsonl,
)
from minirnn.errors import MinirnnError

# A line of IAM-OnDB: one stroke of two points, and a dot whose x tells the files apart.
LINE = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession><WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>
<StrokeSet>
<Stroke colour="black"><Point x="10" y="20" time="1.5"/><Point x="11" y="25" time="1.6"/></Stroke>
<Stroke colour="black"/>
<Stroke colour="black"><Point x="{x}" y="7" time="2.0"/></Stroke>
</StrokeSet></WhiteboardCaptureSession>"""
TEXT = "OCR:\n\nNot this\n\nCSR:\n\n{lines}\n"


def path_of(name, kind, suffix):
    """Where IAM-OnDB keeps a file: a01-000u-01 of form a01-000u is in lineStrokes/a01/a01-000."""
    return f"{kind}/{name[:3]}/{name[:7]}/{name}{suffix}"


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def make_iam(folder, texts, strokes):
    """Write both archives: texts {form: transcript}, strokes {line: XML}."""
    write_archive(
        folder / "ascii-all.tar.gz",
        {path_of(name, "ascii", ".txt"): TEXT.format(lines=lines) for name, lines in texts.items()},
    )
    write_archive(
        folder / "lineStrokes-all.tar.gz",
        {path_of(name, "lineStrokes", ".xml"): xml for name, xml in strokes.items()},
    )
    return folder


def read(folder):
    report = Report()
    samples = list(read_iam_ondb(folder, report))
    assert report.used == len(samples)
    return samples, report


# IAM-OnDB


def test_a_line_gets_the_nth_non_empty_line_of_text(tmp_path):
    texts = {"a01-000u": "First  line\n \n\nDon&apos;t &quot;stop&quot;\n", "b02-001": "Other"}
    strokes = {"a01-000u-01": LINE.format(x=1), "a01-000u-02": LINE.format(x=2), "b02-001-01": LINE.format(x=3)}
    samples, report = read(make_iam(tmp_path, texts, strokes))
    assert [sample.text for sample in samples] == ["First line", "Don't \"stop\"", "Other"]
    assert [sample.group for sample in samples] == ["a01-000u", "a01-000u", "b02-001"]
    assert [sample.strokes[1].tolist() for sample in samples] == [[[1, 7]], [[2, 7]], [[3, 7]]]
    assert samples[0].strokes[0].tolist() == [[10, 20], [11, 25]]
    assert report.skipped == {}


def test_percent_signs_stand_for_a_line_break(tmp_path):
    strokes = {f"a01-000-0{n}": LINE.format(x=n) for n in (1, 2, 3)}
    samples, _ = read(make_iam(tmp_path, {"a01-000": "bone %%%%%%%%%%% pinned.\n50% off"}, strokes))
    assert [sample.text for sample in samples] == ["bone", "pinned.", "50% off"]


def test_what_cannot_be_used_is_named_with_its_reason(tmp_path):
    texts = {"a01-000": "a\nb", "a01-002": "only one", "a01-003": "", "a01-004": "a"}
    texts |= {"z01-000z": "x", "h02-037": "a\nb"}
    names = ["a01-000-01", "a01-000-02", "a01-001-01", "a01-002-01", "a01-002-02"]
    names += ["z01-000z-01", "h02-037-01", "h02-037-02", "a01-003-01", "strange"]
    strokes = {name: LINE.format(x=1) for name in names}
    strokes["a01-000-01"] = LINE.format(x="nan")
    strokes["a01-004-01"] = "<WhiteboardCaptureSession/>"
    samples, report = read(make_iam(tmp_path, texts, strokes))
    assert [(sample.group, sample.text) for sample in samples] == [("a01-000", "b"), ("h02-037", "a")]
    reasons = {name: reason for reason, names in report.skipped.items() for name in names}
    assert reasons.keys() == {*names, "a01-004-01"} - {"a01-000-02", "h02-037-01"}
    assert "finite" in reasons["a01-000-01"]
    assert "without a transcript" in reasons["a01-001-01"] and "without a transcript" in reasons["a01-003-01"]
    assert "more stroke files" in reasons["a01-002-01"] and "more stroke files" in reasons["a01-002-02"]
    assert "form known to be bad" in reasons["z01-000z-01"]
    assert "known to have the wrong" in reasons["h02-037-02"]
    assert "not named like" in reasons["strange"]
    assert "no stroke" in reasons["a01-004-01"]
    assert "2 lines used, 9 skipped" in str(report) and "a01-002-01, a01-002-02" in str(report)


@pytest.mark.parametrize("form", ["a02-062", "a08-551z", "e05-265z", "g04-060", "h04-141z", "j06-278z"])
def test_lines_known_to_be_bad_are_skipped(tmp_path, form):
    strokes = {f"{form}-{number:02}": LINE.format(x=number) for number in range(1, 10)}
    samples, report = read(make_iam(tmp_path, {form: "\n".join("abcdefghi")}, strokes))
    bad = {"a02-062": "abc", "a08-551z": "hi", "e05-265z": "d", "g04-060": "b", "h04-141z": "c", "j06-278z": "d"}[form]
    assert "".join(sample.text for sample in samples) == "".join(sorted(set("abcdefghi") - set(bad)))
    assert sum(map(len, report.skipped.values())) == len(bad)


def test_a_broken_stroke_file_spoils_its_own_line_only(tmp_path):
    strokes = {"a01-000-01": "<Stroke", "a01-000-02": LINE.format(x=2)}
    strokes["a01-000-03"] = "<a><Stroke><Point/></Stroke></a>"
    samples, report = read(make_iam(tmp_path, {"a01-000": "a\nb\nc"}, strokes))
    assert [sample.text for sample in samples] == ["b"]
    assert any("not well-formed" in reason for reason in report.skipped)
    assert any("no x or no y" in reason for reason in report.skipped)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_however_they_are_encoded(tmp_path, encoding):
    bomb = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE ink [<!ENTITY a "aaaa">]><ink>&a;</ink>'
    (tmp_path / "bomb.inkml").write_bytes(bomb.encode(encoding))
    with pytest.raises(MinirnnError, match=r"bomb\.inkml has a DOCTYPE"):
        read_inkml(tmp_path / "bomb.inkml")


def test_unpacked_folders_give_the_same(tmp_path):
    strokes = {"a01-000u-01": LINE.format(x=1), "b02-001-01": LINE.format(x=3)}
    packed, _ = read(make_iam(tmp_path, {"a01-000u": "One", "b02-001": "Two"}, strokes))
    unpacked = tmp_path / "unpacked"
    for kind in ("ascii", "lineStrokes"):
        with tarfile.open(tmp_path / f"{kind}-all.tar.gz") as tar:
            for member in tar:
                (unpacked / member.name).parent.mkdir(parents=True, exist_ok=True)
                (unpacked / member.name).write_bytes(tar.extractfile(member).read())
    samples, _ = read(unpacked)
    assert [(s.text, s.group) for s in samples] == [(s.text, s.group) for s in packed]
    for mine, theirs in zip(samples, packed):
        np.testing.assert_array_equal(np.concatenate(mine.strokes), np.concatenate(theirs.strokes))


def test_reading_the_archives_unpacks_nothing(tmp_path):
    make_iam(tmp_path, {"a01-000": "a"}, {"a01-000-01": LINE.format(x=1)})
    before = sorted(os.listdir(tmp_path))
    read(tmp_path)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_damaged_or_missing_archive_is_named(tmp_path):
    with pytest.raises(MinirnnError, match=r"ascii-all\.tar\.gz"):
        read(tmp_path)
    make_iam(tmp_path, {"a01-000": "a"}, {"a01-000-01": LINE.format(x=1)})
    archive = tmp_path / "lineStrokes-all.tar.gz"
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(MinirnnError, match=r"lineStrokes-all\.tar\.gz cannot be read"):
        read(tmp_path)


# JSON lines

numbers = st.floats(-1e30, 1e30, exclude_min=True, exclude_max=True)
strokes_of_anyone = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4).map(np.array)
samples_of_anyone = st.builds(
    Sample,
    text=st.text(min_size=1).filter(str.strip),
    strokes=st.lists(strokes_of_anyone, min_size=1, max_size=3),
    group=st.text(),
)


@given(samples=st.lists(samples_of_anyone, max_size=3))
@settings(deadline=None, max_examples=50)
def test_json_lines_come_back_as_they_were(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("jsonl") / "pen.jsonl"
    write_jsonl(path, samples)
    again = list(read_samples(path))
    assert [(s.text, s.group) for s in again] == [(s.text, s.group) for s in samples]
    for mine, theirs in zip(again, samples):
        assert all(np.array_equal(a, b) for a, b in zip(mine.strokes, theirs.strokes))
    assert os.listdir(path.parent) == ["pen.jsonl"]


@pytest.mark.parametrize(
    "line, message",
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", 'expected an object with "text" and "strokes"'),
        ('{"text": "a"}', "expected an object"),
        ('{"text": 1, "strokes": [[[0, 0]]]}', '"text" is not'),
        ('{"text": " ", "strokes": [[[0, 0]]]}', '"text" is not'),
        ('{"text": "a", "strokes": [[[0, 0]]], "group": 3}', '"group" is not'),
        ('{"text": "a", "strokes": []}', "no stroke"),
        ('{"text": "a", "strokes": 5}', "expected a list of strokes"),
        ('{"text": "a", "strokes": [[[0, NaN]]]}', "stroke 1, point 1 is not a finite number"),
        ('{"text": "a", "strokes": [[[0, 0, 0]]]}', "shape"),
    ],
)
def test_faults_in_json_lines_are_named_by_file_and_line(tmp_path, line, message):
    path = tmp_path / "pen.jsonl"
    path.write_text(json.dumps({"text": "fine", "strokes": [[[0, 0]]]}) + "\n\n" + line + "\n")
    with pytest.raises(MinirnnError, match=message) as caught:
        list(read_jsonl(path))
    assert str(caught.value).startswith(f"{path}, line 3")


def test_lines_without_a_group_are_groups_of_their_own(tmp_path):
    path = tmp_path / "pen.jsonl"
    path.write_text('{"text": "a", "strokes": [[[0, 0]]]}\n' * 2)
    first, second = read_jsonl(path)
    assert first.group != second.group


def test_files_that_are_not_there_or_not_text(tmp_path):
    (tmp_path / "latin.jsonl").write_bytes('{"text": "é"}'.encode("latin-1"))
    with pytest.raises(MinirnnError, match="not UTF-8"):
        list(read_jsonl(tmp_path / "latin.jsonl"))
    for reader in (read_jsonl, read_samples):
        with pytest.raises(MinirnnError, match="check"):
            list(reader(tmp_path / "none.jsonl"))
    with pytest.raises(MinirnnError, match="check"):
        read_inkml(tmp_path / "none.inkml")
    (tmp_path / "picture.png").write_bytes(b"")
    with pytest.raises(MinirnnError, match=r"neither \.jsonl nor \.inkml"):
        list(read_samples(tmp_path / "picture.png"))


# InkML


def inkml(tmp_path, body, name="page.inkml"):
    path = tmp_path / name
    path.write_text(f'<ink xmlns="http://www.w3.org/2003/InkML">{body}</ink>')
    return path


TRUTH = '<annotation type="truth">Hi there</annotation>'


def test_inkml_with_absolute_positions(tmp_path):
    body = TRUTH + '<annotation type="writer">Ana</annotation><trace>10 0, 9 14.5, 8 -28</trace><trace>130 155</trace>'
    (sample,) = read_inkml(inkml(tmp_path, body))
    assert (sample.text, sample.group) == ("Hi there", "Ana")
    assert [stroke.tolist() for stroke in sample.strokes] == [[[10, 0], [9, 14.5], [8, -28]], [[130, 155]]]


def test_inkml_with_differences(tmp_path):
    # First and second differences: x moves by 23, then 30 = 23 + 7, then 33 = 30 + 3; and so does y.
    body = TRUTH + """<trace>1125 18432,'23'43,"7"-8,3-5,7 -3,!5!6</trace>"""
    (sample,) = read_inkml(inkml(tmp_path, body))
    (stroke,) = sample.strokes
    expected = [[1125, 18432], [1148, 18475], [1178, 18510], [1211, 18540], [1251, 18567], [5, 6]]
    assert stroke.tolist() == expected


def test_inkml_with_other_channels_and_directions(tmp_path):
    layout = '<traceFormat><channel name="F"/><channel name="Y" orientation="-ve"/><channel name="X"/></traceFormat>'
    (sample,) = read_inkml(inkml(tmp_path, layout + TRUTH + "<trace>? 2 3, 9 * #A</trace>"))
    assert sample.strokes[0].tolist() == [[3, -2], [10, -2]]
    assert sample.group == "page"


def test_inkml_text_in_annotation_xml(tmp_path):
    body = "<annotationXML><line><word>Hi</word><word>you</word></line></annotationXML><trace>1 2</trace>"
    assert [sample.text for sample in read_inkml(inkml(tmp_path, body))] == ["Hi you"]


@pytest.mark.parametrize(
    "body, message",
    [
        ("<trace>1 2</trace>", "does not say what is written"),
        (TRUTH, "no stroke"),
        (TRUTH + "<trace></trace>", "trace 1 is empty"),
        (TRUTH + "<trace>1 2, 3</trace>", "trace 1, point 2"),
        (TRUTH + "<trace>1 2, 3 4 5</trace>", "trace 1, point 2"),
        (TRUTH + "<trace>1 2, one two</trace>", "trace 1, point 2"),
        (TRUTH + "<trace>1 ?</trace>", "not a finite number"),
        (TRUTH + '<traceFormat><channel name="X"/></traceFormat><trace>1 2</trace>', "channels X and Y"),
        (TRUTH + "<trace>", "not well-formed"),
    ],
)
def test_faults_in_inkml_are_named(tmp_path, body, message):
    with pytest.raises(MinirnnError, match=message) as caught:
        read_inkml(inkml(tmp_path, body))
    assert "page.inkml" in str(caught.value)


def read_body(tmp_path, body):
    """([(text, strokes as lists)], the report's text) of a file with this body."""
    report = Report()
    samples = read_inkml(inkml(tmp_path, body), report)
    return [(s.text, [stroke.tolist() for stroke in s.strokes]) for s in samples], str(report)


def line_of(text, *traces):
    traces = "".join(f"<trace>{trace}</trace>" for trace in traces)
    return f'<traceGroup><annotation type="truth">{text}</annotation>{traces}</traceGroup>'


def test_every_group_with_a_text_is_a_sample(tmp_path):
    body = line_of("first line", "0 0, 10 20", "5 5") + line_of("second line", "0 100, 10 120")
    expected = [("first line", [[[0, 0], [10, 20]], [[5, 5]]]), ("second line", [[[0, 100], [10, 120]]])]
    assert read_body(tmp_path, body)[0] == expected
    assert read_body(tmp_path, f"<traceGroup>{body}</traceGroup>")[0] == expected
    whole = '<annotation type="truth">first line second line</annotation>'
    assert read_body(tmp_path, whole + body)[0] == expected, "lines below each other, of which the file has all texts"


def test_words_of_a_line_are_no_samples(tmp_path):
    words = line_of("Dear", "0 0, 10 20") + line_of("Ana", "30 0, 40 20")
    for body in (
        '<annotation type="truth">Dear Ana</annotation>' + words,
        f'<traceGroup><annotation type="truth">Dear Ana</annotation>{words}</traceGroup>',
        '<annotation type="truth">x + 1</annotation>' + words,
    ):
        ((text, strokes),) = read_body(tmp_path, body)[0]
        assert text in ("Dear Ana", "x + 1") and len(strokes) == 2


def test_lines_by_views_of_traces(tmp_path):
    """As IAMonDo has them: views of a document, of its lines, of their words, each with its text."""
    def view(kind, text, inner):
        notes = f'<annotation type="type">{kind}</annotation><annotation type="transcription">{text}</annotation>'
        return f"<traceView>{notes}{inner}</traceView>"

    data = "".join(f'<trace xml:id="t{n}">{n} {n}</trace>' for n in range(4))
    views = [f'<traceView traceDataRef="#t{n}"/>' for n in range(4)]
    lines = view("Textline", "ab", view("Word", "a", views[2]) + view("Word", "b", views[0]))
    lines += view("Textline", "c", views[3])
    found, _ = read_body(tmp_path, data + view("Document", "ab c", lines))
    assert found == [("ab", [[[2, 2]], [[0, 0]]]), ("c", [[[3, 3]]])]
    group = '<traceGroup xml:id="g"><trace>7 8</trace></traceGroup>'
    circle = '<traceView xml:id="v" traceDataRef="#v"><annotation type="truth">x</annotation></traceView>'
    of_group = '<traceView traceDataRef="#g"><annotation type="truth">x</annotation></traceView>'
    assert read_body(tmp_path, group + of_group)[0] == [("x", [[[7, 8]]])]
    with pytest.raises(MinirnnError, match="no stroke for 'x'"):
        read_body(tmp_path, group + circle)


def test_several_contexts_with_formats_of_their_own(tmp_path):
    body = (
        '<definitions><context xml:id="a"><inkSource><traceFormat><channel name="Y"/><channel name="X"/></traceFormat>'
        '</inkSource></context><traceFormat xml:id="f"><channel name="T"/><channel name="X"/>'
        '<channel name="Y" orientation="-ve"/></traceFormat><context xml:id="b" traceFormatRef="#f"/></definitions>'
        + TRUTH + '<trace contextRef="#a">1 2</trace><traceGroup contextRef="#b"><trace>9 1 2</trace></traceGroup>'
    )  # fmt: skip
    assert read_body(tmp_path, body)[0] == [("Hi there", [[[2, 1]], [[1, -2]]])]
    stream = (
        TRUTH + '<traceFormat><channel name="Y"/><channel name="X"/></traceFormat><trace>1 2</trace>'
        '<traceFormat><channel name="X"/><channel name="Y"/></traceFormat><trace>1 2</trace>'
    )
    assert read_body(tmp_path, stream)[0] == [("Hi there", [[[2, 1]], [[1, 2]]])]


def test_resolutions_of_x_and_y_that_differ_are_made_equal(tmp_path):
    properties = "".join(
        f'<channelProperty channel="{name}" name="resolution" value="{value}" units="1/in"/>'
        for name, value in (("X", 100), ("Y", 200))
    )
    body = f"<definitions><channelProperties>{properties}</channelProperties></definitions>{TRUTH}<trace>10 10</trace>"
    assert read_body(tmp_path, body)[0] == [("Hi there", [[[10, 5]]])]


def test_what_the_pen_did_in_the_air_is_not_drawn(tmp_path):
    body = TRUTH + '<trace type="penDown">1 2</trace><trace type="penUp">9 9, 8 8</trace><trace>3 4</trace>'
    assert read_body(tmp_path, body)[0] == [("Hi there", [[[1, 2]], [[3, 4]]])]


@pytest.mark.parametrize(
    "bad, said",
    [("<trace>NaN NaN, 2 2</trace>", "trace 2, point 1: 'NaN NaN'"), ("<trace/>", "trace 2 is empty"),
     ("<trace>1 ?</trace>", "trace 2: stroke 1, point 1 is not a finite number")],
)  # fmt: skip
def test_a_trace_that_cannot_be_used_is_named_and_the_rest_is_read(tmp_path, bad, said):
    found, report = read_body(tmp_path, TRUTH + "<trace>1 2</trace>" + bad + "<trace>3 4</trace>")
    assert found == [("Hi there", [[[1, 2]], [[3, 4]]])]
    assert said in report


def test_what_a_program_recognised_is_no_text(tmp_path):
    emma = (
        '<traceGroup><annotationXML><emma:emma xmlns:emma="http://www.w3.org/2003/04/emma"><emma:one-of><emma:literal>'
        "The</emma:literal><emma:literal>she</emma:literal></emma:one-of></emma:emma></annotationXML>"
        "<trace>1 2</trace></traceGroup>"
    )
    with pytest.raises(MinirnnError, match=r"does not say what is written; .* recognised is no text"):
        read_body(tmp_path, emma)
    assert read_body(tmp_path, TRUTH + emma)[0] == [("Hi there", [[[1, 2]]])]


def test_work_that_a_stranger_could_multiply_is_bounded(tmp_path, monkeypatch):
    many = "".join(f'<channel name="C{n}"/>' for n in range(100)) + '<channel name="X"/><channel name="Y"/>'
    with pytest.raises(MinirnnError, match="at most 64 in all"):
        read_body(tmp_path, f"<traceFormat>{many}</traceFormat>{TRUTH}<trace>1 2</trace>")
    monkeypatch.setattr("minirnn.datasets.inkml.MAX_POINTS", 3)
    with pytest.raises(MinirnnError, match="has 4 points"):
        read_body(tmp_path, TRUTH + "<trace>1 2, 3 4</trace><trace>1 2, 3 4</trace>")


def test_a_folder_of_inkml_files_is_a_dataset(tmp_path):
    for name in ("b.inkml", "a.inkml"):
        inkml(tmp_path, TRUTH + "<trace>1 2</trace>", name)
    assert [sample.group for sample in read_samples(tmp_path)] == ["a", "b"]


def test_one_bad_file_does_not_stop_a_folder(tmp_path):
    for name, body in (("a", "<trace>1 2</trace>"), ("b", TRUTH + "<trace>1 2</trace>"), ("c", "<trace")):
        inkml(tmp_path, body, f"{name}.inkml")
    (tmp_path / "more").mkdir()
    inkml(tmp_path / "more", TRUTH + "<trace>1 2</trace>", "b.inkml")
    inkml(tmp_path.parent, TRUTH + "<trace>1 2</trace>", "secret.inkml")
    (tmp_path / "d.inkml").symlink_to(tmp_path.parent / "secret.inkml")
    report = Report()
    assert [sample.group for sample in read_samples(tmp_path, report)] == ["b", "more/b"]
    assert "2 lines used, 3 skipped" in str(report) and "leads out of the folder" in str(report)
    (tmp_path / "d.inkml").unlink()
    assert "does not say what is written" in str(report)
    (tmp_path / "b.inkml").unlink()
    (tmp_path / "more" / "b.inkml").unlink()
    with pytest.raises(MinirnnError, match=r"a\.inkml does not say .* \(and so on, 2 files\)"):
        list(read_samples(tmp_path))


# Cache, split, coverage


def test_the_cache_gives_the_same_until_the_source_changes(tmp_path, monkeypatch):
    source, cache = tmp_path / "iam", tmp_path / "cache"
    source.mkdir()
    strokes = {"a01-000-01": LINE.format(x=1), "a01-000-02": LINE.format(x=2), "b01-000-01": LINE.format(x=3)}
    make_iam(source, {"a01-000": "a\nb"}, strokes)
    first, report = load_samples(source, cache)

    with monkeypatch.context() as patch:
        patch.setattr("minirnn.datasets.read_samples", None)  # reading again would fail
        second, report_again = load_samples(source, cache)
    assert report_again == report and report.used == 2 and sum(map(len, report.skipped.values())) == 1
    assert [(s.text, s.group) for s in second] == [(s.text, s.group) for s in first]
    for mine, theirs in zip(second, first):
        assert all(np.array_equal(a, b) for a, b in zip(mine.strokes, theirs.strokes))

    make_iam(source, {"a01-000": "a\nchanged"}, strokes)
    assert [sample.text for sample in load_samples(source, cache)[0]] == ["a", "changed"]
    assert len(os.listdir(cache)) == 1

    monkeypatch.setattr("minirnn.datasets.cache.VERSION", -1)  # as another way of reading would
    monkeypatch.setattr("minirnn.datasets.read_samples", lambda *_: iter([]))
    assert load_samples(source, cache)[0] == []
    assert load_samples(source, cache)[0] == []  # nothing can be kept in a cache, too


def test_memory_does_not_grow_with_the_strokes(tmp_path, monkeypatch):
    """They are in memory one line at a time, when a set is read for the first time and whenever it is used."""
    lines, points = 100, 20_000  # 32 MB
    source = tmp_path / "pen.jsonl"
    source.write_text("read below")
    monkeypatch.setattr("minirnn.datasets.read_samples", lambda *_: (
        Sample(f"line {n}", [np.full((1, 2), n), np.full((points, 2), n + 0.5)], "g") for n in range(lines)
    ))  # fmt: skip
    tracemalloc.start()
    for _ in range(2):
        samples, _ = load_samples(source, tmp_path / "cache")
        for n, sample in enumerate(samples):
            dot, stroke = sample.strokes
            assert sample.text == f"line {n}" and np.array_equal(dot, [[n, n]])
            assert stroke.shape == (points, 2) and (stroke == n + 0.5).all()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4e6


def test_what_is_open_can_be_read_whatever_takes_its_place(tmp_path):
    source, cache = tmp_path / "pen.jsonl", tmp_path / "cache"
    write_jsonl(source, [Sample("a", [np.array([[1.0, 2.0]])], "g")])
    (first,), _ = load_samples(source, cache)
    assert pickle.loads(pickle.dumps(first)).strokes[0].tolist() == [[1, 2]]  # as another process gets it
    write_jsonl(source, [Sample("bc", [np.array([[3.0, 4.0], [5.0, 6.0]])], "g")])
    (second,), _ = load_samples(source, cache)
    assert first.strokes[0].tolist() == [[1, 2]] and second.strokes[0].tolist() == [[3, 4], [5, 6]]


def test_a_broken_cache_is_read_anew(tmp_path):
    source, cache = tmp_path / "pen.jsonl", tmp_path / "cache"
    write_jsonl(source, [Sample("a", [np.array([[1.0, 2.0]])], "g")])
    load_samples(source, cache)
    (path,) = cache.iterdir()
    good = path.read_bytes()
    other_point, long = bytes([good[0] ^ 1]) + good[1:], good[:-40] + bytes([255] * 8) + good[-32:]
    for damage in (b"", b"no cache" * 9, good[:-50], good + b" ", other_point, long):
        path.write_bytes(damage)
        assert load_samples(source, cache)[0][0].text == "a"


def test_split_keeps_groups_together_and_does_not_depend_on_order():
    samples = [Sample(str(i), [], f"form {i % 200}") for i in range(1000)]
    training, validation = split_by_group(samples, 0.2, seed=3)
    assert len(training) + len(validation) == 1000
    assert not {s.group for s in training} & {s.group for s in validation}
    assert 0.1 < len(validation) / 1000 < 0.3
    held_out = {s.group for s in validation}
    # Neither order nor the absence of other groups moves a group to the other side.
    _, again = split_by_group(samples[::-3], 0.2, seed=3)
    assert {s.group for s in again} == held_out & {s.group for s in samples[::-3]}
    assert held_out != {s.group for s in split_by_group(samples, 0.2, seed=4)[1]}
    assert split_by_group(samples, 0.0)[1] == [] and split_by_group(samples, 1.0)[0] == []


def test_coverage_counts_every_character_and_names_what_is_rare_or_missing():
    counts = coverage(["aab" * 30, "é b\t"])
    assert counts == {"\t": 1, " ": 1, "a": 60, "b": 31, "é": 1}
    assert list(counts) == sorted(counts)
    report = format_coverage(counts)
    assert "5 characters, 94 in all" in report
    assert "a 60" in report and "é 1" in report and "U+0009 1" in report and "space 1" in report
    rare = next(line for line in report.splitlines() if line.startswith("rare"))
    missing = next(line for line in report.splitlines() if line.startswith("missing"))
    assert rare.split(": ")[1].split() == ["U+0009", "space", "b", "é"]
    assert "c" in missing.split() and "a" not in missing.split() and "~" in missing.split()
    assert "none" in format_coverage({chr(code): 50 for code in range(32, 127)})


def test_the_folder_that_prepare_writes_is_a_dataset(tmp_path):
    sample = Sample("Hi", [np.array([[0.0, 0.0], [0.0, 9.0]])], "page 1")
    write_jsonl(tmp_path / "samples.jsonl", [sample])
    (found,) = read_samples(tmp_path)
    assert (found.text, found.group) == ("Hi", "page 1")
