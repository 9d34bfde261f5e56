# %% [markdown]
# # 9. Optimisers: how a step is made from a gradient
#
# **Takes for granted**: gradients; eigenvalues of a matrix of two rows; chapter 3 for the cliff.
#
# **Runs for**: about 10 seconds.
#
# **You should see**: four optimisers on their way down one narrow valley, and which of them mind if it gets narrower,
# or is turned; contraction factors that a line of algebra predicts; a noise floor that is proportional to the learning
# rate, and a schedule that gets below it; and a cliff that throws one run off and that clipping makes harmless.
#
# Notation, here and in `minirnn.training.optimisers`: $\theta$ a parameter, g the gradient of the loss with respect to
# it, $\eta$ the learning rate.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.datasets.text import LETTERS, TextStreams, ValidationText, read_text
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import rnn
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import SGD, Adam, RMSprop, clip_by_global_norm, learning_rate
from minirnn.training.trainer import evaluate

# %% [markdown]
# ## One problem: a narrow valley
#
# Close to a minimum every smooth loss is a quadratic, and a quadratic is made of independent directions, each with a
# curvature $\lambda$ of its own. So two directions are enough to study:
#
# $$
# f(\theta) = \tfrac12 (\lambda_1 \theta_1^2 + \lambda_2 \theta_2^2) \qquad g = (\lambda_1 \theta_1, \lambda_2 \theta_2)
# \qquad \lambda_1 = 1, \; \lambda_2 = 30
# $$
#
# Along $\theta_1$ the slope is gentle and the way long, across it the walls are steep. The ratio
# $\kappa = \lambda_2/\lambda_1 = 30$, the condition number, is kind: in real networks it is thousands.
#
# A run keeps its optimiser's memory and its path. The package's optimisers change the parameters in place, a dict of
# arrays, hence the copies.

# %%
CURVATURE = np.array([1.0, 30.0])
START = np.array([-5.0, 1.2])


def run(make, lr, steps, gradient=lambda theta: CURVATURE * theta, start=START):
    """Let the optimiser ``make(params)`` go ``steps`` steps from ``start`` -> its path (steps + 1, 2).

    ``lr``: a learning rate, or a function of the number of the step."""
    params = {"theta": start.copy()}
    optimiser, path = make(params), [start.copy()]
    for step in range(steps):
        optimiser.step(params, {"theta": gradient(params["theta"])}, lr(step) if callable(lr) else lr)
        path.append(params["theta"].copy())
    return np.array(path)


def f(theta):
    """The loss at every point of theta (..., 2)."""
    return 0.5 * np.sum(CURVATURE * theta**2, axis=-1)


# %% [markdown]
# ## Gradient descent, and why it is slow
#
# The plainest step goes against the gradient, $\theta \leftarrow \theta - \eta g$. In one direction of curvature
# $\lambda$ that is
#
# $$\theta \leftarrow \theta - \eta \lambda \theta = (1 - \eta \lambda)\, \theta$$
#
# a multiplication by the same factor at every step. It shrinks as long as $|1 - \eta \lambda| < 1$, that is,
# $\eta < 2/\lambda$. So the *steepest* direction forbids any rate above $2/\lambda_2$, and with such a rate the
# *gentlest* direction shrinks by at best $1 - 2/\kappa$ per step. The best compromise makes both factors equal in
# size, $1 - \eta \lambda_1 = -(1 - \eta \lambda_2)$:
#
# $$
# \eta = \frac{2}{\lambda_1 + \lambda_2}, \qquad \text{factor } \frac{\kappa - 1}{\kappa + 1} = \frac{29}{31} = 0.935
# \text{ per step}
# $$
#
# Too small a rate crawls, the best one still zigzags between the walls, one a little above $2/\lambda_2 = 0.0667$
# leaves:

# %%
best = 2 / CURVATURE.sum()
paths = {lr: run(SGD, lr, 40) for lr in (0.015, best, 0.068)}
kappa = CURVATURE[1] / CURVATURE[0]
measured = np.linalg.norm(paths[best][-1]) / np.linalg.norm(paths[best][-2])
print(f"factor per step at the rate {best:.4f}: predicted {(kappa - 1) / (kappa + 1):.4f}, measured {measured:.4f}")
assert abs(measured - (kappa - 1) / (kappa + 1)) < 1e-12


