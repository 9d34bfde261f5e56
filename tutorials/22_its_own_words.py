# %% [markdown]
# # 22. Its own words: teacher forcing and exposure bias
#
# **Takes for granted**: chapters 8, 10 and 11.
#
# **Runs for**: about 15 seconds, most of it for training a small network three times.
#
# **You should see**: a network that says a text correctly as long as it is corrected, and loses it when it has to
# continue by itself; how quickly, beside what a short calculation predicts; and two ways of training against it, with
# what they bring and what they cost.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm, learning_rate
from minirnn.writing import sampling

# %% [markdown]
# ## The teacher's hand
#
# A network that writes text is trained on the factors of the probability of a text,
#
# $$P(x_1 \dots x_T) = \prod_t P(x_t \mid x_1 \dots x_{t-1}),$$
#
# and in each factor what stands behind the bar is the *true* text so far. Whatever the network would have said, the
# next input is the right one, as if a teacher took its hand after every letter and put it in the right place. That is
# called **teacher forcing** (Williams and Zipser 1989). Nothing about it is an approximation: it is maximum
# likelihood, and it is what makes all steps of a chunk trainable at the same time. In the package, the teacher is
# two lines, in which the inputs x are the true text and the targets y are the same text one character later:

# %%
show.source(TextStreams.chunk, "symbols = self.ids", "return index == 0")

# %% [markdown]
# When it writes, there is no teacher. Its inputs are its own outputs,
#
# $$x_t \sim P(\,\cdot \mid x_1 \dots x_{t-1}),$$
#
# which in the package are the last line of the loop, and the first:

# %%
show.source(sampling.draw, "x = backend.to_device(np.array([[symbol]]")
show.source(sampling.draw, "logits, state, _ = network.forward")

# %% [markdown]
# After its first mistake it is in a place where it has never been in training. What it does there nobody has
# taught it. That difference between the two is the **exposure bias** (Bengio et al. 2015, Ranzato et al. 2016).
#
# ## How far it carries
#
# To measure it, the truth has to be known, so take a text that the network learns by heart. It is shown twenty
# characters from somewhere in the text, and has to continue, the likeliest character each time. Suppose that with the
# teacher it is wrong in a share $e$ of the places, at random, and that a single mistake is the end. Then after $k$
# steps by itself it is still right with the probability
#
# $$(1 - e)^k .$$
#
# If it can find its way back into the text, it will do better than that. It is asked at several moments of its
# training.

# %%
text = read_text(LETTERS)[:800]
vocabulary = CharVocabulary(text)
V, ids = len(vocabulary), vocabulary.encode(text)
B, T, STEPS, SHOWN, ALONE = 4, 20, 500, 20, 60
LOOKS = (80, 120, 160, 200, 250, 300, 400, 500)
data = TextStreams(ids, B, T)


def right_by_step(network, teacher, slip=None):
    """The share of right characters 1, 2, .. ALONE steps after the true text has ended -> (ALONE,).

    With ``teacher`` the true text goes on. ``slip``: at this step a random character is put in place of the input."""
    starts = np.arange(0, len(text) - SHOWN - ALONE, 4)
    truth = np.stack([ids[start : start + SHOWN + ALONE] for start in starts], axis=1)
    logits, state, _ = network.forward(truth[:SHOWN], network.start(len(starts)))
    rng, right = np.random.default_rng(0), []
    for step in range(ALONE):
        said = logits[-1].argmax(axis=1)
        right.append(np.mean(said == truth[SHOWN + step]))
        x = truth[SHOWN + step] if teacher else said
        if step == slip:
            x = rng.integers(0, V, len(starts))
        logits, state, _ = network.forward(x[None], state)
    return np.array(right)


