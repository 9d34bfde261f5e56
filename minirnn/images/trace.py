"""From ink to strokes, in the order and direction in which a hand would have written them.

    ink -> skeleton -> graph -> edges joined through the crossings -> strokes -> directed -> ordered

A stroke is (n, 2) float, columns x, y in pixels, y down. Nothing in a picture says which way the pen went;
the rules here are those of left-to-right writing (compare Kato and Yasuhara 2000, "Recovery of drawing order
from single-stroke handwriting images").
"""

from itertools import combinations

import numpy as np
from scipy import ndimage, signal

from minirnn.errors import MinirnnError
from minirnn.images.skeleton import (
    SHARPEST_TURN,
    arc_length,
    centre_graph,
    clean_graph,
    is_corner,
    length,
    skeleton_graph,
    turn_between,
)

MOST_EDGES = 1500  # a line has about two per letter; noise and patterns have any number of them
WIDE = 1.3  # ink wider than this many pens holds two strokes side by side
SHARP_CORNER = np.radians(45)  # within a pen's width
FITS = 0.8  # the pen fits where the ink is this much of its width
RETRACED = 3.0  # the pen goes back over its own line for at most this many standard deviations of y


def trace(ink, pen=None):
    """Strokes of one line of handwriting from its ink, (H, W) bool, in writing order.

    ``pen`` is the pen's width in pixels, by default measured. Returns a list of (n, 2) arrays in pixels;
    empty for an image without ink. Raises MinirnnError if it has more strokes than a line of handwriting can have.
    """
    if not ink.any():
        return []
    graph = skeleton_graph(ink)
    if len(graph.edges) > MOST_EDGES:
        raise MinirnnError(
            f"no handwriting: a line with {len(graph.edges)} pieces of strokes, and {MOST_EDGES} are too many for one"
        )
    pen = graph.pen if pen is None else pen
    clean_graph(centre_graph(graph), pen)
    partners = double_edges(graph, pen, longest=RETRACED * np.nonzero(ink)[0].std())
    partners = join_edges(graph, pen, partners)
    paths = [reach_ends(path, graph.width, pen) for path in walk_strokes(graph, partners)]
    strokes = [smooth_path(sharpen_corners(path, graph.width, pen), pen) for path in paths]
    return order_strokes([direct_stroke(stroke, pen) for stroke in strokes], pen)


# --- edges that were written twice ---------------------------------------------------------------------------


def double_edges(graph, pen, longest):
    """Put edges that the pen went along twice into the graph twice, in place.

    An edge between two forks, or between a fork and a dead end, was written twice if at each fork the two other
    edges make a corner there and both run smoothly into it, like the stem of an n below its arch (the
    "double-traced lines" of Kato and Yasuhara). Where it is wider than the pen, the two passes lie side by side: a
    loop too narrow to show its hole. Passes that lie on each other are believed up to ``longest`` pixels.

    Returns a dict (edge, side) -> (edge, side) of how the passes between two forks go on; see `join_edges`.
    """
    partners = {}
    for edge in sorted(graph.edges, key=lambda edge: length(graph.edges[edge][2])):  # a fork has one such edge
        a, b, path = graph.edges[edge]
        ends = [(node, (edge, side)) for side, node in enumerate((a, b))]
        forks = [(node, end) for node, end in ends if is_corner(graph, node, end, pen)]
        dead_ends = [node for node, _ in ends if graph.degree(node) == 1]
        aside = _offset(graph, path, pen)
        if a == b or not forks or len(forks) + len(dead_ends) != 2 or (aside.max() == 0 and length(path) > longest):
            continue
        if dead_ends:
            _double_dead_end(graph, edge, forks[0][0], aside, pen)
        else:
            partners |= _double_link(graph, edge, aside, pen)
    return partners


def _double_dead_end(graph, edge, fork, aside, pen):
    """Replace an edge by a hairpin from its fork to its dead end and back, ``aside`` pixels beside the edge."""
    a, _, path = graph.edges[edge]
    normal = _normals(path, pen) * aside[:, None]
    one, two = (path + normal, path - normal) if fork == a else ((path + normal)[::-1], (path - normal)[::-1])
    graph.remove_edge(edge)
    graph.add_edge(edge, fork, fork, np.concatenate([one, two[::-1]]))


