"""What is written is read again: words that another one explains better are found, and written again."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from test_writing import CHARS, PENS, likeliest, network, weights  # noqa: F401

from minirnn import write
from minirnn.errors import run_command
from minirnn.ink.vocabularies import FIRST_STEP, CharVocabulary
from minirnn.writing import mending, pen
from minirnn.writing.hands import CANDIDATES, Writer
from minirnn.writing.letters import report_faults
from minirnn.writing.mending import AT_ONCE, ROUNDS, Passage, mend, moment_at, passage_of, passages, splice
from minirnn.writing.pen import Line, write_lines
from minirnn.writing.proofreading import (
    APART,
    TOO_SHORT,
    Proof,
    Proofreader,
    WordFault,
    default_proofreader,
    words_in,
)

KNOWN = CharVocabulary("abc. d")
SURE = 8.0  # logit of what the made-up reader sees, beside zeros


class MadeUpReader:
    """Stands for a `Reader`: reads ``text(line)`` from strokes, whatever they are, in two frames per character."""

    def __init__(self, text, sure=SURE):
        self.text, self.sure = text, sure
        self.chars, self.pens, self.network = KNOWN, PENS, SimpleNamespace(join=3)

    def log_probabilities(self, lines):
        for strokes in lines:
            text = self.text(strokes)
            z = np.zeros((2 * len(text) + 1, len(KNOWN) + 1))
            z[:, 0] = self.sure
            for n, k in enumerate(KNOWN.encode(text) + 1):
                z[2 * n + 1, [0, k]] = 0, self.sure
            log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
            ids = np.full(3 * len(log_p), FIRST_STEP)
            ids[np.linspace(0, len(ids) - 2, len(strokes)).astype(int)] = np.flatnonzero(PENS.is_lift)[0]
            yield ids, log_p


def line_of(text, strokes=4):
    """A written line of so many hooks, each a unit wide, its words two units apart."""
    hooks = [np.array([[0.0, 0.0], [0.5, 1.0], [1.0, 0.0]]) + np.array([2.0 * n, 0]) for n in range(strokes)]
    return Line(text, np.zeros(1, int), hooks, np.zeros((1, len(text) + 1)), "", drawn=hooks)


def proof_of(text, read, **options):
    (line,) = Proofreader(MadeUpReader(lambda strokes: read, **options)).read([line_of(text)])
    return line


def test_the_words_of_a_text():
    assert words_in("ab  c") == [(0, 2), (4, 5)]
    assert words_in(" a") == [(1, 2)]


def test_a_line_that_says_its_text_has_no_fault_and_tells_where_its_strokes_stand():
    line = proof_of("ab cd", "ab cd")
    assert line.faults == [] and line.fault == ""
    assert line.proof.log_probability > -0.5
    assert (np.diff(line.proof.places) >= 0).all() and line.proof.places[0] == 0
    # Two frames per character, three symbols per frame, and strokes that begin with the symbols 0, 10, 20 and 31.
    assert line.proof.places == pytest.approx([0, 7 / 6, 17 / 6, 4], abs=0.05)


@pytest.mark.parametrize(("text", "read", "faults"), [
    ("ab cd", "ab cc", ["'cd' reads 'cc'"]),
    ("ab cd", "b cd", ["'ab' reads 'b'"]),  # the beginning of a line that the window has passed over
    ("abb cd", "ab cd", ["'abb' reads 'ab'"]),  # a doubled letter
    ("ab cd a", "ab c d a", ["'cd' reads 'c d'"]),
    ("ab cd a", "ab a", ["'cd' is not there"]),
    ("ab cd", "ab cd.", ["'cd' reads 'cd.'"]),
    ("ab a cd", "aa b cd", ["'ab' reads 'aa'", "'a' reads 'b'"]),
])  # fmt: skip
def test_a_word_is_wrong_if_another_explains_the_ink_better(text, read, faults):
    line = proof_of(text, read)
    assert [str(fault) for fault in line.faults] == faults
    assert all(line.text[fault.begin :].startswith(fault.word) for fault in line.faults)


def test_words_that_the_pen_has_joined_run_together():
    (line,) = Proofreader(MadeUpReader(lambda strokes: "abcd")).read([line_of("ab cd", strokes=1)])
    assert [str(fault) for fault in line.faults] == ["'cd' runs into the word before it"]


def test_a_word_that_is_hardly_less_likely_than_another_passes():
    assert proof_of("ab cd", "ab cc", sure=0.9).faults == []


def test_a_character_that_the_reader_does_not_know_may_look_like_any():
    assert proof_of("aé cd", "ab cd").faults == []
    assert [fault.word for fault in proof_of("aé cd", "a cd").faults] == ["aé"]
    assert [str(fault) for fault in proof_of("éa cd", "bb cd").faults] == ["'éa' reads '?b'"]


def test_proofreading_asks_no_language_model(monkeypatch):
    asked = []
    monkeypatch.setattr("minirnn.writing.proofreading.SHIPPED", SimpleNamespace(exists=lambda: True))
    monkeypatch.setattr("minirnn.writing.proofreading.Reader", lambda **options: asked.append(options))
    assert isinstance(default_proofreader(), Proofreader) and asked == [{"language_model": False}]
    monkeypatch.setattr("minirnn.writing.proofreading.SHIPPED", SimpleNamespace(exists=lambda: False))
    assert default_proofreader() is None


def test_ink_that_is_too_short_for_its_text_is_the_worst_of_all():
    short, wrong = proof_of("abcabc abcabc", "ab"), proof_of("abcabc abcabc", "cbaacb cbaacb")
    assert short.fault == TOO_SHORT and short.proof.log_probability == -np.inf
    assert len(short.faults) == len(wrong.faults) == 2
    assert short.proof.badness > wrong.proof.badness
    (empty,) = Proofreader(MadeUpReader(None)).read([dataclasses.replace(line_of("ab"), strokes=[])])
    assert empty.fault == TOO_SHORT and empty.proof.places is None


# --- writing a word again -------------------------------------------------------------------------------------------


@pytest.fixture
def lifting(monkeypatch):
    """A likeliest move that is a lift at every fifth step, so that there are strokes."""
    original, count = likeliest(end=True), [0]

    def distribution(logits, pens, temperature, ending):
        count[0] += 1
        p = original(logits, pens, temperature, ending)
        if count[0] % 5 == 1 and not ending.any():
            p = np.eye(len(pens))[np.where(pens.is_lift, logits, -np.inf).argmax(axis=1)]
        return p

    monkeypatch.setattr(pen, "pen_distribution", distribution)
    return count


def test_writing_on_from_a_moment_gives_what_followed_it(lifting):
    net = network()
    (line,) = write_lines(net, CHARS, PENS, ["abc abca"], [0], np.random.default_rng(0), moments=True)
    lifts = np.flatnonzero(PENS.is_lift[line.symbols])
    assert len(line.moments) == len(line.drawn) == len(lifts) > 2
    for number in (0, 1, len(lifts) - 1):
        lifting[0] = lifts[number] - 1  # the steps that were drawn before
        (rest,) = write_lines(
            net, CHARS, PENS, ["abc abca"], [0], np.random.default_rng(0), since=[line.moments[number]], moments=True
        )
        assert np.array_equal(rest.symbols[1:], line.symbols[lifts[number] :])
        np.testing.assert_allclose(rest.phi, line.phi[lifts[number] - 1 :], atol=1e-5)
        assert len(rest.moments) == len(line.moments) - number


def test_a_moment_can_be_found_again_from_what_was_drawn(lifting):
    net = network()
    (line,) = write_lines(net, CHARS, PENS, ["abc abca"], [1], np.random.default_rng(0), moments=True)
    writer = SimpleNamespace(network=net, chars=CHARS, pens=PENS, hand=1)
    assert len(line.moments) > 2
    for number, moment in enumerate(line.moments):
        found = moment_at(writer, line, number)
        assert found.symbol == moment.symbol and found.y == pytest.approx(moment.y)
        assert found.place == pytest.approx(moment.place, abs=1e-4)
        for layer, layer_found in zip(moment.state, found.state):
            for array, array_found in zip(layer, layer_found):
                np.testing.assert_allclose(array, array_found, atol=1e-5)


def made(text, words, places):
    """A line with ``words``, lists of hooks' left edges, and everything that a splice needs."""
    strokes = [np.array([[0.0, 0.0], [0.2, 0.4], [0.6, 0.4]]) + np.array([x, 0]) for word in words for x in word]
    lift = np.flatnonzero(PENS.is_lift)[0]
    symbols = np.array([0, *[lift, 2, 2] * len(strokes)])
    phi = np.zeros((len(symbols), len(text) + 1))
    phi[:, 0] = np.arange(len(symbols))
    return Line(text, symbols, strokes, phi, "", drawn=strokes, places=np.array(places, float),
                moments=list(range(len(strokes))),
                proof=Proof(-5.0, [], np.array(places, float)))  # fmt: skip


