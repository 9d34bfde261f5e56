"""The pen at work: what it may draw, when it may stop, and what counts as gone wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn import backend, write
from minirnn.datasets.line_batches import encode_text
from minirnn.drawing.markup import parse
from minirnn.drawing.paper import Sheet
from minirnn.drawing.wrapping import wrap_text
from minirnn.errors import MinirnnError, run_command
from minirnn.ink.strokes import slant
from minirnn.ink.vocabularies import BEGIN, END, FIRST_STEP, CharVocabulary, PenVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.pen_rnn import PenRNN
from minirnn.write import hand_of, main
from minirnn.writing import hands, pen
from minirnn.writing.describing import describe, features
from minirnn.writing.hands import CANDIDATES, LIKENESS, SETS, TRIES, Writer, lean
from minirnn.writing.judging import fault, symbols_of_characters, unevenness
from minirnn.writing.letters import read_letter, write_letter
from minirnn.writing.pen import Line, pen_distribution, write_lines
from minirnn.writing.transliteration import transliterate, whereabouts

PENS = PenVocabulary([[1.0, 0.0], [0.5, -1.0], [0.5, 1.0]], directions=8, step=0.4)
CHARS = CharVocabulary("abc .")


def network(seed=0):
    return PenRNN(len(PENS), len(CHARS) + 1, PENS.n_heights, hands=3, hidden=8, embed=4, char_embed=3, gaussians=2,
                  rate=0.2, seed=seed)  # fmt: skip


@pytest.fixture
def weights(tmp_path):
    net = network()
    meta = {"kind": "PenRNN", "network": net.settings, "symbols": CHARS.symbols, "directions": PENS.directions,
            "step_length": PENS.step, "counts": {"a": 99, "b": 99, "c": 3, " ": 99, ".": 99},
            "neat_hands": [2, 1]}  # fmt: skip
    arrays = {f"params.{name}": a for name, a in backend.flatten(net.params).items()}
    path = tmp_path / "pen.npz"
    checkpoint.save(path, meta, {**arrays, "extra.lifts": PENS.lifts})
    return path


@pytest.fixture
def learned(weights):
    """The same, as having begun with other weights and learned one hand."""
    meta, arrays = checkpoint.load(weights)
    began = {f"extra.began.{name}": a for name, a in backend.flatten(network(seed=1).params).items()}
    checkpoint.save(weights, meta, {**arrays, **began})
    return weights


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 2.0))
def test_the_kind_of_move_is_drawn_as_the_network_has_it(seed, temperature):
    logits = np.random.default_rng(seed).normal(0, 3, (2, len(PENS)))
    ending = np.array([True, False])
    p = pen_distribution(logits, PENS, temperature, ending)
    assert np.allclose(p.sum(axis=1), 1)
    assert not p[:, BEGIN].any()
    assert p[0, END] > 0
    assert p[1, END] == 0
    plain = pen_distribution(logits, PENS, 1.0, ending)
    steps = slice(FIRST_STEP, FIRST_STEP + PENS.directions)
    assert np.allclose(p[:, steps].sum(axis=1), plain[:, steps].sum(axis=1))
    if temperature < 1:
        assert (p[:, steps].max(axis=1) >= plain[:, steps].max(axis=1) - 1e-12).all()


def test_the_same_seed_writes_the_same(weights):
    one, two = (Writer(weights).write(["ab", "b."], np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(one, two):
        assert np.array_equal(a.symbols, b.symbols)


def test_a_line_written_alone_or_beside_others_follows_its_own_text():
    """Side by side, a shorter text must not see the padding behind it."""
    lines = write_lines(network(), CHARS, PENS, ["a", "abcabc"], [0, 0], np.random.default_rng(0))
    assert lines[0].phi.shape[1] == 2
    assert lines[1].phi.shape[1] == 7
    for line in lines:
        assert line.symbols[0] == BEGIN
        assert END not in line.symbols


def likeliest(end):
    """A stand-in for `pen_distribution`: always the likeliest move, but END where it may be drawn, if ``end``."""

    def distribution(logits, pens, temperature, ending):
        z = logits.copy()
        z[:, [BEGIN, END]] = -np.inf
        z[ending & end, END] = np.inf
        return np.eye(len(pens))[z.argmax(axis=1)]

    return distribution


def test_a_line_that_is_done_leaves_the_others_as_they_were(monkeypatch):
    monkeypatch.setattr(pen, "pen_distribution", likeliest(end=True))
    texts = ["a", "abcabc", "ab", "cabca"]
    beside = write_lines(network(), CHARS, PENS, texts, [0, 1, 2, 1], np.random.default_rng(0))
    assert len({len(line.symbols) for line in beside}) > 2, "they are done at different times"
    for text, hand, line in zip(texts, [0, 1, 2, 1], beside):
        (alone,) = write_lines(network(), CHARS, PENS, [text], [hand], np.random.default_rng(0))
        assert np.array_equal(line.symbols, alone.symbols)
        np.testing.assert_allclose(line.phi, alone.phi, atol=1e-5)
        assert line.fault == alone.fault != "ran on"


def test_a_pen_that_does_not_stop_has_run_on_even_beside_others_that_go_on(monkeypatch):
    monkeypatch.setattr(pen, "pen_distribution", likeliest(end=False))
    short, long = write_lines(network(), CHARS, PENS, ["a", "abcabc"], [0, 0], np.random.default_rng(0))
    assert short.fault == long.fault == "ran on"
    assert len(short.symbols) < len(long.symbols)


def path(*centres, width=0.4, U=4):
    u = np.arange(U)
    return np.array([np.exp(-(((u - centre) / width) ** 2)) for centre in centres])


def test_a_line_that_went_well_has_no_fault():
    assert fault("abc", path(0, 1, 2, 3), [np.zeros((2, 2))], stopped=True) == ""


def test_each_fault_is_told():
    stroke = [np.zeros((2, 2))]
    assert fault("abc", path(0, 1, 2, 3), stroke, stopped=False) == "ran on"
    assert fault("abc", path(0, 2, 3), stroke, stopped=True) == "skipped 'b'"
    assert fault("abc", path(0, 1, 2, 3), [np.array([[0.0, 9.0]])], stopped=True) == "left the line"


def test_what_goes_wrong_is_written_again(weights):
    writer, tries = Writer(weights), []
    writer.write(["ab"], np.random.default_rng(0), accept=lambda line: tries.append(1))
    assert len(tries) <= TRIES * CANDIDATES  # lines with a fault are refused before they are shown
    lines = writer.write(["ab"], np.random.default_rng(0))
    assert lines[0].text == "ab"


def test_without_guidance_the_blind_half_changes_nothing():
    """The same pen as the network's own distribution, symbol by symbol."""
    net, text = network(), encode_text(CHARS, "ab")[None]
    line = write_lines(net, CHARS, PENS, ["ab"], [1], np.random.default_rng(5), temperature=1.0, guidance=0.0)[0]
    rng, state, symbol, y, drawn = np.random.default_rng(5), net.start(1), BEGIN, 0.0, [BEGIN]
    for phi in line.phi[:-1]:
        chunk = {"x": np.array([[symbol]]), "height": PENS.height_of(np.array([[y]])).astype(int), "text": text,
                 "hand": np.array([1])}  # fmt: skip
        logits, seen, state, _ = net.forward(chunk, state)
        assert np.allclose(seen[0, 0], phi, atol=1e-5)
        p = pen_distribution(logits[0], PENS, 1.0, np.array([False]))[0]
        symbol = int(np.searchsorted(np.cumsum(p), rng.random((1, 1))[0, 0]))
        y += PENS.vectors[symbol, 1]
        drawn.append(symbol)
    assert drawn == line.symbols.tolist()[: len(drawn)]


