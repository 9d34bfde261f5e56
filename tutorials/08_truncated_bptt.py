# %% [markdown]
# # 8. Truncated backpropagation through time
#
# **Takes for granted**: chapters 2 and 4.
#
# **Runs for**: about 10 seconds.
#
# **You should see**: what is handed from chunk to chunk and what is not; how far the truncated gradient of a network
# that reads English is from the full one, by length of chunk; and the sharp limit of what can be learned, on a task
# whose memory is known to the step: with chunks of T steps a lag below T is learned perfectly, a lag of T or more not
# at all.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import lstm
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm

# %% [markdown]
# ## A text without end
#
# A book has a million characters. Backpropagation through all of them would be one step of learning for a
# million steps of computing, and would need the states of all of them in memory. So the text is read in chunks of T
# steps; after each the gradient of that chunk is computed and the weights move.
#
# What happens at the border between two chunks? Forward, the state is handed on: h and c after the last step of one
# chunk are the state before the first step of the next, so the network has read everything from the beginning on.
# Backward, the error stops. What a later chunk has to say about the state that it was handed is not computed.

# %%
figure, ax = show.diagram(9.5, 3.6, 12, 4.2)
for n in range(9):
    x0 = 1.2 + 1.2 * n
    show.box(ax, x0, 2.0, f"$h_{n + 1}$", filled=True)
    show.arrow(ax, (x0 - 0.1, 1.0), (x0 - 0.1, 1.6))
    show.arrow(ax, (x0 + 0.1, 3.2), (x0 + 0.1, 2.4), colour=show.ERROR)
    ax.text(x0 - 0.1, 0.7, f"$x_{n + 1}$", color=show.FORWARD, ha="center")
    ax.text(x0 + 0.1, 3.35, f"$dy_{n + 1}$", color=show.ERROR, ha="center")
    if n < 8:
        show.arrow(ax, (x0 + 0.3, 2.1), (x0 + 0.9, 2.1))
        if n % 3 != 2:
            show.arrow(ax, (x0 + 0.9, 1.9), (x0 + 0.3, 1.9), colour=show.ERROR)
for border in (4.2, 7.8):
    ax.plot([border, border], [0.4, 3.9], color=show.GREY, linestyle="--")
    ax.text(border, 0.1, "state: handed on\nerror: cut", ha="center", color=show.GREY, size=8)
for n in range(3):
    ax.text(2.4 + 3.6 * n, 4.0, f"chunk {n + 1}, T = 3", ha="center")
show.picture(figure, "08_chunks.png")

# %% [markdown]
# In the package these are two lines. The one that hands on stands in the training loop: the state that `loss` returns
# goes into the next call. The one that cuts is the None in the place of `dstate`:

# %%
show.source(CharRNN.backward, "for name in reversed", "self.cell.backward")

# %% [markdown]
# (Chapter 2 handed `dstate` back from chunk to chunk and had the full gradient, to the last digit. It can be done, but
# only after all later chunks have been read, with weights that have not moved since.)
#
# And for many streams at once: stream b reads the b-th part of the text. Every epoch starts at another place, so that
# the borders do not cut the same words each time.

# %%
text = read_text(LETTERS)
vocabulary = CharVocabulary(text)
ids = vocabulary.encode(text)
show.source(TextStreams.chunk)
tiny = TextStreams(ids, B=2, T=12)
for epoch, index in ((0, 0), (0, 1), (1, 0), (1, 1)):
    fresh, chunk = tiny.chunk(epoch, index)
    print(f"epoch {epoch}, chunk {index}, stream 0 reads {vocabulary.decode(chunk['x'][:, 0])!r}"
          + (", the state starts at zero" if fresh else ", the state goes on"))  # fmt: skip

# %% [markdown]
# ## What is cut
#
# The full gradient is a sum over pairs: the loss of step s, and the use of a weight at step t ≤ s. Truncation keeps
# the pairs that lie in one chunk. In a chunk of T steps the first step's loss reaches back not at all, the last one's
# T - 1 steps: (T - 1) / 2 on average. Kept are the blue triangles:

# %%
steps, T = 24, 6
s, t = np.mgrid[1 : steps + 1, 1 : steps + 1]
kept = (t <= s) & ((s - 1) // T == (t - 1) // T)
shown = np.where(t > s, np.nan, kept)
figure, ax = plt.subplots(figsize=(4.8, 4.4))
ax.imshow(shown, cmap=plt.matplotlib.colors.ListedColormap(["#f3d3bf", show.FORWARD]), extent=(0.5, 24.5, 24.5, 0.5))
ax.set(xlabel="t: where a weight was used", ylabel="s: the step whose loss it is", title=f"Kept and cut, T = {T}")
ax.set(xticks=range(0, 25, 6), yticks=range(0, 25, 6))
show.picture(figure, "08_kept_and_cut.png")

# %% [markdown]
# Most of the area is cut. Whether most of the *gradient* is cut depends on how much there is off the diagonal, and
# chapter 3 has shown that errors fade with distance. So measure it on the thing itself: an LSTM that has learned some
# English, a stretch of 128 steps, once in one chunk (the full gradient) and once in chunks of T steps with the state
# handed on.

# %%
B, hidden = 16, 64
network = CharRNN(len(vocabulary), "lstm", layers=1, hidden=hidden, embed=24)
flat = backend.flatten(network.params)
optimiser, streams, state = Adam(flat), TextStreams(ids, B, 32), network.start(B)
losses = []
for index in range(160):
    fresh, chunk = streams.chunk(0, index)
    loss, state, cache = network.loss(chunk, state)
    grads = backend.flatten(network.backward(cache))
    clip_by_global_norm(grads, 1.0)
    optimiser.step(flat, grads, lr=5e-3)
    losses.append(float(loss))
print(f"loss from {losses[0]:.2f} to {np.mean(losses[-20:]):.2f} nats per character")


def gradient_in_chunks(network, chunk, T):
    """The gradient of Wh of the mean loss over ``chunk``, cut every T steps, the state handed on."""
    x, y = chunk["x"], chunk["y"]
    state, dWh = network.start(x.shape[1]), 0
    for first in range(0, len(x), T):
        part = {"x": x[first : first + T], "y": y[first : first + T]}
        _, state, cache = network.loss(part, state)
        dWh = dWh + network.backward(cache)["lstm1"]["Wh"] * len(part["x"]) / len(x)
    return dWh


network.params = backend.tree_map(lambda a: a.astype(np.float64), network.params)
LONG = 128
_, stretch = TextStreams(ids, B, LONG).chunk(1, 0)
lengths = [1, 2, 4, 8, 16, 32, 64]
errors = {}
for name, b_f in (("as trained", 0.0), ("$b_f$ raised by 3", 3.0)):
    network.params["lstm1"]["b"][hidden : 2 * hidden] += b_f
    full = gradient_in_chunks(network, stretch, LONG)
    cut = [gradient_in_chunks(network, stretch, T) for T in lengths]
    errors[name] = [np.linalg.norm(g - full) / np.linalg.norm(full) for g in cut]
    cosines = [np.vdot(g, full) / np.linalg.norm(g) / np.linalg.norm(full) for g in cut]
    print(name)
    for T, error, cosine in zip(lengths, errors[name], cosines):
        print(f"    T = {T:3}: error of the gradient {error:6.1%}, cosine with the full one {cosine:.4f}")
    if b_f == 0:
        other = gradient_in_chunks(network, TextStreams(ids, B, LONG).chunk(1, 1)[1], LONG)
        noise = np.linalg.norm(other - full) / np.linalg.norm(full)
        print(f"    another stretch of the text: {noise:.1%} away, in one chunk each")
assert errors["as trained"][-1] < 0.2 < errors["as trained"][0]
assert errors["as trained"][lengths.index(32)] < noise

figure, ax = plt.subplots(figsize=(7, 3.8))
for (name, curve), marker in zip(errors.items(), "os"):
    ax.loglog(lengths, curve, marker=marker, label=name)
ax.set_xticks(lengths, lengths)
ax.minorticks_off()
ax.set(xlabel="T, steps per chunk", ylabel="|truncated - full| / |full|", ylim=(0.008, 1))
ax.set_title("How wrong the truncated gradient is")
ax.legend()
show.picture(figure, "08_error_of_the_gradient.png")

# %% [markdown]
# For a network that reads English with a short memory, chunks of some 32 to 64 steps lose a few percent: less than
# the noise between one mini-batch and the next. The same network with its forget gates pushed open, so that its cells
# reach further back, loses more. The right T depends on how far the network looks; and, which is the catch, how far
# it *learns to look* depends on T.
#
# ## What can be learned
#
# A task with a memory known to the step: say again what came L steps ago, in an endless stream of random symbols.
# L = 4, three symbols, guessing costs log 3. Every network reads equally many symbols, in chunks of T steps with the
# state handed on.

# %%
def learn_echo(T, lag, symbols, V=3, B=32, keep_state=True, seed=0):
    """Train an LSTM to say what came ``lag`` steps ago, in chunks of T -> (symbols read, loss) after each chunk."""
    rng = np.random.default_rng(seed)
    stream = rng.integers(0, V, (symbols // B + lag, B))
    network = CharRNN(V, "lstm", layers=1, hidden=32, embed=8, seed=seed)
    flat = backend.flatten(network.params)
    optimiser, state, losses = Adam(flat), network.start(B), []
    for first in range(lag, len(stream) - T + 1, T):
        chunk = {"x": stream[first : first + T], "y": stream[first - lag : first - lag + T]}
        loss, after, cache = network.loss(chunk, state)
        state = after if keep_state else network.start(B)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, lr=5e-3)
        losses.append(float(loss))
    return B * T * np.arange(1, len(losses) + 1), np.array(losses)


lag, symbols, final = 4, 110_000, {}
figure, ax = plt.subplots(figsize=(7.5, 4.2))
for T in (2, 4, 5, 8, 16):
    read, losses = learn_echo(T, lag, symbols)
    width = max(1, 6400 // (32 * T))  # a mean over equally many symbols
    ax.plot(read[width - 1 :], np.convolve(losses, np.ones(width) / width, "valid"), label=f"T = {T}",
            linestyle="--" if lag >= T else "-")  # fmt: skip
    final[T] = losses[-width:].mean()
    print(f"T = {T:2}: {final[T]:.3f} nats at the end ({'lag >= T' if lag >= T else 'lag < T'})")
_, thrown_away = learn_echo(8, lag, symbols, keep_state=False)
print(f"T = 8, the state thrown away at each border: {thrown_away[-25:].mean():.3f} nats; "
      f"lag / T of the targets lie beyond the border: {lag / 8 * np.log(3):.3f}")  # fmt: skip
ax.axhline(np.log(3), color=show.GREY, linestyle="--", linewidth=1)
ax.text(symbols, np.log(3) + 0.02, "guessing", ha="right", color=show.GREY)
ax.set(xlabel="symbols read", ylabel="nats per symbol", ylim=(0, 1.25), title=f"Saying again what came {lag} steps ago")
ax.legend(loc="lower left", ncols=2)
show.picture(figure, "08_echo.png")
assert final[2] > 0.9 and final[4] > 0.9 and final[8] < 0.1 and final[16] < 0.1
assert abs(thrown_away[-25:].mean() - lag / 8 * np.log(3)) < 0.1

# %% [markdown]
# Three things are worth seeing.
#
# *The limit is sharp.* With T ≤ L no loss ever sends an error to the step where the symbol came in, and the path is
# never learned, however long one waits. The state is handed on all the time, so the network could remember; but no
# error ever asks it to. (The loss dips a little below guessing, since random weights keep some trace of every input
# for a while, and the last layer finds it. Reservoir computing depends on that.)
#
# *Above the limit the borders do not matter.* With T = 8 half of the targets lie in the chunk before, and no error
# comes from them. They are right nevertheless in the end: the weights are the same at every step, and what was
# learned from the pairs that were kept serves those that were cut. This works only because the state is handed on;
# with the state thrown away, half of the targets can only be guessed.
#
# *A larger T is not free.* Equal numbers of symbols in longer chunks are fewer steps of learning, and the memory for
# the cache grows with T:

# %%
for T in (16, 64, 256):
    x = np.zeros((T, 32, 64), np.float32)
    params = lstm.init(np.random.default_rng(0), 64, 256)
    cache = lstm.forward(x, lstm.start(32, params), params)[2]
    size = sum(array.nbytes for array in cache if isinstance(array, np.ndarray))
    print(f"T = {T:3}: one LSTM of 256 units, batch 32, keeps {size / 2**20:.1f} MiB for its way back")

# %% [markdown]
# So T is chosen a little longer than the longest dependence that one hopes to learn, and as short as that allows. For
# letters 64 to 128; for handwriting, with some fourteen pen moves a character, 128 moves are nine letters, which is why
# there the window (chapter 14) and not the memory has to find the place in the text.
#
# ## Predict, then change, then run
#
# In the echo, take a lag of 1 and chunks of T = 2. Half of the targets have their source in the chunk before. Will it
# be learned? And with the state thrown away at every border? Write down both losses before you call `learn_echo`.
#
# ## Three questions
#
# 1. With T = 5 and L = 4 only one target in five sends an error to its source, with T = 16 twelve in sixteen. Why does
#    the echo become perfect with T = 5 all the same, and why does it even learn faster in the picture?
# 2. One could cut differently: a step of learning every 4 steps, each time going 32 steps back. What would be better,
#    what would it cost?
# 3. The weights move after every chunk, but the state that is handed on was computed with the weights before. Is that a
#    mistake?
#
# The answers stand in `answers/08.md`.
