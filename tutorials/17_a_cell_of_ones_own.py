# %% [markdown]
# # 17. A cell of one's own
#
# **Takes for granted**: chapters 4 to 7, and the exercises up to the full LSTM.
#
# **Runs for** half a minute.
#
# **You should see**: three recurrent layers that the package does not have, each in about fifty lines, held against
# central differences, and learning; and what the check says of a mistake.
#
# ## What a cell is
#
# A network such as `minirnn.networks.char_rnn.CharRNN` knows nothing of its recurrent layer but four functions:
#
#     init(rng, D, H, dtype)         -> params, a dict of arrays
#     start(B, params)               -> the state before the first step, a tuple of arrays
#     forward(x, state, params)      -> y (T, B, H), the state after the last step, cache
#     backward(dy, dstate, cache)    -> dx, the error of the state before the first step, grads
#
# How many states there are, what they mean, and what is in the cache is the cell's own business. So a file with these
# four functions is a cell, and everything that works with an LSTM works with it.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, ValidationText, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import CELLS
from minirnn.networks import own_cell
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm, learning_rate
from minirnn.training.trainer import evaluate

names = [own_cell.load_cell(show.CELLS / f"{name}.py") for name in ("mgu", "peephole", "layer_norm")]
show.source(own_cell, "FUNCTIONS =")

# %% [markdown]
# ## A minimal gated unit
#
# The GRU of chapter 6 has two gates. Zhou et al. (2016) asked whether one would do, and let the forget gate decide both
# how much of the old state goes into the proposal and how much of the proposal is taken:
#
# $$
# \begin{split}
# f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f) \\
# n_t &= \tanh(x_t W_{xn} + (f_t\, h_{t-1})\, W_{hn} + b_n) \\
# h_t &= (1 - f_t)\, h_{t-1} + f_t\, n_t
# \end{split}
# $$
#
# Backward, follow $h_{t-1}$ to its three places: it is weighted with 1 - f, it stands in $q = f h_{t-1}$, and it goes
# through $W_{hf}$. And f stands in two: in the mean, and in q. Each place sends an error back, and they add up. That
# is all that there is to it; the file has the equations and, below them, the code.

# %%
print((show.CELLS / "mgu.py").read_text(encoding="utf-8"))

# %% [markdown]
# ## The check
#
# `python -m minirnn.gradcheck my_cell.py` tries such a file: shapes, dtypes, whether it writes into what it was given,
# whether five steps at once are two and then three, and every gradient. Here is what it says of a right cell, and of
# three mistakes, planted one at a time:

# %%
def complaints_about(source):
    """What the check says of a cell with this source."""
    module = type(own_cell)("planted")
    exec(source, module.__dict__)
    return own_cell.complaints(module)


mgu = (show.CELLS / "mgu.py").read_text(encoding="utf-8")
MISTAKES = {
    "right": ("dh = dh * (1 - f)", "dh = dh * (1 - f)"),
    "q's way to f forgotten": (" + dq * before)", ")"),
    "the gate's own Wh forgotten": (" + dz_f @ Wh[:, :H].T", ""),
    "dy written into": ("dh = dh + dy[t]", "dh = np.add(dh, dy[t], out=dy[t])"),
}
said = {}
for name, (line, fault) in MISTAKES.items():
    assert line in mgu
    said[name] = complaints_about(mgu.replace(line, fault))
    print(f"{name}:", *(said[name] or ["no complaints"]), sep="\n    ")
assert not said["right"] and all(said[name] for name in said if name != "right")