def test_the_passage_of_a_word_is_its_strokes_or_those_of_all_words_that_are_joined():
    line = made("ab c dd", [[0, 1], [4], [7, 8]], [0, 1, 2.6, 4.6, 6])
    assert passage_of(line, 0) == Passage(0, 2, 0, 2)
    assert passage_of(line, 3) == Passage(2, 3, 3, 4)
    assert passage_of(line, 6) == Passage(3, 5, 5, 7)
    joined = made("ab c dd", [[0, 1], [4], [7, 8]], [0, 1, 2.6, 9, 9])
    assert passage_of(joined, 6) == passage_of(joined, 3) == Passage(2, 5, 3, 7)
    # What was read says better than the window where strokes stand; if nothing was read, the window has to do.
    assert passages(dataclasses.replace(line, places=joined.proof.places)) == passages(line)
    assert passages(dataclasses.replace(line, proof=None, places=joined.proof.places)) == passages(joined)


def test_a_word_is_written_again_when_it_is_asked_for_and_nothing_else(weights, monkeypatch):  # noqa: F811
    line = made("ab c bb", [[0, 1], [4], [7, 8]], [0, 1, 2.6, 4.6, 6])
    writer, begun = Writer(weights), []

    def stand_in(network, chars, pens, texts, hands, rng, temperature, *, since, moments):
        begun.append((texts, since[0].symbol))
        return [made(text, [[1.5, 2.5]], [2.5, 3]) for text in texts]

    monkeypatch.setattr(mending, "write_lines", stand_in)
    assert [passage[2:] for passage in passages(line)] == [(0, 2), (3, 4), (5, 7)]
    new = writer.rewrite_word(line, 3, np.random.default_rng(0))
    assert begun == [(["ab c"] * AT_ONCE, 2)] and new.moments == []
    assert all(np.array_equal(old, stroke) for old, stroke in zip(line.drawn[:2], new.drawn[:2]))
    assert len(new.drawn) == 6 and np.ptp(new.drawn[4] - line.drawn[3], axis=0) == pytest.approx([0, 0])
    same = writer.rewrite_word(line, 3, np.random.default_rng(0), accept=lambda line: False)
    assert same.drawn == line.drawn and len(begun) == 1 + ROUNDS


