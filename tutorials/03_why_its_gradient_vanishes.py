# %% [markdown]
# # 3. Why its gradient vanishes
#
# **Takes for granted**: chapter 2; eigenvalues; logarithmic axes.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: errors that fall by a constant factor per step, straight lines on a logarithmic axis, at the slope
# that a short calculation predicts; a network that learns to recall a symbol from five steps back, and nothing from
# forty; and a cliff, the opposite fault, which clipping makes harmless.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.layers import rnn
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm

# %% [markdown]
# ## One step back, again and again
#
# Chapter 2 ended with one line that is repeated for every step that the error travels:
#
# $$dh_{t-1} = da_t W_h^\top = \left(dh_t\,(1 - h_t^2)\right) W_h^\top$$
#
# or with the Jacobian $J_t = \operatorname{diag}(1 - h_t^2) W_h^\top$, in k steps
#
# $$dh_{t-k} = dh_t\, J_t\, J_{t-1} \cdots J_{t-k+1}$$
#
# a product of k matrices. A product of k numbers that are all around 0.7 is $0.7^k$: after twenty steps, 0.0008. Two
# things make these factors small. The derivative $1 - h^2$ is 1 at most, and only where the unit is at rest: the more
# decidedly a unit says something, the less error it lets through. And $W_h$ stretches a vector by at most its largest
# singular value $\sigma$, so that
#
# $$|dh_{t-k}| \le (\gamma \sigma)^k\, |dh_t| \qquad \gamma \text{ the largest } 1 - h^2$$
#
# If $\gamma \sigma < 1$ the gradient vanishes, with certainty and exponentially fast (Bengio et al. 1994, Pascanu et
# al. 2013). If not, it may vanish or explode; what it will hardly do is stay.
#
# ## Measured
#
# To see dh of every step, the package's layer is run in chunks of one step, and the error of the last step alone is
# sent back from chunk to chunk through `dstate`. This works for any cell.

# %%
def errors_by_distance(cell, params, x, rng):
    """Norm of the state's error 0, 1, .., T steps before the last one, for x (T, B, D) and an error of norm one
    per sequence at the last output -> (T + 1,), the root mean square over the batch."""
    state, caches = cell.start(x.shape[1], params), []
    for t in range(len(x)):
        y, state, cache = cell.forward(x[t : t + 1], state, params)
        caches.append(cache)
    dy = rng.standard_normal(y.shape)
    dy /= np.linalg.norm(dy, axis=2, keepdims=True)
    norms, dstate = [1.0], None
    for cache in reversed(caches):
        _, dstate, _ = cell.backward(dy, dstate, cache)
        dy = np.zeros_like(dy)  # no loss but the last
        norms.append(np.sqrt(np.mean(sum(np.sum(d**2, axis=1) for d in dstate))))
    return np.array(norms)


# %% [markdown]
# How steep should the lines be? Let the entries of $W_h$ be random with variance $\rho^2/H$. Then its eigenvalues fill
# a disc of radius $\rho$ (the circular law), and a vector v is mapped to one with expected squared length
#
# $$\mathrm{E}\,|v W_h^\top|^2 = H \cdot \frac{\rho^2}{H} \cdot |v|^2 = \rho^2 |v|^2$$
#
# and the factors $1 - h^2$, squared, are averaged in between. So each step multiplies the root mean square of the error
# by
#
# $$\rho\, \sqrt{\text{mean of } (1 - h^2)^2}$$
#
# This takes $W_h$ and the error for independent, which they are not quite, since the same $W_h$ is used at every step.
# It is good enough, as the dashed lines show: each is drawn by this formula, nothing is fitted.

# %%
T, B, D, H = 50, 16, 8, 128
figure, ax = plt.subplots(figsize=(7.5, 4.4))
print("rho  factor per step: predicted  measured")
for rho, colour in zip([0.5, 0.9, 1.3, 2.0, 3.0], show.COLOURS):
    rng = np.random.default_rng(1)
    params = rnn.init(rng, D, H, np.float64)
    params["Wh"] = rho / np.sqrt(H) * rng.standard_normal((H, H))
    params["Wx"] = 0.5 / np.sqrt(D) * rng.standard_normal((D, H))
    x = rng.standard_normal((T, B, D))
    norms = errors_by_distance(rnn, params, x, rng)
    h = rnn.forward(x, rnn.start(B, params), params)[0][5:]  # the first steps still come to life
    predicted = rho * np.sqrt(np.mean((1 - h**2) ** 2))
    measured = (norms[-6] / norms[0]) ** (1 / (T - 5))
    print(f"{rho:3.1f}                     {predicted:9.3f} {measured:9.3f}")
    ax.semilogy(norms[:-5], color=colour, label=f"ρ = {rho}")
    ax.semilogy(predicted ** np.arange(T - 4), color=colour, linestyle="--", linewidth=1)
    assert abs(np.log(predicted / measured)) < 0.1
