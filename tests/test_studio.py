"""The studio: its answers, and what it refuses; with a hand that writes at once."""

import contextlib
import dataclasses
import http.client
import io
import json
import os
import re
import signal
import threading
import time
import zipfile

import numpy as np
import pytest
from PIL import Image
from plotter_machines import draw
from quick_hand import QuickHand, serving

from minirnn import studio as command
from minirnn.drawing.layout import WrittenLine
from minirnn.errors import MinirnnError
from minirnn.studio_page import own_hands
from minirnn.studio_page.answers import PAGE, Studio
from minirnn.studio_page.desk import Desk
from minirnn.studio_page.document import Document, read_document
from minirnn.studio_page.jobs import Jobs
from minirnn.studio_page.letter import Letters
from minirnn.web.local_server import Content

TEXT = "{right} 12 May\n\nDear Ana,\n- bread\n- milk\n- bread\nYours, Vera"
LINES = ["12 May", "Dear Ana,", "- bread", "- milk", "- bread", "Yours, Vera"]


@pytest.fixture
def hand(monkeypatch):
    monkeypatch.setattr(WrittenLine, "metrics", property(lambda line: (0.0, 1.0)))
    return QuickHand()


@pytest.fixture
def studio(hand, tmp_path):
    return Studio(tmp_path / "studio", [tmp_path / "runs"], desk=Desk(hand))


def lines_of(answer):
    return {line["key"]: line for page in answer["pages"] for line in page["lines"]}


def finished(studio, started):
    """What a job has made, when it is done."""
    end = time.monotonic() + 60
    while (state := studio.jobs.state(started))["state"] in ("waiting", "running"):
        assert time.monotonic() < end, state
        time.sleep(0.01)
    return studio.jobs.result(started) if state["state"] == "done" else state


def written(letters, **document):
    """The lines of a document when all of it is written: {key: line}."""
    letters = getattr(letters, "letters", letters)
    for _ in range(50):
        answer = letters.write(document)
        if not answer["left"]:
            return lines_of(answer)
    raise AssertionError("it is never done")


# --- the answers ----------------------------------------------------------------------------------------------------


def test_a_letter_is_written_line_by_line(studio):
    lines = written(studio, text=TEXT)
    assert [line["text"] for line in lines.values()] == LINES and "1:- bread" in lines
    for line in lines.values():
        assert line["strokes"] and line["ink"] and line["box"][2] > 0
        ends = [stroke["start"] + stroke["length"] for stroke in line["strokes"]]
        assert ends == sorted(ends)


def test_lines_that_did_not_change_stay_as_they_are(studio, hand):
    before = written(studio, text=TEXT)
    hand.asked.clear()
    after = written(studio, text=TEXT.replace("milk", "honey"))
    assert [text for _, text in hand.asked] == ["- honey"]
    assert {key: line for key, line in after.items() if key in before} == {
        key: line for key, line in before.items() if key != "0:- milk"
    }


def test_one_line_is_written_again_and_no_other_and_comes_back(studio):
    before = written(studio, text=TEXT)
    again = written(studio, text=TEXT, again={"1:- bread": [1]})
    assert {key for key in before if before[key] != again[key]} == {"1:- bread"}
    assert before["0:- bread"]["ink"] != before["1:- bread"]["ink"]  # equal lines are not written alike
    assert written(studio, text=TEXT) == before


def test_one_word_is_written_again_and_the_others_only_move(studio, hand):
    before = written(studio, text="good day to you")["0:good day to you"]
    again = written(studio, text="good day to you", again={"0:good day to you": [0, 5]})["0:good day to you"]
    assert hand.asked[-1] == (hand.hands[0], "good day to you", 5)
    assert [word["text"] for word in before["words"]] == ["good", "day", "to", "you"]
    first, stop = before["words"][1]["strokes"]
    changed = {n for n, (a, b) in enumerate(zip(before["strokes"], again["strokes"])) if a["d"] != b["d"]}
    assert changed == set(range(first, stop))
    twice = written(studio, text="good day to you", again={"0:good day to you": [0, 5, 0]})["0:good day to you"]
    assert [a["d"] == b["d"] for a, b in zip(twice["strokes"], again["strokes"])] == [False] * first + [True] * 8
    # Written anew as a line, it is not what it was; and everything comes back when it is undone.
    anew = written(studio, text="good day to you", again={"0:good day to you": [1]})["0:good day to you"]
    assert anew["strokes"] not in (before["strokes"], again["strokes"])
    assert written(studio, text="good day to you")["0:good day to you"] == before


