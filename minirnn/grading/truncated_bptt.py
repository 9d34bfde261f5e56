"""Exercise 9: truncated backpropagation through time, over chunks (`minirnn.layers.rnn`)."""

import numpy as np

from minirnn.grading.exercise import Case, Exercise, Output, gradients
from minirnn.layers import rnn

MISTAKES = {
    "every chunk starts at zero": "the state is zero at the start of every chunk. The gradient is cut there, "
    "the state is not: it is carried on",
    "every chunk starts at h0": "every chunk starts from h0. Only the first does; the next starts where the "
    "one before ended",
    "first state carried": "the next chunk starts from the state after the first step of the chunk before. It "
    "is the state after the last step",
    "gradient not cut": "the gradient goes back through all T steps. At the start of a chunk it ends: dstate "
    "is None for every chunk",
    "cut at every step": "every step is a chunk of its own: no error goes back further than one step. It goes "
    "back to the start of the chunk",
    "dstate handed forwards": "the dstate that a chunk's backward gives belongs to the state before it. It is "
    "no error of the next chunk's last state; nothing is handed on",
    "last chunk only": "dWx, dWh and db are those of the last chunk: = in the place of +=. All chunks add up",
    "first chunk only": "dWx, dWh and db are those of the first chunk. Does return stand inside the loop, or "
    "is the sum never added to?",
    "mean over the chunks": "dWx, dWh and db are divided by the number of chunks. They are sums",
    "last error of a chunk only": "dy is used at the last step of each chunk only. Every step has its error",
    "steps left over": "it goes wrong where T is no multiple of k: the last steps make a chunk too, a shorter one",
}


def variant(wrong, x, h0, dy, Wx, Wh, b, k):
    """The results with the mistakes ``wrong``, names from MISTAKES, put in; with none, the right ones."""
    T = len(x)
    h, y = [h0], []
    for t in range(T):  # forward, all chunks
        state = h[-1]
        if t % k == 0 and t > 0:
            if "every chunk starts at zero" in wrong:
                state = np.zeros_like(h0)
            elif "every chunk starts at h0" in wrong:
                state = h0
            elif "first state carried" in wrong:
                state = y[t - k]
        h[-1] = state  # what step t starts from
        y.append(np.tanh(x[t] @ Wx + state @ Wh + b))
        h.append(y[-1])
    end = T - T % k if "steps left over" in wrong else T
    starts = list(range(0, end, k))
    sums = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
    handed = np.zeros_like(h0)
    backs = {}  # the error that the start of a later chunk sends back
    order = starts if "dstate handed forwards" in wrong else reversed(starts)
    for start in order:
        stop = min(start + k, end)
        back = np.zeros_like(h0)
        if "gradient not cut" in wrong:
            back = backs.get(stop, back)
        if "dstate handed forwards" in wrong:
            back = handed
        own = [np.zeros_like(a) for a in sums]
        for t in reversed(range(start, stop)):
            dh = back if "last error of a chunk only" in wrong and t < stop - 1 else back + dy[t]
            da = dh * (1 - y[t] ** 2)
            own = [a + d for a, d in zip(own, (x[t].T @ da, h[t].T @ da, da.sum(axis=0)))]
            back = np.zeros_like(h0) if "cut at every step" in wrong else da @ Wh.T
        backs[start] = handed = back
        counts = not ("last chunk only" in wrong and start != starts[-1]) and not (
            "first chunk only" in wrong and start != 0
        )
        if counts:
            sums = [total + a for total, a in zip(sums, own)]
    if "mean over the chunks" in wrong:
        sums = [total / len(starts) for total in sums]
    return np.array(y[:end]), y[end - 1], *sums


def expected(x, h0, dy, Wx, Wh, b, k):
    """The sum over the chunks of central differences through each, its start state held fast."""
    params, state, y, sums = {"Wx": Wx, "Wh": Wh, "b": b}, (h0,), [], 0
    for start in range(0, len(x), k):
        own, begin = slice(start, start + k), state

        def f(own=own, begin=begin):
            return (rnn.forward(x[own], begin, params)[0] * dy[own]).sum()

        sums = sums + np.array(gradients(f, Wx, Wh, b), dtype=object)
        out, state, _ = rnn.forward(x[own], state, params)
        y.append(out)
    return np.concatenate(y), state[0], *sums


def cases():
    """The `Case`s that an answer is called with."""
    rng = np.random.default_rng(9)
    T, B, D, H = 6, 3, 5, 2
    arguments = {
        "x": rng.standard_normal((T + 1, B, D)),
        "h0": rng.standard_normal((B, H)),
        "dy": rng.standard_normal((T + 1, B, H)),
        "Wx": 0.5 * rng.standard_normal((D, H)),
        "Wh": rng.standard_normal((H, H)),
        "b": 0.5 * rng.standard_normal(H),
        "k": 3,
    }
    shorter = {**arguments, "x": arguments["x"][:T], "dy": arguments["dy"][:T]}
    return (
        Case(shorter),
        Case(
            arguments,
            "where T is no multiple of k, so that the last chunk is shorter",
            suggests="steps left over",
        ),
    )


EXERCISE = Exercise(
    function="truncated_bptt",
    outputs=(
        Output("y", ("t", "b", "unit")),
        Output("h", ("b", "unit")),
        Output("dWx", ("row", "column")),
        Output("dWh", ("row", "column")),
        Output("db", ("column",)),
    ),
    cases=cases(),
    expected=expected,
    variant=variant,
    mistakes=MISTAKES,
)
