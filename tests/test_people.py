"""Training on many people with a row each, and lines with drawn characters to learn from."""

import unicodedata

import numpy as np
import pytest
from small_runs import hand_trainer, write_hand

from minirnn import backend
from minirnn.datasets import Sample
from minirnn.errors import MinirnnError
from minirnn.networks import checkpoint
from minirnn.reading.reader import Reading
from minirnn.studies import drawn_characters, people
from minirnn.writing.hands import Writer

GROUPS = [f"form {n}" for n in range(4)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A checkpoint as a run over four people would leave it, and the lines of six."""
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))
    write_hand(tmp_path / "hand.jsonl")
    trainer = hand_trainer(tmp_path / "run")
    network = trainer.network
    network.params["hand"]["E"][:] = np.random.default_rng(0).normal(0, 1, network.params["hand"]["E"].shape)
    meta = {"network": network.settings, "kind": "PenRNN", "symbols": "abc ", "directions": 8, "step_length": 0.5,
            "counts": dict.fromkeys("abc ", 99), "hands": GROUPS}  # fmt: skip
    arrays = {f"params.{name}": a for name, a in backend.flatten(network.params).items()}
    checkpoint.save(tmp_path / "four.npz", meta, {**arrays, "extra.lifts": trainer.extra["lifts"]})
    return tmp_path / "four.npz"


def test_new_people_begin_as_any_hand_and_new_characters_as_what_they_look_like(run):
    writer = Writer(run)
    network, chars, known = people.extended(writer, "àb—", ["form 9", "form 0"])
    assert known == [*GROUPS, "form 9"] and chars.symbols == " abcà—"
    before, after = writer.network.params, network.params
    np.testing.assert_array_equal(after["hand"]["E"][:5], before["hand"]["E"])
    np.testing.assert_array_equal(after["hand"]["E"][5], before["hand"]["E"][0])
    rows = {c: after["text"]["E"][1 + chars.encode(c)[0]] for c in chars.symbols}
    np.testing.assert_array_equal(rows["à"], rows["a"])
    np.testing.assert_array_equal(rows["b"], before["text"]["E"][1 + writer.chars.encode("b")[0]])
    np.testing.assert_array_equal(after["text"]["E"][0], before["text"]["E"][0])


def test_people_of_different_sources_stay_apart(run, monkeypatch):
    source = run.with_name("hand.jsonl")
    assert people.people_of(f"x={source}")[0][0].group == "xform 0"
    monkeypatch.setattr(people, "read_writers", lambda source: {"form 0": "7", "form 1": "7"})
    lines = people.people_of(f"={source}")
    assert [sample.group for sample, _ in lines[::2]] == ["7", "7", *(f"form-form {n}" for n in range(2, 6))]
    assert [part for _, part in lines[:3]] == ["form 0", "form 0", "form 1"]
    with pytest.raises(MinirnnError, match="has no prefix"):
        people.people_of(str(source))


def test_validation_is_on_other_forms_of_the_same_people():
    lines = [(Sample(f"{form} {n}", [], f"person {form % 3}"), form) for form in range(60) for n in range(4)]
    training, validation = people.split(lines, 0.2, seed=0)
    assert 20 < len(validation) < 80 and len(training) + len(validation) == 240
    forms = [{sample.text.split()[0] for sample in part} for part in (training, validation)]
    assert not forms[0] & forms[1]
    assert {sample.group for sample in validation} <= {sample.group for sample in training}


def test_single_words_are_seen_seldom_and_rare_characters_not_too_often():
    samples = [Sample(text, [], "") for text in ("tea", "tea for two", "Tea", "£9")]
    weights = people.weights_of(samples, {**dict.fromkeys("teaforw T9", 5000), "£": 3})
    assert weights == [people.SINGLE_WORDS, 1.0, 1.0, people.MOST]


def test_a_run_over_people_is_continued_by_the_same_command(run, tmp_path, capsys):
    options = [str(run), "--data", f"={tmp_path / 'hand.jsonl'}", "--out", str(tmp_path / "more"), "--held-out", "0.3",
               "--batch", "4", "--steps-per-chunk", "8", "--evaluations", "1", "--schedule", "constant"]  # fmt: skip
    people.main([*options, "--steps", "2"])
    first = checkpoint.load(tmp_path / "more" / "last.npz")
    people.main([*options, "--steps", "2"])
    assert checkpoint.load(tmp_path / "more" / "last.npz")[0]["progress"]["step"] == 2
    assert first[0]["progress"]["step"] == 2
    assert set(first[0]["hands"]) == {f"form {n}" for n in range(6)}
    assert Writer(tmp_path / "more" / "last.npz", 5).write(["ab"], np.random.default_rng(0))[0].text == "ab"


# --- drawn characters -----------------------------------------------------------------------------------------------


class KnowingReader:
    """Knows where the letters stand: each takes one stroke, and an i its dot as the stroke after it."""

    def align(self, strokes, text):
        places, boxes, n = [], [], 0
        for c in text:
            own = [] if c == " " else strokes[n : n + 1 + (c == "i")]
            places.append([(n + k, 0.0, 1.0) for k in range(len(own))])
            body = own[0] if own else None
            boxes.append(None if body is None else (*body.min(axis=0), *body.max(axis=0)))
            n += len(own)
        return Reading(text, np.ones(len(text)), places, boxes, 0.0)


def printed(text):
    """A line of letters that are zigzags two units high; one stroke each, and a dot over each i."""
    strokes = []
    for n, c in enumerate(text):
        x = 3.0 * n
        if c != " ":
            strokes.append(np.array([[x, 0], [x, 2], [x + 1, 0], [x + 1, 2]], float))
        if c == "i":
            strokes.append(np.array([[x + 0.5, -1.0]]))
    return Sample(text, strokes, "someone")


def decorated(text, seed, accented, monkeypatch):
    monkeypatch.setattr(drawn_characters, "ACCENTED", accented)
    line = drawn_characters.AlignedLine(printed(text), KnowingReader())
    return line, np.random.default_rng(seed)


def test_an_accent_stands_over_its_letter_and_comes_after_it(monkeypatch):
    line, rng = decorated("mean moon", 0, 1.0, monkeypatch)
    text, strokes, owner = drawn_characters.with_accents(line, rng, {"n": [("ñ", "above", "TILDE")]})
    assert "".join(text) == "meañ mooñ"
    assert len(strokes) == 10 and owner == [0, 1, 2, 3, 3, 4, 5, 6, 7, 7]
    left, top, right, _ = line.boxes[3]
    tilde = strokes[4]
    assert left < tilde[:, 0].mean() < right
    assert top - 1.5 < tilde[:, 1].min() < tilde[:, 1].max() < top + 0.3


def test_the_dot_of_an_i_gives_way_to_its_accent(monkeypatch):
    line, rng = decorated("moi aie", 0, 1.0, monkeypatch)
    text, strokes, _ = drawn_characters.with_accents(line, rng, {"i": [("ï", "above", "DIAERESIS")]})
    assert "".join(text) == "moï aïe"
    assert len(strokes) == 6 + 2 * 2, "two dots in the place of one"


def test_what_follows_a_drawn_character_moves_to_the_right(monkeypatch):
    line, rng = decorated("more seven", 3, 0.0, monkeypatch)
    text, strokes, owner = drawn_characters.with_accents(line, rng, {})
    text, drawn = drawn_characters.with_glyph(text, strokes, owner, line, "£", rng)
    assert "".join(text) == "more £seven"
    pound = drawn[4:-5]
    assert strokes[3][:, 0].max() < min(s[:, 0].min() for s in pound)
    assert max(s[:, 0].max() for s in pound) < drawn[-5][:, 0].min()
    for before, after in zip(strokes[4:], drawn[-5:]):
        np.testing.assert_allclose(after[:, 1], before[:, 1])


def test_every_accented_letter_of_latin_1_and_extended_a_has_its_mark():
    letters = drawn_characters.accented_letters()
    found = {c for of_one in letters.values() for c, _, _ in of_one}
    wanted = {c for c in map(chr, range(0xC0, 0x180)) if len(unicodedata.normalize("NFD", c)) == 2} - {"ģ"}
    assert wanted <= found and {"ø", "ł", "đ", "Ș", "ț"} <= found
    for of_one in letters.values():
        for _, kind, name in of_one:
            assert drawn_characters.DRAWN[kind][name]
    assert ("ņ", "below", "COMMA BELOW") in letters["n"] and ("ď", "right", "CARON") in letters["d"]


def test_lines_too_short_to_show_their_base_line_are_left_out(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drawn_characters, "Reader", lambda *rest, **more: KnowingReader())
    monkeypatch.setattr(drawn_characters, "people_of", lambda source: [(printed(t), t) for t in ("moon sea", "bdfh")])
    drawn_characters.main(["=x", "--reader", "r", "--lines", "2", "-o", str(tmp_path / "drawn.jsonl.gz")])
    assert "drawn.jsonl.gz: 1 lines" in capsys.readouterr().out
