"""The studio used in a real browser: every way that its page offers, with a hand that writes at once."""

import contextlib
import json
import re
import time

import numpy as np
import pytest
from browser import DOWN, ENTER, UP, browsing
from PIL import Image
from quick_hand import QuickHand, serving

from minirnn import backend
from minirnn.drawing.layout import WrittenLine
from minirnn.forms import geometry
from minirnn.forms.prompts import PAGES
from minirnn.images.image_files import save_image
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.pen_rnn import PenRNN
from minirnn.reading.reader import Reading
from minirnn.studies import simulated_sheets
from minirnn.studio_page.answers import Studio
from minirnn.studio_page.desk import Desk

TAB, LEFT, RIGHT = "\ue004", "\ue012", "\ue014"
STATUS = "return document.getElementById('status').textContent"
ERROR = "return document.getElementById('error').textContent"
SHOWN = "return [...document.querySelectorAll('.line')].map(line => line.dataset.key)"
QUIET = "return !document.querySelector('.writing')"
INK = "return [...document.querySelectorAll('.line')].map(line => line.querySelector('.ink').innerHTML)"
KEPT = "return [...document.querySelectorAll('.line')].map(line => !!line.old)"
CHOSEN = "return document.querySelector('#hands [aria-checked=true]')?.textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser for all tests, which keeps what it downloads in the folder ``downloads``."""
    folder = tmp_path_factory.mktemp("browser")
    downloads = folder / "downloads"
    downloads.mkdir()
    with browsing(folder) as browser:
        browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        browser.downloads = downloads
        yield browser


@pytest.fixture
def hand(monkeypatch):
    monkeypatch.setattr(WrittenLine, "metrics", property(lambda line: (0.0, 1.0)))
    return QuickHand()


@pytest.fixture
def studio(hand, tmp_path):
    studio = Studio(tmp_path / "studio", [tmp_path / "runs"])
    studio.desk = studio.letters.desk = Desk(hand, own=studio.own.weights)
    yield studio
    studio.close()


@contextlib.contextmanager
def opened(studio, browser, part=""):
    """The page of a studio, in the browser."""
    with serving(studio) as server:
        browser.look(1400, 900)
        browser.go(server.url + part)
        yield server
        browser.go("about:blank")


def typed(browser, text):
    """Write a text over what stands in the field, by keys."""
    browser.run("const field = document.getElementById('text'); field.focus(); field.select()")
    browser.press(text)


def click(browser, selector):
    event = "new MouseEvent('click', {bubbles: true})"
    browser.run(f"document.querySelector({json.dumps(selector)}).dispatchEvent({event})")


def saved(browser, name):
    """The path of a file that the page saves under this name."""
    end = time.monotonic() + 60
    while not (browser.downloads / name).exists():
        assert time.monotonic() < end, (name, browser.run(ERROR))
        time.sleep(0.05)
    return browser.downloads / name


def give(browser, selector, path):
    """Choose a file in a field of the page."""
    found = browser.call("POST", f"{browser.session}/element", {"using": "css selector", "value": selector})
    (element,) = found.values()
    browser.call("POST", f"{browser.session}/element/{element}/value", {"text": str(path)})


def fits(browser):
    """Whether nothing of the page is cut off at its right side."""
    return browser.run("const all = document.documentElement; return all.scrollWidth <= all.clientWidth")


def test_a_letter_is_typed_and_one_word_or_line_of_it_written_again(studio, hand, browser):
    with opened(studio, browser):
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
        assert not {text for _, text, *_ in hand.asked} & {"Dear Ana,", "thank you."}
        while browser.run("return document.getElementById('text').value") != "Dear Ana,\nthank you.\nTom":
            click(browser, "#undo")
        browser.wait(SHOWN, keys)
        browser.wait(INK, before)
        # A click on a word writes it again, and no other; on a line, all of it; undo brings it back.
        for again, character in (("word", [6]), ("line", [])):
            click(browser, f"input[value={again}]")
            hand.asked.clear()
            click(browser, "[data-key='0:thank you.'] [data-begin='6']")
            browser.wait(f"{INK}[1] !== {json.dumps(before[1])}", True)
            browser.wait(QUIET, True)
            now = browser.run(INK)
            assert [now[0], now[2]] == [before[0], before[2]] and now[1] != before[1]
            assert [asked[2:] for asked in hand.asked if asked[1] == "thank you."] == [tuple(character)]
            click(browser, "#undo")
            browser.wait(INK, before)


