# %% [markdown]
# # 11. Sampling: from probabilities to text
#
# **Takes for granted**: chapter 1, above all softmax and nats. It helps to have seen an LSTM.
#
# **Runs for**: about 10 seconds, most of it for training a small network.
#
# **You should see**: one distribution in many shapes, as temperature, top-k and top-p make them; a network that falls
# into a rut when it always takes the likeliest letter; and what every gain in legibility costs in variety, measured.
#
# A trained network does not write. It says how likely each symbol is to come next, and somebody has to choose. The
# choice becomes the next input, so it decides all that follows. This chapter is about the choosing; what becomes of a
# network that reads its own words is measured in chapter 22.

# %%
import re
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm, learning_rate
from minirnn.writing.sampling import distribution, generate

# %% [markdown]
# ## A network to ask
#
# One LSTM of 96 units, a part of the letters, a few seconds of training. It learns to spell many of the short words and
# invents the long ones. That is enough here.

# %%
letters = read_text(LETTERS)
text, unread = letters[:60_000], letters[60_000:160_000]
vocabulary = CharVocabulary(text)
B, T, STEPS = 24, 32, 320
data = TextStreams(vocabulary.encode(text), B, T)
network = CharRNN(len(vocabulary), "lstm", layers=1, hidden=96, embed=32)
flat = backend.flatten(network.params)
optimiser, losses = Adam(flat), []
for step in range(STEPS):
    fresh, chunk = data.chunk(*divmod(step, data.chunks(0)))
    if fresh:
        state = network.start(B)
    loss, state, cache = network.loss(chunk, state)
    grads = backend.flatten(network.backward(cache))
    clip_by_global_norm(grads, 1.0)
    optimiser.step(flat, grads, learning_rate(step, STEPS, peak=1e-2, warmup=20, schedule="cosine"))
    losses.append(float(loss))
print(f"loss at the end: {np.mean(losses[-20:]):.2f} nats per character, uniform guess {np.log(len(vocabulary)):.2f}")

# %% [markdown]
# ## Drawing from a distribution
#
# To draw a symbol with probabilities p, lay pieces of the lengths $p_0, p_1, \ldots$ end to end on the interval from 0
# to 1, and drop a uniformly random number u onto it. The piece it falls on is the symbol; each is hit in proportion to
# its length. The ends of the pieces are the running sums of p:

# %%
def draw_plain(rng, p):
    """The id of a symbol drawn with the probabilities p (V,)."""
    return int(np.searchsorted(np.cumsum(p), rng.random() * p.sum(), side="right"))


def logits_after(seed_text):
    """The network's logits (V,) for what comes after ``seed_text``."""
    return network.forward(vocabulary.encode(seed_text)[:, None], network.start(1))[0][-1, 0].astype(np.float64)


z = logits_after("I went to the sta")
p = distribution(z)
rng = np.random.default_rng(0)
counts = np.bincount([draw_plain(rng, p) for _ in range(20_000)], minlength=len(p))
error = np.abs(counts / 20_000 - p).max()
print(f"20,000 draws: frequencies and probabilities differ by at most {error:.4f}")
assert error < 0.02
one, other = np.random.default_rng(1), np.random.default_rng(1)
assert [draw_plain(one, p) for _ in range(100)] == [int(other.choice(len(p), p=p)) for _ in range(100)]

