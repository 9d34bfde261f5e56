"""Writing text: what the next character is drawn from, and that text comes out as the network would have it."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import softmax

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.rebuild import load
from minirnn.writing.novelty import copied, novelty_report
from minirnn.writing.probabilities import as_html, as_rows, colour
from minirnn.writing.sampling import CONTEXT, distribution, draw, generate

ALPHABET = CharVocabulary(" aent")
logits_ = hnp.arrays(np.float64, st.integers(1, 12), elements=st.floats(-30, 30))
quick = settings(max_examples=60, deadline=None, derandomize=True)


def network(seed=0, scale=3.0, **options):
    """A network that has strong opinions of its own, without any training."""
    net = CharRNN(len(ALPHABET), **{"layers": 2, "hidden": 7, "embed": 4, "seed": seed, **options})
    for array in backend.flatten(net.params).values():
        array *= scale
    return net


def written(*arguments, **options):
    return "".join(generate(network(), ALPHABET, *arguments, **options))


def refused(call, *arguments, **options):
    """The message of the `MinirnnError` that the call ends in: one line."""
    with pytest.raises(MinirnnError) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the distribution -------------------------------------------------------------------------------------------


@quick
@given(logits_, st.floats(0.05, 20))
def test_temperature_divides_the_logits(z, temperature):
    assert np.allclose(distribution(z, temperature), softmax(z / temperature), atol=1e-12)


@quick
@given(logits_, st.sampled_from([1e-320, 1e-30, 1.0, 1e30, 1e308]), st.integers(0, 15), st.floats(1e-9, 1.0))
def test_whatever_is_asked_for_it_is_a_distribution(z, temperature, top_k, top_p):
    p = distribution(z, temperature, top_k, top_p)
    assert p.shape == z.shape and np.all(p >= 0) and np.isclose(p.sum(), 1)
    assert p[z.argmax()] == p.max() > 0, "the likeliest can always be drawn"


def test_a_low_temperature_leaves_the_likeliest_and_a_high_one_leaves_no_difference():
    z = np.array([1.0, 3.0, 2.0])
    assert np.allclose(distribution(z, 1e-9), [0, 1, 0])
    assert np.allclose(distribution(z, 1e9), 1 / 3)


def test_extreme_logits_do_not_overflow():
    assert np.allclose(distribution(np.array([3e38, -3e38, 3e38], np.float32)), [0.5, 0, 0.5])


@quick
@given(logits_, st.integers(1, 15))
def test_top_k_keeps_the_k_likeliest_in_proportion(z, k):
    assume(len(set(z)) == len(z))
    p, kept = softmax(z), np.argsort(-z)[:k]
    expected = np.zeros_like(p)
    expected[kept] = p[kept] / p[kept].sum()
    assert np.allclose(distribution(z, top_k=k), expected, atol=1e-12)


def test_top_k_of_equals_keeps_k():
    assert np.count_nonzero(distribution(np.zeros(5), top_k=2)) == 2


@quick
@given(logits_, st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_that_are_enough(z, top_p):
    p, kept = softmax(z), distribution(z, top_p=top_p) > 0
    assert p[kept].sum() >= top_p - 1e-9
    assert p[kept].sum() - p[kept].min() < top_p + 1e-9, "without the least of them it is not enough"
    assert p[kept].min() >= p[~kept].max(initial=0)
    assert np.allclose(distribution(z, top_p=top_p)[kept], p[kept] / p[kept].sum())


@quick
@given(logits_)
def test_nothing_asked_for_changes_nothing(z):
    assert np.allclose(distribution(z), softmax(z))
    assert np.allclose(distribution(z, top_k=0, top_p=1.0), distribution(z, top_k=len(z)))


def test_temperature_zero_is_greedy():
    assert distribution(np.array([1.0, 3.0, 3.0, 2.0]), 0).tolist() == [0, 1, 0, 0]
    assert written("ten ", 40, temperature=0) == written("ten ", 40, greedy=True)


@quick
@given(logits_, st.floats(0.01, 0.99))
def test_min_p_keeps_what_is_likely_beside_the_likeliest(z, min_p):
    p = softmax(z)
    kept = distribution(z, min_p=min_p)
    assume(np.abs(p / p.max() - min_p).min() > 1e-9)
    assert np.array_equal(kept > 0, p >= min_p * p.max())
    assert np.allclose(kept[kept > 0], p[kept > 0] / p[kept > 0].sum())


def test_arguments_are_left_alone():
    z = np.array([1.0, 2.0, 3.0])
    distribution(z, 0.5, 2, 0.5)
    assert np.array_equal(z, [1, 2, 3])


# --- generation -------------------------------------------------------------------------------------------------


def logits_after_each(text):
    """The network's logits after every character of ``text``, (T, V), in one go: a state carried wrongly would show."""
    net = network()
    logits, _, _ = net.forward(ALPHABET.encode(text)[:, None], net.start(1))
    return logits[:, 0]


