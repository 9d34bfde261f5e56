"""The benchmark compares like with like: every contender computes the same step from the same weights."""

import json

import numpy as np
import pytest

from minirnn import backend, bench
from minirnn.errors import MinirnnError
from minirnn.studies.benchmarks import comparison, memory, products, scaling, timing, written_lines
from minirnn.studies.benchmarks.minirnn_steps import Package
from minirnn.studies.benchmarks.sizes import Sizes, make_chunk, make_network
from minirnn.studies.benchmarks.textbook import GATES, Textbook
from minirnn.training.threads import Workers, loss_and_gradients, start

MODELS = ["CharRNN", "PenRNN"]


def small(model, layers=3):
    """A network in float64 and a chunk, all sizes different."""
    sizes = Sizes(model, hidden=7, batch=5, steps=6, layers=layers, V=60)
    return make_network(sizes, np.float64), make_chunk(sizes)


def own(network, chunk):
    loss, _, grads = loss_and_gradients(network, chunk, start(network, chunk, Workers(1)), [None], Workers(1))
    return loss, grads


def join_gates(split, like):
    """The inverse of `minirnn.studies.benchmarks.textbook.split_gates`: arrays under the names and in the shapes of the
    params ``like``."""
    joined = {}
    for name, layer in like.items():
        joined[name] = dict(split[name])
        if "Wh" in layer:
            joined[name] = {key: value for key, value in split[name].items() if key in layer}
            for key in ("Wx", "Wh", "b"):
                joined[name][key] = np.concatenate([split[name][f"{key}_{gate}"] for gate in GATES], axis=-1)
            if "Ww" in layer:
                joined[name]["Wx"], joined[name]["Ww"] = np.split(joined[name]["Wx"], [len(layer["Wx"])])
    return joined