def test_a_word_takes_the_place_of_another_and_the_rest_is_only_moved():
    line = dataclasses.replace(made("ab c dd", [[0, 1], [4], [7, 8]], [0, 1, 2.6, 4.6, 6]), shear=0.5)
    piece = made("ab c", [[1.5, 2.5, 3.5]], [2.5, 3, 3.4])
    new = splice(line, Passage(2, 3, 3, 4), piece, PENS)
    assert len(new.drawn) == len(new.places) == len(new.moments) == 2 + 3 + 2
    for old, stroke in zip(line.drawn[:2], new.drawn[:2]):
        assert np.array_equal(old, stroke)
    for raw, stroke in zip(piece.drawn, new.drawn[2:5]):  # from where the pen stood at the end of the word before
        np.testing.assert_allclose(stroke, raw + line.drawn[1][-1])
    assert new.moments == line.moments[:2] + piece.moments + line.moments[3:]
    assert new.places.tolist() == [0, 1, 2.5, 3, 3.4, 4.6, 6] and new.rewritten == line.rewritten + 1
    lift = new.symbols[16]  # the pen goes to what follows by the lift that comes nearest to the way
    way = new.drawn[5][0] - new.drawn[4][-1]
    assert lift == np.where(PENS.is_lift, np.hypot(*(PENS.vectors - way).T), np.inf).argmin()
    assert new.phi[:, 0].tolist() == [*range(6), *range(9), *range(9, 16)]
    moved = new.drawn[5] - line.drawn[3]
    assert np.ptp(moved[:, 0]) == pytest.approx(0, abs=1e-12) and not moved[:, 1].any()
    np.testing.assert_allclose(new.drawn[6] - line.drawn[4], moved)
    gap = line.drawn[3][0, 0] - line.drawn[2][:, 0].max()
    assert new.drawn[5][0, 0] - new.drawn[4][:, 0].max() == pytest.approx(gap)
    # As many symbols as points, so that struck words can still be found by the window.
    assert len(new.phi) == len(new.symbols) == len(np.concatenate(new.drawn)) + 1
    assert PENS.is_lift[new.symbols].sum() == 7
    assert new.phi[-1, 0] == line.phi[-1, 0]
    for raw, stroke in zip(new.drawn, new.strokes):  # sheared as the line was
        np.testing.assert_allclose(np.diff(stroke[:, 0] - 0.5 * stroke[:, 1]), np.diff(raw[:, 0]), atol=1e-12)