def test_every_format_is_saved_and_can_be_opened_and_the_letter_is_kept(studio, hand, browser):
    with opened(studio, browser) as server:
        browser.wait(STATUS, "1 page, written")
        typed(browser, "Dear Ana,")
        browser.wait(SHOWN, ["0:Dear Ana,"])
        first = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml", "gcode": b"; minirnn", "hpgl": b"IN;"}
        for kind, start in first.items():
            click(browser, f"[data-kind={kind}]")
            assert saved(browser, f"letter.{kind}").read_bytes().startswith(start)
            browser.wait("return document.querySelector('[data-kind=png]').disabled", False)
            assert browser.run(STATUS) == f"letter.{kind} is saved"
        with Image.open(browser.downloads / "letter.png") as image:
            assert image.size == (1165, 1654)  # A5 at 200 dpi
        (browser.downloads / "letter.svg").unlink()
        click(browser, "[data-kind=animation]")
        assert b"@keyframes" in saved(browser, "letter.svg").read_bytes()
        # A second page has the same letter; what it changes, the first one can undo.
        own = browser.call("GET", f"{browser.session}/window")
        other = browser.call("POST", f"{browser.session}/window/new", {"type": "tab"})["handle"]
        browser.call("POST", f"{browser.session}/window", {"handle": other})
        browser.go(server.url)
        browser.wait(SHOWN, ["0:Dear Ana,"])
        typed(browser, "Dear Tom,")
        browser.wait(SHOWN, ["0:Dear Tom,"])
        browser.call("DELETE", f"{browser.session}/window")
        browser.call("POST", f"{browser.session}/window", {"handle": own})
        browser.wait(SHOWN, ["0:Dear Tom,"])
        click(browser, "#undo")
        browser.wait(SHOWN, ["0:Dear Ana,"])
        # What was typed is kept between visits.
        browser.go("about:blank")
        browser.go(server.url)
        browser.wait(SHOWN, ["0:Dear Ana,"])


def focused(browser):
    """The name of what has the focus of the keyboard."""
    name = "e.getAttribute('aria-label') || e.id || e.textContent.trim()"
    return browser.run(f"const e = document.activeElement; return {name}")


def test_everything_is_reached_by_keyboard(studio, hand, browser):
    with opened(studio, browser):
        browser.wait(STATUS, "1 page, written")
        assert focused(browser) == "text"
        typed(browser, "good day\nto you")
        browser.wait(SHOWN, ["0:good day", "0:to you"])
        browser.wait(QUIET, True)
        # The paper is one stop of the Tab key; arrows go from word to word.
        for _ in range(60):
            browser.press(TAB)
            if focused(browser) == "good":
                break
        assert focused(browser) == "good"
        way = ((RIGHT, "day"), (RIGHT, "to"), (UP, "good"), (RIGHT, "day"), (DOWN, "you"), (LEFT, "to"))
        for key, word in way:
            browser.press(key)
            assert focused(browser) == word
        before = browser.run(INK)
        browser.press(ENTER)
        browser.wait(f"{INK}[1] !== {json.dumps(before[1])}", True)
        browser.wait(QUIET, True)
        assert focused(browser) == "to"  # where it was
        assert ("to you", 0) in [asked[1:] for asked in hand.asked]
        # Another hand, by an arrow key on the hand that is chosen; a slider; another part of the page.
        browser.run("document.querySelector('#hands [aria-checked=true]').focus()")
        browser.press(RIGHT)
        browser.wait(CHOSEN, "2")
        browser.wait(f"{INK}[0] !== {json.dumps(before[0])}", True)
        browser.run("document.querySelector('[data-name=slant]').focus()")
        browser.press(RIGHT)
        browser.wait("return document.querySelector('[data-name=slant] + output').textContent", "1°")
        browser.run("document.querySelector('nav a[href=\"#read\"]').focus()")
        browser.press(ENTER)
        browser.wait("return document.getElementById('read').hidden", False)
        # Everything that can be used has a name that a screen reader says.
        nameless = """return [...document.querySelectorAll('button, input, select, textarea, a, [role=button], img')]
            .filter(e => !(e.ariaLabel || e.labels?.length || e.textContent.trim() || e.alt)).map(e => e.outerHTML)"""
        assert browser.run(nameless) == []