def paced(*symbols):
    """A line of "abc" that spends so many symbols on each character."""
    return Line("abc", np.zeros(sum(symbols) + 1), [], np.repeat(np.eye(4)[:3], symbols, axis=0), "")


def test_unevenness():
    pace = {"a": 10, "b": 20, "c": 10}
    assert symbols_of_characters(paced(10, 20, 10)) == pytest.approx([10, 20, 10])
    assert unevenness(paced(10, 20, 10), pace) == pytest.approx(0, abs=1e-6)
    assert unevenness(paced(5, 10, 5), pace) == pytest.approx(0, abs=1e-6)  # a quick hand is an even one
    assert unevenness(paced(10, 1, 10), pace) > unevenness(paced(10, 15, 10), pace) > 0.1
    assert unevenness(paced(10, 1, 10), {}) == 0


def test_of_the_candidates_the_more_even_one_is_taken(weights, monkeypatch):
    even, odd = paced(10, 10, 10), paced(28, 1, 1)
    monkeypatch.setattr(hands, "write_lines", lambda *args, **more: [odd, even])
    writer = Writer(weights)
    writer.pace = dict.fromkeys("abc", 10.0)
    assert writer.write(["abc"], None)[0].phi is even.phi
    assert writer.write(["abc"], None, accept=lambda line: line.phi is odd.phi)[0].phi is odd.phi


