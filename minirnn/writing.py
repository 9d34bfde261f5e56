"""The pen at work: sampling lines of handwriting from a `minirnn.models.PenRNN`, and judging them.

The window's own path over the text says whether a line went well: every character has to be visited, in order, and
the pen has to stop when the text is done. A line that did not is written again.
"""

import dataclasses

import numpy as np

from minirnn import backend
from minirnn.alphabets import BEGIN, END, FIRST_STEP
from minirnn.datasets.lines import encode_text

SYMBOLS_A_CHARACTER = 40  # no hand uses so many; a line that does has gone astray
LAG = 0.5  # the END may come when the window stands no more than this before the text's end


@dataclasses.dataclass
class Line:
    """A written line.

    text     what was to be written
    symbols  (T,) pen symbols, BEGIN first
    strokes  list of (n, 2) arrays in units of the pen alphabet, y down
    phi      (T, U) the window's weight on each character of the text and on its end, step by step
    fault    "" or what went wrong: "stopped early", "ran on", "skipped 'x'", "left the line"
    """

    text: str
    symbols: np.ndarray
    strokes: list
    phi: np.ndarray
    fault: str


def pen_distribution(logits, pens, temperature, ending):
    """Logits (B, V) -> probabilities (B, V) of the next pen symbol.

    The kind of move, step or lift, is drawn as the network has it, and only the choice within a kind is sharpened by
    ``temperature``: sharpened together, "go on as before" would win too often and letters grow long straight strokes.
    ``ending`` (B,) bool: where END may be drawn, which it may not before the text is done.
    """
    z = logits.astype(np.float64)
    z[:, BEGIN] = -np.inf
    z[~ending, END] = -np.inf
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    for kind in (slice(FIRST_STEP, FIRST_STEP + pens.directions), slice(FIRST_STEP + pens.directions, None)):
        part = p[:, kind]
        total = part.sum(axis=1, keepdims=True)
        sharp = (part / np.maximum(part.max(axis=1, keepdims=True), 1e-300)) ** (1 / temperature)
        p[:, kind] = sharp * (total / sharp.sum(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def write_lines(network, chars, pens, texts, hands, rng, temperature=0.7):
    """Write several lines side by side, one try each -> list of `Line`.

    texts   list of B strings of known characters
    hands   list of B ids of hands
    """
    ids = [encode_text(chars, text) for text in texts]
    B, U = len(ids), max(map(len, ids))
    text = np.full((B, U), -1, np.int32)
    for b, characters in enumerate(ids):
        text[b, : len(characters)] = characters
    lengths = np.array([len(characters) for characters in ids])
    device = network.device
    embedded = network.embed_text(backend.to_device(text, device))
    chunk = {"text": backend.to_device(text, device), "hand": backend.to_device(np.asarray(hands, np.int32), device)}
    state = network.start(B)
    symbols, phis, y = [np.full(B, BEGIN, np.int64)], [], np.zeros(B)
    alive = np.ones(B, bool)
    for _ in range(SYMBOLS_A_CHARACTER * U):
        chunk["x"] = backend.to_device(symbols[-1][None].astype(np.int32), device)
        chunk["height"] = backend.to_device(pens.height_of(y)[None].astype(np.int32), device)
        logits, phi, state, _ = network.forward(chunk, state, text=embedded)
        phi = backend.to_host(phi[0])
        phis.append(phi)
        place = (phi * np.arange(U)).sum(axis=1) / np.maximum(phi.sum(axis=1), 1e-6)
        ending = place >= lengths - 2 - LAG
        p = pen_distribution(backend.to_host(logits[0]), pens, temperature, ending)
        drawn = (p.cumsum(axis=1) < rng.random((B, 1))).sum(axis=1).clip(0, p.shape[1] - 1)
        drawn[~alive] = END
        y += pens.vectors[drawn, 1]
        symbols.append(drawn)
        alive &= drawn != END
        if not alive.any():
            break
    symbols, phis = np.array(symbols), np.array(phis)
    lines = []
    for b in range(B):
        ends = np.flatnonzero(symbols[:, b] == END)
        stop = ends[0] if len(ends) else len(symbols)
        path = phis[: min(stop, len(phis)), b, : lengths[b]]
        strokes = pens.decode(symbols[:stop, b])
        lines.append(Line(texts[b], symbols[:stop, b], strokes, path, fault(texts[b], path, strokes, len(ends) > 0)))
    return lines


def fault(text, phi, strokes, stopped):
    """What is wrong with a line, by the window's path phi (T, U) and the pen's: "" if nothing is."""
    if not stopped:
        return "ran on"
    visited = phi.max(axis=0)
    missed = [text[u] for u in range(len(text)) if visited[u] < 0.25 and text[u] != " "]
    if missed:
        return f"skipped {missed[0]!r}"
    heights = np.concatenate(strokes)[:, 1] if strokes else np.zeros(1)
    if np.abs(heights).max() > 6:
        return "left the line"
    return ""
