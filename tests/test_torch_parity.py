"""Against PyTorch, where it is installed: layers, optimisers, and ten training steps of a whole network."""

import numpy as np
import pytest
from layer_calls import random_params

from minirnn import backend
from minirnn.layers import CELLS, ctc
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.torch_weights import from_torch, to_torch
from minirnn.training.optimisers import SGD, Adam, RMSprop, clip_by_global_norm

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'minirnn[parity]'")

T, B, D, H, V = 7, 3, 5, 4, 6
TORCH_CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
KINDS = sorted(CELLS)


class TorchCharRNN(torch.nn.Module):
    """The same network, as anyone would write it in PyTorch."""

    def __init__(self, kind, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(V, D, dtype=torch.float64)
        self.rnn = TORCH_CELLS[kind](D, H, layers, dtype=torch.float64)
        self.softmax = torch.nn.Linear(H, V, dtype=torch.float64)

    def forward(self, x, state=None):
        y, state = self.rnn(self.embedding(x), state)
        return self.softmax(y), state


def numpy_state(module):
    return {name: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()}


def torch_state(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def a_pair(kind, layers=2):
    """A network here and the same there, with random biases too."""
    network = CharRNN(V, kind, layers, hidden=H, embed=D, dtype=np.float64)
    rng = np.random.default_rng(0)
    network.params = {name: random_params(layer, rng, np.float64) for name, layer in network.params.items()}
    module = TorchCharRNN(kind, layers)
    module.load_state_dict(torch_state(to_torch(network.params)))
    return network, module


def assert_same(a, b, tolerance):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients_of_recurrent_layers(kind):
    network, module = a_pair(kind, layers=1)
    cell, params, rng = CELLS[kind], network.params[f"{kind}1"], np.random.default_rng(1)
    x, dy = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    width = len(cell.start(B, params))
    state, dstate = (tuple(rng.standard_normal((B, H)) for _ in range(width)) for _ in range(2))

    y, last, cache = cell.forward(x, state, params)
    dx, dfirst, grads = cell.backward(dy, dstate, cache)

    x_t = torch.tensor(x, requires_grad=True)
    state_t = [torch.tensor(s[None], requires_grad=True) for s in state]
    y_t, last_t = module.rnn(x_t, tuple(state_t) if kind == "lstm" else state_t[0])
    last_t = last_t if kind == "lstm" else (last_t,)
    error = (y_t * torch.tensor(dy)).sum() + sum((s[0] * torch.tensor(d)).sum() for s, d in zip(last_t, dstate))
    error.backward()

    np.testing.assert_allclose(y, y_t.detach(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(dx, x_t.grad, rtol=0, atol=1e-10)
    for s, s_t, ds, ds_t in zip(last, last_t, dfirst, state_t):
        np.testing.assert_allclose(s, s_t[0].detach(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(ds, ds_t.grad[0], rtol=0, atol=1e-10)
    # A gradient goes over in the layout of its weight. The error of a bias is the same for both that are added;
    # that of the GRU's bn stands in the n part of bias_hh.
    translated = to_torch({**network.params, f"{kind}1": grads})
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"):
        np.testing.assert_allclose(translated[f"rnn.{name}"], getattr(module.rnn, name).grad, rtol=0, atol=1e-10)
    if kind == "gru":
        np.testing.assert_allclose(grads["bn"], module.rnn.bias_hh_l0.grad[2 * H :], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "make, make_torch",
    [
        (SGD, lambda p: torch.optim.SGD(p, lr=0.02)),
        (lambda params: SGD(params, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
        (RMSprop, lambda p: torch.optim.RMSprop(p, lr=0.02)),
        (Adam, lambda p: torch.optim.Adam(p, lr=0.02)),
        (lambda params: Adam(params, weight_decay=0.01), lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.01)),
    ],
    ids=["sgd", "momentum", "rmsprop", "adam", "adamw"],
)
def test_optimisers_over_100_steps(make, make_torch):
    rng = np.random.default_rng(0)
    params = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    tensors = {name: torch.nn.Parameter(torch.tensor(array)) for name, array in params.items()}
    optimiser, torch_optimiser = make(params), make_torch(tensors.values())
    for _ in range(100):
        grads = {name: rng.standard_normal(array.shape) for name, array in params.items()}
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[name])
        optimiser.step(params, grads, 0.02)
        torch_optimiser.step()
    assert_same(params, {name: tensor.detach().numpy() for name, tensor in tensors.items()}, 1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_of_ten_training_steps(kind):
    """Two layers, Adam, clipping, the state carried from chunk to chunk and its error cut off there."""
    network, module = a_pair(kind)
    params = backend.flatten(network.params)
    optimiser = Adam(params)
    torch_optimiser = torch.optim.Adam(module.parameters(), lr=0.02)
    ids = np.random.default_rng(1).integers(0, V, (10, T + 1, B))
    state, torch_carried = network.start(B), None
    for step, chunk in enumerate(ids):
        loss, state, cache = network.loss({"x": chunk[:-1], "y": chunk[1:]}, state)
        grads = backend.flatten(network.backward(cache))
        norm = clip_by_global_norm(grads, 0.03)
        optimiser.step(params, grads, 0.02)

        logits, torch_carried = module(torch.from_numpy(chunk[:-1]), torch_carried)
        torch_carried = (
            tuple(s.detach() for s in torch_carried) if kind == "lstm" else torch_carried.detach()
        )
        torch_loss = torch.nn.functional.cross_entropy(logits.reshape(-1, V), torch.from_numpy(chunk[1:]).reshape(-1))
        torch_optimiser.zero_grad()
        torch_loss.backward()
        # PyTorch has two biases for our one: to compare, only one of them may learn and count in the norm.
        for name, tensor in module.named_parameters():
            if "bias_hh" in name:
                tensor.grad[: 2 * H if kind == "gru" else None] = 0
        # The formula itself: torch.nn.utils.clip_grad_norm_ divides by the norm plus 1e-6.
        torch_norm = torch.linalg.vector_norm(torch.cat([p.grad.reshape(-1) for p in module.parameters()]))
        for tensor in module.parameters():
            tensor.grad *= min(1, 0.03 / torch_norm)
        torch_optimiser.step()

        assert norm > 0.03, "nothing was clipped"
        assert float(loss) == pytest.approx(torch_loss.item(), abs=1e-8), f"step {step}"
        assert norm == pytest.approx(torch_norm.item(), rel=1e-8)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_come_back_from_a_state_dict(kind, layers):
    network, module = a_pair(kind, layers)
    state = numpy_state(module)
    assert_same(to_torch(network.params), state, 0)
    back = from_torch(state, kind)
    assert back.keys() == network.params.keys()
    assert_same(backend.flatten(back), backend.flatten(network.params), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_trained_there_says_the_same_here(kind):
    """A module as PyTorch initialises it, with both biases in use."""
    torch.manual_seed(0)
    module = TorchCharRNN(kind, layers=2)
    network = CharRNN(V, kind, layers=2, hidden=H, embed=D, dtype=np.float64)
    network.load_params(backend.flatten(from_torch(numpy_state(module), kind)))
    x = np.random.default_rng(0).integers(0, V, (T, B))
    logits, _, _ = network.forward(x, network.start(B))
    np.testing.assert_allclose(logits, module(torch.from_numpy(x))[0].detach(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(40))
def test_loss_and_gradient_of_ctc(seed):
    rng = np.random.default_rng(seed)
    frames, B, V, U = (int(rng.integers(low, high)) for low, high in ((3, 30), (1, 6), (2, 8), (1, 6)))
    lengths, counts = rng.integers(1, frames + 1, B), rng.integers(0, U + 1, B)
    y, z = rng.integers(1, V, (U, B)), 3 * rng.standard_normal((frames, B, V))
    while (short := ctc.frames_needed(y, counts) > lengths).any():
        counts[short] -= 1
    logits = torch.tensor(z, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        logits.log_softmax(2), torch.tensor(y.T.copy()), torch.tensor(lengths), torch.tensor(counts), reduction="sum"
    ) / max(1, counts.sum())
    theirs.backward()
    loss, cache = ctc.forward(z, y, lengths, counts)
    assert loss == pytest.approx(theirs.item(), rel=1e-10, abs=1e-10)
    np.testing.assert_allclose(ctc.backward(cache), logits.grad.numpy(), rtol=0, atol=1e-10)
