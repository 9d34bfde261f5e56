# %% [markdown]
# # 21. Upwards and backwards: stacked and bidirectional layers
#
# **Takes for granted**: chapters 5, 9 and 10.
#
# **Runs for**: about 40 seconds, most of it for training small networks.
#
# **You should see**: that layers upon layers need no new equation; what depth brings at an equal number of weights,
# measured; a layer that reads from both ends, and the trap that lies in padded sequences; vowels restored from what
# stands on both sides of them; and a language model that is too good to be true.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, ValidationText, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import bidirectional, dense, embedding, lstm, softmax_cross_entropy
from minirnn.networks import gradient_cases, gradient_check
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm, learning_rate
from minirnn.training.trainer import evaluate

# %% [markdown]
# ## Upwards
#
# The output of a recurrent layer is a sequence, and a sequence is what a recurrent layer reads. So a second one can
# stand on the first, with weights of its own. With any cell and $y^{(0)} = x$,
#
# $$y^{(n)},\; s^{(n)}_T = \text{cell}^{(n)}\bigl(y^{(n-1)},\; s^{(n)}_0\bigr), \qquad n = 1 \dots L$$
#
# and the state of the whole is one state per layer. Backward, the chain rule says what is to be done: the error of
# what the upper layer has read is the error of what the lower one has said,
#
# $$dy^{(n-1)} = dx^{(n)}$$
#
# and that is all. In the package it is a loop over the layers, with dropout between them:

# %%
show.source(CharRNN.forward, "for name, layer_state in zip", "y = drop(y)")
show.source(CharRNN.backward, "for name in reversed", "grads[name] = ")

# %% [markdown]
# One may go through the layers one after the other, as the package does, all steps of the first and then all of the
# second; or step by step, both layers at each. Layer $n$ at step $t$ needs layer $n-1$ at step $t$ and itself at step
# $t-1$. Every order that respects this gives the same numbers:

# %%
def stack_by_steps(x, states, params):
    """x (T, B, D), a state (h, c) and a dict of parameters for each layer -> y (T, B, H), step by step."""
    states, y = list(states), []
    for x_t in x:
        below = x_t[None]
        for n, layer in enumerate(params):
            below, states[n], _ = lstm.forward(below, states[n], layer)
        y.append(below[0])
    return np.array(y)


T, B, D, H = 6, 3, 5, 4
rng = np.random.default_rng(0)
layers = [lstm.init(rng, D, H, np.float64), lstm.init(rng, H, H, np.float64)]
x = rng.standard_normal((T, B, D))
first, _, _ = lstm.forward(x, lstm.start(B, layers[0]), layers[0])
second, _, _ = lstm.forward(first, lstm.start(B, layers[1]), layers[1])
assert np.abs(second - stack_by_steps(x, [lstm.start(B, layer) for layer in layers], layers)).max() < 1e-12

# %% [markdown]
# (An order step by step is needed where the output of a step is the input of the next, as in writing. An order layer
# by layer is faster: the products $x\,W_x$ of all steps are one, chapter 16.)
#
# What is it good for? A deep network computes more between an input and its output at the same step, and its layers
# can work at different paces. It is not a longer memory: an error still goes back one step of time per cell. Whether
# it is worth while is a question to measurement, and a fair one only at an equal number of weights. One, two and three
# layers, as wide as the same number of weights allows, on the letters:

# %%
text = read_text(LETTERS)[:100_000]
training, validation = text[:90_000], text[90_000:]
vocabulary = CharVocabulary(training)
V, BATCH, CHUNK, STEPS = len(vocabulary), 24, 32, 220
data = TextStreams(vocabulary.encode(training), BATCH, CHUNK)
held_out = ValidationText(vocabulary.encode(validation), 64, CHUNK)