def train(disturb=lambda network, chunk, state, rng: chunk["x"]):
    """Train a network -> network, {step of LOOKS: (right with the teacher, right by itself), (ALONE,) each}.

    ``disturb`` says what it is given to read in place of the true characters."""
    network, rng, looks = CharRNN(V, "lstm", layers=1, hidden=96, embed=24), np.random.default_rng(0), {}
    flat = backend.flatten(network.params)
    optimiser = Adam(flat)
    for step in range(STEPS):
        fresh, chunk = data.chunk(*divmod(step, data.chunks(0)))
        state = network.start(B) if fresh else state  # noqa: F821 (the first chunk is fresh)
        chunk = {**chunk, "x": disturb(network, chunk, state, rng)}
        _, state, cache = network.loss(chunk, state)
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, learning_rate(step, STEPS, peak=1e-2, warmup=20, schedule="cosine"))
        if step + 1 in LOOKS:
            looks[step + 1] = right_by_step(network, True), right_by_step(network, False)
    return network, looks


forced, looks = train()
k = np.arange(1, ALONE + 1)
print("steps of training   with the teacher   by itself (steps 41 to 60)   (1 - e)^50")
for step, (guided, alone) in looks.items():
    print(f"{step:17} {guided.mean():18.1%} {alone[-20:].mean():22.1%} {guided.mean() ** 50:20.1%}")
soon = min(looks, key=lambda step: abs(looks[step][0].mean() - 0.94))
guided, alone = looks[soon]
assert alone[-20:].mean() < guided.mean() - 0.3 and looks[STEPS][1][-20:].mean() > 0.7

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.8), sharey=True)
left.plot(k, guided, color=show.FORWARD, label="with the teacher")
left.plot(k, alone, color=show.ERROR, label="by itself")
left.plot(k, guided.mean() ** k, color=show.GREY, linestyle="--", label="$(1-e)^k$")
left.set(xlabel="k, steps since the true text has ended", ylabel="share of right characters", ylim=(0, 1.03),
         title=f"After {soon} steps of training")  # fmt: skip
right.plot(list(looks), [guided.mean() for guided, _ in looks.values()], "o-", color=show.FORWARD)
right.plot(list(looks), [alone[-20:].mean() for _, alone in looks.values()], "o-", color=show.ERROR)
right.set(xlabel="steps of training", title="By itself: 41 to 60 steps after the true text has ended")
left.legend()
show.picture(figure, "22_by_itself.png")

# %% [markdown]
# After 200 steps of training the network is right at 94 of 100 places, as long as somebody corrects it. By itself it
# is right at one of four. The first letter by itself is as good as with the teacher; from there on the mistakes add
# up, and the training loss, which is always computed with the teacher, has not said a word about it. Only when nearly
# everything is known does the difference close.
#
# And yet $(1-e)^k$ is too dark a forecast, at the end of the training much too dark. Mistakes are not made at random.
# They are made where the text has not been learned yet, and a piece that is known is known to its end, with a teacher
# or without.
#
# What makes a mistake so expensive? Put a single wrong character into the true text, and let the teacher go on as if
# nothing had happened:

# %%
SLIP = 20
guided, slipped = right_by_step(forced, True), right_by_step(forced, True, SLIP)
for step in (1, 2, 5, 10, 20):
    print(f"{step:2} steps after a single wrong character: {slipped[SLIP + step]:.1%} right, without it "
          f"{guided[SLIP + step]:.1%}")  # fmt: skip

# %% [markdown]
# With the teacher's help it recovers within some letters, for each true letter says a little about where one is. Alone
# there are no true letters: what it writes after a mistake fits the mistake, and confirms it.
#
# ## Learning from mistakes
#
# Two remedies. Both change what the network reads in training, and leave what it is to say as it is.
#
# *Noise.* Replace one input in ten by a random character. The network can no longer rely on the last letter alone, and
# learns to keep the place in the text in its state, which no wrong letter shakes.
#
# *Scheduled sampling* (Bengio et al. 2015). Replace inputs by what the network itself would have said there, seldom at
# first and more often later. The mistakes are then its own and not those of a random number. A pass over the true
# chunk says what it would have said (in one go, after Mihaylova and Martins 2019), and a second one, over the mixture,
# is the one that is learned from. No error goes back through the choice of a character, which has no derivative.

