# %% [markdown]
# # 6. The GRU
#
# **Takes for granted**: chapters 4 and 5.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: a cell with one state less and one block of weights less than the LSTM, drawn; its backward pass
# derived, with the state used in four places; plain version and package agreeing to 1e-12; two variants that share
# a name and compute different things; and three cells of equally many weights on one task.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.layers import gru, lstm, rnn
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.gradient_check import numerical_gradient, relative_error
from minirnn.training.optimisers import Adam, clip_by_global_norm

# %% [markdown]
# ## What can be left out
#
# The LSTM has two states and three gates. Cho et al. (2014) asked how much of that is needed, and kept the essential:
# a path through time that only a gate touches. There is one state, h, and it is its own carousel. Two gates:
#
# $$
# \begin{array}{ll}
# r_t = \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) & \text{reset gate: how much of the past goes into the proposal} \\
# u_t = \sigma(x_t W_{xu} + h_{t-1} W_{hu} + b_u) & \text{update gate: how much of the old stays} \\
# m_t = h_{t-1} W_{hn} + \mathrm{bn} & \text{what the past proposes} \\
# n_t = \tanh(x_t W_{xn} + b_n + r_t\, m_t) & \text{the proposal} \\
# h_t = u_t\, h_{t-1} + (1 - u_t)\, n_t & \text{a mean of old and new}
# \end{array}
# $$
#
# with $W_x$ (D, 3H), $W_h$ (H, 3H) and $b$ (3H,) in blocks in the order r, u, n, and `bn` (H,), which is a parameter
# of its own. (A trap of names: $b_n$ is the third block of b, outside the bracket that r multiplies, and `bn` stands
# inside it. The second question at the end is about the two.)
#
# In the LSTM's terms: u is the forget gate, and the input gate is not asked but is set to 1 - u. What is let in is
# what is forgotten. So h stays a mean of numbers between -1 and 1 and can never leave that range (the LSTM's c can),
# and no tanh is needed on the way out. There is no output gate: what the cell knows is what it says.

# %%
figure, ax = show.diagram(9.5, 4.8, 10, 5.2)
ax.add_patch(plt.Rectangle((1.15, 0.75), 7.3, 4.2, fill=False, edgecolor=show.GREY, linestyle=":"))
show.box(ax, 4.9, 4.3, "×", show.CELL)
show.box(ax, 6.9, 4.3, "+", show.CELL)
show.box(ax, 6.9, 3.0, "×")
show.box(ax, 2.5, 1.9, "× Wh_n + bn")
show.box(ax, 4.0, 2.9, "×")
show.box(ax, 4.0, 1.55, "σ")
show.box(ax, 5.2, 1.55, "σ")
show.box(ax, 5.6, 2.9, "tanh")
show.arrow(ax, (0.2, 4.3), (4.65, 4.3), "$h_{t-1}$", show.CELL, shift=(-1.7, 0.28), width=3, size=12)
show.arrow(ax, (5.15, 4.3), (6.65, 4.3), "$u\\,h_{t-1}$", show.CELL, shift=(0, 0.28), width=3, size=11)
show.arrow(ax, (7.15, 4.3), (9.6, 4.3), "$h_t$", show.CELL, shift=(0.7, 0.28), width=3, size=12)
show.arrow(ax, (2.5, 4.3), (2.5, 2.2))
show.arrow(ax, (2.9, 2.2), (3.75, 2.8), "$m$", shift=(-0.15, 0.2), size=11)
show.arrow(ax, (4.0, 1.85), (4.0, 2.6), "$r$", shift=(0.18, 0), size=11)
show.arrow(ax, (4.25, 2.9), (5.2, 2.9), "$r\\,m$", shift=(-0.2, 0.22), size=11)
show.arrow(ax, (6.0, 2.9), (6.65, 2.98), "$n$", shift=(0, 0.22), size=11)
show.arrow(ax, (6.9, 3.3), (6.9, 4.0), "$(1-u)\\,n$", shift=(0.6, 0), size=11)
show.arrow(ax, (5.05, 1.85), (4.93, 4.0), "$u$", shift=(0.15, 0.7), size=11)
show.arrow(ax, (5.45, 1.65), (6.85, 2.72), "$1-u$", shift=(0.4, -0.1), size=11)
ax.plot([1.6, 5.2], [0.98, 0.98], color=show.FORWARD, linewidth=1.5)
ax.plot([1.6, 1.6], [0.98, 4.3], color=show.FORWARD, linewidth=1.5)
for x0, y0, y1 in ((4.0, 0.98, 1.25), (5.2, 0.98, 1.25), (5.9, 0.4, 2.6)):
    show.arrow(ax, (x0, y0), (x0, y1))
