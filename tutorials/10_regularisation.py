# %% [markdown]
# # 10. Regularisation: learning by heart, and how to be kept from it
#
# **Takes for granted**: chapter 1's ladder of losses; chapter 9's Adam, and its noise floor.
#
# **Runs for**: about 10 seconds, most of it for training a small network four times.
#
# **You should see**: a network that learns three thousand characters by heart while its loss on other text gets worse;
# early stopping, which takes the best of it; dropout, weight decay and weight averaging, each measured on the same
# task; and what helps more than all of them.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, ValidationText, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import dropout
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm
from minirnn.training.trainer import Trainer, evaluate

# %% [markdown]
# ## A task made for failing
#
# Three thousand characters, and a network with ten times as many weights. It could learn the text by heart. The
# validation set is another piece of the same letters, which is never trained on. Every run below is this one function:
# the losses on both pieces at every twentieth step, both without dropout, so that they can be compared. Beside the
# weights it keeps their running mean, for later.

# %%
text = read_text(LETTERS)[:22_000]
vocabulary = CharVocabulary(text)
ids = vocabulary.encode(text)
small, large, other = ids[:3000], np.concatenate([ids[:3000], ids[7000:]]), ids[3000:7000]
B, T, STEPS, EVERY = 16, 25, 180, 20
learned, held_out = ValidationText(small, 64, T), ValidationText(other, 64, T)
AVERAGE = 0.98


def train(ids, p=0.0, weight_decay=0.0):
    """Train a new network -> {"learned", "held out", "held out, mean weights", "size": one number per evaluation}.

    ``p`` is the probability that dropout silences a unit; "size" is the root mean square of the weights."""
    network = CharRNN(len(vocabulary), "lstm", layers=1, hidden=64, embed=32, dropout=p)
    flat = backend.flatten(network.params)
    data, optimiser = TextStreams(ids, B, T), Adam(flat, weight_decay=weight_decay)
    mean = {name: a.copy() for name, a in flat.items()}
    curves = {"learned": [], "held out": [], "held out, mean weights": [], "size": []}
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            curves["learned"].append(evaluate(network, learned))
            curves["held out"].append(evaluate(network, held_out))
            own, network.params = network.params, backend.unflatten(mean)
            curves["held out, mean weights"].append(evaluate(network, held_out))
            network.params = own
            curves["size"].append(np.sqrt(sum(np.sum(a**2) for a in flat.values()) / network.count()))
        fresh, chunk = data.chunk(*divmod(step, data.chunks(0)))
        if fresh:
            state = network.start(B)
        _, state, cache = network.loss(chunk, state, rng=np.random.default_rng([0, step]))
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, lr=0.02)
        decay = min(AVERAGE, (1 + step) / (10 + step))
        for name, a in mean.items():
            a += (1 - decay) * (flat[name] - a)
    return curves


steps = np.arange(0, STEPS + 1, EVERY)
plain = train(small)
print(f"{CharRNN(len(vocabulary), 'lstm', 1, 64, 32).count():,} weights, {len(small):,} characters")
best = int(np.argmin(plain["held out"]))
for at in (best, -1):
    losses = f"{plain['learned'][at]:.2f} nats on the text learned, {plain['held out'][at]:.2f} held out"
    print(f"step {steps[at]:3}: {losses}")
assert plain["held out"][-1] > plain["held out"][best] + 0.05

# %% [markdown]
# At first both losses fall together: what is learned, spaces, common letters, endings, holds in any English text. Then
# they part. What is still to be learned is in this text alone. The loss on the text learned goes on falling, with no
# sign in it of anything wrong; that of other text turns and rises. It rises because the loss is a logarithm: a
# network that is sure, and wrong, pays most.
#
# ## Early stopping
#
# The simplest remedy costs nothing: keep the weights that did best on the held-out text, and stop when for some time
# nothing better has come. That time, counted in evaluations, is the *patience*. It must be more than one, for the
# curve is noisy.

# %%
def stop_early(losses, patience):
    """-> the evaluation at which training ends, and the one whose weights are kept."""
    best = 0
    for now, loss in enumerate(losses):
        if loss < losses[best]:
            best = now
        if now - best == patience:
            return now, best
    return len(losses) - 1, best


show.source(Trainer._evaluate, "if loss < progress.best", "progress.since_best = loss, 0")
show.source(Trainer.train, "progress.done = bool(")
end, kept = stop_early(plain["held out"], patience=3)
print(f"patience 3: training ends at step {steps[end]}, the weights of step {steps[kept]} are kept")

