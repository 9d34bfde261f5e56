# %% [markdown]
# # 4. The LSTM, forward
#
# **Takes for granted**: chapters 2 and 3.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: the cell drawn; the plain formulas and the package agreeing to 1e-12; a memory cell whose weights
# are set by hand, storing, keeping and showing a sign; and a network that recalls a symbol from forty steps ago,
# provided that its forget gates start open wide enough.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.layers import lstm
from minirnn.networks.char_rnn import CharRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm

# %% [markdown]
# ## A sum, and who may touch it
#
# Chapter 3 ended with a wish: a path through time without a matrix and without a squashing function. The plainest
# such path is a sum,
#
# $$c_t = c_{t-1} + (\text{something new})$$
#
# whose derivative with respect to $c_{t-1}$ is exactly one. An error that travels along it arrives as it set out,
# whatever the distance. Hochreiter and Schmidhuber (1997) called it the constant error carousel. But a bare sum is a
# poor memory: everything is added to it, nothing is ever removed, and all of it shows all the time. So three **gates**
# stand around it, numbers between 0 and 1, one for every unit, computed at every step from the input and the state:
#
# | gate | question | 0 | 1 |
# |---|---|---|---|
# | i, input | may something new be written? | shut | written in full |
# | f, forget | is what was there kept? | erased | kept in full |
# | o, output | does the cell show what it holds? | hidden | shown |
#
# and one more, g, which is no gate but the something new, between -1 and 1.
#
# $$
# \begin{split}
# z_t &= x_t W_x + h_{t-1} W_h + b = [z_i, z_f, z_o, z_g] \qquad (B, 4H) \\
# i, f, o &= \sigma(z_i), \sigma(z_f), \sigma(z_o) \qquad (B, H) \text{ each} \\
# g &= \tanh(z_g) \\
# c_t &= f\, c_{t-1} + i\, g \qquad \text{products entry by entry} \\
# h_t &= o \tanh(c_t)
# \end{split}
# $$
#
# with $\sigma(z) = 1 / (1 + \exp(-z))$. The state is now a pair: c is what the cell knows, h is what it says.

# %%
figure, ax = show.diagram(9.5, 5.2, 10, 5.6)
ax.add_patch(plt.Rectangle((1.15, 0.95), 7.5, 4.3, fill=False, edgecolor=show.GREY, linestyle=":"))
gates = {"f": (2.2, "σ"), "i": (3.9, "σ"), "g": (5.1, "tanh"), "o": (6.5, "σ")}
for name, (x0, function) in gates.items():
    show.box(ax, x0, 1.9, function)
    show.arrow(ax, (x0, 1.3), (x0, 1.62))
    ax.text(x0 + (0.15 if name == "g" else -0.2), 2.3, name, color=show.FORWARD, size=12, style="italic")
show.box(ax, 2.2, 4.6, "×", show.CELL)
show.box(ax, 4.5, 4.6, "+", show.CELL)
show.box(ax, 4.5, 3.2, "×")
show.box(ax, 7.6, 3.7, "tanh")
show.box(ax, 7.6, 2.6, "×")
show.arrow(ax, (0.2, 4.6), (1.95, 4.6), "$c_{t-1}$", show.CELL, shift=(-0.45, 0.28), width=3, size=12)
show.arrow(ax, (2.45, 4.6), (4.25, 4.6), "$f\\,c_{t-1}$", show.CELL, shift=(0, 0.28), width=3, size=11)
show.arrow(ax, (4.75, 4.6), (9.6, 4.6), "$c_t = f\\,c_{t-1} + i\\,g$", show.CELL, shift=(-0.9, 0.28), width=3, size=11)
show.arrow(ax, (2.2, 2.15), (2.2, 4.3))
show.arrow(ax, (3.9, 2.15), (4.3, 2.95))
show.arrow(ax, (5.1, 2.15), (4.7, 2.95))
show.arrow(ax, (4.5, 3.5), (4.5, 4.3), "$i\\,g$", shift=(0.25, 0), size=11)
show.arrow(ax, (7.6, 4.6), (7.6, 3.98), colour=show.CELL)
show.arrow(ax, (7.6, 3.42), (7.6, 2.88))
show.arrow(ax, (6.5, 2.15), (7.35, 2.6))
show.arrow(ax, (7.85, 2.6), (9.6, 2.6), "$h_t$", shift=(0.5, 0.25), size=12)
ax.plot([0.2, 6.5], [1.3, 1.3], color=show.FORWARD, linewidth=1.5)
ax.plot([3.3, 3.3], [0.4, 1.3], color=show.FORWARD, linewidth=1.5)
ax.text(0.2, 1.42, "$h_{t-1}$", color=show.FORWARD, size=12)
ax.text(3.3, 0.1, "$x_t$", color=show.FORWARD, size=12, ha="center")
ax.text(5.0, 1.05, "$z = x_t W_x + h_{t-1} W_h + b$", color=show.FORWARD, size=10, ha="center")
show.picture(figure, "04_the_cell.png")