ax.plot([3.2, 3.2], [0.4, 0.98], color=show.FORWARD, linewidth=1.5)
for x0 in (3.2, 5.9):
    ax.text(x0, 0.12, "$x_t$", color=show.FORWARD, size=12, ha="center")
show.picture(figure, "06_the_cell.png")

# %% [markdown]
# ## Forward

# %%
def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def gru_forward_plain(x, state, params):
    """x (T, B, D), state (h,) -> y (T, B, H), state after the last step, cache."""
    Wx_r, Wx_u, Wx_n = np.split(params["Wx"], 3, axis=1)
    Wh_r, Wh_u, Wh_n = np.split(params["Wh"], 3, axis=1)
    b_r, b_u, b_n = np.split(params["b"], 3)
    h, steps = [state[0]], [None]  # h[t] is h_t; steps[t] = r, u, n, m of step t
    for x_t in x:
        r = sigmoid(x_t @ Wx_r + h[-1] @ Wh_r + b_r)
        u = sigmoid(x_t @ Wx_u + h[-1] @ Wh_u + b_u)
        m = h[-1] @ Wh_n + params["bn"]
        n = np.tanh(x_t @ Wx_n + b_n + r * m)
        h.append(u * h[-1] + (1 - u) * n)
        steps.append((r, u, n, m))
    return np.array(h[1:]), (h[-1],), (x, h, steps, params)


T, B, D, H = 6, 3, 5, 4
rng = np.random.default_rng(0)
params = {name: 0.5 * rng.standard_normal(array.shape) for name, array in gru.init(rng, D, H).items()}
x, state = rng.standard_normal((T, B, D)), (rng.standard_normal((B, H)),)
y, _, cache = gru.forward(x, state, params)
y_plain, _, cache_plain = gru_forward_plain(x, state, params)
assert np.abs(y - y_plain).max() < 1e-12

# %% [markdown]
# The package takes all three products $h W_h$ as one, makes both sigmoids by one tanh (chapter 4), and the mean of old
# and new as n + u (h - n), which needs one product less:

# %%
show.source(gru.forward, "for t in range(T)", "h[t + 1] += n")

# %% [markdown]
# ## Backward
#
# Take dh, everything that is wrong with $h_t$, and go through the formulas from the last to the first.
#
# **$h_t = u\, h_{t-1} + (1 - u)\, n$.** u occurs twice, once with a minus:
#
# $$du = dh\,(h_{t-1} - n), \quad dn = dh\,(1 - u), \quad dh_{t-1} \text{ gets } dh\, u$$
#
# **$n = \tanh(x W_{xn} + b_n + r m)$.** First through tanh, then the product r m:
#
# $$dz_n = dn\,(1 - n^2), \quad dr = dz_n\, m, \quad dm = dz_n\, r$$
#
# **$r, u = \sigma(\ldots)$**, with $\sigma' = \sigma (1 - \sigma)$:
#
# $$dz_r = dr\, r\,(1 - r), \quad dz_u = du\, u\,(1 - u)$$
#
# **The products.** $x_t$ meets $W_x$ in all three blocks, and what comes back is $dz = [dz_r, dz_u, dz_n]$. $h_{t-1}$
# meets $W_h$; in the third block what comes out of the product is m, not $z_n$, so there the error is dm. This is the
# one place where GRU code goes wrong most often: two arrays that differ in their last third.
#
# $$
# \begin{array}{ll}
# dW_x = \sum_t x_t^\top [dz_r, dz_u, dz_n] & db = \sum_t [dz_r, dz_u, dz_n] \\
# dW_h = \sum_t h_{t-1}^\top [dz_r, dz_u, dm] & d\mathrm{bn} = \sum_t dm
# \end{array}
# $$
#
# **$h_{t-1}$** was thus used in four places, in r, in u, in m and directly in $h_t$:
#
# $$dh_{t-1} = dy_{t-1} + [dz_r, dz_u, dm]\, W_h^\top + dh\, u$$

