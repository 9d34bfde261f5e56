# %% [markdown]
# # 18. Reading without knowing where
#
# **Takes for granted**: chapters 1 and 5; exercises 17 and 18 ask for what is derived here, so do them first.
#
# **Runs for** a quarter of a minute.
#
# **You should see**: a probability that sums over thousands of paths, counted one by one and computed in two sweeps;
# the gradient as a difference of two distributions; and a network that is given only what a line says, and finds out
# where.
#
# ## The problem
#
# A network that reads looks at the ink frame by frame and gives, for every frame, a distribution over the characters.
# The label says "an", for forty frames. Which frames are the a? Nobody has said so, and a person who had to say it for
# every line would label very few lines. Connectionist temporal classification (Graves et al. 2006) asks for less: the
# network is right if it spells the text *somehow*.
#
# One more symbol is needed, the **blank**, written - here and numbered 0: "nothing new in this frame". A **path**
# names one symbol per frame. It spells a text if that text is left when first all repeats are merged and then all
# blanks are removed. So a a - n n, - a n - - and a - n n n all spell "an". The order of the two matters: to spell
# "nn", a blank has to stand between the two, or they would be merged.

# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np

from minirnn.course import show
from minirnn.layers import ctc, dense
from minirnn.training.optimisers import Adam


def spelled(path):
    """What a path of ids says: repeats merged, then blanks removed."""
    merged = [symbol for n, symbol in enumerate(path) if n == 0 or symbol != path[n - 1]]
    return [symbol for symbol in merged if symbol != 0]


assert spelled([1, 1, 0, 2, 2]) == spelled([0, 1, 2, 0, 0]) == [1, 2]
assert spelled([2, 2]) == [2] and spelled([2, 0, 2]) == [2, 2]

# %% [markdown]
# ## The probability of a text
#
# The frames are independent given the network's outputs, so the probability of a path is the product of its symbols'
# probabilities, and that of a text is the sum over all paths that spell it. Counted one by one, with seven frames and
# four symbols, that is $4^7 = 16,384$ paths:

# %%
def probability_plain(p, y):
    """p (T, V), y a list of ids -> the sum of the probabilities of all paths that spell y."""
    T, V = p.shape
    paths = (path for path in itertools.product(range(V), repeat=T) if spelled(path) == y)
    return sum(np.prod(p[np.arange(T), path]) for path in paths)


rng = np.random.default_rng(0)
z, y = 1.5 * rng.standard_normal((7, 4)), [1, 3, 3]
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
lengths, counts = np.array([len(z)]), np.array([len(y)])
loss, cache = ctc.forward(z[:, None], np.array(y)[:, None], lengths, counts)
print(f"counted {probability_plain(p, y):.12f}, by the package {np.exp(-loss * len(y)):.12f}")
assert abs(probability_plain(p, y) - np.exp(-loss * len(y))) < 1e-12

# %% [markdown]
# ## Two sweeps
#
# Put a blank before, between and after the characters: l = - a - n -, S = 2U + 1 places. A path walks through these
# places from left to right. From one frame to the next it stays, or moves on by one place, or by two, if that skips a
# blank between two *different* characters. So the sum over all beginnings of paths that are at place s in frame t
# follows from that of the frame before, and the sum over all endings from that of the frame after:
#
# $$
# \begin{split}
# \alpha_t(s) &= p_t(l_s) \left(\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + [\text{skip}]\, \alpha_{t-1}(s-2)\right) \\
# \beta_t(s) &= \beta^+_t(s) + \beta^+_t(s+1) + [\text{skip}]\, \beta^+_t(s+2), \quad
# \beta^+_t(s) = p_{t+1}(l_s)\, \beta_{t+1}(s)
# \end{split}
# $$
#
# $\alpha_t(s) \beta_t(s)$ is the sum over all paths that pass through place s in frame t. Whatever the frame, each
# path is counted once in $\sum_s \alpha_t(s) \beta_t(s)$, which is therefore P, for every t. That is a test that a
# program with a mistake does not pass.