def test_all_lines_of_a_writer_lean_alike(weights, monkeypatch):
    upright, leaning = [np.array([[0.0, 1.0], [0.0, -1.0]])], [np.array([[-0.3, 1.0], [0.3, -1.0]])]
    assert slant(upright) == 0
    assert slant(leaning) == pytest.approx(-0.3)
    line = lean(Line("l", np.zeros(1), leaning, np.zeros((1, 2)), ""), 0.1)
    assert slant(line.strokes) == pytest.approx(0.1)
    assert np.array_equal(line.strokes[0][:, 1], leaning[0][:, 1])
    written = [Line("l", np.zeros(1), strokes, np.zeros((1, 2)), "") for strokes in (upright, leaning, leaning)]
    monkeypatch.setattr(hands, "write_lines", lambda *args, **more: written)
    monkeypatch.setattr(hands, "CANDIDATES", 1)
    lines = Writer(weights).write(["a", "b", "c"], None)
    assert [slant(line.strokes) for line in lines] == pytest.approx([-0.3] * 3)


def test_hands_are_rows(weights):
    assert Writer(weights).hand == 2
    assert Writer(weights, 2).hand == 1
    with pytest.raises(MinirnnError, match="no hand 3; choose one from 1 to 2"):
        Writer(weights, 3)


def test_a_mixture_of_hands_is_a_row_between_theirs(weights):
    plain = Writer(weights)
    plain.network.params["hand"]["E"][:] = np.arange(12).reshape(3, 4)
    assert plain._row({1: 3.0, 2: 1.0}) == 3
    np.testing.assert_allclose(plain.network.params["hand"]["E"][3], 0.75 * np.arange(8, 12) + 0.25 * np.arange(4, 8))
    assert Writer(weights, {2: 0.3}).hand == 1
    assert Writer(weights, {1: 0.5, 2: 0.5}).write(["ab"], np.random.default_rng(0))[0].text == "ab"
    for shares, message in (({1: 0.5, 3: 0.5}, "no hand 3"), ({1: 0.0, 2: 0.0}, "numbers above 0")):
        with pytest.raises(MinirnnError, match=message):
            Writer(weights, shares)


def test_what_the_option_names(monkeypatch):
    assert hand_of("3", 0) == (None, 3)
    assert hand_of("3:0.5,7:.5", 0) == (None, {3: 0.5, 7: 0.5})
    assert hand_of("runs/one", 0) == ("runs/one", None)
    drawn = {hand_of("random", seed)[1] for seed in range(20)}
    assert hand_of("random", 5) == hand_of("random", 5)
    assert len(drawn) > 5 and drawn <= set(range(1, len(Writer().hands) + 1))


def test_weights_of_the_package_are_named_by_what_they_may_be_used_for():
    assert hand_of("3", 0, "open") == (SETS["open"], 3)
    assert hand_of("1:1,2:3", 0, "research") == (SETS["research"], {1: 1, 2: 3})
    with pytest.raises(MinirnnError, match="not for --hand runs/one; leave it out"):
        hand_of("runs/one", 0, "open")


