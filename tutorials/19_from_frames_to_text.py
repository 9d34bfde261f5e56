# %% [markdown]
# # 19. From frames to text
#
# **Takes for granted**: chapters 11 and 18.
#
# **Runs for**: about 40 seconds, most of it for training a small reader, if the package's own is not installed.
#
# **You should see**: the two sweeps of chapter 18 over a real line; a text that is likelier than the text of the
# likeliest path; a search that keeps all texts and finds probabilities that add up to one, and the same search with a
# few of them, drawn as it goes along a line of handwriting; and a language model that decides what the ink leaves
# open.
#
# Chapter 18 trained a network to read, and read with it by taking the likeliest symbol of every frame. That is quick,
# and it asks the wrong question. This chapter asks the right one: which *text* is the likeliest, given the ink, and
# given that somebody wrote it who writes English?

# %%
import collections
import itertools
import pathlib
import re
import tempfile

import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import hand, show
from minirnn.datasets.reader_lines import collate
from minirnn.datasets.text import LETTERS, TextStreams, read_text
from minirnn.ink.strokes import normalise
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.layers import ctc
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.reader_rnn import ReaderRNN
from minirnn.reading import decoding
from minirnn.reading.decoding import beam_search, errors, greedy
from minirnn.reading.reader import SHIPPED, SHIPPED_TEXT, Reader
from minirnn.training.optimisers import Adam, clip_by_global_norm, learning_rate

# %% [markdown]
# ## A reader
#
# Two networks are needed. One reads: `ReaderRNN`, from the pen symbols of chapter 13 to a distribution over the blank
# and the characters in every frame, three symbols being one frame. The other knows English: a `CharRNN`, as in chapter
# 11. Where the package brings weights for them, they are used here; where it does not, two small ones are trained now,
# on the letters of `hand.py` and on a part of the package's letters, which takes half a minute. Everything below holds
# for either pair.

# %%
letters = read_text(LETTERS)
learned, unread = letters[:60_000], letters[60_000:]
SMALL = "adeghilnorstu"  # the letters that hand.py can write


def learn(network, chunk_of, steps, peak):
    """Train ``network``: ``chunk_of(step)`` gives a chunk, and whether the state begins anew."""
    flat = backend.flatten(network.params)
    optimiser = Adam(flat)
    for step in range(steps):
        chunk, fresh = chunk_of(step)
        state = network.start(chunk["x"].shape[1]) if fresh else state  # noqa: F821 (the first chunk is fresh)
        loss, state, cache = network.loss(chunk, state)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, learning_rate(step, steps, peak=peak, warmup=20, schedule="trapezoid"))
    print(f"a {network.kind} of {network.count():,} weights, {steps} steps: {float(loss):.2f} nats per character")
    return {f"params.{name}": array for name, array in flat.items()}


def small_reader(path):
    """Train a `ReaderRNN` on 480 pairs of words in the hand of hand.py and save it."""
    rng, join = np.random.default_rng(0), 3
    words = sorted(set(re.findall(rf"\b[{SMALL}]+\b", learned)))
    texts = [" ".join(rng.choice(words, 2)) for _ in range(480)]
    lines = [normalise(hand.write(text, rng, wobble=rng.uniform(0.03, 0.09))) for text in texts]
    chars, pens = CharVocabulary(" " + SMALL), PenVocabulary.fit_lifts(lines[:200], count=48, directions=32, step=0.5)
    ids, targets = [pens.encode(line) for line in lines], [chars.encode(text) + 1 for text in texts]
    order = np.argsort([len(line) for line in ids])  # lines of like length together: less padding
    chunks = [collate([ids[n] for n in part], [targets[n] for n in part], pens, join) for part in order.reshape(30, 16)]
    network = ReaderRNN(len(pens), len(chars), pens.n_heights, layers=1, hidden=48, embed=24, join=join)
    params = learn(network, lambda step: (chunks[rng.integers(len(chunks))], True), 400, peak=1e-2)
    meta = {"symbols": chars.symbols, "directions": pens.directions, "step_length": pens.step}
    checkpoint.save(path, {"kind": network.kind, "network": network.settings, **meta},
                    {**params, "extra.lifts": pens.lifts})  # fmt: skip
    return path