def test_the_last_word_of_a_line_has_nothing_after_it():
    line = made("ab c", [[0, 1], [4]], [0, 1, 2.6])
    new = splice(line, Passage(2, 3, 3, 4), made("ab c", [[1.5, 2.5]], [2.5, 3]), PENS)
    assert len(new.drawn) == 4 and len(new.phi) == len(new.symbols) == 13


class MadeUpProofreader:
    """Finds the words of ``wrong(line)`` wrong."""

    def __init__(self, wrong):
        self.wrong = wrong

    def read(self, lines):
        proofs = []
        for line in lines:
            faults = [WordFault(begin, line.text[begin:end], "x") for begin, end in words_in(line.text)
                      if line.text[begin:end] in self.wrong(line)]  # fmt: skip
            proofs.append(Proof(-1.0 - len(faults), faults, line.places))
        return [dataclasses.replace(line, proof=proof) for line, proof in zip(lines, proofs)]


def a_writer(wrong):
    return SimpleNamespace(proofreader=MadeUpProofreader(wrong), network=None, chars=None, pens=PENS, hand=0)


def test_words_are_written_again_until_they_are_right_and_no_more_often_than_the_bound_allows(monkeypatch):
    asked = []

    def stand_in(network, chars, pens, texts, hands, rng, temperature, *, since, moments):
        asked.append((texts, since))
        return [made(text, [[1.5, 2.5]], [2.5, 3]) for text in texts]

    monkeypatch.setattr(mending, "write_lines", stand_in)
    line = made("ab c dd", [[0, 1], [4], [7, 8]], [0, 1, 2.6, 4.6, 6])
    for wrong, times, left in (
        (lambda line: {"c"}, ROUNDS, 1),
        (lambda line: {"c"} if len(line.drawn) == 5 else {}, 1, 0),  # right as soon as it has two strokes
        (lambda line: {"c", "dd"}, 2 * ROUNDS, 2),
        (lambda line: {}, 0, 0),
    ):
        asked.clear()
        writer = a_writer(wrong)
        (mended,) = mend(writer, writer.proofreader.read([line]), None, 0.4, lambda line: True)
        assert len(asked) == times and len(mended.faults) == left
        assert mended.rewritten == (times == 1)
        if times:
            assert asked[0] == (["ab c"] * AT_ONCE, [2] * AT_ONCE)  # the text up to the word; the moment of its stroke
    writer = a_writer(lambda line: {"c"} if len(line.drawn) == 5 else {})
    (refused,) = mend(writer, writer.proofreader.read([line]), None, 0.4, lambda line: False)
    assert refused.rewritten == 0