@pytest.mark.parametrize("name", SETS)
def test_the_weights_that_ship_write_all_of_ascii_in_many_hands_and_say_what_for(name):
    writer = Writer(SETS[name], {"research": 24, "open": 15}[name])
    assert not writer.unknown("".join(map(chr, range(32, 127))))
    assert len(writer.hands) == len(set(writer.meta["hands"])) == len(writer.meta["slants"])
    assert np.ptp(writer.meta["slants"]) > 0.4, "they lean as differently as people"
    assert "non-commercial" in writer.terms if name == "research" else "any purpose" in writer.terms
    assert SETS[name].stat().st_size < 6_000_000


def test_all_lines_lean_as_the_person_does_whose_hand_it_is(weights, monkeypatch):
    meta, arrays = checkpoint.load(weights)
    checkpoint.save(weights, {**meta, "slants": [-0.25, 0.15]}, arrays)
    upright = Line("ab", np.zeros(1), [np.array([[0.0, 1], [0, -1]])], np.zeros((1, 3)), "")
    monkeypatch.setattr(hands, "write_lines", lambda *args, **more: [upright] * len(args[3]))
    for hand, wanted in ((1, -0.25), (2, 0.15), ({1: 1.0, 2: 3.0}, 0.05)):
        writer = Writer(weights, hand)
        assert writer.slant == pytest.approx(wanted)
        (line,) = writer.write(["ab"], np.random.default_rng(0))
        assert slant(line.strokes) == pytest.approx(wanted)
    every = Writer(weights).in_hands(["ab", "ab"], [0, 1], np.random.default_rng(0))
    assert [slant(line.strokes) for line in every] == pytest.approx([-0.25, 0.15])
    checkpoint.save(weights, {**meta, "slants": [0.1]}, arrays)
    with pytest.raises(MinirnnError, match="its slants do not fit its hands"):
        Writer(weights)


def written_as(lean, width, height, joined):
    """A line of eight letters, each an upright and a way back; ``joined`` letters to a stroke."""
    strokes = []
    for first in range(0, 8, joined):
        points = [[width * n - lean * y, y] for n in range(first, first + joined) for y in (1.0, -height, 1.0)]
        strokes.append(np.array(points))
    return Line("ab cd ef gh", np.zeros(1), strokes, np.zeros((1, 12)), "")


def test_hands_are_described_by_what_tells_them_apart():
    lines = [written_as(0.0, 1, 1, 1), written_as(0.2, 2, 1, 4), written_as(0.6, 3, 1, 8), written_as(-0.2, 2, 1, 2)]
    words = [words for _, words in describe(lines)]
    assert words[0].startswith("narrow print, upright")
    assert words[1].startswith("joined writing, slightly slanted to the right")
    assert words[2].startswith("wide joined writing, slanted to the right")
    assert words[3].startswith("joined writing, slightly slanted to the left")
    assert features(lines[1].text, lines[1].strokes).slant == pytest.approx(0.2, abs=0.06)
    assert features(lines[0].text, lines[0].strokes).strokes == 1


def test_the_list_of_hands_is_printed_in_order(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(write, "SPECIMEN", "ab ba.")
    monkeypatch.setattr(write, "Writer", lambda source=None, hand=None, **more: Writer(weights, hand))
    lines = [written_as(0.0, 1, 1, 1), written_as(0.2, 2, 1, 4)]
    monkeypatch.setattr(Writer, "in_hands", lambda *args, **more: lines)
    main(["--hand", "list", "-o", str(tmp_path / "hands.png")])
    printed = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in printed] == ["--hand 2 ", "--hand 1 ", str(tmp_path / "hands.png")[:9]]
    assert "joined writing, slightly slanted to the right" in printed[0] and "print, upright" in printed[1]