@pytest.mark.parametrize("model", MODELS)
def test_the_textbook_loop_computes_the_same(model):
    network, chunk = small(model)
    loss, grads = own(network, chunk)
    plain = Textbook(network, chunk)
    plain_loss, plain_grads = plain.loss_and_gradients()
    assert abs(plain_loss - loss) < 1e-12
    plain_grads = backend.flatten(join_gates(plain_grads, network.params))
    assert plain_grads.keys() == grads.keys()
    for name, g in grads.items():
        np.testing.assert_allclose(plain_grads[name], g, rtol=0, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("model", MODELS)
def test_three_training_steps_of_the_textbook_loop(model):
    network, chunk = small(model, layers=2)
    plain, package = Textbook(network, chunk), Package(network, chunk, Workers(2))
    for _ in range(3):
        assert abs(plain.train() - package.train()) < 1e-10
    for name, a in backend.flatten(join_gates(plain.params, network.params)).items():
        np.testing.assert_allclose(a, package.params[name], rtol=0, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("model", MODELS)
def test_pytorch_computes_the_same(model):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'minirnn[parity]'")
    from minirnn.studies.benchmarks.pytorch_steps import PyTorch

    network, chunk = small(model)
    loss, grads = own(network, chunk)
    theirs = PyTorch(network, chunk)
    assert abs(theirs.loss_and_gradients().item() - loss) < 1e-12
    named = dict(theirs.module.named_parameters())
    there = "rnn.weight_hh_l1" if model == "CharRNN" else "upper.0.weight_hh_l0"
    i, f, o, g = np.split(grads["lstm2.Wh"], 4, axis=1)
    expected = np.concatenate([i, f, g, o], axis=1).T  # the order of their gates
    torch.testing.assert_close(named[there].grad, torch.from_numpy(expected), rtol=0, atol=1e-10)
    first = "embedding" if model == "CharRNN" else "text"
    expected = torch.from_numpy(grads[f"{first}.E"])
    torch.testing.assert_close(named[f"{first}.weight"].grad, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_pytorch_writes_the_same_symbols_by_its_cells(model):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'minirnn[parity]'")
    from minirnn.studies.benchmarks.pytorch_steps import PyTorch, by_cells, fused

    network, chunk = small(model)
    whole, cells = (PyTorch(network, chunk, run=run) for run in (fused, by_cells))
    for contender in (whole, cells):
        torch.manual_seed(0)
        contender.written = [contender.generate() for _ in range(20)]
    assert whole.written == cells.written and len(set(whole.written)) > 5


def test_the_fastest_way_of_pytorch_counts_and_every_ratio_has_its_range(monkeypatch):
    times = {"package": [2, 1, 4], "products": [1, 1, 1], "textbook": [4, 4, 4], "PyTorch": [9, 9, 9],
             "PyTorch, cells": [3, 2, 6]}  # fmt: skip
    monkeypatch.setattr(comparison, "contenders", lambda *_: dict.fromkeys(times, Package))
    monkeypatch.setattr(comparison, "take_turns", lambda calls, rounds: {name: times[name] for name in calls})
    row = comparison.compare(Sizes("CharRNN", 8, 1, 1), 1, "cpu", 3, "generate")
    assert row["ratios"]["PyTorch"] == 1.5 and row["ranges"]["PyTorch"] == [1.5, 2.0]
    assert row["ratios"]["textbook"] == 2 and row["ranges"]["textbook"] == [1.0, 4.0]
    assert "1.50 (1.50-2.00)" in comparison.table_line(row)
    assert comparison.compare(Sizes("CharRNN", 8, 1, 1), 1, "cpu", 3, "train")["ratios"]["PyTorch"] == 4.5


def multiplications(made):
    return sum(times * out.size * left.shape[-1] for times, left, _, out in made)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_products_are_those_of_the_layers(layers):
    """Counted by hand: 4H (D + H) for an LSTM, forward and twice back, for each of the T B symbols."""
    network, _ = small("CharRNN", layers)
    H, D, V = 7, 64, 60
    weights = 4 * H * (D + H) + (layers - 1) * 4 * H * (H + H) + H * V
    assert multiplications(products.products(network, 6, 5, 0)) == 3 * 6 * 5 * weights


def test_the_products_of_the_pen():
    network, _ = small("PenRNN", layers=2)
    H, D, V, E, K, U = 7, 96, 60, 48, 8, 30
    weights = 4 * H * (D + E + H) + H * 3 * K + U * E + 4 * H * (D + E + H + H) + 2 * H * V
    assert multiplications(products.products(network, 6, 5, U)) == 3 * 6 * 5 * weights
    assert multiplications(products.products(network, 1, 1, U)[::3]) == weights  # of a generation step


@pytest.mark.parametrize("model", MODELS)
def test_generation_gives_symbols(model):
    network, chunk = small(model)
    network.params = backend.tree_map(lambda a: a.astype(np.float32), network.params)
    for contender in (Package(network, chunk, Workers(1)), Textbook(network, chunk)):
        for _ in range(3):
            assert contender.generate() is not None


def test_contenders_take_turns():
    calls = []
    seconds = timing.take_turns({name: lambda name=name: calls.append(name) for name in "abc"}, rounds=2)
    turns = [name for name, before in zip(calls, [None, *calls]) if name != before]
    assert turns == list("abcbca")  # nobody is always first, and nobody is interrupted
    assert all(len(times) == 2 and min(times) > 0 for times in seconds.values())


def test_full_goes_one_way_at_a_time():
    options = bench.build_parser().parse_args(["--full", "--models", "CharRNN"])
    sizes = comparison.grid(options)
    assert len(sizes) == len(set(sizes)) == 13
    assert {s.hidden for s in sizes} == {64, 128, 256, 512, 1024}
    assert all((s.hidden, s.batch, s.steps).count(64) + (s.hidden == 256) >= 2 for s in sizes)


def test_the_command(tmp_path, capsys):
    bench.main(["--hidden", "8", "--batch", "2", "--steps", "3", "--rounds", "1", "--threads", "1", "2",
                "--json", str(tmp_path / "b.json"), "--plot", str(tmp_path / "b.png")])  # fmt: skip
    printed = capsys.readouterr().out
    result = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert len(result["rows"]) == 8  # two models, two numbers of threads, training and generation
    assert result["machine"]["NumPy"] == np.__version__
    row = result["rows"][0]
    assert row["of the limit"] == row["limit"] / row["seconds"]["package"]
    assert f"{1000 * row['seconds']['package']:.2f}" in printed
    assert (tmp_path / "b.png").stat().st_size > 5000


def test_a_line_is_recognised_and_a_parabola_is_not():
    x = [1, 2, 3, 4, 5]
    line = scaling.Series("T", x, [3, 5, 7, 9, 11], [1, 4, 9, 16, 25], degree=1)
    assert line.fit(line.milliseconds)[1] < 1e-12
    assert line.fit(line.megabytes)[1] > 0.1


def test_faults_are_counted(tmp_path, capsys, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text("We met at noon and had some soup. " * 3)
    monkeypatch.setattr(written_lines, "WIDTH", 16)
    written_lines.main([str(text), "--lines", "2"])
    out = capsys.readouterr().out
    assert "2 lines, " in out
    assert "still wrong: 0 lines" in out
    with pytest.raises(MinirnnError, match="ask for fewer --lines"):
        written_lines.main([str(text), "--lines", "99"])


@pytest.mark.parametrize("words", [["--corpus", "1"], ["--lines", "64"]])
def test_memory_and_speed_against_the_size_of_the_data(capsys, monkeypatch, words):
    monkeypatch.setattr(memory, "STEPS", 2)
    monkeypatch.setattr(memory, "DIFFERENT", 2)
    bench.main(words)
    names, values = capsys.readouterr().out.splitlines()
    resident, before, rate = map(float, values.replace(",", "").split()[-3:])
    assert "resident MB" in names and 50 < resident < 4000 and 0 < before < 300 and rate > 0
