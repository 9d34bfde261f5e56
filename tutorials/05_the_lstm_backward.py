# %% [markdown]
# # 5. The LSTM, backward
#
# **Takes for granted**: chapters 2 and 4. Pencil and paper help.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: the way of the error through the cell, drawn and then derived line by line; beside each line the
# package's own; both agreeing to 1e-12; an error that walks back through a memory cell to the very step where the
# memory was written, and stops there; and which of the two paths carries the error over a distance.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn.course import show
from minirnn.layers import lstm, rnn
from minirnn.networks.gradient_check import numerical_gradient, relative_error

# %% [markdown]
# ## The map
#
# Forward, step t computes (chapter 4)
#
# $$
# \begin{split}
# z_t &= x_t W_x + h_{t-1} W_h + b = [z_i, z_f, z_o, z_g] \\
# i, f, o &= \sigma(z_i), \sigma(z_f), \sigma(z_o), \quad g = \tanh(z_g) \\
# c_t &= f\, c_{t-1} + i\, g \\
# h_t &= o \tanh(c_t)
# \end{split}
# $$
#
# As everywhere, d before a name is the derivative of the loss with respect to it. Two errors come into step t from
# step t+1: dh ($h_t$ was used in $z_{t+1}$) and dc ($c_t$ was used in $c_{t+1}$). A third, $dy_t$, comes from the layer
# above, to which $h_t$ is the output. Two leave it, for step t-1.
#
# In the drawing the orange arrows are the blue and green ones of chapter 4 the other way round. Where forward one
# value went to two places, backward two errors come together and are added; where forward two values were
# multiplied, backward each gets the error times the *other*.

# %%
figure, ax = show.diagram(9.5, 5.2, 10, 5.6)
ax.add_patch(plt.Rectangle((1.15, 0.95), 7.05, 4.3, fill=False, edgecolor=show.GREY, linestyle=":"))
E = show.ERROR
for x0, function in {2.2: "σ", 3.9: "σ", 5.1: "tanh", 6.5: "σ"}.items():
    show.box(ax, x0, 1.9, function)
    show.arrow(ax, (x0, 1.62), (x0, 1.3), colour=E)
show.box(ax, 2.2, 4.6, "×", show.CELL)
show.box(ax, 4.5, 4.6, "+", show.CELL)
show.box(ax, 4.5, 3.2, "×")
show.box(ax, 7.6, 3.7, "tanh")
show.box(ax, 7.6, 2.6, "×")
show.arrow(ax, (1.95, 4.6), (0.2, 4.6), "$dc\\;f$", E, shift=(-0.5, 0.3), width=3, size=11)
show.arrow(ax, (4.25, 4.6), (2.45, 4.6), "$dc$", E, shift=(0, 0.28), width=3, size=11)
show.arrow(ax, (7.5, 4.6), (4.75, 4.6), "$dc$ (both added)", E, shift=(0.1, 0.28), width=3, size=11)
show.arrow(ax, (9.8, 4.6), (7.7, 4.6), "$dc$ from $t+1$", E, shift=(0.37, 0.28), width=3, size=11)
show.arrow(ax, (7.6, 3.98), (7.6, 4.5), "$dh\\;o\\,(1-\\tanh^2 c_t)$", E, shift=(-1.12, -0.08), size=10)
show.arrow(ax, (7.6, 2.88), (7.6, 3.42), "$dh\\;o$", E, shift=(0.35, 0), size=10)
show.arrow(ax, (9.8, 2.6), (7.85, 2.6), "$dh = dy_t + dz_{t+1}W_h^T$", E, shift=(0.3, -0.3), size=10)
show.arrow(ax, (7.35, 2.6), (6.5, 2.15), "$do = dh\\,\\tanh c_t$", E, shift=(0.62, -0.3), size=10)
show.arrow(ax, (4.5, 4.3), (4.5, 3.5), "$dc$", E, shift=(0.22, 0), size=10)
show.arrow(ax, (4.3, 2.95), (3.9, 2.15), "$di = dc\\,g$", E, shift=(-0.55, 0.1), size=10)
show.arrow(ax, (4.7, 2.95), (5.1, 2.15), "$dg = dc\\,i$", E, shift=(0.55, 0.1), size=10)
show.arrow(ax, (2.2, 4.3), (2.2, 2.15), "$df = dc\\,c_{t-1}$", E, shift=(0.66, 0.1), size=10)
ax.plot([1.6, 6.5], [1.3, 1.3], color=E, linewidth=1.5)
show.arrow(ax, (1.6, 1.3), (0.2, 1.3), "$dz\\,W_h^T$", E, shift=(-0.1, 0.25), size=11)
show.arrow(ax, (3.3, 1.3), (3.3, 0.35), colour=E)
ax.text(3.3, 0.05, "$dx_t = dz\\,W_x^T$", color=E, size=11, ha="center")
ax.text(5.9, 1.05, "$dz = [dz_i, dz_f, dz_o, dz_g]$", color=E, size=10, ha="center")
show.picture(figure, "05_the_way_of_the_error.png")