def train(network):
    """Train a `CharRNN` for STEPS steps -> nats per character on text that was held out."""
    flat = backend.flatten(network.params)
    optimiser = Adam(flat)
    for step in range(STEPS):
        fresh, chunk = data.chunk(*divmod(step, data.chunks(0)))
        state = network.start(BATCH) if fresh else state  # noqa: F821 (the first chunk is fresh)
        _, state, cache = network.loss(chunk, state)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, learning_rate(step, STEPS, peak=1e-2, warmup=20, schedule="cosine"))
    return evaluate(network, held_out)


for count, hidden in ((1, 96), (2, 60), (3, 47)):
    network = CharRNN(V, "lstm", count, hidden, 24)
    print(f"{count} x {hidden:2} units, {network.count():,} weights: {train(network):.3f} nats per character, held out")

# %% [markdown]
# In so short a run on so little text the flat network is ahead: one wide layer learns quickest, and three have hardly
# begun. Depth pays with more text and more time, where Graves (2013) and those after him found it worth more than
# width; the default here is two layers for text. The lesson is the one of chapter 9: it is the network of *your* size,
# trained for *your* time, that has to be measured.
#
# ## Backwards
#
# A network that writes knows only what is past. One that reads has the whole line before it, and what stands to the
# right of a letter says as much about it as what stands to the left. So let one cell read from left to right and
# another from right to left, and put their outputs side by side (Schuster and Paliwal 1997):
#
# $$\overrightarrow h = \text{cell}(x), \qquad \overleftarrow h = \text{rev}\bigl(\text{cell}(\text{rev}(x))\bigr),
# \qquad y_t = \bigl[\,\overrightarrow h_t,\; \overleftarrow h_t\,\bigr]$$
#
# where rev turns a sequence round. Backward, rev is a permutation of the steps, so its transpose is its inverse, which
# is rev itself. The error is cut in two halves, each goes back through its own cell, and since $x$ was used twice, two
# errors add up:
#
# $$dx = \overrightarrow{\text{cell}}\text{'s backward}\bigl(d\overrightarrow h\bigr)
# + \text{rev}\Bigl(\overleftarrow{\text{cell}}\text{'s backward}\bigl(\text{rev}(d\overleftarrow h)\bigr)\Bigr)$$
#
# One thing needs care. The sequences of a batch have different lengths, and the short ones are padded at their ends.
# Turned round as a whole, a short sequence would begin with its padding, and the cell that reads backwards would come
# to the first true input with a state full of rubbish. So each sequence is turned round within its own length:

# %%
show.source(bidirectional.reversal, "t = np.arange", "return")


def bidirectional_plain(x, lengths, params):
    """x (T, B, D), lengths (B,) -> y (T, B, 2H), one sequence after the other, each without its padding."""
    T, B, _ = x.shape
    y = np.zeros((T, B, 2 * len(params["forward"]["Wh"])))
    for b, length in enumerate(lengths):
        one = x[:length, b : b + 1]
        left, _, _ = lstm.forward(one, lstm.start(1, params["forward"]), params["forward"])
        right, _, _ = lstm.forward(one[::-1], lstm.start(1, params["backward"]), params["backward"])
        y[:length, b] = np.concatenate([left, right[::-1]], axis=2)[:, 0]
    return y


lengths = np.array([6, 2, 4])
both = bidirectional.init(rng, D, H, lstm, np.float64)
y, _ = bidirectional.forward(x, lengths, both, lstm)
assert np.abs(y - bidirectional_plain(x, lengths, both)).max() < 1e-12
right, _, _ = lstm.forward(x[::-1], lstm.start(B, both["backward"]), both["backward"])
careless = np.concatenate([y[:, :, :H], right[::-1]], axis=2)
for b, length in enumerate(lengths):
    off = np.abs(careless - y)[:length, b].max()
    print(f"{length} of {T} steps: turned round as a whole, the outputs are off by up to {off:.3f}")
for result in gradient_check.check(gradient_cases.bidirectional_case(np.random.default_rng(0), "lstm")):
    print(f"{result.case}  {result.array:12} {result.error:8.1e}  {'ok' if result.ok else 'WRONG'}")

