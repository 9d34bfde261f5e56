# %% [markdown]
# # 16. Where the time goes
#
# **Takes for granted**: chapters 4 and 5.
#
# **Runs for**: about 10 seconds.
#
# **You should see**: the same LSTM, forward and back, in six versions, from the textbook's loop to the package and
# its threads, all equal to 1e-12; what each step brings, as a ratio, on the machine in front of you; and how much of
# what is left are matrix products, which no trick of this chapter touches.
#
# The textbook's loop over steps and gates is right, and slow. The package's is as readable but for a few tricks,
# which the layers mention and this chapter takes apart. All of them change the order of the same additions and
# multiplications, none changes the result.

# %%
import statistics
import time

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from minirnn.course import show
from minirnn.layers import lstm
from minirnn.training import threads

# %% [markdown]
# ## 1. The plain loop
#
# One step after the other, one gate after the other, a new array for every result, just as the equations of chapter 4
# have it. Backward, too: every step adds its share to every gradient.

# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def split(params):
    """The package's (D, 4H) blocks as a dict of one array per gate."""
    return {name: dict(zip("ifog", np.split(array, 4, axis=-1))) for name, array in params.items()}


def plain_lstm(x, state, params, dy):
    """Forward and back, gate by gate -> y (T, B, H), dx, grads with the blocks of the gates side by side."""
    Wx, Wh, b = (split(params)[name] for name in ("Wx", "Wh", "b"))
    h, c, steps, y = *state, [], []
    for x_t in x:
        gate = {k: x_t @ Wx[k] + h @ Wh[k] + b[k] for k in "ifog"}
        gate = {k: np.tanh(z) if k == "g" else sigmoid(z) for k, z in gate.items()}
        c_new = gate["f"] * c + gate["i"] * gate["g"]
        steps.append((x_t, h, c, gate, c_new))
        h, c = gate["o"] * np.tanh(c_new), c_new
        y.append(h)
    grads = {name: {k: np.zeros_like(array) for k, array in blocks.items()} for name, blocks in split(params).items()}
    dx, dh, dc = np.zeros_like(x), np.zeros_like(h), np.zeros_like(c)
    for t in reversed(range(len(x))):
        x_t, h, c, gate, c_new = steps[t]
        i, f, o, g = gate.values()
        dh = dh + dy[t]
        dc = dc + dh * o * (1 - np.tanh(c_new) ** 2)
        dz = {"i": dc * g * i * (1 - i), "f": dc * c * f * (1 - f), "o": dh * np.tanh(c_new) * o * (1 - o),
              "g": dc * i * (1 - g**2)}  # fmt: skip
        dc, dh = dc * f, 0
        for k in "ifog":
            grads["Wx"][k] += x_t.T @ dz[k]
            grads["Wh"][k] += h.T @ dz[k]
            grads["b"][k] += dz[k].sum(axis=0)
            dx[t] += dz[k] @ Wx[k].T
            dh = dh + dz[k] @ Wh[k].T
    return np.array(y), dx, {name: np.concatenate([*blocks.values()], axis=-1) for name, blocks in grads.items()}


# %% [markdown]
# ## 2. The gates in one block
#
# $h W_h$ for four gates is one product with a matrix four times as wide. A product of (B, H) with (H, 4H) is faster
# than four with (H, H): the library reads h once instead of four times, and gets work in pieces that are worth its
# while. And Python says one line instead of four; each call of NumPy costs about a microsecond, whatever it computes.

# %%
def activate(z):
    """z (B, 4H) -> i, f, o, g."""
    H = z.shape[1] // 4
    return sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 2 * H : 3 * H]), np.tanh(z[:, 3 * H :])