# %%
def sweeps_plain(p, y):
    """p (T, V), y a list of ids -> α, β (T, S), the ids of the places (S,)."""
    l = [0] + [symbol for character in y for symbol in (character, 0)]
    T, S = len(p), len(l)
    skip = [s >= 2 and l[s] != 0 and l[s] != l[s - 2] for s in range(S)]
    alpha, beta = np.zeros((T, S)), np.zeros((T, S))
    alpha[0, :2], beta[-1, -2:] = p[0, l[:2]], 1
    for t in range(1, T):
        for s in range(S):
            before = alpha[t - 1, s] + (alpha[t - 1, s - 1] if s else 0) + (alpha[t - 1, s - 2] if skip[s] else 0)
            alpha[t, s] = p[t, l[s]] * before
    for t in reversed(range(T - 1)):
        after = p[t + 1, l] * beta[t + 1]
        for s in range(S):
            one = after[s + 1] if s + 1 < S else 0
            beta[t, s] = after[s] + one + (after[s + 2] if s + 2 < S and skip[s + 2] else 0)
    return alpha, beta, np.array(l)


alpha, beta, l = sweeps_plain(p, y)
P = alpha[-1, -2:].sum()
print("Σ α β in every frame:", (alpha * beta).sum(axis=1))
assert np.abs((alpha * beta).sum(axis=1) - P).max() < 1e-12 * P
assert np.abs(alpha - np.exp(cache[2][:, 0])).max() < 1e-12
show.source(ctc.forward_variables, "for t in range", "alpha[t] =")

# %% [markdown]
# The package keeps logarithms: over hundreds of frames the products are smaller than any float.
#
# ## The gradient
#
# Every path that spells the text has the factor $p_t(k)$ once, for the k that it has in frame t. So
# $\partial \log P / \partial \log p_t(k)$ is the share in P of the paths that have symbol k in frame t:
#
# $$\gamma_t(k) = \frac{1}{P} \sum_{s:\, l_s = k} \alpha_t(s)\, \beta_t(s), \qquad \sum_k \gamma_t(k) = 1$$
#
# Through the softmax, $\partial \log p_t(k) / \partial z_t(j) = \delta_{kj} - p_t(j)$, and since $\gamma$ sums to one
#
# $$
# \frac{\partial\,(-\log P)}{\partial z_t(j)} = -\sum_k \gamma_t(k)\,(\delta_{kj} - p_t(j)) = p_t(j) - \gamma_t(j)
# $$
#
# The same difference as in chapter 1, p - onehot; only that the target is no longer a fact but the network's own
# opinion of where the characters are, given that the text is true. It teaches itself.

# %%
gamma = np.zeros_like(p)
np.add.at(gamma.T, l, (alpha * beta / P).T)
dz = ctc.backward(cache)[:, 0] * len(y)
assert np.abs(gamma.sum(axis=1) - 1).max() < 1e-12
assert np.abs((p - gamma) - dz).max() < 1e-12

# %% [markdown]
# ## A network finds out where
#
# Made-up ink: each of five characters is a pattern of eight numbers that lasts for three to seven frames, with noise,
# and pauses between. The network is one dense layer over three frames at a time. It is given the texts, never the
# places.

# %%
CHARACTERS, D, T = 5, 8, 40
patterns = rng.standard_normal((CHARACTERS + 1, D))
patterns[0] = 0


def line_of(rng, length=5):
    """Frames (T, 3 D), what they are (T,), and the text (length,)."""
    text = rng.integers(1, CHARACTERS + 1, length)
    truth = np.zeros(T, int)
    t = rng.integers(1, 4)
    for character in text:
        lasts = rng.integers(3, 7)
        truth[t : t + lasts] = character
        t += lasts + rng.integers(1, 3)
    x = patterns[truth] + 0.6 * rng.standard_normal((T, D))
    around = np.pad(x, ((1, 1), (0, 0)))
    return np.hstack([around[:-2], x, around[2:]]), truth, text