def test_what_is_wrong_is_said_where_it_is(studio, hand, browser):
    hand.doubts.append("abc")
    with opened(studio, browser) as server:
        for width, scheme in ((390, "light"), (390, "dark"), (1400, "dark")):
            browser.look(width, 844, scheme)
            for part in ("#hand", "#read", "#runs", "#letter"):
                browser.go(f"{server.url}{part}")
                browser.wait(f"return document.getElementById('{part[1:]}').hidden", False)
                assert fits(browser) and browser.run(ERROR) == ""
            browser.wait(STATUS, "1 page, written")
            low = browser.run("return getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")
            assert (int(low[0]) > 128) == (scheme == "light")
        warning = "return document.getElementById('warnings').textContent"
        typed(browser, "caf\u00e9")
        browser.wait(warning, "this hand cannot write \u00e9: left out")
        typed(browser, "abc day")
        browser.wait(warning, "“abc” may be wrong: 'abc' reads 'x' Write it again")
        marked = "return [...document.querySelectorAll('.word')].map(word => !!word.querySelector('.fault'))"
        assert browser.run(marked) == [True, False]
        assert browser.run("return document.querySelector('.word').ariaLabel") == "abc, may be wrong: 'abc' reads 'x'"
        hand.doubts.clear()
        click(browser, "#warnings button")
        browser.wait(warning, "")
        typed(browser, "w" * 200)
        browser.wait("return document.getElementById('error').textContent.includes('put a space into it')", True)


class Reads:
    """Reads every line as the same words, two characters of which are not sure."""

    def read_strokes(self, lines):
        return [Reading("helo world", np.array([0.9] * 3 + [0.2] * 2 + [0.9] * 5), [], [], 0.0) for _ in lines]


def test_a_picture_is_read_and_corrected_and_written(studio, hand, browser, tmp_path, monkeypatch):
    monkeypatch.setattr(studio.pictures, "reading", Reads)
    rng, picture = np.random.default_rng(0), np.ones((500, 900))
    for top in (80, 240):
        for stroke in simulated_sheets.wavy_line("hello world", rng):
            along = np.linspace(0, len(stroke) - 1, 12 * len(stroke))
            x, y = (np.interp(along, range(len(stroke)), column) for column in stroke.T)
            rows, columns = (top + 20 * y + 40).astype(int), (60 + 20 * x).astype(int)
            for down in range(5):
                for right in range(5):
                    picture[(rows + down).clip(0, 499), (columns + right).clip(0, 899)] = 0
    save_image(tmp_path / "page.png", picture)
    lines = "return [...document.querySelectorAll('#read-lines input')].map(field => field.value)"
    with opened(studio, browser, "#read"):
        browser.wait("return document.getElementById('read').hidden", False)
        give(browser, "#picture", tmp_path / "page.png")
        browser.wait(lines, ["helo world"] * 2)
        assert browser.run(STATUS) == "2 lines read"
        doubtful = "return [...document.querySelectorAll('#read-lines li:first-child mark')].map(m => m.textContent)"
        assert browser.run(doubtful) == ["o", " "]
        assert browser.run("return document.querySelectorAll('.box').length") == 2
        assert browser.run("return document.querySelector('.box.here') === document.querySelector('.box')")
        browser.run("const field = document.querySelector('#read-lines input'); field.focus(); field.select()")
        browser.press("hello world")
        click(browser, "#save-text")
        assert saved(browser, "read.txt").read_text(encoding="utf-8") == "hello world\nhelo world\n"
        click(browser, "#write-text")
        browser.wait(SHOWN, ["0:hello world", "0:helo world"])


