"""Sampling text from a `minirnn.networks.char_rnn.CharRNN`: draw the next character again and again."""

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import UNKNOWN

CONTEXT = 8  # characters: what followed them before, a repetition penalty makes less likely to follow again


def distribution(logits, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """Logits (V,) -> the probabilities p (V,) that the next symbol is drawn from.

    temperature  divides the logits: below 1, likely symbols become more likely; above 1, unlikely ones do; 0: the most
                 likely symbol has probability 1 (greedy)
    top_k        only the k most likely symbols; 0: all
    top_p        only the most likely symbols that together have at least this probability (nucleus sampling: Holtzman
                 et al. 2020)
    min_p        only symbols with at least this share of the probability of the most likely one (Nguyen et al. 2024)
    """
    z = np.asarray(logits, np.float64)
    if temperature == 0:
        return (np.arange(len(z)) == z.argmax()).astype(float)
    with np.errstate(over="ignore"):  # at a temperature near zero, all but the largest become minus infinity
        p = np.exp((z - z.max()) / temperature)
    p /= p.sum()
    if min_p > 0:
        p[p < min_p * p.max()] = 0
        p /= p.sum()
    if not top_k and top_p >= 1:
        return p
    order = np.argsort(-z, kind="stable")
    keep = top_k or len(p)
    if top_p < 1:
        keep = min(keep, 1 + int(np.searchsorted(np.cumsum(p[order]), top_p)))
    p[order[keep:]] = 0
    return p / p.sum()


def generate(network, vocabulary, seed_text, length, **options):
    """Yield ``length`` characters (fewer if ``stop``, a string, appears) that follow ``seed_text``.

    The ``options`` are those of `draw`.
    """
    for character, _ in draw(network, vocabulary, seed_text, length, **options):
        yield character


def draw(network, vocabulary, seed_text, length, *, temperature=0.8, top_k=0, top_p=1.0, min_p=0.0, greedy=False,
         repetition_penalty=1.0, random_seed=None, stop=None, lines=None, skip_unknown=False):  # fmt: skip
    """Yield ``length`` pairs (character, probability) that follow ``seed_text``; fewer if ``stop``, a string, appears,
    or after ``lines`` line ends.

    The probability is the one that the network itself gives the character. The seed text sets the network's state,
    character by character. A character of it that the network never saw is a `MinirnnError` that names it, unless
    ``skip_unknown`` leaves it out. ``greedy`` takes the likeliest character every time, as the temperature 0 does;
    ``random_seed`` makes the draw repeatable. ``temperature``, ``top_k``, ``top_p`` and ``min_p`` are those of
    `distribution`. Whatever has followed the last `CONTEXT` characters before is ``repetition_penalty`` times less
    likely to follow them again.
    """
    ids = _seed_ids(vocabulary, seed_text, skip_unknown)
    rng = np.random.default_rng(random_seed)
    state, followers, ends = network.start(1), {}, 0
    context, end = seed_text[-CONTEXT:], ""  # the last that was read or written, the last that was written
    x = backend.to_device(ids[:, None], network.device)
    for _ in range(length):
        logits, state, _ = network.forward(x, state)
        logits = np.array(backend.to_host(logits[-1, 0]), np.float64)
        if not np.isfinite(logits).all():
            raise MinirnnError("the network's weights are so large that it overflows; use another checkpoint")
        if UNKNOWN in vocabulary.symbols:  # stands for nothing that could be written
            logits[vocabulary.symbols.index(UNKNOWN)] = -np.inf
        own = distribution(logits)
        logits[followers.get(context, [])] -= np.log(repetition_penalty)
        p = distribution(logits, 0 if greedy else temperature, top_k, top_p, min_p)
        # The symbol at which the probabilities, added up, first exceed a number drawn from [0, 1).
        total = np.cumsum(p)
        symbol = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        character = vocabulary.symbols[symbol]
        yield character, float(own[symbol])
        if repetition_penalty != 1:
            followers.setdefault(context, []).append(symbol)
        context, end = (context + character)[-CONTEXT:], (end + character)[-len(stop or " ") :]
        ends += character == "\n"
        if end == stop or ends == lines:
            return
        x = backend.to_device(np.array([[symbol]], np.int32), network.device)


def _seed_ids(vocabulary, seed_text, skip_unknown):
    """The ids (T,) of a text to begin with."""
    unknown = vocabulary.unknown(seed_text)
    if unknown and not skip_unknown:
        raise MinirnnError(
            f"the seed text {seed_text!r} has characters that the network never saw: "
            f"{' '.join(map(repr, unknown))}; give another --seed, or --skip-unknown"
        )
    ids = vocabulary.encode(seed_text, skip_unknown=True)
    if not len(ids):
        raise MinirnnError("the seed text has no character that the network knows; give another --seed")
    return ids
