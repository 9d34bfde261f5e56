"""The label page: driven by HTTP as a browser does it, attacked as another page would, and used in a real browser."""

import contextlib
import csv
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from browser import DOWN, ENTER, UP, browsing
from PIL import Image

from minirnn.datasets.labelled import read_labelled
from minirnn.errors import MinirnnError
from minirnn.label import main
from minirnn.labelling.labels import Labels
from minirnn.labelling.server import LabelPage


def make_lines(folder, count):
    """A folder of small line images, called line_00.png and so on, each with its number as grey level."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.fromarray(np.full((20, 60), 100 + number, np.uint8)).save(folder / f"line_{number:02}.png")
    return folder


def saved(folder):
    """{file name: text} as any reader of CSV sees it."""
    with open(folder / "metadata.csv", encoding="utf-8", newline="") as file:
        return {row["file_name"]: row["text"] for row in csv.DictReader(file)}


@pytest.fixture
def lines(tmp_path):
    return make_lines(tmp_path / "lines", 3)


# --- the texts in their file ----------------------------------------------------------------------------------------


def test_answers_are_read_back_by_the_dataset_reader(lines):
    labels = Labels(lines)
    labels.answer("line_00.png", ' He said, "yes" ')
    labels.answer("line_02.png", "na\u0069\u0308ve")  # i and a diaeresis, as some keyboards send it
    items, _ = read_labelled(lines)
    assert {item.path.name: item.text for item in items} == {"line_00.png": 'He said, "yes"', "line_02.png": "naïve"}


def test_other_rows_and_columns_stay(lines):
    """`minirnn.prepare` writes rows with empty texts, and the page that a line is from."""
    rows = 'file_name,text,group\nline_00.png,,"page, 1"\ngone.png,old,page 2\nline_01.png,,page 3\n'
    (lines / "metadata.csv").write_text(rows)
    labels = Labels(lines)
    assert labels.texts() == {"gone.png": "old"}
    labels.answer("line_00.png", "new")
    labels.answer("line_02.png", "last")
    with open(lines / "metadata.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["file_name", "text", "group"],
            ["line_00.png", "new", "page, 1"],
            ["gone.png", "old", "page 2"],
            ["line_01.png", "", "page 3"],
            ["line_02.png", "last", ""],
        ]


def test_undo_takes_back_the_text_before(lines):
    labels = Labels(lines)
    labels.answer("line_00.png", "zero")
    labels.answer("line_01.png", "one")
    assert labels.undo("line_01.png") == ("line_00.png", "zero")
    assert labels.texts() == {"line_01.png": "one"}
    assert Labels(lines).undo("") == ("line_01.png", "one")  # started again: from the end
    assert labels.undo("") is None


@pytest.mark.parametrize(
    "content, words",
    [
        (b"file_name,colour\na.png,x\n", "line 1: expected the columns"),
        (b'file_name,text\na.png,"x\n', "not valid CSV"),
        (b"file_name,text\na.png,x,y\n", "more fields"),
        (b"file_name,text\na.png,\xff\n", "not UTF-8"),
    ],
)
def test_a_metadata_file_that_cannot_be_kept_is_not_overwritten(lines, content, words):
    (lines / "metadata.csv").write_bytes(content)
    with pytest.raises(MinirnnError, match=words):
        Labels(lines).answer("line_00.png", "text")
    assert (lines / "metadata.csv").read_bytes() == content


def test_folders_without_images_and_wrong_ports_are_refused(tmp_path, lines):
    with pytest.raises(MinirnnError, match="no such folder"):
        main([str(tmp_path / "nowhere")])
    with pytest.raises(MinirnnError, match="no image in it"):
        main([str(tmp_path)])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(MinirnnError, match=r"cannot use port .* --port"):
            main([str(lines), "--port", str(taken.getsockname()[1]), "--no-browser"])


def test_names_that_are_not_unicode_are_left_out_and_counted(lines):
    (lines / os.fsdecode(b"caf\xe9.png")).write_bytes((lines / "line_00.png").read_bytes())
    labels = Labels(lines)
    assert labels.names() == [f"line_0{k}.png" for k in range(3)] and labels.unwritable() == 1
    with serving(lines) as server:
        assert ask(server, "/state")[1]["names"] == labels.names()


# --- the server -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(folder, reader=None):
    with LabelPage(Labels(folder), reader).server(port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, body=None, **headers):
    """(status, JSON or bytes) of a request; ``body`` is an object to POST. Headers are given with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        headers = {"Content-Type": "application/json"} | headers
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST" if body is not None else "GET", f"/{server.token}{path}", body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if response.headers["Content-Type"] == "application/json" else content


