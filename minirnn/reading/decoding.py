"""From the logits of a network trained by CTC to text."""

import numpy as np

from minirnn import backend
from minirnn.layers.ctc import BLANK


def greedy(logits, lengths):
    """The likeliest symbol of every frame, repeats merged, blanks removed. logits (T, B, V), lengths (B,) frames ->
    a list of B arrays of ids."""
    best = backend.to_host(logits.argmax(axis=2))
    new = np.concatenate([np.ones((1, best.shape[1]), bool), best[1:] != best[:-1]])
    inside = np.arange(len(best))[:, None] < backend.to_host(lengths)
    keep = new & (best != BLANK) & inside
    return [best[keep[:, b], b] for b in range(best.shape[1])]


def character_errors(text, found):
    """The fewest characters (or words, if lists of them are given) to change, add or remove to make ``text`` of
    ``found`` (Levenshtein 1966)."""
    row = list(range(len(found) + 1))
    for i, wanted in enumerate(text, 1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(found, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (wanted != got))
    return row[-1]