# %%
def gru_backward_plain(dy, dstate, cache):
    """dy (T, B, H), dstate (dh,) or None -> dx (T, B, D), dstate before the first step, grads."""
    x, h, steps, params = cache
    dx, grads = np.zeros_like(x), {name: np.zeros_like(array) for name, array in params.items()}
    from_next = np.zeros_like(h[0]) if dstate is None else dstate[0]
    for t in range(len(x), 0, -1):  # x[t - 1] and dy[t - 1] belong to step t: Python counts from 0
        r, u, n, m = steps[t]
        dh = dy[t - 1] + from_next
        du = dh * (h[t - 1] - n)
        dn = dh * (1 - u)
        dz_n = dn * (1 - n**2)
        dr = dz_n * m
        dm = dz_n * r
        dz_r = dr * r * (1 - r)
        dz_u = du * u * (1 - u)
        dz = np.concatenate([dz_r, dz_u, dz_n], axis=1)  # of x Wx + b
        dq = np.concatenate([dz_r, dz_u, dm], axis=1)  # of h Wh
        grads["Wx"] += x[t - 1].T @ dz
        grads["Wh"] += h[t - 1].T @ dq
        grads["b"] += dz.sum(axis=0)
        grads["bn"] += dm.sum(axis=0)
        dx[t - 1] = dz @ params["Wx"].T
        from_next = dq @ params["Wh"].T + dh * u
    return dx, (from_next,), grads


dy, dstate = rng.standard_normal((T, B, H)), (rng.standard_normal((B, H)),)
dx, dstart, grads = gru.backward(dy, dstate, cache)
dx_plain, dstart_plain, grads_plain = gru_backward_plain(dy, dstate, cache_plain)
largest = max(np.abs(grads[name] - grads_plain[name]).max() for name in grads)
largest = max(largest, np.abs(dx - dx_plain).max(), np.abs(dstart[0] - dstart_plain[0]).max())
print(f"plain version and package differ by {largest:.1e} at most")
assert largest < 1e-12


def f():
    y, end, _ = gru.forward(x, state, params)
    return np.sum(y * dy) + np.sum(end[0] * dstate[0])


arrays = {**params, "x": x, "h0": state[0]}
for name, analytic in {**grads, "x": dx, "h0": dstart[0]}.items():
    print(f"d{name:3} largest relative error {relative_error(analytic, numerical_gradient(f, arrays[name])):.1e}")

# %% [markdown]
# The package's loop in full. In its notation dq is dz with dm in the last third:

# %%
show.source(gru.backward, "for t in reversed", "dh += scratch")

# %% [markdown]
# ## Two cells of one name
#
# The first paper has the reset gate *before* the product, $n = \tanh(x W_{xn} + b_n + (r h_{t-1}) W_{hn})$; cuDNN,
# PyTorch and this package have it *after*. After it, $h W_h$ is one product for all three blocks; before, the third
# has to wait for r. They learn about equally well, but the same weights give different numbers, and a model trained
# with one is useless in the other. With the weights from above:

# %%
def gru_step_reset_before(x_t, h, params):
    """One step of the first paper's variant -> h (B, H). bn stands outside the gate here, being a plain bias."""
    Wx_r, Wx_u, Wx_n = np.split(params["Wx"], 3, axis=1)
    Wh_r, Wh_u, Wh_n = np.split(params["Wh"], 3, axis=1)
    b_r, b_u, b_n = np.split(params["b"], 3)
    r = sigmoid(x_t @ Wx_r + h @ Wh_r + b_r)
    u = sigmoid(x_t @ Wx_u + h @ Wh_u + b_u)
    n = np.tanh(x_t @ Wx_n + b_n + (r * h) @ Wh_n + params["bn"])
    return u * h + (1 - u) * n


h_before = state[0]
for t in range(T):
    h_before = gru_step_reset_before(x[t], h_before, params)
print("last state, reset after: ", np.round(y[-1, 0], 3))
print("last state, reset before:", np.round(h_before[0], 3))
assert np.abs(h_before - y[-1]).max() > 1e-3

