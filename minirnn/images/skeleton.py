"""The skeleton of ink as a graph: ends and crossings are nodes, the runs of pixels between them are edges.

Points are (x, y) in pixels. The thinning leaves two kinds of dirt, both shorter than the pen is wide: *spurs*,
side twigs that lead to a bump on the stroke's edge, and *links*, which split the crossing of two strokes into
two forks. ``clean_graph`` prunes the spurs and contracts the links.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from skimage import morphology

from minirnn.images.clean import middle_half

SHARPEST_TURN = np.radians(80)  # a pen that turns more than this at a crossing has come to an end
SPUR = 1.0  # side twigs shorter than this many pens are no strokes of their own
BLUNTEST_CORNER = np.radians(30)  # what turns less than this is no corner


@dataclass
class Graph:
    """Nodes and edges of a skeleton.

    nodes   id -> (2,) position
    edges   id -> (node a, node b, path): path is (n, 2), its first point lies at a and its last at b; a == b
            for a loop
    width   (H, W) float: widest pen in pixels that, set down there, stays within the ink
    pen     width of the pen in pixels
    """

    nodes: dict
    edges: dict
    width: np.ndarray
    pen: float
    ends: dict = field(default_factory=dict)  # node -> list of (edge, 0 at its beginning | 1 at its end)

    def __post_init__(self):
        self.ends = {node: [] for node in self.nodes}
        for edge, (a, b, _) in self.edges.items():
            self.ends[a].append((edge, 0))
            self.ends[b].append((edge, 1))

    def degree(self, node):
        """Number of edge ends at ``node``; a loop counts twice."""
        return len(self.ends[node])

    def width_at(self, node):
        """Width of the ink in pixels around ``node``."""
        x, y = np.round(self.nodes[node]).astype(int)
        near = self.width[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        return float(near.max()) if near.size else 1.0

    def remove_edge(self, edge):
        """Take ``edge`` out; nodes that are left without edges go with it."""
        a, b, _ = self.edges.pop(edge)
        self.ends[a].remove((edge, 0))
        self.ends[b].remove((edge, 1))
        for node in {a, b}:
            if not self.ends[node]:
                del self.ends[node], self.nodes[node]

    def add_edge(self, edge, a, b, path):
        """Put an edge in under the free id ``edge``."""
        self.edges[edge] = (a, b, path)
        self.ends[a].append((edge, 0))
        self.ends[b].append((edge, 1))

    def direction(self, end, pen):
        """Unit vector in which an edge leaves its node: measured beyond the pen's disc, which blurs the fork."""
        edge, side = end
        a, b, path = self.edges[edge]
        path = path if side == 0 else path[::-1]
        along = arc_length(path)
        near = min(self.width_at(a if side == 0 else b) / 2, along[-1] / 3)
        far = min(near + 2 * pen, along[-1])
        (x, u), (y, v) = (np.interp([near, far], along, column) for column in path.T)
        size = np.hypot(u - x, v - y)
        return np.array([u - x, v - y]) / size if size > 0 else np.zeros(2)

    def dissolve(self, node, detour=None):
        """Make the two edges that meet at ``node`` one, if just two different edges meet there.

        ``detour``, (n, 2), is a way from the node to somewhere and back that is put in between. Where a path turns
        back it has the same point twice, for `minirnn.images.trace.smooth_path` to keep it sharp.
        """
        if self.degree(node) != 2:
            return
        (first, first_end), (second, second_end) = self.ends[node]
        if first == second:
            return  # a loop keeps its node
        a, b, path = self.edges[first]
        c, d, other = self.edges[second]
        start, path = (a, path) if first_end == 1 else (b, path[::-1])
        stop, other = (d, other) if second_end == 0 else (c, other[::-1])
        for edge in (first, second):
            for side, at in enumerate(self.edges[edge][:2]):
                self.ends[at].remove((edge, side))
            del self.edges[edge]
        del self.ends[node], self.nodes[node]
        self.add_edge(first, start, stop, np.concatenate([path, *([] if detour is None else [detour]), other[1:]]))

    def contract(self, edge):
        """Shrink ``edge`` to one node in its middle; the other edges at its ends are led there."""
        a, b, path = self.edges[edge]
        middle = path.mean(axis=0)
        self.edges.pop(edge)
        self.ends[a].remove((edge, 0))
        self.ends[b].remove((edge, 1))
        for other, side in self.ends.pop(b):
            start, stop, way = self.edges[other]
            self.edges[other] = (a, stop, way) if side == 0 else (start, a, way)
            self.ends[a].append((other, side))
        del self.nodes[b]
        self.nodes[a] = middle
        for other, side in self.ends[a]:
            start, stop, way = self.edges[other]
            self.edges[other] = (start, stop, _lead(way, middle, side))