# %% [markdown]
# The sequence without padding does not mind. The others do, and no shape and no gradient check would have said so: a
# careless forward pass has a gradient of its own, and it would be right.
#
# ## What the right side knows
#
# A task to which both sides matter: a text whose vowels have been blotted out, to be put in again. The loss counts at
# the blots alone. A network that reads from left to right, and one of as many weights that reads from both ends:

# %%
VOWELS, BLOT, SPAN = "aeiou", "_", 40
blotted_vocabulary = CharVocabulary(training + BLOT)


def windows(text, count, rng):
    """``count`` pieces of SPAN characters with their vowels blotted out -> {"x", "y" (SPAN, count), "mask"}."""
    starts = rng.integers(0, len(text) - SPAN, count)
    pieces = [text[start : start + SPAN] for start in starts]
    y = np.stack([blotted_vocabulary.encode(piece) for piece in pieces], axis=1)
    mask = np.stack([[character in VOWELS for character in piece] for piece in pieces], axis=1)
    return {"x": np.where(mask, blotted_vocabulary.encode(BLOT)[0], y), "y": y, "mask": mask}


class Blots:
    """Embedding, one recurrent layer, softmax: from left to right, or in both directions."""

    def __init__(self, hidden, both, seed=0):
        rng, V, self.both = np.random.default_rng(seed), len(blotted_vocabulary), both
        self.params = {
            "embedding": embedding.init(rng, V, 16),
            "lstm": bidirectional.init(rng, 16, hidden, lstm) if both else lstm.init(rng, 16, hidden),
            "softmax": dense.init(rng, 2 * hidden if both else hidden, V),
        }

    def gradients(self, chunk):
        """-> loss (nats per character that counts), gradients, logits (T, B, V)."""
        p, B = self.params, chunk["x"].shape[1]
        x, to_embedding = embedding.forward(chunk["x"], p["embedding"])
        if self.both:
            y, to_lstm = bidirectional.forward(x, np.full(B, len(x)), p["lstm"], lstm)
        else:
            y, _, to_lstm = lstm.forward(x, lstm.start(B, p["lstm"]), p["lstm"])
        logits, to_dense = dense.forward(y, p["softmax"])
        loss, to_logits = softmax_cross_entropy.forward(logits, chunk["y"], chunk["mask"])
        dy, softmax = dense.backward(softmax_cross_entropy.backward(to_logits), to_dense)
        if self.both:
            dx, recurrent = bidirectional.backward(dy, to_lstm)
        else:
            dx, _, recurrent = lstm.backward(dy, None, to_lstm)
        grads = {"embedding": embedding.backward(dx, to_embedding), "lstm": recurrent, "softmax": softmax}
        return float(loss), grads, logits


def learn(network, chunk_of, steps):
    """Train on ``chunk_of(rng)`` -> the loss of every step."""
    flat, rng, curve = backend.flatten(network.params), np.random.default_rng(0), []
    optimiser = Adam(flat)
    for step in range(steps):
        loss, grads, _ = network.gradients(chunk_of(rng))
        grads = backend.flatten(grads)
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, learning_rate(step, steps, peak=1e-2, warmup=20, schedule="cosine"))
        curve.append(loss)
    return np.array(curve)


judged, curves, networks, reached = windows(validation, 200, np.random.default_rng(1)), {}, {}, {}
names = {False: "from left to right", True: "from both ends"}
for both_ways, hidden in ((False, 64), (True, 42)):
    network = networks[both_ways] = Blots(hidden, both_ways)
    curves[both_ways] = learn(network, lambda rng: windows(training, 32, rng), 300)
    loss, _, logits = network.gradients(judged)
    right = (logits.argmax(axis=2) == judged["y"])[judged["mask"]].mean()
    weights = sum(array.size for array in backend.flatten(network.params).values())
    print(f"{names[both_ways]:18} {weights:,} weights: {loss:.3f} nats per vowel held out, {right:.1%} of them right")
    reached[both_ways] = loss
