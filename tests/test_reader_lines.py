"""Lines of many people as batches for the network that reads: nothing is lost, and validation is by strangers."""

import gzip

import numpy as np
import pytest
from small_runs import made_samples, write_hand

from minirnn.datasets import Sample, read_samples
from minirnn.datasets.reader_lines import (
    ASCII,
    MOST,
    ReaderBatches,
    ReaderValidation,
    another_way,
    collate,
    fits,
    readable,
    vocabulary_of,
)
from minirnn.datasets.writers import read_writers, split_by_people
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import normalise
from minirnn.ink.vocabularies import BEGIN, END, PenVocabulary

JOIN = 3


@pytest.fixture(scope="module")
def samples():
    return made_samples(30)


@pytest.fixture(scope="module")
def pens(samples):
    return PenVocabulary.fit_lifts([normalise(s.strokes) for s in samples], count=8, directions=16, step=0.4)


@pytest.fixture(scope="module")
def chars(samples):
    return vocabulary_of(samples)


def batches(samples, chars, pens, **options):
    known, lengths, _ = readable(samples, chars, pens, JOIN)
    return ReaderBatches(known, lengths, chars, pens, **{"B": 4, "join": JOIN, "seed": 3, **options})


# --- people ---------------------------------------------------------------------------------------------------


def people_of(count, lines=3):
    return [Sample("a", [], f"form {n}") for n in range(count) for _ in range(lines)]


def test_no_person_is_on_both_sides():
    training, validation = split_by_people(people_of(50), ".", 0.3)
    assert training and validation
    assert not {s.group for s in training} & {s.group for s in validation}


def test_all_forms_of_a_person_go_the_same_way_and_forms_of_nobody_are_trained_on(tmp_path):
    rows = [f"form {n},person {n // 4}" for n in range(40)]
    (tmp_path / "writers.csv").write_text("\n".join(["form,writer", *rows]), encoding="utf-8")
    assert read_writers(tmp_path)["form 5"] == "person 1"
    training, validation = split_by_people(people_of(48), tmp_path, 0.4, seed=1)
    held_out = {sample.group for sample in validation}
    assert held_out and held_out <= {f"person {n}" for n in range(10)}
    assert len(validation) == 12 * len(held_out)
    assert {f"form {n}" for n in range(40, 48)} <= {sample.group for sample in training}


def test_a_person_goes_the_same_way_in_every_source(tmp_path):
    (tmp_path / "writers.csv").write_text("form,writer\n" + "\n".join(f"form {n},p{n}" for n in range(30)))
    _, by_form = split_by_people(people_of(30), tmp_path, 0.3)
    _, by_name = split_by_people([Sample("a", [], f"p{n}") for n in range(30)], tmp_path / "elsewhere", 0.3)
    assert {s.group for s in by_form} == {s.group for s in by_name}


def test_a_list_of_writers_without_its_columns_is_an_error(tmp_path):
    (tmp_path / "writers.csv").write_text("page,name\n1,2\n", encoding="utf-8")
    with pytest.raises(MinirnnError, match="columns form and writer"):
        read_writers(tmp_path)


# --- packed files ---------------------------------------------------------------------------------------------


def test_packed_json_lines_are_read_like_plain_ones(tmp_path):
    write_hand(tmp_path / "plain.jsonl")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress((tmp_path / "plain.jsonl").read_bytes()))
    plain, packed = (list(read_samples(tmp_path / name)) for name in ("plain.jsonl", "packed.jsonl.gz"))
    assert [s.text for s in packed] == [s.text for s in plain]
    assert all(np.array_equal(a, b) for s, t in zip(plain, packed) for a, b in zip(s.strokes, t.strokes))


SPOILT = [lambda data: data[:-20], lambda data: b"not gzip", lambda data: data[:40] + b"x" * 99]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_packed_file_that_is_damaged_is_named(tmp_path, spoil):
    write_hand(tmp_path / "plain.jsonl")
    path = tmp_path / "packed.jsonl.gz"
    path.write_bytes(spoil(gzip.compress((tmp_path / "plain.jsonl").read_bytes())))
    with pytest.raises(MinirnnError, match=r"packed\.jsonl\.gz"):
        list(read_samples(path))


# --- batches --------------------------------------------------------------------------------------------------


def test_collate_keeps_every_symbol_and_every_character(samples, chars, pens):
    lines = [pens.encode(normalise(s.strokes)) for s in samples[:5]]
    texts = [chars.encode(s.text) + 1 for s in samples[:5]]
    chunk = collate(lines, texts, pens, JOIN)
    assert len(chunk["x"]) % JOIN == 0
    for b, (line, text) in enumerate(zip(lines, texts)):
        T, U = chunk["lengths"][b], chunk["mask"][:, b].sum()
        assert np.array_equal(chunk["x"][:T, b], line) and (chunk["x"][T:, b] == END).all()
        assert np.array_equal(chunk["y"][:U, b], text) and not chunk["mask"][U:, b].any()
        assert np.array_equal(chunk["height"][:T, b], pens.heights(line))
        assert line[0] == BEGIN