def test_characters_that_were_hardly_ever_seen_are_refused_by_name(weights, capsys):
    writer = Writer(weights)
    with pytest.raises(MinirnnError, match=r"cannot write U\+0063 \(c, .* C\) in 'c'; U\+00F1 \(ñ, .* TILDE\) in 'ñ'"):
        read_letter(writer, "ab c ñ")
    assert read_letter(writer, "ab c ñ", skip=True) == parse("ab  ")
    assert "left out 2 characters that this hand cannot write: U+0063 (c, LATIN" in capsys.readouterr().err
    with pytest.raises(MinirnnError, match="nothing to write"):
        read_letter(writer, "ñ", skip=True)


def test_a_character_is_named_by_number_name_and_words():
    text = "a😀 b😀 a😀 c😀 d😀"
    assert whereabouts("😀", text) == "U+1F600 (😀, GRINNING FACE) in 'a😀', 'b😀', 'c😀' and 1 more"
    assert whereabouts("\x07", "\x07") == "U+0007 (no name) in '\\x07'"


def test_what_is_not_seen_is_dropped_and_a_space_where_no_line_may_end_stays(weights, capsys):
    writer = Writer(weights)
    (section,) = read_letter(writer, "\ufeffa\u00adb\u200b a\u00a0b a\u202fb\u2003.")
    assert section.paragraphs[0].cells == ["ab a\u00a0b a\u00a0b ."]
    assert wrap_text("a b\u00a0a b", 3, 1) == ["a", "b\u00a0a", "b"]
    written = []
    writer.write = lambda texts, *rest, **more: [written.append(text) for text in texts]
    write_letter(writer, [section], Sheet(), np.random.default_rng(0))
    assert written == ["ab a b a b ."]
    assert not capsys.readouterr().err


def test_transliterate():
    assert transliterate("Café, “naïve” – Straße…") == "Cafe, \"naive\" - Strasse..."
    assert transliterate("plain text") == "plain text"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "gcode"])
def test_the_command_writes_a_file(weights, tmp_path, suffix, capsys):
    out = tmp_path / f"out.{suffix}"
    main(["ab ba.", "--hand", str(weights), "--neatness", "0.57", "-o", str(out)])
    assert out.stat().st_size > 100
    assert str(out) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["ab", "-o", "x.bmp"], "must end in"),
        (["-o", "x.png"], "either a text or --file"),
        (["ab", "--hand", "nowhere", "-o", "x.png"], "no checkpoint at nowhere"),
        (["ab", "--file", "f", "-o", "x.png"], "either a text or --file"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(argv, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(main, argv) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("options, share", [({}, LIKENESS)] + [({"likeness": share}, share) for share in (0, 0.25, 1)])
def test_of_what_was_learned_a_share_is_used(learned, options, share):
    writer = Writer(learned, **options)
    begin, end = (backend.flatten(network(seed).params) for seed in (1, 0))
    assert writer.learned_one
    for name, array in backend.flatten(writer.network.params).items():
        np.testing.assert_allclose(array, begin[name] + share * (end[name] - begin[name]), atol=1e-6)


def test_a_network_of_many_hands_is_used_as_it_is(weights):
    writer = Writer(weights, likeness=0.5)
    assert not writer.learned_one
    for name, array in backend.flatten(writer.network.params).items():
        np.testing.assert_array_equal(array, backend.flatten(network().params)[name])


@pytest.mark.parametrize("change", [
    lambda arrays: arrays.pop("extra.began.softmax.b"),
    lambda arrays: arrays.update({"extra.began.softmax.b": np.zeros(1, np.float32)}),
    lambda arrays: arrays.update({"extra.began.softmax.c": np.zeros(1, np.float32)}),
    lambda arrays: arrays["extra.began.softmax.b"].fill(3e38) or arrays["params.softmax.b"].fill(-3e38),
])  # fmt: skip
def test_a_run_that_began_otherwise_than_it_says_is_refused(learned, change):
    meta, arrays = checkpoint.load(learned)
    change(arrays)
    checkpoint.save(learned, meta, arrays)
    with pytest.raises(MinirnnError, match="is damaged"):
        Writer(learned)