def small_weights(path):
    """Weights of a network that is small enough to be trained in a moment, as `minirnn.train --init` takes them."""
    chars = CharVocabulary("".join(sorted({c for page in PAGES for text in page for c in text})))
    pens = PenVocabulary([[1.0, 0.0], [0.5, -1.0], [0.5, 1.0]], directions=8, step=0.4)
    network = PenRNN(len(pens), len(chars) + 1, pens.n_heights, hands=2, hidden=6, embed=4, char_embed=3, gaussians=2,
                     rate=0.2)  # fmt: skip
    meta = {"kind": "PenRNN", "network": network.settings, "symbols": chars.symbols, "directions": pens.directions,
            "step_length": pens.step, "counts": dict.fromkeys(chars.symbols, 99), "neat_hands": [1]}  # fmt: skip
    arrays = {f"params.{name}": a for name, a in backend.flatten(network.params).items()}
    checkpoint.save(path, meta, {**arrays, "extra.lifts": pens.lifts})


def simulated_photograph(path):
    """A photograph of a page of the sheet on three lines of which waves are written."""
    rng = np.random.default_rng(3)
    waves = [simulated_sheets.wavy_line(text, rng) for text in PAGES[0][:3]]
    lines = [simulated_sheets.place_line(wave, index, rng) for index, wave in enumerate(waves)]
    page = simulated_sheets.filled_page(1, lines, 0.5, geometry.PAPERS["a4"])
    save_image(path, simulated_sheets.photograph(page, simulated_sheets.Camera(megapixels=3, tilt=10), rng))


def test_ones_own_hand_from_a_photograph_to_a_letter(studio, hand, browser, tmp_path, monkeypatch):
    monkeypatch.setattr(studio.hand, "reading", lambda: None)
    small_weights(tmp_path / "small.npz")
    simulated_photograph(tmp_path / "page one.jpg")
    studio.own.options = ["--init", str(tmp_path / "small.npz"), "--steps", "100000", "--evaluations", "10000",
                          "--threads", "1", "--batch", "2", "--patience", "0"]  # fmt: skip
    buttons = "['train', 'continue', 'stop-training', 'use']"
    enabled = f"return {buttons}.filter(id => !document.getElementById(id).disabled)"
    with opened(studio, browser, "#hand"):
        browser.wait(enabled, [])
        give(browser, "#photos", tmp_path / "page one.jpg")
        heading = "return document.querySelector('#found h3')?.textContent"
        browser.wait(heading, "page_one.jpg: page 1, 3 of 14 lines", seconds=300)
        browser.wait("return document.querySelector('#found img').naturalWidth > 500", True)
        browser.wait(enabled, ["train"])
        click(browser, "#train")
        # The losses and the samples come as the training goes on.
        browser.wait("return document.querySelectorAll('.chart circle.two').length > 1", True, seconds=300)
        browser.wait("return [...document.querySelectorAll('#hand-run img')].map(i => i.alt.replace(/[0-9]+/, 'N'))",
                     ["What it writes, step N", "Where it looks in the text, step N"])  # fmt: skip
        browser.wait(enabled, ["stop-training", "use"])
        # Other trainings are watched in the same way.
        browser.run("location.hash = '#runs'")
        browser.wait("return document.querySelector('#run-table button')?.textContent.endsWith('run-1')", True)
        click(browser, "#run-table button")
        browser.wait("return document.querySelector('#watched .state')?.textContent", "being trained")
        browser.run("location.hash = '#hand'")
        browser.wait(enabled, ["stop-training", "use"])
        click(browser, "#stop-training")
        browser.wait(enabled, ["train", "continue", "use"])
        assert re.search(r"continue with --resume", (tmp_path / "studio" / "my hand" / "run-1.txt").read_text())
        browser.run("localStorage.setItem('minirnn.letter', JSON.stringify({ text: 'a' }))")
        click(browser, "#use")
        browser.wait(CHOSEN, "my hand")
        assert (tmp_path / "studio" / "my hand" / "run-1" / "best.npz").exists()
