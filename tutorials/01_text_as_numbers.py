# %% [markdown]
# # 1. Text as numbers
#
# **Takes for granted**: matrix products, the chain rule, a little NumPy.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: a product with a one-hot matrix that is nothing but picking rows; a softmax that survives
# logits of a thousand; a ladder of losses, from the uniform guess at log V down to what the previous letter tells;
# and a network of two layers that learns, by its gradient alone, to be as good as a table of counted letter pairs.
#
# A language model reads symbols and says, at every place, how likely each symbol is to come next. This chapter
# builds everything around the network: how letters go in, how probabilities come out, how a guess is judged, and
# what the gradient of that judgement is. What stands between, the memory, begins in chapter 2.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import dense, embedding, softmax_cross_entropy
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.gradient_check import numerical_gradient, relative_error
from minirnn.training.optimisers import Adam

text = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once "
    "or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, "
    "and what is the use of a book, thought Alice, without pictures or conversations? So she was considering in her "
    "own mind (as well as she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of "
    "making a daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a White "
    "Rabbit with pink eyes ran close by her. There was nothing so very remarkable in that; nor did Alice think it so "
    "very much out of the way to hear the Rabbit say to itself, Oh dear! Oh dear! I shall be late! (when she thought "
    "it over afterwards, it occurred to her that she ought to have wondered at this, but at the time it all seemed "
    "quite natural); but when the Rabbit actually took a watch out of its waistcoat-pocket, and looked at it, and "
    "then hurried on, Alice started to her feet, for it flashed across her mind that she had never before seen a "
    "rabbit with either a waistcoat-pocket, or a watch to take out of it, and burning with curiosity, she ran across "
    "the field after it, and fortunately was just in time to see it pop down a large rabbit-hole under the hedge."
)

# %% [markdown]
# ## Vocabulary
#
# The vocabulary is the set of characters that occur, sorted, and a character's id is its place in that order. Sorted,
# because a set has no order of its own: without it the ids would change from run to run, and a network trained
# yesterday would read today's text as gibberish. V is the number of symbols.

# %%
vocabulary = CharVocabulary(text)
V = len(vocabulary)
ids = vocabulary.encode(text)
print(f"V = {V} symbols: {vocabulary.symbols!r}")
print(f"{text[:12]!r} -> {ids[:12].tolist()} -> {vocabulary.decode(ids[:12])!r}")

# %% [markdown]
# A character that the vocabulary lacks is an error that names it. To put some other symbol in its place without a word
# would train on a text that nobody wrote:

# %%
show.source(CharVocabulary.encode, "unknown =", "raise MinirnnError")

# %% [markdown]
# ## Ids are names: one-hot vectors and the embedding
#
# The id 20 is not twice the id 10; ids are names. So a network must not do arithmetic with them. The neutral way to
# write a name as a vector is **one-hot**: V numbers, all 0 but a 1 at the symbol's own place. All one-hot vectors are
# equally far apart. The first thing a network does to its input is a matrix product, and the product of a one-hot
# vector with a matrix E (V, D) is one row of E:
#
# $$\operatorname{onehot}(x)\, E = E[x]$$
#
# So each symbol has a row of its own, D numbers that are learned like any other weight: its **embedding**. The
# product is never computed; the row is looked up.

# %%
letters = CharVocabulary("sister")
D = 6
rng = np.random.default_rng(0)
E = embedding.init(rng, len(letters), D, np.float64)["E"]
x = letters.encode("sister")
onehot = np.eye(len(letters))[x]
assert np.array_equal(onehot @ E, E[x])
show.source(embedding.forward, "return E[x]")

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 4.2), width_ratios=[5, 6, 6])
largest = np.abs(E).max()
axes[0].imshow(onehot, cmap="Blues")
axes[1].imshow(E, cmap="RdBu_r", vmin=-largest, vmax=largest)
axes[2].imshow(onehot @ E, cmap="RdBu_r", vmin=-largest, vmax=largest)
titles = ["onehot(x)  (6, V)", "E  (V, D)", "onehot(x) E = E[x]  (6, D)"]
for ax, title, labels in zip(axes, titles, ["sister", letters.symbols, "sister"]):
    ax.set_title(title)
    ax.set_yticks(range(len(labels)), list(labels))
    ax.set_xticks([])
axes[0].set_xticks(range(len(letters)), list(letters.symbols))
show.picture(figure, "01_one_hot.png")

