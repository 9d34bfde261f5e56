"""To which line of a page each piece of ink belongs.

Pieces that lie in the middle of a line, where its small letters are, belong to that line. A piece that lies in the
middle of two, where letters touch, is cut at its narrowest place between them. What lies between the lines, dots,
accents, quotes, belongs to the line whose ink is the nearest, and what is far from all of it to none.
"""

from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

CORE = 1.2  # half the height of the middle of a line, in spreads
BEYOND = 6.0  # a line reaches so far beyond the ends of its ridge, in spreads
PART = 0.6  # a line of whose middle ink so much is part of letters of a stronger line is the tops or tails of those
SHARED = 0.3  # a piece with so much of its middle ink in a second line is of both
FAR = 4.0  # spreads from the ink of every line: of none
ABOVE = 0.6  # dots stand above their letters more often than below: distances upwards count so much


def label_ink(ink, pen, lines):
    """(H, W) int: to which of the ``lines``, `TextLine` from the top, each pixel of ink belongs, from 1; 0: to none."""
    labels = np.zeros(ink.shape, np.int32)
    if not lines or not ink.any():
        return labels
    rows, columns = np.nonzero(ink)
    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    piece = pieces[rows, columns]
    curves = np.stack([line.curve(ink.shape[1]) for line in lines])
    votes = np.zeros((count + 1, len(lines)))
    for number, line in enumerate(lines):
        room = BEYOND * line.spread
        core = np.abs(rows - curves[number][columns]) < CORE * line.spread
        core &= (columns > max(line.left, line.columns[0] - room)) & (
            columns < min(line.right, line.columns[-1] + room)
        )
        votes[:, number] = np.bincount(piece[core], minlength=count + 1)
    real = _whole_lines(votes, pen)
    lines, curves, votes = [lines[number] for number in real], curves[real], votes[:, real]
    order = np.argsort(-votes, axis=1)
    most = np.take_along_axis(votes, order, axis=1)
    owner = np.where(most[:, 0] > 0, order[:, 0] + 1, 0)
    labels[rows, columns] = owner[piece]
    if len(lines) > 1:
        boxes = ndimage.find_objects(pieces)
        shared = (most[:, 1] > SHARED * most[:, 0]) & (most[:, 1] > pen * pen)
        for number in np.nonzero(shared)[0]:
            owners = order[number][votes[number, order[number]] > pen * pen]
            _cut(labels, pieces, number, boxes[number - 1], owners, curves)
    _give_away(labels, pieces, owner, lines)
    return labels


def _whole_lines(votes, pen):
    """Numbers of the lines that are not the tops or tails of another one's letters. ``votes``, (pieces, lines): how
    much ink of each piece lies in the middle of each line."""
    real = list(range(votes.shape[1]))
    for line in np.argsort(votes.sum(axis=0)):  # the weakest first
        own = votes[:, line]
        others = [other for other in real if other != line and votes[:, other].sum() > 2 * own.sum()]
        if any(own[votes[:, other] > pen * pen].sum() > PART * own.sum() for other in others):
            real.remove(line)
    return real


def _cut(labels, pieces, number, box, owners, curves):
    """Cut a piece that lies in several lines, between each two of them where it is the narrowest."""
    mine = pieces[box] == number
    owners = np.sort(owners[:6])
    part = np.full(mine.shape, owners[0] + 1)
    for upper, lower in pairwise(owners):
        top, bottom = (np.round(curves[line][box[1]] - box[0].start).astype(int) for line in (upper, lower))
        part[np.arange(mine.shape[0])[:, None] > seam(mine, top, bottom)] = lower + 1
    labels[box] = np.where(mine, part, labels[box])


def seam(ink, top, bottom):
    """(W,) row of the path from left to right through the least ink, between the rows ``top`` and ``bottom`` (W,).

    By dynamic programming, column by column; it climbs or falls by at most one step in each (Avidan and Shamir 2007).
    Steps are fractions of the band's height, and its middle is preferred.
    """
    steps = max(4, int(np.max(bottom - top)))
    share = (np.arange(steps) + 0.5) / steps
    rows = top + (bottom - top) * share[:, None]
    at = np.clip(np.round(rows).astype(int), 0, ink.shape[0] - 1)
    inside = (rows >= -0.5) & (rows <= ink.shape[0] - 0.5)
    cost = (ink[at, np.arange(ink.shape[1])] & inside) + 0.2 * np.abs(share[:, None] - 0.5)
    total = cost.astype(float)
    back = np.zeros(cost.shape, int)
    for column in range(1, cost.shape[1]):
        before = np.pad(total[:, column - 1], 1, constant_values=np.inf)
        choices = np.stack([before[:-2] + 0.1, before[1:-1], before[2:] + 0.1])
        back[:, column] = choices.argmin(axis=0) - 1
        total[:, column] += choices.min(axis=0)
    step = int(total[:, -1].argmin())
    path = np.empty(cost.shape[1], int)
    for column in range(cost.shape[1] - 1, -1, -1):
        path[column] = step
        step += back[step, column]
    return rows[path, np.arange(cost.shape[1])]


def _give_away(labels, pieces, owner, lines):
    """Give the pieces without an owner, in place, to the line whose ink is the nearest."""
    left = np.nonzero((owner == 0) & (np.bincount(pieces.ravel()) > 0))[0]
    left = left[left > 0]
    rows, columns = np.nonzero(labels)
    if not len(left) or not len(rows):
        return
    step = max(1, len(rows) // 50_000)
    known = np.column_stack([columns, rows])[::step]
    tree = cKDTree(known * [1, 1])
    spread = float(np.median([line.spread for line in lines]))
    for number, box in zip(range(1, len(owner)), ndimage.find_objects(pieces)):
        if owner[number]:
            continue
        y, x = (box[0].start + box[0].stop - 1) / 2, (box[1].start + box[1].stop - 1) / 2
        reach = FAR * spread + max(box[0].stop - box[0].start, box[1].stop - box[1].start) / 2
        near = np.array(tree.query_ball_point([x, y], reach), int)
        if not len(near):
            continue
        dx, dy = (known[near] - [x, y]).T
        distance = np.hypot(dx, dy) * np.where(dy > np.abs(dx), ABOVE, 1)
        nearest = known[near[distance.argmin()]]
        labels[box][pieces[box] == number] = labels[nearest[1], nearest[0]]
