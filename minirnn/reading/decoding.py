"""From the logits of a network trained by CTC to text: the likeliest path (greedy), or the likeliest text (beam
search).

The likeliest *path* is read off frame by frame. But many paths spell the same text, and another text may have more
probability in all its paths together. The prefix beam search (Graves 2012, section 7.5.3; with a language model:
Hannun et al. 2014) goes over the frames once and keeps the likeliest beginnings of texts. Of each beginning l it knows

    p_b(l)   probability of all paths so far that spell l and end in a blank
    p_n(l)   of those that end in the last character of l

and with the symbols of the next frame, of probabilities y_k, these become

    p_b(l)      = y_blank (p_b + p_n)(l)
    p_n(l)      = y_k p_n(l)                               k the last character of l: still the same character
    p_n(l + k)  = y_k (p_b + p_n)(l) e^bonus(k after l)    k another character
    p_n(l + k)  = y_k p_b(l) e^bonus(k after l)            k the last character again: only after a blank

The bonus is what a language model adds: its weight times log p(k after l), and a constant for every character, since a
language model alone would prefer short texts.
"""

import numpy as np

from minirnn import backend
from minirnn.layers.ctc import BLANK

WIDTH = 16  # beginnings that are kept
SYMBOLS = 8  # of a frame that are tried, the likeliest ones
UNLIKELY = np.log(1e-4)  # a symbol of a frame is not tried if it is less likely than that
SURE = np.log(0.9999)  # a blank that is likelier than that only adds a blank


def log_softmax(z):
    """The logarithm of the softmax of z (..., V) over its last axis, in float64."""
    z = z - z.max(axis=-1, keepdims=True).astype(np.float64)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def greedy(logits, lengths):
    """The likeliest symbol of every frame, repeats merged, blanks removed. logits (T, B, V), lengths (B,) frames ->
    a list of B arrays of ids."""
    best = backend.to_host(logits.argmax(axis=2))
    new = np.concatenate([np.ones((1, best.shape[1]), bool), best[1:] != best[:-1]])
    inside = np.arange(len(best))[:, None] < backend.to_host(lengths)
    keep = new & (best != BLANK) & inside
    return [best[keep[:, b], b] for b in range(best.shape[1])]


def beam_search(log_p, width=WIDTH, language=None, weight=0.0, bonus=0.0):
    """The likeliest texts of a line, the best one first.

    Parameters
    ----------
    log_p : (T, V) logarithms of the probabilities of every frame, of `log_softmax`.
    width : how many beginnings are kept.
    language : `minirnn.reading.language.LanguageModel`, or None.
    weight, bonus : of the language model, and of every character.

    Returns
    -------
    list of (score, ids), ids a tuple of characters from 1 on; the score is log p of the text, language model and bonus
    added.
    """
    beam = {(): (0.0, -np.inf)}  # beginning: log p_b, log p_n
    if language is not None:
        language.begin()
    for frame in log_p:
        blank = float(frame[BLANK])
        if blank > SURE:
            beam = {prefix: (np.logaddexp(b, n) + blank, -np.inf) for prefix, (b, n) in beam.items()}
            continue
        likeliest = np.argsort(frame)[: -SYMBOLS - 1 : -1]
        symbols = [(int(k), float(frame[k])) for k in likeliest if k != BLANK and frame[k] > UNLIKELY]
        beam = _next(beam, frame, blank, symbols, language, weight, bonus)
        if len(beam) > width:
            best = sorted(beam, key=lambda prefix: -np.logaddexp(*beam[prefix]))[:width]
            beam = {prefix: beam[prefix] for prefix in best}
        if language is not None:
            language.keep(beam)
    found = [(float(np.logaddexp(*ends)), prefix) for prefix, ends in beam.items()]
    return sorted(found, key=lambda item: -item[0])


def _next(beam, frame, blank, symbols, language, weight, bonus):
    """The beginnings after one more frame, all of them."""
    found = {}

    def add(prefix, place, value):
        if value > -np.inf:
            ends = found.setdefault(prefix, [-np.inf, -np.inf])
            ends[place] = np.logaddexp(ends[place], value)

    for prefix, (b, n) in beam.items():
        both = np.logaddexp(b, n)
        add(prefix, 0, both + blank)
        last = prefix[-1] if prefix else None
        if prefix:
            add(prefix, 1, n + float(frame[last]))
        after = language.after(prefix) if language is not None and symbols else None
        for k, log_y in symbols:
            more = bonus + (weight * float(after[k]) if after is not None else 0.0)
            add((*prefix, k), 1, (b if k == last else both) + log_y + more)
    return {prefix: tuple(ends) for prefix, ends in found.items()}


def edits(wanted, got):
    """The fewest changes that make ``wanted`` of ``got`` (Levenshtein 1966), two texts or two lists of words.

    Returns a list of pairs (of wanted, of got): equal ones included, None where something is missing or too much."""
    rows, columns = len(wanted) + 1, len(got) + 1
    cost = np.zeros((rows, columns), int)
    cost[:, 0], cost[0] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            changed = cost[i - 1, j - 1] + (wanted[i - 1] != got[j - 1])
            cost[i, j] = min(changed, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs, i, j = [], rows - 1, columns - 1
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (wanted[i - 1] != got[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((wanted[i], got[j]))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((wanted[i], None))
        else:
            j -= 1
            pairs.append((None, got[j]))
    return pairs[::-1]


def errors(wanted, got):
    """The number of changes among `edits`."""
    return sum(a != b for a, b in edits(wanted, got))