# %% [markdown]
# A second trap of the same kind: some authors write $h_t = (1 - u) h_{t-1} + u n$. Then u means the opposite, and so
# does the sign of its bias. Read the equations before you load anybody's weights.
#
# ## Three cells, equally many weights
#
# Per unit a GRU has three blocks where the LSTM has four, so at equal cost it may be wider. The error of the last step,
# by distance (chapter 3), and the recall task, now from twenty steps ago. The bias of the gate that keeps (f in the
# LSTM, u in the GRU) is set to 2 in both.

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
        dy = np.zeros_like(dy)
        norms.append(np.sqrt(np.mean(sum(np.sum(d**2, axis=1) for d in dstate))))
    return np.array(norms)


def recall_task(rng, B, k):
    """A chunk of B sequences of k + 1 steps: one of the symbols 0 to 3, then k of noise (4, 5), then say the first."""
    x = rng.integers(4, 6, (k + 1, B))
    x[0] = rng.integers(0, 4, B)
    y, mask = np.zeros_like(x), np.zeros(x.shape, bool)
    y[-1], mask[-1] = x[0], True
    return {"x": x, "y": y, "mask": mask}


def learn_recall(network, k, steps, seed=0):
    """Train ``network`` on the task -> the loss of every step (steps,)."""
    flat, rng, losses = backend.flatten(network.params), np.random.default_rng(seed), []
    optimiser = Adam(flat)
    for _ in range(steps):
        loss, _, cache = network.loss(recall_task(rng, 32, k), network.start(32))
        grads = backend.flatten(network.backward(cache))
        clip_by_global_norm(grads, 1.0)
        optimiser.step(flat, grads, lr=3e-3)
        losses.append(float(loss))
    return np.array(losses)


keeps, final = 2.0, {}
x = rng.standard_normal((50, 16, 8))
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8))
for name, cell, hidden in (("rnn", rnn, 68), ("lstm", lstm, 32), ("gru", gru, 37)):
    network = CharRNN(6, name, layers=1, hidden=hidden, embed=8)
    layer = network.params[f"{name}1"]
    if name != "rnn":
        layer["b"][hidden : 2 * hidden] = keeps  # the second block is f in the LSTM and u in the GRU
    in_float64 = {key: array.astype(np.float64) for key, array in layer.items()}
    left.semilogy(errors_by_distance(cell, in_float64, x, rng), label=f"{name.upper()}, H = {hidden}")
    losses = learn_recall(network, 20, 200)
    final[name] = losses[-50:].mean()
    right.plot(np.convolve(losses, np.ones(20) / 20, "valid"))
    weights = sum(array.size for array in layer.values())
    print(f"{name:4} H = {hidden}: {weights} weights in the cell, {final[name]:.3f} nats at the end")
assert final["rnn"] > 1.2 and final["lstm"] < 0.5 and final["gru"] < 0.5
left.set(xlabel="steps back", ylabel="norm of the error", ylim=(1e-12, 10), title="The error by distance, untrained")
left.legend(loc="lower left")
right.axhline(np.log(4), color=show.GREY, linestyle="--", linewidth=1)
right.set(xlabel="step", ylabel="nats (mean of 20 steps)", ylim=(0, 1.8), title="Recall from twenty steps ago")
show.picture(figure, "06_three_cells.png")

# %% [markdown]
# Which of the two gated cells is better has no general answer: over many tasks they come out close (Chung et al. 2014),
# and the LSTM can do one thing that the GRU cannot, count without bound in c. This package writes with LSTMs.
#
# ## Predict, then change, then run
#
# The two cells of one name give different numbers. Is there a reset gate with which they do not? Choose a number for
# the first block of b, write down what you expect for 50 and for -50, and set `params["b"][:H]` before both are
# computed.
#
# ## Three questions
#
# 1. Set r = 1 and u = 0 for ever. What is left? And with u = 1?
# 2. Why is there a bias bn beside $b_n$? In the vanilla RNN a second bias would be superfluous.
# 3. A student uses $dz_n$ in place of dm for $dW_h$ and for dh. For which values of r does the gradient check not
#    notice?
#
# The answers stand in `answers/06.md`.