def _double_link(graph, edge, aside, pen):
    """Replace an edge between two forks by two that lead what comes in at the one fork to what goes straight on
    at the other. Returns the partners of their ends."""
    a, b, path = graph.edges[edge]
    normal = _normals(path, pen)
    # What comes in and what goes out, each from the left to the right of the link.
    before, after = (
        sorted((end for end in graph.ends[node] if end[0] != edge), key=lambda end: graph.direction(end, pen) @ across)
        for node, across in ((a, normal[0]), (b, normal[-1]))
    )
    heading = {end: graph.direction(end, pen) for end in before + after}
    beside, crossed = (
        sum(turn_between(heading[one], heading[two]) for one, two in zip(before, out)) for out in (after, after[::-1])
    )
    sides = (-1, 1) if beside < crossed else (1, -1)
    along = np.linspace(0, 1, len(path))
    graph.remove_edge(edge)
    partners = {}
    for start, out, side in zip((-1, 1), after if beside < crossed else after[::-1], sides):
        offset = normal * (aside * (start * (1 - along) + side * along))[:, None]
        new = max(graph.edges, default=edge) + edge + 1
        graph.add_edge(new, a, b, path + offset)
        into = before[(start + 1) // 2]
        partners |= {into: (new, 0), (new, 0): into, out: (new, 1), (new, 1): out}
    return partners


def _normals(path, pen):
    """(n, 2) unit vectors square to a path, smoothed over about a pen's width."""
    along = np.gradient(path, axis=0) if len(path) > 1 else np.zeros_like(path)
    normal = ndimage.gaussian_filter1d(along[:, ::-1] * (1, -1), pen / 2, axis=0, mode="nearest")
    return normal / np.maximum(np.hypot(*normal.T), 1e-9)[:, None]


def _offset(graph, path, pen):
    """How far from the middle of the ink each of two passes lies, in pixels: 0 where it is no wider than a pen."""
    x, y = np.round(path).astype(int).T
    width = graph.width[y.clip(0, graph.width.shape[0] - 1), x.clip(0, graph.width.shape[1] - 1)]
    width = ndimage.gaussian_filter1d(width, pen / 2, mode="nearest")
    return np.where(width > WIDE * pen, (width - pen) / 2, 0)


# --- edges joined through crossings --------------------------------------------------------------------------


def join_edges(graph, pen, partners):
    """Which edge goes on as which at every crossing: those that turn least, greedily.

    Returns a dict (edge, side) -> (edge, side) with both directions of every join; ``partners`` are those that are
    known already.
    """
    partners = dict(partners)
    for ends in graph.ends.values():
        away = {end: graph.direction(end, pen) for end in ends}
        turns = sorted((turn_between(away[one], away[two]), one, two) for one, two in combinations(ends, 2))
        for turn, one, two in turns:
            # A loop's node without any other edge is no crossing: there it closes, however sharply.
            if (turn < SHARPEST_TURN or len(ends) == 2) and one not in partners and two not in partners:
                partners[one], partners[two] = two, one
    return partners


def walk_strokes(graph, partners):
    """Paths, (n, 2), that follow the joined edges from end to end; closed ones begin and end in one point.

    Where two edges are joined, what the skeleton did inside the crossing is replaced by a straight way.
    """
    paths = [graph.nodes[node][None] for node, ends in graph.ends.items() if not ends]
    left = set(graph.edges)
    free = [(edge, side) for edge in graph.edges for side in (0, 1) if (edge, side) not in partners]
    for start in free + [(edge, 0) for edge in graph.edges]:
        if start[0] not in left:
            continue
        pieces, end = [], start
        while end is not None and end[0] in left:
            left.remove(end[0])
            pieces.append(_piece(graph, end, partners))
            end = partners.get((end[0], 1 - end[1]))
        path = np.concatenate(pieces)
        if end is not None:  # came back to where it began
            path = np.concatenate([path, path[:1]])
        paths.append(path)
    return paths


def _piece(graph, end, partners):
    """The edge's path, beginning at its ``end``, without what lies inside the crossings it is joined through."""
    edge, side = end
    a, b, path = graph.edges[edge]
    along = arc_length(path)
    keep = np.ones(len(path), bool)
    if (edge, 0) in partners and graph.degree(a) > 2:
        keep &= along >= graph.width_at(a) / 2
    if (edge, 1) in partners and graph.degree(b) > 2:
        keep &= along <= along[-1] - graph.width_at(b) / 2
    if not keep.any():
        keep[len(path) // 2] = True
    return path[keep] if side == 0 else path[keep][::-1]


# --- shape of a stroke ---------------------------------------------------------------------------------------


def reach_ends(path, width, pen):
    """Lengthen an open path at both ends as far as the pen went: thinning stops a little short of it."""
    if len(path) < 2 or np.array_equal(path[0], path[-1]):
        return path
    back = min(len(path) - 1, max(2, round(pen)))
    start = _as_far_as_ink(path[0], path[0] - path[back], width, pen)
    stop = _as_far_as_ink(path[-1], path[-1] - path[-1 - back], width, pen)
    start, stop = start[None][: not np.array_equal(start, path[0])], stop[None][: not np.array_equal(stop, path[-1])]
    return np.concatenate([start, path, stop])


def sharpen_corners(path, width, pen):
    """Lead a path into its sharp corners as far as the pen went: the skeleton cuts them short.

    The tip of a corner stands twice in the result, so that `smooth_path` keeps it.
    """
    reach = max(2, round(pen))
    if len(path) < 2 * reach + 1:
        return path
    one, two = path[reach:-reach] - path[: -2 * reach], path[2 * reach :] - path[reach:-reach]
    sizes = np.maximum(np.hypot(*one.T) * np.hypot(*two.T), 1e-9)
    turn = np.arccos(np.clip((one * two).sum(axis=1) / sizes, -1, 1))
    corners = signal.find_peaks(turn, height=SHARP_CORNER, distance=reach)[0]
    pieces, begin = [], 0
    for corner in corners:
        at = corner + reach
        out = one[corner] / max(np.hypot(*one[corner]), 1e-9) - two[corner] / max(np.hypot(*two[corner]), 1e-9)
        tip = _as_far_as_ink(path[at], out, width, pen)
        if np.hypot(*(tip - path[at])) > 1:
            pieces += [path[begin:at], tip[None], tip[None]]
            begin = at + 1
    return np.concatenate([*pieces, path[begin:]])


def _as_far_as_ink(point, direction, width, pen):
    """The furthest point, at most a pen away, that the pen can have reached in a direction within the ink."""
    size = np.hypot(*direction)
    if size == 0:
        return point
    ways = point + np.arange(0, pen, 0.5)[:, None] * direction / size
    x, y = np.round(ways).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < width.shape[1]) & (y < width.shape[0])
    fits = np.zeros(len(ways), bool)
    fits[inside] = width[y[inside], x[inside]] >= FITS * pen
    stop = np.argmin(fits) if not fits.all() else len(fits)
    return ways[max(0, stop - 1)]


def smooth_path(path, pen):
    """Resample a path to steps of about one pixel and smooth the staircase of its pixels away.

    The ends stay where they are, and so do the points that the path has twice in a row, where it turns back on
    itself. What is shorter than the pen is wide becomes one point, a dot.
    """
    if length(path) < 0.75 * pen or len(path) < 3:
        return path.mean(axis=0, keepdims=True)
    turns = np.nonzero((path[1:] == path[:-1]).all(axis=1))[0] + 1
    if len(turns) == 0 and np.array_equal(path[0], path[-1]):
        ring = ndimage.gaussian_filter1d(_even_steps(path)[:-1], _smoothing(pen), axis=0, mode="wrap")
        return np.concatenate([ring, ring[:1]])
    pieces = [_smooth_piece(piece, pen) for piece in np.split(path, turns)]
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def _smoothing(pen):
    """Standard deviation of the Gaussian along the path, in pixels."""
    return 1 + pen / 10


def _even_steps(path):
    """The path with points about one pixel apart, at least three of them."""
    along = arc_length(path)
    steps = np.linspace(0, along[-1], max(3, round(along[-1]) + 1))
    return np.column_stack([np.interp(steps, along, path[:, 0]), np.interp(steps, along, path[:, 1])])


def _smooth_piece(path, pen):
    path = _even_steps(path)
    reach = int(4 * _smoothing(pen)) + 1
    # Mirrored through its ends (not at them), the path keeps both and its direction there.
    padded = np.pad(path, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return ndimage.gaussian_filter1d(padded, _smoothing(pen), axis=0)[reach:-reach]


def direct_stroke(stroke, pen):
    """Turn a stroke the way a hand writes it.

    Upright strokes begin at the top, others at the left; rings begin at the top and run counterclockwise.
    """
    if len(stroke) == 1:
        return stroke
    if np.hypot(*(stroke[-1] - stroke[0])) < max(pen, 0.1 * length(stroke)):
        if np.array_equal(stroke[0], stroke[-1]):
            ring = np.roll(stroke[:-1], -int(stroke[:-1, 1].argmin()), axis=0)
            stroke = np.concatenate([ring, ring[:1]])
        x, y = stroke.T
        area = np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2  # y is down: positive runs clockwise to the eye
        return stroke[::-1] if area > 0 else stroke
    dx, dy = stroke[-1] - stroke[0]
    backwards = dy < 0 if abs(dy) > abs(dx) else dx < 0
    return stroke[::-1] if backwards else stroke


# --- order of the strokes ------------------------------------------------------------------------------------


def order_strokes(strokes, pen):
    """Letters from the left, each followed by its dots and bars.

    People do it like that: of the dots and bars in IAM-OnDB whose word goes on in another stroke, 19 of 20 were made
    directly after the stroke that they belong to.
    """
    if not strokes:
        return []
    points = np.concatenate(strokes)
    middle, unit = points[:, 1].mean(), max(points[:, 1].std(), 2 * pen)
    left, right = np.array([(stroke[:, 0].min(), stroke[:, 0].max()) for stroke in strokes]).T
    marks = []
    for number, stroke in enumerate(strokes):  # only what stands above or below it can make it a mark
        near = np.nonzero((left <= right[number] + unit) & (right >= left[number] - unit))[0]
        marks.append(is_mark(stroke, [strokes[n] for n in near], middle, unit, pen))
    letters = [stroke for stroke, mark in zip(strokes, marks) if not mark]
    owners = [marked_letter(stroke, letters) if mark else stroke for stroke, mark in zip(strokes, marks)]
    places = [(owner[:, 0].mean(), mark, s[:, 0].mean()) for owner, mark, s in zip(owners, marks, strokes)]
    return [strokes[n] for n in sorted(range(len(strokes)), key=places.__getitem__)]


def marked_letter(mark, letters):
    """The one of ``letters`` that passes the nearest below the middle of a dot or bar."""
    x, y = mark.mean(axis=0)
    left, right = np.array([(letter[:, 0].min(), letter[:, 0].max()) for letter in letters]).T
    at_least = np.maximum(0, np.maximum(left - x, x - right))  # so far is the letter, whichever of its points count
    best, nearest = np.inf, 0
    for number in np.argsort(at_least, kind="stable"):
        if at_least[number] > best:
            break
        letter = letters[number]
        distance = np.abs(letter[letter[:, 1] > y, 0] - x).min(initial=np.inf)
        if (distance, number) < (best, nearest) or (best == np.inf == distance and number < nearest):
            best, nearest = distance, number
    return letters[nearest]


def is_mark(stroke, strokes, middle, unit, pen):
    """Whether a stroke is a dot above the letters, or a bar that crosses another stroke or hovers over one."""
    low, high = stroke.min(axis=0), stroke.max(axis=0)
    width, height = high - low
    if high[1] > middle:  # marks stand above the middle of the small letters
        return False
    if max(width, height) < 0.6 * unit:
        return any(_is_under(other, stroke, unit) for other in strokes if other is not stroke)
    flat = height < 0.4 * width and width < 4 * unit
    return flat and any(_is_crossed(stroke, other, pen) for other in strokes if other is not stroke)


def _is_under(letter, dot, unit):
    """Whether some of ``letter`` lies below ``dot``, at most a unit to either side."""
    x, y = dot.mean(axis=0)
    return bool(np.any((np.abs(letter[:, 0] - x) < unit) & (letter[:, 1] > y + 0.3 * unit)))


def _is_crossed(bar, stem, pen):
    """Whether ``stem`` passes from above ``bar``, or from its height, to far below it."""
    left, right = bar[:, 0].min() - pen, bar[:, 0].max() + pen
    inside = stem[(stem[:, 0] >= left) & (stem[:, 0] <= right)]
    if not len(inside):
        return False
    y = bar[:, 1].mean()
    return bool(inside[:, 1].min() < y + 2 * pen and np.ptp(inside[:, 1]) > np.ptp(bar[:, 0]) * 0.7)
