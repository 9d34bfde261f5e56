"""Sampling text from a `minirnn.networks.char_rnn.CharRNN`: draw the next character again and again."""

import numpy as np

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import UNKNOWN


def distribution(logits, temperature=1.0, top_k=0, top_p=1.0):
    """Logits (V,) -> the probabilities p (V,) that the next symbol is drawn from.

    temperature  divides the logits: below 1 likely symbols become likelier, above 1 the choice gets bolder
    top_k        only the k likeliest symbols; 0: all
    top_p        only the likeliest symbols that together have at least this probability (Holtzman et al. 2020)
    """
    z = np.asarray(logits, np.float64)
    with np.errstate(over="ignore"):  # at next to no temperature, what is not the likeliest goes to minus infinity
        p = np.exp((z - z.max()) / temperature)
    p /= p.sum()
    if not top_k and top_p >= 1:
        return p
    order = np.argsort(-z, kind="stable")
    keep = top_k or len(p)
    if top_p < 1:
        keep = min(keep, 1 + int(np.searchsorted(np.cumsum(p[order]), top_p)))
    p[order[keep:]] = 0
    return p / p.sum()


def generate(network, vocabulary, seed_text, length, *, temperature=0.8, top_k=0, top_p=1.0, greedy=False,
             random_seed=None, stop=None, skip_unknown=False):  # fmt: skip
    """Yield ``length`` characters (fewer if ``stop``, a string, appears) that follow ``seed_text``.

    The seed text sets the network's state, character by character. A character of it that the network never saw is
    a `MinirnnError` that names it, unless ``skip_unknown`` leaves it out. ``greedy`` takes the likeliest character
    every time; ``random_seed`` makes the draw repeatable.
    """
    unknown = vocabulary.unknown(seed_text)
    if unknown and not skip_unknown:
        raise MinirnnError(
            f"the seed text {seed_text!r} has characters that the network never saw: "
            f"{' '.join(map(repr, unknown))}; give another --seed, or --skip-unknown"
        )
    ids = vocabulary.encode(seed_text, skip_unknown=True)
    if not len(ids):
        raise MinirnnError("the seed text has no character that the network knows; give another --seed")
    rng = np.random.default_rng(random_seed)
    x = backend.to_device(ids[:, None], network.device)
    state, end = network.start(1), ""  # end: the last that was written, as long as the text to stop at
    for _ in range(length):
        logits, state, _ = network.forward(x, state)
        logits = np.array(backend.to_host(logits[-1, 0]))
        if not np.isfinite(logits).all():
            raise MinirnnError("the network's weights are so large that it overflows; use another checkpoint")
        if UNKNOWN in vocabulary.symbols:  # stands for nothing that could be written
            logits[vocabulary.symbols.index(UNKNOWN)] = -np.inf
        if greedy:
            symbol = int(logits.argmax())
        else:
            # The symbol at which the probabilities, added up, first exceed a number drawn from [0, 1).
            total = np.cumsum(distribution(logits, temperature, top_k, top_p))
            symbol = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        character = vocabulary.symbols[symbol]
        yield character
        if stop:
            end = (end + character)[-len(stop) :]
            if end == stop:
                return
        x = backend.to_device(np.array([[symbol]], np.int32), network.device)