assert reached[True] < reached[False] - 0.05
for b in range(3):
    logits = networks[True].gradients(judged)[2]
    restored = np.where(judged["mask"], logits.argmax(axis=2), judged["x"])[:, b]
    print(repr(blotted_vocabulary.decode(judged["x"][:, b])), "->", repr(blotted_vocabulary.decode(restored)))

figure, ax = plt.subplots(figsize=(7.5, 3.6))
for both_ways, curve in curves.items():
    ax.plot(np.convolve(curve, np.ones(10) / 10, "valid"), label=names[both_ways])
ax.axhline(np.log(5), color=show.GREY, linestyle="--", linewidth=1)
ax.text(300, np.log(5) + 0.02, "any of five", ha="right", color=show.GREY)
ax.set(xlabel="step", ylabel="nats per vowel (mean of 10 steps)", ylim=(0, 2.2), title="Which vowel stood here?")
ax.legend(loc="lower left")
show.picture(figure, "21_vowels.png")

# %% [markdown]
# ## Too good to be true
#
# So why is the network that writes not bidirectional? Because at the time of writing there is no right side yet. And
# in training it would be worse than useless: the target of step $t$ is $x_{t+1}$, and the cell that reads from the
# right has just read it. Here is such a network, trained as a language model:

# %%
def next_characters(rng):
    """As `windows`, nothing blotted out: at every character, say the next one."""
    starts = rng.integers(0, len(training) - SPAN - 1, 32)
    ids = np.stack([blotted_vocabulary.encode(training[start : start + SPAN + 1]) for start in starts], axis=1)
    return {"x": ids[:-1], "y": ids[1:], "mask": np.ones((SPAN, 32), bool)}


cheating = {False: learn(Blots(64, False), next_characters, 150), True: learn(Blots(42, True), next_characters, 150)}
figure, ax = plt.subplots(figsize=(7.5, 3.4))
for both_ways, curve in cheating.items():
    ax.plot(curve, label=names[both_ways])
    print(f"{names[both_ways]:18} {curve[-10:].mean():.3f} nats per character after {len(curve)} steps")
ax.set(xlabel="step", ylabel="nats per character", ylim=(0, None), title="Saying the next character")
ax.legend()
show.picture(figure, "21_too_good.png")
assert cheating[True][-10:].mean() < 0.4 < 1.5 < cheating[False][-10:].mean()

# %% [markdown]
# A loss far below what is known to be possible is not a triumph but an alarm: the network sees what it should predict.
# (A part of what is left of its loss is the last character of each piece, which the right side does not see either.) A
# chapter on language models that read both ways would have to hide what is asked for, as the blots do; that is the
# idea of masked language models such as BERT.
#
# The reader of chapter 18 has both: three bidirectional layers, one upon the other. Its upper layers read, at every
# frame, what the lower ones have said about the whole line. The price is that it cannot begin before the line is
# complete, and that its state cannot be handed on from chunk to chunk: a line is read in one piece.
#
# ## Predict, then change, then run
#
# 1) A network that reads from right to left only: will it restore the vowels better than the one from left to right,
# as well, or worse? Decide for English, then turn the pieces round: in `windows`, put `[::-1]` after `text[start :
# start + SPAN]`, and compare the line of the first network. (The second one should not mind. Does it?)
#
# 2) In the last experiment, what will the loss of the bidirectional network be with SPAN at 10 instead of 40? Predict
# it from the remark about the last character before you run it.
#
# ## Three questions
#
# 1. How many weights has a bidirectional LSTM of $H$ units in each direction on $D$ inputs, and how many the one that
#    stands on top of it?
# 2. Two layers of $H$ units, or one layer run for two steps per input: what is the same, and what is different?
# 3. A colleague wants to read while the pen is still moving, and proposes a bidirectional network over the last
#    second. What does that cost, and what does it bring?
#
# The answers stand in `answers/21.md`.