# %% [markdown]
# NumPy's `rng.choice` does the same, draw for draw, and that is what the package uses.
#
# ## Temperature
#
# Divide all logits by a number $\tau$ before the softmax:
#
# $$p_v(\tau) = \frac{\exp(z_v / \tau)}{\sum_k \exp(z_k / \tau)} \;\propto\; p_v^{1/\tau}$$
#
# The ratio of two probabilities becomes $(p_v/p_w)^{1/\tau}$. With $\tau < 1$ it grows, what is likely gets likelier;
# as $\tau \to 0$ only the largest is left, the **greedy** choice. With $\tau > 1$ the ratios shrink, and as
# $\tau \to \infty$ all symbols are equally likely. The word comes from physics, where $\exp(-\text{energy}/\tau)$ is
# how often a state is met at that temperature.
#
# How undecided a distribution is, is its entropy $H = -\sum p \log p$, in nats. $H(\tau)$ can be differentiated: with
# $\log p_v = z_v/\tau - \log \sum \exp(z/\tau)$ and the derivative
# $dp_v/d\tau = -p_v (z_v - \text{mean of } z) / \tau^2$,
#
# $$
# \frac{dH}{d\tau} = -\sum_v \frac{dp_v}{d\tau} \log p_v - \sum_v \frac{dp_v}{d\tau}
# = \sum_v \frac{p_v\,(z_v - \text{mean})\, z_v}{\tau^3} = \frac{\mathrm{Var}(z)}{\tau^3} \ge 0
# $$
#
# (the sum of $dp_v/d\tau$ is zero, since $\sum p = 1$, and so the constant part of log p drops out, too). A higher
# temperature is more entropy, always, and most quickly where the logits of what is drawn vary most.

# %%
def temperature_plain(z, tau):
    """Logits z (V,) -> p (V,)."""
    e = np.exp(z / tau)
    return e / e.sum()


def entropy(p):
    """-Σ p log p in nats; symbols of probability 0 add nothing."""
    return np.sum(p[p > 0] * np.log(1 / p[p > 0]))


for tau in (0.3, 0.8, 1.0, 1.7):
    assert np.abs(temperature_plain(z, tau) - distribution(z, tau)).max() < 1e-12
    slope = (entropy(distribution(z, tau + 1e-5)) - entropy(distribution(z, tau - 1e-5))) / 2e-5
    p = distribution(z, tau)
    variance = p @ (z - p @ z) ** 2
    print(f"τ = {tau}: H = {entropy(p):.3f}, dH/dτ measured {slope:.4f}, Var(z)/τ³ {variance / tau**3:.4f}")
    assert abs(slope - variance / tau**3) < 1e-6
show.source(distribution, "z = np.asarray", "p /= p.sum()")


def draw_bars(ax, p, order, title):
    """The probabilities of the symbols in ``order``, those of probability zero marked on the axis."""
    ax.bar(range(len(order)), p[order], color=show.FORWARD)
    gone = np.nonzero(p[order] == 0)[0]
    ax.plot(gone, np.zeros(len(gone)), "x", color=show.ERROR, markersize=4)
    names = {" ": "␣", "\n": "⏎"}
    ticks = [names.get(vocabulary.symbols[v], vocabulary.symbols[v]) for v in order]
    ax.set_xticks(range(len(order)), ticks, fontsize=8)
    ax.set(title=f"{title}: {entropy(p):.2f} nats", ylim=(0, 1.02))


order = np.argsort(-z)[:18]
figure, axes = plt.subplots(1, 4, figsize=(13, 2.9), sharey=True)
for ax, tau in zip(axes, (0.3, 0.7, 1.0, 2.0)):
    draw_bars(ax, distribution(z, tau), order, f"τ = {tau}")
axes[0].set_ylabel("after “I went to the sta”")
show.picture(figure, "11_temperature.png")

# %% [markdown]
# ## Top-k and top-p
#
# The trouble with sampling at $\tau = 1$ is the tail. Most symbols are absurd at most places, each with a small
# probability, but there are many of them. If they come to 3% in sum, three of a hundred characters are absurd, and one
# absurd character spoils a word and throws the network off for several more. A low temperature suppresses the tail,
# but it also sharpens the choice among the good ones. So cut the tail off, and leave the rest as it is.
#
# **Top-k** keeps the k likeliest. But one k does not fit all places: after "q" two are too many, at the beginning of
# a word five are too few. **Top-p** (Holtzman et al. 2020) keeps as few as together have at least the probability p:
# few where the network is sure, many where it is not.

# %%
def top_k_plain(p, k):
    """Probabilities p (V,): only the k likeliest, made to sum to one again."""
    kept = sorted(range(len(p)), key=lambda v: -p[v])[:k]
    cut = np.array([p[v] if v in kept else 0.0 for v in range(len(p))])
    return cut / cut.sum()


