"""The weights of a CharRNN under PyTorch's names and in PyTorch's layouts, and back.

The PyTorch module has three attributes: ``embedding`` (torch.nn.Embedding), ``rnn`` (torch.nn.LSTM, GRU
or RNN of all layers) and ``softmax`` (torch.nn.Linear). PyTorch itself is not needed here; with it:

    module.load_state_dict({name: torch.from_numpy(a) for name, a in to_torch(network.params).items()})
    network.load_params(flatten(from_torch({name: t.numpy() for name, t in module.state_dict().items()}, "lstm")))

What differs:

    here                                       there
    Wx (D, 4H), Wh (H, 4H): x W                weight_ih (4H, D), weight_hh (4H, H): W x
    LSTM's gates in the order i, f, o, g       i, f, g, o
    GRU's gates r, u, n                        the same, u being called z
    one bias b                                 two that are added, bias_ih and bias_hh; b goes to the first
    GRU's bn, inside the reset gate            the n part of bias_hh
"""

import numpy as np

from minirnn.errors import MinirnnError

# The order of the blocks of H columns in PyTorch; each of these orders is its own inverse.
ORDER = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}


def to_torch(params):
    """The params of a CharRNN -> {PyTorch's name: array}, in the arrays' own dtype."""
    state = {"embedding.weight": params["embedding"]["E"].copy()}
    for name, layer in params.items():
        kind = name.rstrip("0123456789")
        if kind not in ORDER:
            continue
        n = int(name[len(kind) :]) - 1
        Wx, Wh, b = (_reorder(layer[key], kind) for key in ("Wx", "Wh", "b"))
        b_hh = np.zeros_like(b)
        if kind == "gru":
            b_hh[-len(layer["bn"]) :] = layer["bn"]
        state[f"rnn.weight_ih_l{n}"] = Wx.T.copy()
        state[f"rnn.weight_hh_l{n}"] = Wh.T.copy()
        state[f"rnn.bias_ih_l{n}"] = b
        state[f"rnn.bias_hh_l{n}"] = b_hh
    state["softmax.weight"] = params["softmax"]["W"].T.copy()
    state["softmax.bias"] = params["softmax"]["b"].copy()
    return state


def from_torch(state, cell):
    """{PyTorch's name: array} -> the params of a CharRNN whose recurrent layers are of the kind ``cell`` ("rnn",
    "lstm" or "gru"). A missing name raises `MinirnnError`."""
    try:
        params = {"embedding": {"E": state["embedding.weight"].copy()}}
        for n in range(sum(name.startswith("rnn.weight_ih_l") for name in state)):
            b_ih, b_hh = state[f"rnn.bias_ih_l{n}"], state[f"rnn.bias_hh_l{n}"]
            layer = {
                "Wx": _reorder(state[f"rnn.weight_ih_l{n}"].T.copy(), cell),
                "Wh": _reorder(state[f"rnn.weight_hh_l{n}"].T.copy(), cell),
            }
            if cell == "gru":
                H = len(b_hh) // 3
                layer["b"] = b_ih.copy()
                layer["b"][: 2 * H] += b_hh[: 2 * H]
                layer["bn"] = b_hh[2 * H :].copy()
            else:
                layer["b"] = _reorder(b_ih + b_hh, cell)
            params[f"{cell}{n + 1}"] = layer
        params["softmax"] = {"W": state["softmax.weight"].T.copy(), "b": state["softmax.bias"].copy()}
    except KeyError as error:
        raise MinirnnError(
            f"the state dict has no {error}; it needs embedding, rnn with biases, and softmax"
        ) from None
    return params


def _reorder(W, kind):
    """W (..., blocks * H) with its blocks in the other order."""
    blocks = np.split(W, len(ORDER[kind]), axis=-1)
    return np.concatenate([blocks[place] for place in ORDER[kind]], axis=-1)
