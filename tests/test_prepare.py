"""The command: from a folder of images to strokes, from a page to lines to be labelled, every step as a picture."""

import csv
import os
import re
import signal

import numpy as np
import pytest
from drawn_lines import scan_of, written_line, written_page
from PIL import Image

from minirnn import cores
from minirnn.datasets import Sample, read_jsonl
from minirnn.errors import MinirnnError, run_command
from minirnn.images import labelled_sets
from minirnn.images.image_files import read_image, save_image
from minirnn.images.labelled_sets import cut_outline, cut_pages, prepare_labelled
from minirnn.prepare import main
from minirnn.studies.tracing import main as measure
from minirnn.studies.tracing import overlap

LINE = scan_of(written_line(words=1), (150, 320))
PAGE_STROKES, PAGE_SHAPE = written_page(2, spacing=110, words=2)
PAGE = scan_of(PAGE_STROKES, PAGE_SHAPE)


def test_a_labelled_folder_becomes_strokes_a_contact_sheet_and_a_report(tmp_path, capsys):
    source, out = tmp_path / "set", tmp_path / "out"
    source.mkdir()
    save_image(source / "line.png", LINE)
    save_image(source / "page.png", PAGE)
    save_image(source / "stray.png", LINE)
    (source / "broken.png").write_bytes(b"\x89PNG")
    save_image(source / "blank.png", np.ones((50, 300)))
    rows = ["line.png,a line,anna", "page.png,\"first\nsecond\",ben", "broken.png,x,", "blank.png,y,", "gone.png,z,"]
    (source / "metadata.csv").write_text("\n".join(["file_name,text,group", *rows]))

    assert run_command(main, [str(source), "--out", str(out), "--no-reading"]) == 0

    samples = list(read_jsonl(out / "samples.jsonl"))
    assert [sample.text for sample in samples] == ["a line", "first", "second"]
    assert [sample.group for sample in samples] == ["anna", "ben", "ben"]
    # The strokes lie where they were written, in pixels of the image.
    assert overlap(written_line(words=1), samples[0].strokes, 2)[0] > 0.97
    assert overlap(PAGE_STROKES, samples[1].strokes + samples[2].strokes, 2)[0] > 0.97
    assert Image.open(out / "contact_sheet_01.png").size[0] > 500
    report = (out / "report.txt").read_text()
    assert "3 lines traced, 4 problems" in report
    for said in ("broken.png", "blank.png: no ink", "gone.png: labelled", "stray.png: image without", "missing of"):
        assert said in report
    assert report in capsys.readouterr().out


def test_a_page_with_another_number_of_lines_than_its_text_is_reported(tmp_path):
    save_image(tmp_path / "page.png", PAGE)
    (tmp_path / "page.gt.txt").write_text("one\ntwo\nthree")
    with pytest.raises(MinirnnError, match=r"report\.txt"):
        prepare_labelled(tmp_path, tmp_path / "out")
    assert "3 lines of text, but 2 lines in the image" in (tmp_path / "out" / "report.txt").read_text()
    assert not (tmp_path / "out" / "samples.jsonl").exists()


def test_an_unlabelled_page_is_cut_into_lines_which_can_then_be_labelled(tmp_path):
    save_image(tmp_path / "page.png", PAGE)
    lines = tmp_path / "lines"
    assert run_command(main, [str(tmp_path / "page.png"), "--out", str(lines)]) == 0
    with open(lines / "metadata.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file_name"], row["text"], row["group"]) for row in rows] == [
        ("page_png_01.png", "", "page"), ("page_png_02.png", "", "page"),
    ]  # fmt: skip
    assert read_image(lines / "page_png_01.png").min() < 0.2

    labels = ["file_name,text,group", "page_png_01.png,first,page", "page_png_02.png,second,page"]
    (lines / "metadata.csv").write_text("\n".join(labels))
    with pytest.raises(MinirnnError, match="may hold labels"):  # what was labelled is never written over
        cut_pages([tmp_path / "page.png"], lines)
    samples, problems = prepare_labelled(lines, tmp_path / "samples")
    assert [sample.text for sample in samples] == ["first", "second"]
    assert problems == []


