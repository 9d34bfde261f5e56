"""What the studio's page asks for: the page itself, hands, lines that are written, files to keep."""

import importlib.resources
import io
import zipfile

import numpy as np

from minirnn.drawing import FORMATS, PLOTTERS, check_output, page_files
from minirnn.drawing.animate import pace
from minirnn.drawing.ink import ink, mixed, simplified
from minirnn.drawing.svg import path_data
from minirnn.errors import MinirnnError
from minirnn.studio_page.desk import Desk, seed_of
from minirnn.studio_page.document import choices, read_document
from minirnn.web.local_server import Content, LocalServer, texts
from minirnn.writing.letters import pages_of

PORT = 8766
SECONDS = 0.7  # of writing before the page is shown what there is
FILES = {
    "": ("index.html", "text/html; charset=utf-8"), "studio.css": ("studio.css", "text/css; charset=utf-8"),
    "studio.js": ("studio.js", "text/javascript; charset=utf-8"),
    "paper.js": ("paper.js", "text/javascript; charset=utf-8"),
}  # fmt: skip
KINDS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf", "gcode": "text/plain",
         "hpgl": "text/plain"}  # fmt: skip


class Studio:
    """The answers to what the page asks; ``desk`` (`Desk`) writes."""

    def __init__(self, desk=None):
        self.desk = desk or Desk()

    def server(self, port=PORT):
        """A `LocalServer` of the page."""
        get = {path: lambda query, path=path: _file(path) for path in FILES}
        get |= {"choices": self.choices, "specimen": self.specimen}
        return LocalServer(port, get, {"write": self.write, "draw": self.draw})

    def choices(self, query):
        """What there is to choose from."""
        return choices() | {"hands": self.desk.hands()}

    def specimen(self, query):
        """A line of the hand ``hand``, as an SVG whose ink has the colour of the text around it."""
        number = query.get("hand", "")
        if not (number.isdecimal() and len(number) < 4):
            raise MinirnnError("the specimen needs the number of a hand")
        line = self.desk.specimen(int(number))
        strokes = [simplified(stroke * line.scale(2.2)) for stroke in line.strokes] if line else []
        return {"strokes": [path_data(stroke) for stroke in strokes], "box": _box(strokes)}

    def write(self, asked):
        """Write a document as far as there is time: its pages, warnings, and how many lines are left."""
        document = read_document(asked)
        sections, warnings, left = self.desk.write(document, SECONDS)
        pages = pages_of(sections, document.untidiness, document.seed)
        pen = document.ink()
        return {
            "pages": [_page(page, pen, document.seed) for page in pages], "warnings": warnings, "left": left,
            "opacity": pen.opacity,
        }  # fmt: skip

    def draw(self, asked):
        """The finished document as a file of the format ``kind``; several files are one ZIP archive."""
        document, (kind,) = read_document(asked), texts(asked, "kind")
        animate = kind == "animation"
        kind = "svg" if animate else kind
        if kind not in FORMATS:
            raise MinirnnError(f"there is no format {kind!r}; there are {', '.join(FORMATS)}, and animation")
        name = {"gcode": asked.get("plotter", "grbl-servo"), "hpgl": "hpgl"}.get(kind)
        if name is not None and name not in list(PLOTTERS):  # a list, for names of any type
            raise MinirnnError(f"there is no plotter {name!r}; there are {', '.join(PLOTTERS)}")
        plotter = PLOTTERS.get(name)
        look = document.look(animate=animate, transparent=asked.get("transparent") is True and kind in ("png", "svg")
                             and not animate, plotter=plotter)  # fmt: skip
        check_output(kind, look)
        sections, _, _ = self.desk.write(document, np.inf)
        files = page_files(pages_of(sections, document.untidiness, document.seed), kind, look)
        if len(files) == 1:
            return Content(KINDS[kind], files[0][1])
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(f"letter{name}{FORMATS[kind][0]}", content)
        return Content("application/zip", memory.getvalue())


def _file(path):
    name, kind = FILES[path]
    return Content(kind, importlib.resources.files("minirnn.studio_page").joinpath(name).read_bytes())


def _box(strokes):
    points = np.concatenate(strokes) if strokes else np.zeros((1, 2))
    (x_min, y_min), (x_max, y_max) = points.min(axis=0) - 1, points.max(axis=0) + 1
    return [round(float(n), 2) for n in (x_min, y_min, x_max - x_min, y_max - y_min)]


def _page(page, pen, seed):
    """What the browser draws of a page: what is printed on it, bullets, and its lines."""
    ends = [place.first for place in page.places[1:]] + [len(page.strokes)]
    lines = [
        _line(place, page.strokes[place.first : end], pen, seed) for place, end in zip(page.places, ends)
    ]  # fmt: skip
    return {
        "width": page.width, "height": page.height, "lines": lines,
        "guides": [{"colour": colour, "d": path_data(line)} for colour, line in page.guides],
        "loose": _ink(page.strokes[: page.places[0].first] if page.places else page.strokes, pen, seed),
    }  # fmt: skip


def _line(place, strokes, pen, seed):
    """A line for the browser: its ink, and its strokes with the times at which they are written."""
    thin = [simplified(stroke) for stroke in strokes]
    starts, lengths = pace(thin)
    return {
        "key": place.note.key, "text": place.text, "fault": place.note.fault,
        "box": [round(n, 2) for n in (float(place.x), float(place.y), float(place.width))],
        "ink": _ink(strokes, pen, seed_of(seed, place.note.key)),
        "strokes": [{"d": path_data(stroke), "start": round(float(start), 3), "length": round(float(length), 3)}
                    for stroke, start, length in zip(thin, starts, lengths)],
    }  # fmt: skip


def _ink(strokes, pen, seed):
    """Paths of one width and colour each, pale ones first."""
    paths = {}
    for run in ink(strokes, pen, seed):
        paths.setdefault((mixed(pen.colour, run.darkness), run.width), []).append(path_data(run.points))
    return [{"colour": colour, "width": round(width, 3), "d": "".join(data)}
            for (colour, width), data in sorted(paths.items(), reverse=True)]  # fmt: skip
