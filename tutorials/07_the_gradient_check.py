# %% [markdown]
# # 7. The gradient check
#
# **Takes for granted**: chapter 5; Taylor's theorem; what a floating-point number is.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: the error of a difference quotient falling and rising again as its step shrinks, with the best
# step where a short calculation puts it; right gradients and planted faults on the two sides of a tolerance, with a
# wide empty space between; and how careless checks let faults through.
#
# A wrong gradient rarely makes itself known. The loss falls anyway, only less far, and one looks for the reason
# everywhere else. The check compares the derivative that backward *computes* with one that is *measured* on forward.
# It knows nothing of any derivation, and that makes it the referee.

# %%
import inspect
import types

import matplotlib.pyplot as plt
import numpy as np

from minirnn.course import show
from minirnn.layers import lstm
from minirnn.networks import gradient_cases, gradient_check
from minirnn.networks.gradient_check import FLOOR, STEP, TOLERANCE, numerical_gradient, relative_error

# %% [markdown]
# ## Why central differences
#
# Move one number $\theta$ by a small step s and watch the loss. With Taylor's theorem,
#
# $$f(\theta + s) = f + s f' + \frac{s^2}{2} f'' + \frac{s^3}{6} f''' + \cdots$$
#
# $$
# \begin{array}{ll}
# \text{forward:} & \dfrac{f(\theta + s) - f(\theta)}{s} = f' + \dfrac{s}{2} f'' + \cdots \\
# \text{central:} & \dfrac{f(\theta + s) - f(\theta - s)}{2s} = f' + \dfrac{s^2}{6} f''' + \cdots
# \end{array}
# $$
#
# In the central quotient all even terms cancel. For s = 1e-5 the error is of the order 1e-10, not 1e-5, and it costs
# only a second evaluation.
#
# ## Which step, and why float64
#
# The smaller s, the better the formula, and the worse its evaluation. f is known only to a relative precision ε (2e-16
# in float64, 1e-7 in float32). The difference of two nearly equal numbers keeps that absolute error, and is then
# divided by 2s. So the whole error is about
#
# $$E(s) = \frac{\varepsilon}{s} + \frac{s^2}{6} \qquad \text{for values and derivatives of the order of one}$$
#
# $dE/ds = -\varepsilon/s^2 + s/3 = 0$ gives $s = \sqrt[3]{3\varepsilon}$: 9e-6 in float64, with an error of some 1e-11
# to 1e-10; and 7e-3 in float32, with an error of a few times 1e-5, *on average*. The package's step:

# %%
print(f"(3ε)^⅓ = {(3 * np.finfo(np.float64).eps) ** (1 / 3):.1e} in float64, "
      f"{(3 * np.finfo(np.float32).eps) ** (1 / 3):.1e} in float32; the package uses s = {STEP:g}")  # fmt: skip
show.source(gradient_check.numerical_gradient)

# %% [markdown]
# Measured on the weights $W_h$ of an LSTM: the median error of all its entries, for both quotients and both precisions.
# The analytic gradient in float64 serves as the truth.

# %%
def lstm_loss(x, state, params, R):
    """f = Σ y R as a scalar of x's own precision."""
    return np.sum(lstm.forward(x, state, params)[0] * R)


def forward_differences(f, array, step):
    """(f(θ + s) - f(θ)) / s for every entry of ``array``."""
    gradient, here = np.empty_like(array), f()
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        gradient[index] = (f() - here) / step
        array[index] = value
    return gradient


T, B, D, H = 5, 3, 4, 2
rng = np.random.default_rng(0)
params = {name: 0.5 * rng.standard_normal(array.shape) for name, array in lstm.init(rng, D, H).items()}
x, R = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
state = (rng.standard_normal((B, H)), rng.standard_normal((B, H)))
truth = lstm.backward(R, None, lstm.forward(x, state, params)[2])[2]["Wh"]
steps = np.logspace(-13, 0, 40)
errors = {}
for dtype in (np.float64, np.float32):
    inputs = x.astype(dtype), tuple(s.astype(dtype) for s in state), {k: v.astype(dtype) for k, v in params.items()}
    Wh, weights = inputs[2]["Wh"], R.astype(dtype)
    for name, quotient in (("forward", forward_differences), ("central", numerical_gradient)):
        errors[name, dtype.__name__] = [
            np.median(np.abs(quotient(lambda i=inputs, w=weights: lstm_loss(*i, w), Wh, s) - truth)) for s in steps
        ]