# %% [markdown]
# In the picture the two rows for "s" are the same row of E. That decides the way back. Let dy (T, D) be the gradient
# of the loss with respect to y = onehot(x) E. For any product y = A E the gradient of E is $A^\top dy$, hence
#
# $$dE = \operatorname{onehot}(x)^\top\, dy$$
#
# that is, row v of dE is the sum of dy over all places where symbol v stands.
#
# A tempting line, `dE[x] += dy`, is wrong: NumPy reads all rows, adds, and writes back, so that of two writes to one
# row the last wins. "sister" has its "s" twice, and one of the two errors is lost:

# %%
dy = rng.standard_normal((len(x), D))
dE_wrong = np.zeros_like(E)
dE_wrong[x] += dy
_, cache = embedding.forward(x, {"E": E})
dE = embedding.backward(dy, cache)["E"]
s = letters.encode("s")[0]
assert np.allclose(dE[s], dy[0] + dy[2], atol=1e-15)
print("dE of 's', right:", np.round(dE[s], 2))
print("dE of 's', wrong:", np.round(dE_wrong[s], 2), "(the last 's' alone)")

# %% [markdown]
# ## The shape of a batch
#
# To predict the next symbol, the target y is the text moved by one: $y_t = x_{t+1}$. And since one product of a large
# matrix is much faster than many of small ones, B places of the text are read at once, side by side. All arrays are
# **time-major**: ids (T, B), embedded (T, B, D), so that x[t] is what all B sequences read at step t, one contiguous
# piece of memory.

# %%
T, B = 9, 4
length = (len(ids) - 1) // B
chunk_x = np.stack([ids[b * length : b * length + T] for b in range(B)], axis=1)
chunk_y = np.stack([ids[b * length + 1 : b * length + 1 + T] for b in range(B)], axis=1)
for b in range(B):
    print(f"stream {b}: reads {vocabulary.decode(chunk_x[:, b])!r}, is to predict {vocabulary.decode(chunk_y[:, b])!r}")
y, _ = embedding.forward(chunk_x, embedding.init(rng, V, D))
print("ids", chunk_x.shape, "-> embedded", y.shape)

# %% [markdown]
# ## From scores to probabilities: softmax
#
# The last layer gives every symbol a score, its **logit**; z (..., V) holds any real numbers. To become
# probabilities they have to be positive and to sum to one. The exponential makes them positive, the sum divides:
#
# $$p_v = \frac{\exp(z_v)}{\sum_k \exp(z_k)}$$
#
# Only differences of logits matter: adding a constant to all of them multiplies numerator and denominator by
# the same factor. That freedom has a use. exp(1000) overflows, even in float64, but the largest logit may be
# subtracted first, and then no exponent is above 0.

# %%
def softmax_plain(z):
    """z (..., V) -> p (..., V), the formula as it stands on paper."""
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


z = np.array([[2.0, 1.0, -1.0]])
with np.errstate(over="ignore", invalid="ignore"):
    print("as on paper, z       :", softmax_plain(z)[0].round(4), "  z + 1000:", softmax_plain(z + 1000)[0])
for shift in (0, 1000):
    p = softmax_cross_entropy.forward(z + shift, np.array([0]))[1][0]
    print(f"the package, z + {shift:4}:", p[0].round(4))
show.source(softmax_cross_entropy.forward, "p = flat - flat.max", "p /= total")

# %% [markdown]
# ## What a guess costs: cross-entropy
#
# The model says p, then the symbol y comes. How bad was the guess? The cost is
#
# $$\text{loss} = -\log p_y$$
#
# and this is no arbitrary choice. The probability that the model gives a whole text is the product of its $p_y$ over
# all places; minus its logarithm is the sum of the losses. To minimise the mean loss is to make the text that was
# really written as likely as possible (maximum likelihood). A sure hit costs 0, a symbol called impossible costs
# infinity. The unit is the **nat** with the natural logarithm; divided by log 2, it is **bits**, the length of the
# shortest code for the symbol.
#
# The yardstick: a model that knows nothing gives every symbol 1/V, and pays log V whatever comes. A new network, its
# weights still small random numbers, ought to cost about that. It is the first number to look at in any
# training: far above log V, the first weights are too large; far below, the network sees what it should predict.

# %%
def cross_entropy_plain(z, targets):
    """z (N, V), targets (N,) -> mean of -log p[target], a scalar."""
    p = softmax_plain(z)
    return -np.mean(np.log(p[np.arange(len(targets)), targets]))


z = rng.standard_normal((7, V))
targets = rng.integers(0, V, 7)
assert abs(cross_entropy_plain(z, targets) - softmax_cross_entropy.forward(z, targets)[0]) < 1e-12

