"""The studio: its answers, what it refuses, and the page used in a real browser, with a hand that writes at once."""

import contextlib
import dataclasses
import http.client
import io
import json
import os
import re
import threading
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from browser import ENTER, browsing
from PIL import Image
from plotter_machines import draw

from minirnn.drawing.layout import WrittenLine
from minirnn.errors import MinirnnError
from minirnn.studio_page.answers import Studio
from minirnn.studio_page.desk import SPECIMEN, Desk
from minirnn.studio_page.document import Document, read_document
from minirnn.web.local_server import Content

TEXT = "{right} 12 May\n\nDear Ana,\n- bread\n- milk\n- bread\nYours, Vera"
LINES = ["12 May", "Dear Ana,", "- bread", "- milk", "- bread", "Yours, Vera"]


class QuickHand:
    """Writes a line of zigzags whose heights chance draws, and remembers what it was asked for."""

    def __init__(self):
        self.hands, self.hand, self.slant, self.asked, self.faults = list(range(16)), 0, None, [], []

    def unknown(self, text):
        return sorted(set(text) & set("éß"))

    def write(self, texts, rng, temperature=0.4, accept=lambda line: True, progress=None):
        self.asked += [(self.hand, text) for text in texts]
        return [self.line(text, rng) for text in texts]

    def line(self, text, rng):
        height = 0.8 + 0.2 * rng.random(len(text)) + 0.02 * self.hand
        strokes = [np.array([[k, 0.0], [k + 0.4, -h], [k + 0.8, 0.0]]) for k, h in enumerate(height)]
        return SimpleNamespace(text=text, strokes=strokes, ink=strokes, fault="".join(self.faults))


@pytest.fixture
def hand(monkeypatch):
    monkeypatch.setattr(WrittenLine, "metrics", property(lambda line: (0.0, 1.0)))
    return QuickHand()


@pytest.fixture
def studio(hand):
    return Studio(Desk(hand))


def lines_of(answer):
    return {line["key"]: line for page in answer["pages"] for line in page["lines"]}


def written(studio, **document):
    """The lines of a document when all of it is written: {key: line}."""
    for _ in range(50):
        answer = studio.write(document)
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
    again = written(studio, text=TEXT, again={"1:- bread": 1})
    assert {key for key in before if before[key] != again[key]} == {"1:- bread"}
    assert before["0:- bread"]["ink"] != before["1:- bread"]["ink"]  # equal lines are not written alike
    assert written(studio, text=TEXT) == before


def test_the_same_document_is_the_same_on_another_day(studio):
    assert written(studio, text=TEXT) == written(Studio(Desk(QuickHand())), text=TEXT)
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
    assert studio.write({"text": "café"})["warnings"] == ["this hand cannot write é: left out"]
    assert studio.write({"text": "café", "plain": True})["warnings"] == []
    hand.faults.append("skipped 'x'")
    assert written(studio, text="axb")["0:axb"]["fault"] == "skipped 'x'"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "gcode", "hpgl", "animation"])
def test_every_format_is_given_and_several_pages_as_an_archive(studio, kind):
    answer = studio.draw({"text": TEXT, "kind": kind})
    start = {"png": b"\x89PNG", "pdf": b"%PDF", "gcode": b"; minirnn", "hpgl": b"IN;"}.get(kind, b"<?xml")
    assert answer.data.startswith(start)
    if kind in ("gcode", "hpgl"):
        made = draw(answer.data.decode(), "grbl" if kind == "gcode" else "hpgl")
        assert len(made.drawn) >= len("".join(LINES).replace(" ", "")) / 2 and not made.down
    two = studio.draw({"text": "one\n{page}\ntwo", "kind": kind})
    if kind == "pdf":
        assert len(re.findall(rb"/Type /Page\b", two.data)) == 2
    else:
        with zipfile.ZipFile(io.BytesIO(two.data)) as archive:
            assert len(archive.namelist()) == 2 and archive.read(archive.namelist()[1]).startswith(start)


def test_a_specimen_of_every_hand(studio, hand):
    assert studio.choices({})["hands"] == 16
    one, other = (studio.specimen({"hand": number}) for number in ("1", "16"))
    assert one["strokes"] and one != other
    for number in ("0", "17", "", "x", "-1", "²", "9" * 50):
        with pytest.raises(MinirnnError):
            studio.specimen({"hand": number})


