"""Connectionist temporal classification (CTC: Graves, Fernández, Gomez and Schmidhuber 2006): the loss of a text if it
is not known where its characters stand.

    z   (T, B, V)   logits of every frame; symbol 0 is the blank, "nothing new here"
    y   (U, B)      the text, ids from 1 to V - 1; what stands past the end of a text has no effect
    T_b, U_b (B,)   frames and characters of each sequence

A *path* names one symbol per frame. It spells a text if the text is what remains after all repeats of a symbol have
been merged and then all blanks removed: a a - b b and - a - b spell "ab"; a repeated letter needs a blank in between.
The probability of a text is the sum over all paths that spell it, and two sweeps over the frames compute that sum.

Notation: l is the text with a blank before, between and after its characters, S = 2 U_b + 1 places l_1 .. l_S;
p_t(k) = softmax(z_t)_k. All sums are of logarithms in the code, since the products are too small for any float.

    α_t(s)   sum over the beginnings of paths, frames 1 .. t, that are at place s in frame t
    β_t(s)   sum over the endings of paths, frames t+1 .. T_b, after being at place s in frame t

Equations. A path stays, or moves on by one place, or by two if that skips a blank between two *different* characters
(equal ones would be merged):

    α_1(1) = p_1(l_1),  α_1(2) = p_1(l_2),  all others 0
    α_t(s) = p_t(l_s) (α_{t-1}(s) + α_{t-1}(s-1) + [l_s ≠ blank, l_s ≠ l_{s-2}] α_{t-1}(s-2))
    β_T(S) = β_T(S-1) = 1,  all others 0
    β_t(s) = β⁺_t(s) + β⁺_t(s+1) + [l_{s+2} ≠ blank, l_{s+2} ≠ l_s] β⁺_t(s+2),   β⁺_t(s) = p_{t+1}(l_s) β_{t+1}(s)
    P      = α_T(S) + α_T(S-1)                  the last blank may be left out
    loss   = -Σ_b log P_b / Σ_b U_b             (nats per character)

Backward. α_t(s) β_t(s) is the sum over all paths that spell the text and are at place s in frame t, so

    γ_t(k) = 1/P Σ_{s: l_s = k} α_t(s) β_t(s)   posterior probability of symbol k in frame t, given the text

Every such path has the factor p_t(k) once, hence ∂ log P / ∂ log p_t(k) = γ_t(k); with the softmax's own derivative
∂ log p_t(k) / ∂ z_t(j) = δ_kj - p_t(j) and Σ_k γ_t(k) = 1:

    dz_t(j) = (p_t(j) - γ_t(j)) / Σ_b U_b       what the network says less what it should; 0 for t > T_b
"""

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError

BLANK = 0
NEVER = -1e30  # the logarithm of zero; -∞ would lead to -∞ - (-∞), which is not a number


def frames_needed(y, counts):
    """The fewest frames in which each text can be spelled: its characters, and a blank between two equal ones.

    y (U, B) ids, counts (B,) characters of each text -> (B,)."""
    inside = np.arange(1, max(len(y), 1), like=counts)[:, None] < counts
    return counts + ((y[1:] == y[:-1]) & inside).sum(axis=0)


def check(y, counts, lengths):
    """Raise a `MinirnnError` that names the sequences whose text is too long for their frames, if there are any; y
    (U, B), counts and lengths (B,)."""
    needed, lengths = (backend.to_host(a) for a in (frames_needed(y, counts), lengths))
    short = np.flatnonzero(needed > lengths)
    if len(short):
        first = short[0]
        names = ", ".join(map(str, short[:10])) + (", ..." if len(short) > 10 else "")
        raise MinirnnError(
            f"the text is too long for its frames in {len(short)} of {len(needed)} sequences ({names}); sequence "
            f"{first} has {lengths[first]} frames and needs {needed[first]}; leave them out"
        )


def places(y, counts):
    """What each of the S places of a text stands for.

    y (U, B), counts (B,) -> labels (B, S) with a blank at every even index, skip (B, S) bool: whether a path may come
    to a place from two places before, S = 2U + 1."""
    U, B = y.shape
    labels = np.zeros((B, 2 * U + 1), np.int64, like=y)
    inside = np.arange(U, like=counts)[:, None] < counts
    labels[:, 1::2] = np.where(inside, y, BLANK).T
    skip = np.zeros(labels.shape, bool, like=y)
    skip[:, 2:] = (labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])
    return labels, skip