def test_what_is_read_on_a_page_without_labels_is_a_suggestion_and_no_text(tmp_path):
    save_image(tmp_path / "page.png", PAGE)
    count, _ = cut_pages([tmp_path / "page.png"], tmp_path / "lines", lambda lines: [f"read {len(s)}" for s in lines])
    with open(tmp_path / "lines" / "metadata.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert count == 2 and all(row["suggestion"].startswith("read ") and row["text"] == "" for row in rows)
    with pytest.raises(MinirnnError, match=r"report\.txt"):  # nobody has confirmed them
        prepare_labelled(tmp_path / "lines", tmp_path / "samples")


def test_labels_that_the_ink_contradicts_are_named_and_kept(tmp_path):
    for name in ("one", "two"):
        save_image(tmp_path / f"{name}.png", LINE)
        (tmp_path / f"{name}.gt.txt").write_text(f"label {name}")
    samples, problems = prepare_labelled(
        tmp_path, tmp_path / "out", contradicted=lambda texts, lines: [(0, "label two", 1), (1, "else", None)]
    )
    assert len(samples) == 2
    assert "one.png: labelled 'label one', but the ink reads 'label two', which is the label of two.png" in problems[0]
    assert "but the ink reads 'else'; look" in problems[1]
    assert problems[0] in (tmp_path / "out" / "report.txt").read_text()


def test_of_pages_without_labels_the_broken_one_is_reported(tmp_path):
    save_image(tmp_path / "blank.png", np.ones((60, 80)))
    (tmp_path / "broken.png").write_bytes(b"")
    save_image(tmp_path / "page.png", PAGE)
    pages = [tmp_path / name for name in ("blank.png", "page.png", "broken.png")]
    count, problems = cut_pages(pages, tmp_path / "out")
    assert count == 2
    assert ["no line" in problems[0], "broken.png: not an image" in problems[1]] == [True, True]


def test_pages_are_kept_as_they_are_cut_and_one_at_a_time_is_in_memory(tmp_path, monkeypatch):
    written, blank = Image.fromarray(np.uint8(255 * PAGE)), Image.new("L", (300, 200), 255)
    images = [written, blank, written]
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:])
    images[0].save(tmp_path / "b.png")

    def at_once(lines):
        assert len(lines) <= 2
        if (tmp_path / "out" / "metadata.csv").exists():  # a.tif is done: the power fails
            raise KeyboardInterrupt
        return ["" for _ in lines]

    with pytest.raises(KeyboardInterrupt):
        cut_pages([tmp_path / "a.tif", tmp_path / "b.png"], tmp_path / "out", at_once)
    with open(tmp_path / "out" / "metadata.csv", newline="") as file:
        assert [row["file_name"] for row in csv.DictReader(file)] == [f"a_tif_{n:02d}.png" for n in (1, 2, 3, 4)]

    def no_memory(*page):
        raise MemoryError

    monkeypatch.setattr(labelled_sets, "read_page", no_memory)
    with pytest.raises(MinirnnError, match=r"b\.png: needs more memory"):
        cut_pages([tmp_path / "b.png"], tmp_path / "other")


def test_an_image_that_needs_too_much_memory_costs_nothing_else(tmp_path, monkeypatch):
    for name in ("a", "b"):
        save_image(tmp_path / f"{name}.png", LINE)
        (tmp_path / f"{name}.gt.txt").write_text("a line")
    trace = labelled_sets.trace_item

    def greedy(item):
        if item.path.name == "a.png":
            raise MemoryError("Unable to allocate 9 GiB")
        return trace(item)

    monkeypatch.setattr(labelled_sets, "trace_item", greedy)
    samples, problems = prepare_labelled(tmp_path, tmp_path / "out")
    assert len(samples) == 1 and "a.png: needs more memory" in problems[0]


