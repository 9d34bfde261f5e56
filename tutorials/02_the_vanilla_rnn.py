# %% [markdown]
# # 2. The vanilla RNN, and backpropagation through time by hand
#
# **Takes for granted**: chapter 1; the chain rule for products of matrices.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: a gradient worked out with pencil and paper that agrees with the program to the last digit; the
# plain loops and the package agreeing to 1e-12; a triangle that shows which step sends how much error to which; and a
# small network that falls below the cost of the counted pairs of chapter 1, because it remembers. At the end, the loop
# that trained it is explained line by line.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.layers import rnn
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.gradient_check import numerical_gradient, relative_error
from minirnn.training.optimisers import Adam, clip_by_global_norm
from minirnn.training.trainer import Trainer

# %% [markdown]
# ## A memory of fixed size
#
# At every step the network reads an input $x_t$ and has a state $h_{t-1}$ from the step before. Both go through a
# matrix, the sum goes through tanh, and that is the new state (Elman 1990):
#
# $$h_t = \tanh(x_t W_x + h_{t-1} W_h + b)$$
#
# with $x_t$ (B, D), $W_x$ (D, H), $h_t$ (B, H), $W_h$ (H, H) and $b$ (H,). In the code, $W_x$ and $W_h$ are
# `Wx` and `Wh`.
#
# Vectors are rows, so B sequences at once are B rows, and the formula stays as it is. The same three parameters serve
# every step. That is what lets a network of fixed size read a text of any length: what it learns about one place it
# knows about all.
#
# Unrolled in time, the loop becomes a chain, a network as deep as the text is long. Blue is what is computed on the
# way forward; orange is the error on its way back, which is what this chapter is about.

# %%
figure, ax = show.diagram(9.5, 4.0, 10, 4.6)
for n, t in enumerate(["t-1", "t", "t+1"]):
    x0 = 2 + 3 * n
    show.box(ax, x0, 0.5, f"$x_{{{t}}}$")
    show.box(ax, x0, 2.2, "tanh", filled=True)
    show.box(ax, x0, 4.0, f"$y_{{{t}}} = h_{{{t}}}$")
    show.arrow(ax, (x0 - 0.12, 0.9), (x0 - 0.12, 1.8), "$W_x$", shift=(-0.28, 0))
    show.arrow(ax, (x0 - 0.12, 2.6), (x0 - 0.12, 3.6))
    show.arrow(ax, (x0 + 0.12, 3.6), (x0 + 0.12, 2.6), f"$dy_{{{t}}}$", colour=show.ERROR, shift=(0.36, 0))
    show.arrow(ax, (x0 + 0.12, 1.8), (x0 + 0.12, 0.9), f"$dx_{{{t}}}$", colour=show.ERROR, shift=(0.36, 0))
for n in range(4):
    x0 = -0.4 + 3 * n
    start, end = max(x0, 0), min(x0 + 1.8, 10)
    show.arrow(ax, (start, 2.32), (end, 2.32), "$h\\;W_h$", shift=(0, 0.24))
    show.arrow(ax, (end, 2.08), (start, 2.08), "$da\\;W_h^T$", colour=show.ERROR, shift=(0, -0.26))
show.picture(figure, "02_unrolled.png")

# %% [markdown]
# ## Forward
#
# The plain version is the formula in a loop. The package makes the products with $x_t$ before the loop, for all steps
# at once: they do not depend on the state, and one product of a (T B, D) matrix is much faster than T small ones. Only
# $h W_h$ has to wait for the step before. Both give the same numbers.

