"""The plain loop: every time step of every gate is a line of its own, every result a new array, and nothing is done for
a whole chunk at once. It computes what `minirnn.networks` computes, up to rounding.

Parameters are nested dicts: {"lstm1": {"Wx_i": (D, H), "Wh_i": (H, H), "b_i": (H,), "Wx_f": ...}, "softmax": {"W",
"b"}, ...}. The windowed LSTM, here called "reader" as in its checkpoints, has [x, w] as its input.
"""

import numpy as np

from minirnn import backend
from minirnn.layers import attention_window
from minirnn.studies.benchmarks import CLIP, LR, TEMPERATURE

GATES = "ifog"


def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z)), any shape."""
    return 1 / (1 + np.exp(-z))


def lstm_step(x, h_prev, c_prev, p):
    """x (B, D), h_prev, c_prev (B, H) -> h, c, cache."""
    i = sigmoid(x @ p["Wx_i"] + h_prev @ p["Wh_i"] + p["b_i"])
    f = sigmoid(x @ p["Wx_f"] + h_prev @ p["Wh_f"] + p["b_f"])
    o = sigmoid(x @ p["Wx_o"] + h_prev @ p["Wh_o"] + p["b_o"])
    g = np.tanh(x @ p["Wx_g"] + h_prev @ p["Wh_g"] + p["b_g"])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c, (x, h_prev, c_prev, i, f, o, g, c)


def lstm_step_backward(dh, dc, cache, p, grads):
    """dh, dc (B, H) of h and c -> dx, dh_prev, dc_prev. What the step adds to the gradients goes into ``grads``."""
    x, h_prev, c_prev, i, f, o, g, c = cache
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    dz = {
        "i": dc * g * i * (1 - i),
        "f": dc * c_prev * f * (1 - f),
        "o": dh * np.tanh(c) * o * (1 - o),
        "g": dc * i * (1 - g**2),
    }
    dx, dh_prev = np.zeros_like(x), np.zeros_like(h_prev)
    for gate in GATES:
        grads[f"Wx_{gate}"] += x.T @ dz[gate]
        grads[f"Wh_{gate}"] += h_prev.T @ dz[gate]
        grads[f"b_{gate}"] += dz[gate].sum(axis=0)
        dx += dz[gate] @ p[f"Wx_{gate}"].T
        dh_prev += dz[gate] @ p[f"Wh_{gate}"].T
    return dx, dh_prev, dc * f


def softmax_step(h, targets, p):
    """h (B, D), targets (B,) -> the summed loss, cache."""
    z = h @ p["W"] + p["b"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    prob = e / e.sum(axis=1, keepdims=True)
    return -np.log(prob[np.arange(len(h)), targets]).sum(), (h, prob, targets)


def softmax_step_backward(cache, N, p, grads):
    """The loss is the mean over N symbols -> dh."""
    h, prob, targets = cache
    dz = prob.copy()
    dz[np.arange(len(h)), targets] -= 1
    dz = dz / N
    grads["W"] += h.T @ dz
    grads["b"] += dz.sum(axis=0)
    return dz @ p["W"].T


def split_gates(params):
    """The params of a network of `minirnn.networks` as this file has them."""
    split = {}
    for name, layer in params.items():
        layer = dict(layer)
        if "Wh" in layer:
            if "Ww" in layer:
                layer["Wx"] = np.concatenate([layer["Wx"], layer.pop("Ww")])
            for key in ("Wx", "Wh", "b"):
                for gate, block in zip(GATES, np.split(layer.pop(key), 4, axis=-1)):
                    layer[f"{key}_{gate}"] = block.copy()
        split[name] = layer
    return split


class Textbook:
    """The contender; ``network`` gives it weights, sizes and kind."""

    def __init__(self, network, chunk):
        self.kind, self.network, self.chunk = network.kind, network, chunk
        self.params = split_gates(network.params)
        self.recurrent = [name for name, layer in self.params.items() if "Wh_i" in layer]
        self.m = backend.tree_map(np.zeros_like, self.params)
        self.s = backend.tree_map(np.zeros_like, self.params)
        self.steps, self.rng = 0, np.random.default_rng(0)
        self.one = {name: a[:1, :1] if a.ndim == 2 else a[:1] for name, a in chunk.items()}
        if "text" in chunk:
            self.one["text"] = chunk["text"][:1]
        self.state, self.symbol = self.start(1), 0

    def start(self, B):
        """[h, c] of every layer, and, of the pen, kappa and w."""
        H = self.network.settings["hidden"]
        layers = [[np.zeros((B, H), self.dtype), np.zeros((B, H), self.dtype)] for _ in self.recurrent]
        if self.kind == "CharRNN":
            return layers, None, None
        s = self.network.settings
        kappa, w = np.zeros((B, s["gaussians"]), self.dtype), np.zeros((B, s["char_embed"]), self.dtype)
        return layers, kappa - self.dtype.type(0.5), w

    @property
    def dtype(self):
        """That of the weights."""
        return self.params["softmax"]["W"].dtype

    def step(self, x, chunk, C, state):
        """One step of all layers, x (B, D) -> the input of the softmax (B, ...), state, cache."""
        layers, kappa, w = state
        new, caches, window_cache, below = [], [], None, x
        for name, (h, c) in zip(self.recurrent, layers):
            if self.kind == "CharRNN":
                inputs = below
            elif name == "reader":
                inputs = np.concatenate([x, w], axis=1)
            else:
                inputs = np.concatenate([x, w, below], axis=1)
            h, c, cache = lstm_step(inputs, h, c, self.params[name])
            if name == "reader":
                p = self.params["reader"]
                w, kappa, phi, steps = attention_window.step_forward(h @ p["W_window"] + p["b_window"], kappa, C)
                window_cache = (h, phi, steps)
            new.append([h, c])
            caches.append(cache)
            below = h
        out = below if self.kind == "CharRNN" else np.concatenate([h for h, _ in new], axis=1)
        return out, (new, kappa, w), (caches, window_cache)

    def step_backward(self, dout, C, dstate, cache, grads, dC):
        """One step backward: dout of the softmax's input, dstate of the state after the step -> dx, dstate of the
        state before it."""
        (dlayers, dkappa, dw), (caches, window_cache) = dstate, cache
        H, pen = self.network.settings["hidden"], self.kind == "PenRNN"
        dhs = list(np.split(dout, len(self.recurrent), axis=1)) if pen else [0.0] * (len(self.recurrent) - 1) + [dout]
        dx, before, dw_before = 0.0, [], 0.0
        for n, name in reversed(list(enumerate(self.recurrent))):
            dh, dc = dhs[n] + dlayers[n][0], dlayers[n][1]
            if name == "reader":
                p, (h, phi, steps) = self.params["reader"], window_cache
                dC += phi[:, :, None] * dw[:, None, :]
                dz, dkappa = attention_window.step_backward(dw, dkappa, C, steps)
                grads["reader"]["W_window"] += h.T @ dz
                grads["reader"]["b_window"] += dz.sum(axis=0)
                dh = dh + dz @ p["W_window"].T
            din, dh, dc = lstm_step_backward(dh, dc, caches[n], self.params[name], grads[name])
            before.insert(0, [dh, dc])
            if not pen:
                if n:
                    dhs[n - 1] = dhs[n - 1] + din
                else:
                    dx = din
            elif name == "reader":
                D = din.shape[1] - dw.shape[1]
                dx, dw_before = dx + din[:, :D], din[:, D:]
            else:
                D = din.shape[1] - dw.shape[1] - H
                dx, dw = dx + din[:, :D], dw + din[:, D:-H]
                dhs[n - 1] = dhs[n - 1] + din[:, -H:]
        return dx, (before, dkappa, dw_before)

    def embed(self, chunk, t):
        """The input of step t, (B, D)."""
        if self.kind == "CharRNN":
            return self.params["embedding"]["E"][chunk["x"][t]]
        E = {name: self.params[name]["E"] for name in ("symbol", "height", "hand")}
        return E["symbol"][chunk["x"][t]] + E["height"][chunk["height"][t]] + E["hand"][chunk["hand"]]

    def embed_backward(self, dx, chunk, t, grads):
        """Add the error of a step to the gradients of the embeddings."""
        if self.kind == "CharRNN":
            np.add.at(grads["embedding"]["E"], chunk["x"][t], dx)
            return
        np.add.at(grads["symbol"]["E"], chunk["x"][t], dx)
        np.add.at(grads["height"]["E"], chunk["height"][t], dx)
        np.add.at(grads["hand"]["E"], chunk["hand"], dx)

    def loss_and_gradients(self):
        """The chunk, from a new state -> loss (nats per symbol), gradients, nested like the parameters."""
        chunk, (T, B) = self.chunk, self.chunk["x"].shape
        grads = backend.tree_map(np.zeros_like, self.params)
        C = self.params["text"]["E"][chunk["text"]] if self.kind == "PenRNN" else None
        state, loss, caches = self.start(B), 0.0, []
        for t in range(T):
            out, state, cache = self.step(self.embed(chunk, t), chunk, C, state)
            step_loss, softmax_cache = softmax_step(out, chunk["y"][t], self.params["softmax"])
            loss += step_loss
            caches.append((cache, softmax_cache))
        dstate = backend.tree_map(np.zeros_like, state)
        dC = None if C is None else np.zeros_like(C)
        for t in reversed(range(T)):
            cache, softmax_cache = caches[t]
            dout = softmax_step_backward(softmax_cache, T * B, self.params["softmax"], grads["softmax"])
            dx, dstate = self.step_backward(dout, C, dstate, cache, grads, dC)
            self.embed_backward(dx, chunk, t, grads)
        if C is not None:
            np.add.at(grads["text"]["E"], chunk["text"], dC)
        return loss / (T * B), grads

    def train(self):
        """A training step with Adam as the paper has it -> loss."""
        loss, grads = self.loss_and_gradients()
        norm = np.sqrt(sum((g**2).sum() for layer in grads.values() for g in layer.values()))
        self.steps += 1
        for name, layer in self.params.items():
            for key in layer:
                g = grads[name][key] * min(1.0, CLIP / norm)
                self.m[name][key] = 0.9 * self.m[name][key] + 0.1 * g
                self.s[name][key] = 0.999 * self.s[name][key] + 0.001 * g**2
                m, s = self.m[name][key] / (1 - 0.9**self.steps), self.s[name][key] / (1 - 0.999**self.steps)
                layer[key] = layer[key] - LR * m / (np.sqrt(s) + 1e-8)
        return float(loss)

    def generate(self):
        """The next symbol of one stream."""
        C = self.params["text"]["E"][self.one["text"]] if self.kind == "PenRNN" else None
        self.one["x"] = np.array([[self.symbol]])
        out, self.state, _ = self.step(self.embed(self.one, 0), self.one, C, self.state)
        z = (out @ self.params["softmax"]["W"] + self.params["softmax"]["b"])[0].astype(np.float64) / TEMPERATURE
        p = np.exp(z - z.max())
        self.symbol = int(self.rng.choice(len(p), p=p / p.sum()))
        return self.symbol