def block_lstm(x, state, params, dy, before=False, activate=activate):
    """As `plain_lstm`, the gates in one block; ``before``: what does not depend on the state is done for all steps at
    once, the products with x before the loop, the gradients of the weights after it."""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    T, B, D = x.shape
    H = len(Wh)
    h, c, steps, y = *state, [], []
    if before:
        z_x = (x.reshape(T * B, D) @ Wx).reshape(T, B, 4 * H) + b
    for t in range(T):
        z = (z_x[t] if before else x[t] @ Wx + b) + h @ Wh
        i, f, o, g = activate(z)
        c_new = f * c + i * g
        steps.append((h, c, i, f, o, g, c_new))
        h, c = o * np.tanh(c_new), c_new
        y.append(h)
    dWx, dWh, db, dx = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b), np.zeros_like(x)
    dh, dc, dzs = np.zeros_like(h), np.zeros_like(c), np.empty((T, B, 4 * H), x.dtype)
    for t in reversed(range(T)):
        h, c, i, f, o, g, c_new = steps[t]
        tanh_c = np.tanh(c_new)
        dh = dh + dy[t]
        dc = dc + dh * o * (1 - tanh_c**2)
        dz_i, dz_f, dz_o = dc * g * i * (1 - i), dc * c * f * (1 - f), dh * tanh_c * o * (1 - o)
        dz = np.concatenate([dz_i, dz_f, dz_o, dc * i * (1 - g**2)], axis=1)
        dc, dh = dc * f, dz @ Wh.T
        if before:
            dzs[t] = dz
        else:
            dWx += x[t].T @ dz
            dWh += h.T @ dz
            db += dz.sum(axis=0)
            dx[t] = dz @ Wx.T
    if before:
        dzs = dzs.reshape(T * B, 4 * H)
        dWx, db = x.reshape(T * B, D).T @ dzs, dzs.sum(axis=0)
        dWh = np.concatenate([step[0] for step in steps]).T @ dzs
        dx = (dzs @ Wx.T).reshape(T, B, D)
    return np.array(y), dx, {"Wx": dWx, "Wh": dWh, "b": db}


# %% [markdown]
# ## 3. One product before the loop, one after it
#
# $x_t W_x$ does not wait for anything, so all T of them are one product of (T B, D) with (D, 4H). Backward, the same
# for the gradients: $\sum_t x_t^\top dz_t$ is the product of the stacked matrices (chapter 2), so that no step has to
# pass over a whole matrix of weights just to add something to it. Only $h W_h$, and on the way back $dz W_h^\top$, has
# to stay inside.

# %%
show.source(lstm.forward, "z = (x.reshape", "z += b")
show.source(lstm.backward, "grads = {", "}")

# %% [markdown]
# ## 4. One tanh
#
# The sigmoid costs an exponential, an addition and a division, three times over, each with a new array. But
#
# $$\sigma(z) = \frac{1}{1 + \exp(-z)} = \frac{1 + \tanh(z/2)}{2}$$
#
# (multiply numerator and denominator by exp(z/2)), so if the columns of i, f and o are halved first, one call of tanh
# serves the whole block. The halving goes over the whole block, too, with 1 in the place of $\tfrac12$ for g: three
# quarters of every row, with a gap to the next row, would take the processor longer than all of it.

# %%
def one_tanh(z):
    """As `activate`, with a single call of tanh, in place."""
    H = z.shape[1] // 4
    half = np.repeat(np.array([0.5, 0.5, 0.5, 1], z.dtype), H)
    z *= half
    np.tanh(z, out=z)
    z *= half
    z += 1 - half
    return z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]


show.source(lstm.cell_forward, "z *= half", "z += 1 - half")

# %% [markdown]
# ## 5. No new arrays
#
# `dc * g * i * (1 - i)` makes four arrays to throw three away. Each has to be found, and its memory fetched into the
# cache in place of something useful. The package's step makes none: every result goes by `out=` to where it will be
# needed, either in the big arrays that are kept for the way back, or in a block that is used again at every step.
# $\tanh(c_t)$, needed on both ways, is computed once. This is the package:

# %%
show.source(lstm.cell_forward, "np.multiply(f, c_prev", "np.multiply(o, tanh_c")

# %% [markdown]
# What is no longer needed lends its memory (`h` above holds i g for a moment). That is as far as the package goes:
# beyond it the code would stop looking like its equations.
#
# The big arrays themselves are new in each chunk. The C library gives memory of that size back to the system when it
# is freed, and gets it anew, page by page, each cleared to zero by the system. The training therefore asks for freed
# memory to be kept (`keep_freed_memory`), once, at its beginning; it is measured here as a step of its own.

# %%
show.source(threads.keep_freed_memory)


def package_lstm(x, state, params, dy):
    y, _, cache = lstm.forward(x, state, params)
    dx, _, grads = lstm.backward(dy, None, cache)
    return y, dx, grads


