"""One text for many people: what a row lacks is said before anything is written, and no two letters are alike."""

import re

import pytest
from test_drawing_letters import SteadyHand

from minirnn.drawing.layout import WrittenLine
from minirnn.drawing.markup import parse
from minirnn.errors import MinirnnError, run_command
from minirnn.write import main
from minirnn.writing.hands import Writer
from minirnn.writing.merging import fill_in, merged, read_addresses

TEXT = "{right} 12 May\nDear {name},\n{title?}\ncome to {place}.\n{page dl}\n{name}\n{street}"


def table(tmp_path, content, name="addresses.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_as_spreadsheets_save_it(tmp_path, separator):
    rows = [["name", "street"], ["Ana", '"12, Mill; Lane"'], ["", ""], ["Tom\u00a0Lee", "Old  Town"]]
    path = table(tmp_path, "\ufeff" + "\r\n".join(separator.join(row) for row in rows) + "\r\n")
    assert read_addresses(path) == [
        (2, {"name": "Ana", "street": "12, Mill; Lane"}),
        (4, {"name": "Tom Lee", "street": "Old Town"}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,street\n", "has no rows"),
        ("name\nAna,12\n", "row 2: 2 cells in 1 columns"),
        ('name,street\n"Ana,12\n', "line 2: not valid CSV"),
        ("name,name\na,b\n", "two columns of one name"),
        ("", "is empty"),
        (b"name\n\xff\n", "not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    with pytest.raises(MinirnnError, match=message):
        read_addresses(table(tmp_path, content))


def test_fields_are_filled_in_and_mark_up_stays():
    row = {"name": "Ana", "title": "", "place": "tea", "street": "12 Mill Lane"}
    assert fill_in(TEXT, row) == "{right} 12 May\nDear Ana,\ncome to tea.\n{page dl}\nAna\n12 Mill Lane"
    assert fill_in("{ title ? } x\\{name}", row) == " x\\{name}"
    assert "\nher Grace\n" in fill_in(TEXT, row | {"title": "her Grace"})


def test_every_row_is_looked_at_before_anything_is_written(tmp_path):
    path = table(tmp_path, "name,street\nAna,1\n,2\nTom,\nŁuk,3\n")

    def read(text):
        if "Ł" in text:
            raise MinirnnError("this hand cannot write Ł")
        return text

    with pytest.raises(MinirnnError) as error:
        merged("{name} {street}", path, read)
    said = str(error.value)
    assert "row 3: 'name' is empty" in said and "row 4: 'street' is empty" in said
    assert "row 5: this hand cannot write Ł" in said and "row 2" not in said and "\n" not in said
    with pytest.raises(MinirnnError, match=r"row 2: there is no column 'town'; there are name, street.*\(and 0|row 5"):
        merged("{town}", path, read)
    assert merged("{name}", table(tmp_path, "name\nAna\n"), read) == [(2, "Ana")]
    for text in ("<name>", "{right} Ana\n{page dl}", "\\{name}"):
        with pytest.raises(MinirnnError, match=r"no field.*write \{name\} where"):
            merged(text, path, read)


def test_rows_are_counted_as_a_spreadsheet_does_and_its_empty_columns_are_none(tmp_path):
    path = table(tmp_path, 'name,street,,\n"Ana\nLee",1,,\n\nTom,2,,\n')
    assert read_addresses(path) == [(2, {"name": "Ana Lee", "street": "1"}), (4, {"name": "Tom", "street": "2"})]


def test_what_stands_in_the_table_is_never_mark_up(tmp_path):
    for cell in ("{page a3}", "{right} Bo", "{centre}"):
        (section,) = parse(fill_in("{name}", {"name": cell}))
        assert [paragraph.cells for paragraph in section.paragraphs] == [[cell]]
        assert section.size is None and section.paragraphs[0].align == "left"
    assert fill_in("{right} {name}", {"name": "Bo"}) == "{right} Bo"


@pytest.fixture
def steady(monkeypatch):
    monkeypatch.setattr(WrittenLine, "metrics", property(lambda line: (0.0, 1.0)))
    monkeypatch.setattr("minirnn.write.Writer", lambda *rest, **more: SteadyHand())


def test_letters_and_their_envelopes_are_numbered_files_or_one_pdf(tmp_path, monkeypatch, steady, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("Dear {name},\n{page dl}\n{name}", encoding="utf-8")
    rows = [f"person {k}" for k in range(12)]
    (tmp_path / "a.csv").write_text("name\n" + "\n".join(rows), encoding="utf-8")
    words = ["--file", "a.txt", "--merge", "a.csv", "--page", "a6"]
    assert run_command(main, [*words, "-o", "a.svg"]) == 0
    names = capsys.readouterr().out.split()
    assert names == sorted(names) and names[:2] == ["a-01-1.svg", "a-01-2.svg"] and len(names) == 24
    for number, name in enumerate(rows, 1):
        assert f"<title>Dear {name},</title>" in (tmp_path / f"a-{number:02}-1.svg").read_text(encoding="utf-8")
        assert 'width="220mm"' in (tmp_path / f"a-{number:02}-2.svg").read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_text("name\nAna\nTom\n", encoding="utf-8")
    assert run_command(main, [*words, "-o", "a.svg"]) == 0  # what the longer table left is removed
    assert sorted(p.name for p in tmp_path.glob("*.svg")) == [f"a-{k}-{p}.svg" for k in (1, 2) for p in (1, 2)]
    assert run_command(main, [*words, "-o", "a.pdf"]) == 0
    assert len(re.findall(rb"/Type /Page\b", (tmp_path / "a.pdf").read_bytes())) == 4
    (tmp_path / "a.csv").write_text("name\nAna\né\n", encoding="utf-8")
    assert run_command(main, [*words, "-o", "b.svg"]) == 2
    assert "row 3: this hand cannot write U+00E9 (é, " in capsys.readouterr().err and not list(tmp_path.glob("b*"))


def test_each_letter_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minirnn.write.Writer", lambda *rest, **more: Writer())
    (tmp_path / "a.csv").write_text("name\nAna\nAna\n", encoding="utf-8")
    assert run_command(main, ["Dear {name}", "--merge", "a.csv", "-o", "a.svg"]) == 0
    one, other = ((tmp_path / f"a-{k}.svg").read_text(encoding="utf-8") for k in (1, 2))
    assert "Dear Ana" in one and one != other