def test_words_stand_where_their_ink_is(studio):
    (line,) = written(studio, text="good day", untidiness=0).values()
    left, right = (word["box"] for word in line["words"])
    assert left[0] + left[2] < right[0] + 2.5 and left[0] == pytest.approx(line["box"][0] - 1, abs=0.1)
    assert right[0] + right[2] == pytest.approx(line["box"][0] + line["box"][2] + 1, abs=0.1)


def test_lines_that_the_page_has_already_are_not_sent_again(studio):
    before = written(studio, text=TEXT)
    looks = [line["look"] for line in before.values()]
    again = lines_of(studio.letters.write({"text": TEXT.replace("milk", "honey"), "known": looks}))
    assert {key for key, line in again.items() if "ink" in line} == {"0:- honey"}
    moved = lines_of(studio.letters.write({"text": TEXT, "known": looks, "margin": 20}))
    assert all("ink" in line for line in moved.values())


def test_the_same_document_is_the_same_on_another_day(studio):
    assert written(studio, text=TEXT) == written(Letters(Desk(QuickHand()), Jobs()), text=TEXT)
    assert written(studio, text=TEXT) != written(studio, text=TEXT, seed=1)


def test_a_long_text_is_shown_as_it_grows(hand):
    desk = Desk(hand)
    document = Document(text="one\ntwo\nthree")
    for left in (2, 1, 0):
        sections, _, found = desk.write(document, seconds=0)
        assert found == left
        assert [cell.line is not None for row in sections[0].rows for cell in row.cells] == [True] * (3 - left) + [
            False
        ] * left


def test_what_changes_only_the_look_writes_nothing_anew(studio, hand):
    written(studio, text=TEXT)
    hand.asked.clear()
    for change in ({"pen": "fountain"}, {"colour": "#00800080"}, {"margin": 30}, {"slant": 20}, {"untidiness": 0},
                   {"letter_size": 1.5}, {"paper": "ruled"}, {"landscape": True}):  # fmt: skip
        assert [line["text"] for line in written(studio, text=TEXT, **change).values()] == LINES
    assert hand.asked == []


def test_slant_leans_the_letters_to_the_right(studio):
    upright, leaning = (written(studio, text="nnn", slant=slant, untidiness=0)["0:nnn"] for slant in (0, 20))
    assert leaning["box"][2] == pytest.approx(upright["box"][2], abs=1)
    first = [[float(n) for n in line["strokes"][0]["d"][1:].split("L")[1].split()] for line in (upright, leaning)]
    assert first[1][0] - first[0][0] > 0.3


def test_warnings_name_what_is_left_out_and_what_may_be_wrong(studio, hand):
    assert studio.letters.write({"text": "café"})["warnings"] == ["this hand cannot write é: left out"]
    assert studio.letters.write({"text": "café", "plain": True})["warnings"] == []
    hand.doubts.append("day")
    words = written(studio, text="good day")["0:good day"]["words"]
    assert [word["fault"] for word in words] == ["", "'day' reads 'x'"]
    hand.faults.append("skipped 'x'")
    line = written(studio, text="ax b")["0:ax b"]
    assert line["fault"] == "skipped 'x'" and [word["begin"] for word in line["words"]] == [-1]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "gcode", "hpgl", "animation"])