# %% [markdown]
# ## Line by line
#
# **1. What is wrong with $h_t$.** It was used by the layer above and in all four blocks of
# $z_{t+1} = \ldots + h_t W_h$. Used twice, two errors; the second by the rule for a product:
#
# $$dh = dy_t + dz_{t+1} W_h^\top$$

# %%
show.source(lstm.backward, "dh += dy[t]")
show.source(lstm.backward, "backend.product(dz[t], WhT, out=dh)")

# %% [markdown]
# (The second line is executed for step t+1, just before the first one for step t: dh already holds $dz_{t+1} W_h^\top$
# when $dy_t$ is added.)
#
# **2. The output gate.** $h_t = o \tanh(c_t)$, a product entry by entry. Each factor gets dh times the other:
#
# $$
# \begin{split}
# do &= dh \tanh(c_t) \\
# d \tanh(c_t) &= dh\, o
# \end{split}
# $$

# %%
show.source(lstm.cell_backward, "np.multiply(dh, tanh_c, out=do)")

# %% [markdown]
# **3. The cell.** $c_t$ was used in $h_t$, through tanh, whose derivative is $1 - \tanh^2$; and in $c_{t+1}$, from
# which dc has already arrived. Used twice, two errors:
#
# $$dc \mathrel{+}= dh\, o\, (1 - \tanh(c_t)^2)$$
#
# This `+=` is the heart of it. With `=` the error from the future would be thrown away at every step, and the LSTM
# would be a vanilla RNN with extra steps. The package saves an array by multiplying out, $dh\, o - dh\, o\, \tanh^2$,
# in the memory of dh, which is not needed any more:

# %%
show.source(lstm.cell_backward, "dh *= o", "dc -= dh")

# %% [markdown]
# **4. What made the cell.** $c_t = f\, c_{t-1} + i\, g$. A sum hands its error on unchanged to each term; in each term
# the factors get it times the other:
#
# $$di = dc\, g, \quad dg = dc\, i, \quad df = dc\, c_{t-1}, \quad dc_{t-1} = dc\, f$$
#
# The last of these is the reason why LSTMs exist. From $dc_t$ to $dc_{t-1}$: a multiplication with f, entry by entry.
# No matrix, no derivative of a squashing function. Note also what df needs: the cell *before* the step.

# %%
show.source(lstm.cell_backward, "np.multiply(dc, g, out=di)", "np.multiply(dc, i, out=dg)")
show.source(lstm.cell_backward, "dc *= f")

# %% [markdown]
# **5. Back through the squashing.** For $s = \sigma(z)$: $ds/dz = \exp(-z) / (1 + \exp(-z))^2 = s (1 - s)$, and
# $\tanh' = 1 - \tanh^2$. Both can be had from the result alone, so z itself need not be kept:
#
# $$dz_i = di\, i\,(1 - i), \quad dz_f = df\, f\,(1 - f), \quad dz_o = do\, o\,(1 - o), \quad dz_g = dg\,(1 - g^2)$$

# %%
show.source(lstm.cell_backward, "np.subtract(1, gates", "np.subtract(1, slope_g")
show.source(lstm.cell_backward, "dz *= slope")

# %% [markdown]
# **6. Weights and input.** $z_t = x_t W_x + h_{t-1} W_h + b$, with the parameters used at every step, so that their
# gradients are sums over the steps:
#
# $$
# dW_x = \sum_t x_t^\top dz_t, \quad dW_h = \sum_t h_{t-1}^\top dz_t, \quad db = \sum_t dz_t, \quad
# dx_t = dz_t W_x^\top
# $$
#
# The package makes each sum one product after the loop, with all steps stacked as rows:

# %%
show.source(lstm.backward, "dz = dz.reshape", "return")

# %% [markdown]
# ## The plain version
#
# The six points, each formula a line:

# %%
def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def lstm_forward_plain(x, state, params):
    """x (T, B, D), state (h, c) -> y (T, B, H), state after the last step, cache."""
    h, c = [state[0]], [state[1]]  # h[t] and c[t] are h_t and c_t
    gates = [None]  # gates[t] = i, f, o, g of step t
    for x_t in x:
        z_i, z_f, z_o, z_g = np.split(x_t @ params["Wx"] + h[-1] @ params["Wh"] + params["b"], 4, axis=1)
        i, f, o, g = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o), np.tanh(z_g)
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
        gates.append((i, f, o, g))
    return np.array(h[1:]), (h[-1], c[-1]), (x, h, c, gates, params)


def step_backward_plain(dh, dc, gates, c_prev, c):
    """One step: dh and dc of step t (B, H) -> dz (B, 4H), dc of step t-1 (B, H)."""
    i, f, o, g = gates
    do = dh * np.tanh(c)
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    di = dc * g
    df = dc * c_prev
    dg = dc * i
    dz_i = di * i * (1 - i)
    dz_f = df * f * (1 - f)
    dz_o = do * o * (1 - o)
    dz_g = dg * (1 - g**2)
    return np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1), dc * f


def lstm_backward_plain(dy, dstate, cache):
    """dy (T, B, H), dstate (dh, dc) or None -> dx (T, B, D), dstate before the first step, grads."""
    x, h, c, gates, params = cache
    dx, grads = np.zeros_like(x), {name: np.zeros_like(array) for name, array in params.items()}
    dh_next, dc = (np.zeros_like(h[0]), np.zeros_like(c[0])) if dstate is None else dstate
    for t in range(len(x), 0, -1):  # x[t - 1] and dy[t - 1] belong to step t: Python counts from 0
        dh = dy[t - 1] + dh_next
        dz, dc = step_backward_plain(dh, dc, gates[t], c[t - 1], c[t])
        grads["Wx"] += x[t - 1].T @ dz
        grads["Wh"] += h[t - 1].T @ dz
        grads["b"] += dz.sum(axis=0)
        dx[t - 1] = dz @ params["Wx"].T
        dh_next = dz @ params["Wh"].T
    return dx, (dh_next, dc), grads


T, B, D, H = 6, 3, 5, 4
rng = np.random.default_rng(0)
params = {name: 0.5 * rng.standard_normal(array.shape) for name, array in lstm.init(rng, D, H).items()}
x = rng.standard_normal((T, B, D))
state = (rng.standard_normal((B, H)), rng.standard_normal((B, H)))
dy, dstate = rng.standard_normal((T, B, H)), (rng.standard_normal((B, H)), rng.standard_normal((B, H)))

_, _, cache_plain = lstm_forward_plain(x, state, params)
_, _, cache = lstm.forward(x, state, params)
dx_plain, dstart_plain, grads_plain = lstm_backward_plain(dy, dstate, cache_plain)
dx, dstart, grads = lstm.backward(dy, dstate, cache)
largest = max(np.abs(grads[name] - grads_plain[name]).max() for name in grads)
largest = max(largest, np.abs(dx - dx_plain).max(), *(np.abs(a - b).max() for a, b in zip(dstart, dstart_plain)))
print(f"plain version and package differ by {largest:.1e} at most")
assert largest < 1e-12

# %% [markdown]
# And the referee, central differences of the loss $\sum y \cdot dy + h_T \cdot dh + c_T \cdot dc$ (chapter 7 says why
# this loss):

# %%
def f():
    y, end, _ = lstm.forward(x, state, params)
    return np.sum(y * dy) + np.sum(end[0] * dstate[0]) + np.sum(end[1] * dstate[1])


arrays = {**params, "x": x, "h0": state[0], "c0": state[1]}
for name, analytic in {**grads, "x": dx, "h0": dstart[0], "c0": dstart[1]}.items():
    print(f"d{name:3} largest relative error {relative_error(analytic, numerical_gradient(f, arrays[name])):.1e}")

