# %% [markdown]
# # 14. The window that reads
#
# **Takes for granted**: chapters 2, 5 and 8; the idea of chapter 13 that the pen's moves are symbols.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: a window of a few bell curves over a text, in plain loops and in the package, equal to 1e-12;
# its gradient derived and checked; and a small network that is given a text and made to write it out, in two to seven
# moves per letter, whose window is a slow clock at first, and then walks along the text at the pace of the letters.
#
# The network of chapter 13 would write, but nothing in particular. To write a given text it has to know which letter
# is due. The text cannot be an input of the same step, since a letter takes some 14 moves of the pen, sometimes 7,
# sometimes 25: nobody tells the network when one is done. Graves (2013, section 5.1) lets the network decide: at
# every step it looks at the text through a soft window, and says how far the window moves. It is one of the first
# attention mechanisms, and small enough to be derived completely.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import backend
from minirnn.course import show
from minirnn.layers import attention_window, lstm, windowed_lstm
from minirnn.networks.gradient_check import numerical_gradient, relative_error
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training.optimisers import Adam, clip_by_global_norm

# %% [markdown]
# ## Forward
#
# The text is U characters, each an embedded vector C_u (E numbers). From the state h of a recurrent layer come 3K
# numbers, three for each of K bell curves:
#
# $$
# \begin{array}{ll}
# [\hat\alpha, \hat\beta, \hat\kappa] = h W + b \qquad \alpha, \beta = \exp\hat\alpha, \exp\hat\beta
# & \text{height and sharpness} \\
# \kappa_t = \kappa_{t-1} + \exp\hat\kappa & \text{place, counted in characters} \\
# \varphi_u = \sum_k \alpha_k \exp(-\beta_k (\kappa_k - u)^2) & \text{the weight of character } u \\
# w = \sum_u \varphi_u\, C_u & \text{what the pen gets to know}
# \end{array}
# $$
#
# The exponential makes the step of $\kappa$ positive, so the window can stand still (almost) and move on, but never
# back. That is built in, as it is in writing. And the weights $\varphi$ are not normalised: they need not add up to
# one.
#
# The plain version, a loop for every sum:

# %%
def window_forward_plain(z, kappa_prev, C):
    """z = h W + b (B, 3K), kappa_prev (B, K), C (B, U, E) -> w (B, E), kappa (B, K), phi (B, U)."""
    B, U, E = C.shape
    K = kappa_prev.shape[1]
    w, kappa, phi = np.zeros((B, E)), np.zeros((B, K)), np.zeros((B, U))
    for b in range(B):
        for k in range(K):
            alpha, beta = np.exp(z[b, k]), np.exp(z[b, K + k])
            kappa[b, k] = kappa_prev[b, k] + np.exp(z[b, 2 * K + k])
            for u in range(U):
                phi[b, u] += alpha * np.exp(-beta * (kappa[b, k] - u) ** 2)
        for u in range(U):
            w[b] += phi[b, u] * C[b, u]
    return w, kappa, phi


B, U, E, K = 3, 7, 4, 2
rng = np.random.default_rng(0)
z, kappa_prev = 0.5 * rng.standard_normal((B, 3 * K)), 3 * rng.random((B, K))
C = rng.standard_normal((B, U, E))
w, kappa, phi, cache = attention_window.step_forward(z, kappa_prev, C)
for plain, package in zip(window_forward_plain(z, kappa_prev, C), (w, kappa, phi)):
    assert np.abs(plain - package).max() < 1e-12
show.source(attention_window.step_forward, "exp_z = np.exp(z)", "w = np.matmul")

# %% [markdown]
# The package's G (B, K, U) is the table of all bell curves at all characters. It is kept, because everything in the
# gradient is made of it.
#
# A window of two curves over a word: one sharp, at the letter that is due; one broad, which sees what lies ahead.
# Their sum is $\varphi$.