figure, ax = plt.subplots(figsize=(8, 4.6))
for (name, dtype), curve in errors.items():
    colour = show.FORWARD if dtype == "float64" else show.ERROR
    ax.loglog(steps, curve, color=colour, linestyle="-" if name == "central" else "--", label=f"{name}, {dtype}")
for eps in (np.finfo(np.float64).eps, np.finfo(np.float32).eps):
    ax.loglog(steps, eps / steps + steps**2 / 6, color=show.GREY, linestyle=":", linewidth=1)
ax.axvline(STEP, color=show.GREY, linewidth=1)
ax.text(STEP * 1.2, 3, f"s = {STEP:g}", color=show.GREY)
ax.set(xlabel="step s", ylabel="median error", ylim=(1e-13, 10), title="Too large a step, too small a step")
ax.legend(loc="lower right", fontsize=8, bbox_to_anchor=(1, 0.02))
show.picture(figure, "07_which_step.png")
best = {key: steps[np.argmin(curve)] for key, curve in errors.items()}
for (name, dtype), step in best.items():
    print(f"{name}, {dtype}: best step {step:.0e}, median error {min(errors[name, dtype]):.0e}")
assert 1e-6 < best["central", "float64"] < 1e-4
assert min(errors["central", "float32"]) > 1000 * min(errors["central", "float64"])

# %% [markdown]
# The dotted lines are $\varepsilon/s + s^2/6$. Left of the best step the error is rounding, a noise that grows as 1/s;
# right of it the formula, which falls with s for forward and with $s^2$ for central differences. In float32 the best
# is a million times worse than in float64, and at the usual step of 1e-5 the derivative is off by a few thousandths;
# with much smaller steps $\theta + s$ is $\theta$, and the quotient is zero. So everything in a check has to be
# float64: parameters, inputs, *and what the layer allocates inside*. One forgotten buffer of float32, and the check is
# one in float32. Hence this package allocates with the dtype of what came in:

# %%
from minirnn import backend  # noqa: E402 (a chapter imports a module where it comes up)

show.source(backend.empty)

# %% [markdown]
# ## One number from many: which loss
#
# A layer has many outputs, and a derivative needs one number. The sum of the outputs is the obvious choice and a bad
# one. Errors of different outputs then all have the weight 1 and can cancel; and where outputs are tied the sum may not
# depend on anything at all: the sum of a softmax is 1, its gradient zero, and a backward pass that returns zeros is
# "right". The remedy costs nothing: random weights R, f = Σ y R. Then dy = R is what backward is given.

# %%
z = rng.standard_normal((3, 5))


def softmax(z):
    """z (N, V) -> p (N, V)."""
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


zeros = np.zeros_like(z)  # a "backward pass" that was never written
weights = rng.standard_normal(z.shape)
by_sum = relative_error(zeros, numerical_gradient(lambda: softmax(z).sum(), z))
by_weights = relative_error(zeros, numerical_gradient(lambda: (softmax(z) * weights).sum(), z))
print(f"a backward pass that returns zeros: error {by_sum:.0e} with the sum, {by_weights:.0e} with random weights")
assert by_sum < TOLERANCE < by_weights
show.source(gradient_check.check, "weights = ", "return sum")

# %% [markdown]
# ## Which error is small
#
# An absolute error of 1e-6 is nothing for a gradient of 1 and everything for one of 1e-7. So it is divided by the
# larger of the two numbers, but not by less than a floor: for an entry of 1e-9 the rounding noise of 1e-11 would look
# like an error of a percent.

# %%
show.source(gradient_check.relative_error, "return float")
print(f"floor {FLOOR:g}, tolerance {TOLERANCE:g}")

# %% [markdown]
# ## Planted faults
#
# What does a fault look like? Take the package's LSTM and change one line of its source. Each of these has been made
# by somebody:

# %%
FAULTS = {
    "no fault": ("dc *= f", "dc *= f"),
    "later steps forgotten": ("dh += dy[t]", "dh[...] = dy[t]"),
    "dc overwritten, not added": ("dc += dh\n", "dc[...] = dh\n"),
    "forget gate left out of dc": ("dc *= f", "pass"),
    "df with c_t, not c_(t-1)": ("np.multiply(dc, c_prev, out=df)", "np.multiply(dc, np.arctanh(tanh_c), out=df)"),
    "tanh' of g left out": ("np.subtract(1, slope_g, out=slope_g)", "slope_g[...] = 1"),
    "dWh with h_t, not h_(t-1)": ("h[:-1].reshape", "h[1:].reshape"),
    "db a mean, not a sum": ("dz.sum(axis=0)", "dz.mean(axis=0)"),
    "nothing from step to step": ("dh += dy[t]", "dh[...] = dy[t] + (dh if t == len(dy) - 1 else 0)"),
    "Wh a thousandth too large": ("product(dz[t], WhT, out=dh)", "product(dz[t], 1.001 * WhT, out=dh)"),
}