ax.set(xlabel="distance in time: steps before the loss", ylabel="norm of the error")
ax.set_title("How far an error comes back (dashed: predicted)")
ax.legend(ncols=2, loc="lower left")
show.picture(figure, "03_error_by_distance.png")

# %% [markdown]
# Five networks, and five straight lines: error, as a function of distance, is an exponential. Even with a small $\rho$
# of 0.5 the first few steps back are well served, and that is why a vanilla RNN learns spelling. But there is nothing
# between "fades" and "blows up" except an exact balance, and the balance depends on the weights, which training moves.
# Large weights do not help as much as one might think: they also drive the units into saturation, where $1 - h^2$ is
# small; the factor of $\rho = 3$ is far below 3.
#
# Where does the package's own start lie? Uniform in $\pm 1/\sqrt H$ has the variance 1/(3H), that is
# $\rho = \sqrt{1/3} = 0.58$:

# %%
show.source(rnn.init, "bound", '"Wh"')

# %% [markdown]
# ## It is the long memory that is lost, not the gradient
#
# The gradient of a weight is the sum over all distances. It does not vanish: the near terms are alive and well. What
# is missing is the far part. Here is what a loss at the last step contributes to $dW_h$, split by the step where
# the weight was used:

# %%
rng = np.random.default_rng(2)
params = rnn.init(rng, D, H, np.float64)
x = rng.standard_normal((T, B, D))
h = np.concatenate([rnn.start(B, params)[0][None], rnn.forward(x, rnn.start(B, params), params)[0]])
dh = rng.standard_normal((B, H))
shares, parts = [], []
for t in range(T, 0, -1):
    da = dh * (1 - h[t] ** 2)
    shares.append(np.linalg.norm(h[t - 1].T @ da))
    parts.append(sum(np.outer(h[t - 1, b], da[b]) for b in range(0, B, 2)) - sum(np.outer(h[t - 1, b], da[b])
                 for b in range(1, B, 2)))  # fmt: skip
    dh = da @ params["Wh"].T
noise = np.linalg.norm(sum(parts)) / sum(shares)
shares = np.array(shares) / sum(shares)
print("share of dWh by distance:", ", ".join(f"{k}: {100 * shares[k]:.2g}%" for k in (0, 1, 2, 5, 10, 20, 40)))
print(f"beyond 10 steps: {100 * shares[11:].sum():.1g}% of the gradient")
print(f"what one half of the batch says and the other does not: {100 * noise:.0f}%")

# %% [markdown]
# So the far past is not missing from the gradient, it is drowned in it. The difference between the gradients of the two
# halves of the batch, the noise that every mini-batch has, is larger by orders of magnitude.
#
# ## What it means for learning
#
# A task with a knob: the first symbol is one of four, then come k steps of noise, and after the last of them the
# network has to say what the first symbol was. All of the loss stands at the last step (the mask sees to that).
# Guessing costs log 4 = 1.386 nats.

# %%
def recall_task(rng, B, k):
    """A chunk of B sequences of k + 1 steps: one of the symbols 0 to 3, then k of noise (4, 5), then say the first."""
    x = rng.integers(4, 6, (k + 1, B))
    x[0] = rng.integers(0, 4, B)
    y, mask = np.zeros_like(x), np.zeros(x.shape, bool)
    y[-1], mask[-1] = x[0], True
    return {"x": x, "y": y, "mask": mask}


def learn_recall(cell, k, steps, seed=0):
    """Train a small network on the task -> the loss of every step (steps,)."""
    network = CharRNN(6, cell, layers=1, hidden=32, embed=8, seed=seed)
    flat, rng, losses = backend.flatten(network.params), np.random.default_rng(seed), []
    optimiser = Adam(flat)
    for _ in range(steps):
        loss, _, cache = network.loss(recall_task(rng, 32, k), network.start(32))
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, lr=3e-3)
        losses.append(float(loss))
    return np.array(losses)


figure, ax = plt.subplots(figsize=(7.5, 4))
final = {}
for k in (3, 5, 6, 7, 40):
    losses = learn_recall("rnn", k, 300)
    final[k] = losses[-50:].mean()
    ax.plot(np.convolve(losses, np.ones(20) / 20, "valid"), label=f"{k} steps ago")
    print(f"recalling a symbol from {k:2} steps ago: {final[k]:.3f} nats after 300 steps")