# %% [markdown]
# ## Watching one error walk back
#
# Take the memory cell that chapter 4 made by hand: "+" and "-" store, "." keeps, "?" shows, "x" erases. Only the
# answer at the last "?" counts. Where does its error go?

# %%
symbols, message = "+-.?x", "..+.....-....?....?"
BIG = 6.0  # smaller than in chapter 4, so that the gates are not quite shut and their gradients can be seen
Wx = np.zeros((5, 4))  # columns i, f, o, g
Wx[:, 0] = [BIG, BIG, -BIG, -BIG, -BIG]
Wx[:, 1] = [-BIG, -BIG, BIG, BIG, -BIG]
Wx[:, 2] = [-BIG, -BIG, -BIG, BIG, -BIG]
Wx[:, 3] = [BIG, -BIG, 0, 0, 0]
by_hand = {"Wx": Wx, "Wh": np.zeros((1, 4)), "b": np.zeros(4)}
onehot = np.eye(5)[[symbols.index(s) for s in message]][:, None, :]
_, _, (_, h, c, gates, _) = lstm_forward_plain(onehot, lstm.start(1, by_hand), by_hand)
steps = len(message)
dh, dc = np.ones((1, 1)), np.zeros((1, 1))
cell_error = np.zeros(steps)
gate_error = np.zeros((4, steps))
for t in range(steps, 0, -1):
    cell_error[t - 1] = (dc + dh * gates[t][2] * (1 - np.tanh(c[t]) ** 2))[0, 0]
    dz, dc = step_backward_plain(dh, dc, gates[t], c[t - 1], c[t])
    gate_error[:, t - 1] = dz[0]
    dh = np.zeros((1, 1))  # Wh = 0 and no other loss
print(f"dc at the last '?': {cell_error[-1]:.3f}; at the '-' ten steps before: {cell_error[8]:.3f}; "
      f"at the '+' that was overwritten: {cell_error[2]:.1e}")  # fmt: skip

figure, axes = plt.subplots(3, 1, figsize=(9, 5), sharex=True, height_ratios=[1, 1, 2])
axes[0].bar(range(steps), [cell[0, 0] for cell in c[1:]], color=show.CELL)
axes[0].set(ylabel="c", title="What the cell holds")
axes[1].bar(range(steps), cell_error, color=show.ERROR)
axes[1].set(ylabel="dc", title="The error of the last answer, on its way back (read from right to left)")
scale = np.abs(gate_error).max()
axes[2].imshow(gate_error, cmap="PuOr_r", vmin=-scale, vmax=scale, aspect="auto")
axes[2].set_yticks(range(4), ["dz_i", "dz_f", "dz_o", "dz_g"])
axes[2].set_xticks(range(steps), list(message))
axes[2].set(title="What the gates learn from it", xlabel="the input, step by step")
show.picture(figure, "05_one_error.png")

# %% [markdown]
# The error enters at the "?", walks back through ten steps at nearly full height, and ends at the "-", where the
# forget gate was shut: what stood in the cell before had no influence, so it gets no blame. On its way it tells each
# step what would have changed the answer: at the "-" how much to write ($dz_i$) and to erase ($dz_f$), at every step
# between how well to keep ($dz_f$) and what not to let in through a gate that is nearly shut ($dz_g$), at the "?" how
# much to show ($dz_o$). That is what training an LSTM is.
#
# ## Two paths, measured
#
# From step t to step t-1 the error has two ways: along the cell, times f; or out through the gates, $dz W_h^\top$, as
# in the vanilla RNN. Cut one, and see what the other carries. With random weights and several biases of the forget
# gate:

# %%
def distances(cache, dy_last, along_cell=True, through_h=True):
    """Norm of [dh, dc] at each distance from the last step, with either path cut -> (T,)."""
    x, _, c, gates, params = cache
    dh, dc, norms = dy_last, np.zeros_like(dy_last), []
    for t in range(len(x), 0, -1):
        dz, dc = step_backward_plain(dh, dc, gates[t], c[t - 1], c[t])
        dc, dh = dc * along_cell, dz @ params["Wh"].T * through_h
        norms.append(np.sqrt(np.mean(np.sum(dh**2 + dc**2, axis=1))))
    return np.array(norms)