# %%
word = "window"
places = np.linspace(-0.7, len(word) - 0.3, 300)
curves = [(0.9, 2.5, 2.1), (0.35, 0.4, 3.3)]  # alpha, beta, kappa
figure, ax = plt.subplots(figsize=(7.5, 3.2))
total = np.zeros(len(word))
for alpha, beta, place in curves:
    label = f"$\\alpha$ = {alpha}, $\\beta$ = {beta}, $\\kappa$ = {place}"
    ax.plot(places, alpha * np.exp(-beta * (places - place) ** 2), label=label)
    total += alpha * np.exp(-beta * (np.arange(len(word)) - place) ** 2)
ax.bar(range(len(word)), total, width=0.5, color=show.GREY, alpha=0.4, label="$\\varphi_u$")
ax.set_xticks(range(len(word)), [f"{letter}\n{u}" for u, letter in enumerate(word)])
ax.set(title="Two bell curves over a text, and the weights of its characters")
ax.legend()
show.picture(figure, "14_two_bell_curves.png")

# %% [markdown]
# ## Backward
#
# From outside comes dw, and from step t+1 comes $d\kappa$, since $\kappa_t$ was used there, too. Write $G_{ku}$ for
# $\alpha_k \exp(-\beta_k \delta^2)$ with $\delta_{ku} = \kappa_k - u$. Then, from the end to the beginning:
#
# *$w = \sum \varphi_u C_u$*, so $d\varphi_u = C_u \cdot dw$, and $dC_u$ gets $\varphi_u dw$.
#
# *$\varphi_u = \sum_k G_{ku}$*, so every $G_{ku}$ gets $d\varphi_u$: a sum hands its error on to all its terms.
#
# *$G_{ku}$* depends on three things. It is proportional to $\alpha_k = \exp \hat{\alpha}_k$, so its derivative by
# $\hat{\alpha}_k$ is $G_{ku}$ itself. By $\beta_k$ it is $-\delta^2 G_{ku}$, times $\beta_k$ for $\hat{\beta}_k$. By
# $\kappa_k$ it is $-2 \beta_k \delta G_{ku}$. Summed over the characters:
#
# $$
# \begin{split}
# d\hat\alpha_k &= \sum_u d\varphi_u\, G_{ku} \\
# d\hat\beta_k &= -\beta_k \sum_u d\varphi_u\, G_{ku}\, \delta_{ku}^2 \\
# d\kappa_k &= d\kappa_k \text{ (from } t+1\text{)} - 2\beta_k \sum_u d\varphi_u\, G_{ku}\, \delta_{ku}
# \end{split}
# $$
#
# *$\kappa_t = \kappa_{t-1} + \exp \hat{\kappa}$*: a sum again, so $d\kappa_{t-1} = d\kappa_t$ unchanged, and
# $d\hat{\kappa}_k = d\kappa_k \exp \hat{\kappa}_k$.
#
# Look at the last line. The error of the place goes back from step to step with the factor one: nothing vanishes,
# nothing explodes. It is the constant error carousel of chapter 4, without a forget gate. A letter that was read too
# late tells every step before it that the window ought to have moved faster.

# %%
def window_backward_plain(dw, dkappa_next, z, kappa_prev, C):
    """dw (B, E), dkappa_next (B, K) -> dz (B, 3K), dkappa (B, K) for the step before, dC (B, U, E)."""
    B, U = C.shape[:2]
    K = kappa_prev.shape[1]
    dz, dkappa, dC = np.zeros_like(z), dkappa_next.copy(), np.zeros_like(C)
    for b in range(B):
        for k in range(K):
            alpha, beta, move = np.exp(z[b, k]), np.exp(z[b, K + k]), np.exp(z[b, 2 * K + k])
            for u in range(U):
                delta = kappa_prev[b, k] + move - u
                G = alpha * np.exp(-beta * delta**2)
                dphi = C[b, u] @ dw[b]
                dz[b, k] += dphi * G
                dz[b, K + k] -= beta * dphi * G * delta**2
                dkappa[b, k] -= 2 * beta * dphi * G * delta
                dC[b, u] += G * dw[b]  # the curves' parts of phi_u dw
            dz[b, 2 * K + k] = dkappa[b, k] * move
    return dz, dkappa, dC