assert final[5] < 0.2 and final[40] > 1.2
ax.axhline(np.log(4), color=show.GREY, linestyle="--", linewidth=1)
ax.text(280, np.log(4) + 0.03, "guessing", ha="right", color=show.GREY)
ax.set(xlabel="step", ylabel="nats (mean of 20 steps)", ylim=(0, 1.6), title="A vanilla RNN learns to recall what was")
ax.legend(loc="center right")
show.picture(figure, "03_learning_to_recall.png")

# %% [markdown]
# Each further step of distance takes longer to learn. Nothing forbids a vanilla RNN to hold a symbol for forty steps:
# weights that do it exist. Two units that feed themselves, tanh(2 h), have two resting points each, and four symbols
# can push them into the four combinations. The noise pushes less, and they stay:

# %%
Wx = np.array([[3, 3], [3, -3], [-3, 3], [-3, -3], [0.1, -0.1], [-0.1, 0.1]])
by_hand = {"Wx": Wx, "Wh": 2 * np.eye(2), "b": np.zeros(2)}
x = np.eye(6)[recall_task(np.random.default_rng(0), 1000, 40)["x"]]
kept = rnn.forward(x, rnn.start(1000, by_hand), by_hand)[0][-1]
right = np.mean((np.sign(kept) == np.sign(x[0] @ by_hand["Wx"])).all(axis=1))
print(f"made by hand: {right:.1%} of 1000 symbols are still held after forty steps of noise")
assert right == 1

# %% [markdown]
# It is the search that fails, since the gradient does not say where to look. Chapter 4 gives the same task to an LSTM.
#
# ## The other fault: cliffs
#
# Where factors are above one the gradient explodes. One unit shows the mechanism: $h_t = \tanh(w h_{t-1} + 0.3)$,
# twenty steps from $h_0 = -0.4$, loss $\tfrac12 (h_{20} + 0.7)^2$. For a small w all roads lead to a positive resting
# point. From a certain w on, a road that begins at -0.4 ends at a negative one. Between the two lies a cliff: on its
# face the gradient is thousands, on the plains to both sides below one.

# %%
ws = np.linspace(0.5, 3, 20001)
h, dh_dw = np.full_like(ws, -0.4), np.zeros_like(ws)
for _ in range(20):
    argument = ws * h + 0.3
    dh_dw = (1 - np.tanh(argument) ** 2) * (h + ws * dh_dw)  # forward mode: one number per w is enough here
    h = np.tanh(argument)
loss, dloss = 0.5 * (h + 0.7) ** 2, (h + 0.7) * dh_dw
print(f"largest |dL/dw| {np.abs(dloss).max():.0f}, median {np.median(np.abs(dloss)):.4f}")

figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
axes[0].plot(ws, loss, color=show.FORWARD)
axes[0].set(xlabel="w", ylabel="loss", title="A cliff")
axes[1].semilogy(ws, np.abs(dloss) + 1e-12, color=show.ERROR)
axes[1].axhline(1, color=show.GREY, linestyle="--", linewidth=1)
axes[1].text(0.5, 1.6, "clipped above", color=show.GREY)
axes[1].set(xlabel="w", ylabel="|dL/dw|", ylim=(1e-3, 1e4), title="and its gradient")
show.picture(figure, "03_cliff.png")

# %% [markdown]
# A step of learning rate times such a gradient throws the weights far away, and hours of training are gone. The
# remedy is crude and sufficient: keep the direction, bound the length. All gradients count as one long vector, so that
# their proportions stay:

# %%
show.source(clip_by_global_norm)

# %% [markdown]
# Against vanishing nothing of the kind helps: what has become too small relative to the rest cannot be brought back by
# scaling the whole. It needs another path for the error, one without a matrix and without a squashing function in it.
#
# ## Predict, then change, then run
#
# In the measurement of the five networks, make the inputs ten times as large: 5 in the place of 0.5 in the line of
# `params["Wx"]`. $W_h$ stays what it is. Will errors come back further, less far, or as far as before?
#
# ## Three questions
#
# 1. If the gradient is multiplied by 0.4 at every step, would a learning rate that is larger by 1/0.4²⁰ train the
#    memory of twenty steps?
# 2. Let $W_h$ be the identity, b = 0, and no tanh. What is the error after k steps? Why is that not yet a useful
#    memory?
# 3. With ReLU in place of tanh, the derivative is 0 or 1. Does the argument of this chapter still hold?
#
# The answers stand in `answers/03.md`.