# %%
def rnn_forward_plain(x, state, params):
    """x (T, B, D), state (h,) -> y (T, B, H), state after the last step, cache."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    h = [state[0]]  # h[t] is h_t: h[0] the state that came in
    for x_t in x:
        h.append(np.tanh(x_t @ Wx + h[-1] @ Wh + b))
    h = np.array(h)
    return h[1:], (h[-1],), (x, h, params)


T, B, D, H = 6, 3, 5, 4
rng = np.random.default_rng(0)
params = rnn.init(rng, D, H, np.float64)
x = rng.standard_normal((T, B, D))
state = (rng.standard_normal((B, H)),)
y, _, cache = rnn.forward(x, state, params)
y_plain, _, cache_plain = rnn_forward_plain(x, state, params)
assert np.abs(y - y_plain).max() < 1e-12
show.source(rnn.forward, "a = (x.reshape", "np.tanh(h[t + 1]")

# %% [markdown]
# ## The smallest case, by hand
#
# Three steps, and every array a single number. The loss looks at the last state only: $L = \tfrac12 (h_3 - 1)^2$.
#
# $$h_1 = \tanh(w_x x_1 + w_h h_0), \quad h_2 = \tanh(w_x x_2 + w_h h_1), \quad h_3 = \tanh(w_x x_3 + w_h h_2)$$
#
# How does L depend on $w_h$? It stands in three places. Pretend for a moment that these were three different weights,
# $w_{h1}, w_{h2}, w_{h3}$, one per step. L as a function of the one weight is $L(w_h, w_h, w_h)$, and the derivative
# of such a function is the sum of its three partial derivatives:
#
# $$
# \frac{dL}{dw_h} = \frac{\partial L}{\partial w_{h1}} + \frac{\partial L}{\partial w_{h2}}
# + \frac{\partial L}{\partial w_{h3}}
# $$
#
# *A weight that is used many times has as its gradient the sum over its uses.* This sentence is all that is new in
# backpropagation "through time". Write $a_t$ for the argument of the t-th tanh, whose derivative is $1 - h_t^2$. Then
# from the back:
#
# $$
# \begin{array}{lll}
# dh_3 = \partial L / \partial h_3 = h_3 - 1 & da_3 = dh_3\,(1 - h_3^2) & \partial L / \partial w_{h3} = da_3\, h_2 \\
# dh_2 = da_3\, w_h & da_2 = dh_2\,(1 - h_2^2) & \partial L / \partial w_{h2} = da_2\, h_1 \\
# dh_1 = da_2\, w_h & da_1 = dh_1\,(1 - h_1^2) & \partial L / \partial w_{h1} = da_1\, h_0
# \end{array}
# $$

# %%
wx, wh, h0, xs = 0.8, 0.9, 0.5, [1.0, -0.5, 0.3]
hs = [h0]
for x_t in xs:
    hs.append(np.tanh(wx * x_t + wh * hs[-1]))
dh, parts = hs[3] - 1, []
print("t    h_t       dh_t      da_t      da_t h_(t-1)")
for t in (3, 2, 1):
    da = dh * (1 - hs[t] ** 2)
    parts.append(da * hs[t - 1])
    print(f"{t}  {hs[t]:8.5f}  {dh:8.5f}  {da:8.5f}  {parts[-1]:8.5f}")
    dh = da * wh
print(f"by hand: dL/dwh = {sum(parts):.10f}")

scalar = {"Wx": np.array([[wx]]), "Wh": np.array([[wh]]), "b": np.zeros(1)}
y, _, scalar_cache = rnn.forward(np.array(xs).reshape(3, 1, 1), (np.array([[h0]]),), scalar)
dy = np.zeros_like(y)
dy[2] = y[2] - 1
_, _, grads = rnn.backward(dy, None, scalar_cache)
print(f"package: dL/dwh = {grads['Wh'][0, 0]:.10f}")
assert abs(sum(parts) - grads["Wh"][0, 0]) < 1e-12

# %% [markdown]
# Look at the column dh: from step to step the error is multiplied by $w_h (1 - h^2)$, here first by 0.67, then
# by 0.79. Chapter 3 is about nothing else.
#
# ## The general case
#
# Two rules for a product Y = X W, where dY is the gradient of the loss with respect to Y, suffice:
#
# $$dX = dY\, W^\top \qquad dW = X^\top dY$$
#
# ($Y_{ij} = \sum_k X_{ik} W_{kj}$, so $\partial L/\partial W_{kj} = \sum_i X_{ik} dY_{ij}$, the entry kj of
# $X^\top dY$. If in doubt, let the shapes decide: with T, B, D and H all different, only one order of the product
# fits.)
#
# The state $h_t$ is used twice: it is the output $y_t$, from which the layer above sends $dy_t$, and it goes into step
# t+1, $a_{t+1} = \ldots + h_t W_h$, from which comes $da_{t+1} W_h^\top$. Used twice, so two errors add up:
#
# $$
# \begin{split}
# dh_t &= dy_t + da_{t+1} W_h^\top \\
# da_t &= dh_t\,(1 - h_t^2) \qquad \text{entry by entry: } \tanh' = 1 - \tanh^2 \\
# dW_x &= \sum_t x_t^\top da_t, \quad dW_h = \sum_t h_{t-1}^\top da_t, \quad db = \sum_t da_t
# \qquad \text{sums over the uses (and over the batch)} \\
# dx_t &= da_t W_x^\top
# \end{split}
# $$
#
# At the last step there is no t+1. What stands in its place is `dstate`, the error of the state after the last step,
# which is zero if nobody uses that state. What is left at the end is the error of the state before the first step.

# %%
def rnn_backward_plain(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) or None -> dx (T, B, D), dstate before the first step, grads."""
    x, h, params = cache
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    from_next = np.zeros_like(h[0]) if dstate is None else dstate[0]
    for t in range(len(x), 0, -1):  # x[t - 1] and dy[t - 1] belong to step t: Python counts from 0
        dh = dy[t - 1] + from_next
        da = dh * (1 - h[t] ** 2)
        dWx += x[t - 1].T @ da
        dWh += h[t - 1].T @ da
        db += da.sum(axis=0)
        dx[t - 1] = da @ Wx.T
        from_next = da @ Wh.T
    return dx, (from_next,), {"Wx": dWx, "Wh": dWh, "b": db}


