"""PyTorch's names and layouts, as its documentation gives them; PyTorch itself is not needed."""

import numpy as np
import pytest
from layer_calls import random_params

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.layers import CELLS
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.torch_weights import from_torch, to_torch

D, H, V = 5, 4, 6


def some_params(kind, layers=2):
    network, rng = CharRNN(V, kind, layers, hidden=H, embed=D, dtype=np.float64), np.random.default_rng(0)
    return {name: random_params(layer, rng, np.float64) for name, layer in network.params.items()}


@pytest.mark.parametrize("kind, blocks", [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_names_and_shapes(kind, blocks):
    shapes = {name: array.shape for name, array in to_torch(some_params(kind)).items()}
    assert shapes == {
        "embedding.weight": (V, D),
        "rnn.weight_ih_l0": (blocks * H, D),
        "rnn.weight_hh_l0": (blocks * H, H),
        "rnn.bias_ih_l0": (blocks * H,),
        "rnn.bias_hh_l0": (blocks * H,),
        "rnn.weight_ih_l1": (blocks * H, H),
        "rnn.weight_hh_l1": (blocks * H, H),
        "rnn.bias_ih_l1": (blocks * H,),
        "rnn.bias_hh_l1": (blocks * H,),
        "softmax.weight": (V, H),
        "softmax.bias": (V,),
    }


def test_order_of_the_gates():
    params = some_params("lstm")
    i, f, o, g = np.split(params["lstm1"]["Wx"], 4, axis=1)
    assert np.array_equal(to_torch(params)["rnn.weight_ih_l0"], np.concatenate([i, f, g, o], axis=1).T)
    params = some_params("gru")
    state = to_torch(params)
    assert np.array_equal(state["rnn.weight_hh_l1"], params["gru2"]["Wh"].T)
    assert np.array_equal(state["rnn.bias_hh_l1"], [0] * 2 * H + list(params["gru2"]["bn"]))


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_there_and_back(kind):
    params = some_params(kind, layers=3)
    before = backend.tree_map(np.copy, params)
    back = backend.flatten(from_torch(to_torch(params), kind))
    for name, array in backend.flatten(before).items():
        assert np.array_equal(back[name], array) and back[name].flags.c_contiguous
        assert np.array_equal(backend.flatten(params)[name], array)  # nothing was written into


def test_both_biases_are_added():
    state = to_torch(some_params("lstm"))
    once = from_torch(state, "lstm")["lstm1"]["b"]
    state["rnn.bias_hh_l0"] = state["rnn.bias_ih_l0"].copy()
    assert np.array_equal(from_torch(state, "lstm")["lstm1"]["b"], 2 * once)


def test_a_missing_name_is_named():
    state = to_torch(some_params("lstm"))
    del state["rnn.bias_hh_l1"]
    with pytest.raises(MinirnnError, match=r"rnn\.bias_hh_l1"):
        from_torch(state, "lstm")