def log_sum(a, b, c):
    """log(exp a + exp b + exp c) of a, b, c (B, S) elementwise; the largest is taken out first, so that nothing
    overflows."""
    largest = np.maximum(np.maximum(a, b), c)
    return largest + np.log(np.exp(a - largest) + np.exp(b - largest) + np.exp(c - largest))


def moved(a, by):
    """a (B, S) shifted by ``by`` places along S, backwards if negative; the places that become free are `NEVER`."""
    out = np.full(a.shape, NEVER, a.dtype, like=a)
    if by > 0:
        out[:, by:] = a[:, :-by]
    else:
        out[:, :by] = a[:, -by:]
    return out


def forward_variables(log_p, skip):
    """log α (T, B, S) of log_p (T, B, S), the logarithm of p_t(l_s), and skip (B, S)."""
    alpha = np.full(log_p.shape, NEVER, log_p.dtype, like=log_p)
    alpha[0, :, :2] = log_p[0, :, :2]
    for t in range(1, len(log_p)):
        before = alpha[t - 1]
        two_before = np.where(skip, moved(before, 2), NEVER)
        alpha[t] = log_p[t] + log_sum(before, moved(before, 1), two_before)
    return alpha


def backward_variables(log_p, skip, last, lengths):
    """log β (T, B, S) of log_p and skip as above; ``last`` (B, S) is log β of the last frame of each sequence, lengths
    (B,) say which that is."""
    beta = backend.empty(log_p.shape, like=log_p)
    beta[-1] = np.where((lengths == len(log_p))[:, None], last, NEVER)
    from_here = np.zeros(skip.shape, bool, like=skip)
    from_here[:, :-2] = skip[:, 2:]
    for t in reversed(range(len(log_p) - 1)):
        after = log_p[t + 1] + beta[t + 1]
        two_after = np.where(from_here, moved(after, -2), NEVER)
        # The sweep over a sequence begins at its last frame. In the padding after it β is zero: α goes on there, and
        # could be so much larger than P that α β / P would be too large for a float.
        here = np.where((t == lengths - 1)[:, None], last, NEVER)
        beta[t] = np.where((t < lengths - 1)[:, None], log_sum(after, moved(after, -1), two_after), here)
    return beta


def forward(z, y, lengths, counts):
    """z (T, B, V), y (U, B) ids, lengths (B,) frames, counts (B,) characters -> loss (a scalar, nats per character),
    cache. A text that no path can spell raises `MinirnnError`."""
    check(y, counts, lengths)
    T, B, _ = z.shape
    largest = z.max(axis=2, keepdims=True)
    p = np.exp(z - largest)
    total = p.sum(axis=2, keepdims=True)
    p /= total
    labels, skip = places(y, counts)
    every_t, b = np.arange(T, like=labels)[:, None, None], np.arange(B, like=labels)[:, None]
    log_p = z[every_t, b, labels] - (largest + np.log(total))
    alpha = forward_variables(log_p, skip)
    S = np.arange(labels.shape[1], like=labels)
    ends = (2 * counts[:, None] == S) | (2 * counts[:, None] - 1 == S)  # the last two places of each text
    at_end = np.where(ends, alpha[lengths - 1, b[:, 0]], NEVER)
    most = at_end.max(axis=1)
    log_P = most + np.log(np.exp(at_end - most[:, None]).sum(axis=1))
    N = np.maximum(counts.sum(), 1).astype(z.dtype)
    last = np.where(ends, 0, NEVER).astype(z.dtype)
    return -log_P.sum() / N, (p, log_p, alpha, labels, skip, last, lengths, log_P, N)


def backward(cache, dloss=1.0):
    """-> dz (T, B, V), the gradient of ``dloss`` times the loss."""
    p, log_p, alpha, labels, skip, last, lengths, log_P, N = cache
    T, _, V = p.shape
    gamma = backward_variables(log_p, skip, last, lengths)
    gamma += alpha
    gamma -= log_P[:, None]
    np.exp(gamma, out=gamma)  # of every place (T, B, S); those of the same symbol are added up by a product
    onehot = (labels[:, :, None] == np.arange(V, like=labels)).astype(p.dtype)
    dz = p - np.matmul(gamma.transpose(1, 0, 2), onehot).transpose(1, 0, 2)
    dz *= (np.arange(T, like=lengths)[:, None] < lengths)[:, :, None]
    dz *= dloss / N
    return dz