def test_of_several_passages_each_gets_its_own_candidates_and_only_good_ones(monkeypatch):
    def stand_in(network, chars, pens, texts, hands, rng, temperature, *, since, moments):
        assert hands == [0] * len(texts) and temperature == 0.4
        pieces = [made(text, [[n + 1.5]], [2.5]) for n, text in enumerate(texts)]
        pieces[1] = dataclasses.replace(pieces[1], fault="ran on")
        pieces[2] = dataclasses.replace(pieces[2], moments=[])
        pieces[3] = dataclasses.replace(pieces[3], drawn=[], moments=[])
        return pieces if moments else [dataclasses.replace(piece, moments=[]) for piece in pieces]

    monkeypatch.setattr(mending, "write_lines", stand_in)
    monkeypatch.setattr(mending, "splice", lambda line, passage, piece, _: (line.text, passage, piece.drawn[0][0, 0]))
    lines = [made(text, [[0, 1], [4], [7, 8]], [0, 1, 2.6, 4.6, 6]) for text in ("ab c dd", "bb c dd", "cb c dd")]
    tasks = [(2, passage_of(lines[2], 3)), (0, passage_of(lines[0], 0))]
    found = list(mending.rewrite(a_writer(lambda line: {}), lines, tasks, None, 0.4))
    second = [AT_ONCE + n + 1.5 for n in range(AT_ONCE)]
    assert found == [(2, [("cb c dd", tasks[0][1], 1.5)]), (0, [("ab c dd", tasks[1][1], edge) for edge in second])]


def test_a_writer_takes_the_candidate_that_proofreads_better_and_tells_its_faults(weights, monkeypatch):  # noqa: F811
    good = made("ab c", [[0, 1], [4]], [0, 1, 2.6])
    bad = made("ab c", [[0], [4]], [0, 2.6])
    monkeypatch.setattr("minirnn.writing.hands.write_lines", lambda *args, **more: [bad, good])
    monkeypatch.setattr(mending, "ROUNDS", 0)
    proofreader = MadeUpProofreader(lambda line: {"c"} if len(line.strokes) == 2 else {})
    (line,) = Writer(weights, proofreader=proofreader).write(["ab c"], None)
    assert line.faults == [] and len(line.strokes) == 3 and line.moments == []
    proofreader = MadeUpProofreader(lambda line: {"c"})
    (line,) = Writer(weights, proofreader=proofreader).write(["ab c"], None)
    assert [fault.word for fault in line.faults] == ["c"]
    assert CANDIDATES == 2


# --- what is said of it ---------------------------------------------------------------------------------------------


def test_words_that_may_be_wrong_are_named_with_their_line(capsys):
    fine, doubted = line_of("ab cd"), proof_of("ab cd", "ab cc")
    found = report_faults([fine, None, doubted], lambda line: True)
    assert found == ["line 3, 'cd' reads 'cc'"]
    said = capsys.readouterr().err
    assert said.startswith("minirnn: 1 of 4 words may be wrong: line 3, 'cd' reads 'cc'; try another")
    assert report_faults([fine], lambda line: True) == [] and not capsys.readouterr().err


@pytest.mark.parametrize(("strict", "wrong", "code"), [(True, {"ba"}, 2), (False, {"ba"}, 0), (True, {}, 0)])
def test_strict_makes_a_doubtful_word_an_exit_code(weights, tmp_path, monkeypatch, capsys, strict, wrong, code):  # noqa: F811
    monkeypatch.setattr(write, "default_proofreader", lambda: MadeUpProofreader(lambda line: wrong))
    monkeypatch.setattr(mending, "ROUNDS", 0)
    out = tmp_path / "a.svg"
    argv = ["ab ba", "--hand", str(weights), "-o", str(out), "--neatness", "0.57", *["--strict"] * strict]
    assert run_command(write.main, argv) == code
    assert out.exists()
    said = capsys.readouterr().err
    assert ("line 1, 'ba' reads 'x'" in said) == bool(wrong)
    assert ("--strict allows none" in said) == (code == 2)


def test_a_gap_that_is_plain_to_see_need_not_be_read():
    line = made("ab cd", [[0, 1], [4, 5]], [0, 1, 3, 4])
    proofreader = Proofreader(MadeUpReader(lambda strokes: "abcd"))
    assert proofreader.read([dataclasses.replace(line, strokes=line.drawn)])[0].faults == []


def test_words_that_stand_too_close_are_set_apart_where_the_alignment_finds_them():
    line = made("ab cd", [[0, 1], [4, 5]], [0, 1, 3, 4])
    joined = dataclasses.replace(line, strokes=[s - [2.2, 0] if n > 1 else s for n, s in enumerate(line.drawn)])
    (spaced,) = Proofreader(MadeUpReader(lambda strokes: "abcd")).read([joined])
    before, after = ((lines[2][:, 0].min() - lines[1][:, 0].max()) for lines in (joined.strokes, spaced.strokes))
    assert before < APART <= after and spaced.faults == []