def test_nothing_is_written_into_the_labelled_folder_itself(tmp_path):
    save_image(tmp_path / "contact_sheet_mine.png", LINE)
    (tmp_path / "contact_sheet_mine.gt.txt").write_text("a line")
    with pytest.raises(MinirnnError, match="is the labelled folder itself"):
        prepare_labelled(tmp_path, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("names, more", [(["blank.png"], ""), (["blank.png", "broken.png"], " (and so on, 2 pages)")])
def test_pages_without_any_line_are_an_error(tmp_path, names, more):
    save_image(tmp_path / "blank.png", np.ones((60, 80)))
    (tmp_path / "broken.png").write_bytes(b"")
    with pytest.raises(MinirnnError, match=rf"blank\.png: no line of handwriting found{re.escape(more)}; nothing"):
        cut_pages([tmp_path / name for name in names], tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_every_step_is_drawn(tmp_path):
    save_image(tmp_path / "page.jpg", PAGE[:, :340])
    assert run_command(main, [str(tmp_path / "page.jpg"), "--show", str(tmp_path / "steps.png")]) == 0
    assert min(Image.open(tmp_path / "steps.png").size) > 800


def test_the_outline_of_a_line_is_cut_from_its_page():
    page = np.full((60, 100), 0.9)
    page[20:30, 10:90] = 0.1
    page[40:50, 10:90] = 0.2  # the next line, outside the outline
    part = cut_outline(page, np.array([[5, 15], [95, 15], [95, 35], [5, 35.0]]), "page.png")
    assert part.shape == (21, 91)
    assert part.min() == 0.1
    with pytest.raises(MinirnnError, match="outside the image"):
        cut_outline(page, np.array([[500, 15], [595, 15], [595, 35.0]]), "page.png")


@pytest.mark.parametrize("arguments", [["nowhere", "--out", "x"], ["."]])
def test_mistakes_on_the_command_line_are_said_in_one_line(arguments, capsys):
    assert run_command(main, arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", ["steps.doc", "steps"])
def test_steps_are_drawn_as_pictures_only(tmp_path, name, capsys):
    save_image(tmp_path / "page.png", PAGE)
    assert run_command(main, [str(tmp_path / "page.png"), "--show", str(tmp_path / name)]) == 2
    assert f"the name '{tmp_path / name}' ends in none of .png, .jpg" in capsys.readouterr().err
    assert not list(tmp_path.glob("steps*"))


def killing(item, shown):
    """As the system does with a process that takes too much memory."""
    if item.path.stem == "big":
        os.kill(os.getpid(), signal.SIGKILL)
    return [Sample(item.text, [np.array([[0.0, 0], [3, 4]])], item.group)], [], []


def test_an_image_that_costs_a_worker_its_life_costs_nothing_else(tmp_path, monkeypatch):
    for name in [*map(str, range(cores.MANY)), "big"]:
        save_image(tmp_path / f"{name}.png", np.ones((9, 9)))
        (tmp_path / f"{name}.gt.txt").write_text("a text")
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    monkeypatch.setattr(labelled_sets, "_trace_or_problem", killing)
    samples, problems = labelled_sets.prepare_labelled(tmp_path, tmp_path / "out")
    assert len(samples) == cores.MANY
    assert problems == [f"{tmp_path / 'big.png'}: the process that traced it was ended, as when memory runs out; "
                        "scale it down"]  # fmt: skip


def test_tracing_is_measured(tmp_path, capsys):
    source = tmp_path / "pens.jsonl"
    strokes = [stroke.tolist() for stroke in written_line(words=1)]
    source.write_text(f'{{"text": "mlog", "strokes": {strokes}}}\n' * 2)
    assert run_command(measure, [str(source), "--out", str(tmp_path / "out"), "--lines", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:4] == ["2", "to", "8", "2"]
    with open(tmp_path / "out" / "measured.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row["covered"]) > 0.95 for row in rows)
    for name in ("recorded", "traced"):
        assert len(list((tmp_path / "out" / name).glob("*.png"))) == 2