figure, ax = plt.subplots(figsize=(7.5, 4))
ax.plot(steps, plain["learned"], color=show.FORWARD, label="the text learned")
ax.plot(steps, plain["held out"], color=show.ERROR, label="held out")
ax.plot(steps[kept], plain["held out"][kept], "o", color=show.ERROR)
ax.axvline(steps[end], color=show.GREY, linestyle="--")
ax.text(steps[end] + 3, 3.2, "stopped here, with\nthe weights of the dot", color=show.GREY)
ax.set(xlabel="step", ylabel="nats per character", ylim=(0.8, 4.4), title="Understanding, then learning by heart")
ax.legend()
show.picture(figure, "10_overfitting.png")

# %% [markdown]
# Early stopping picks the best point of the curve. The rest of the chapter is about better curves.
#
# ## Dropout
#
# In training each unit is silenced with probability p, at random, at every step anew. What learns by heart relies on
# rare coincidences of certain units; if any of them may be missing, only what many units say together is reliable. The
# mask m is not just 0 or 1. With
#
# $$y = x\, m, \qquad m = 0 \text{ with probability } p, \text{ else } \frac{1}{1 - p}$$
#
# the mean of m is (1 - p)/(1 - p) = 1, so that the next layer sees on average what it will see later, when nothing is
# dropped. Its variance, $(1 - p)/(1 - p)^2 - 1 = p/(1 - p)$, is noise that the network has to live with. Backward, the
# very same mask: dx = dy m.

# %%
def dropout_plain(x, p, rng):
    """x -> y and the mask, each unit silent with probability p."""
    m = np.where(rng.random(x.shape) < p, 0.0, 1 / (1 - p))
    return x * m, m


show.source(dropout.draw_mask, "threshold", "m *=")
rng = np.random.default_rng(0)
for p in (0.2, 0.5):
    like = np.zeros((500, 400))
    for name, m in (("package", dropout.draw_mask(rng, p, like)), ("plain", dropout_plain(like, p, rng)[1])):
        print(f"p = {p}, {name:7}: mean {m.mean():.3f}, variance {m.var():.3f}, predicted {p / (1 - p):.3f}")
        assert abs(m.mean() - 1) < 0.01 and abs(m.var() - p / (1 - p)) < 0.02
x = rng.standard_normal((4, 3, 5))
y, m = dropout_plain(x, 0.5, rng)
assert np.abs(dropout.forward(x, m)[0] - y).max() < 1e-12

# %% [markdown]
# The package compares 16 random bits per unit with a threshold instead of a float with p: it is faster, and since the
# division uses the threshold's own p, the mean is exactly 1.
#
# *Where* the mask stands matters. On the way from layer to layer, every signal passes a few masks. On the state, $h_t$
# from $h_{t-1}$, it would pass one at every step of time, and what is to be remembered for k steps survives with
# probability $(1 - p)^k$ only. So the masks stand between the layers, never inside the recurrence (Zaremba et al.
# 2014):

# %%
show.source(CharRNN.forward, "for name, layer_state in zip(self.recurrent", "y = drop(y)")
for k in (1, 5, 20):
    alive = np.prod([dropout.draw_mask(rng, 0.2, np.zeros(100_000)) > 0 for _ in range(k)], axis=0)
    print(f"p = 0.2 on the state: after {k:2} steps {alive.mean():.4f} survive, predicted {0.8**k:.4f}")

# %%
dropped = train(small, p=0.3)
mask = dropout.draw_mask(np.random.default_rng(0), 0.3, np.zeros((24, 40)))
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), width_ratios=[1, 1.2])
left.imshow(mask, cmap="Blues", aspect="auto")
left.set(xlabel="unit", ylabel="step t", title="A mask, p = 0.3: white is silent")
for curves, style, name in ((plain, "--", "no dropout"), (dropped, "-", "p = 0.3")):
    right.plot(steps, curves["learned"], color=show.FORWARD, linestyle=style, label=f"the text learned, {name}")
    right.plot(steps, curves["held out"], color=show.ERROR, linestyle=style, label=f"held out, {name}")
right.set(xlabel="step", ylabel="nats per character", ylim=(0.8, 3.2), title="With and without")
right.legend(fontsize=8)
show.picture(figure, "10_dropout.png")
gap, gap_dropped = (curves["held out"][-1] - curves["learned"][-1] for curves in (plain, dropped))
print(f"held out - learned at the end: {gap:.2f} without, {gap_dropped:.2f} with dropout")
assert gap_dropped < gap