dw, dkappa_next = rng.standard_normal((B, E)), rng.standard_normal((B, K))
dz, dkappa = attention_window.step_backward(dw, dkappa_next, C, cache)
dz_plain, dkappa_plain, dC_plain = window_backward_plain(dw, dkappa_next, z, kappa_prev, C)
assert np.abs(dz - dz_plain).max() < 1e-12 and np.abs(dkappa - dkappa_plain).max() < 1e-12
assert np.abs(phi[:, :, None] * dw[:, None] - dC_plain).max() < 1e-12
show.source(attention_window.step_backward, "dphi = np.matmul", "return")

# %% [markdown]
# Each `dG_G *= delta` turns one sum of the derivation into the next:
# $\sum d\varphi G, \sum d\varphi G \delta, \sum d\varphi G \delta^2$. And the referee:

# %%
def f():
    w, kappa, _, _ = attention_window.step_forward(z, kappa_prev, C)
    return np.sum(w * dw) + np.sum(kappa * dkappa_next)


for name, array, analytic in (("z", z, dz), ("kappa", kappa_prev, dkappa), ("C", C, dC_plain)):
    error = relative_error(analytic, numerical_gradient(f, array))
    print(f"d{name:6} largest relative error {error:.1e}")
    assert error < 1e-6

# %% [markdown]
# ## The loop
#
# The window hangs on an LSTM, and the LSTM on the window: $w_t$ is an input of step t+1, so that the network knows what
# it is writing. Neither can run ahead, and the loop over time belongs to both:
#
# $$
# \begin{split}
# h_t, c_t &= \operatorname{LSTM}([x_t, w_{t-1}], h_{t-1}, c_{t-1}) \\
# w_t, \kappa_t &= \operatorname{window}(h_t W + b, \kappa_{t-1}, C)
# \end{split}
# $$
#
# Backward, $w_t$ has been used twice (above, and at t+1) and $h_t$ three times (above, in the window, and at t+1).
# Every use is a term. The plain version is made of parts that are known: an LSTM of one step (chapter 5), the window
# from above, and what they hand to each other. The rows of the LSTM's matrix that meet w are called Ww:

# %%
def reader_forward_plain(x, C, state, params):
    """x (T, B, D), C (B, U, E), state (h, c, kappa, w) -> h (T, B, H), w (T, B, E), phi (T, B, U), state, cache."""
    h, c, kappa, w = state
    cell = {"Wx": np.concatenate([params["Wx"], params["Ww"]]), "Wh": params["Wh"], "b": params["b"]}
    hs, ws, phis, steps = [], [], [], []
    for x_t in x:
        _, (h, c), lstm_cache = lstm.forward(np.concatenate([x_t, w], axis=1)[None], (h, c), cell)
        z, kappa_prev = h @ params["W_window"] + params["b_window"], kappa
        w, kappa, phi = window_forward_plain(z, kappa_prev, C)
        hs.append(h)
        ws.append(w)
        phis.append(phi)
        steps.append((lstm_cache, h, z, kappa_prev))
    return np.array(hs), np.array(ws), np.array(phis), (h, c, kappa, w), (C, steps, params)


def reader_backward_plain(dh_out, dw_out, dstate, cache):
    """dh_out (T, B, H), dw_out (T, B, E), dstate -> dx (T, B, D), dC (B, U, E), dstate before the first step, grads."""
    C, steps, params = cache
    D, dx, dC = len(params["Wx"]), [], np.zeros_like(C)
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    dh, dc, dkappa, dw = dstate
    for t in reversed(range(len(steps))):
        lstm_cache, h, z, kappa_prev = steps[t]
        dz, dkappa, dC_t = window_backward_plain(dw_out[t] + dw, dkappa, z, kappa_prev, C)
        dh_here = dh_out[t] + dz @ params["W_window"].T  # what comes from t+1 is dh, and the LSTM adds it
        din, (dh, dc), cell_grads = lstm.backward(dh_here[None], (dh, dc), lstm_cache)
        dx.insert(0, din[0, :, :D])
        dw = din[0, :, D:]
        dC += dC_t
        grads["Wx"] += cell_grads["Wx"][:D]
        grads["Ww"] += cell_grads["Wx"][D:]
        grads["Wh"] += cell_grads["Wh"]
        grads["b"] += cell_grads["b"]
        grads["W_window"] += h.T @ dz
        grads["b_window"] += dz.sum(axis=0)
    return np.array(dx), dC, (dh, dc, dkappa, dw), grads