# %%
def noise(network, chunk, state, rng, share=0.1):
    """One input in ten a random character."""
    x = chunk["x"]
    return np.where(rng.random(x.shape) < share, rng.integers(0, V, x.shape), x)


def own_words():
    """A function that replaces inputs by the network's own words, more of them from chunk to chunk."""
    calls = iter(range(STEPS))

    def disturb(network, chunk, state, rng):
        share, x = 0.4 * next(calls) / STEPS, chunk["x"]
        said = network.forward(x, state)[0].argmax(axis=2)
        said = np.concatenate([x[:1], said[:-1]])  # what was said at t - 1 is read at t
        return np.where(rng.random(x.shape) < share, said, x)

    return disturb


remedies = {"teacher forcing": forced, "noise in one input of ten": train(noise)[0],
            "scheduled sampling": train(own_words())[0]}  # fmt: skip
figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.8), sharey=True)
after = {}
for (name, network), colour in zip(remedies.items(), show.COLOURS):
    guided, alone, slipped = (right_by_step(network, *how) for how in ((True,), (False,), (True, SLIP)))
    style = "--" if name == "scheduled sampling" else "-"  # or it would hide the first curve
    left.plot(k, alone, style, color=colour, label=name)
    right.plot(k, slipped, style, color=colour, label=name)
    after[name] = slipped[SLIP + 1 : SLIP + 6].mean()
    print(f"{name:26} with the teacher {guided.mean():.1%}, by itself {alone[-20:].mean():.1%}, "
          f"in the five steps after a slip {after[name]:.1%}")  # fmt: skip
left.set(xlabel="k, steps by itself", ylabel="share of right characters", ylim=(0, 1.03), title="By itself")
right.set(xlabel="step, with the teacher", title=f"A single wrong input at step {SLIP}")
left.legend(loc="lower left", fontsize=8)
show.picture(figure, "22_remedies.png")
assert after["noise in one input of ten"] > after["teacher forcing"]

# %% [markdown]
# After a slip the network that has met noise is best off: it has learned to distrust its last input. By itself it is
# *not* better. It has learned less of the text in the same number of steps, and for being alone that counts more: with
# as much of the text, 94 of 100 places, the network without noise was right at a quarter of the places, too. Scheduled
# sampling is a little better than teacher forcing after a slip, and as good by itself, for twice the work. On this
# task nothing does as much against exposure bias as learning the text does.
#
# There is also a deeper objection. Teacher forcing has its optimum where the network's probabilities are the true
# ones; scheduled sampling has its optimum somewhere else, since it asks for the true next character after a text that
# was not the true one (Huszár 2015). It is seldom used any more. Large models have so small an $e$ that they live with
# the rest.
#
# ## In this package
#
# Text is written by sampling, and there is no single right continuation, so that a mistake is a typing error and not
# the end. In handwriting the bias is more serious: a pen that has strayed from its line is where no recording has ever
# been. Three things stand against it. The error of every step is carried along when lines are encoded (chapter 13), so
# that the recordings themselves contain small corrections; the height of the pen is an input at every step and not a
# sum that the network has to keep; and the attention window (chapter 14) says where in the text it is, whatever the
# pen has done. A line that has gone wrong all the same is noticed, and is written again.
#
# ## Predict, then change, then run
#
# 1) The network was shown twenty characters before it was left alone. What if it is shown only two, `SHOWN` at 2?
# Predict the share of right characters after all training, by itself, at the first step and at the last.
#
# 2) In `noise`, set `share` to 0.5: every second input is a random character. Will anything be learned at all? And
# what will a slip do to such a network?
#
# ## Three questions
#
# 1. Teacher forcing trains all steps of a chunk in one pass. Why is that impossible if each input is to be drawn from
#    the network's own output of the step before?
# 2. The calculation $(1 - e)^k$ assumes that mistakes are made at random. Where in a text are they made really, and
#    does that make the curve better or worse?
# 3. Dropout on the embedding (chapter 10) disturbs the inputs, too. How does it differ from the noise of this chapter?
#
# The answers stand in `answers/22.md`.