def draw_valley(ax, loss=f):
    """Contours of ``loss``, evenly spaced in its logarithm, and its minimum."""
    grid = np.stack(np.meshgrid(np.linspace(-6, 6, 100), np.linspace(-6, 6, 100)), axis=-1)
    ax.contour(grid[..., 0], grid[..., 1], loss(grid), np.logspace(-1, 3, 13), colors="#cccccc", linewidths=0.8)
    ax.plot(0, 0, "+", color="black", markersize=9)


figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), sharey=True)
for ax, (lr, path), name in zip(axes, paths.items(), ["too small", "the best", "too large"]):
    draw_valley(ax)
    ax.plot(*path.T, ".-", color=show.FORWARD, linewidth=1)
    ax.set(xlim=(-6, 2), ylim=(-2.6, 2.6), xlabel="θ1", title=f"{name}, η = {lr:.3f}: f = {f(path[-1]):.2g} after 40")
axes[0].set_ylabel("θ2")
show.picture(figure, "09_gradient_descent.png")

# %% [markdown]
# ## Momentum: the mean of the way so far
#
# Across the valley the gradient changes its sign at every step, along it never. An average of the past gradients
# keeps what is steady and cancels what alternates:
#
# $$v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta v$$
#
# Where g is steady, v grows to $g\,(1 + \mu + \mu^2 + \cdots) = g/(1 - \mu)$: $\mu = 0.9$ is ten times the rate, but
# only where the slope agrees with itself. How much is gained? One direction again, now of two numbers:
#
# $$
# \begin{pmatrix} v \\ \theta \end{pmatrix} \leftarrow
# \begin{pmatrix} \mu & \lambda \\ -\eta\mu & 1 - \eta\lambda \end{pmatrix}
# \begin{pmatrix} v \\ \theta \end{pmatrix}
# \qquad \text{determinant } \mu, \text{ trace } 1 + \mu - \eta\lambda
# $$
#
# If its two eigenvalues are complex they are conjugate, each of the size $\sqrt{\text{determinant}} = \sqrt\mu$,
# *whatever $\lambda$ is*. That is so as long as $\text{trace}^2 < 4\mu$, or
# $(1 - \sqrt\mu)^2 < \eta\lambda < (1 + \sqrt\mu)^2$. Put $\lambda_1$ on the lower limit and $\lambda_2$ on the upper:
#
# $$\sqrt\mu = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}, \qquad \eta = \frac{(1 + \sqrt\mu)^2}{\lambda_2}$$
#
# Instead of $\kappa$ its root: 0.69 per step instead of 0.935, where $\kappa = 30$. (Polyak 1964.)

# %%
sqrt_mu = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
lr = (1 + sqrt_mu) ** 2 / CURVATURE[1]
for curvature in (1, 4, 12, 30):
    step_matrix = np.array([[sqrt_mu**2, curvature], [-lr * sqrt_mu**2, 1 - lr * curvature]])
    size = np.abs(np.linalg.eigvals(step_matrix)).max()
    print(f"λ = {curvature:2}: size of the eigenvalues {size:.4f}, √μ = {sqrt_mu:.4f}")
    assert abs(size - sqrt_mu) < 1e-6  # at the limits both eigenvalues fall together, which costs half the digits
steps_of = {
    name: int(np.argmax(f(path) < 1e-6))
    for name, path in (("gradient descent", run(SGD, best, 400)),
                       ("momentum", run(lambda params: SGD(params, momentum=sqrt_mu**2), lr, 400)))
}  # fmt: skip
print("steps to a loss of 1e-6:", steps_of)
assert steps_of["momentum"] * 3 < steps_of["gradient descent"]
show.source(SGD.step, "v = self", "theta -=")