def test_every_format_is_given_and_several_pages_as_an_archive(studio, kind):
    answer = finished(studio, studio.letters.draw({"text": TEXT, "kind": kind}))
    start = {"png": b"\x89PNG", "pdf": b"%PDF", "gcode": b"; minirnn", "hpgl": b"IN;"}.get(kind, b"<?xml")
    assert answer.data.startswith(start)
    if kind in ("gcode", "hpgl"):
        made = draw(answer.data.decode(), "grbl" if kind == "gcode" else "hpgl")
        assert len(made.drawn) >= len("".join(LINES).replace(" ", "")) / 2 and not made.down
    two = finished(studio, studio.letters.draw({"text": "one\n{page}\ntwo", "kind": kind}))
    if kind == "pdf":
        assert len(re.findall(rb"/Type /Page\b", two.data)) == 2
    else:
        with zipfile.ZipFile(io.BytesIO(two.data)) as archive:
            assert len(archive.namelist()) == 2 and archive.read(archive.namelist()[1]).startswith(start)


def test_a_specimen_of_every_hand(studio, hand):
    assert studio.letters.choices({})["hands"] == 16
    one, other = (studio.letters.specimen({"hand": number}) for number in ("1", "16"))
    assert one["strokes"] and one != other
    for number in ("0", "17", "", "x", "-1", "²", "9" * 50):
        with pytest.raises(MinirnnError):
            studio.letters.specimen({"hand": number})


BAD = [
    {"text": 5}, {"text": None}, {"text": "\ud800"}, {"text": "x" * 40_001}, {"hand": 0}, {"hand": 1.5}, {"hand": "1"},
    {"hand": True}, {"neatness": float("nan")}, {"neatness": 1e9}, {"letter_size": 0}, {"margin": -1}, {"page": "a44"},
    {"page": "../a4"}, {"paper": "lined"}, {"pen": "quill"}, {"colour": "bleu"}, {"again": []}, {"again": {"a": [-1]}},
    {"again": {"a": ["1"]}}, {"again": {"a": []}}, {"again": {"a": 1}}, {"own": "nobody"}, {"own": 5},
    {"landscape": 1}, {"margin": 150}, {"seed": 10**9}, {"text": "w" * 200},
    {"text": "a\n{page 0x0}\nb"}, {"seed": 10**400}, {"margin": 10**30}, {"page": "9999999x9999999"},
    {"text": "a\n{page 99999999999x99999999999}\nb"},
]  # fmt: skip


@pytest.mark.parametrize("asked", BAD, ids=repr)
def test_documents_that_make_no_sense_are_refused(studio, asked):
    with pytest.raises(MinirnnError):
        studio.letters.write({"text": "a"} | asked)


def test_formats_that_do_not_exist_are_refused(studio):
    for kind in ("exe", "", "../png"):
        with pytest.raises(MinirnnError, match="there is no format"):
            studio.letters.draw({"text": "a", "kind": kind})
    with pytest.raises(MinirnnError, match="needs the texts kind"):
        studio.letters.draw({"text": "a", "kind": 5})
    for plotter in ("", "mine", [], {}):
        with pytest.raises(MinirnnError, match="there is no plotter"):
            studio.letters.draw({"text": "a", "kind": "gcode", "plotter": plotter})


ODD = [
    None, True, -1, 0, 1, 2.5, 1e308, -1e308, float("nan"), 10**40, "", "a", "\x00", "\ud800", "{page", "{page 1x1}",
    "{}", "{page dl}\nb", "a\tb\tc", "   - x", "\\{right}", "a6", "1e9x1", "#12345678", "fountain", "squared", "png",
    "gcode", "hpgl", "svg", "animation", "grbl", "axidraw", [], [1], {}, {"0:a": 3}, {"a": None}, "w" * 300, "é", "\f",
    "\u2028", "1.",
]  # fmt: skip
INPUTS = int(os.environ.get("MINIRNN_INPUTS", "100"))