def top_p_plain(p, enough):
    """Probabilities p (V,): the likeliest, one after the other, until they have ``enough``."""
    kept, total = [], 0.0
    for v in sorted(range(len(p)), key=lambda v: -p[v]):
        kept.append(v)
        total += p[v]
        if total >= enough:
            break
    cut = np.array([p[v] if v in kept else 0.0 for v in range(len(p))])
    return cut / cut.sum()


show.source(distribution, "order = ", "return p / p.sum()")
sure, unsure = logits_after("Thank yo"), logits_after("I went to the ")
for z in (sure, unsure, np.log(np.array([0.5, 0.25, 0.125, 0.125]))):
    p = distribution(z)
    for k in (1, 2, 3, 4):
        assert np.abs(distribution(z, top_k=k) - top_k_plain(p, k)).max() < 1e-12
    for enough in (0.3, 0.6, 0.9, 0.99):
        assert np.abs(distribution(z, top_p=enough) - top_p_plain(p, enough)).max() < 1e-12

figure, axes = plt.subplots(2, 3, figsize=(12.5, 5.4), sharey=True)
for row, z, seed_text in zip(axes, (sure, unsure), ("Thank yo", "I went to the ␣")):
    order = np.argsort(-z)[:18]
    for ax, options, title in zip(row, ({}, {"top_k": 5}, {"top_p": 0.9}), ("all", "top-k, k = 5", "top-p, p = 0.9")):
        draw_bars(ax, distribution(z, **options), order, title)
    row[0].set_ylabel(f"after “{seed_text}”")
show.picture(figure, "11_top_k_and_top_p.png")
kept = {name: int(np.sum(distribution(z, top_p=0.9) > 0)) for name, z in (("sure", sure), ("unsure", unsure))}
print("symbols that top-p keeps:", kept)
assert kept["sure"] < kept["unsure"]

# %% [markdown]
# How many does top-p keep along a text? Here is a line from the letters, with what the network thought at every
# place of it:

# %%
passage = "Dear Grandpa,\n\nThe clock you gave me runs again. I took it to Mr. Harris on Bridge"
logits = network.forward(vocabulary.encode(passage)[:, None], network.start(1))[0][:, 0].astype(np.float64)
places = slice(15, 70)
probabilities = np.array([distribution(z) for z in logits])[places]
nucleus = np.array([np.sum(distribution(z, top_p=0.9) > 0) for z in logits])[places]
shown = list(np.argsort(-probabilities.sum(axis=0))[:26])
figure, (upper, lower) = plt.subplots(2, 1, figsize=(12, 6.6), height_ratios=[3.2, 1], sharex=True)
upper.imshow(probabilities[:, shown].T ** 0.5, cmap="Blues", aspect="auto", vmin=0, vmax=1)
symbols = [{" ": "␣", "\n": "⏎"}.get(vocabulary.symbols[v], vocabulary.symbols[v]) for v in shown]
upper.set_yticks(range(len(shown)), symbols, fontsize=8)
following = passage[places.start + 1 : places.stop + 1]
for column, character in enumerate(following):
    row = symbols.index("␣" if character == " " else character) if vocabulary.encode(character)[0] in shown else None
    if row is not None:
        upper.plot(column, row, "o", color=show.ERROR, markersize=4)
upper.set_title("Probability of each next character (shade: its root); the circle is what really came")
lower.bar(range(len(nucleus)), nucleus, color=show.FORWARD)
lower.set_xticks(range(len(following)), [c.replace(" ", "␣") for c in following], fontsize=9)
lower.set_ylabel("kept by p = 0.9")
show.picture(figure, "11_along_a_text.png")

# %% [markdown]
# The bars are high at the beginnings of words and low inside them: a word is decided in its first letters.

# %%
first = np.array([before in " \n" and character.isalpha() for before, character in pairwise(passage)])[places]
inside = np.array([before.isalpha() and character.isalpha() for before, character in pairwise(passage)])[places]
print(f"kept at first letters of words {nucleus[first].mean():.1f} symbols, inside words {nucleus[inside].mean():.1f}")
assert nucleus[first].mean() > 1.5 * nucleus[inside].mean()