# %% [markdown]
# ## RMSprop: a scale for each weight
#
# The other idea: if steep directions forbid large rates, give each weight a rate of its own. Keep a running mean of
# $g^2$, and divide by its root:
#
# $$s \leftarrow \rho s + (1 - \rho)\, g^2, \qquad \theta \leftarrow \theta - \frac{\eta\, g}{\sqrt s + \varepsilon}$$
#
# $\sqrt s$ is the typical size of g, so $g/\sqrt s$ is about ±1: every weight moves about $\eta$ per step, steep or
# not. Multiply the loss by a thousand, and the path stays the same. There are two catches.
#
# The first: s begins at zero, so that after one step $s = (1 - \rho) g^2$, and the first step is
# $\eta/\sqrt{1 - \rho}$: ten times $\eta$ for $\rho = 0.99$. The second: near the minimum $g/\sqrt s$ does not get
# small, since g and $\sqrt s$ get small together. The rate alone bounds the step, and the path ends in a dance around
# the minimum.
#
# ## Adam: both, and no bias
#
# Adam (Kingma and Ba 2015) takes the running mean of the gradient *and* that of its square, and mends the beginning.
# With m = 0 at first and $m \leftarrow \beta_1 m + (1 - \beta_1) g$, after t steps of a constant gradient
#
# $$m = (1 - \beta_1)\,(1 + \beta_1 + \cdots + \beta_1^{t-1})\, g = (1 - \beta_1^t)\, g$$
#
# so that $m / (1 - \beta_1^t) = g$: that is the whole correction, and s has the same.
#
# $$
# \begin{split}
# m &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
# s &\leftarrow \beta_2 s + (1 - \beta_2)\, g^2 \\
# \hat m &= \frac{m}{1 - \beta_1^t}, \quad \hat s = \frac{s}{1 - \beta_2^t} \\
# \theta &\leftarrow \theta - \frac{\eta\, \hat m}{\sqrt{\hat s} + \varepsilon}
# \end{split}
# $$
#
# Here is the plain version, line for line, and beside it the package's, which computes the same without allocating
# more than one array, and gathers the two corrections into numbers:

# %%
def adam_plain(theta, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """theta, any shape, after one step of Adam for each of ``gradients``."""
    m = s = np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(s_hat) + eps)
    return theta


show.source(Adam.step, "unbias_m", "theta -= work")
rng = np.random.default_rng(0)
gradients, params = rng.standard_normal((50, 3, 2)), {"W": rng.standard_normal((3, 2))}
plain, adam = adam_plain(params["W"], gradients, 0.01), Adam(params)
for g in gradients:
    adam.step(params, {"W": g}, 0.01)
print(f"plain and package after 50 steps: largest difference {np.abs(plain - params['W']).max():.0e}")
assert np.abs(plain - params["W"]).max() < 1e-12

# %% [markdown]
# What the correction is worth: the length of each step where the gradient is constantly 1. It ought to be $\eta$ from
# the first one. RMSprop leaps; Adam without the correction leaps, too, three times too far on the first step and
# further on those that follow, since $\sqrt s$ takes a thousand steps to come to life, and m only ten.

# %%
t = np.arange(1, 3001)
ones = lambda theta: np.ones(2)  # noqa: E731 (a constant gradient)
lengths = {
    "RMSprop, ρ = 0.99": -np.diff(run(RMSprop, 1.0, 3000, ones)[:, 0]),
    "Adam without correction": (1 - 0.9**t) / np.sqrt(1 - 0.999**t),
    "Adam": -np.diff(run(Adam, 1.0, 3000, ones)[:, 0]),
}
figure, ax = plt.subplots(figsize=(7.5, 3.4))
for (name, length), colour in zip(lengths.items(), (show.CELL, show.GREY, show.ERROR)):
    ax.semilogx(t, length, color=colour, label=name)
ax.set(xlabel="step", ylabel="length of the step / η", ylim=(0, 10.5), title="A constant gradient of 1")
ax.legend()
show.picture(figure, "09_the_first_steps.png")
assert np.allclose(lengths["Adam"], 1, atol=1e-6)
print({name: round(float(length[0]), 2) for name, length in lengths.items()}, "on the first step")

# %% [markdown]
# ## The four of them
#
# Each with the learning rate that brings it below f = 0.1 and keeps it there in the fewest steps, out of sixty tried.
# Above the valley as it was; below, the same valley turned by 45 degrees. (All rates and all valleys are tried at once:
# the optimisers are all elementwise, so N valleys with sixty walkers each are one array (N, 60, 2).)

# %%
OPTIMISERS = {
    "gradient descent": lambda kappas: SGD,
    "momentum": lambda kappas: lambda params: SGD(params, momentum=best_mu(kappas)),
    "RMSprop, ρ = 0.9": lambda kappas: lambda params: RMSprop(params, rho=0.9),
    "Adam": lambda kappas: Adam,
}
TURN = np.array([[1, -1], [1, 1]]) / np.sqrt(2)  # points are rows: θ TURN is turned by 45 degrees
RATES = np.geomspace(0.001, 2, 60)


