# %% [markdown]
# # 20. What the cells hold
#
# **Takes for granted**: chapters 4 and 11.
#
# **Runs for**: about 40 seconds: for training a network, or for watching that of the package, which is larger.
#
# **You should see**: gates that training has moved to their ends, and cells whose memory has become longer; units that
# anybody can name, found by asking every one of them the same questions, with the same search in an untrained network
# beside it; text coloured by what such a unit holds; and what becomes of the text if it is silenced.
#
# In chapter 4 a memory cell was made by hand, and everybody could say what it held. A trained network has hundreds
# that nobody has made. Karpathy, Johnson and Fei-Fei (2015) looked into those of networks that had learned text, and
# found cells that count the characters of a line, cells that are on inside quotation marks, and very many that mean
# nothing to us. This chapter looks in the same way.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import lstm
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.rebuild import SHIPPED_TEXT, load
from minirnn.reading.decoding import log_softmax
from minirnn.training.optimisers import Adam, clip_by_global_norm, learning_rate

# %% [markdown]
# ## A trained network
#
# The network of text that comes with the package, if it is installed, or a small one that learns for a few seconds:
# one LSTM of 128 units on the letters. The end of the letters is kept for looking: what a cell holds is to be found on
# text that it has not learned by heart.

# %%
letters = read_text(LETTERS)
learned, kept = letters[:-14_000], letters[-14_000:]


def small_network():
    """Train a `CharRNN` on the letters -> network, vocabulary."""
    chars, B, T, steps = CharVocabulary(learned), 32, 48, 480
    data = TextStreams(chars.encode(learned), B, T)
    network = CharRNN(len(chars), "lstm", layers=1, hidden=128, embed=32)
    flat = backend.flatten(network.params)
    optimiser = Adam(flat)
    for step in range(steps):
        fresh, chunk = data.chunk(*divmod(step, data.chunks(0)))
        state = network.start(B) if fresh else state  # noqa: F821 (the first chunk is fresh)
        _, state, cache = network.loss(chunk, state)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, learning_rate(step, steps, peak=1e-2, warmup=20, schedule="cosine"))
    return network, chars


network, chars = load(SHIPPED_TEXT, "CharRNN")[:2] if SHIPPED_TEXT.exists() else small_network()
untrained = CharRNN(**network.settings, seed=1)
text = "".join(character for character in kept if character in chars.symbols)
B, WARM = 10, 100  # streams side by side, and characters of each that only bring the state to life
T = len(text) // B
streams = [text[b * T : (b + 1) * T] for b in range(B)]
ids = np.stack([chars.encode(stream) for stream in streams], axis=1)


def losses(network):
    """The loss at every character but the first ones, (T - 1 - WARM, B): how surprised the network is by it."""
    log_p = log_softmax(network.forward(ids[:-1], network.start(B))[0])
    return -np.take_along_axis(log_p, ids[1:, :, None], axis=2)[WARM:, :, 0]


print(f"{network.settings['layers']} x {network.settings['hidden']} units; on text that was kept, "
      f"{losses(network).mean():.2f} nats per character, untrained {losses(untrained).mean():.2f}")  # fmt: skip

# %% [markdown]
# The cache of an LSTM holds what its way back needs, and that is what we want to see: the gates and the cell of every
# step. Here they are for every unit of every layer, the layers one after the other.

# %%
show.source(lstm.forward, "return h[1:]")


def watch(network):
    """i, f, o, g (4, T - WARM, B, N) and the cells c (T - WARM, B, N) of all N units while the network reads."""
    caches = network.forward(ids, network.start(B))[2]
    gates, cells = [], []
    for n in range(network.settings["layers"]):
        _, gates_of_layer, _, c, _, _ = caches[2 + 2 * n]  # after embedding and dropout, then every other one
        gates.append(np.stack(np.split(gates_of_layer[WARM:], 4, axis=2)))
        cells.append(c[1 + WARM :])
    return np.concatenate(gates, axis=3), np.concatenate(cells, axis=2)


(i, f, o, g), c = watch(network)
(i_new, f_new, o_new, _), c_new = watch(untrained)

# %% [markdown]
# ## Where the gates stand
#
# A gate of 0.5 says "half". A gate that decides is near 0 or near 1. For every unit: the share of the steps at which
# its gate is below 0.1, and the share at which it is above 0.9. A unit on the right is mostly shut, one at the top
# mostly open, one on the diagonal always decided, one in the corner at the left below never.

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.9), sharey=True)
NAMES = ("input gate i", "forget gate f", "output gate o")
for ax, name, gate, new in zip(axes, NAMES, (i, f, o), (i_new, f_new, o_new)):
    for values, colour, label in ((new, show.GREY, "untrained"), (gate, show.FORWARD, "trained")):
        shut, wide = (values < 0.1).mean(axis=(0, 1)), (values > 0.9).mean(axis=(0, 1))
        ax.plot(shut, wide, "o", color=colour, markersize=4, alpha=0.6, label=label)
    decided, before = (((values < 0.1) | (values > 0.9)).mean() for values in (gate, new))
    print(f"{name:13} below 0.1 or above 0.9 in {decided:.1%} of all cases, untrained {before:.1%}")
    ax.plot([0, 1], [1, 0], color=show.GREY, linewidth=0.8, linestyle="--")
    ax.set(title=name, xlabel="share of the steps below 0.1", xlim=(-0.03, 1), ylim=(-0.03, 1))