def test_a_line_is_shown_answered_and_taken_back(lines):
    with serving(lines) as server:
        assert b"<input" in ask(server, "/")[1]
        assert ask(server, "/state") == (200, {"names": [f"line_0{k}.png" for k in range(3)], "done": []})
        assert ask(server, "/image?name=line_01.png")[1].startswith(b"\x89PNG")
        status, state = ask(server, "/answer", {"name": "line_01.png", "text": "one"})
        assert (status, state["done"]) == (200, ["line_01.png"])
        assert saved(lines) == {"line_01.png": "one"}
        assert ask(server, "/undo", {"name": ""}) == (200, {"name": "line_01.png", "text": "one"})
        assert ask(server, "/undo", {"name": ""}) == (200, {"name": None, "text": None})


class Reads:
    """Stands in for a `Reader`."""

    asked = 0

    def texts(self, lines):
        self.asked += 1
        return [f"read {self.asked} "] * len(lines)


def test_what_is_read_is_suggested_until_there_is_a_text(lines):
    rows = "file_name,text,suggestion\nline_00.png,,from the file\nline_01.png,typed,not this\n"
    (lines / "metadata.csv").write_text(rows)
    grey = np.full((120, 400), 255, np.uint8)
    grey[50:56, 50:350] = grey[40:70, 100:106] = 0
    Image.fromarray(grey).save(lines / "line_02.png")
    reader = Reads()
    with serving(lines, reader) as server:
        assert ask(server, "/suggestion?name=line_00.png") == (200, {"text": "from the file"})
        for _ in range(2):  # read once
            assert ask(server, "/suggestion?name=line_02.png") == (200, {"text": "read 1"})
        ask(server, "/answer", {"name": "line_00.png", "text": "from the file"})
        assert saved(lines)["line_00.png"] == "from the file"
        assert Labels(lines).suggestions() == {}
        assert ask(server, "/suggestion?name=nothing.png")[0] == 400
    with serving(lines) as server:  # without a reader nothing is suggested but what stands in the file
        assert ask(server, "/suggestion?name=line_02.png") == (200, {"text": ""})


def test_images_that_browsers_cannot_show_are_converted_and_damaged_ones_named(lines):
    Image.fromarray(np.zeros((5, 9), np.uint16)).save(lines / "sixteen bits.tif")
    (lines / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with serving(lines) as server:
        assert ask(server, "/image?name=sixteen%20bits.tif")[1].startswith(b"\x89PNG")
        status, answer = ask(server, "/image?name=damaged.png")
        assert status == 400 and "damaged.png" in answer["error"]


def test_no_path_leads_out_of_the_folder(lines):
    (lines.parent / "secret.png").write_bytes((lines / "line_00.png").read_bytes())
    tricks = ["../secret.png", "..%2fsecret.png", "%2e%2e/secret.png", str(lines.parent / "secret.png"), "", "."]
    with serving(lines) as server:
        for trick in tricks:
            assert ask(server, f"/image?name={trick}")[0] == 400
            assert ask(server, "/answer", {"name": trick, "text": "x"})[0] == 400
        for path in ("/../secret.png", "/line_00.png", "/metadata.csv", "//etc/passwd", "/image/../state"):
            assert ask(server, path)[0] == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b"[" * 50_000, b'{"name": "line_00.png"}', b'{"name": "line_00.png", "text": 5}', b"x" * 10**6],
)
def test_requests_that_make_no_sense_are_refused(lines, body):
    with serving(lines) as server:
        assert ask(server, "/answer", body)[0] == 400
    assert not (lines / "metadata.csv").exists()


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "bell\a"])
def test_texts_that_cannot_be_a_line_are_refused(lines, text):
    with serving(lines) as server:
        status, answer = ask(server, "/answer", {"name": "line_00.png", "text": text})
    assert status == 400 and answer["error"]


