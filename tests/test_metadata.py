"""metadata.csv: read however others write it, changed in one place at a time, and otherwise left to the last byte."""

import csv
import subprocess
import sys

import pytest

from minirnn.datasets.labelled import read_labelled
from minirnn.datasets.metadata import changed_table, read_table, read_texts, write_table
from minirnn.errors import MinirnnError
from minirnn.labelling.labels import Labels


def table_file(folder, content):
    path = folder / "metadata.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def set_text(path, name, text):
    with changed_table(path) as table:
        table.set(name, text)
    return path.read_bytes()


# --- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "file_name,text\na.png,Hi\n",
        "file_name;text\r\na.png;Hi\r\n",
        "file_name\ttext\na.png\tHi",
        "\ufefffilename,words\na.png,Hi\n",
        "Image Path,Transcription\na.png,Hi\n",
        "sep=;\nfile;label\na.png;Hi\n",
        "id;colour;image;ground-truth\n1;red;a.png;Hi\n",
        "label,text,file_name\nneat,Hi,a.png\n",  # both could be the text, but one is called so
        "file_name,text\ra.png,Hi\r",
    ],
)
def test_separators_and_names_of_columns_that_leave_no_doubt(tmp_path, content):
    assert read_texts(table_file(tmp_path, content)) == {"a.png": "Hi"}


@pytest.mark.parametrize(
    "content, said",
    [
        ("filename,words,label\n", "'words' and 'label' could each be the column text; rename one of them"),
        ("file_name,text,text\n", "'text' and 'text' could each be the column text"),
        ("name,says\na.png,Hi\n", "expected the columns file_name and text, found 'name', 'says'"),
        ("name;says\na.png;Hi\n", "expected the columns file_name and text, found 'name', 'says'"),
        ("", "line 1: expected the columns file_name and text;"),
    ],
)
def test_columns_that_leave_a_doubt_are_named(tmp_path, content, said):
    with pytest.raises(MinirnnError, match="line 1") as caught:
        read_table(table_file(tmp_path, content))
    assert said in str(caught.value)


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0c", "\x0b", "\x1c"])
def test_only_line_ends_cut_a_label(tmp_path, character):
    from PIL import Image

    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    table_file(tmp_path, f"file_name,text\na.png,one{character}two\n")
    items, problems = read_labelled(tmp_path)
    assert [item.text for item in items] == ["one two"] and not problems
    (tmp_path / "metadata.csv").unlink()
    (tmp_path / "metadata.jsonl").write_bytes(f'{{"file_name": "a.png", "text": "one{character}two"}}'.encode()
                                              if ord(character) > 31 else b'{"file_name": "a.png", "text": "one two"}')
    assert [item.text for item in read_labelled(tmp_path)[0]] == ["one two"]


def test_a_row_with_too_many_fields_is_a_problem_and_no_shorter_text(tmp_path):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("L", (9, 9)).save(tmp_path / name)
    table_file(tmp_path, "file_name,text\na.png,Dear Ana, hello\nb.png,fine\n")
    items, problems = read_labelled(tmp_path)
    assert [item.text for item in items] == ["fine"]
    assert "line 2 (more fields than columns; put quotes round the text)" in problems[0]


# --- changing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_what_is_not_changed_stays_to_the_last_byte(tmp_path, end, mark, last):
    rows = [
        "note,file_name,note,text",  # a column twice
        '"as ""they"" quote",b.png,  2 ,"old"',
        'x, "c.png",y,unusual',
        "",
        "1,b.png,2,again",  # a row twice
        "3, d.png ,4,",
    ]
    before = mark + end.join(rows) + end * last
    path = table_file(tmp_path, before)
    after = set_text(path, "b.png", "new, with a comma").decode()
    assert after == before.replace('"old"', '"new, with a comma"')
    after = set_text(path, "d.png", "four").decode()
    assert f"3, d.png ,4,four{end}" in after and "again" in after
    assert set_text(path, "e.png", "five").decode() == after + f",e.png,,five{end}"


def test_of_two_rows_of_a_name_the_first_one_counts_everywhere(tmp_path):
    from PIL import Image

    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    path = table_file(tmp_path, "file_name,text\na.png,first\na.png,second\n")
    assert Labels(tmp_path).texts() == {"a.png": "first"}
    assert read_labelled(tmp_path)[0][0].text == "first"
    Labels(tmp_path).answer("a.png", "mended")
    assert path.read_bytes() == b"file_name,text\na.png,mended\na.png,second\n"


def test_names_with_spaces_at_their_ends(tmp_path):
    from PIL import Image

    for name in ("a.png", " b.png"):
        Image.new("L", (9, 9)).save(tmp_path / name)
    path = table_file(tmp_path, "file_name,text\n a.png ,\n b.png,\n")
    labels = Labels(tmp_path)
    labels.answer("a.png", "A")
    labels.answer(" b.png", "B")
    assert labels.texts() == {"a.png": "A", " b.png": "B"}
    assert path.read_bytes() == b"file_name,text\n a.png ,A\n b.png,B\n"
    assert {item.path.name: item.text for item in read_labelled(tmp_path)[0]} == {"a.png": "A", " b.png": "B"}


def test_a_table_that_is_not_changed_is_not_written(tmp_path):
    with changed_table(tmp_path / "metadata.csv"):
        pass
    assert not (tmp_path / "metadata.csv").exists()


def test_a_new_table_is_what_any_reader_of_csv_reads(tmp_path):
    rows = [("a.png", 'He said: "so, so"', "page 1"), ("b.png", "two\nlines", "page 2")]
    write_table(tmp_path / "metadata.csv", rows)
    with open(tmp_path / "metadata.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["file_name", "text", "group"], *map(list, rows)]


def test_two_programs_at_once_lose_nothing_of_each_other(tmp_path):
    program = (
        "import sys, pathlib\n"
        "from minirnn.datasets.metadata import changed_table\n"
        "for number in range(15):\n"
        "    with changed_table(pathlib.Path(sys.argv[1])) as table:\n"
        "        table.set(f'{sys.argv[2]}_{number}.png', 'text')\n"
    )
    path = tmp_path / "metadata.csv"
    running = [subprocess.Popen([sys.executable, "-c", program, str(path), name]) for name in "ab"]
    assert [process.wait() for process in running] == [0, 0]
    assert set(read_texts(path)) == {f"{name}_{number}.png" for name in "ab" for number in range(15)}
