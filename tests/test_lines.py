"""Handwriting as batches: nothing of a line is lost, and any chunk can be asked for at any time."""

import numpy as np
import pytest

from minirnn.datasets import Sample
from minirnn.datasets.line_batches import END_OF_TEXT, LineBatches, ValidationLines, collate, encode_text
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import normalise
from minirnn.ink.vocabularies import BEGIN, END, CharVocabulary, PenVocabulary

CHARS = CharVocabulary("abcdefg ")


def wavy_line(rng, letters):
    """A made-up line: one wave a letter, a lift between words."""
    strokes, x = [], 0.0
    for word in letters.split():
        t = np.linspace(0, len(word), 12 * len(word))
        strokes.append(np.column_stack([x + 2 * t, np.sin(2 * np.pi * t) * rng.uniform(0.8, 1.2)]))
        x += 2 * len(word) + 1.5
    return strokes


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("abcdefg"), n)) + " bad" for n in rng.integers(1, 9, 23)]
    return [Sample(text, wavy_line(rng, text), f"form {n // 3}") for n, text in enumerate(texts)]


@pytest.fixture(scope="module")
def pens(samples):
    return PenVocabulary.fit_lifts([normalise(s.strokes) for s in samples], count=8, directions=16, step=0.4)


def batches(samples, pens, **options):
    return LineBatches(samples, CHARS, pens, {"form 1": 1, "form 2": 2}, B=5, T=16, **options)


def test_a_text_ends_with_its_end():
    assert encode_text(CHARS, "ab").tolist() == [*(CHARS.encode("ab") + 1), END_OF_TEXT]


def test_collate_keeps_every_symbol_and_masks_the_padding(samples, pens):
    lines = [pens.encode(normalise(s.strokes)) for s in samples[:4]]
    chunk = collate(lines, [encode_text(CHARS, s.text) for s in samples[:4]], [0, 1, 2, 0], pens)
    for b, line in enumerate(lines):
        steps = int(chunk["mask"][:, b].sum())
        assert steps == len(line) - 1
        assert chunk["x"][0, b] == BEGIN
        assert chunk["y"][steps - 1, b] == END
        assert np.array_equal(np.append(chunk["x"][:steps, b], chunk["y"][steps - 1, b]), line)
        text = chunk["text"][b]
        assert np.array_equal(text[text >= 0], encode_text(CHARS, samples[b].text))


def test_the_height_is_that_of_the_pen_so_far(samples, pens):
    """What the network is told at step t must follow from the symbols up to t, or it could not be told in writing."""
    line = pens.encode(normalise(samples[0].strokes))
    chunk = collate([line], [encode_text(CHARS, samples[0].text)], [0], pens)
    y = 0.0
    for t, symbol in enumerate(line[:-1]):
        y += pens.vectors[symbol, 1]
        assert chunk["height"][t, 0] == pens.height_of(y)


def test_an_epoch_reads_every_line_once(samples, pens):
    data = batches(samples, pens, change=None, unconditional=0)
    texts, symbols = [], 0
    for index in range(data.chunks(0)):
        fresh, chunk = data.chunk(0, index)
        symbols += int(chunk["mask"].sum())
        if fresh:
            texts += [tuple(row[row >= 0]) for row in chunk["text"]]
    assert sorted(texts) == sorted(tuple(encode_text(CHARS, s.text)) for s in samples)
    assert symbols == sum(data.lengths)


def test_any_chunk_at_any_time(samples, pens):
    """Asked for in another order, by another object, every chunk is the same: a run can be resumed anywhere."""
    one, other = batches(samples, pens), batches(samples, pens)
    places = [(epoch, index) for epoch in range(2) for index in range(one.chunks(epoch))]
    expected = {place: one.chunk(*place) for place in places}
    for place in reversed(places):
        fresh, chunk = other.chunk(*place)
        assert fresh == expected[place][0]
        assert all(np.array_equal(chunk[name], expected[place][1][name]) for name in chunk)


def test_augmentation_changes_the_strokes_anew_in_every_epoch(samples, pens):
    data = batches(samples[:5], pens)
    first, second = data.chunk(0, 0)[1]["y"], data.chunk(1, 0)[1]["y"]
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_lines_grow(samples, pens):
    data = batches(samples, pens, curriculum=2, change=None)
    assert data.chunks(0) == len(data.plan(0)[0])
    assert data.chunks(0) < data.chunks(1) < data.chunks(2)
    assert all(data.chunk(0, index)[0] for index in range(data.chunks(0)))


def test_weights_repeat_lines(samples, pens):
    weights = np.ones(len(samples))
    weights[3] = 3
    data = batches(samples, pens, weights=weights)
    seen = np.concatenate(data.plan(0)[0])
    assert np.bincount(seen)[3] == 3
    assert len(seen) == len(samples) + 2


def test_hands_have_rows_and_sometimes_none(samples, pens):
    data = batches(samples, pens, generic_hand=0.5)
    hands = np.concatenate([data.chunk(e, i)[1]["hand"] for e in range(8) for i in range(data.chunks(e))])
    assert set(hands) == {0, 1, 2}
    never = batches(samples[:3], pens, generic_hand=0.0)
    assert not never.chunk(0, 0)[1]["hand"].any()  # "form 0" has no row


def test_some_lines_are_learned_without_their_text(samples, pens):
    data = batches(samples, pens, unconditional=0.3)
    text = [row for e in range(8) for i in range(data.chunks(e)) for row in data.chunk(e, i)[1]["text"]]
    assert 0.1 < np.mean([(row < 0).all() for row in text]) < 0.5


def test_validation_reads_every_symbol_once(samples, pens):
    judge = ValidationLines(samples, CHARS, pens, B=4, T=16)
    counted = sum(int(chunk["mask"].sum()) for _, chunk in judge)
    assert counted == judge.symbols == sum(len(pens.encode(normalise(s.strokes))) - 1 for s in samples)
    assert judge.characters == sum(len(s.text) for s in samples)


def test_no_lines_is_an_error(pens):
    with pytest.raises(MinirnnError, match="no line"):
        batches([], pens)