def test_the_vocabulary_is_printable_ascii_and_what_the_texts_hold():
    chars = vocabulary_of([Sample("é§", [], "g")])
    assert set(chars.symbols) == {*ASCII, "é", "§"} and len(ASCII) == 95


def test_an_epoch_reads_every_line_once_and_the_next_in_another_order(samples, chars, pens):
    data = batches(samples, chars, pens)
    plans = [data.plan(epoch) for epoch in range(2)]
    for plan in plans:
        assert sorted(i for batch in plan for i in batch) == list(range(len(samples)))
    assert [list(batch) for batch in plans[0]] != [list(batch) for batch in plans[1]]


def test_batches_of_short_lines_have_more_of_them(chars, pens):
    samples = [Sample("ab", [np.array([[0, 0], [n, 3], [2 * n, 0]])], "g") for n in [5] * 60 + [60] * 20]
    data = ReaderBatches(samples, np.array([10] * 60 + [90] * 20), chars, pens, 4, JOIN)
    counts = {data.lengths[batch].max(): [len(batch)] for batch in data.plan(0)}
    assert counts[90] == [1] and 4 < counts[10][0] <= 4 * MOST
    for batch in data.plan(0):
        assert len(batch) == 1 or len(batch) * data.lengths[batch].max() <= data.budget


def test_any_chunk_at_any_time(samples, chars, pens):
    once, again = (batches(samples, chars, pens) for _ in range(2))
    whole = [once.chunk(0, index)[1]["x"] for index in range(once.chunks(0))]
    for index in reversed(range(len(whole))):
        assert np.array_equal(again.chunk(0, index)[1]["x"], whole[index])


def test_batches_made_ahead_are_the_same(samples, chars, pens):
    here, ahead = batches(samples, chars, pens), batches(samples, chars, pens, processes=1)
    for epoch, index in [(0, 0), (0, 1), (0, here.chunks(0) - 1), (1, 0)]:
        assert np.array_equal(ahead.chunk(epoch, index)[1]["x"], here.chunk(epoch, index)[1]["x"])


def test_every_line_is_changed_anew_in_every_epoch(samples, chars, pens):
    data = batches(samples[:3], chars, pens)
    first, second = (data.chunk(epoch, 0)[1]["x"] for epoch in range(2))
    assert first.shape != second.shape or (first != second).any()


def test_a_change_keeps_the_strokes_and_moves_them(samples):
    strokes = normalise(samples[0].strokes)
    changed = another_way(strokes, np.random.default_rng(0))
    assert [s.shape for s in changed] == [s.shape for s in strokes]
    assert not np.allclose(changed[0], strokes[0])


def test_a_line_that_a_change_made_too_small_is_taken_as_it_is(chars, pens):
    strokes = [np.column_stack([np.linspace(0, 9, 30), np.sin(np.linspace(0, 9, 30))])]
    text = "abc" * 3
    data = ReaderBatches([Sample(text, strokes, "g")], np.array([30]), chars, pens, 4, JOIN,
                         change=lambda strokes, rng: [strokes[0][:2]])  # fmt: skip
    chunk = data.chunk(0, 0)[1]
    assert fits(chunk["x"][: chunk["lengths"][0], 0], chars.encode(text) + 1, JOIN)


def test_a_line_whose_text_is_too_long_for_its_strokes_is_left_out(samples, chars, pens):
    hopeless = Sample("a" * 99, samples[0].strokes, "g")
    kept, lengths, left_out = readable([*samples, hopeless], chars, pens, JOIN)
    assert kept == samples and len(lengths) == len(samples) and left_out == 1
    assert ReaderValidation([*samples, hopeless], chars, pens, 4, JOIN).left_out == 1


def test_lengths_are_estimated_well(samples, chars, pens):
    _, lengths, _ = readable(samples, chars, pens, JOIN)
    true = [len(pens.encode(normalise(s.strokes))) for s in samples]
    np.testing.assert_allclose(lengths, true, rtol=0.2)


def test_validation_reads_every_line_once_as_it_is(samples, chars, pens):
    judge = ReaderValidation(samples, chars, pens, 4, JOIN)
    chunks = [chunk for fresh, chunk in judge if fresh]
    assert sum(chunk["x"].shape[1] for chunk in chunks) == len(samples)
    assert sum(int(chunk["mask"].sum()) for chunk in chunks) == sum(len(s.text) for s in samples)
    lengths = np.concatenate([chunk["lengths"] for chunk in chunks])
    assert sorted(lengths) == list(lengths)
    assert len(judge.samples[0].text) == chunks[0]["mask"][:, 0].sum()


def test_no_lines_is_an_error(chars, pens):
    with pytest.raises(MinirnnError, match="no line"):
        ReaderBatches([], np.array([]), chars, pens, 4, JOIN)