# %% [markdown]
# Learning is slower, for the network is disturbed all the time, and the two curves part later and less. Dropout needs
# more steps, and pays for them.
#
# ## Weight decay
#
# To know text by heart, a network has to tell very similar places apart, and that takes large weights. So let every
# weight shrink a little at each step, unless the gradient keeps it up. With plain SGD there are two ways to say that,
# and they are one. A penalty on the loss, $\lambda/2 \sum \theta^2$, has the gradient $\lambda \theta$, so that
#
# $$\theta \leftarrow \theta - \eta\,(g + \lambda \theta) = (1 - \eta \lambda)\, \theta - \eta\, g$$
#
# With Adam they are not. In the penalty's version $\lambda \theta$ is a part of the gradient, and everything in the
# gradient is divided by $\sqrt{\hat s}$: weights with large gradients are hardly decayed at all, those with small ones
# severely. **AdamW** (Loshchilov and Hutter 2019) leaves the decay out of that:
#
# $$\theta \leftarrow (1 - \eta \lambda)\, \theta - \frac{\eta\, \hat m}{\sqrt{\hat s} + \varepsilon}$$

# %%
def adamw_plain(theta, gradients, lr, weight_decay, beta1=0.9, beta2=0.999, eps=1e-8):
    """theta after one step of AdamW for each of ``gradients``."""
    m = s = np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        theta = (1 - lr * weight_decay) * theta
        theta = theta - lr * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return theta


show.source(Adam.step, "if decay:", "theta -= work")
gradients, params = rng.standard_normal((50, 3, 2)), {"W": rng.standard_normal((3, 2))}
by_hand, adam = adamw_plain(params["W"], gradients, 0.01, 0.1), Adam(params, weight_decay=0.1)
for g in gradients:
    adam.step(params, {"W": g}, 0.01)
assert np.abs(by_hand - params["W"]).max() < 1e-12

# %% [markdown]
# A thousand weights whose gradients are pure noise of size 1, and a thousand with noise of size 10: nothing keeps them
# up, so they ought to decay, and all alike. In the penalty's version the rate should be $\eta \lambda/\sigma$, with
# $\sigma$ the size of the gradient.

# %%
SIGMA, ETA, LAMBDA, LONG = np.array([[1.0], [10.0]]), 0.01, 0.1, 1500
decayed = {}
for name in ("decoupled (AdamW)", "penalty in the gradient"):
    params, rng = {"W": np.ones((2, 1000))}, np.random.default_rng(0)
    decoupled = name.startswith("decoupled")
    adam = Adam(params, weight_decay=LAMBDA if decoupled else 0.0)
    decayed[name] = [np.ones(2)]
    for _ in range(LONG):
        penalty = 0.0 if decoupled else LAMBDA * params["W"]
        adam.step(params, {"W": SIGMA * rng.standard_normal((2, 1000)) + penalty}, ETA)
        decayed[name].append(params["W"].mean(axis=1))
figure, axes = plt.subplots(1, 2, figsize=(11, 3.4), sharey=True)
t = np.arange(LONG + 1)
for ax, (name, means) in zip(axes, decayed.items()):
    for sigma, curve, colour in zip(SIGMA[:, 0], np.array(means).T, show.COLOURS):
        rate = ETA * LAMBDA / (1 if name.startswith("decoupled") else sigma)
        ax.plot(t, curve, color=colour, label=f"gradients of size {sigma:g}")
        ax.plot(t, (1 - rate) ** t, color=colour, linestyle="--", linewidth=1)
        print(f"{name:24} size {sigma:4}: mean weight at the end {curve[-1]:.3f}, predicted {(1 - rate) ** LONG:.3f}")
        assert abs(curve[-1] - (1 - rate) ** LONG) < 0.08
    ax.set(xlabel="step", title=f"{name} (dashed: predicted)", ylim=(0, 1.05))
axes[0].set_ylabel("mean weight")
axes[0].legend()
show.picture(figure, "10_weight_decay.png")

decayed_run = train(small, weight_decay=0.3)
print(f"size of the weights at the end: {plain['size'][-1]:.3f} without, {decayed_run['size'][-1]:.3f} with λ = 0.3")
assert decayed_run["size"][-1] < plain["size"][-1]

# %% [markdown]
# ## Weight averaging
#
# Chapter 9 ended with a noise floor: at a constant rate the weights never come to rest, they dance around a good place.
# Their *mean* is much nearer to it than they are (Polyak and Juditsky 1992). The package can keep a running one:

# %%
show.source(Trainer.step, "decay = min(", "a += (1 - decay)")