def mutant(line, fault):
    """The module minirnn.layers.lstm with ``line``, which must occur once, replaced."""
    source = inspect.getsource(lstm)
    assert source.count(line) == 1, line
    module = types.ModuleType("mutant")
    exec(source.replace(line, fault), module.__dict__)
    return module


def errors_of(module, seed=0, T=5, B=3, D=4, H=2, start=True, weights=True, dtype=np.float64):
    """Relative error for each of x, Wx, Wh, b, h0, c0 (the last two with ``start``, a start state that is not zero).

    Without ``weights`` the loss is the plain sum. The quotient's step suits the precision."""
    rng = np.random.default_rng(seed)
    params = {k: (0.5 * rng.standard_normal(a.shape)).astype(dtype) for k, a in lstm.init(rng, D, H).items()}
    x = rng.standard_normal((T, B, D)).astype(dtype)
    state = tuple((start * rng.standard_normal((B, H))).astype(dtype) for _ in range(2))
    R = [rng.standard_normal(s).astype(dtype) if weights else np.ones(s, dtype) for s in ((T, B, H), (B, H), (B, H))]

    def f():
        y, end, _ = module.forward(x, state, params)
        return sum(np.sum(output * r) for output, r in zip((y, *end), R))

    dx, dstart, grads = module.backward(R[0], (R[1], R[2]), module.forward(x, state, params)[2])
    analytic, arrays = {"x": dx, **grads}, {"x": x, **params}
    if start:
        analytic.update(zip(("h0", "c0"), dstart))
        arrays.update(zip(("h0", "c0"), state))
    step = STEP if dtype == np.float64 else 7e-3
    return {name: relative_error(analytic[name], numerical_gradient(f, arrays[name], step)) for name in arrays}


mutants = {name: mutant(*lines) for name, lines in FAULTS.items()}
print(f"{'':28}" + "".join(f"{name:>9}" for name in ("x", "Wx", "Wh", "b", "h0", "c0")))
for name, module in mutants.items():
    found = errors_of(module)
    print(f"{name:28}" + "".join(f"{error:9.0e}" if error > TOLERANCE else "       ok" for error in found.values()))
    assert (max(found.values()) > TOLERANCE) == (name != "no fault")

# %% [markdown]
# Every fault is caught, and the pattern says where to look. Only $W_h$ wrong: the line of $dW_h$. Only b wrong: the
# line of db. Everything wrong: inside the loop. Then set T = 1 and T = 2 in turn:

# %%
wrong_for = {}
for name, module in mutants.items():
    wrong_for[name] = [max(errors_of(module, T=T).values()) > TOLERANCE for T in (1, 2)]
for name, wrong in wrong_for.items():
    print(f"{name:28}" + "".join(f"   T = {T}: {'wrong' if bad else 'right'}" for T, bad in zip((1, 2), wrong)))
assert [name for name, wrong in wrong_for.items() if wrong == [False, True]] == ["nothing from step to step"]

# %% [markdown]
# One fault is right for one step and wrong for two: it sits in what step t+1 hands to step t, and nowhere else. All
# the others are wrong for a single step already, where there is much less to search through. (The check gives the last
# state an error of its own. Without it, forgetting what comes from later steps would be right for one step, too.)
#
# ## The tolerance
#
# The errors of right gradients (every recurrent layer, several seeds) and those of the planted faults, on one axis:

# %%
right_errors = []
for seed in range(3):
    for kind in ("rnn", "lstm", "gru"):
        results = gradient_check.check(gradient_cases.stack_case(np.random.default_rng(seed), kind), seed)
        right_errors += [result.error for result in results]
wrong_errors = [
    max(errors_of(module, seed).values()) for name, module in mutants.items() if name != "no fault" for seed in range(3)
]
print(f"right: at most {max(right_errors):.0e}; planted faults: at least {min(wrong_errors):.0e}")
assert max(right_errors) < TOLERANCE < min(wrong_errors)

figure, ax = plt.subplots(figsize=(8, 3.4))
bins = np.logspace(-12, 2, 57)
ax.hist(right_errors, bins, color=show.FORWARD, label="right gradients")
ax.hist(wrong_errors, bins, color=show.ERROR, label="planted faults")
ax.axvline(TOLERANCE, color="black")
ax.text(TOLERANCE * 1.3, ax.get_ylim()[1] * 0.9, f"tolerance {TOLERANCE:g}")
ax.set(xscale="log", xlabel="largest relative error", ylabel="how many", title="Right and wrong lie far apart")
ax.legend(loc="upper left")
show.picture(figure, "07_tolerance.png")

