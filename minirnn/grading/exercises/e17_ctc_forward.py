"""Exercise 17: connectionist temporal classification, the forward variables and the loss (`minirnn.layers.ctc`)."""

import numpy as np

from minirnn.grading.exercise import Output, case
from minirnn.layers import ctc

OUTPUTS = (Output("log_alpha", ("t", "place"), log=True), Output("loss"))

HINTS = """
A path that is at place s in frame t was at a place that allows this in frame t-1. Draw the places as rows and the
frames as columns, for the text 'ab' and for 'aa'. From which places can one come, and where may a path begin and end?
When would skipping a blank merge two letters that should stay two?

A path stays, moves on by one place, or by two where that skips a blank between two different characters. In frame 0
only places 0 and 1 are possible. The sum of probabilities whose logarithms are given is np.logaddexp; it knows that
-inf is log 0. The text is spelled by paths that end in the last place or in the one before it.

α_0(0) = p_0(l_0), α_0(1) = p_0(l_1), all others 0; α_t(s) = p_t(l_s) (α_{t-1}(s) + α_{t-1}(s-1) + [l_s ≠ blank and
l_s ≠ l_{s-2}] α_{t-1}(s-2)); loss = -log(α_{T-1}(S-1) + α_{T-1}(S-2)).
"""

MISTAKES = """
no skipping: a path stays or moves on by one place only. It may also leave out the blank between two different
characters: α_{t-1}(s-2)
    (l[2:] != 0) & -> False &

equal characters skip: a path may leave out the blank between two equal characters. Without it they would be merged
into one: only where l_s ≠ l_{s-2}
    (l[2:] != 0) & (l[2:] != l[:-2]) -> l[2:] != 0

characters skipped: a path may leave out a character, from blank to blank. Only a blank can be left out: l_s must not
be one
    (l[2:] != 0) & (l[2:] != l[:-2]) -> True

index below zero: at the first places s - 1 or s - 2 is below zero, and Python then counts from the end: the last
places seem to come before the first. There is no place before s = 0
    np.append(-np.inf, stay[:-1]) -> np.roll(stay, 1)
    skip[2:] = (l[2:] != 0) & (l[2:] != l[:-2]) -> skip = (l != 0) & (l != np.roll(l, 2))
    and np.append([-np.inf, -np.inf], stay[:-2]) -> np.roll(stay, 2)
    np.append(-np.inf, stay[:-1]) -> np.roll(stay, 1)
    and skip[2:] = (l[2:] != 0) & (l[2:] != l[:-2]) -> skip = (l != 0) & (l != np.roll(l, 2))
    and np.append([-np.inf, -np.inf], stay[:-2]) -> np.roll(stay, 2)

begins with a blank only: every path begins with the blank. It may also begin with the first character
    log_alpha[0, 1:2] = log_p[0, l[1:2]] -> pass

begins with a character only: every path begins with the first character. It may also begin with the blank
    log_alpha[0, 0] = log_p[0, 0] -> pass

begins anywhere: in frame 0 all places are possible. Only the first two are: a path begins with the blank or the first
character
    log_alpha[0, 1:2] = log_p[0, l[1:2]] -> log_alpha[0] = log_p[0, l]

ends in the last blank only: only paths that end with a blank are counted. The last blank may be left out: add those
that end with the last character
    np.logaddexp.reduce(log_alpha[-1, -2:]) -> log_alpha[-1, -1]

ends in the last character only: only paths that end with the last character are counted. Those that end with the
blank after it count too
    np.logaddexp.reduce(log_alpha[-1, -2:]) -> log_alpha[-1, max(S - 2, 0)]

ends anywhere: all places of the last frame are added up, those of unfinished texts too. Only the last two count
    log_alpha[-1, -2:] -> log_alpha[-1]

the likeliest path only: the largest term is taken where a sum belongs. That is Viterbi's algorithm, for the likeliest
path; the loss sums over all
    np.logaddexp.reduce([stay, one, two]) -> np.max([stay, one, two], axis=0)
    and np.logaddexp.reduce(log_alpha -> np.max(log_alpha

no p_t: α_t(s) lacks the factor p_t(l_s) after the first frame
    log_p[t, l] + np -> np

p of frame t-1: α_t(s) has the probability of the frame before. It is p_t(l_s)
    log_p[t, l] -> log_p[t - 1, l]

probabilities underflow: over hundreds of frames the products are too small for any float. Keep their logarithms, and
add with np.logaddexp
    return log_alpha, -> log_alpha = np.log(np.exp(log_alpha)); return log_alpha,
    return log_alpha, -loss -> return np.log(np.exp(log_alpha)), -np.log(np.exp(loss))

divided by U: the loss is divided by the number of characters. It is -log P
    -loss -> -loss / max(len(y), 1)

divided by T: the loss is divided by the number of frames. It is -log P
    -loss -> -loss / T

log P without minus: the loss is log P. A loss gets smaller as P grows: -log P
    -loss -> loss
"""


def solution(log_p, y):
    """The exercise, solved plainly."""
    T = len(log_p)
    l = np.zeros(2 * len(y) + 1, int)
    l[1::2] = y
    S = len(l)
    log_alpha = np.full((T, S), -np.inf)
    log_alpha[0, 0] = log_p[0, 0]
    log_alpha[0, 1:2] = log_p[0, l[1:2]]
    skip = np.zeros(S, bool)
    skip[2:] = (l[2:] != 0) & (l[2:] != l[:-2])
    for t in range(1, T):
        stay = log_alpha[t - 1]
        one = np.append(-np.inf, stay[:-1])
        two = np.where(skip, np.append([-np.inf, -np.inf], stay[:-2]), -np.inf)
        log_alpha[t] = log_p[t, l] + np.logaddexp.reduce([stay, one, two])
    loss = np.logaddexp.reduce(log_alpha[-1, -2:])
    return log_alpha, -loss


def expected(log_p, y):
    """The right results, from the package's own layer."""
    lengths, counts = np.array([len(log_p)]), np.array([len(y)])
    loss, cache = ctc.forward(log_p[:, None], y[:, None], lengths, counts)
    return cache[2][:, 0], loss * max(len(y), 1)


def log_softmax(z):
    """log p of logits z (T, V)."""
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def cases(rng):
    """The inputs with which an answer is judged."""

    def inputs(T, V, *y):
        return {"log_p": log_softmax(1.5 * rng.standard_normal((T, V))), "y": np.array(y, int)}

    return (
        case(**inputs(6, 4, 1, 3, 2)),
        case("for a text with two equal characters one after the other", **inputs(7, 4, 2, 2, 1)),
        case("where there are just as many frames as characters", **inputs(3, 5, 4, 1, 2)),
        case("for a single character", **inputs(4, 3, 2)),
        case("for hundreds of frames", **inputs(400, 6, 1, 5, 5, 2, 3)),
    )