dy = rng.standard_normal((T, B, H))
dstate = (rng.standard_normal((B, H)),)
dx, dstart, grads = rnn.backward(dy, dstate, cache)
dx_plain, dstart_plain, grads_plain = rnn_backward_plain(dy, dstate, cache_plain)
assert np.abs(dx - dx_plain).max() < 1e-12 and np.abs(dstart[0] - dstart_plain[0]).max() < 1e-12
assert all(np.abs(grads[name] - grads_plain[name]).max() < 1e-12 for name in grads)

# %% [markdown]
# The package computes the same. Its loop holds only what has to wait for the step after; the sums over t are one
# product of the long matrices (T B, D) and (T B, H) after the loop, since $\sum_t x_t^\top da_t$ is just what the
# product of the stacked matrices adds up:

# %%
show.source(rnn.backward, "for t in reversed", "return")

# %% [markdown]
# Plain version and package could be wrong together. The referee is the difference quotient, which knows nothing of any
# derivation (chapter 7): move one number a little, look how the loss moves.

# %%
def f():
    y, end, _ = rnn.forward(x, state, params)
    return np.sum(y * dy) + np.sum(end[0] * dstate[0])


for name, analytic in {**grads, "x": dx, "h0": dstart[0]}.items():
    array = {**params, "x": x, "h0": state[0]}[name]
    print(f"d{name:3} largest relative error {relative_error(analytic, numerical_gradient(f, array)):.1e}")

# %% [markdown]
# ## Whose error is it?
#
# $dh_t$ holds the errors of all later losses at once, already added up. They travel together because everything on
# the way back is linear in the error, so one sweep does the work of T. To see them apart, send them one at a time:
# below, row s of the triangle is the error of the loss at step s alone, column t is where it has arrived.

# %%
def errors_of_step(s, dy_s, h, Wh):
    """How the error dy_s (B, H) at step s arrives at steps s, s-1, .., 1: a list of dh_t (B, H)."""
    errors = [dy_s]
    for t in range(s, 1, -1):
        errors.append((errors[-1] * (1 - h[t] ** 2)) @ Wh.T)
    return errors


T_long, H_long = 20, 32
wide = rnn.init(rng, D, H_long, np.float64)
wide["Wh"] *= 1.4
h = rnn.forward(rng.standard_normal((T_long, 1, D)), rnn.start(1, wide), wide)[2][1]
dy_long = rng.standard_normal((T_long, 1, H_long))
triangle = np.full((T_long, T_long), np.nan)
sums = np.zeros((T_long, 1, H_long))
for s in range(1, T_long + 1):
    for back, error in enumerate(errors_of_step(s, dy_long[s - 1], h, wide["Wh"])):
        triangle[s - 1, s - 1 - back] = np.linalg.norm(error)
        sums[s - 1 - back] += error