def batch(rng, B=32):
    """x (T, B, 3 D), truth (T, B), y (U, B)."""
    return (np.stack(part, axis=1) for part in zip(*(line_of(rng) for _ in range(B))))


params, losses, pictures = dense.init(rng, 3 * D, CHARACTERS + 1, np.float64), [], {}
optimiser = Adam(params)
shown_x, shown_truth, shown_y = batch(np.random.default_rng(7), 1)
lengths, counts = np.full(32, T), np.full(32, 5)
for step in range(301):
    if step in (0, 40, 300):
        logits, _ = dense.forward(shown_x, params)
        pictures[step] = np.exp(logits[:, 0]) / np.exp(logits[:, 0]).sum(axis=1, keepdims=True)
    x, _, y = batch(rng)
    logits, to_dense = dense.forward(x, params)
    loss, to_ctc = ctc.forward(logits, y, lengths, counts)
    _, grads = dense.backward(ctc.backward(to_ctc), to_dense)
    optimiser.step(params, grads, 0.02)
    losses.append(float(loss))
print(f"nats per character: {losses[0]:.2f} at first, {losses[40]:.2f} after 40 steps, {losses[-1]:.2f} at the end")
read = spelled(pictures[300].argmax(axis=1).tolist())
print("the text:", shown_y[:, 0].tolist(), " read:", read)
assert losses[-1] < 0.5 and len(read) >= 4

figure, axes = plt.subplots(4, 1, figsize=(9, 6.4), sharex=True, height_ratios=[0.5, 1, 1, 1])
axes[0].imshow(np.eye(CHARACTERS + 1)[shown_truth[:, 0]].T[1:], aspect="auto", cmap="Greys", interpolation="nearest")
axes[0].set(title="Where the characters are (the network never learns this)", yticks=[])
for ax, (step, p_shown) in zip(axes[1:], pictures.items()):
    ax.plot(p_shown[:, 0], color=show.GREY, linestyle=":", label="blank")
    for k, colour in zip(range(1, CHARACTERS + 1), show.COLOURS):
        ax.plot(p_shown[:, k], color=colour, label=f"character {k}")
    ax.set(ylim=(0, 1.05), ylabel="p", title=f"after {step} steps")
axes[1].legend(ncols=6, fontsize=8, loc="upper center")
axes[-1].set(xlabel="frame")
show.picture(figure, "18_where.png")

# %% [markdown]
# Nobody has said where the characters are, and after forty steps the network has begun to find out: the frames that
# it is surest of come first, and from there its opinion of the rest feeds itself. In the end most characters are
# spikes rather than stretches, one or two frames among blanks. One frame per character is all that the loss asks for,
# and a spike is as good a spelling as a stretch (of character 3 the network has made a stretch; that is as good).
# Networks with more to learn, such as the reader of this package, at first say nothing but blanks, which are in every
# text, and so pay at once.
#
# Reading the likeliest symbol of every frame, merging and removing blanks (**greedy decoding**) gives the text of the
# likeliest *path*. The likeliest *text* may be another, since a text's probability is spread over its paths.
# Chapter 19 searches for that one with a beam, and draws both sweeps over a line of handwriting.
#
# ## Predict, then change, then run
#
# Suppose that the network knows nothing: all four symbols have probability 1/4 in each of seven frames. Which text is
# the likeliest one? Is "aba" as likely as "aab", and as "aaa"? Answer before you make such a p and ask
# `probability_plain`.
#
# ## Three questions
#
# 1. How many frames at least does "hello" need, and why not five?
# 2. The loss does not change if all characters come one frame later. What does that mean for somebody who wants to know
#    *when* a character was written?
# 3. Find distributions over two frames and the symbols -, a for which greedy decoding gives the empty text, although
#    "a" is the likeliest one.
#
# The answers stand in `answers/18.md`.