network = CharRNN(V, "lstm", layers=1, hidden=32, embed=16)
loss, _, _ = network.loss({"x": ids[:-1, None], "y": ids[1:, None]}, network.start(1))
print(f"uniform guess: log V = log {V} = {np.log(V):.3f} nats = {np.log(V) / np.log(2):.2f} bits")
print(f"a new LSTM, nothing learned: {loss:.3f} nats")

# %% [markdown]
# e to the power of the loss is the **perplexity**: a model with a loss of log 5 is as unsure as if it had to choose
# among five equally likely symbols.
#
# Between the uniform guess and a good model there is a ladder. One can count how often each symbol comes, and
# guess in proportion. One can count pairs and guess from the previous symbol. Counting and guessing on the same
# text flatters: it has one "W", in "White", so the counts are certain that an "h" follows. So the same counts are also
# made on the first four fifths alone and measured on the last fifth, with one added to each count, since a pair never
# seen before would cost infinity.

# %%
def pair_counts(ids, V):
    """n (V, V): how often symbol column came right after symbol row."""
    n = np.zeros((V, V))
    np.add.at(n, (ids[:-1], ids[1:]), 1)  # unlike n[...] += 1, counts every repeat
    return n


def cost(p, ids):
    """Mean loss of guessing the row p[previous symbol] at every place, in nats."""
    return -np.mean(np.log(p[ids[:-1], ids[1:]]))


cut = len(ids) * 4 // 5
ladder = {"uniform": (np.log(V), np.log(V))}
single, pairs = np.bincount(ids[1:], minlength=V), pair_counts(ids, V)
early, early_pairs = np.bincount(ids[1:cut], minlength=V) + 1, pair_counts(ids[:cut], V) + 1
with np.errstate(invalid="ignore"):
    same = [np.tile(single / single.sum(), (V, 1)), pairs / pairs.sum(axis=1, keepdims=True)]
later = [np.tile(early / early.sum(), (V, 1)), early_pairs / early_pairs.sum(axis=1, keepdims=True)]
for name, p_same, p_later in zip(["letter frequencies", "the previous letter"], same, later):
    ladder[name] = (cost(p_same, ids), cost(p_later, ids[cut:]))
for name, (on_same, on_later) in ladder.items():
    print(f"{name:20} {on_same:.3f} nats on the text counted, {on_later:.3f} on text not seen")
pairs_floor = ladder["the previous letter"][0]

# %% [markdown]
# Learned by heart and understood are different things, and the only way to tell is text that was not used. On a text
# this short the pairs have learned mostly by heart. Training in this package therefore always keeps a part of its data
# back; chapter 10 is about that.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=[1.5, 1])
order = np.argsort(-single)
left.bar(range(V), single[order] / single.sum(), color=show.FORWARD)
left.axhline(1 / V, color=show.GREY, linestyle="--")
left.text(V - 1, 1 / V + 0.003, "uniform, 1/V", ha="right", color=show.GREY)
left.set_xticks(range(V), ["␣" if vocabulary.symbols[v] == " " else vocabulary.symbols[v] for v in order], fontsize=8)
left.set(title="How often each symbol comes", ylabel="relative frequency")
places = np.arange(len(ladder))
right.barh(places - 0.18, [a for a, _ in ladder.values()], 0.34, color=show.FORWARD, label="on the text counted")
right.barh(places + 0.18, [b for _, b in ladder.values()], 0.34, color=show.ERROR, label="on text not seen")
right.set_yticks(places, list(ladder))
right.invert_yaxis()
right.set(title="What a guess costs", xlabel="nats per symbol", xlim=(0, 5.4))
right.legend(loc="lower right", fontsize=8)
show.picture(figure, "01_ladder.png")

# %% [markdown]
# ## The gradient, which is simply p - onehot
#
# One place, logits z, target y. Since $\log p_y = z_y - \log \sum_k \exp(z_k)$,
#
# $$
# \begin{split}
# \text{loss} &= -z_y + \log \sum_k \exp(z_k) \\
# \frac{\partial\,\text{loss}}{\partial z_v} &= -[v = y] + \frac{\exp(z_v)}{\sum_k \exp(z_k)}
# = p_v - \operatorname{onehot}(y)_v
# \end{split}
# $$
#
# All of softmax and logarithm has collapsed into one subtraction: what was said minus what was true. A step against
# the gradient pushes the right symbol's logit up by what is missing to 1, and every other one down by the probability
# it was given in vain. The gradient sums to zero over the symbols, and it vanishes only when the guess was sure and
# right. With N places the loss is their mean, so each gets 1/N of it:

# %%
show.source(softmax_cross_entropy.backward, "dz = p.copy()", "dz *= dloss / len(targets)")