BAD = [
    {"text": 5}, {"text": None}, {"text": "\ud800"}, {"text": "x" * 40_001}, {"hand": 0}, {"hand": 1.5}, {"hand": "1"},
    {"hand": True}, {"neatness": float("nan")}, {"neatness": 1e9}, {"letter_size": 0}, {"margin": -1}, {"page": "a44"},
    {"page": "../a4"}, {"paper": "lined"}, {"pen": "quill"}, {"colour": "bleu"}, {"again": []}, {"again": {"a": -1}},
    {"again": {"a": "1"}}, {"landscape": 1}, {"margin": 150}, {"seed": 10**9}, {"text": "w" * 200},
    {"text": "a\n{page 0x0}\nb"}, {"seed": 10**400}, {"margin": 10**30}, {"page": "9999999x9999999"},
    {"text": "a\n{page 99999999999x99999999999}\nb"},
]  # fmt: skip


@pytest.mark.parametrize("asked", BAD, ids=repr)
def test_documents_that_make_no_sense_are_refused(studio, asked):
    with pytest.raises(MinirnnError):
        studio.write({"text": "a"} | asked)


def test_formats_that_do_not_exist_are_refused(studio):
    for kind in ("exe", "", "../png"):
        with pytest.raises(MinirnnError, match="there is no format"):
            studio.draw({"text": "a", "kind": kind})
    with pytest.raises(MinirnnError, match="needs the texts kind"):
        studio.draw({"text": "a", "kind": 5})
    for plotter in ("", "mine", [], {}):
        with pytest.raises(MinirnnError, match="there is no plotter"):
            studio.draw({"text": "a", "kind": "gcode", "plotter": plotter})


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
        for call, what in ((studio.write, asked), (studio.draw, asked), (studio.specimen, query)):
            with contextlib.suppress(MinirnnError):
                answer = call(what)
                json.dumps(answer.kind if isinstance(answer, Content) else answer)
                answered += 1
    assert 0.05 * INPUTS < answered < 2.9 * INPUTS


def test_what_a_document_lacks_is_as_usual():
    assert read_document({}) == Document() and read_document({"other": 1}) == Document()