# %% [markdown]
# The green line on top is the carousel. On its way from left to right it meets one multiplication and one addition,
# and nothing else.
#
# ## Forward, plainly
#
# The columns of $W_x, W_h$ and b stand in four blocks of H, in the order i, f, o, g. Here is the plain version, every
# formula a line:

# %%
def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def lstm_forward_plain(x, state, params):
    """x (T, B, D), state (h, c) -> y (T, B, H), state after the last step, [i, f, o, g] and c of all steps."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    h, c = state
    y, gates, cells = [], [], []
    for x_t in x:
        z = x_t @ Wx + h @ Wh + b
        z_i, z_f, z_o, z_g = np.split(z, 4, axis=1)
        i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)
        g = np.tanh(z_g)
        c = f * c + i * g
        h = o * np.tanh(c)
        y.append(h)
        gates.append([i, f, o, g])
        cells.append(c)
    return np.array(y), (h, c), np.array(gates), np.array(cells)


T, B, D, H = 6, 3, 5, 4
rng = np.random.default_rng(0)
params = lstm.init(rng, D, H, np.float64)
x = rng.standard_normal((T, B, D))
state = (rng.standard_normal((B, H)), rng.standard_normal((B, H)))
y, end, _ = lstm.forward(x, state, params)
y_plain, end_plain, _, _ = lstm_forward_plain(x, state, params)
assert np.abs(y - y_plain).max() < 1e-12
assert max(np.abs(a - b).max() for a, b in zip(end, end_plain)) < 1e-12

# %% [markdown]
# ## Forward, as the package has it
#
# Two things are different in the package, and both are only about speed. The products with $x_t$ are one product
# before the loop, as in chapter 2:

# %%
show.source(lstm.forward, "z = (x.reshape", "z += b")
show.source(lstm.forward, "for t in range(T)", "cell_forward")

# %% [markdown]
# And the sigmoids come from tanh. With a = exp(z/2), so that 1/a = exp(-z/2),
#
# $$
# \begin{split}
# \tanh(z/2) &= \frac{a - 1/a}{a + 1/a} \\
# \frac{1 + \tanh(z/2)}{2} &= \frac{a + 1/a + a - 1/a}{2\,(a + 1/a)} = \frac{a}{a + 1/a}
# = \frac{1}{1 + \exp(-z)} = \sigma(z)
# \end{split}
# $$
#
# So if the columns of i, f and o are halved first, one call of tanh serves the whole (B, 4H) block, and halving again
# and adding a half makes gates of the first three quarters. Nor can anything overflow: tanh is safe for any argument,
# while exp(-z) is not. `half` is the row $[\tfrac12, \tfrac12, \tfrac12, 1]$, each H times: g is multiplied with 1,
# and 0 is added.

# %%
show.source(lstm.cell_forward, "z *= half", "np.multiply(o, tanh_c")
z = np.linspace(-30, 30, 1001)
assert np.abs(sigmoid(z) - (1 + np.tanh(z / 2)) / 2).max() < 1e-15

# %% [markdown]
# After that block the array that was z holds the gates: nothing is allocated in the loop, and what the way
# back needs is kept where it was computed.
#
# ## A memory made by hand
#
# One unit, H = 1, and weights that nobody trained. The input is one of five symbols, one-hot:
#
#     +   store +1          .   keep, say nothing
#     -   store -1          ?   keep, and show it
#     x   erase
#
# Large weights make gates that are practically 0 or 1. The state h is not used ($W_h = 0$).

# %%
symbols = "+-.?x"
BIG = 12.0
Wx = np.zeros((5, 4))  # columns i, f, o, g
Wx[:, 0] = [BIG, BIG, -BIG, -BIG, -BIG]  # write on + and -
Wx[:, 1] = [-BIG, -BIG, BIG, BIG, -BIG]  # keep on . and ?; what is written over or erased is forgotten
Wx[:, 2] = [-BIG, -BIG, -BIG, BIG, -BIG]  # show on ?
Wx[:, 3] = [BIG, -BIG, 0, 0, 0]  # what to write
by_hand = {"Wx": Wx, "Wh": np.zeros((1, 4)), "b": np.zeros(4)}
message = "..+....?..-...?.?..x.?"
onehot = np.eye(5)[[symbols.index(s) for s in message]][:, None, :]
y, _, gates, c = lstm_forward_plain(onehot, lstm.start(1, by_hand), by_hand)
assert np.abs(y - lstm.forward(onehot, lstm.start(1, by_hand), by_hand)[0]).max() < 1e-12
for s, h_t in zip(message, y[:, 0, 0]):
    if s == "?":
        print(f"asked: h = {h_t:+.3f}")

figure, ax = plt.subplots(figsize=(9, 3.2))
rows = np.concatenate([gates[:, :, 0, 0].T, c[None, :, 0, 0], y[None, :, 0, 0]])
image = ax.imshow(rows, cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto")
ax.set_yticks(range(6), ["i  write", "f  keep", "o  show", "g  new", "c", "h"])
ax.set_xticks(range(len(message)), list(message))
ax.axhline(3.5, color="black", linewidth=1)
ax.set(xlabel="the input, step by step", title="A cell whose weights were set by hand")
figure.colorbar(image, ax=ax)
show.picture(figure, "04_by_hand.png")

# %% [markdown]
# The row c is the point: it stands still for as long as the forget gate says so. And h is not c: the cell holds its
# sign without showing it, so that it disturbs nobody until it is asked. (h is 0.76 and not 1, for tanh(1) = 0.76. What
# the cells of a trained network hold, chapter 20 looks up in the same way.)
#
# ## How long does a cell remember?
#
# If f stays at one value, what was stored k steps ago is still there by the share $f^k$, and on the way back the error
# meets the very same factor. Before anything is learned the weights are small and f is about $\sigma(b_f)$, so the
# bias of the forget gate sets the length of the memory that training starts from: after $1 / -\log \sigma(b_f)$ steps
# the share has fallen to 1/e.

# %%
figure, ax = plt.subplots(figsize=(7.5, 3.8))
k = np.arange(61)
for b_f in (0, 1, 2, 3, 5):
    f = sigmoid(b_f)
    print(f"b_f = {b_f}: f = {f:.3f}, 1/e after {-1 / np.log(f):6.1f} steps, left after forty: {f**40:.1e}")
    ax.semilogy(k, f**k, label=f"$b_f$ = {b_f}")
ax.set(xlabel="k, steps", ylabel="$f^k$", ylim=(1e-6, 1.5), title="What is left after k steps of forgetting")
ax.legend(loc="lower right")
show.picture(figure, "04_forgetting.png")

# %% [markdown]
# With $b_f = 0$, half of everything is gone after one step, and the LSTM starts out hardly better than the vanilla RNN.
# A start of $b_f = 1$ is often advised (Gers et al. 2000, Jozefowicz et al. 2015). The right value depends on how far
# back the things lie that matter. In text most of them are near, and this package draws b like the weights, around
# zero, with a measurement as its reason:

# %%
show.source(lstm.init)

# %% [markdown]
# ## Forty steps
#
# The task of chapter 3: say at the end which of four symbols came first, with forty steps of noise in between. The
# vanilla RNN did not move from log 4. The LSTM with $b_f = 1$ does not either, as the table above lets one expect: of
# its error, 4e-6 comes back along the cell. With $b_f = 3$, a tenth does.

# %%
def recall_task(rng, B, k):
    """A chunk of B sequences of k + 1 steps: one of the symbols 0 to 3, then k of noise (4, 5), then say the first."""
    x = rng.integers(4, 6, (k + 1, B))
    x[0] = rng.integers(0, 4, B)
    y, mask = np.zeros_like(x), np.zeros(x.shape, bool)
    y[-1], mask[-1] = x[0], True
    return {"x": x, "y": y, "mask": mask}


def learn_recall(network, k, steps, seed=0, shortest=None):
    """Train ``network`` on the task -> the loss of every step (steps,). With ``shortest``, every step has a distance of
    its own, from there up to k."""
    flat, rng, losses = backend.flatten(network.params), np.random.default_rng(seed), []
    optimiser = Adam(flat)
    for _ in range(steps):
        distance = k if shortest is None else int(rng.integers(shortest, k + 1))
        loss, _, cache = network.loss(recall_task(rng, 32, distance), network.start(32))
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, lr=3e-3)
        losses.append(float(loss))
    return np.array(losses)


hidden, final = 32, {}
figure, ax = plt.subplots(figsize=(7.5, 3.8))
for name, cell, b_f in [("RNN", "rnn", None), ("LSTM, $b_f$ = 1", "lstm", 1), ("LSTM, $b_f$ = 3", "lstm", 3)]:
    network = CharRNN(6, cell, layers=1, hidden=hidden, embed=8)
    if b_f is not None:
        network.params["lstm1"]["b"][hidden : 2 * hidden] = b_f
    losses = learn_recall(network, 40, 160)
    final[name] = losses[-50:].mean()
    ax.plot(np.convolve(losses, np.ones(20) / 20, "valid"), label=name)
    print(f"{name:16} {final[name]:.3f} nats at the end")
assert final["RNN"] > 1.2 and final["LSTM, $b_f$ = 3"] < 0.2
ax.axhline(np.log(4), color=show.GREY, linestyle="--", linewidth=1)
ax.set(xlabel="step", ylabel="nats (mean of 20 steps)", ylim=(0, 1.7), title="Recalling a symbol from forty steps ago")
ax.legend(loc="center right")
show.picture(figure, "04_recall.png")

# %% [markdown]
# So "the LSTM solves the vanishing gradient" is true with a condition: it has a path on which the error *can* stay,
# and the gates decide how far it does. Where forgetting is fast at the start, the LSTM has to learn first to forget
# less, and for that it needs examples at shorter distances. This task, on purpose, has none. Here it has, with
# $b_f = 1$ again and a distance from 1 to 40 drawn at every step, and now the forty steps are learned, too:

# %%
network = CharRNN(6, "lstm", layers=1, hidden=hidden, embed=8)
network.params["lstm1"]["b"][hidden : 2 * hidden] = 1
learn_recall(network, 40, 160, shortest=1)
loss = network.loss(recall_task(np.random.default_rng(9), 300, 40), network.start(300))[0]
print(f"b_f = 1, distances from 1 to 40: {loss:.3f} nats at a distance of 40")
assert loss < 0.8

# %% [markdown]
# Real text has examples at short distances in plenty.
#
# ## Predict, then change, then run
#
# In the memory made by hand, set `BIG` to 2 in the place of 12. The signs of all weights stay. Predict what the cell
# says at each of the six question marks: a sign that is still right, or nothing any more?
#
# ## Three questions
#
# 1. Why $\tanh(c_t)$ in $h_t = o \tanh(c_t)$, and not simply $o c_t$?
# 2. How large can |c_t| become in T steps, and with which gates? What does that do to h?
# 3. How many weights has an LSTM with D inputs and H units, how many a vanilla RNN? With H = 256 and D = 64, how
#    wide a vanilla RNN has as many?
#
# The answers stand in `answers/04.md`.
