"""Pen recordings in InkML (W3C Recommendation, 2011): one file is one line of handwriting.

The text is an ``annotation`` of type truth, label, transcription or text, or else an ``annotationXML``; the group is
an annotation of type writer, or else the file's name. Y points down, as InkML has it.
"""

import pathlib
import re

import numpy as np

from minirnn.datasets.safe_xml import local_name, read_xml
from minirnn.datasets.samples import Sample
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import check_strokes

TEXT_TYPES = ("truth", "label", "transcription", "text")
# A value of a trace, with the mark before it that says how to read it and all values of this channel after it:
# ! as it is, ' as the difference to the value before, " as the difference of that difference.
VALUE = re.compile(r"""([!'"]?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\#[0-9A-Fa-f]+|[TF*?])""")
ORDER = {"!": 0, "'": 1, '"': 2}  # how many times a value has been differenced


def read_inkml(path):
    """Return the `Sample` in an InkML file. MinirnnError names the file and what is wrong with it."""
    path = pathlib.Path(path)
    root = read_xml(path)
    notes = [(note.get("type", "text").lower(), _words(note.text or "")) for note in _all(root, "annotation")]
    notes += [("text", _words(" ".join(note.itertext()))) for note in _all(root, "annotationXML")]
    text = next((note for kind, note in notes if kind in TEXT_TYPES and note), None)
    if text is None:
        raise MinirnnError(f'{path} does not say what is written; add <annotation type="truth">the text</annotation>')
    writer = next((note for kind, note in notes if kind == "writer" and note), path.stem)
    return Sample(text, _strokes(root, path), writer)


def read_ink(path):
    """The strokes of an InkML file, whatever it says that is written, a list of (n, 2) arrays."""
    return _strokes(read_xml(path), path)


def _strokes(root, path):
    channels = _channels(root, path)
    strokes = [
        _trace(element.text or "", channels, f"{path}, trace {number}")
        for number, element in enumerate(_all(root, "trace"), 1)
    ]
    return check_strokes(strokes, path)


def _words(text):
    """The text with single spaces between its words."""
    return " ".join(text.split())


def _all(root, name):
    return (element for element in root.iter() if local_name(element) == name)


def _channels(root, path):
    """Return (the names of the channels in the order of a point's values, {name: 1 or -1})."""
    formats = [list(_all(element, "channel")) for element in _all(root, "traceFormat")]
    if not formats:
        return ["X", "Y"], {"X": 1, "Y": 1}
    layouts = {tuple((channel.get("name"), channel.get("orientation")) for channel in one) for one in formats}
    names = [channel.get("name") for channel in formats[0]]
    if len(layouts) > 1 or not {"X", "Y"} <= set(names):
        raise MinirnnError(f"{path} needs one trace format for all its traces, with the channels X and Y")
    signs = {channel.get("name"): -1 if channel.get("orientation") == "-ve" else 1 for channel in formats[0]}
    return names, signs


def _trace(text, channels, where):
    """Return the positions (n, 2) that a trace's text stands for."""
    names, signs = channels
    order = [0] * len(names)
    history = [(0.0, 0.0)] * len(names)  # of each channel: its last value and its last difference
    points = []
    for number, written in enumerate(text.strip().removesuffix(",").split(","), 1):
        values = VALUE.findall(written)
        if VALUE.sub("", written).strip() or not 2 <= len(values) <= len(names):
            raise MinirnnError(f"{where}, point {number}: {written.strip()!r} is not one value for each channel")
        for index, (mark, value) in enumerate(values):
            order[index] = ORDER[mark] if mark else order[index]
            history[index] = _next_value(value, order[index], *history[index])
        point = {name: signs[name] * value for name, (value, _) in zip(names, history)}
        points.append((point["X"], point["Y"]))
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