def best_mu(kappas):
    """The μ of the text above for each of kappas (N,) -> (N, 1, 1), beside walkers (N, 60, 2)."""
    roots = np.sqrt(kappas)
    return (((roots - 1) / (roots + 1)) ** 2)[:, None, None]


def best_runs(name, kappas, turn, steps, goal=0.1):
    """The quickest of all RATES in each valley with λ = (1, κ), turned by ``turn`` -> [(rate, steps, path), ...]."""
    kappas = np.array(kappas, float)
    curvature = np.stack([np.ones_like(kappas), kappas], axis=1)[:, None]  # (N, 1, 2)
    start = np.tile(np.array([-5.0, 1.2]) * np.sqrt([1, 30] / curvature) @ turn, (1, len(RATES), 1))
    gradient = lambda theta: (curvature * (theta @ turn.T)) @ turn  # noqa: E731
    with np.errstate(over="ignore", invalid="ignore"):  # of the rates that are too large
        paths = run(OPTIMISERS[name](kappas), RATES[:, None], steps, gradient, start)  # (steps + 1, N, 60, 2)
        loss = 0.5 * np.sum(curvature * (paths @ turn.T) ** 2, axis=-1)
    late = ~(loss < goal)
    needed = np.where(late.any(axis=0), len(late) - np.argmax(late[::-1], axis=0), 0)  # after the last that is late
    quickest = needed.argmin(axis=1)
    return [(RATES[q], int(needed[n, q]), paths[: needed[n, q] + 1, n, q]) for n, q in enumerate(quickest)]


figure, axes = plt.subplots(2, 4, figsize=(13, 6.4), sharex=True, sharey="row")
for row, turn, limits in zip(axes, (np.eye(2), TURN), ((-3.2, 3.2), (-1.4, 5))):
    for ax, name in zip(row, OPTIMISERS):
        ((lr, needed, path),) = best_runs(name, [30], turn, steps=300)
        draw_valley(ax, lambda theta, turn=turn: f(theta @ turn.T))
        ax.plot(*path.T, ".-", color=show.FORWARD, linewidth=1, markersize=4)
        ax.set(xlim=(-6, 2), ylim=limits, title=f"{name}\nη = {lr:.3f}: {needed} steps")
show.picture(figure, "09_trajectories.png")

# %% [markdown]
# Look at the starts. Gradient descent and momentum first fall down the steep wall. RMSprop and Adam set off at 45
# degrees, since both weights move by the same $\eta$, whatever their gradients; and their steps are all of about one
# length, where those of gradient descent get shorter and shorter. So far that is no advantage, and the tuned momentum
# is the quickest by far. The valley has to be narrower. Here are the steps needed as $\kappa$ grows:

# %%
KAPPAS = (10, 30, 100, 300, 1000)
figure, ax = plt.subplots(figsize=(8, 4.4))
print(f"steps needed, κ = {KAPPAS}")
table = {}
for name, colour in zip(OPTIMISERS, show.COLOURS):
    for turn, style, which in ((np.eye(2), "-", "as it was"), (TURN, "--", "turned")):
        table[name, which] = [needed for _, needed, _ in best_runs(name, KAPPAS, turn, steps=1500)]
        ax.loglog(KAPPAS, table[name, which], "o", linestyle=style, color=colour, markersize=4,
                  label=name if style == "-" else None)  # fmt: skip
        print(f"{name:17} {which:10}", table[name, which])
ax.set(xlabel="condition number κ", ylabel="steps to f < 0.1", title="Narrower and narrower (dashed: turned)")
ax.legend()
show.picture(figure, "09_narrower.png")
assert table["gradient descent", "turned"] == table["gradient descent", "as it was"]
assert table["Adam", "turned"][-1] > 2 * table["Adam", "as it was"][-1]

# %% [markdown]
# Gradient descent needs steps in proportion to $\kappa$, momentum to its root. Neither knows how the axes lie: turned
# valley, turned path. RMSprop and Adam scale *by axis*. Where the valley follows an axis, a hundred times the
# narrowness costs RMSprop two or three times the steps, and Adam nothing. Where it lies across, both weights see the
# same mixture of steep and gentle, $\sqrt s$ is about the same for both, and there is nothing left to scale: RMSprop
# becomes as slow as gradient descent, and what Adam still has is its momentum.
#
# So why is Adam everybody's first choice? Because in a network the axes do mean something: a letter that comes rarely
# has an embedding whose gradient is mostly zero, a bias collects from every step, a weight of the first layer is far
# from the loss. Their scales differ by orders of magnitude, and they differ weight by weight. And because momentum was
# only so good with $\mu$ and $\eta$ computed from a $\kappa$ that nobody knows for a network. Test it on the network,
# not on the valley.
#
# ## On a network
#
# A small LSTM on a part of the letters, 80 steps, every optimiser with a range of learning rates; measured on text that
# is held out.