# --- the server -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(studio):
    with studio.server(0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_the_server_gives_the_page_and_refuses_everything_else(studio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    json_type = {"Content-Type": "application/json"}
    with serving(studio) as server:
        own = f"/{server.token}/"
        for path, start in (("", b"<!doctype"), ("studio.js", b"//"), ("paper.js", b"//"), ("studio.css", b":root")):
            status, content = ask(server, own + path)
            assert status == 200 and content.startswith(start)
            assert b"http://" not in content.replace(b"http://www.w3.org/2000/svg", b"") and b"https://" not in content
        for path in ("../answers.py", "answers.py", "..%2fanswers.py", "index.html", "/etc/passwd", "write"):
            assert ask(server, own + path)[0] == 404
        body = json.dumps({"text": "a"}).encode()
        assert ask(server, own + "write", body, **json_type)[0] == 200
        assert ask(server, "/write", body, **json_type)[0] == 403
        assert ask(server, own + "write", body, **json_type, Origin="http://example.org")[0] == 403
        assert ask(server, own + "write", body, **json_type, Host="example.org")[0] == 403
        assert ask(server, own + "write", body, **json_type, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
        bodies = [b"", b"{", b"[1]", b"null", b"[" * 50_000, b"\xff", b"x" * 200_000]
        bodies += [json.dumps({"text": "a"} | asked).encode() for asked in BAD]
        for route in ("write", "draw"):
            assert {ask(server, own + route, bad, **json_type)[0] for bad in bodies} == {400}
            assert ask(server, own + route, body, **{"Content-Type": "text/plain"})[0] == 400
    assert not list(tmp_path.iterdir())


def test_two_pages_at_once_do_no_harm(studio):
    answers = {}
    with serving(studio) as server:
        def write(number):
            body = json.dumps({"text": f"letter {number}\nof two"}).encode()
            answers[number] = ask(server, f"/{server.token}/write", body, **{"Content-Type": "application/json"})

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, (status, content) in answers.items():
        lines = lines_of(json.loads(content))
        assert status == 200 and [line["text"] for line in lines.values()] == [f"letter {number}", "of two"]


# --- a real browser -------------------------------------------------------------------------------------------------

SHOWN = "return [...document.querySelectorAll('.line')].map(line => line.dataset.key)"
INK = """return [...document.querySelectorAll('.line')]
         .map(line => line.querySelector('path:last-child').getAttribute('d'))"""
INK_OF = "document.querySelectorAll('.line')[{}].querySelector('path:last-child').getAttribute('d')"
KEPT = "return [...document.querySelectorAll('.line')].map(line => !!line.old)"
STATUS = "return document.getElementById('status').textContent"
QUIET = "return !document.querySelector('.writing')"


def typed(browser, text):
    """Write a text over what stands in the field, by keys."""
    browser.run("const field = document.getElementById('text'); field.focus(); field.select()")
    browser.press(text)


def test_a_letter_in_the_browser(studio, hand, tmp_path):
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    with serving(studio) as server, browsing(tmp_path) as browser:
        browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        browser.look(1400, 900)
        browser.go(server.url)
        browser.wait(STATUS, "1 page, written")
        typed(browser, "Dear Ana,\nthank you.\nTom")
        keys = ["0:Dear Ana,", "0:thank you.", "0:Tom"]
        browser.wait(SHOWN, keys)
        browser.wait(QUIET, True)
        before = browser.run(INK)
        # Only what changed is written, and the elements of the other lines stay.
        browser.run("document.querySelectorAll('.line').forEach(line => { line.old = true; })")
        hand.asked.clear()
        browser.press("my")
        browser.wait(SHOWN, [*keys[:2], "0:Tommy"])
        assert browser.run(KEPT) == [True, True, False]
        assert {text for _, text in hand.asked} <= {"Tomm", "Tommy", SPECIMEN}
        while browser.run("return document.getElementById('text').value") != "Dear Ana,\nthank you.\nTom":
            browser.run("document.getElementById('undo').click()")
        browser.wait(SHOWN, keys)
        browser.wait(INK, before)
        # A click on a line writes it again, and no other; so does Enter; undo brings it back.
        for again in ("line.dispatchEvent(new MouseEvent('click', {bubbles: true}))", "line.focus()"):
            browser.run(f"const line = document.querySelectorAll('.line')[1]; {again}")
            if "focus" in again:
                browser.press(ENTER)
            browser.wait(f"return {INK_OF.format(1)} !== {json.dumps(before[1])}", True)
            browser.wait(QUIET, True)
            now = browser.run(INK)
            assert [now[0], now[2]] == [before[0], before[2]] and now[1] != before[1]
            browser.run("document.getElementById('undo').click()")
            browser.wait(INK, before)
        # Another hand, by keyboard: an arrow key on the hand that is chosen.
        browser.run("document.querySelector('#hands [aria-checked=true]').focus()")
        browser.press("\ue014")
        browser.wait(f"return {INK_OF.format(0)} !== {json.dumps(before[0])}", True)
        assert browser.run("return document.querySelector('#hands [aria-checked=true]').dataset.hand") == "2"
        # Every format is saved and can be opened.
        for kind in ("png", "pdf", "svg", "gcode"):
            name = f"letter.{kind}"
            browser.run(f"document.querySelector('[data-kind={kind}]').click()")
            browser.wait(STATUS, f"{name} is saved")
            end = time.monotonic() + 30
            while not (downloads / name).exists():
                assert time.monotonic() < end, name
                time.sleep(0.05)
        with Image.open(downloads / "letter.png") as image:
            assert image.size == (1165, 1654)  # A5 at 200 dpi
        # What was typed is kept between visits.
        browser.go("about:blank")
        browser.go(server.url)
        browser.wait(SHOWN, keys)
        assert browser.run("return document.querySelector('#hands [aria-checked=true]').dataset.hand") == "2"


def test_what_is_wrong_is_said_on_the_page(studio, hand, tmp_path):
    with serving(studio) as server, browsing(tmp_path) as browser:
        for scheme in ("light", "dark"):
            browser.look(390, 800, scheme)
            browser.go(server.url)
            browser.wait(STATUS, "1 page, written")
            # Nothing is cut off on a phone.
            assert browser.run("const all = document.documentElement; return all.scrollWidth <= all.clientWidth")
            low = browser.run("return getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")
            assert (int(low[0]) > 128) == (scheme == "light")
        typed(browser, "caf\u00e9")
        warning = "return document.getElementById('warnings').textContent"
        browser.wait(warning, "this hand cannot write \u00e9: left out")
        hand.faults.append("ran on")
        typed(browser, "abc")
        browser.wait(f"{warning}.includes('“abc” may be wrong: ran on')", True)
        assert browser.run("return !!document.querySelector('.line .fault')")
        typed(browser, "w" * 200)
        browser.wait("return document.getElementById('error').textContent.includes('put a space into it')", True)


def test_the_shipped_hand_writes_the_same_line_again_on_another_day():
    one, other = (Desk().write(Document(text="Ana"), 0)[0][0].rows[0].cells[0].line for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes)) and len(one.strokes) > 0
