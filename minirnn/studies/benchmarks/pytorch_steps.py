"""The same networks as anyone would write them in PyTorch, with its fused LSTM wherever it can be used: everywhere but
in the windowed LSTM, which goes step by step because its attention window feeds it. Adam is the fused one, too.

For a single step of one sequence, `torch.nn.LSTM` goes through oneDNN, which prepares the weights anew every time; the
cell of which it is made is several times as fast. So generation is timed both ways, and the faster one counts.
"""

import functools

import torch
from torch import nn
from torch.nn import functional

from minirnn import backend
from minirnn.networks.torch_weights import to_torch
from minirnn.studies.benchmarks import CLIP, LR, TEMPERATURE


def fused(lstm, x, state):
    """x (T, B, D) through an `nn.LSTM` -> y (T, B, H), state."""
    return lstm(x, state)


def by_cells(lstm, x, state):
    """One step x (1, B, D) through the layers of an `nn.LSTM`, cell by cell -> y (1, B, H), state."""
    y, new = x[0], []
    for number, weights in enumerate(weights_of(lstm)):
        zeros = y.new_zeros(len(y), lstm.hidden_size)
        y, c = torch.lstm_cell(y, state[number] if state else (zeros, zeros), *weights)
        new.append((y, c))
    return y[None], new


@functools.cache
def weights_of(lstm):
    """The weights of every layer, looked up once."""
    return [list(weights) for weights in lstm.all_weights]


class TorchCharRNN(nn.Module):
    """The network of text; its parts have the names of `minirnn.networks.torch_weights`."""

    def __init__(self, V, layers, hidden, embed):
        super().__init__()
        self.embedding = nn.Embedding(V, embed)
        self.rnn = nn.LSTM(embed, hidden, layers)
        self.softmax = nn.Linear(hidden, V)

    def forward(self, chunk, state=None, text=None, run=fused):
        """-> logits (T, B, V), state. ``run``: `fused` or `by_cells`."""
        y, state = run(self.rnn, self.embedding(chunk["x"]), state)
        return self.softmax(y), state

    def copy_weights(self, params):
        """Take over the weights of a `minirnn.networks.char_rnn.CharRNN`, its ``params``."""
        load(self, to_torch(params))


class TorchPenRNN(nn.Module):
    """The network of handwriting; its parts have the names of `minirnn.networks.pen_rnn.PenRNN`."""

    def __init__(self, V, characters, heights, hands, layers, hidden, embed, char_embed, gaussians):
        super().__init__()
        self.symbol, self.height = nn.Embedding(V, embed), nn.Embedding(heights, embed)
        self.hand, self.text = nn.Embedding(hands, embed), nn.Embedding(characters, char_embed)
        self.reader = nn.LSTMCell(embed + char_embed, hidden)
        self.window = nn.Linear(hidden, 3 * gaussians)
        self.upper = nn.ModuleList(nn.LSTM(embed + char_embed + hidden, hidden) for _ in range(layers - 1))
        self.softmax = nn.Linear(layers * hidden, V)

    def start(self, B):
        """h, c, kappa, w of the windowed LSTM, and nothing yet of the layers above."""
        W = self.softmax.weight
        sizes = self.reader.hidden_size, self.reader.hidden_size, self.window.out_features // 3, self.text.embedding_dim
        h, c, kappa, w = (W.new_zeros(B, n) for n in sizes)
        return (h, c, kappa - 0.5, w), [None] * len(self.upper)

    def forward(self, chunk, state=None, text=None, run=fused):
        """-> logits (T, B, V), state. ``text``: the embedded text (B, U, E), if it has been computed already; ``run``:
        `fused` or `by_cells`."""
        x = self.symbol(chunk["x"]) + self.height(chunk["height"]) + self.hand(chunk["hand"])
        C = self.text(chunk["text"]) if text is None else text
        (h, c, kappa, w), upper = self.start(x.shape[1]) if state is None else state
        u = torch.arange(C.shape[1], dtype=C.dtype, device=C.device)
        hs, ws = [], []
        for x_t in x:
            h, c = self.reader(torch.cat([x_t, w], 1), (h, c))
            alpha, beta, step = self.window(h).exp().chunk(3, dim=1)
            kappa = kappa + step
            phi = (alpha[:, :, None] * torch.exp(-beta[:, :, None] * (kappa[:, :, None] - u) ** 2)).sum(1)
            w = torch.bmm(phi[:, None], C)[:, 0]
            hs.append(h)
            ws.append(w)
        outputs, all_w, new = [torch.stack(hs)], torch.stack(ws), []
        for lstm, layer_state in zip(self.upper, upper):
            y, layer_state = run(lstm, torch.cat([x, all_w, outputs[-1]], 2), layer_state)
            outputs.append(y)
            new.append(layer_state)
        return self.softmax(torch.cat(outputs, 2)), ((h, c, kappa, w), new)

    def copy_weights(self, params):
        """Take over the weights of a `minirnn.networks.pen_rnn.PenRNN`, its ``params``."""
        reader, T = params["reader"], torch.from_numpy
        state = {f"{name}.weight": params[name]["E"] for name in ("symbol", "height", "hand", "text")}
        state |= {"window.weight": reader["W_window"].T, "window.bias": reader["b_window"]}
        Wx = torch.cat([T(reader["Wx"]), T(reader["Ww"])]).numpy()
        layers = {"lstm1": {"Wx": Wx, "Wh": reader["Wh"], "b": reader["b"]}}
        layers |= {name: layer for name, layer in params.items() if name.startswith("lstm")}
        for name, array in to_torch({"embedding": params["symbol"], **layers, "softmax": params["softmax"]}).items():
            kind, key = name.split(".")
            if kind == "rnn":
                n = int(key[-1])
                name = f"reader.{key[:-3]}" if n == 0 else f"upper.{n - 1}.{key[:-1]}0"
            if kind != "embedding":
                state[name] = array
        load(self, state)