# %% [markdown]
# ## What comes out
#
# The same seed text, the same random numbers, and different ways to choose:

# %%
WAYS = {
    "greedy": {"greedy": True},
    "τ = 0.3": {"temperature": 0.3},
    "τ = 0.7": {"temperature": 0.7},
    "τ = 1": {"temperature": 1.0},
    "τ = 1, top-p 0.9": {"temperature": 1.0, "top_p": 0.9},
    "τ = 1, top-k 5": {"temperature": 1.0, "top_k": 5},
    "τ = 1.5": {"temperature": 1.5},
}
for name, options in WAYS.items():
    written = "".join(generate(network, vocabulary, "Dear ", 160, random_seed=0, **options))
    print(f"{name:18}| Dear {' '.join(written.split())}")

# %% [markdown]
# Greedy writing is the most probable *step* every time, and yet no likely text: it falls into a rut and repeats itself
# forever, since the state comes back to nearly the same place and there is no chance to leave it. People do not write
# the likeliest letter every time either. What they write costs about as many nats per letter as the model expects, its
# entropy; what greedy writing writes costs far less than any text does:

# %%
def cost_and_entropy(passage):
    """What a passage costs the network, and what the network expects it to cost, in nats per character."""
    ids = vocabulary.encode(passage)
    logits = network.forward(ids[:-1, None], network.start(1))[0][:, 0].astype(np.float64)
    p = np.array([distribution(z) for z in logits])
    return np.mean(-np.log(p[np.arange(len(p)), ids[1:]])), np.mean([entropy(row) for row in p])


greedily = "Dear " + "".join(generate(network, vocabulary, "Dear ", 600, random_seed=0, greedy=True))
known = "".join(character for character in unread[:3000] if character in vocabulary.symbols)
for name, passage_of in (("letters, not learned", known), ("greedy writing", greedily)):
    cost, expected = cost_and_entropy(passage_of)
    print(f"{name:21} {cost:.2f} nats per character, expected {expected:.2f}")

# %% [markdown]
# ## Measured
#
# Two figures for each way. *Legible*: the share of its words that occur in the text it learned from. *Varied*: of its
# sequences of eight characters, the share that occurs only once. The same for passages of real letters, which are the
# aim: from a part that the network has not learned, since in what it has learned every word occurs in it by definition.
# (Thirty streams at once: the network computes them side by side, each draws for itself. Greedy streams would all
# write the same, so each begins with a seed of its own.)

# %%
def sample_many(streams, length, *, temperature=1.0, top_k=0, top_p=1.0, greedy=False, seed=0):
    """Texts of ``length`` characters, each after another seed text from the corpus."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(text) - 20, streams)
    x = np.stack([vocabulary.encode(text[start : start + 20]) for start in starts], axis=1)
    state, ids = network.start(streams), []
    for _ in range(length):
        logits, state, _ = network.forward(x, state)
        rows = logits[-1].astype(np.float64)
        x = np.array([[row.argmax() if greedy else draw_plain(rng, distribution(row, temperature, top_k, top_p))
                       for row in rows]])  # fmt: skip
        ids.append(x[0])
    return [vocabulary.decode(column) for column in np.array(ids).T]


def words_of(passage):
    """The words of a passage, without the first and last, which may be cut off."""
    return re.findall(r"[a-z]+", passage.lower())[1:-1]


known_words = set(words_of(text))


def legible_and_varied(passages):
    """Share of known words; share of the passages' 8-grams that are the only one of their kind."""
    words = [word for passage in passages for word in words_of(passage)]
    grams = [passage[i : i + 8] for passage in passages for i in range(len(passage) - 7)]
    _, times = np.unique(grams, return_counts=True)
    return np.mean([word in known_words for word in words]), np.sum(times == 1) / len(grams)


