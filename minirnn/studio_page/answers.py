"""The studio: the page itself, and all that it asks for, in one server."""

import importlib.resources
import threading

from minirnn.reading.checks import reader_if_any
from minirnn.studio_page.desk import Desk
from minirnn.studio_page.jobs import Jobs
from minirnn.studio_page.letter import Letters
from minirnn.studio_page.own_hand import OwnHandAnswers
from minirnn.studio_page.own_hands import OwnHands
from minirnn.studio_page.picture_reading import PictureReading
from minirnn.studio_page.watching import Watching
from minirnn.web.local_server import Content, LocalServer
from minirnn.writing.proofreading import Proofreader

PORT = 8766
KINDS = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
PAGE = ("index.html", "studio.css", "studio.js", "ask.js", "letter.js", "paper.js", "hand.js", "read.js", "runs.js")


class Studio:
    """The answers to what the page asks.

    folder   where hands of one's own are kept, as soon as there is one
    runs     folders of runs that can be watched
    reader   a run of ``minirnn.train --task read``; None: the weights that come with the package, if there are any
    desk     `Desk`; None: one with the hands that come with the package
    """

    def __init__(self, folder="studio", runs=("runs",), reader=None, desk=None):
        self._reader_run, self._reader, self._lock = reader, None, threading.Lock()
        self.own, self.jobs = OwnHands(folder), Jobs()
        self.desk = desk or Desk(None, self.proofreader, self.own.weights)
        self.letters = Letters(self.desk, self.jobs)
        self.hand = OwnHandAnswers(self.own, self.jobs, self.reader)
        self.pictures = PictureReading(self.jobs, self.reader)
        self.watching = Watching(runs, self.own)

    def reader(self):
        """The `minirnn.reading.reader.Reader`, or None if there are no weights for one."""
        with self._lock:
            if self._reader is None:
                self._reader = reader_if_any(self._reader_run)
            return self._reader

    def proofreader(self):
        """What proofreads the letters, or None."""
        reader = self.reader()
        return reader and Proofreader(reader)

    def server(self, port=PORT):
        """A `LocalServer` of the page."""
        get = {name.replace("index.html", ""): lambda query, name=name: _file(name) for name in PAGE}
        get |= {"job": self.jobs.state, "result": self.result, "reads": lambda query: self.reader() is not None}
        post, uploads = {"cancel": self.jobs.cancel}, {}
        for part in (self.letters, self.hand, self.pictures, self.watching):
            for routes, more in zip((get, post, uploads), part.routes()):
                routes |= more
        return LocalServer(port, get, post, uploads)

    def result(self, query):
        """What a job has made; its picture is asked for apart."""
        result = self.jobs.result(query)
        if isinstance(result, dict):
            return {name: value for name, value in result.items() if not isinstance(value, Content)}
        return result

    def close(self):
        """Let the trainings that were started here save and end."""
        self.own.close()


def _file(name):
    data = importlib.resources.files("minirnn.studio_page").joinpath("page").joinpath(name).read_bytes()
    return Content(KINDS[name.rpartition(".")[2]], data)