def test_greedy_takes_the_likeliest_after_all_that_was_read_and_written():
    text = "ten " + written("ten ", 40, greedy=True)
    best = logits_after_each(text).argmax(axis=1)
    assert text[4:] == ALPHABET.decode(best[3:-1])


def test_sampling_draws_from_the_distribution_after_all_that_was_read_and_written():
    seed, options = "a net", {"temperature": 0.7, "top_k": 4, "top_p": 0.95}
    text = seed + written(seed, 40, random_seed=3, **options)
    rng = np.random.default_rng(3)
    for place, z in enumerate(logits_after_each(text)[len(seed) - 1 : -1], start=len(seed)):
        drawn = rng.choice(len(ALPHABET), p=distribution(z, options["temperature"], options["top_k"], options["top_p"]))
        assert text[place] == ALPHABET.symbols[drawn]


def test_top_k_of_one_is_greedy():
    assert written("at ", 30, top_k=1) == written("at ", 30, greedy=True)


def test_a_random_seed_repeats_and_another_one_does_not():
    assert written("at ", 50, random_seed=1) == written("at ", 50, random_seed=1) != written("at ", 50, random_seed=2)


def test_the_seed_text_sets_the_state():
    assert written("tea ", 30, greedy=True) != written("an eaten net ", 30, greedy=True)


@pytest.mark.parametrize("length", [0, 1, 17])
def test_as_many_characters_as_asked_for(length):
    assert len(written("a", length)) == length


def test_characters_come_one_at_a_time():
    endless = generate(network(), ALPHABET, "a", 10**12)
    assert len([next(endless) for _ in range(3)]) == 3


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.text(" aent", min_size=1, max_size=3), st.integers(0, 5))
def test_it_stops_after_the_text_to_stop_at(stop, random_seed):
    whole = written("a", 60, random_seed=random_seed)
    end = whole.find(stop)
    expected = whole if end < 0 else whole[: end + len(stop)]
    assert written("a", 60, random_seed=random_seed, stop=stop) == expected


def test_unknown_characters_are_named_or_left_out_as_asked():
    message = refused(written, "a Zebra ☃ a", 5)
    assert "'Z'" in message and "'☃'" in message and "'b'" in message and "'a'" not in message
    assert "--skip-unknown" in message
    kept = written("a Zebra ☃ a", 30, random_seed=1, skip_unknown=True)
    assert kept == written("a ea  a", 30, random_seed=1)


@pytest.mark.parametrize("seed", ["", "xyz"])
def test_a_seed_without_a_known_character(seed):
    assert "give another --seed" in refused(written, seed, 5, skip_unknown=True)


def test_weights_that_overflow():
    net = network(scale=0.0)
    net.params["lstm2"]["b"][:] = 50  # every gate open: h = tanh 1, tanh 2, ...
    net.params["softmax"]["W"][:] = 3e38
    with np.errstate(all="ignore"):
        assert "overflow" in refused(lambda: list(generate(net, ALPHABET, "ten a tea", 50)))