T, D, H = 5, 3, 6
params = {name: 0.5 * rng.standard_normal(a.shape) for name, a in windowed_lstm.init(rng, D, E, H, K, 0.5).items()}
x, state = rng.standard_normal((T, B, D)), tuple(rng.standard_normal((B, n)) for n in (H, H, K, E))
dh_out, dw_out = rng.standard_normal((T, B, H)), rng.standard_normal((T, B, E))
dstate = tuple(rng.standard_normal(array.shape) for array in state)
*_, cache = windowed_lstm.forward(x, C, state, params)
*_, cache_plain = reader_forward_plain(x, C, state, params)
dx, dC, dstart, grads = windowed_lstm.backward(dh_out, dw_out, dstate, cache)
dx_plain, dC_plain, dstart_plain, grads_plain = reader_backward_plain(dh_out, dw_out, dstate, cache_plain)
largest = max(np.abs(grads[name] - grads_plain[name]).max() for name in grads)
largest = max(largest, np.abs(dx - dx_plain).max(), np.abs(dC - dC_plain).max())
largest = max(largest, *(np.abs(a - b).max() for a, b in zip(dstart, dstart_plain)))
print(f"plain version and package differ by {largest:.1e} at most")
assert largest < 1e-12

# %% [markdown]
# The package computes the same with less: $x_t W_x$ for all steps before the loop, as always, and [w, h] beside each
# other, so that the two products inside the loop, with Ww and $W_h$, are one. Backward, that one product gives dw and
# dh at once:

# %%
show.source(windowed_lstm.forward, "for t in range(T)", "windows.append")
show.source(windowed_lstm.backward, "np.add(dw_out[t]", "backend.product(dz[t], W_recurrentT")

# %% [markdown]
# ## It learns to read
#
# A pen takes hours to train. What the window has to learn can be seen in a toy of the same structure, in seconds. The
# "handwriting" of a letter is a short row of moves out of four, between 2 and 7 of them, different for each of six
# letters. So a letter is due for a number of steps that depends on the letter, and which one comes next only the text
# can say: the texts are random, and nothing can be guessed from the letters before.

# %%
# The moves of each letter.
WORDS = [[0, 1], [0, 2, 3], [1, 3, 0, 0], [2, 2, 1, 0, 3], [3, 1, 1, 2, 0, 1], [3, 0, 2, 2, 3, 1, 1]]
LETTERS, START = len(WORDS), 4
LENGTH = np.array([len(moves) for moves in WORDS])


def toy_batch(rng, B=24, U=8):
    """A chunk for `PenRNN`: random texts, and the moves that write them."""
    text = rng.integers(0, LETTERS, (B, U))
    lines = [[move for u in row for move in WORDS[u]] for row in text]
    T = max(map(len, lines))
    y, mask = np.zeros((T, B), int), np.zeros((T, B), bool)
    for b, line in enumerate(lines):
        y[: len(line), b], mask[: len(line), b] = line, True
    x = np.concatenate([np.full((1, B), START), y[:-1]])
    zeros = np.zeros((T, B), int)
    return {"x": x, "y": y, "mask": mask, "height": zeros, "text": text, "hand": np.zeros(B, int)}


network = PenRNN(V=START + 1, characters=LETTERS, heights=1, layers=2, hidden=32, embed=16, char_embed=12,
                 gaussians=2, rate=1 / 8)  # fmt: skip
example = toy_batch(np.random.default_rng(99), B=4)
T_first = int(example["mask"][:, 0].sum())  # steps of the first line of the four


def look():
    """The window's weights phi (T, U) while the network writes the first line of ``example``."""
    return network.forward(example, network.start(4))[1][:T_first, 0]