def small_text_network(path):
    """Train a `CharRNN` on the first letters and save it."""
    chars = CharVocabulary(learned)
    data = TextStreams(chars.encode(learned), 24, 32)
    network = CharRNN(len(chars), layers=1, hidden=96, embed=32)
    params = learn(network, lambda step: data.chunk(*divmod(step, data.chunks(0)))[::-1], 320, peak=1e-2)
    checkpoint.save(path, {"kind": network.kind, "network": network.settings, "symbols": chars.symbols}, params)
    return path


with tempfile.TemporaryDirectory() as folder:
    reader = Reader(
        None if SHIPPED.exists() else small_reader(pathlib.Path(folder) / "reader.npz"),
        None if SHIPPED_TEXT.exists() else small_text_network(pathlib.Path(folder) / "text.npz"),
    )

# %% [markdown]
# And lines to be read: pieces of the letters that neither small network has learned from, in a hand that is in a
# hurry. On half of them the decoding may be tuned; the other half is there to say honestly how well that went.

# %%
pieces = re.findall(rf"(?<![a-zA-Z'])[{SMALL}]+(?: [{SMALL}]+){{2,5}}(?![a-zA-Z'])", unread)
written = [piece for piece in dict.fromkeys(pieces) if 12 <= len(piece) <= 24][:32]
rng = np.random.default_rng(0)
lines = [hand.write(text, rng, wobble=0.07) for text in written]
encoded, log_ps = zip(*reader.log_probabilities(lines))  # pen symbols (N,), log p (T, V) of every line
by_frame = [reader.chars.decode(greedy(log_p[:, None], np.array([len(log_p)]))[0] - 1) for log_p in log_ps]


def error_rate(texts, found):
    """Characters to be changed, left out or put in, as a share of the characters that were written."""
    return sum(map(errors, texts, found)) / sum(map(len, texts))


for text, found in zip(written[:5], by_frame):
    print(f"{text!r:28} is read as {found!r}")
print(f"{len(written)} lines, frame by frame: {error_rate(written, by_frame):.3f} of the characters wrong")

# %% [markdown]
# One of these lines serves for the pictures: a short one that is read wrongly now, and rightly at the end of the
# chapter, so that there is something to be seen. First as chapter 18 sees it, with its text known: the sum over the
# beginnings of paths, $\alpha_t(s)$, the sum over their endings, $\beta_t(s)$, and what they say together of where the
# characters are,
#
# $$\gamma_t(s) = \frac{\alpha_t(s)\,\beta_t(s)}{P}.$$

# %%
def decoded(log_p, **options):
    """The likeliest text of a line that the package's beam search finds."""
    return reader.chars.decode(np.array(beam_search(log_p, **options)[0][1], int) - 1)


helped = [decoded(log_p, language=reader.language, weight=1.0, bonus=2.0) for log_p in log_ps]
mended = [n for n, text in enumerate(written) if by_frame[n] != text == helped[n]]
chosen = min(mended or range(len(written)), key=lambda n: len(log_ps[n]))
text, log_p, ids = written[chosen], log_ps[chosen], encoded[chosen]
frames = np.arange(len(log_p))


def draw_ink(ax, strokes, ids):
    """The ink of a line over its frames: each point of it stands where the pen was about in that frame."""
    x = np.maximum.accumulate(np.cumsum(reader.pens.vectors[ids, 0])[:: reader.network.join])
    knots = np.linspace(0, len(x) - 1, 6).round().astype(int)  # a few, so that letters keep their shapes
    strokes, places = normalise(strokes), x[knots]
    ink = np.concatenate(strokes)[:, 0]
    places[[0, -1]] = ink.min(), ink.max()
    for stroke in strokes:
        where = np.interp(stroke[:, 0], places, knots)
        ax.plot(where, stroke[:, 1], "." if len(stroke) == 1 else "-", color="black", linewidth=1.5, markersize=4)
    ax.invert_yaxis()
    ax.axis("off")