def test_it_stops_after_so_many_lines():
    vocabulary = CharVocabulary("\naent")
    text = "".join(generate(network(), vocabulary, "a", 500, random_seed=1, temperature=3.0, lines=3))
    assert text.count("\n") == 3 and text.endswith("\n")


def test_the_seed_is_no_part_of_the_text_to_stop_at():
    for random_seed in range(20):
        whole = written("a", 30, random_seed=random_seed)
        assert written("a", 30, random_seed=random_seed, stop="a" + whole[0]) != whole[:1]


def test_the_probability_is_that_of_the_network_itself():
    drawn = list(draw(network(), ALPHABET, "a net", 30, random_seed=3, temperature=0.3, top_k=2))
    text = "a net" + "".join(character for character, _ in drawn)
    expected = [softmax(z)[ALPHABET.symbols.index(c)] for z, c in zip(logits_after_each(text)[4:-1], text[5:])]
    assert np.allclose([p for _, p in drawn], expected, rtol=1e-4)


def test_a_repetition_penalty_breaks_a_circle():
    circle = written("ten ", 200, temperature=0)
    assert circle[-60:] in circle[:-1], "this network runs in a circle"
    free = written("ten ", 200, temperature=0, repetition_penalty=1e6)
    passages = [free[i : i + CONTEXT + 1] for i in range(len(free) - CONTEXT)]
    assert len(set(passages)) == len(passages) > 100
    assert free[:CONTEXT] == circle[:CONTEXT]


def test_the_symbol_for_unknown_characters_is_never_written():
    vocabulary = CharVocabulary("aent\ufffd")
    assert "\ufffd" not in "".join(generate(network(), vocabulary, "a", 300, temperature=20.0, random_seed=0))


# --- what is copied, and how likely it was ----------------------------------------------------------------------


def test_passages_that_were_copied_are_found_as_long_as_they_are():
    text = "".join(map(chr, np.random.default_rng(0).integers(97, 123, 3000)))
    own = "".join(map(chr, np.random.default_rng(1).integers(65, 91, 100)))
    passage, other = text[500:580], text[900:951]
    assert copied(own + passage + own + other, text) == [(100, 180), (280, 331)]
    assert copied(own + text[500:550] + own, text) == [], "fifty characters are not more than fifty"
    assert copied(text[:51], text[:51]) == [(0, 51)] and copied("", text) == []
    # Where the first place goes on differently from another one, the other one counts.
    assert copied(passage, text[500:555] + "#" + passage) == [(0, 80)]
    report = novelty_report(own + passage, text)
    assert "44% of what is written" in report and "the longest has 80" in report and repr(passage) in report


def test_colours_go_from_unlikely_to_likely():
    assert colour(None) == (255, 255, 255) and colour(0.0) == (214, 96, 77) and colour(1.0) == (247, 247, 247)


def test_samples_stand_side_by_side():
    one = [(c, None) for c in "abc\nd"]
    two = [(c, 0.5) for c in "x" * 25]
    rows = list(as_rows([one, two], 43, coloured=False))
    assert rows == ["abc" + " " * 17 + " | " + "x" * 20, "d" + " " * 19 + " | " + "x" * 5]
    assert list(as_rows([[("\x1b", 0.5), ("é", 0.5)]], 40, coloured=False)) == ["?é"], "no control characters"
    (row,) = as_rows([[("a", 0.0)]], 40, coloured=True)
    assert row.startswith("\x1b[48;2;214;96;77;38;2;17;17;17ma\x1b[0m")


def test_html_shows_what_stands_in_the_text_and_no_tags_of_it():
    page = as_html([[("<", 0.25), ("\n", None)]])
    assert 'title="0.250">&lt;</span>' in page and 'title="given">\n</span>' in page


# --- runs that are read -----------------------------------------------------------------------------------------