T, B, D, H = 50, 16, 8, 64
x = rng.standard_normal((T, B, D))
dy_last = rng.standard_normal((B, H))
dy_last /= np.linalg.norm(dy_last, axis=1, keepdims=True)
k = np.arange(1, T + 1)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), sharey=True)
for ax, b_f in zip(axes, (0, 1, 3)):
    params = lstm.init(rng, D, H, np.float64)
    params["b"][H : 2 * H] = b_f
    _, _, cache = lstm_forward_plain(x, lstm.start(B, params), params)
    both, cell = distances(cache, dy_last), distances(cache, dy_last, through_h=False)
    through_h = distances(cache, dy_last, along_cell=False)
    ax.semilogy(k, both, color="black", linewidth=3, alpha=0.3, label="both")
    ax.semilogy(k, cell, color=show.CELL, label="along the cell alone")
    ax.semilogy(k, through_h, color=show.ERROR, label="through h alone")
    ax.set(title=f"$b_f$ = {b_f}", xlabel="steps back", ylim=(1e-30, 10))
    print(f"b_f = {b_f}, twenty steps: both {both[19]:.1e}, cell alone {cell[19]:.1e}, h alone {through_h[19]:.1e}")
    assert through_h[19] < 1e-9 * cell[19]
vanilla = rnn.init(rng, D, H, np.float64)
_, _, (_, h, _) = rnn.forward(x, rnn.start(B, vanilla), vanilla)
dh, norms = dy_last, []
for t in range(T, 0, -1):
    dh = (dh * (1 - h[t] ** 2)) @ vanilla["Wh"].T
    norms.append(np.sqrt(np.mean(np.sum(dh**2, axis=1))))
print(f"a vanilla RNN of as many units, started in the same way, twenty steps: {norms[19]:.1e}")
axes[0].semilogy(k, norms, color=show.GREY, linestyle="--", label="a vanilla RNN")
assert through_h[19] < 1e-3 * norms[19]
axes[0].set_ylabel("norm of the error")
axes[0].legend(fontsize=8)
show.picture(figure, "05_two_paths.png")

# %% [markdown]
# The path through h alone fades even faster than in a vanilla RNN, whatever the forget gate does: on every step it has
# to pass a gate, a tanh and a matrix of small weights. The cell alone is a straight line at the slope of its gate. With
# both open more arrives than either carries, since an error can go a stretch along one cell, cross through
# h into other units, and continue along theirs. But every one of these ways depends on the cells.
#
# ## Any gradient of the LSTM in two steps
#
# From a name to its line: find the formula in the docstring of `minirnn.layers.lstm`, then search for the name, down
# to `cell_backward` (gates and cell) or `backward` (weights, input and state). The line that computes it has the
# name, as a variable or in the comment at its end:

# %%
for name, line in {"do": "out=do)", "dc": "dc -= dh", "di": "out=di)", "df": "out=df)", "dg": "out=dg)",
                   "dz_i, dz_f, dz_o, dz_g": "# dz_i", "dc of step t-1": "# dc_{t-1}"}.items():  # fmt: skip
    print(f"{name}:")
    show.source(lstm.cell_backward, line)
for name, line in {"dh": "dh += dy", "dWx": "# dWx", "dWh": "# dWh", "db": "# db", "dx": "# dx"}.items():
    print(f"{name}:")
    show.source(lstm.backward, line)

# %% [markdown]
# ## Predict, then change, then run
#
# In "Watching one error walk back", set `BIG` to 2 in the place of 6. How much of the error arrives at the "-", and
# what arrives at the "+" that was overwritten? The forget gate is $\sigma(2) = 0.88$ then, and it is ten steps from
# the "-" to the last "?".
#
# ## Three questions
#
# 1. In `cell_backward`, df uses `c_prev`. A student writes c instead. At which steps is df wrong, and would you see
#    it in the loss curve?
# 2. Add "peephole" connections (Gers and Schmidhuber 2000): $z_f = \ldots + c_{t-1} p$ with a vector p (H,). Which
#    lines of the backward pass change, and how?
# 3. The gradient along the cell alone is a product of forget gates, each less than one. So it vanishes as well. In what
#    sense is the LSTM then better than the vanilla RNN?
#
# The answers stand in `answers/05.md`.