axes[0].set_ylabel("share above 0.9")
axes[0].legend()
show.picture(figure, "20_gates.png")
assert ((f < 0.1) | (f > 0.9)).mean() > 0.1 > ((f_new < 0.1) | (f_new > 0.9)).mean()

# %% [markdown]
# Untrained, all gates waver around a half. Training has made them decide, the forget gates most of all. And a forget
# gate that stands near 1 means a long memory. Chapter 4 has its length: of what was stored, $1/e$ is left after
#
# $$-\frac{1}{\log \bar f}$$
#
# steps, where $\bar f$ is the geometric mean of the unit's forget gate, since what is left is a product of gates.

# %%
figure, ax = plt.subplots(figsize=(7.5, 3.6))
bins = np.geomspace(0.3, 300, 45)
for gate, colour, name in ((f_new, show.GREY, "untrained"), (f, show.FORWARD, "trained")):
    memory = -1 / np.mean(np.log(np.maximum(gate, 1e-7)), axis=(0, 1))  # a gate may be shut to the last digit
    ax.hist(memory, bins, color=colour, alpha=0.7, label=name)
    print(f"{name:9}: memory of {np.median(memory):.1f} steps in the median, of {memory.max():.0f} in the longest unit")
ax.set(xscale="log", xlabel="steps until 1/e is left", ylabel="units", title="How long the cells remember")
ax.legend()
show.picture(figure, "20_memory.png")

# %% [markdown]
# The small network has two groups of units. The larger one remembers for about ten steps, which is a word or two; the
# other for less than one, which is enough to pass on what has just been read. (The mean hides something: a unit that
# keeps for twenty steps and then erases everything at once has a short mean and a long memory. Its gate decides
# *when*.)
#
# ## Questions to every unit
#
# Which unit holds what? Put the question to all of them: write down a quantity that can be read off the text at every
# character, and see how closely each unit's $\tanh(c)$ follows it, as a coefficient of correlation. To take the best
# of hundreds of units is to be lucky with some of them. So the unit is chosen on one half of the streams, and its
# coefficient measured on the other. And the untrained network is asked the same questions: some of its units follow
# the text, too, since what has just been read is in every state.

# %%
def since(text, marks):
    """How many characters ago the last of ``marks`` was, at every character of the text."""
    count, found = 0, []
    for character in text:
        count = 0 if character in marks else count + 1
        found.append(count)
    return np.array(found)


def inside_word(text):
    """1 where the next character goes on with the word, 0 where it does not."""
    return np.array([float(after.isalpha()) for after in text[1:]] + [0.0])


QUESTIONS = {
    "how far into the line": lambda text: np.minimum(since(text, "\n"), 75),
    "how far into the word": lambda text: np.minimum(since(text, " \n"), 10),
    "does the word go on": inside_word,
    "how far into the sentence": lambda text: np.minimum(since(text, ".?!"), 100),
    "is this a vowel": lambda text: np.array([character in "aeiou" for character in text]),
}


def correlations(values, cells):
    """Coefficients of correlation of values (T, B) with every unit of cells (T, B, N) -> (N,)."""
    values = (values - values.mean()) / values.std()
    cells = cells - cells.mean(axis=(0, 1))
    return np.tensordot(values, cells, ((0, 1), (0, 1))) / values.size / np.maximum(cells.std(axis=(0, 1)), 1e-9)


