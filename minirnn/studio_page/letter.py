"""What the page asks for while a letter is written: what there is to choose from, pages, files to keep."""

import hashlib
import io
import zipfile

import numpy as np

from minirnn.drawing import FORMATS, PLOTTERS, check_output, page_files
from minirnn.drawing.animate import pace
from minirnn.drawing.ink import ink, mixed, simplified
from minirnn.drawing.svg import path_data
from minirnn.errors import MinirnnError, is_text
from minirnn.studio_page.desk import seed_of
from minirnn.studio_page.document import choices, read_document
from minirnn.web.local_server import Content, texts
from minirnn.writing.letters import pages_of

SECONDS = 0.7  # of writing before the page is shown what there is
MOST_KNOWN = 5000  # lines that a page says it has
KINDS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf", "gcode": "text/plain",
         "hpgl": "text/plain"}  # fmt: skip


class Letters:
    """The answers about letters; ``desk`` (`minirnn.studio_page.desk.Desk`) writes them, ``jobs`` draws files."""

    def __init__(self, desk, jobs):
        self.desk, self.jobs = desk, jobs

    def routes(self):
        """Answers to GET, to POST and to uploads, by their paths."""
        return {"choices": self.choices, "specimen": self.specimen}, {"write": self.write, "draw": self.draw}, {}

    def choices(self, query):
        """What there is to choose from."""
        return choices() | {"hands": self.desk.hands()}

    def specimen(self, query):
        """A line of the hand number ``hand`` or of the own hand ``own``: its strokes, and the box around them."""
        number = query.get("hand", "1")
        if not (number.isascii() and number.isdecimal() and len(number) < 4):
            raise MinirnnError("the specimen needs the number of a hand")
        line = self.desk.specimen(read_document({"hand": int(number), "own": query.get("own", "")}))
        strokes = [simplified(stroke * line.scale(2.2)) for stroke in line.strokes] if line else []
        return {"strokes": [path_data(stroke) for stroke in strokes], "box": _rounded(*_box(strokes))}

    def write(self, asked):
        """Write a document as far as there is time: its pages, warnings, and how many lines are left.

        Of lines whose look is among ``known``, which the page has already, only the look is sent."""
        document, known = read_document(asked), asked.get("known", [])
        if not isinstance(known, list) or len(known) > MOST_KNOWN or not all(map(is_text, known)):
            raise MinirnnError("known is to be a list of the looks of lines")
        sections, warnings, left = self.desk.write(document, SECONDS)
        pages = pages_of(sections, document.untidiness, document.seed)
        pen = document.ink()
        return {
            "pages": [_page(page, pen, document, frozenset(known)) for page in pages], "warnings": warnings,
            "left": left, "opacity": pen.opacity,
        }  # fmt: skip

    def draw(self, asked):
        """Start to make the finished document a file of the format ``kind``; several files are one ZIP archive."""
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
        self.desk.check(document)
        return self.jobs.start(lambda job: self._file(document, kind, look, job))

    def _file(self, document, kind, look, job):
        """The `Content` of a document in a format; ``job`` is told how far it is."""
        left, most = 1, 0
        while left:
            sections, _, left = self.desk.write(document, SECONDS)
            most = max(most, left)
            job.report(most - left, most, "writing")
        pages = pages_of(sections, document.untidiness, document.seed)
        files = page_files(pages, kind, look, lambda done: job.report(done, len(pages), "drawing"))
        if len(files) == 1:
            return Content(KINDS[kind], files[0][1])
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(f"letter{name}{FORMATS[kind][0]}", content)
        return Content("application/zip", memory.getvalue())


def _box(strokes):
    """(left, top, right, bottom) with some room around strokes."""
    points = np.concatenate(strokes) if strokes else np.zeros((1, 2))
    return (*(points.min(axis=0) - 1), *(points.max(axis=0) + 1))


def _rounded(left, top, right, bottom):
    """left, top, width, height for the browser."""
    return [round(float(n), 2) for n in (left, top, right - left, bottom - top)]


def _page(page, pen, document, known):
    """What the browser draws of a page: what is printed on it, bullets, and its lines."""
    lines = [(place, page.strokes[place.first : place.first + place.note.count]) for place in page.places]
    own = {n for place in page.places for n in range(place.first, place.first + place.note.count)}
    loose = [stroke for n, stroke in enumerate(page.strokes) if n not in own]
    return {
        "width": page.width, "height": page.height,
        "lines": [_line(place, strokes, pen, document, known) for place, strokes in lines],
        "guides": [{"colour": colour, "d": path_data(line)} for colour, line in page.guides],
        "loose": _ink(loose, pen, document.seed),
    }  # fmt: skip


def _line(place, strokes, pen, document, known):
    """A line for the browser: its words, its ink, and its strokes with the times at which they are written."""
    note = place.note
    look = hashlib.sha256(np.concatenate([*strokes, np.zeros((1, 2))]).tobytes() + repr((pen, note)).encode())
    look = look.hexdigest()[:16]
    if look in known:
        return {"key": note.key, "look": look}
    thin = [simplified(stroke) for stroke in strokes]
    starts, lengths = pace(thin)
    return {
        "key": note.key, "look": look, "text": place.text, "fault": note.fault,
        "box": [round(n, 2) for n in (float(place.x), float(place.y), float(place.width))],
        "words": [
            {"begin": word.begin, "text": place.text[max(word.begin, 0) : word.end], "fault": word.fault,
             "strokes": [word.first, word.stop], "box": _rounded(*_box(strokes[word.first : word.stop]))}
            for word in note.words
        ],
        "ink": _ink(strokes, pen, seed_of(document.seed, note.key)),
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