def test_answers_that_come_at_once_are_all_kept(tmp_path):
    lines = make_lines(tmp_path / "many", 12)
    with serving(lines) as server:
        asking = [
            threading.Thread(target=ask, args=(server, "/answer", {"name": f"line_{k:02}.png", "text": f"text {k}"}))
            for k in range(12)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    assert saved(lines) == {f"line_{k:02}.png": f"text {k}" for k in range(12)}


# --- a real browser -------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(tmp_path):
    with browsing(tmp_path) as browser:
        yield browser


def test_without_a_browser_a_test_says_so_and_fails_where_all_is_tested(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs chromium and chromedriver"), browsing(tmp_path):
        pass
    monkeypatch.setenv("CI", "1")
    with pytest.raises(AssertionError, match="needs chromium and chromedriver"), browsing(tmp_path):
        pass


@contextlib.contextmanager
def program(folder, port=0):
    """`python -m minirnn.label` as a process of its own: (process, url)."""
    command = [sys.executable, "-m", "minirnn.label", str(folder), "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process, re.search(r"http://\S+", process.stdout.readline())[0]
    finally:
        process.kill()
        process.wait()


def test_forty_lines_by_key_presses_with_the_process_killed_in_the_middle(tmp_path, browser):
    lines = make_lines(tmp_path / "lines", 40)
    count, name = "return count.textContent", "return document.getElementById('name').textContent"
    texts = {f"line_{k:02}.png": f'Line {k}, "said" {"abcdefghij"[k % 10]} & <b>' for k in range(40)}

    with program(lines) as (process, url):
        browser.go(url)
        browser.wait(count, "0 of 40")
        browser.wait("return image.naturalWidth", 60)
        assert browser.run("return document.activeElement.id") == "text"
        browser.press("a mistake", ENTER)
        browser.wait(count, "1 of 40")
        browser.press(UP)  # takes it back, into the field, to be written over
        browser.wait(count, "0 of 40")
        browser.wait("return text.value", "a mistake")
        browser.run("text.select()")
        for k in range(20):
            browser.wait(name, f"line_{k:02}.png")
            browser.press(texts[f"line_{k:02}.png"], ENTER)
            browser.wait(count, f"{k + 1} of 40")
        assert browser.run("return bar.value / bar.max") == 0.5
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert saved(lines) == dict(list(texts.items())[:20])  # whatever the page said was saved, is
        browser.press("typed while it was dead", ENTER)
        browser.wait("return error.textContent.startsWith('The program does not answer')", True)

    port = int(re.search(r":(\d+)/", url)[1])
    with program(lines, port) as (_, new_url):
        # The page that was open all the while says where to go on, with what was typed still there.
        browser.press(ENTER)
        browser.wait("return error.textContent.includes('open that one')", True)
        assert browser.run("return text.value") == "typed while it was dead"
        browser.go(new_url)  # a fresh page begins with the first line without a text
        browser.wait(name, "line_20.png")
        browser.press(DOWN)
        for k in [*range(21, 40), 20]:  # what was skipped comes last
            browser.wait(name, f"line_{k:02}.png")
            browser.press(texts[f"line_{k:02}.png"], ENTER)
        browser.wait(count, "40 of 40")
        assert not browser.run("return done.hidden")
    assert saved(lines) == texts
    assert sorted(path.name for path in lines.iterdir()) == sorted([*texts, "metadata.csv", ".metadata.csv.lock"])


def test_a_suggestion_stands_in_the_field_until_enter_confirms_it_or_something_else_is_typed(tmp_path, browser):
    lines = make_lines(tmp_path / "lines", 3)
    rows = "file_name,text,suggestion\nline_00.png,,it reads so\nline_01.png,,not at all\n"
    (lines / "metadata.csv").write_text(rows)
    with serving(lines) as server:
        browser.go(server.url)
        browser.wait("return text.value", "it reads so")
        assert browser.run("return text.classList.contains('guess') && !guess.hidden")
        (tmp_path / "label.png").write_bytes(browser.picture())
        browser.press(ENTER)
        browser.wait("return text.value", "not at all")
        browser.press("typed instead")  # what is suggested is selected, and goes
        browser.wait("return text.value", "typed instead")
        assert browser.run("return guess.hidden && !text.classList.contains('guess')")
        browser.press(ENTER)
        browser.wait("return document.getElementById('name').textContent", "line_02.png")
        assert browser.run("return text.value") == ""
    assert saved(lines) == {"line_00.png": "it reads so", "line_01.png": "typed instead"}