y = reader.chars.encode(text) + 1
_, cache = ctc.forward(log_p[:, None], y[:, None], np.array([len(log_p)]), np.array([len(y)]))
_, log_of_places, log_alpha, labels, skip, last, lengths, log_P, _ = cache
log_beta = ctc.backward_variables(log_of_places, skip, last, lengths)
log_gamma = log_alpha + log_beta - log_P
assert np.abs(np.exp(log_gamma).sum(axis=2) - 1).max() < 1e-9  # in every frame each path is at one place
figure, axes = plt.subplots(4, 1, figsize=(11, 9), sharex=True, height_ratios=[0.7, 1, 1, 1])
draw_ink(axes[0], lines[chosen], ids)
axes[0].set_title(f"{text!r}, its ink over the frames; what the likeliest symbols say: {by_frame[chosen]!r}")
for ax, values, title in zip(axes[1:], (log_alpha, log_beta, log_gamma),
                             (r"$\log\,\alpha_t(s)$", r"$\log\,\beta_t(s)$", r"$\log\,\gamma_t(s)$")):  # fmt: skip
    ax.imshow(values[:, 0].T, aspect="auto", cmap="magma", vmin=-25, vmax=0, interpolation="nearest")
    ax.set_yticks(range(1, 2 * len(text), 2), text.replace(" ", "␣"), fontsize=8)
    ax.set(title=title, ylabel="place in the text")
axes[-1].set(xlabel="frame")
show.picture(figure, "19_forward_and_backward.png")

# %% [markdown]
# From the top left corner $\alpha$ spreads out: after a few frames a path may be at many places, most of them
# unlikely. $\beta$ does the same backwards from the lower right corner. Where both are large, a narrow staircase is
# left. Its bright treads are the blanks between the characters, and each step from one to the next is a character.
#
# ## The likeliest path is not the likeliest text
#
# Two frames, the blank and one character, with $p(\text{-}) = 0.6$ and $p(\text{a}) = 0.4$ in both. The likeliest path
# is - -, with 0.36, and spells nothing. But three paths spell "a", with $0.4 \cdot 0.4 + 2 \cdot 0.6 \cdot 0.4 =
# 0.64$. The probability of a text is spread over its paths, and the symbols of the likeliest path do not know that.
#
# For a known text chapter 18 computes the whole sum. But there are $V^{\,U}$ texts of $U$ characters. So the search
# has to build texts from their beginnings, in one sweep over the frames, and must not keep all of them.
#
# ## The sum, for all beginnings at once
#
# Let $y_t(k)$ be the probability of symbol $k$ in frame $t$. For a text $\ell$, consider all paths of the first $t$
# frames that spell $\ell$. They come in two kinds, those that end in a blank and those that end in the last character
# of $\ell$. Their sums are $p^b_t(\ell)$ and $p^n_t(\ell)$. From frame $t-1$ to frame $t$:
#
# *A path that ends in a blank* spelled $\ell$ already one frame before, whatever it ended in:
#
# $$p^b_t(\ell) = y_t(\text{-})\,\bigl(p^b_{t-1}(\ell) + p^n_{t-1}(\ell)\bigr)$$
#
# *A path that ends in $k$, the last character of $\ell$*, may have been there one frame before. Then it ended in $k$
# and the two are merged, for with a blank at its end it would now spell one $k$ more:
#
# $$y_t(k)\,p^n_{t-1}(\ell)$$
#
# Or it spelled $\ell'$, which is $\ell$ without its last character, and this frame has added it. After a blank that is
# always so; after a character only if that character is another one, since equal ones would be merged:
#
# $$y_t(k)\,\bigl(p^b_{t-1}(\ell') + [k \neq \text{last of } \ell']\; p^n_{t-1}(\ell')\bigr)$$
#
# $p^n_t(\ell)$ is the sum of these two. There are no other paths. At the start there is only the empty text, $p^b_0 =
# 1$, $p^n_0 = 0$. It is the reason for keeping two numbers per text and not one: whether the next $k$ is a new
# character depends on what stands before it.

