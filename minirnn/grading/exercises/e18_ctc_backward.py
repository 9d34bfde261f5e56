"""Exercise 18: connectionist temporal classification, the gradient (`minirnn.layers.ctc`)."""

import numpy as np

from minirnn.grading.exercise import Output, case, gradients
from minirnn.grading.exercises import e17_ctc_forward
from minirnn.layers import ctc

OUTPUTS = (Output("dz", ("t", "symbol")),)

HINTS = """
P is a sum over paths, and every path has one factor p_t(k) in frame t. What is ∂ log P / ∂ log p_t(k), in words? It
is the share of those paths in P that have symbol k in frame t. α_t(s) knows the beginnings of the paths through place
s; you need their endings.

Let β_t(s) be the sum over the endings, frames t+1 to T-1, of paths that are at place s in frame t; p_t is not in it,
α has it. It is computed from the last frame to the first, like α the other way round. Then α β / P is the posterior
of a place; several places may hold the same symbol. Through the softmax, the gradient is a difference of two
distributions.

β_{T-1}(S-1) = β_{T-1}(S-2) = 1, all others 0; β_t(s) = b(s) + b(s+1) + [l_{s+2} ≠ blank and l_{s+2} ≠ l_s] b(s+2)
with b(s) = p_{t+1}(l_s) β_{t+1}(s); γ_t(k) = Σ_{s: l_s = k} α_t(s) β_t(s) / P; dz_t(k) = p_t(k) - γ_t(k).
"""

MISTAKES = """
posterior minus p: dz has the wrong sign: it is p - γ
    np.exp(log_p) - gamma -> gamma - np.exp(log_p)

gradient of log p: that is the gradient with respect to log p. z goes through the softmax: p - γ
    np.exp(log_p) - gamma -> -gamma

one place per symbol: where a symbol stands at several places, the last one wins: = in the place of +=. The blank
stands at every second place; all of them add up
    gamma[:, l[s]] += -> gamma[:, l[s]] =

p_t twice: β has the factor p_t too, so that α β has it twice. It belongs to one of them only
    log_alpha + log_beta -> log_alpha + log_beta + log_p[:, l]

no p in β: β lacks the factors p_{t+1}(l_s)
    log_p[t + 1, l] + log_beta -> log_beta

p of the own frame in β: β_t is made from p_t. The endings begin with frame t+1: p_{t+1}
    log_p[t + 1, l] -> log_p[t, l]

not divided by P: γ is not divided by P. It is the share of the paths, and sums to one
    + loss ->

multiplied by P: γ is multiplied by P. It is divided by it
    + loss -> - loss

ends in the last blank only: β of the last frame is 1 in the last place only. Paths may also end with the last
character
    log_beta[-1, -2:] = 0 -> log_beta[-1, -1:] = 0

ends anywhere: β of the last frame is 1 in all places. Only paths that end in one of the last two spell the text
    log_beta[-1, -2:] = 0 -> log_beta[-1] = 0

no skipping: a path stays or moves on by one place only. It may also leave out the blank between two different
characters
    (l[2:] != 0) & -> False &

equal characters skip: a path may leave out the blank between two equal characters. Without it they would be merged
into one
    (l[2:] != 0) & (l[2:] != l[:-2]) -> l[2:] != 0

characters skipped: a path may leave out a character, from blank to blank. Only a blank can be left out
    (l[2:] != 0) & (l[2:] != l[:-2]) -> True

the likeliest path only: the largest term is taken where a sum belongs, in β: that is Viterbi's algorithm
    np.logaddexp.reduce([stay, one, two]) -> np.max([stay, one, two], axis=0)

probabilities underflow: over hundreds of frames the products are too small for any float. Add the logarithms first,
that of P among them, and take exp at the end
    np.exp(log_alpha + log_beta + loss) -> np.exp(log_alpha) * np.exp(log_beta) / np.exp(-loss)
    np.exp(log_alpha + log_beta + loss) -> np.exp(log_alpha + log_beta) / np.exp(-loss)

divided by U: dz is divided by the number of characters. The loss here is -log P
    np.exp(log_p) - gamma -> (np.exp(log_p) - gamma) / len(y)

divided by T: dz is divided by the number of frames. The loss here is -log P
    np.exp(log_p) - gamma -> (np.exp(log_p) - gamma) / T
"""


def solution(log_p, y, log_alpha, loss):
    """The exercise, solved plainly."""
    T, S = log_alpha.shape
    l = np.zeros(S, int)
    l[1::2] = y
    log_beta = np.full((T, S), -np.inf)
    log_beta[-1, -2:] = 0
    skip = np.zeros(S, bool)
    skip[:-2] = (l[2:] != 0) & (l[2:] != l[:-2])
    for t in reversed(range(T - 1)):
        stay = log_p[t + 1, l] + log_beta[t + 1]
        one = np.append(stay[1:], -np.inf)
        two = np.where(skip, np.append(stay[2:], [-np.inf, -np.inf]), -np.inf)
        log_beta[t] = np.logaddexp.reduce([stay, one, two])
    place = np.exp(log_alpha + log_beta + loss)
    gamma = np.zeros_like(log_p)
    for s in range(S):
        gamma[:, l[s]] += place[:, s]
    return np.exp(log_p) - gamma


def expected(log_p, y, log_alpha, loss):
    """Central differences through the package's own layer; over many frames, its own gradient."""
    lengths, counts = np.array([len(log_p)]), np.array([len(y)])
    z = log_p[:, None].copy()
    if len(log_p) > 20:
        return ctc.backward(ctc.forward(z, y[:, None], lengths, counts)[1])[:, 0] * len(y)
    (dz,) = gradients(lambda: ctc.forward(z, y[:, None], lengths, counts)[0] * len(y), z)
    return dz[:, 0]


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(given):
        log_alpha, loss = e17_ctc_forward.solution(**given.arguments)
        return case(given.note, **given.arguments, log_alpha=log_alpha, loss=loss)

    return tuple(inputs(given) for given in e17_ctc_forward.cases(rng))