def _lead(path, to, side):
    """``path`` with the point ``to`` at its beginning (side 0) or end (side 1)."""
    return np.concatenate([to[None], path]) if side == 0 else np.concatenate([path, to[None]])


def turn_between(one, two):
    """Angle in radians by which a pen turns that arrives from direction ``one`` and leaves in direction ``two``."""
    return float(np.arccos(np.clip(-one @ two, -1, 1)))


def is_corner(graph, node, stem, pen):
    """Whether the two other edges at a fork make a corner and both run smoothly into ``stem``.

    So it looks where the pen went along the stem and back, turning sharply at its end.
    """
    if graph.degree(node) != 3:
        return False
    one, two = (graph.direction(end, pen) for end in graph.ends[node] if end != stem)
    away = graph.direction(stem, pen)
    return (
        max(turn_between(away, one), turn_between(away, two)) < SHARPEST_TURN
        and turn_between(one, two) > BLUNTEST_CORNER
    )


def arc_length(path):
    """(n,) length of the polyline ``path``, (n, 2), from its first point to each of its points."""
    return np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])


def length(path):
    """Length of the polyline ``path``, (n, 2), in its own unit."""
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def skeleton_graph(ink):
    """Thin ``ink``, (H, W) bool, to a skeleton and read it as a Graph.

    ``skeletonize`` (Zhang and Suen 1984), not ``medial_axis``: the latter follows every bump of the edge and
    has more than twice the branches on a real scan.
    """
    ink = np.pad(ink, 1)
    width = np.maximum(0, 2 * ndimage.distance_transform_edt(ink) - 1)[1:-1, 1:-1]
    pixels, neighbours = _neighbours(morphology.skeletonize(ink)[1:-1, 1:-1])
    degree = [len(near) for near in neighbours]
    edges, seen, walked = {}, set(), set()  # pixels; steps from a node to its neighbour

    def walk(node, step):
        way = [node, step]
        while degree[way[-1]] == 2 and way[-1] != node:
            before, here = way[-2:]
            one, two = neighbours[here]
            way.append(two if one == before else one)
        seen.update(way)
        walked.update([(way[0], way[1]), (way[-1], way[-2])])
        edges[len(edges)] = (way[0], way[-1], pixels[way])

    for pixel, near in enumerate(neighbours):
        if degree[pixel] != 2:
            for step in near:
                if (pixel, step) not in walked:
                    walk(pixel, step)
    for pixel, near in enumerate(neighbours):  # what is left are closed loops without any node
        if degree[pixel] == 2 and pixel not in seen:
            walk(pixel, near[0])
    nodes = {node for a, b, _ in edges.values() for node in (a, b)} | {n for n, d in enumerate(degree) if d == 0}
    x, y = pixels.astype(int).T
    return Graph({node: pixels[node] for node in sorted(nodes)}, edges, width, middle_half(width[y, x]))


def centre_graph(graph):
    """Move a skeleton, in place, from its pixels to the middle of the ink, which may lie between them.

    Where the ink is an even number of pixels wide, thinning keeps the left or the upper of the two in the middle: left
    so, a trace would lie a tenth of a pixel off on average.
    """
    if graph.nodes:
        graph.nodes = dict(zip(graph.nodes, _to_centre(np.stack(list(graph.nodes.values())), graph.width)))
    graph.edges = {edge: (a, b, _to_centre(path, graph.width)) for edge, (a, b, path) in graph.edges.items()}
    return graph


