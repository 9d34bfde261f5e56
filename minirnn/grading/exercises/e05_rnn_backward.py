"""Exercise 5: backpropagation through time, the vanilla RNN backward through all steps (`minirnn.layers.rnn`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.layers import rnn

OUTPUTS = (
    Output("dx", ("t", "b", "column")),
    Output("dh0", ("b", "unit")),
    Output("dWx", ("row", "column")),
    Output("dWh", ("row", "column")),
    Output("db", ("column",)),
)

HINTS = """
Unroll three steps on paper and draw an arrow from each quantity to every place where it is used. h_t is used twice:
as the output of step t, and in step t+1. An error comes back along each arrow, and they add up. In which order must
the steps be gone through?

Keep one array, what step t+1 sends back to h_t; it is zero at first. Each round begins with dh = dy[t] + that. Then
back through tanh, whose derivative is 1 - tanh², and the value of tanh is there already. The weights are the same in
all steps, so their gradients are sums over the steps. Mind which of h[t] and h[t+1] was multiplied by Wh.

For t = T-1 .. 0: dh = dy[t] + back; da = dh (1 - h[t+1]²); dx[t] = da Wxᵀ; dWx += x[t]ᵀ da; dWh += h[t]ᵀ da; db +=
the sum of da over the batch; back = da Whᵀ. After the loop, dh0 = back.
"""

MISTAKES = """
no error from later steps: dWh and the others are right at t = T-1 only: the gradient from later steps does not reach
the earlier ones. dh_t is dy_t plus what step t+1 sends back
    dy[t] + back -> dy[t]

dy of the last step only: dy_t is used at t = T-1 only. Every step has an output, and its error comes in there
    dy[t] + back -> dy[t] * (t == T - 1) + back

each step overwrites: dWx, dWh and db hold step t = 0 only, which came last in the loop: = in the place of +=. They
are sums over all steps
    += -> =

loop runs forwards: the steps are gone through from t = 0 to T-1. The error comes from later steps: from T-1 to 0
    reversed(range(T)) -> range(T)

tanh' missing: da is dh. It has to go back through tanh: times 1 - h²
    dh * (1 - h[t + 1] ** 2) -> dh

tanh' of a tanh: tanh is taken once more in tanh'. h is tanh(a) already: tanh' = 1 - h²
    h[t + 1] ** 2 -> np.tanh(h[t + 1]) ** 2

σ' for tanh: the derivative is taken as h (1 - h), that of the sigmoid. h is a tanh: 1 - h²
    (1 - h[t + 1] ** 2) -> h[t + 1] * (1 - h[t + 1])

tanh' from h_{t-1}: tanh' is taken from the state before the step, h[t]. The value of this step's tanh is h[t+1]
    h[t + 1] ** 2 -> h[t] ** 2

dWh from h_t: dWh is Σ h_tᵀ da_t. What Wh was multiplied with at step t is the state before, h[t]; h[t+1] is the state
after
    h[t].T @ da -> h[t + 1].T @ da

Wh not transposed: the error goes back through Wh. On the way back it is Whᵀ
    da @ Wh.T -> da @ Wh

back without tanh': what goes to step t-1 is dh Whᵀ. On its way it has to pass tanh, too: da Whᵀ
    back = da @ Wh.T -> back = dh @ Wh.T

first step left out: the loop ends before step t = 0, whose errors are missing: range(T - 1, -1, -1), or
reversed(range(T))
    reversed(range(T)) -> reversed(range(1, T))

back without Wh: da itself is handed to the step before. h_{t-1} went through Wh: da Whᵀ
    back = da @ Wh.T -> back = da

dh0 is dh: dh0 is the error of h_1. What the first step sends back to the state before it still has to go through tanh
and Wh
    return dx, back -> return dx, dh

dh0 with one Wh too many: dh0 has gone through Wh twice
    return dx, back -> return dx, back @ Wh.T

mean over the batch: dWx, dWh and db are divided by B. They are sums: the loss has its 1/N already
    back, dWx, dWh, db -> back, dWx / B, dWh / B, db / B

mean over the steps: dWx, dWh and db are divided by T. They are sums: the loss has its 1/N already
    back, dWx, dWh, db -> back, dWx / T, dWh / T, db / T

wrong sign: all gradients have the wrong sign. No step downhill is asked for, only the gradient
    dh = dy[t] + back -> dh = back - dy[t]

clipped: the gradients are clipped. What is asked for are the gradients themselves; clipping is a matter of the
optimiser, which cannot undo it
    back, dWx, dWh, db -> back, *(np.sign(g) * np.minimum(np.abs(g), {1|5|10}) for g in (dWx, dWh, db))
"""


def solution(dy, x, h, Wx, Wh):
    """The exercise, solved plainly."""
    T, B, H = dy.shape
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(H)
    back = np.zeros((B, H))
    for t in reversed(range(T)):
        dh = dy[t] + back
        da = dh * (1 - h[t + 1] ** 2)
        dx[t] = da @ Wx.T
        dWx += x[t].T @ da
        dWh += h[t].T @ da
        db += da.sum(axis=0)
        back = da @ Wh.T
    return dx, back, dWx, dWh, db


def expected(dy, x, h, Wx, Wh):
    """Central differences through the package's layer; its bias follows from the states."""
    b = (np.arctanh(h[1]) - x[0] @ Wx - h[0] @ Wh)[0]
    h0 = h[0].copy()
    return gradients(lambda: (rnn.forward(x, (h0,), {"Wx": Wx, "Wh": Wh, "b": b})[0] * dy).sum(), x, h0, Wx, Wh, b)


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(T, B, D, H, size=1.0):
        normal = rng.standard_normal
        x, h, Wx, Wh, b = normal((T, B, D)), [0.5 * normal((B, H))], 0.5 * normal((D, H)), normal((H, H)), normal(H)
        for t in range(T):
            h.append(np.tanh(x[t] @ Wx + h[t] @ Wh + 0.5 * b))
        return {"dy": size * normal((T, B, H)), "x": x, "h": np.array(h), "Wx": Wx, "Wh": Wh}

    return (
        case(**inputs(4, 3, 5, 2)),
        case("for a single step of a single sequence", **inputs(1, 1, 2, 3)),
        case("where the errors of the outputs are large", **inputs(2, 2, 3, 2, size=100.0)),
    )