# %%
text = read_text(LETTERS)[:40_000]
training, validation = text[:36_000], text[36_000:]
vocabulary = CharVocabulary(training)
B, T = 16, 16
data = TextStreams(vocabulary.encode(training), B, T)
held_out = ValidationText(vocabulary.encode(validation), 64, T)


def train(make, lr, steps, clip=1.0, seed=0):
    """A new network trained for ``steps`` steps -> losses (steps,), norms before clipping (steps,), network.

    ``lr``: a learning rate, or a function of the number of the step."""
    network = CharRNN(len(vocabulary), "lstm", layers=1, hidden=32, embed=16, seed=seed)
    flat = backend.flatten(network.params)
    optimiser, losses, norms = make(flat), [], []
    for step in range(steps):
        epoch, index = divmod(step, data.chunks(0))
        fresh, chunk = data.chunk(epoch, index)
        if fresh:
            state = network.start(B)
        loss, state, cache = network.loss(chunk, state)
        grads = backend.flatten(network.backward(cache))
        norms.append(clip_by_global_norm(grads, clip))
        optimiser.step(flat, grads, lr(step) if callable(lr) else lr)
        losses.append(float(loss))
    return np.array(losses), np.array(norms), network


CANDIDATES = {
    "SGD": (SGD, (1.0, 3.0, 10.0, 30.0)),
    "momentum, μ = 0.9": (lambda params: SGD(params, momentum=0.9), (0.3, 1.0, 3.0, 10.0)),
    "RMSprop": (RMSprop, (0.003, 0.01, 0.03, 0.1)),
    "Adam": (Adam, (0.001, 0.01, 0.03, 0.1, 0.3)),
}
reached, curves = {}, {}
for name, (make, rates) in CANDIDATES.items():
    runs = {lr: train(make, lr, 80) for lr in rates}
    reached[name] = [evaluate(network, held_out) for _, _, network in runs.values()]
    curves[name] = runs[rates[int(np.argmin(reached[name]))]][0]
    print(f"{name:18}" + "".join(f"  η {lr:5}: {loss:.2f}" for lr, loss in zip(rates, reached[name])))

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.8))
for (name, losses), colour in zip(curves.items(), show.COLOURS):
    left.plot(np.convolve(losses, np.ones(5) / 5, "valid"), color=colour, label=name)
    right.semilogx(CANDIDATES[name][1], reached[name], "o-", color=colour, label=name)
left.set(xlabel="step", ylabel="nats per character (mean of 5 steps)", title="Each at its best rate")
right.set(xlabel="learning rate η", ylabel="nats, held out", title="After 80 steps, by learning rate")
left.legend()
show.picture(figure, "09_on_a_network.png")

# %% [markdown]
# With its rate found by search, each of the four learns, and they are closer together than their reputation. RMSprop's
# long first steps, a vice in theory, are a head start in so short a run. What differs is the rate itself: note the
# horizontal axis on the right. Between the best rate of SGD (10; 3 and 30 are worse) and that of Adam lies a factor of
# several hundred, since $\eta$ means something else for an optimiser that divides by the size of the gradient. A rate
# is never carried from one to another.
#
# What speaks most for Adam is that its $\eta$ is the length of a step, the same for every weight, whatever the scale of
# the loss. But the rule that it should lie between 0.001 and 0.01 is one for large networks and long runs. Here 0.001
# comes to 3.15 nats after 80 steps, in which it can move a weight by 0.08 at most, and 0.01 to 2.54, while 0.03 and
# 0.1 both reach 2.34. The plain lesson of the picture on the right: search, in steps of a factor of three, until the
# best is no longer at the edge.
#
# ## Noise, and why the learning rate has to fall
#
# The gradient of a chunk is the gradient of the whole text plus noise $\xi$. In one direction, with $\xi$ of variance
# $\sigma^2$,
#
# $$\theta \leftarrow (1 - \eta \lambda)\, \theta - \eta\, \xi$$
#
# After long running, the variance q of $\theta$ is the one that a step leaves as it is:
# $q = (1 - \eta \lambda)^2 q + \eta^2 \sigma^2$, hence
#
# $$
# q = \frac{\eta \sigma^2}{\lambda\,(2 - \eta\lambda)}, \qquad
# \text{mean loss } \tfrac12 \lambda q = \frac{\eta \sigma^2}{2\,(2 - \eta\lambda)} \approx \frac{\eta \sigma^2}{4}
# $$
#
# The loss comes to rest at a height proportional to $\eta$. A small rate is precise but slow, a large one quick and
# coarse. So begin large and end small. The package's schedules rise in a line for a few steps, while s is still young
# and the gradients large. Then they fall along half a cosine, or stay level and fall in a straight line at the end:

# %%
show.source(learning_rate, "if step < warmup", "return peak * (floor")
SIGMA, STEPS = 1.0, 1000


def mean_loss(lr, walkers=200):
    """Mean loss of many walkers through the valley, each with noise of its own -> (STEPS + 1,)."""
    rng = np.random.default_rng(0)
    noisy = lambda theta: CURVATURE * theta + SIGMA * rng.standard_normal(theta.shape)  # noqa: E731
    return f(run(SGD, lr, STEPS, noisy, np.tile(START, (walkers, 1)))).mean(axis=1)


cosine = lambda step: learning_rate(step, STEPS, peak=0.03, warmup=20, schedule="cosine")  # noqa: E731
floors = {f"constant, η = {lr}": (mean_loss(lr), np.sum(lr * SIGMA**2 / (2 * (2 - lr * CURVATURE))))
          for lr in (0.03, 0.01)}  # fmt: skip
falling = mean_loss(cosine)
figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.6), width_ratios=[1, 1.6])
for schedule in ("constant", "cosine", "trapezoid"):
    rates = [learning_rate(step, STEPS, peak=1.0, warmup=100, schedule=schedule) for step in range(STEPS)]
    left.plot(rates, label=schedule)
left.set(xlabel="step", ylabel="η / peak", title="Schedules, with a warm-up of 100 steps")
left.legend(loc="lower left", fontsize=8)
for (name, (loss, floor)), colour in zip(floors.items(), show.COLOURS):
    right.semilogy(loss, color=colour, label=name)
    right.axhline(floor, color=colour, linestyle="--", linewidth=1)
    print(f"{name:20} floor predicted {floor:.5f}, measured {loss[-300:].mean():.5f}")
    assert abs(loss[-300:].mean() / floor - 1) < 0.1
right.semilogy(falling, color=show.CELL, label="cosine from 0.03")
right.set(xlabel="step", ylabel="mean loss", title="Noisy gradients (dashed: predicted)", ylim=(1e-4, 30))
right.legend()
show.picture(figure, "09_noise_and_schedules.png")
print(f"cosine, at the end: {falling[-1]:.6f}")
assert falling[-1] < 0.5 * floors["constant, η = 0.01"][1]

# %% [markdown]
# The same on the network: 250 steps with a peak of 0.06, a rate that is too coarse to end with.

# %%
endings = {}
for schedule in ("constant", "cosine", "trapezoid"):
    lr = lambda step, s=schedule: learning_rate(step, 250, peak=0.06, warmup=20, schedule=s)  # noqa: E731
    losses, lstm_norms, network = train(Adam, lr, 250)
    endings[schedule] = evaluate(network, held_out)
    print(f"{schedule:9}: {endings[schedule]:.3f} nats per character, held out")
assert max(endings["cosine"], endings["trapezoid"]) < endings["constant"]

# %% [markdown]
# A rate that falls has to know in advance when the run ends, which is why the package plans the number of steps before
# it begins, even for a budget in minutes (chapter 10 is about when to end).
#
# ## Clipping
#
# Chapter 3 met the cliff: a recurrent network has places where the gradient is a hundred times what it is beside them.
# Here is one in two dimensions. One unit, $h_t = \tanh(w h_{t-1} + b)$, twenty steps from $h_0 = -0.4$, loss
# $\tfrac12 (h_{20} + 0.7)^2$, its gradient from the package's `minirnn.layers.rnn` with all inputs zero. SGD walks
# along the plain, falls off the edge and meets a gradient of 60:

# %%
def cliff(params):
    """-> loss, gradients for params {"Wx" (1, 1), "Wh" (1, 1), "b" (1,)}."""
    y, _, cache = rnn.forward(np.zeros((20, 1, 1)), (np.array([[-0.4]]),), params)
    dy = np.zeros_like(y)
    dy[-1] = y[-1] + 0.7
    return 0.5 * float(dy[-1, 0, 0] ** 2), rnn.backward(dy, None, cache)[2]


def descend(max_norm, steps=150, lr=0.1):
    """SGD with clipping -> path (steps, 2) of (w, b), norms before clipping (steps,), last loss."""
    params = {"Wx": np.zeros((1, 1)), "Wh": np.array([[1.9]]), "b": np.array([0.1])}
    optimiser, path, norms = SGD(params), [], []
    for _ in range(steps):
        path.append((params["Wh"][0, 0], params["b"][0]))
        loss, grads = cliff(params)
        norms.append(clip_by_global_norm(grads, max_norm))
        optimiser.step(params, grads, lr)
    return np.array(path), np.array(norms), loss


def draw_cliff(ax, limits_w, limits_b):
    """The loss over w and b, dark where it is high."""
    w, b = np.meshgrid(np.linspace(*limits_w, 300), np.linspace(*limits_b, 300))
    h = np.full_like(w, -0.4)
    for _ in range(20):
        h = np.tanh(w * h + b)
    ax.contourf(w, b, 0.5 * (h + 0.7) ** 2, 30, cmap="Blues")
    ax.set(xlim=limits_w, ylim=limits_b, xlabel="w", ylabel="b")


figure, axes = plt.subplots(1, 3, figsize=(13, 3.9))
ends = {}
for ax, max_norm, name in zip(axes, (np.inf, 1.0), ("not clipped", "clipped to 1")):
    path, norms, ends[name] = descend(max_norm)
    draw_cliff(ax, *(((0.5, 4), (-6, 1)) if max_norm > 1 else ((1.3, 2.1), (-0.1, 0.5))))
    ax.plot(*path.T, ".-", color=show.ERROR, linewidth=1, markersize=4)
    ax.set_title(f"{name}: loss {ends[name]:.1e}")
    axes[2].semilogy(norms, color=show.ERROR if max_norm > 1 else show.FORWARD, label=name)
    print(f"{name}: largest gradient {norms.max():.0f}, loss after 150 steps {ends[name]:.1e}")
assert ends["not clipped"] > 0.01 > 1e-4 > ends["clipped to 1"]
axes[2].axhline(1, color=show.GREY, linestyle="--", linewidth=1)
axes[2].set(xlabel="step", ylabel="norm before clipping", title="The gradient on the way")
axes[2].legend()
show.picture(figure, "09_clipping.png")
acted = f"clipped in {np.sum(lstm_norms > 1)} of {len(lstm_norms)} steps"
print(f"the LSTM above: largest norm {lstm_norms.max():.2f}, {acted}")

# %% [markdown]
# Without clipping one step has thrown the weights to where the gradient is 1e-8, and there they stay. With it, the walk
# follows the edge down to the minimum. In a network that is doing well clipping hardly ever acts, as the last line
# printed says of the LSTM: it is a belt, not an engine.
#
# The direction stays, the length is bounded, and all gradients of the network share one factor:

# %%
def clip_plain(grads, max_norm):
    """New gradients, of the same direction, with a global norm of at most ``max_norm``."""
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    return {name: g * min(1, max_norm / norm) for name, g in grads.items()}


show.source(clip_by_global_norm, "norm = global_norm", "return norm")
grads = {"W": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}
clipped = {name: g.copy() for name, g in grads.items()}
clip_by_global_norm(clipped, 0.5)
assert all(np.abs(g - clip_plain(grads, 0.5)[name]).max() < 1e-12 for name, g in clipped.items())

# %% [markdown]
# ## Predict, then change, then run
#
# The valley was turned by 45 degrees, which is the worst. How many steps will Adam need at $\kappa = 1000$ if it is
# turned by 10 degrees, and how many by 5? You know the numbers for 0 and 45. Put another `TURN` in, and look.
#
# ## Three questions
#
# 1. Gradient clipping to norm 1, and Adam. Adam divides by the size of the gradient anyway; so is clipping superfluous?
# 2. Why does RMSprop's path in the straight valley not end in the minimum, however long it runs? What ends it there?
# 3. Momentum with $\mu = 0.9$ replaces plain SGD in a running project. What should happen to the learning rate? Look
#    for the answer in the figures that were printed for the network.
#
# The answers stand in `answers/09.md`.