def test_whatever_is_asked_is_answered_or_refused(studio):
    rng, names = np.random.default_rng(0), [field.name for field in dataclasses.fields(Document)]
    names += ["kind", "plotter", "transparent", "hand", "text"]
    answered = 0
    for _ in range(INPUTS):
        odd = {names[rng.integers(len(names))]: ODD[rng.integers(len(ODD))] for _ in range(rng.integers(1, 4))}
        asked = {"text": "a b", "kind": "svg", "page": "a7"} | odd
        query = {name: str(value) for name, value in asked.items()}
        letters = studio.letters
        for call, what in ((letters.write, asked), (letters.draw, asked), (letters.specimen, query)):
            with contextlib.suppress(MinirnnError):
                answer = call(what)
                if call == letters.draw:
                    answer = finished(studio, answer)
                    assert isinstance(answer, Content) or "fault of the program" not in answer["error"]
                json.dumps(answer.kind if isinstance(answer, Content) else answer)
                answered += 1
    assert 0.05 * INPUTS < answered < 2.9 * INPUTS


def test_what_a_document_lacks_is_as_usual():
    assert read_document({}) == Document() and read_document({"other": 1}) == Document()


# --- work that takes long -------------------------------------------------------------------------------------------


def test_work_says_how_far_it_is_and_ends_when_it_is_cancelled():
    jobs, go_on, began = Jobs(), threading.Event(), threading.Event()

    def slow(job):
        job.report(1, 3, "the second")
        began.set()
        assert go_on.wait(20)
        job.report(2, 3)
        return "made"

    first, second = jobs.start(slow), jobs.start(lambda job: "other")
    assert began.wait(20)
    assert jobs.state(first) == {"state": "running", "done": 1, "of": 3, "what": "the second", "error": ""}
    assert jobs.state(second)["state"] == "waiting"  # one after the other
    with pytest.raises(MinirnnError, match="not done"):
        jobs.result(first)
    jobs.cancel(first)
    go_on.set()
    end = time.monotonic() + 20
    while jobs.state(second)["state"] != "done" and time.monotonic() < end:
        time.sleep(0.01)
    assert jobs.state(first)["state"] == "cancelled" and jobs.result(second) == "other"


def test_work_that_fails_says_why(capsys):
    jobs = Jobs()
    for fault, words in ((MinirnnError("no such thing"), "no such thing"), (ValueError("x"), "a fault of the program")):

        def fail(job, fault=fault):
            raise fault

        started = jobs.start(fail)
        end = time.monotonic() + 20
        while jobs.state(started)["state"] != "failed" and time.monotonic() < end:
            time.sleep(0.01)
        assert words in jobs.state(started)["error"]
    assert "ValueError" in capsys.readouterr().err