# %% [markdown]
# A tolerance is not chosen strict or lenient but into the gap. Even the fault of a thousandth is on its far side. If
# an error of your own lies *in* the gap, at 1e-5 say, do not raise the tolerance: something is in float32, or a step is
# not smooth (a maximum, an absolute value, a ReLU at its corner), or the fault is in a term that is small.
#
# ## Careless checks
#
# The same faults under checks that leave something out. Dark is "error seen". The first column is the right way; in
# the others, look for a fault that has become as pale as "no fault" above it. (The plain sum happens to see all of
# these. That it is not to be trusted was shown with the softmax.)

# %%
SETUPS = {
    "as it\nshould be": {},
    "one step,\nT = 1": {"T": 1},
    "T = 1,\nzero start": {"T": 1, "start": False},
    "one sequence,\nB = T = 1": {"T": 1, "B": 1},
    "loss a\nplain sum": {"weights": False},
    "in\nfloat32": {"dtype": np.float32},
}
table = np.array([[max(errors_of(m, **setup).values()) for setup in SETUPS.values()] for m in mutants.values()])
figure, ax = plt.subplots(figsize=(9.5, 4.8))
image = ax.imshow(np.log10(np.maximum(table, 1e-12)), cmap="Oranges", vmin=-11, vmax=1, aspect="auto")
ax.set_xticks(range(len(SETUPS)), list(SETUPS), fontsize=9)
ax.set_yticks(range(len(FAULTS)), list(FAULTS))
ax.tick_params(length=0)
for row, column in np.ndindex(table.shape):
    error = table[row, column]
    colour = "white" if error > 1e-3 else "black"
    ax.text(column, row, f"{error:.0e}", ha="center", va="center", color=colour, fontsize=9)
ax.set_title("Largest relative error")
show.picture(figure, "07_careless_checks.png")
names, setups = list(FAULTS), list(SETUPS)
for row, column in np.argwhere((table < TOLERANCE) & (np.arange(len(FAULTS)) > 0)[:, None]):
    print(f"not seen with {setups[column]!r:22}: {names[row]}")
missed = table[1:, 5] < 10 * table[0, 5]
print(f"float32: the right code has an error of {table[0, 5]:.0e}; {missed.sum()} fault(s) are within ten times that")
assert (table[1:, 0] > TOLERANCE).all() and (table[1:, 1:] < TOLERANCE).any()

# %% [markdown]
# The rules that follow, all kept by `minirnn.gradcheck`:
#
# 1. float64 from end to end; central differences; s = 2e-5, near the best step.
# 2. Sizes small, and all different: T, B, D, H of 5, 3, 4, 2, so that a transposed matrix cannot fit.
# 3. T of 2 at the very least, a start state that is not zero, an error that comes in from the state at the end.
# 4. Random weights on *all* outputs, the last state among them.
# 5. Parameters of the order of one half: large enough that every gate is in use, small enough that none is saturated.
# 6. Every input gets checked, not the weights alone: x, h0 and c0 are what the layers below and the chunks before
#    depend on.
#
# The whole table of the package, for every layer and both networks, is printed by `python -m minirnn.gradcheck`. Here
# is the part of one cell:

# %%
for result in gradient_check.check(gradient_cases.stack_case(np.random.default_rng(0), "gru")):
    print(f"{result.case:6}{result.array:4}{result.error:10.1e}  {'ok' if result.ok else 'WRONG'}")

# %% [markdown]
# ## Predict, then change, then run
#
# A start state of zeros is on the list of careless things, but in the picture only together with T = 1. What does it
# hide with T = 5? And what is hidden from a check with T = 2 in which B, D and H are all 1? Predict the faults by
# name, then call `errors_of` with `start=False`, and with these sizes.
#
# ## Three questions
#
# 1. The numerical gradient could train a network, too, with no derivation at all. Why does nobody do it? Count, for the
#    LSTM of chapter 4's third question.
# 2. Dropout draws a new mask at every call. What goes wrong in a check, and what is the remedy?
# 3. There is a trick without any subtraction: $f'(\theta) \approx \mathrm{Im}\, f(\theta + i s) / s$ with an imaginary
#    step (Squire and Trapp 1998). Why can s be 1e-100 there, and what speaks against it in this package?
#
# The answers stand in `answers/07.md`.
