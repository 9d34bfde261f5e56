"""The order in which a plotter draws strokes: little travel with the pen up, and nothing of what is seen changes.

A hand goes from left to right and comes back for its dots; a plotter has no reason to. Ordering strokes that may be
drawn from either end is a travelling salesman's problem in which every stroke is a pair of cities. It is solved well
enough by classical heuristics: the shortest gaps first (greedy matching), and then, as long as it helps, a part of the
way turned round (2-opt: Croes 1958) or moved to another place (Or-opt: Or 1976). Of 1,015 strokes of a written page
that leaves 47% of the travel, in two seconds.

A step s of the way is the stroke s // 2, drawn from its beginning if s is even and from its end if s is odd, so that
s ^ 1 is the same stroke turned round. Points are complex numbers: abs(a - b) is the distance.
"""

from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

TOUCHING = 0.02  # mm between the ends of two strokes that are drawn as one: a fraction of any pen's width
NEIGHBOURS = 10  # nearest ends that are tried
LONGEST_MOVED = 10  # strokes that are moved to another place together
ROUNDS = 20  # of improvements at most


def in_short_order(strokes, start=(0.0, 0.0)):
    """Return strokes (n, 2), to be drawn from ``start`` on, in an order and direction that need little travel."""
    if not strokes:
        return []
    enter = [complex(*start), complex(*start)]  # stroke 0 is the start, a dot; enter[s] is where step s begins
    for stroke in strokes:
        enter += [complex(*stroke[0]), complex(*stroke[-1])]
    near = _neighbours(enter)
    way = _greedy(enter, near)
    for _ in range(ROUNDS):
        before = _length(enter, way)
        _turn_parts(enter, way, near)
        _move_parts(enter, way, near)
        if _length(enter, way) > before - 1e-6:
            break
    return joined([strokes[s // 2 - 1][:: -1 if s % 2 else 1] for s in way[1:]])


def joined(strokes):
    """Strokes in their order; those whose ends touch are one."""
    done = strokes[:1]
    for before, stroke in pairwise(strokes):
        if np.hypot(*(stroke[0] - before[-1])) <= TOUCHING:
            done[-1] = np.concatenate([done[-1], stroke])
        else:
            done.append(stroke)
    return done


def _neighbours(enter):
    """For each end of a stroke the nearest ends of other strokes, the nearest first."""
    points = np.column_stack([np.real(enter), np.imag(enter)])
    found = cKDTree(points).query(points, min(NEIGHBOURS + 2, len(points)))[1]
    return [[e for e in row if e // 2 != k // 2][:NEIGHBOURS] for k, row in enumerate(found.tolist())]


def _greedy(enter, near):
    """A way that takes the shortest gaps between ends first, wherever they do not close a ring."""
    mate, other = {}, list(range(len(enter)))  # the end joined to each; the far end of the chain that an end closes
    for k in range(len(enter)):
        other[k] = k ^ 1

    def join(pairs):
        for _, a, b in sorted(pairs):
            if a not in mate and b not in mate and other[a] != b:
                mate[a], mate[b] = b, a
                other[other[a]], other[other[b]] = other[b], other[a]

    join((abs(enter[a] - enter[b]), a, b) for a, row in enumerate(near) for b in row if a < b)
    while len(free := [k for k in range(len(enter)) if k not in mate]) > 2:  # the chains, until they are one
        points = np.column_stack([np.real(enter), np.imag(enter)])[free]
        found = cKDTree(points).query(points, min(NEIGHBOURS, len(free)))[1].tolist()
        join((abs(enter[a] - enter[free[b]]), a, free[b]) for a, row in zip(free, found) for b in row if a != free[b])
    # Walk along the ring from the start, stroke 0, on.
    way, step = [0], mate.get(1)
    while step is not None and step // 2 != 0:
        way.append(step)
        step = mate.get(step ^ 1)
    step = mate.get(0) if len(way) < len(enter) // 2 else None  # what hangs on the start's other side
    back = []
    while step is not None and step // 2 != 0:
        back.append(step ^ 1)
        step = mate.get(step ^ 1)
    return way + back[::-1]


def _length(enter, way):
    return sum(abs(enter[a ^ 1] - enter[b]) for a, b in zip(way, [*way[1:], way[0]]))


def _turn_parts(enter, way, near):
    """2-opt: turn round the steps i .. j where that shortens the gaps before i and after j."""
    count = len(way)
    place = {s // 2: k for k, s in enumerate(way)}
    for stroke in range(1, count):
        for end in (2 * stroke, 2 * stroke + 1):
            for other in near[end]:
                i = place[stroke]
                # The gap after an end that is left, and the gap before an end that is entered, can become end - other.
                k = place[other // 2]
                left, other_left = (way[i] ^ 1) == end, (way[k] ^ 1) == other
                if left != other_left:
                    continue
                first, last = sorted((i, k))
                first, last = (first + 1, last) if left else (first, last - 1)
                if first < 1 or first > last:
                    continue
                a, b, c, d = way[first - 1] ^ 1, way[first], way[last] ^ 1, way[(last + 1) % count]
                gain = abs(enter[a] - enter[b]) + abs(enter[c] - enter[d])
                if abs(enter[a] - enter[c]) + abs(enter[b] - enter[d]) < gain - 1e-9:
                    way[first : last + 1] = [s ^ 1 for s in reversed(way[first : last + 1])]
                    for k in range(first, last + 1):
                        place[way[k] // 2] = k


def _move_parts(enter, way, near):
    """Or-opt: move up to `LONGEST_MOVED` steps that follow each other to a better place, either way round."""
    place = {s // 2: k for k, s in enumerate(way)}
    for stroke in range(1, len(way)):
        for length in range(1, LONGEST_MOVED + 1):
            i = place[stroke]
            after = i + length
            if after > len(way):
                break
            part = way[i:after]
            a, b, c, d = way[i - 1] ^ 1, part[0], part[-1] ^ 1, way[after % len(way)]
            gain = abs(enter[a] - enter[b]) + abs(enter[c] - enter[d]) - abs(enter[a] - enter[d])
            best, cost = None, gain - 1e-9
            for head, tail, turned in ((b, c, False), (c, b, True)):
                for other in near[head]:
                    # After a stroke that is left at ``other``, or, turned round, before one that is entered there.
                    k = place[other // 2]
                    j = k + 1 if way[k] ^ 1 == other else k
                    flip = turned if way[k] ^ 1 == other else not turned
                    if i <= j <= after or j < 1:
                        continue
                    e, f = way[j - 1] ^ 1, way[j % len(way)]
                    x, y = (head, tail) if way[k] ^ 1 == other else (tail, head)
                    more = abs(enter[e] - enter[x]) + abs(enter[y] - enter[f]) - abs(enter[e] - enter[f])
                    if more < cost:
                        best, cost = (j, flip), more
            if best:
                j, flip = best
                del way[i:after]
                j -= length if j > i else 0
                way[j:j] = [s ^ 1 for s in reversed(part)] if flip else part
                for k in range(min(i, j), max(i, j) + length):
                    place[way[k] // 2] = k
                break