# %%
def beam_plain(p, width=None, language=None, weight=0.0, bonus=0.0):
    """p (T, V) -> for every frame the ``width`` likeliest beginnings (None: all), {ids: (p^b, p^n)}, best first."""
    beam, history = {(): (1.0, 0.0)}, []
    if language is not None:
        language.begin()
    for y in p:
        found = collections.defaultdict(lambda: [0.0, 0.0])
        for beginning, (blank, character) in beam.items():
            found[beginning][0] += y[0] * (blank + character)
            last = beginning[-1] if beginning else 0
            if last:
                found[beginning][1] += y[last] * character
            factors = np.exp(bonus + weight * language.after(beginning)) if language is not None else np.ones(len(y))
            for k in range(1, len(y)):
                found[*beginning, k][1] += y[k] * factors[k] * (blank if k == last else blank + character)
        possible = [beginning for beginning in found if sum(found[beginning]) > 0]  # "aa" in two frames is not
        kept = sorted(possible, key=lambda beginning: -sum(found[beginning]))[:width]
        beam = {beginning: tuple(found[beginning]) for beginning in kept}
        if language is not None:
            language.keep(beam)
        history.append(beam)
    return history


rng = np.random.default_rng(1)
z = 1.5 * rng.standard_normal((6, 4))
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
everything = beam_plain(p)[-1]
print(f"{len(p)} frames, {p.shape[1]} symbols: {p.shape[1] ** len(p)} paths, {len(everything)} texts, "
      f"whose probabilities sum to {sum(map(sum, everything.values())):.15f}")  # fmt: skip
assert abs(sum(map(sum, everything.values())) - 1) < 1e-12
for spelled, probabilities in list(everything.items())[:50]:
    y = np.array(spelled, int)[:, None]
    loss, _ = ctc.forward(z[:, None], y, np.array([len(z)]), np.array([len(spelled)]))
    assert abs(sum(probabilities) - np.exp(-loss * max(len(spelled), 1))) < 1e-12

# %% [markdown]
# Nothing was lost and nothing was counted twice: the probabilities of all texts add up to one, and each is what the
# two sweeps of chapter 18 find for it.
#
# ## A beam
#
# The number of beginnings grows with every frame. Most of them will never matter. So after each frame only the $W$
# likeliest are kept (the **beam**, of width $W$), and all others are given up, together with everything that they
# might have become. What is found is then no longer certain to be the likeliest text, and its probability may lack the
# paths that were given up; but in practice a few beginnings are enough, because a reader is mostly sure.
#
# The package does the same in logarithms. Two tricks make it quick: of every frame only the likeliest symbols are
# tried, and where a frame is nearly certainly a blank, only the blank is.

# %%
show.source(decoding._next, "for prefix, (b, n)", "add((*prefix, k)")
found = beam_search(np.log(p), width=10_000)
assert all(abs(np.exp(score) - sum(everything[spelled])) < 1e-12 for score, spelled in found)


print("width   wrong   mean log p of what is found")
for width in (1, 2, 4, 16):
    results = [beam_search(log_p, width)[0] for log_p in log_ps]
    texts = [reader.chars.decode(np.array(spelled, int) - 1) for _, spelled in results]
    print(f"{width:5} {error_rate(written, texts):7.3f} {np.mean([score for score, _ in results]):12.4f}")