def softmax_cross_entropy_backward_plain(z, targets):
    """d mean loss / dz (N, V) = (p - onehot) / N."""
    return (softmax_plain(z) - np.eye(z.shape[1])[targets]) / len(targets)


loss, cache = softmax_cross_entropy.forward(z, targets)
dz = softmax_cross_entropy.backward(cache)
assert np.abs(dz - softmax_cross_entropy_backward_plain(z, targets)).max() < 1e-12
numeric = numerical_gradient(lambda: softmax_cross_entropy.forward(z, targets)[0], z)
print(f"largest relative error against central differences: {relative_error(dz, numeric):.1e}")

# %%
symbols = "aeior"
z_one = np.array([[1.2, 0.9, -0.2, -0.8, 0.3]])
target = np.array([2])
p = softmax_plain(z_one)[0]
push = -softmax_cross_entropy_backward_plain(z_one, target)[0]
figure, axes = plt.subplots(1, 3, figsize=(10, 2.9), sharey=True)
bars = [(p, "p: what was said"), (np.eye(5)[2], "onehot: what came"), (push, "onehot - p: which way the logits go")]
for ax, (heights, title) in zip(axes, bars):
    ax.bar(range(5), heights, color=[show.ERROR if h < 0 else show.FORWARD for h in heights])
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_xticks(range(5), list(symbols))
    ax.set_title(title)
show.picture(figure, "01_gradient_of_the_logits.png")

# %% [markdown]
# ## All of it at once: a network without memory
#
# An embedding of D = V numbers and a dense layer z = y W + b: from each symbol to the logits of the next. It sees one
# symbol, so it can do no better on this text than the table of counted pairs; and E W can be any V by V matrix, so it
# can come as close to that table as one likes. Trained by gradient alone, its loss has to come down from about log V
# to the cost of the counted pairs, and can never get below. (The optimiser, Adam, is chapter 9's business.)

# %%
rng = np.random.default_rng(1)
params = {"embedding": embedding.init(rng, V, V), "softmax": dense.init(rng, V, V)}
flat = backend.flatten(params)
optimiser = Adam(flat)
losses = []
for _ in range(150):
    y, embedding_cache = embedding.forward(ids[:-1], params["embedding"])
    z, dense_cache = dense.forward(y, params["softmax"])
    loss, loss_cache = softmax_cross_entropy.forward(z, ids[1:])
    dz = softmax_cross_entropy.backward(loss_cache)
    dy, softmax_grads = dense.backward(dz, dense_cache)
    grads = {"embedding": embedding.backward(dy, embedding_cache), "softmax": softmax_grads}
    optimiser.step(flat, backend.flatten(grads), lr=0.02)
    losses.append(float(loss))
print(f"loss at first {losses[0]:.3f}, at last {losses[-1]:.3f}; counted pairs {pairs_floor:.3f}")
assert pairs_floor < losses[-1] < pairs_floor + 0.03

figure, ax = plt.subplots(figsize=(7, 3.6))
ax.plot(losses, color=show.FORWARD, label="embedding + dense, learning")
for name, (height, _) in ladder.items():
    ax.axhline(height, color=show.GREY, linestyle="--", linewidth=1)
    ax.text(150, height + 0.04, name, ha="right", color=show.GREY)
ax.set(xlabel="step", ylabel="nats per symbol", ylim=(0, 4), title="Learning what could have been counted")
ax.legend(loc="lower left")
show.picture(figure, "01_learning.png")

# %% [markdown]
# To get below that line, the network has to know more than one symbol of the past. Tables of triples and quadruples
# grow as $V^3, V^4$ and are nearly empty; what is needed is a memory of fixed size that sums up all that was read.
# That is the next chapter.
#
# ## Predict, then change, then run
#
# What if the embedding had only two numbers per symbol in place of V? Write down between which two lines of the last
# picture the loss will end, then put 2 in the place of the second V in `embedding.init(rng, V, V)` and of the first in
# `dense.init(rng, V, V)`, and run. (The assertion at the end asks for more than such a network can do; take it out for
# the moment.)
#
# ## Three questions
#
# 1. A colleague's new network begins with a loss of 9.2 nats where V = 45. What is wrong, most likely, and what could
#    be tried?
# 2. Why is one-hot input plus a first matrix the same as an embedding, but ten times slower here and ten thousand times
#    slower for a vocabulary of words?
# 3. The gradient of the logits is (p - onehot) / N. Show that its sum over the symbols is zero. What does that say
#    about adding one and the same number to every entry of the bias b?
#
# The answers stand in `answers/01.md`.