def _to_centre(points, width):
    """Points (n, 2), each moved to the mean of the 3 x 3 pixels around it, of which the more open ink weighs more."""
    x, y = points.astype(int).T
    offsets = np.array([(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    columns, rows = x[:, None] + offsets[:, 0], y[:, None] + offsets[:, 1]
    inside = (columns >= 0) & (rows >= 0) & (columns < width.shape[1]) & (rows < width.shape[0])
    weight = np.where(inside, width[rows.clip(0, width.shape[0] - 1), columns.clip(0, width.shape[1] - 1)], 0) ** 4
    return points + weight @ offsets / np.maximum(weight.sum(axis=1), 1e-9)[:, None]


def _neighbours(skeleton):
    """The pixels (n, 2) of a skeleton, x and y, column by column, and for each a list of those that it is linked to.

    Two pixels that touch by a corner are not linked if a third one links them by its sides: otherwise every
    corner of a staircase would be a crossing.
    """
    x, y = np.nonzero(skeleton.T)
    number = np.full(np.add(skeleton.shape, 2), -1)  # of the pixel at each place; -1: none, as all around the picture
    number[y + 1, x + 1] = np.arange(len(x))
    beside = [number[y + 1, x + 2], number[y + 1, x], number[y + 2, x + 1], number[y, x + 1]]
    right, left, below, above = beside
    for level, dx in ((right, 1), (left, -1)):
        for upright, dy in ((below, 1), (above, -1)):
            beside.append(np.where((level < 0) & (upright < 0), number[y + 1 + dy, x + 1 + dx], -1))
    neighbours = [[near for near in row if near >= 0] for row in np.column_stack(beside).tolist()]
    return np.column_stack([x, y]).astype(float), neighbours


def clean_graph(graph, pen):
    """Prune spurs and contract links shorter than the pen's width, in place, the shortest first.

    A spur is measured against the local width of the ink: it ends where the pen's disc around its fork ends.
    """
    while True:
        dirt = sorted((size, edge) for edge in graph.edges for size, kind in [_dirt(graph, edge, pen)] if kind)
        if not dirt:
            return graph
        for _, edge in dirt:
            kind = _dirt(graph, edge, pen)[1] if edge in graph.edges else None  # its neighbours may have changed it
            if kind == "spur":
                _prune(graph, edge, pen)
            elif kind == "link":
                node = graph.edges[edge][0]
                graph.contract(edge)
                graph.dissolve(node)


def _prune(graph, edge, pen):
    """Take a spur out of the graph.

    What lies within the pen's disc around the fork is dirt. A tip that sticks out further, or that is the tip of
    a sharp corner, is ink: the stroke makes a detour to it.
    """
    a, b, path = graph.edges[edge]
    side = 0 if graph.degree(a) >= 3 else 1
    fork = (a, b)[side]
    out = path if side == 0 else path[::-1]
    sticks_out = length(path) > 0.5 * max(pen, graph.width_at(fork)) + 1
    detour = a != b and (sticks_out or is_corner(graph, fork, (edge, side), pen))
    graph.remove_edge(edge)
    if fork in graph.nodes:
        graph.dissolve(fork, np.concatenate([out[1:], out[::-1]]) if detour else None)


def _dirt(graph, edge, pen):
    """(length, "spur" or "link" or None) of an edge."""
    a, b, path = graph.edges[edge]
    degrees = sorted((graph.degree(a), graph.degree(b)))
    size = length(path)
    if degrees[0] == 1 and degrees[1] >= 3:
        fork = a if graph.degree(a) >= 3 else b
        return size, "spur" if size < SPUR * max(pen, graph.width_at(fork)) else None
    if a != b and degrees[0] >= 3:
        return size, "link" if size < max(pen, 0.5 * (graph.width_at(a) + graph.width_at(b))) else None
    if a == b and degrees[0] >= 3 and size < pen:
        return size, "spur"  # a loop that small is a pinhole
    return size, None