def best_unit(values, cells):
    """The unit that follows ``values`` best on the first half of the streams, and its coefficient on the second."""
    unit = int(np.argmax(np.abs(correlations(values[:, : B // 2], cells[:, : B // 2]))))
    return unit, correlations(values[:, B // 2 :], cells[:, B // 2 :])[unit]


held, held_new, found, lead = np.tanh(c), np.tanh(c_new), {}, {}
for question, of in QUESTIONS.items():
    values = np.stack([of(stream)[WARM:] for stream in streams], axis=1).astype(float)
    unit, strength = found[question] = best_unit(values, held)
    by_chance = best_unit(values, held_new)[1]
    lead[question] = abs(strength) - abs(by_chance)
    print(f"{question:26} unit {unit:4}: {strength:+.2f}; the best of the untrained network {by_chance:+.2f}")

# %% [markdown]
# Where the two columns are alike, nothing has been learned: it is no wonder that an untrained network knows which
# letter it has just read. Where they differ, training has made a unit hold something that no single character says.
# Here is a passage, coloured by the three units that are furthest ahead of the untrained ones; red is plus, blue is
# minus.

# %%
ROWS, COLUMNS = 7, 72


def colour_text(ax, passage, values, title):
    """The characters of a passage, each on a colour that says what a unit holds after reading it."""
    count = ROWS * COLUMNS
    ax.imshow(values[:count].reshape(ROWS, COLUMNS), cmap="RdBu_r", vmin=-1.8, vmax=1.8, aspect="auto")
    for place, character in enumerate(passage[:count]):
        row, column = divmod(place, COLUMNS)
        ax.text(column, row, character.replace("\n", "⏎"), ha="center", va="center", fontsize=7, family="monospace")
    ax.set(title=title, xticks=[], yticks=[])


shown = sorted(lead, key=lead.get)[-3:]
figure, axes = plt.subplots(3, 1, figsize=(11, 7.2))
for ax, question in zip(axes, shown):
    unit, strength = found[question]
    title = f"unit {unit}: {question}? ({strength:+.2f})"
    colour_text(ax, streams[-1][WARM:], held[:, -1, unit], title)
show.picture(figure, "20_coloured.png")

# %% [markdown]
# And one of them as chapter 4 drew the cell that was made by hand: its gates, its cell and what it shows, step by
# step. Compare the two pictures. Nobody has told this one when to erase.

# %%
unit = found["how far into the word"][0]
steps = slice(0, 64)
passage = streams[-1][WARM:][steps]
rows = np.stack([gate[steps, -1, unit] for gate in (i, f, o, g)] + [held[steps, -1, unit]])
rows = np.concatenate([rows, rows[2:3] * rows[4:5]])
figure, ax = plt.subplots(figsize=(11, 2.9))
image = ax.imshow(rows, cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto")
ax.set_yticks(range(6), ["i  write", "f  keep", "o  show", "g  new", "tanh c", "h"])
ax.set_xticks(range(len(passage)), passage.replace(" ", "␣").replace("\n", "⏎"), fontsize=8)
ax.axhline(3.5, color="black", linewidth=1)
ax.set(title=f"Unit {unit}, which follows how far the word has come", xlabel="the text, step by step")
figure.colorbar(image, ax=ax)
show.picture(figure, "20_one_unit.png")

# %% [markdown]
# ## Is it used?
#
# That a unit follows something does not show that the network uses it. So silence it: whoever reads its $h$ gets zero,
# which means a row of zeros in the matrices that $h$ goes into. Then look where the loss rises. For comparison, the
# same with twenty units taken at random.

# %%
def silenced(network, unit):
    """A copy of the network in which the output of ``unit`` reaches nobody."""
    layer, place = divmod(unit, network.settings["hidden"])
    copy = CharRNN(**network.settings)
    copy.params = backend.tree_map(np.copy, network.params)
    copy.params[network.recurrent[layer]]["Wh"][place] = 0
    above = network.recurrent[layer + 1] if layer + 1 < len(network.recurrent) else "softmax"
    copy.params[above]["W" if above == "softmax" else "Wx"][place] = 0
    return copy


after = np.stack([list(stream) for stream in streams], axis=1)[WARM + 1 :]
kinds = {"a letter": np.char.isalpha(after), "a space": after == " ", "a new line": after == "\n"}
whole, rng = losses(network), np.random.default_rng(0)
at_random = [losses(silenced(network, unit)) - whole for unit in rng.choice(c.shape[2], 20, replace=False)]
print(f"{'silenced':37}" + "".join(f"{kind:>13}" for kind in kinds))
for question in shown:
    unit = found[question][0]
    rise = losses(silenced(network, unit)) - whole
    print(f"unit {unit:4}, {question:26}" + "".join(f"{rise[where].mean():+13.3f}" for where in kinds.values()))
usual = [np.median([rise[where].mean() for rise in at_random]) for where in kinds.values()]
print(f"{'twenty others, in the median':37}" + "".join(f"{value:+13.3f}" for value in usual))

# %% [markdown]
# The rise of the loss, in nats, at the characters that are to be predicted. In the small network the unit that follows
# the word is worth 0.24 nats at every space; that of an ordinary unit is 0.005. It is really used to say when a word
# ends. At new lines the loss has become *smaller* without it: what ends a word there is the other character, and the
# unit had voted for the space.
#
# That one unit matters so much is the exception. There are many, and most of what one holds is held by others in part,
# so that it is hardly missed. A network is not a machine with labelled parts. The units that can be named were found
# because somebody looked for them, and the question was there before the answer.
#
# `python -m minirnn.studies.units` asks such questions of any run, on any text, and makes a page of the colours.
#
# ## Predict, then change, then run
#
# 1) A long memory ought to help with all of these questions, and forget gates are opened by their bias. Add 3 to the
# forget block of the biases of the untrained network, before it is watched. Which questions will its best units answer
# better then, which ones worse? Write down your reasons.
#
# ## Three questions
#
# 1. Here $\tanh(c)$ was compared with the text. Why not $h$, which is what the network shows to its other parts?
# 2. A unit has a coefficient of 0.9 with "how far into the line". Name two ways in which it could have got it without
#    the network ever using it to predict the end of a line.
# 3. A thousand units are asked about something that has nothing to do with the text: random numbers, one for every
#    character. How large is the best of their coefficients on 1000 characters, how large on 10,000, and how large on
#    text on which it was not chosen?
#
# The answers stand in `answers/20.md`.