together = np.zeros_like(sums)  # the one sweep
from_next = 0
for t in range(T_long, 0, -1):
    together[t - 1] = dy_long[t - 1] + from_next
    from_next = (together[t - 1] * (1 - h[t] ** 2)) @ wide["Wh"].T
assert np.abs(sums - together).max() < 1e-12  # T(T+1)/2 errors sent one by one, T steps in one sweep

figure, ax = plt.subplots(figsize=(6, 4.6))
image = ax.imshow(np.log10(triangle), cmap="Oranges", extent=(0.5, T_long + 0.5, T_long + 0.5, 0.5))
ax.set(xlabel="t: where the error has arrived", ylabel="s: the step whose loss it is")
ax.set(xticks=range(2, T_long + 1, 2), yticks=range(2, T_long + 1, 2), title="log10 of the error's norm")
figure.colorbar(image, ax=ax)
show.picture(figure, "02_whose_error.png")

# %% [markdown]
# ## In pieces
#
# A text is too long for one sweep and comes in chunks. Forward, nothing is lost if the state goes from chunk to chunk;
# backward, nothing is lost if `dstate` comes back the other way. Two halves then are the whole, exactly:

# %%
first, middle, first_cache = rnn.forward(x[:2], state, params)
second, _, second_cache = rnn.forward(x[2:], middle, params)
dx_second, dmiddle, grads_second = rnn.backward(dy[2:], dstate, second_cache)
dx_first, _, grads_first = rnn.backward(dy[:2], dmiddle, first_cache)
assert np.abs(np.concatenate([dx_first, dx_second]) - dx).max() < 1e-12
assert all(np.abs(grads_first[name] + grads_second[name] - grads[name]).max() < 1e-12 for name in grads)
print("two chunks with state and dstate handed on = one long sequence")

# %% [markdown]
# Training does not wait for the future: it puts None in the place of `dstate` and lets the error end at the chunk's
# border. That is **truncated** backpropagation through time, and what it costs is measured in chapter 8.
#
# ## It remembers
#
# A rhyme in which the previous letter says little: what follows "p" may be "e", "i" or another "p". The counted pairs
# set the floor for every network without memory. The RNN passes it and ends close to zero, since it can tell where in
# the rhyme it is. (It has learned by heart, of course; the question here is only whether it can.)

# %%
rhyme = (
    "peter piper picked a peck of pickled peppers. a peck of pickled peppers peter piper picked. "
    "if peter piper picked a peck of pickled peppers, where is the peck of pickled peppers peter piper picked?"
)
vocabulary = CharVocabulary(rhyme)
V = len(vocabulary)
ids = vocabulary.encode(rhyme)
pairs = np.zeros((V, V))
np.add.at(pairs, (ids[:-1], ids[1:]), 1)
p = pairs[ids[:-1], ids[1:]] / pairs.sum(axis=1)[ids[:-1]]
floor = -np.mean(np.log(p))

network = CharRNN(V, "rnn", layers=1, hidden=48, embed=16)
flat = backend.flatten(network.params)
optimiser = Adam(flat)
chunk = {"x": ids[:-1, None], "y": ids[1:, None]}
losses = []
for _ in range(120):
    loss, _, network_cache = network.loss(chunk, network.start(1))
    grads = backend.flatten(network.backward(network_cache))
    clip_by_global_norm(grads, 1.0)
    optimiser.step(flat, grads, lr=0.01)
    losses.append(float(loss))
print(f"log V {np.log(V):.2f}, counted pairs {floor:.2f}, the RNN at last {losses[-1]:.3f} nats per letter")
assert losses[-1] < floor / 2

figure, ax = plt.subplots(figsize=(7, 3.4))
ax.plot(losses, color=show.FORWARD)
for height, name in ((np.log(V), "uniform"), (floor, "the previous letter")):
    ax.axhline(height, color=show.GREY, linestyle="--", linewidth=1)
    ax.text(120, height + 0.05, name, ha="right", color=show.GREY)
ax.set(xlabel="step", ylabel="nats per letter", ylim=(0, None), title="A vanilla RNN learns a rhyme")
show.picture(figure, "02_learning_a_rhyme.png")