# %% [markdown]
# A wider beam finds more of the probability, and likelier texts. But the share of wrong characters hardly moves: the
# network says what it sees, and where a letter was written badly, the likeliest text is a wrong one. The search is not
# at fault. What is missing is knowledge of the language.
#
# ## What was probably written
#
# Bayes' rule says what to look for. Of all texts $\ell$, the one that is likeliest given the ink:
#
# $$P(\ell \mid \text{ink}) \propto P(\text{ink} \mid \ell)\;P(\ell)$$
#
# The second factor is a language model, and chapter 1 has one that multiplies up along the text, $\log P(\ell) =
# \sum_u \log P(\ell_u \mid \ell_1 \dots \ell_{u-1})$. The first would be a network that writes. The reader is neither:
# it gives $P(\ell \mid \text{ink})$ itself, in which its own idea of the language, from the texts it has learned from,
# is contained already, to an unknown degree. So the two are simply weighed against each other, in logarithms:
#
# $$\text{score}(\ell) = \log P_\text{reader}(\ell \mid \text{ink})
# + \lambda \log P_\text{language}(\ell) + \mu\,|\ell|$$
#
# $\lambda$, the weight, says how much the language counts; both models are too sure of themselves, so that 1 is not
# distinguished. And since every further character costs a language model about two nats, it prefers short texts; the
# bonus $\mu$ per character makes up for that. Neither follows from theory. Both are chosen on lines that were held
# back.
#
# In the search, a beginning's probability is multiplied by the language model's factor $e^{\lambda \log P(k \mid
# \ell') + \mu}$ where a character is added, and only there: once for every character, however many frames it takes.
# The language model has a state for every beginning, and new beginnings are run through its network together:

# %%
show.source(type(reader.language).keep, "if new:", "log_p, state = ")
short = log_p[: len(log_p) // 2]  # the plain version tries every symbol of every frame, which takes longer
options = {"language": reader.language, "weight": 0.5, "bonus": 0.5}
ours = beam_plain(np.exp(short), 8, **options)[-1]
score, spelled = beam_search(short, 8, **options)[0]
found = reader.chars.decode(np.array(spelled, int) - 1)
print(f"half a line: plain {np.log(sum(ours[spelled])):.4f}, the package {score:.4f} for {found!r}")
assert abs(np.log(sum(ours[spelled])) - score) < 0.05  # it leaves out what is less likely than 1e-4

# %% [markdown]
# ## The weight
#
# Half of the lines to choose on, several weights, and a bonus of nothing or in proportion to the weight. Then the
# other half, once, with what was best.

# %%
tuning, testing = range(len(written) // 2), range(len(written) // 2, len(written))
WEIGHTS, BONUSES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5), (0.0, 1.0, 2.0)


def rate(numbers, weight, bonus):
    """The share of wrong characters in these lines."""
    options = {"width": 8, "language": reader.language, "weight": weight, "bonus": bonus}
    return error_rate([written[n] for n in numbers], [decoded(log_ps[n], **options) for n in numbers])


rates = {(weight, times): rate(tuning, weight, times * weight) for weight, times in itertools.product(WEIGHTS, BONUSES)}
weight, times = min(rates, key=rates.get)
best = {"width": 8, "language": reader.language, "weight": weight, "bonus": times * weight}
figure, ax = plt.subplots(figsize=(7.5, 3.8))
for factor in BONUSES:
    ax.plot(WEIGHTS, [rates[w, factor] for w in WEIGHTS], "o-", label=f"$\\mu$ = {factor:g} $\\lambda$")
ax.set(xlabel="weight $\\lambda$ of the language model", ylabel="share of wrong characters", ylim=(0, None),
       title="How much should the language count?")  # fmt: skip
ax.legend()
show.picture(figure, "19_the_weight.png")
alone = error_rate([written[n] for n in testing], [decoded(log_ps[n]) for n in testing])
helped = rate(testing, weight, times * weight)
print(f"chosen: weight {weight}, bonus {times * weight:g}")
print(f"the other lines: {alone:.3f} of the characters wrong without the language model, {helped:.3f} with it")
for n in list(testing)[:6]:
    print(f"{written[n]!r:26} {decoded(log_ps[n])!r:26} {decoded(log_ps[n], **best)!r}")
assert helped < alone + 0.02

# %% [markdown]
# With too little weight nothing changes; with too much, the language model writes its own text and the ink only makes
# suggestions. In between lies a broad valley. (Sixteen lines are few to choose on: a single word more that is read
# right shows in the curves. For the weights that come with the package it was done on some hundred.)
#
# ## The beam, drawn
#
# The line from above, with a beam of five. Each row of dots is a rank: on top, in every frame, the likeliest
# beginning. Lines lead from a beginning to what became of it; where a character was added it stands beside the line.
# What leads to the text that is found in the end is blue. Upper picture: the reader alone. Lower picture: with the
# language model.

# %%
def draw_beam(ax, history, title):
    """The beginnings in every frame by rank, and how they came out of each other."""
    winner = next(iter(history[-1]))
    before = {(): 0}
    for t, beam in enumerate(history):
        total, ranks = sum(map(sum, beam.values())), {}
        for rank, (beginning, probabilities) in enumerate(beam.items()):
            ranks[beginning] = rank
            parent = beginning if beginning in before else beginning[:-1]
            colour = show.FORWARD if winner[: len(beginning)] == beginning else show.GREY
            width = 0.4 + 4 * sum(probabilities) / total
            if parent in before:
                ax.plot([t - 1, t], [before[parent], rank], color=colour, linewidth=width, solid_capstyle="round")
            if beginning and beginning not in before:
                character = reader.chars.symbols[beginning[-1] - 1].replace(" ", "␣")
                ax.text(t, rank - 0.12, character, color=colour, ha="center", va="bottom", fontsize=9)
        before = ranks
    for beginning, rank in before.items():
        ax.text(len(history) - 0.5, rank, reader.chars.decode(np.array(beginning, int) - 1), va="center", fontsize=8,
                color=show.FORWARD if rank == 0 else show.GREY)  # fmt: skip
    ax.set(title=title, ylabel="rank", yticks=range(5), yticklabels=range(1, 6), ylim=(4.5, -0.8))


reading_alone = beam_plain(np.exp(log_p), 5)
with_language = beam_plain(np.exp(log_p), 5, reader.language, weight, times * weight)
figure, axes = plt.subplots(3, 1, figsize=(14, 8), sharex=True, height_ratios=[0.6, 1, 1])
draw_ink(axes[0], lines[chosen], ids)
axes[0].set_title(f"written: {text!r}; the likeliest path: {by_frame[chosen]!r}")
draw_beam(axes[1], reading_alone, "the reader alone")
draw_beam(axes[2], with_language, f"with the language model, weight {weight}")
axes[2].set(xlabel="frame", xlim=(-1, 1.22 * len(log_p)), xticks=range(0, len(log_p), 5))
show.picture(figure, "19_the_beam.png")

# %% [markdown]
# Where the reader is sure, one line is thick, and the other four are the same text with a letter more or less. At a
# doubtful letter the lines fan out, and for many frames several texts live side by side. Frame by frame, one would
# have to decide there and then. The beam waits until the rest of the word has been read, and that is its whole merit:
# what is unlikely now may be the only English that is left in the end.
#
# ## Predict, then change, then run
#
# 1) With a width of 1, is the beam search the same as taking the likeliest symbol of every frame? Write down an
# answer, and an example of two frames if it is no. Then let `decoded` read every line with a width of 1, and compare.
#
# 2) What will be read with `weight` at 4 and the bonus at 0? And with `weight` at 0 and the bonus at 4? Predict
# whether the texts get longer or shorter, and then look.
#
# ## Three questions
#
# 1. The two numbers $p^b$ and $p^n$ could be added up and kept as one. Which texts would then be read wrongly, and
#    how?
# 2. Why does the language model's factor stand where a character is added and not in every frame? What would happen to
#    slowly written characters otherwise?
# 3. The reader was trained on English texts, too. Why does a language model help it at all, and for which texts will
#    the language model do harm?
#
# The answers stand in `answers/19.md`.
