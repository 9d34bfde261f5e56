"""Pen recordings in InkML (W3C Recommendation, 2011): a sample for every line of handwriting in a file.

A line is a ``traceGroup`` or ``traceView`` with a text, or else the whole file. The text is an ``annotation`` of type
truth, label, transcription or text, or else an ``annotationXML``; what a program has recognised (EMMA) is no text. The
group is an annotation of type writer, or else the file's name. Y points down, as InkML has it.
"""

import pathlib
import re

import numpy as np

from minirnn.datasets.safe_xml import descendants, local_name, read_xml
from minirnn.datasets.samples import Report, Sample
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import check_strokes

TEXT_TYPES = ("truth", "label", "transcription", "text")
LINE_TYPES = ("line", "textline")  # what an annotation of type "type" calls a line
INK = ("trace", "traceGroup", "traceView", "definitions")  # elements in which there is, or may be, ink
ID = "{http://www.w3.org/XML/1998/namespace}id"
# A value of a trace, with the mark before it that says how to read it and all values of this channel after it:
# ! as it is, ' as the difference to the value before, " as the difference of that difference.
VALUE = re.compile(r"""([!'"]?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\#[0-9A-Fa-f]+|[TF*?])""")
ORDER = {"!": 0, "'": 1, '"': 2}  # how many times a value has been differenced
MAX_CHANNELS, MAX_POINTS = 64, 500_000  # of a trace format, of a file: a pen that writes for an hour gives as many


def read_inkml(path, report=None, group=None):
    """The list of `Sample` in an InkML file, one per line of handwriting.

    ``report`` (`minirnn.datasets.Report`) gets the traces and lines that cannot be used; ``group`` names the group of
    lines of which no writer is known, by default the file's name. MinirnnError, which names the file, if nothing in it
    can be used.
    """
    path = pathlib.Path(path)
    report = Report() if report is None else report
    faults = []
    ink = _Ink(read_xml(path), path, faults)
    samples = []
    for element, text in ink.lines():
        strokes = ink.strokes(element)
        if strokes:
            writer = _note(element, "writer") or _note(ink.root, "writer") or group or path.stem
            samples.append(Sample(text, strokes, writer))
        else:
            faults.append(f"{path}: there is no stroke for {text!r}")
    if not samples:
        raise MinirnnError(faults[0] if faults else f"{path}: there is no stroke in it")
    for fault in faults:
        report.skip(str(path), fault.removeprefix(f"{path}").lstrip(":, "))
    return samples


def read_ink(path):
    """The strokes of an InkML file, whatever it says that is written, a list of (n, 2) arrays.

    Traces that cannot be used are left out; MinirnnError, which names the first of them, if there is no other one."""
    faults = []
    ink = _Ink(read_xml(path), path, faults)
    strokes = ink.strokes(ink.root)
    if not strokes:
        raise MinirnnError(faults[0] if faults else f"{path}: there is no stroke in it")
    return strokes


def _words(text):
    """The text with single spaces between its words."""
    return " ".join((text or "").split())


def _note(element, *kinds):
    """The first annotation of one of these types that is the element's own, or None."""
    for child in element:
        if local_name(child) == "annotation" and child.get("type", "text").lower() in kinds and _words(child.text):
            return _words(child.text)
    return None


def _text(element):
    """What is written in an element's own strokes, or None if it does not say."""
    text = _note(element, *TEXT_TYPES)
    if text:
        return text
    for child in element:
        if local_name(child) == "annotationXML" and not any("emma" in part.tag.lower() for part in child.iter()):
            text = _words(" ".join(child.itertext()))
            if text:
                return text
    return None