# %% [markdown]
# ## 6. Threads
#
# tanh and the elementwise products run on one core, and so do all of Python's lines. But the sequences of a batch
# have nothing to do with each other until the gradients are summed. So each thread takes its share of the batch
# forward and back, and the gradients are added up. NumPy lets go of Python's lock while it computes, so threads do
# it. (The matrix library is made to use one core per thread, or both would fight for the same ones.)

# %%
workers = threads.Workers(2)


def threads_lstm(x, state, params, dy):
    """As `package_lstm`, each thread with its share of the batch."""
    parts = workers.sequences(x.shape[1])
    results = workers.map(lambda p: package_lstm(x[:, p], [s[p] for s in state], params, dy[:, p]), parts)
    ys, dxs, grads = zip(*results)
    return np.concatenate(ys, 1), np.concatenate(dxs, 1), {name: sum(g[name] for g in grads) for name in params}


show.source(threads.Workers.map)

# %% [markdown]
# ## All equal
#
# In float64, at small sizes, all different:

# %%
versions = {
    "plain loop, gate by gate": plain_lstm,
    "gates in one block": block_lstm,
    "one product before, one after": lambda *data: block_lstm(*data, before=True),
    "one tanh": lambda *data: block_lstm(*data, before=True, activate=one_tanh),
    "no new arrays: the package": package_lstm,
}


def data(T, B, D, H, dtype):
    """x, state, params and dy for the versions."""
    rng = np.random.default_rng(0)
    state = [rng.standard_normal((B, H)).astype(dtype) for _ in "hc"]
    x, dy = (rng.standard_normal((T, B, n)).astype(dtype) for n in (D, H))
    return x, state, lstm.init(rng, D, H, dtype), dy


small = data(5, 4, 3, 6, np.float64)
y, dx, grads = plain_lstm(*small)
for name, version in [*versions.items(), ("threads", threads_lstm)]:
    y_other, dx_other, grads_other = version(*small)
    pairs = [(y, y_other), (dx, dx_other), *((grads[k], grads_other[k]) for k in grads)]
    apart = max(np.abs(a - b).max() for a, b in pairs)
    print(f"{name:30} {apart:.0e} from the first")
    assert apart < 1e-12

# %% [markdown]
# ## Measured
#
# A single timing says as much about the machine's mood as about the code. So all versions take turns, round after
# round, such that whatever else the machine is doing meets all of them alike; the time of each is the median of its
# rounds; and what is reported are ratios. The clock is the processor's time of this process (`time.process_time`),
# which stands still while another program has the core. Here on one core, in float32, with the sizes of a small
# training.

# %%
def take_turns(contenders, data, rounds, clock=time.process_time):
    """{name: function} -> {name: median seconds of a call}; one call each to warm up, then in turns.

    A turn is as many calls as take 20 ms or so: the clock of some systems ticks no more often than every 10."""
    calls, seconds = {}, {name: [] for name in contenders}
    for name, function in contenders.items():
        started = time.perf_counter()
        function(*data)
        calls[name] = max(1, round(0.02 / (time.perf_counter() - started)))
    for _ in range(rounds):
        for name, function in contenders.items():
            started = clock()
            for _ in range(calls[name]):
                function(*data)
            seconds[name].append((clock() - started) / calls[name])
    return {name: statistics.median(times) for name, times in seconds.items()}


ROUNDS = 15
with threadpool_limits(1):
    medium = data(T=32, B=16, D=64, H=128, dtype=np.float32)
    seconds = take_turns(versions, medium, ROUNDS)
    threads.keep_freed_memory()  # for the rest of this process; so it has to come last
    kept = take_turns({"gate by gate, memory kept": plain_lstm, "the package, memory kept": package_lstm},
                      medium, ROUNDS)  # fmt: skip
# The plain loop runs in both measurements and ties them together.
scale = seconds["plain loop, gate by gate"] / kept.pop("gate by gate, memory kept")
seconds.update({name: median * scale for name, median in kept.items()})
first = seconds["plain loop, gate by gate"]
for name, median in seconds.items():
    print(f"{name:30} {first / median:5.2f} times as fast as the plain loop")

