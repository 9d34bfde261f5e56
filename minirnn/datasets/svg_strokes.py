"""Strokes drawn as SVG: paths, lines and polylines -> lists of points.

What the package itself writes, and what drawing programs write for pen plotters. Curves are followed in short steps;
arcs and transformations are not known, and said to be so, since strokes in a wrong place would be read wrong.
"""

import itertools
import pathlib
import re

import numpy as np

from minirnn.datasets.safe_xml import local_name, read_xml
from minirnn.datasets.samples import Sample
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import check_strokes

TOKEN = re.compile(r"[A-Za-z]|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
VALUES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}
CURVE_STEPS = 12  # points on a curve
MAX_NUMBERS = 500_000  # numbers and commands in a file; a page of handwriting has some 50,000


def read_svg(path):
    """The strokes of an SVG file, a list of (n, 2) arrays in its units, in the order in which they stand there."""
    strokes, elements = [], list(read_xml(path).iter())
    count = sum(len(TOKEN.findall(element.get(key, ""))) for element in elements for key in ("d", "points"))
    if count > MAX_NUMBERS:
        raise MinirnnError(f"{path} has {count:,} numbers and commands; that is no page of handwriting (at most "
                           f"{MAX_NUMBERS:,})")  # fmt: skip
    for element in elements:
        name = local_name(element) if isinstance(element.tag, str) else ""
        if element.get("transform"):
            raise MinirnnError(f"{path}: a transform in it is not understood; apply it in the drawing program first")
        if name == "path":
            strokes += path_strokes(element.get("d", ""), path)
        elif name in ("polyline", "polygon"):
            strokes.append(_numbers(element.get("points", ""), path).reshape(-1, 2))
            if name == "polygon":  # which ends where it began
                strokes[-1] = np.concatenate([strokes[-1], strokes[-1][:1]])
        elif name == "line":
            strokes.append(_numbers(" ".join(element.get(key, "0") for key in ("x1", "y1", "x2", "y2")), path))
            strokes[-1] = strokes[-1].reshape(2, 2)
    strokes = [stroke for stroke in strokes if len(stroke)]
    if not strokes:
        raise MinirnnError(f"{path}: there is no path, line or polyline in it")
    return check_strokes(strokes, path)


def read_svg_sample(path, report=None, group=None):
    """The list of the one `Sample` of an SVG file: its text is in the .txt beside it. ``report`` is not needed."""
    path = pathlib.Path(path)
    beside = path.with_suffix(".txt")
    try:
        text = " ".join(beside.read_text("utf-8-sig").split())
    except (OSError, UnicodeDecodeError):
        raise MinirnnError(f"{path}: its text is not there; write it into {beside.name} beside it, as UTF-8") from None
    if not text:
        raise MinirnnError(f"{path}: {beside.name} is empty; write into it what the drawing says")
    return [Sample(text, read_svg(path), group or path.stem)]


def _numbers(text, path):
    try:
        values = np.array([float(token) for token in TOKEN.findall(text)])
    except ValueError:
        raise MinirnnError(f"{path}: {text[:40]!r} is no list of numbers") from None
    if len(values) % 2:
        raise MinirnnError(f"{path}: {text[:40]!r} has an x without a y")
    return values


def path_strokes(data, where):
    """The strokes (n, 2) of the ``d`` attribute of an SVG path; every M begins a new one."""
    tokens, strokes, place, start, control = TOKEN.findall(data), [], np.zeros(2), np.zeros(2), None
    command, at = None, 0
    while at < len(tokens):
        if tokens[at].isalpha():
            command, at = tokens[at], at + 1
        count = VALUES.get((command or "?").upper())
        values = tokens[at : at + (count or 0)]
        if count is None or len(values) < count or any(value.isalpha() for value in values):
            what = command or "no command"
            raise MinirnnError(f"{where}: a path with {what!r} is not understood, near {data[:40]!r}")
        at += count
        points, control = _command(command, [float(value) for value in values], place, start, control)
        if command in "Mm":
            strokes.append([points])
            start, command = points[-1], "L" if command == "M" else "l"
        elif not strokes:
            raise MinirnnError(f"{where}: a path begins with {command!r} and not with M")
        else:
            strokes[-1].append(points)
        place = points[-1]
        if count == 0:
            command = None  # after Z a command must stand
    return [np.concatenate(pieces) for pieces in strokes]


def _command(command, values, place, start, control):
    """The points (n, 2) that one command draws from ``place`` on, and the control point that the next may mirror."""
    kind = command.upper()
    origin = place if command.islower() else np.zeros(2)
    if kind == "Z":
        return start[None], None
    if kind in "HV":
        end = place.copy()
        axis = "HV".index(kind)
        end[axis] = values[0] + origin[axis]
        return end[None], None
    points = np.array(values).reshape(-1, 2) + origin
    if kind in "ML":
        return points, None
    if kind in "ST":  # the first control point mirrors the last one of the curve before
        points = np.concatenate([[place if control is None else 2 * place - control], points])
    curve = np.concatenate([[place], points])
    t = np.linspace(0, 1, CURVE_STEPS + 1)[1:, None]
    while len(curve) > 1:  # de Casteljau: from n points to n - 1, until one is left, for all t at once
        curve = [a + t * (b - a) for a, b in itertools.pairwise(curve)]
    return curve[0], points[-2]