class _Ink:
    """An InkML document: its traces as they are found, and the elements that stand for lines."""

    def __init__(self, root, path, faults):
        self.root, self.path, self.faults = root, path, faults
        self.by_id = {e.get(ID) or e.get("id"): e for e in root.iter() if e.get(ID) or e.get("id")}
        formats = descendants(root, "traceFormat")
        self.default = formats[0] if formats else None
        points = sum((trace.text or "").count(",") + 1 for trace in descendants(root, "trace"))
        if points > MAX_POINTS:
            raise MinirnnError(f"{path} has {points:,} points; that is no page of handwriting (at most {MAX_POINTS:,})")
        self.steps = MAX_POINTS  # that may be made on the way from lines to traces
        self._layouts, self._channels, self.ratio = {}, {}, self._ratio()
        self.points = {}  # of each trace element: (n, 2), or None if it cannot be used
        self._read(root, None, 0)

    def _read(self, element, layout, number):
        """Read all traces in document order, each in the layout of channels that holds at its place -> how many."""
        layout = self._referred(element) if element.get("contextRef") else layout
        for child in element:
            name = local_name(child)
            if name in ("context", "traceFormat") and local_name(element) == "ink":
                layout = self._layout_in(child) if name == "context" else child
            elif name == "trace":
                number += 1
                own = self._referred(child) if child.get("contextRef") else layout
                self.points[child] = self._trace(child, own, f"{self.path}, trace {number}")
            elif name in ("traceGroup", "definitions"):
                number = self._read(child, layout, number)
        return number

    def _referred(self, element):
        name = element.get("contextRef").lstrip("#")
        if name not in self._layouts:
            context = self.by_id.get(name)
            self._layouts[name] = None if context is None else self._layout_in(context)
        return self._layouts[name]

    def _layout_in(self, context):
        """The traceFormat of a context: its own, that of its ink source, or one that either refers to."""
        inside = descendants(context, "traceFormat")
        if inside:
            return inside[0]
        for name in ("traceFormatRef", "inkSourceRef", "contextRef"):
            other = self.by_id.get((context.get(name) or "").lstrip("#"))
            if other is not None and other is not context:
                found = descendants(other, "traceFormat")
                if found:
                    return found[0]
        return None

    def _trace(self, trace, layout, where):
        if (trace.get("type") or "penDown").lower() == "penup":
            return None
        if not (trace.text or "").strip():
            self.faults.append(f"{where} is empty")
            return None
        try:
            layout = self.default if layout is None else layout
            if layout not in self._channels:
                self._channels[layout] = _channels(layout, self.path)
            points = _positions(trace.text, *self._channels[layout], where)
            return check_strokes([points * (1.0, self.ratio)], where)[0]
        except MinirnnError as error:
            self.faults.append(str(error))
            return None

    def _ratio(self):
        """How many units of x are as long as one of y: a tablet may count both at different resolutions."""
        found = {}
        for element in descendants(self.root, "channelProperty"):
            if element.get("name") == "resolution":
                found.setdefault(element.get("channel"), []).append((element.get("value"), element.get("units")))
        if len(found.get("X", ())) != 1 or len(found.get("Y", ())) != 1 or found["X"][0][1] != found["Y"][0][1]:
            return 1.0
        try:
            ratio = float(found["X"][0][0]) / float(found["Y"][0][0])
        except (TypeError, ValueError, ZeroDivisionError):
            return 1.0
        return ratio if 0.01 < ratio < 100 else 1.0

    def strokes(self, element):
        """The strokes of an element: of the traces in it, and of those that its views refer to."""
        found, waiting, seen = [], [element], set()  # waiting: what comes next stands last
        while waiting:
            part = waiting.pop()
            if part in seen:  # a view may refer to itself
                continue
            seen.add(part)
            self.steps -= 1
            if self.steps < 0:
                raise MinirnnError(f"{self.path}: its views refer to the same traces too often")
            if self.points.get(part) is not None:
                found.append(self.points[part])
            waiting += [child for child in reversed(part) if local_name(child) in INK]
            reference = part.get("traceDataRef") or part.get("traceRef")
            if reference and ("from" in part.attrib or "to" in part.attrib):
                self.faults.append(f"{self.path}: a view of a part of {reference} is not understood and left out")
            elif reference and reference.lstrip("#") in self.by_id:
                waiting.append(self.by_id[reference.lstrip("#")])
        return found

    def lines(self):
        """List of (element, text) of the lines of handwriting. MinirnnError if the file says no text."""
        groups = [e for e in self.root.iter() if local_name(e) in ("traceGroup", "traceView")]
        called = [e for e in groups if (_note(e, "type") or "").lower() in LINE_TYPES and _text(e)]
        if called:
            return [(element, _text(element)) for element in called]
        own = _text(self.root)
        found = self._topmost(self.root)
        if own and not (len(found) > 1 and " ".join(_text(e) for e in found) == own and self._are_stacked(found)):
            return [(self.root, own)]
        if not found:
            guess = " (what a program has recognised is no text)" if descendants(self.root, "annotationXML") else ""
            raise MinirnnError(
                f'{self.path} does not say what is written; add <annotation type="truth">the text</annotation>{guess}'
            )
        return [(element, _text(element)) for element in found]

    def _topmost(self, element):
        """The groups and views with a text that are in no other one with a text."""
        found = []
        for child in element:
            if local_name(child) in ("traceGroup", "traceView"):
                found += [child] if _text(child) else self._topmost(child)
        return found

    def _are_stacked(self, elements):
        """Whether each of the elements lies below the one before, as lines do and words do not."""
        parts = [self.strokes(element) for element in elements]
        if not all(parts):
            return False
        middles = [np.concatenate(strokes)[:, 1].mean() for strokes in parts]
        height = np.median([np.ptp(np.concatenate(strokes)[:, 1]) for strokes in parts])
        return bool((np.diff(middles) > height / 2).all())


def _channels(layout, path):
    """(the names of the channels in the order of a point's values, {name: 1 or -1}) of a traceFormat, None: X and Y."""
    if layout is None:
        return ["X", "Y"], {"X": 1, "Y": 1}
    channels = descendants(layout, "channel")
    names = [channel.get("name") for channel in channels]
    if not {"X", "Y"} <= set(names) or len(names) > MAX_CHANNELS:
        raise MinirnnError(f"{path} needs a trace format with the channels X and Y, and at most {MAX_CHANNELS} in all")
    return names, {channel.get("name"): -1 if channel.get("orientation") == "-ve" else 1 for channel in channels}


def _positions(text, names, signs, where):
    """The positions (n, 2) that a trace's text stands for."""
    order = [0] * len(names)
    history = [(0.0, 0.0)] * len(names)  # of each channel: its last value and its last difference
    x, y = names.index("X"), names.index("Y")
    points = []
    for number, written in enumerate(text.strip().removesuffix(",").split(","), 1):
        values = VALUE.findall(written)
        if VALUE.sub("", written).strip() or not 2 <= len(values) <= len(names):
            raise MinirnnError(f"{where}, point {number}: {written.strip()[:40]!r} is not one value for each channel")
        for index, (mark, value) in enumerate(values):
            order[index] = ORDER[mark] if mark else order[index]
            history[index] = _next_value(value, order[index], *history[index])
        points.append((signs["X"] * history[x][0], signs["Y"] * history[y][0]))
    return np.array(points)


def _next_value(written, order, value, difference):
    """Return (value, difference) of a channel after one more value of it."""
    if written == "*":  # as before
        return value + (difference if order == 2 else 0.0), difference
    if written in "TF?":  # a switch, or not known: no coordinate
        return float("nan"), 0.0
    # Digits beyond the 250th would not fit into a float.
    number = float(int(written[1:251], 16)) if written[0] == "#" else float(written)
    if order == 0:
        return number, number - value
    difference = number if order == 1 else difference + number
    return value + difference, difference