# %% [markdown]
# With a constant decay d, unrolling the recursion gives each past $\theta$ the weight $(1 - d)\, d^{\text{age}}$: a
# window over the last 1/(1 - d) steps, 50 for d = 0.98. At the beginning 1/(1 - d) steps are not there yet, and the
# start would weigh too much; hence the smaller decay of the first steps.

# %%
thetas, running = rng.standard_normal((40, 3)), np.zeros(3)
for theta in thetas:
    running += (1 - 0.98) * (theta - running)
by_age = sum((1 - 0.98) * 0.98**age * theta for age, theta in enumerate(thetas[::-1]))
assert np.abs(running - by_age).max() < 1e-12

figure, ax = plt.subplots(figsize=(7.5, 3.8))
for curves, style, name in ((plain, "-", "no decay"), (decayed_run, "--", "weight decay 0.3")):
    ax.plot(steps, curves["held out"], color=show.ERROR, linestyle=style, label=name)
    ax.plot(steps, curves["held out, mean weights"], color=show.CELL, linestyle=style, label=f"{name}, mean weights")
ax.set(xlabel="step", ylabel="nats per character, held out", ylim=(1.9, 2.7), title="The last weights, and their mean")
ax.legend(fontsize=9)
show.picture(figure, "10_averaging.png")
lead = np.array(plain["held out"]) - np.array(plain["held out, mean weights"])
print("mean weights ahead of the last ones, by step:", dict(zip(steps[2::3].tolist(), lead[2::3].round(3).tolist())))
assert lead[-1] > 0

# %% [markdown]
# While learning is quick the mean lags behind, later it is ahead. It does not keep a network from learning by heart,
# but it takes the noise away, at the price of a copy of the weights; a learning rate that falls to zero does much the
# same.
#
# ## All of them, and something else
#
# What one would really like to have is more text. The same network, as many steps, but with 18,000 characters to
# learn from, so that it sees each of them four times instead of twenty-four:

# %%
more = train(large)
runs = {
    "nothing": plain["held out"],
    "mean weights": plain["held out, mean weights"],
    "dropout 0.3": dropped["held out"],
    "weight decay 0.3": decayed_run["held out"],
    "weight decay 0.3, mean weights": decayed_run["held out, mean weights"],
    "six times the text": more["held out"],
}
figure, ax = plt.subplots(figsize=(9, 3.8))
for place, (name, losses) in enumerate(runs.items()):
    lowest = min(losses)
    ax.plot([lowest, losses[-1]], [place, place], color=show.GREY, zorder=1)
    ax.plot(lowest, place, "o", color=show.CELL, markersize=11, label="the best: stopped early" if not place else None)
    ax.plot(losses[-1], place, "o", color=show.ERROR, label=f"after all {STEPS} steps" if not place else None)
    print(f"{name:31} best {lowest:.3f} (step {steps[int(np.argmin(losses))]}), at the end {losses[-1]:.3f}")
ax.set_yticks(range(len(runs)), list(runs))
ax.invert_yaxis()
ax.set(xlabel="nats per character, held out", title="Which curve, and where on it")
ax.legend(loc="lower right")
show.picture(figure, "10_all_of_them.png")
assert min(runs["six times the text"]) < min(min(losses) for name, losses in runs.items() if "text" not in name) - 0.05
assert all(runs[name][-1] < plain["held out"][-1] for name in runs if name != "nothing")

# %% [markdown]
# Read the green points: once one stops early, the difference between the methods is small on this task, less than a
# tenth of a nat, and the text is worth several times as much. Read the orange ones: each method makes the time of
# stopping less critical. That is how they are used: get text; a network large enough to overfit; dropout or decay, so
# that it does not; early stopping in any case, since it costs nothing.
#
# One warning. The held-out text has now chosen the stopping point, p, λ and the method. The loss on it is no longer an
# honest guess at the loss on new text: the best of many candidates was partly lucky. A last figure
# to publish belongs to a third piece of text that was looked at once.
#
# ## Predict, then change, then run
#
# With a dropout of 0.8 in the place of 0.3, four units of five are silent at every step. Predict where both curves
# end, that of the text learned and that of the text held out, beside those without dropout. Then change `train(small,
# p=0.3)`.
#
# ## Three questions
#
# 1. With dropout, the loss shown during training is often *higher* than the one on held-out text. Has something gone
#    wrong?
# 2. Why does `minirnn.gradcheck` check networks with dropout as well, and what would it miss if backward drew a mask of
#    its own?
# 3. The letters are split by position: the first part to learn, the last held out. A colleague suggests to shuffle
#    single lines and hold out a tenth of them. For handwriting, another suggests to hold out lines at random. What is
#    wrong with both?
#
# The answers stand in `answers/10.md`.
