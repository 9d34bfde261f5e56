"""Unipen files: keywords that begin with a dot, and between them the points of the pen (Guyon et al. 1994).

    .COORD X Y
    .SEGMENT TEXT 0-1 OK "Hi"
    .PEN_DOWN
    707 2417
    707 2424
    .PEN_UP
    .PEN_DOWN
    ...

Segments of text, words and characters overlap; of a file, the longest kind that it has is taken. A segment names its
components by number: those where the pen was down, or, with some contributors, those where it was up, too. Which of
the two is not said in the file; the second is taken if the first has too few.
"""

import pathlib
import re
import shlex

import numpy as np

from minirnn.datasets.samples import Sample
from minirnn.errors import MinirnnError, is_text
from minirnn.ink.strokes import check_strokes

SUFFIXES = (".unipen", ".upn", ".dat")
KINDS = ("TEXT", "PHRASE", "LINE", "WORD", "CHARACTER")  # the longest first; PAGE and SENTENCE run over several lines
MOST_INCLUDED = 50  # files that one file may bring in
PART = re.compile(r"(\d+)(?::\d+)?(?:-(\d+)(?::\d+)?)?")  # 3, 0-2, or from point to point: 0:5-2:7


def is_unipen(path):
    """Whether the file ``path`` begins as Unipen files do: with a keyword and a dot."""
    with open(path, "rb") as file:
        return re.match(rb"\s*\.[A-Z_]+(\s|$)", file.read(200)) is not None


def read_unipen(path, report, group=None):
    """The samples of a Unipen file: list of `Sample`, one per segment with a text.

    ``report`` is told of segments that cannot be used. ``group`` is by default the writer that the file names, or the
    file's name. Raises MinirnnError if there is no segment that can be used.
    """
    path = pathlib.Path(path)
    ink = _Ink(path)
    ink.read(path)
    kind = next((kind for kind in KINDS if any(segment[0] == kind for segment in ink.segments)), None)
    group = ink.writer or group or path.stem
    samples = []
    for number, (of_kind, parts, text) in enumerate(ink.segments):
        if of_kind != kind:
            continue
        name = f"{group}, segment {number}"
        try:
            samples.append(Sample(_checked(text, name), ink.strokes(parts, name), group))
        except MinirnnError as error:
            report.skip(name, str(error).removeprefix(f"{name}: "))
    if not samples:
        raise MinirnnError(f"{path}: there is no segment with a text in it (.SEGMENT WORD 0-3 OK \"text\")")
    return samples


def _checked(text, name):
    if text is None or not is_text(text) or not text.strip():
        raise MinirnnError(f"{name}: a segment without a text")
    return text.strip()


class _Ink:
    """What a Unipen file and those that it includes hold.

    components  list of (whether the pen was down, (n, columns) numbers)
    segments    list of (kind, numbers of components as they are written, text or None)
    """

    def __init__(self, path):
        self.path = path
        self.components, self.segments, self.columns, self.writer = [], [], ["X", "Y"], None
        self.included = 0

    def read(self, path):
        """Read one file: a keyword and all that follows it up to the next one at a time."""
        try:
            text = path.read_text("latin-1")
        except OSError as error:
            raise MinirnnError(f"cannot read {path}: {error.strerror or error}; check the name") from None
        for statement in re.split(r"^\s*\.(?=[A-Z_]+\b)", text, flags=re.MULTILINE)[1:]:
            keyword, *rest = statement.split(None, 1)
            self._statement(path, keyword, rest[0] if rest else "")

    def _statement(self, path, keyword, rest):
        if keyword == "COORD":
            self.columns = rest.split()
            if not {"X", "Y"} <= set(self.columns):
                raise MinirnnError(f"{path}: .COORD {rest.strip()!r} has no X and Y")
        elif keyword in ("PEN_DOWN", "PEN_UP"):
            self.components.append((keyword == "PEN_DOWN", rest))
        elif keyword == "WRITER_ID" and rest.strip():
            self.writer = rest.strip()
        elif keyword == "INCLUDE" and rest.strip():
            self._include(path, rest.split()[0])
        elif keyword == "SEGMENT":
            self._segment(rest)

    def _include(self, path, name):
        self.included += 1
        if self.included > MOST_INCLUDED:
            raise MinirnnError(f"{path}: includes more than {MOST_INCLUDED} files")
        if pathlib.PurePath(name).is_absolute() or ".." in pathlib.PurePath(name).parts:
            raise MinirnnError(f"{path}: includes {name}, which leads out of its folder")
        root = self.path.parent.resolve()
        candidates = [root / name, *(folder / "include" / name for folder in (root, *root.parents[:6]))]
        found = next((candidate for candidate in candidates if candidate.is_file()), None)
        if found is None:
            raise MinirnnError(f"{path}: includes {name}, which is neither beside it nor in a folder include above it")
        self.read(found)

    def _segment(self, rest):
        try:
            words = shlex.split(rest.replace("\n", " "), posix=True)
        except ValueError:  # a quotation mark too many
            words = rest.replace('"', " ").split()
        if len(words) >= 2:
            self.segments.append((words[0].upper(), words[1], words[3] if len(words) > 3 else None))

    def strokes(self, parts, name):
        """The strokes of a segment, y down, from its component numbers."""
        numbers = []
        for part in parts.split(","):
            match = PART.fullmatch(part.strip())
            if not match:
                raise MinirnnError(f"{name}: {parts[:40]!r} names no components")
            first, last = int(match[1]), int(match[2] or match[1])
            if last >= len(self.components):
                raise MinirnnError(f"{name}: component {last} is not in the file")
            numbers += range(first, last + 1)
        pens = [component for component in self.components if component[0]]
        counted = pens if self._last_component() < len(pens) else self.components
        strokes = [self._points(counted[number][1], name) for number in numbers if counted[number][0]]
        return check_strokes([stroke for stroke in strokes if len(stroke)], name)

    def _last_component(self):
        """The highest component number that any segment names."""
        return max((int(number) for _, parts, _ in self.segments for number in re.findall(r"(?<![:\d])\d+", parts)),
                   default=0)  # fmt: skip

    def _points(self, text, name):
        try:
            values = np.array(text.split(), float)
            values = values.reshape(-1, len(self.columns))
        except ValueError:
            raise MinirnnError(f"{name}: points that are no rows of {' '.join(self.columns)}") from None
        x, y = (values[:, self.columns.index(column)] for column in "XY")
        return np.column_stack([x, -y])  # Unipen's y goes up