flat = backend.flatten(network.params)
optimiser, rng = Adam(flat), np.random.default_rng(1)
losses, looks = [], {0: look()}
STEPS = 120
for step in range(1, STEPS + 1):
    chunk = toy_batch(rng)
    loss, _, loss_cache = network.loss(chunk, network.start(24))
    grads = backend.flatten(network.backward(loss_cache))
    clip_by_global_norm(grads, 1.0)
    optimiser.step(flat, grads, lr=1e-2 * min(1, 2 * (1 - step / (STEPS + 1))))
    losses.append(float(loss))
    if step in (STEPS // 4, STEPS):
        looks[step] = look()
without_text = np.log(LETTERS) / LENGTH.mean()
print(f"loss {losses[0]:.3f} at the start, {np.mean(losses[-20:]):.3f} at the end;")
print(f"without the text, knowing the words of moves, it costs log {LETTERS} per letter, {without_text:.3f} per symbol")
assert np.mean(losses[-20:]) < without_text / 3

figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), sharey=True)
names = ["abcdef"[letter] for letter in example["text"][0]]
due = np.repeat(np.arange(8), LENGTH[example["text"][0]])
for ax, (step, phi) in zip(axes, looks.items()):
    ax.imshow(phi.T, origin="lower", aspect="auto", cmap="magma", vmin=0)
    ax.plot(due, ".", color=show.COLOURS[5], markersize=5)
    ax.set(title=f"after {step} steps of learning", xlabel="step t of writing")
axes[0].set_yticks(range(8), names)
axes[0].set_ylabel("text, upwards")
show.picture(figure, "14_the_window_walks.png")

figure, ax = plt.subplots(figsize=(7, 3))
ax.plot(losses, color=show.FORWARD)
ax.axhline(without_text, color=show.GREY, linestyle="--", linewidth=1)
ax.text(STEPS, without_text + 0.04, "without reading", ha="right", color=show.GREY)
ax.set(xlabel="step of learning", ylabel="nats per symbol", ylim=(0, None), title="Learning to read")
show.picture(figure, "14_learning_to_read.png")

# %% [markdown]
# The brightness is $\varphi$, the dots are the letter that is being written at each step. Before learning the window
# is a clock, and one that is too slow. Then it waits for the long letters and hurries over the short ones, and looks
# most closely when a letter begins: what follows, the LSTM can say from memory. Nobody has told the network where it
# stands in the text. The only teacher was the cross-entropy of the next symbol.
#
# Is the place really kept in $\kappa$, or has the LSTM counted? Texts twice as long as any that were seen tell: a
# counter would run out of what it has learned, a window just walks on.

# %%
longer = toy_batch(np.random.default_rng(7), U=16)
loss_longer = network.loss(longer, network.start(24))[0]
print(f"texts of 8 letters {np.mean(losses[-20:]):.3f}, of 16 letters {loss_longer:.3f} nats per symbol")

# %% [markdown]
# The real thing differs in size only: `PenRNN` with pen moves in the place of toy symbols, eight curves, and b set at
# the start such that the window moves at about the pace of a hand, since a window that stands still or rushes off
# takes long to be found by the gradient:

# %%
show.source(attention_window.init, "b = np.zeros", "b[2 * K :]")

# %% [markdown]
# `python -m minirnn.train --task hand` draws a picture of the window beside each of its samples
# (`minirnn.drawing.diagrams.window_path`): a steady line from the lower left to the upper right means that the network
# reads. In the run that made the shipped weights it was there at the first evaluation, after 500 steps; before it,
# the samples are scribbles, after it, letters. (`data/model_card.md` says what helped: lines that begin short.)
#
# ## Predict, then change, then run
#
# At the start the window moves by an eighth of a character per step, `rate=1 / 8`. What if it begins with two
# characters per step? It has run past the text before a single letter is written, and all weights of the network can
# be changed by learning. Will it be slower to learn, or will it not learn at all?
#
# ## Three questions
#
# 1. The $\varphi_u$ are not normalised, as a softmax over u would be. What can the network say with $\sum \varphi_u$
#    that a normalised window cannot, and what happens after the text's end?
# 2. $d\kappa$ goes back through time with the factor one. What does truncated BPTT (chapter 8) cut off here, and why
#    does the network nevertheless learn to read lines of hundreds of steps in chunks of 64?
# 3. The step of $\kappa$ is $\exp \hat{\kappa}$, always positive. What would happen with
#    $\kappa_t = \kappa_{t-1} + \hat{\kappa}$, and what, on the other hand, if every step were the same constant?
#
# The answers stand in `answers/14.md`.