# %% [markdown]
# ## Two more
#
# *An LSTM with peepholes* (Gers and Schmidhuber 2000; it is the one of Graves 2013): the gates see the cell, each
# unit its own. Two of them see the cell before the step and the output gate the one after it, so the error of the
# cell gets three more terms, at two different times. That is the place to be careful, and the check decides.
#
# *Layer normalisation* (Ba, Kiros and Hinton 2016): the argument of tanh is brought to mean 0 and variance 1 over the
# units of one sequence before it goes on, so that the size of the state no longer depends on the size of the weights.
# Every entry of $a_t$ now stands in every entry of $\hat a_t$, in its own place and through the mean and the variance:
#
# $$da = \frac{e - \operatorname{mean}(e) - \hat a \operatorname{mean}(e\, \hat a)}{s}$$
#
# with e the error of $\hat a$ and s the standard deviation.
#
# The two means take out of the error what the normalisation would undo: a step that only shifts $a_t$, or only
# stretches it, changes nothing.

# %%
for name in names:
    assert own_cell.complaints(CELLS[name]) == []
    code = (show.CELLS / f"{name}.py").read_text(encoding="utf-8").split('"""\n', 1)[1]
    print(f"{name:12} {len([line for line in code.splitlines() if line.strip()])} lines of code, all gradients right")

# %% [markdown]
# ## They learn
#
# The same small network with each of them and with the package's own, the same batches, and the same learning rate:

# %%
text = read_text(LETTERS)[:40_000]
training, validation = text[:36_000], text[36_000:]
vocabulary = CharVocabulary(training)
B, T, STEPS = 16, 24, 150
data = TextStreams(vocabulary.encode(training), B, T)
held_out = ValidationText(vocabulary.encode(validation), 64, T)


def learn(cell):
    """A network with this cell, trained for STEPS steps -> losses (STEPS,), nats per character on held-out text."""
    network = CharRNN(len(vocabulary), cell, layers=1, hidden=48, embed=24)
    flat, losses = backend.flatten(network.params), []
    optimiser = Adam(flat)
    for step in range(STEPS):
        fresh, chunk = data.chunk(*divmod(step, data.chunks(0)))
        if fresh:
            state = network.start(B)
        loss, state, cache = network.loss(chunk, state)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, learning_rate(step, STEPS, peak=2e-2, warmup=10, schedule="cosine"))
        losses.append(float(loss))
    return np.array(losses), evaluate(network, held_out)


figure, ax = plt.subplots(figsize=(8, 4))
reached = {}
for cell, colour in zip((*names, "rnn", "lstm", "gru"), show.COLOURS):
    losses, reached[cell] = learn(cell)
    ax.plot(np.convolve(losses, np.ones(9) / 9, "valid"), color=colour, label=f"{cell}: {reached[cell]:.2f} held out")
    print(f"{cell:12} {reached[cell]:.3f} nats per character on text that was held out")
ax.set(xlabel="step", ylabel="nats per character (mean of 9 steps)", title="Three cells of one's own, and three others")
ax.legend()
show.picture(figure, "17_they_learn.png")
assert max(reached.values()) < 3

# %% [markdown]
# In so short a run on so little text the order of the cells says nothing about the cells. That all of them learn does
# say something: their gradients are right. For longer,
#
#     python -m minirnn.train --task text --minutes 3 --cell-from my_cell.py
#     python -m minirnn.generate runs/text-1 --seed "Dear " --cell-from my_cell.py
#
# A checkpoint holds weights and no program, so whoever uses such a run has to say where its cell is. Nothing else is
# ever taken for it.
#
# ## Predict, then change, then run
#
# In the minimal gated unit, exchange f and 1 - f in the last line of `forward` and leave `backward` as it is. What
# will the check say, of which arrays? And what will it say if `init` makes all weights zero? Predict both, then hand
# the changed sources to `complaints_about`.
#
# ## Three questions
#
# 1. The minimal gated unit has one gate for two purposes: whether the proposal sees the past, and whether the old state
#    is kept. Which combinations of the two can the GRU reach that this unit cannot?
# 2. Layer normalisation makes h independent of the size of $W_x$ and $W_h$ together. What does that do to the argument
#    of chapter 3, that the error shrinks or grows with the singular values of $W_h$?
# 3. A cell passes the gradient check and yet its network learns nothing at all. Name two faults of a cell that no
#    gradient check can find.
#
# The answers stand in `answers/17.md`.
