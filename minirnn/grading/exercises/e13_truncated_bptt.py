"""Exercise 13: truncated backpropagation through time, over chunks (`minirnn.layers.rnn`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import rnn

OUTPUTS = (
    Output("y", ("t", "b", "unit")),
    Output("h", ("b", "unit")),
    Output("dWx", ("row", "column")),
    Output("dWh", ("row", "column")),
    Output("db", ("column",)),
)

HINTS = """
Two things could be handed from one chunk to another: the state, from a chunk to the next, and the error of a state,
from a chunk to the one before. Which of them is, and which is cut?

for start in range(0, T, k): x[start : start + k] is the chunk, also the shorter last one. The state is a tuple, (h,):
begin with (h0,), not with h0. For every chunk, call forward with the state that the chunk before left, and backward
with dstate None.

state = (h0,); for every chunk: y, state, cache = rnn.forward(x_chunk, state, params); _, _, grads =
rnn.backward(dy_chunk, None, cache); append y, add the three grads to sums that begin at zero. Return the y of all
chunks joined, state[0], and the sums.
"""

MISTAKES = """
every chunk starts at zero: the state is zero at the start of every chunk. The gradient is cut there, the state is
not: it is carried on
    before = {} -> before, h = {}, h * (chunk[0] == 0)
    before = {} -> before, h = {}, h * 0

every chunk starts at h0: every chunk starts from h0. Only the first does; the next starts where the one before ended
    before = {} -> before, h = {}, h0

first state carried: the next chunk starts from the state after the first step of the chunk before. It is the state
after the last step
    before = {} -> before, h = {}, y[chunk[0] - k] if chunk[0] else h0

state passed as an array: the state is handed to rnn.forward as an array h. It is a tuple, (h,): of an array, state[0]
is the state of the first sequence, which all others then start from
    np.zeros_like(dy), h0 -> np.zeros_like(dy), np.broadcast_to(h0[0], h0.shape)
    before = {} -> before, h = {}, np.broadcast_to(h[0], h.shape)

gradient not cut: the gradient goes back through all T steps. At the start of a chunk it ends: dstate is None for
every chunk
    range(start, min(start + k, T)) for start in starts -> range(T) for _ in [0]

cut at every step: every step is a chunk of its own: no error goes back further than one step. It goes back to the
start of the chunk
    back = da @ Wh.T -> pass

dstate handed forwards: the dstate that a chunk's backward gives belongs to the state before it. It is no error of the
next chunk's last state; nothing is handed on
    back = np.zeros_like(h0) -> back = back if chunk[0] else np.zeros_like(h0)

last chunk only: dWx, dWh and db are those of the last chunk: = in the place of +=. All chunks add up
    before = {} -> before, dWx, dWh, db = {}, 0 * dWx, 0 * dWh, 0 * db

first chunk only: dWx, dWh and db are those of the first chunk. Does return stand inside the loop, or is the sum never
added to?
    (1 - y[t] ** 2) -> (1 - y[t] ** 2) * (t < k)

mean over the chunks: dWx, dWh and db are divided by the number of chunks. They are sums
    h, dWx, dWh, db -> h, dWx / len(chunks), dWh / len(chunks), db / len(chunks)

last error of a chunk only: dy is used at the last step of each chunk only. Every step has its error
    dy[t] + back -> dy[t] * (t == chunk[-1]) + back

steps left over: it goes wrong where T is no multiple of k: the last steps make a chunk too, a shorter one
    range(0, T, k) -> range(0, T - k + 1, k)
    range(0, T, k) -> range(0, T - k + 1, k)
    and return y, -> return y[: T - T % k],

chunks of nearly equal lengths: where T is no multiple of k the chunks have nearly equal lengths (np.array_split).
They have k steps each, and the last one has the rest
    range(start, min(start + k, T)) for start in starts ->
        range(p[0], p[-1] + 1) for p in np.array_split(range(T), -(-T // k))

the shorter chunk comes first: the chunk that is shorter than k is the first one. The chunks begin at 0, k, 2k, ..,
and the last one has the rest
    range(start, min(start + k, T)) for start in starts ->
        range(max(start, 0), start + k) for start in range(-(-T % k), T, k)

rest joined to the last chunk: the last steps, fewer than k, are joined to the chunk before them. They make a chunk of
their own
    range(start, min(start + k, T)) for start in starts ->
        range(n * k, T if n + 1 >= T // k else n * k + k) for n in range(max(1, T // k))
"""


def solution(x, h0, dy, Wx, Wh, b, k):
    """The exercise, solved plainly."""
    T = len(x)
    y, h = np.zeros_like(dy), h0
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    starts = range(0, T, k)
    chunks = [range(start, min(start + k, T)) for start in starts]
    for chunk in chunks:
        before = {}
        for t in chunk:
            before[t] = h
            h = y[t] = np.tanh(x[t] @ Wx + h @ Wh + b)
        back = np.zeros_like(h0)
        for t in reversed(chunk):
            da = (dy[t] + back) * (1 - y[t] ** 2)
            dWx += x[t].T @ da
            dWh += before[t].T @ da
            db += da.sum(axis=0)
            back = da @ Wh.T
    return y, h, dWx, dWh, db


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


def cases(rng):
    """The inputs with which an answer is judged."""
    B, D, H = 3, 5, 2
    normal = rng.standard_normal
    h0, Wx, Wh, b = normal((B, H)), 0.5 * normal((D, H)), normal((H, H)), 0.5 * normal(H)

    def chunked(note, T, k, size=1.0):
        return case(note, x=normal((T, B, D)), h0=h0, dy=size * normal((T, B, H)), Wx=Wx, Wh=Wh, b=b, k=k)

    return (
        chunked("", 6, 3),
        chunked("where T is no multiple of k, so that the last chunk is shorter", 7, 3),
        chunked("for chunks of another length", 5, 2),
        chunked("where the whole sequence is shorter than a chunk", 2, 5),
        chunked("where the errors of the outputs are large", 4, 2, size=100.0),
    )