def test_a_long_letter_that_is_drawn_can_be_cancelled(studio, monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr("minirnn.studio_page.letter.SECONDS", 0)  # a line at a time

    def slow_line(text, rng, line=studio.desk._first.line):
        asked.set()
        time.sleep(0.02)
        return line(text, rng)

    monkeypatch.setattr(studio.desk._first, "line", slow_line)
    started = studio.letters.draw({"text": "\n".join(f"line {n}" for n in range(300)), "kind": "png"})
    assert asked.wait(20)
    studio.jobs.cancel(started)
    assert finished(studio, started)["state"] == "cancelled"


# --- one's own hand -------------------------------------------------------------------------------------------------


def a_picture(size=(40, 30), kind="PNG"):
    memory = io.BytesIO()
    Image.new("L", size, 255).save(memory, kind)
    return memory.getvalue()


def test_photographs_are_kept_under_harmless_names_and_can_be_removed(studio, tmp_path):
    names = ["IMG 1.jpg", "../../IMG 1.jpg", ".hidden", "", "a/b\\c.png", "x" * 300]
    for name in names:
        state = studio.hand.photo({"name": "my hand", "photo": name}, a_picture())
    folder = tmp_path / "studio" / "my hand" / "photos"
    kept = [path.name for path in folder.iterdir()]
    assert sorted(kept) == sorted(state["photos"]) and len(kept) == len(names)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {folder}
    studio.hand.remove({"name": "my hand", "photo": "../photos/" + kept[0]})
    assert len(studio.hand.state({"name": "my hand"})["photos"]) == len(names)
    for name in kept:
        state = studio.hand.remove({"name": "my hand", "photo": name})
    assert state["photos"] == []


def test_what_is_no_photograph_leaves_nothing_behind(studio, tmp_path):
    with pytest.raises(MinirnnError, match=r"^a\.jpg: not an image"):
        studio.hand.photo({"name": "mine", "photo": "a.jpg"}, b"no picture")
    assert not (tmp_path / "studio" / "mine").exists()


def test_photographs_without_a_sheet_are_refused_by_name(studio):
    studio.hand.photo({"name": "mine", "photo": "white.png"}, a_picture((300, 400)))
    state = finished(studio, studio.hand.read({"name": "mine"}))
    assert state["state"] == "failed" and state["error"].startswith("no line could be read; white.png: no sheet found")
    with pytest.raises(MinirnnError, match="nothing to learn from"):
        studio.hand.train({"name": "mine"})


class StandIn:
    """A process that stands for a training."""

    def __init__(self, command, **options):
        self.command, self.returncode, self.signals = command, None, []

    def poll(self):
        return self.returncode

    def send_signal(self, number):
        self.signals.append(number)
        self.returncode = 130

    def wait(self):
        return self.returncode


@pytest.fixture
def sampled(studio, tmp_path, monkeypatch):
    """A studio with a hand called mine that has samples, whose trainings are stand-ins."""
    monkeypatch.setattr(own_hands.subprocess, "Popen", StandIn)
    sheet = tmp_path / "studio" / "mine" / "sheet"
    sheet.mkdir(parents=True)
    (sheet / "samples.jsonl").write_text("", encoding="utf-8")
    return studio


def test_a_training_is_started_watched_stopped_and_continued(sampled, tmp_path):
    state = sampled.hand.train({"name": "mine"})
    run = tmp_path / "studio" / "mine" / "run-1"
    assert state["training"] and state["run"] == str(run)
    process = sampled.own._processes[run]
    assert process.command[1:] == [
        "-m", "minirnn.train", "--task", "hand", "--data", str(run.parent / "sheet" / "samples.jsonl"), "--out",
        str(run),
    ]  # fmt: skip
    with pytest.raises(MinirnnError, match="is being trained"):
        sampled.hand.train({"name": "mine"})
    (run / "samples").mkdir()
    (run / "settings.json").write_text('{"task": "hand"}', encoding="utf-8")
    (run / "log.csv").write_text("step,train_loss,validation_loss\n0,,3.5\n10,3.1,3.0\n", encoding="utf-8")
    for name in ("0000010.png", "0000010_window.png", "0000010.txt", ".hidden.png"):
        (run / "samples" / name).write_bytes(b"written")
    own_hands.printed(run).write_text("data  lines\rstep 1\rstep 2", encoding="utf-8")
    seen = sampled.watching.run({"path": str(run)})
    assert [row["validation_loss"] for row in seen["log"]] == [3.5, 3.0] and seen["log"][0]["train_loss"] is None
    assert seen["pictures"] == ["0000010.png"] and seen["windows"] == ["0000010_window.png"]
    assert seen["written"] == "written" and seen["printed"].endswith("step 2") and seen["training"]
    assert sampled.watching.sample({"path": str(run), "name": "0000010_window.png"}).data == b"written"
    assert [row["run"] for row in sampled.watching.runs({})["runs"]] == [str(run)]
    assert not sampled.hand.stop({"name": "mine"})["training"] and process.signals == [signal.SIGTERM]
    assert sampled.hand.state({"name": "mine"})["failed"] == ""
    sampled.hand.train({"name": "mine", "continue": True})
    assert sampled.own._processes[run].command[3:] == ["--resume", str(run)]
    sampled.close()
    assert sampled.own._processes[run].signals == [signal.SIGTERM]


def test_a_training_that_fails_says_why(sampled, tmp_path):
    sampled.hand.train({"name": "mine"})
    run = tmp_path / "studio" / "mine" / "run-1"
    sampled.own._processes[run].returncode = 2
    own_hands.printed(run).write_text("data\nminirnn: too few lines\n\n", encoding="utf-8")
    assert sampled.hand.state({"name": "mine"})["failed"] == "minirnn: too few lines"


def test_the_newest_weights_are_written_with(sampled, tmp_path):
    assert sampled.hand.state({})["hands"] == [{"name": "mine", "ready": False}]
    for number in (1, 2, 10):
        run = tmp_path / "studio" / "mine" / f"run-{number}"
        run.mkdir()
        if number < 10:
            (run / "best.npz").write_bytes(b"")
    assert sampled.own.weights("mine") == tmp_path / "studio" / "mine" / "run-2" / "best.npz"
    assert sampled.hand.state({})["hands"] == [{"name": "mine", "ready": True}]
    assert sampled.own.weights("other") is None


# --- reading --------------------------------------------------------------------------------------------------------


def test_without_weights_reading_says_what_to_do(studio, monkeypatch):
    monkeypatch.setattr(studio.pictures, "reading", lambda: None)
    with pytest.raises(MinirnnError, match=r"no weights for reading .* --reader RUN"):
        studio.pictures.read({}, a_picture())


def test_what_is_no_picture_of_handwriting_is_refused(studio, monkeypatch):
    monkeypatch.setattr(studio.pictures, "reading", lambda: "a reader")
    for data in (a_picture((300, 300)), *PICTURES):
        state = finished(studio, studio.pictures.read({}, data))
        assert state["state"] == "failed" and ("no handwriting" in state["error"]) == (data not in PICTURES)


# --- the server -----------------------------------------------------------------------------------------------------


def ask(server, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


JSON, BYTES = {"Content-Type": "application/json"}, {"Content-Type": "application/octet-stream"}
NAMES = ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "x" * 41, " a", "a ", "_a", "-a", "a\0", "a\nb", "\ud800",
         "a%2fb", "\u202ea", "a:b", "*", "~", "c:\\x"]  # fmt: skip
BROKEN = [b"", b"{", b"[1]", b"null", b"[" * 50_000, b"\xff", b"x" * 200_000, b'"a"', b"1", b"true", b"{'a': 1}", b"{]",
          b'{"text"}', b"\0", b"{}{}", b"\x1b[2J", b"--", b"<a>", b'{"text": "a"', b"text=a", b"[{}]"]  # fmt: skip
PICTURES = [b"", b"\x89PNG", b"\x89PNG\r\n\x1a\n", a_picture()[:40], a_picture((300, 400))[:70], a_picture()[8:],
            b"%PDF-1.4", b"GIF89a", b"\xff\xd8\xff\xe0", b"BM", b"RIFF1234WEBP", b"II*\0", b"<svg/>", b"PK\x03\x04",
            b"P6 1 1 255", b"P6 99999 99999 255\n", b"\0" * 100, b"x" * 5000, b"%!PS", a_picture(kind="GIF")[:15],
            a_picture(kind="BMP")[:30]]  # fmt: skip


def malformed():
    """(path, body, headers) of requests that make no sense, twenty or more of each kind."""
    documents = [json.dumps({"text": "a", "kind": "png"} | bad).encode() for bad in BAD]
    for route in ("write", "draw", "cancel", "read-sheet", "remove-photo", "train", "stop"):
        yield from ((route, body, JSON) for body in BROKEN)
    yield from ((route, body, JSON) for route in ("write", "draw") for body in documents)
    named = [json.dumps({"name": name, "photo": "a", "job": name}).encode() for name in [*NAMES, 5, None, ["a"]]]
    asking = ("cancel", "read-sheet", "remove-photo", "train", "stop")
    yield from ((route, body, JSON) for route in asking for body in named)
    queries = [quoted(name) for name in NAMES]
    for path in ("specimen?hand=x", "specimen?hand=0&own=", "found?number=1&name=", "found?name=mine&number=",
                 "run?path=", "sample?name=1.png&path=", "job?job=", "result?job=", "shown?job=",
                 "sheet?paper=x"):  # fmt: skip
        yield from ((path + query, None, {}) for query in queries)
    yield from ((f"photo?photo=a&name={query}", a_picture(), BYTES) for query in queries)
    yield from (("photo?photo=a&name=mine", data, BYTES) for data in PICTURES)


def quoted(text):
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def test_requests_that_make_no_sense_are_refused_and_leave_nothing_behind(studio, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with serving(studio) as server:
        for path, body, headers in malformed():
            status, content = ask(server, f"/{server.token}/{path}", body, **headers)
            assert status == 400 and json.loads(content)["error"], (path, body, status, content)
        assert ask(server, f"/{server.token}/")[0] == 200
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert capsys.readouterr().err == ""


def test_the_server_gives_the_page_and_refuses_everything_else(studio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(studio) as server:
        own = f"/{server.token}/"
        for name in PAGE:
            status, content = ask(server, own + name.replace("index.html", ""))
            assert status == 200 and content.startswith((b"<!doctype", b":root", b"//"))
            assert b"http://" not in content.replace(b"http://www.w3.org/2000/svg", b"") and b"https://" not in content
        for path in ("../answers.py", "answers.py", "..%2fanswers.py", "index.html", "/etc/passwd", "write", "page/"):
            assert ask(server, own + path)[0] == 404
        body = json.dumps({"text": "a", "kind": "svg", "name": "mine"}).encode()
        assert ask(server, own + "write", body, **JSON)[0] == 200
        for route, data, kind in (("write", body, JSON), ("draw", body, JSON), ("train", body, JSON),
                                  ("photo?name=mine&photo=a", a_picture(), BYTES), ("read", a_picture(), BYTES),
                                  ("choices", None, {}), ("own", None, {}), ("runs", None, {})):  # fmt: skip
            assert ask(server, f"/{route}", data, **kind)[0] == 403
            for strange in ({"Origin": "http://example.org"}, {"Host": "example.org"}, {"Host": "localhost"},
                            {"Sec-Fetch-Site": "cross-site"}):  # fmt: skip
                assert ask(server, own + route, data, **kind, **strange)[0] == 403
            if data is not None:
                assert ask(server, own + route, data, **{"Content-Type": "text/plain"})[0] in (400, 404)
    assert not list(tmp_path.iterdir())


def test_a_body_beyond_the_limit_is_refused(studio, monkeypatch):
    monkeypatch.setattr("minirnn.web.local_server.LARGEST_UPLOAD", 1000)
    with serving(studio) as server:
        for route in ("photo?name=mine&photo=a", "read"):
            status, content = ask(server, f"/{server.token}/{route}", b"x" * 1001, **BYTES)
            assert status == 400 and b"larger than 1,000 bytes" in content


def test_two_pages_at_once_do_no_harm(studio):
    answers = {}
    with serving(studio) as server:
        def write(number):
            body = json.dumps({"text": f"letter {number}\nof two"}).encode()
            answers[number] = ask(server, f"/{server.token}/write", body, **JSON)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, (status, content) in answers.items():
        lines = lines_of(json.loads(content))
        assert status == 200 and [line["text"] for line in lines.values()] == [f"letter {number}", "of two"]


def test_a_reader_that_is_none_is_said_before_the_page_opens(tmp_path):
    with pytest.raises(MinirnnError, match="nowhere"):
        command.main(["--reader", str(tmp_path / "nowhere"), "--no-browser", "--port", "0"])


def test_the_shipped_hand_writes_the_same_line_again_on_another_day(monkeypatch):
    monkeypatch.setattr("minirnn.studio_page.desk.SPECIMEN", "An")
    one, other = (Desk().write(Document(text="Ana"), 0)[0][0].rows[0].cells[0].line for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes)) and len(one.strokes) > 0