def load(module, arrays):
    """Load {name: NumPy array} into a module."""
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})


class PyTorch:
    """The contender. ``network``, one of `minirnn.networks`, gives its settings and weights; ``chunk`` is on the host;
    ``run`` says how a generation step is taken, `fused` or `by_cells`."""

    def __init__(self, network, chunk, device="cpu", run=fused):
        self.run = run
        self.device = "cuda" if device == "gpu" else "cpu"
        torch.backends.cudnn.allow_tf32 = False  # float32 here as everywhere else in the comparison
        kind = {"CharRNN": TorchCharRNN, "PenRNN": TorchPenRNN}[network.kind]
        odd = ("cell", "rate", "dropout")
        self.module = kind(**{name: value for name, value in network.settings.items() if name not in odd})
        params = backend.tree_map(backend.to_host, network.params)
        dtype = torch.from_numpy(params["softmax"]["W"]).dtype
        self.module.to(dtype).copy_weights(params)
        self.module.to(self.device)
        self.chunk = {name: torch.from_numpy(array).long().to(self.device) for name, array in chunk.items()}
        self.adam = torch.optim.Adam(self.module.parameters(), LR, fused=True)
        self.state, self.text = None, None
        self.one = {name: self.chunk[name][:1, :1] for name in ("x", "height", "text") if name in chunk}
        if "text" in chunk:
            self.one |= {"text": self.chunk["text"][:1], "hand": self.chunk["hand"][:1]}
            with torch.inference_mode():
                self.text = self.module.text(self.one["text"])

    def loss_and_gradients(self):
        """The loss, a tensor; the gradients are left in the module."""
        self.adam.zero_grad(set_to_none=True)
        logits, _ = self.module(self.chunk)
        loss = functional.cross_entropy(logits.flatten(0, 1), self.chunk["y"].flatten())
        loss.backward()
        return loss

    def train(self):
        """One training step -> the loss."""
        loss = self.loss_and_gradients()
        nn.utils.clip_grad_norm_(self.module.parameters(), CLIP)
        self.adam.step()
        return loss.item()

    @torch.inference_mode()
    def generate(self):
        """One generation step -> the id of the symbol."""
        logits, self.state = self.module(self.one, self.state, self.text, self.run)
        symbol = torch.multinomial(torch.softmax(logits[0, 0] / TEMPERATURE, 0), 1)
        self.one["x"] = symbol[None]
        return symbol.item()