settings = {f"τ = {tau}": {"temperature": tau} for tau in (0.3, 0.5, 0.7, 0.85, 1.0, 1.3)}
settings |= {f"top-p {p}": {"top_p": p} for p in (0.6, 0.8, 0.9, 0.95)}
settings |= {f"top-k {k}": {"top_k": k} for k in (2, 4, 8)} | {"greedy": {"greedy": True}}
results = {name: legible_and_varied(sample_many(30, 100, **options)) for name, options in settings.items()}
real = legible_and_varied([unread[start : start + 100] for start in range(0, 30 * 2000, 2000)])
print(f"{'':10} legible  varied")
for name, (legible, varied) in {**results, "real text": real}.items():
    print(f"{name:10} {legible:7.3f} {varied:7.3f}")

figure, ax = plt.subplots(figsize=(8, 4.8))
families = (("τ", show.FORWARD), ("top-p", show.ERROR), ("top-k", show.CELL), ("greedy", show.GREY))
for family, colour in families:
    points = np.array([result for name, result in results.items() if name.startswith(family)])
    ax.plot(points[:, 1], points[:, 0], "o-", color=colour, label=family)
    for name, (legible, varied) in results.items():
        if name.startswith(family):
            ax.annotate(name.removeprefix(family).strip(" ="), (varied, legible), textcoords="offset points",
                        xytext=(5, 5), size=8, color=colour)  # fmt: skip
ax.plot(real[1], real[0], "*", color="black", markersize=13)
ax.annotate("real text", (real[1], real[0]), textcoords="offset points", xytext=(-62, -4))
ax.set(xlabel="varied: share of 8-grams that occur once", ylabel="legible: share of known words",
       title="What legibility costs in variety")  # fmt: skip
ax.legend(loc="center")
show.picture(figure, "11_legible_and_varied.png")
assert results["τ = 0.3"][0] > results["τ = 1.0"][0] > results["τ = 1.3"][0]
assert results["greedy"][1] < results["τ = 0.3"][1] < results["τ = 1.0"][1]

# %% [markdown]
# Going up in legibility is going left in variety, whichever knob one turns. Does one of the knobs have a lead? The
# curves of temperature and top-p, compared at equal variety, for one seed of the random numbers:

# %%
def lead_of_top_p(seed):
    """How much more legible top-p is than temperature, on average over the varieties that both reach."""
    curves = []
    for name, values in (("temperature", (0.4, 0.5, 0.6, 0.7, 0.85, 1.0)), ("top_p", (0.5, 0.6, 0.7, 0.8, 0.9, 0.95))):
        points = [legible_and_varied(sample_many(30, 100, seed=seed, **{name: value})) for value in values]
        curves.append(np.array(sorted(points, key=lambda point: point[1])))
    varied = np.linspace(max(c[0, 1] for c in curves), min(c[-1, 1] for c in curves), 50)
    by_temperature, by_top_p = (np.interp(varied, curve[:, 1], curve[:, 0]) for curve in curves)
    return np.mean(by_top_p - by_temperature)


print(f"top-p leads by {lead_of_top_p(0):+.3f} of legibility")

# %% [markdown]
# With this seed it looks like a lead; with the next one the lead is the other's. Over the seeds 0 to 5, one call of
# `lead_of_top_p` each, the mean is 0.001, with a standard error of 0.005: none. (One curve of one draw is not a
# result.) No knob can bring both legibility and variety: a better network can. Greedy writing is at the far left: it
# has a handful of ruts, and it is luck whether they go round real words or invented ones.
#
# (Handwriting is different: the likeliest next move of the pen is nearly always to go straight on, and a low
# temperature on all moves makes long straight strokes. So the package sharpens only the choice within a kind of move,
# which direction or which lift: `minirnn.writing.pen.pen_distribution`.)
#
# ## Predict, then change, then run
#
# What does `generate` write at a temperature of 5 with top-k of 1? And does a temperature of 0.5 make top-p with 0.9
# keep more symbols, fewer, or as many? Answer first, then ask `distribution` for some logits of your own.
#
# ## Three questions
#
# 1. In which order does `distribution` apply temperature and top-p, and does the order matter? And for top-k?
# 2. Would a search for the text with the highest probability as a whole (beam search) write better than sampling?
# 3. A network was trained with dropout and is now asked with a temperature of 1. Its text looks as if drawn at a
#    temperature above 1. Name two faults of the program that would do that.
#
# The answers stand in `answers/11.md`.