figure, ax = plt.subplots(figsize=(8.5, 3.6))
speed = [first / median for median in seconds.values()]
bars = ax.barh(list(seconds), speed, color=[show.FORWARD] * 4 + [show.CELL] * 2)
ax.bar_label(bars, [f"{ratio:.2f}" for ratio in speed], padding=3)
ax.invert_yaxis()
ax.axvline(1, color=show.GREY, linewidth=1)
ax.set(xlabel="times as fast as the plain loop, forward and back", xlim=(0, 1.15 * max(speed)))
show.picture(figure, "16_step_by_step.png")

# %% [markdown]
# (The package is in green. "Memory kept" is compared with a plain loop whose memory is kept as well.)
#
# No line of this chapter asserts that any version is faster, because that is for your machine to say. On a busy one
# two neighbours in the picture may change places: what others do with the shared caches and the memory shows in the
# processor's time, too. Run it twice before you believe a difference of a tenth.
#
# For threads the processor's time is the wrong clock: two threads use as much of it as one, only at the same time.
# What counts is the clock on the wall, and a second core that nobody else is using; on a busy machine two threads are
# no faster, or slower.

# %%
wall = take_turns({"one": package_lstm, "two": threads_lstm}, data(32, 32, 64, 256, np.float32), 9, time.perf_counter)
print(f"two threads, B = 32, H = 256: {wall['one'] / wall['two']:.2f} times as fast as one, by the clock on the wall")

# %% [markdown]
# ## Where it goes now
#
# How much of what is left could be saved at all? The matrix products alone, without anything around them, are the
# floor:

# %%
def products_only(x, state, params, dy):
    """The matrix products of one pass forward and back, and nothing else."""
    (T, B, D), H = x.shape, dy.shape[2]
    flat_x, Wx, Wh = x.reshape(T * B, D), params["Wx"], params["Wh"]
    z = (flat_x @ Wx).reshape(T, B, 4 * H)
    WhT, out, back = Wh.T.copy(), np.empty((B, 4 * H), x.dtype), np.empty((B, H), x.dtype)
    for t in range(T):
        np.matmul(dy[t], Wh, out=out)
        np.matmul(z[t], WhT, out=back)
    dz = z.reshape(T * B, 4 * H)
    return flat_x.T @ dz, dy.reshape(T * B, H).T @ dz, dz @ Wx.T


figure, ax = plt.subplots(figsize=(7, 3.2))
with threadpool_limits(1):
    for place, (B, H) in enumerate([(4, 32), (16, 128), (32, 256)]):
        times = take_turns({"all": package_lstm, "products": products_only}, data(16, B, 64, H, np.float32), ROUNDS)
        share = min(1.0, times["products"] / times["all"])
        print(f"B = {B:2}, H = {H:3}: {share:.0%} of the package's time are matrix products")
        ax.barh(place, share, color=show.FORWARD)
        ax.barh(place, 1 - share, left=share, color=show.COLOURS[4])
ax.set_yticks(range(3), ["B = 4, H = 32", "B = 16, H = 128", "B = 32, H = 256"])
ax.set(xlabel="share of the time: matrix products (blue), all else (orange)", xlim=(0, 1))
show.picture(figure, "16_what_is_left.png")

# %% [markdown]
# Small layers are all overhead, calls of Python and elementwise passes; in large ones, the products grow with $H^2$ and
# all else with H, until the products are most of it, and they are the business of a library that others have tuned
# for decades. That is when a program in NumPy is about as fast as one in C.
#
# ## Predict, then change, then run
#
# All versions agree to 1e-12 in float64. How well will they agree in float32, which has seven digits instead of
# sixteen? Write down a number, then make `small` with np.float32 (and let the assertion off for once). Will the
# threads be further off than the others?
#
# ## Three questions
#
# 1. Why must $h W_h$ stay inside the loop, when the products of all steps with $W_x$ and the gradients of both matrices
#    need not? Which of the vanilla RNN's products could leave the loop, if it had no tanh?
# 2. Halving z for the sigmoid by tanh could be done once, in the weights: keep $W_x, W_h$ and b of i, f and o at half
#    their value. What would be saved, and what would it cost?
# 3. The ratio of two timings was 1.3 in a first run and 0.9 in a second. What do you do before you believe either?
#
# The answers stand in `answers/16.md`.