def save(path, change=lambda meta, arrays: None):
    """A checkpoint of `network`, after ``change(meta, arrays)``."""
    net = network()
    meta = {"kind": net.kind, "network": dict(net.settings), "symbols": ALPHABET.symbols}
    arrays = {f"params.{name}": array for name, array in backend.flatten(net.params).items()}
    change(meta, arrays)
    checkpoint.save(path, meta, arrays)
    return path


def test_the_best_network_of_a_run_is_read_and_else_the_last(tmp_path):
    def mark(meta, arrays):
        arrays["params.softmax.b"][:] = 7

    save(tmp_path / "last.npz", mark)
    net, vocabulary, *_ = load(tmp_path, "CharRNN")
    assert net.params["softmax"]["b"][0] == 7 and vocabulary.symbols == ALPHABET.symbols
    save(tmp_path / "best.npz")
    net, _, _, meta, *_ = load(tmp_path, "CharRNN")
    assert net.params["softmax"]["b"][0] != 7 and meta["kind"] == "CharRNN"
    assert load(tmp_path / "last.npz", "CharRNN")[0].params["softmax"]["b"][0] == 7
    assert "".join(generate(net, vocabulary, "a", 20, random_seed=1)) == written("a", 20, random_seed=1)


def grow(**sizes):
    return lambda meta, arrays: meta["network"].update(sizes)


def without(name):
    return lambda meta, arrays: meta["network"].pop(name)


DAMAGES = {
    "a terabyte of weights": grow(hidden=300_000),
    "a million layers": grow(layers=1_000_000),
    "as many layers as weights": grow(layers=1000),
    "a larger vocabulary": grow(V=10**9),
    "an embedding without end": grow(embed=10**15),
    "a smaller network": grow(hidden=6),
    "no layers": grow(layers=0),
    "less than nothing": grow(hidden=-1),
    "a fraction of a unit": grow(hidden=7.5),
    "a text in the place of a number": grow(hidden="7"),
    "a cell of another kind": grow(cell="perceptron"),
    "a cell that is a list": grow(cell=["lstm"]),
    "another type of numbers": grow(dtype="object"),
    "a seed": grow(seed=1),
    "settings unknown": grow(colour="red"),
    "settings lost": without("V"),
    "settings left to their defaults": without("layers"),
    "no settings": lambda meta, arrays: meta.pop("network"),
    "settings that are a text": lambda meta, arrays: meta.update(network="lstm"),
    "no weights": lambda meta, arrays: arrays.clear(),
    "empty weights of great shapes": lambda meta, arrays: arrays.update({"params.softmax.W": np.zeros((0, 10**15))}),
    "weights that are not finite": lambda meta, arrays: arrays.update({"params.lstm1.Wx": np.full((3, 8), 1e300)}),
    "weights too large for a float32": lambda meta, arrays: arrays.update({"params.softmax.b": np.full(5, 1e300)}),
    "no characters": lambda meta, arrays: meta.pop("symbols"),
    "characters that are a number": lambda meta, arrays: meta.update(symbols=5),
    "characters less": lambda meta, arrays: meta.update(symbols="aet"),
    "characters twice": lambda meta, arrays: meta.update(symbols="aaent"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_that_does_not_fit_itself_is_refused_before_it_takes_memory(tmp_path, damage):
    path = save(tmp_path / "x.npz", DAMAGES[damage])
    tracemalloc.start()
    try:
        message = refused(load, path, "CharRNN")
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
    assert str(path) in message


def test_weights_of_half_precision_are_read(tmp_path):
    def halve(meta, arrays):
        for name in arrays:
            arrays[name] = arrays[name].astype(np.float16)

    net, vocabulary, *_ = load(save(tmp_path / "x.npz", halve), "CharRNN")
    assert len("".join(generate(net, vocabulary, "a tea", 20))) == 20
    assert net.params["softmax"]["W"].dtype == np.float32