# %% [markdown]
# ## The loop, line by line
#
# The lines around `for _ in range(120)` come back in almost every chapter, and the package's own training does the
# same. So here is, once, what stands behind each of them.
#
# **`CharRNN`** puts layers together: an embedding (chapter 1), recurrent layers, and a dense layer whose outputs are
# the logits. It computes nothing itself. Its `params` are a dict of dicts, one per layer, each as the layer's `init`
# made it. `forward` calls the layers from the bottom to the top and keeps what each of them returns as its cache;
# `loss` adds the cross-entropy; `backward` takes the caches in the opposite order. The state that a chunk begins with
# goes in, and the one after it comes out.

# %%
show.source(CharRNN.loss, "logits, state, caches", "return loss")
show.source(CharRNN.backward, "dy = softmax_cross_entropy", "return")
print({name: {key: array.shape for key, array in layer.items()} for name, layer in network.params.items()})

# %% [markdown]
# **`backend.flatten`** turns the nested dict into a flat one, `{"rnn1.Wx": array, ...}`, so that an optimiser need not
# know anything about layers. It copies the dict and *not the arrays*: both dicts hold the same ones. In NumPy an array
# is a piece of memory, and a name is only a way to get there. The operator -= writes into that piece of memory, and
# whoever holds the array sees the new numbers. An assignment of the difference would make a new array and give it the
# old name, and the network would never hear of it. That is why the loop flattens the parameters once, before it
# begins, and why the network changes although no line gives anything back to it:

# %%
show.source(backend.flatten, "flat = {}", "return flat")
assert flat["rnn1.Wh"] is network.params["rnn1"]["Wh"]  # two names, one array
before = network.params["rnn1"]["Wh"][0, 0]
flat["rnn1.Wh"] -= 0.5
print(f"through the network's own dict: {before:.3f} before, {network.params['rnn1']['Wh'][0, 0]:.3f} after")
flat["rnn1.Wh"] += 0.5
copied = flat["rnn1.Wh"] - 0.5  # a new array: the network does not know of it
assert copied is not network.params["rnn1"]["Wh"]

# %% [markdown]
# The gradients are new arrays in every step, nested like the parameters, and are flattened anew each time.
#
# **`clip_by_global_norm`** bounds the length of the whole gradient. All entries of all arrays count as one long vector
# $g$; if it is longer than $c$, here 1, all of it is multiplied by one factor,
#
# $$g \leftarrow g \cdot \min\Bigl(1, \frac{c}{\lVert g\rVert}\Bigr), \qquad
# \lVert g\rVert = \sqrt{\textstyle\sum_{\text{arrays}} \sum_{\text{entries}} g^2}$$
#
# so that its direction stays. A recurrent network has places where the gradient is suddenly a hundred times as long,
# and one such step could undo all others; chapter 3 shows why, chapter 9 what happens without it. It works in place,
# too, and returns the length that it found, which is worth watching.
#
# **`optimiser.step`** moves every parameter a little against its gradient, in the simplest case `theta -= lr * v` with
# the gradient itself as v. Adam keeps running means beside each array and scales with them; that is chapter 9.
#
# Everything that the package's training adds to these lines is around them: which chunk comes next and whether its
# state is fresh (chapter 8), a learning rate that falls (chapter 9), dropout and early stopping (chapter 10), several
# threads (chapter 16), and files from which a run can be continued. Its heart is the same:

# %%
show.source(Trainer.step, "norm = clip_by_global_norm", "self.optimiser.step")

# %% [markdown]
# ## Predict, then change, then run
#
# 1) In the loop that learns the rhyme, move the line `flat = backend.flatten(network.params)` and the one with
# `optimiser = Adam(flat)` into the loop, before `loss`. Everything still runs. What becomes of the curve, and why?
# (The arrays are the same ones. What is not?)
#
# 2) Then put them back, and replace the call of `clip_by_global_norm` by nothing. How much will the last loss change?
# Write down a number. To see why, print what the call returns.
#
# ## Three questions
#
# 1. Suppose the loop sets `dh = dy[t]` in place of `dh += dy[t]`. Which gradients are still right, at which steps, and
#    would the network learn anything at all? (This line is wrong on purpose.)
# 2. The backward pass needs $h_t$ of every step. How many bytes is that for T = 100, B = 32, H = 512 in float32? Could
#    the $h_t$ be computed again instead of being kept?
# 3. Why must a gradient check of this layer have T of at least 2, a starting state that is not zero, and D different
#    from H?
#
# The answers stand in `answers/02.md`.
