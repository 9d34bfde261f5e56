"""Writing single words of a line again, and leaving the rest of it as it is.

    a a a b b b c c c        a line of three words, the second of which may be wrong
    a a a B B B              it is written again from the `Moment` at its first stroke, with a text that ends with it
    a a a B B B   c c c      what follows is moved along x, and is not touched otherwise

A word is written several times at once. The best of them takes its place if proofreading finds the line better then.
"""

import collections
import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.datasets.line_batches import blank, encode_text
from minirnn.ink.spacing import ALIGNED, ASTRAY, even_gaps, word_beginnings
from minirnn.ink.strokes import shear
from minirnn.writing.pen import Moment, write_lines

AT_ONCE = 4  # times that a word is written side by side
ROUNDS = 3  # of that for each word, at most


class Passage(NamedTuple):
    """What is written again of a line: its strokes from ``first`` to ``stop``, which say its text from ``begin`` to
    ``end``. One word, unless the pen has joined it to others."""

    first: int
    stop: int
    begin: int
    end: int


def passages(line):
    """The `Passage` objects of a line, from the left: all its words, those that the pen has joined as one."""
    places, astray = (line.places, ASTRAY) if line.proof is None else (line.proof.places, ALIGNED)
    starts = {-1: 0, **word_beginnings(line.text, line.drawn, places, astray), len(line.text): len(line.drawn)}
    return [
        Passage(starts[space], starts[after], space + 1, after) for space, after in itertools.pairwise(sorted(starts))
    ]


def passage_of(line, character):
    """The `Passage` of a line in which the character with this index stands."""
    return next(passage for passage in reversed(passages(line)) if passage.begin <= character or passage.begin == 0)


def mend(writer, lines, rng, temperature, accept):
    """Write the words again that proofreading doubts -> as many lines.

    writer  `minirnn.writing.hands.Writer` with a proofreader
    lines   list of proofread `minirnn.writing.pen.Line` with their moments
    accept  lines that it refuses are not taken: line -> bool"""
    lines, rounds = list(lines), [collections.Counter() for _ in lines]
    while True:
        tasks = []
        for n, line in enumerate(lines):
            doubted = [fault.begin for fault in line.faults if rounds[n][fault.begin] < ROUNDS]
            if doubted and len(line.moments) == len(line.drawn):
                rounds[n][doubted[0]] += 1
                tasks.append((n, passage_of(line, doubted[0])))
        if not tasks:
            return lines
        for n, candidates in rewrite(writer, lines, tasks, rng, temperature):
            read = [line for line in writer.proofreader.read(candidates) if not line.fault and accept(line)]
            lines[n] = min([lines[n], *read], key=lambda line: line.proof.badness)


def rewrite(writer, lines, tasks, rng, temperature):
    """Write passages of lines again, `AT_ONCE` times each: yields (n, lines with the passage in its place).

    tasks  list of (n, `Passage` of lines[n])"""
    repeated = [(lines[n], passage) for n, passage in tasks for _ in range(AT_ONCE)]
    pieces = write_lines(
        writer.network, writer.chars, writer.pens, [line.text[: passage.end] for line, passage in repeated],
        [writer.hand] * len(repeated), rng, temperature,
        since=[line.moments[passage.first] for line, passage in repeated], moments=True,
    )  # fmt: skip
    for number, (n, passage) in enumerate(tasks):
        own = pieces[AT_ONCE * number : AT_ONCE * (number + 1)]
        usable = [piece for piece in own if not piece.fault and len(piece.moments) == len(piece.drawn) > 0]
        yield n, [splice(lines[n], passage, piece, writer.pens) for piece in usable]


def splice(line, passage, piece, pens):
    """The line with a `Passage` of it replaced by ``piece``, a `Line` that begins where the pen stood then."""
    first, stop, *_ = passage
    at = line.drawn[first - 1][-1] if first else np.zeros(2)
    new = [stroke + at for stroke in piece.drawn]
    by = max(s[:, 0].max() for s in new) - max(s[:, 0].max() for s in line.drawn[first:stop])
    after = [stroke + np.array([by, 0.0]) for stroke in line.drawn[stop:]]
    lifts = np.flatnonzero(pens.is_lift[line.symbols])
    t, u = lifts[first], lifts[stop] if after else len(line.symbols)
    lift = []
    if after:  # the pen comes to what follows from another place than before, by about this lift
        distance = np.hypot(*(pens.vectors - (after[0][0] - new[-1][-1])).T)
        lift = [np.where(pens.is_lift, distance, np.inf).argmin()]
    # phi[t - 1] is what the window saw when symbol t was drawn.
    seen = np.pad(piece.phi[:-1], ((0, 0), (0, line.phi.shape[1] - piece.phi.shape[1])))
    drawn, places = line.drawn[:first] + new + after, [line.places[:first], piece.places, line.places[stop:]]
    return dataclasses.replace(
        line,
        symbols=np.concatenate([line.symbols[:t], piece.symbols[1:], lift, line.symbols[u + 1 :]]).astype(int),
        phi=np.concatenate([line.phi[: t - 1], seen, line.phi[u - 1 :]]),
        drawn=drawn,
        places=np.concatenate(places),
        moments=line.moments[:first] + piece.moments + line.moments[stop:],
        strokes=shear(even_gaps(line.text, drawn, np.concatenate(places)), line.shear),
        rewritten=line.rewritten + 1,
    )


def rewrite_word(writer, line, character, rng, temperature, accept):
    """The line with the word at the index ``character`` of its text written again; the line itself if no writing of
    the word was right in `ROUNDS` rounds. Arguments as of `mend`; the line needs no moments."""
    passage = passage_of(line, character)
    line = dataclasses.replace(line, moments=[moment_at(writer, line, passage.first)] * len(line.drawn))
    for _ in range(ROUNDS):
        ((_, candidates),) = rewrite(writer, [line], [(0, passage)], rng, temperature)
        if writer.proofreader:
            candidates = writer.proofreader.read(candidates)
        good = [candidate for candidate in candidates if not candidate.fault and accept(candidate)]
        if good:
            return dataclasses.replace(min(good, key=writer.badness), moments=[])
    return dataclasses.replace(line, moments=[])


def moment_at(writer, line, number):
    """The `Moment` at the beginning of a line's stroke with this number: the network is given once more what the pen
    drew before it."""
    network, pens = writer.network, writer.pens
    t = int(np.flatnonzero(pens.is_lift[line.symbols])[number])  # the symbol that begins the stroke
    before = line.symbols[: t - 1]
    text = encode_text(writer.chars, line.text)
    height = np.cumsum(np.append(0.0, pens.vectors[line.symbols[1:t], 1]))  # of the pen after each symbol
    state = network.start(2)
    if t > 1:
        chunk = {"x": before, "height": pens.height_of(height[: t - 1])}
        chunk = {name: np.tile(ids[:, None], 2).astype(np.int32) for name, ids in chunk.items()}
        chunk |= {"text": np.stack([text, blank(text)]), "hand": np.full(2, writer.hand, np.int32)}
        chunk = backend.tree_map(lambda ids: backend.to_device(ids, network.device), chunk)
        with threadpool_limits(1, user_api="blas"):
            _, _, state, _ = network.forward(chunk, state)
    phi = line.phi[: t - 1]
    read = (phi @ np.arange(phi.shape[1])) / np.maximum(phi.sum(axis=1), 1e-2)
    place = float(read.max(initial=0.0))
    return Moment(int(line.symbols[t - 1]), float(height[t - 1]), place, backend.tree_map(backend.to_host, state))
