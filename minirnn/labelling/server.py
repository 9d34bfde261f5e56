"""What the label page asks for: the page, the images, and their texts."""

import importlib.resources
import io
import threading

import numpy as np
from PIL import Image

from minirnn.errors import MinirnnError
from minirnn.images.image_files import read_image
from minirnn.images.pipeline import read_line
from minirnn.web.local_server import Content, LocalServer, texts

PORT = 8765


class LabelPage:
    """The answers to what the page asks about ``labels`` (`minirnn.labelling.labels.Labels`).

    ``reader`` (`minirnn.reading.reader.Reader`, or None) suggests the texts of lines for which metadata.csv has no
    suggestion."""

    def __init__(self, labels, reader=None):
        self.labels, self.reader = labels, reader
        self._read, self._lock = {}, threading.Lock()  # one line at a time is read, and each once

    def server(self, port=PORT):
        """A `LocalServer` of the page."""
        get = {"": self.page, "state": self.state, "image": self.image, "suggestion": self.suggestion}
        return LocalServer(port, get, {"answer": self.answer, "undo": self.undo})

    def page(self, query):
        """The page itself."""
        page = importlib.resources.files("minirnn.labelling").joinpath("label_page.html").read_bytes()
        return Content("text/html; charset=utf-8", page)

    def state(self, query):
        """The names of all images, and of those that have a text."""
        names, done = self.labels.names(), self.labels.texts()
        return {"names": names, "done": [name for name in names if name in done]}

    def image(self, query):
        """The image of the name ``name``, as PNG whatever it was: every browser can show that."""
        name = query.get("name", "")
        if name not in self.labels.names():  # a name of the list, and so no path to anywhere
            raise MinirnnError(f"there is no image {name!r} in the folder")
        memory = io.BytesIO()
        levels = np.round(read_image(self.labels.folder / name) * 255).astype(np.uint8)
        Image.fromarray(levels).save(memory, "PNG", compress_level=1)
        return Content("image/png", memory.getvalue())

    def suggestion(self, query):
        """What the line image of the name ``name`` seems to say: "" if nothing is known."""
        name = query.get("name", "")
        if name not in self.labels.names():
            raise MinirnnError(f"there is no image {name!r} in the folder")
        text = self.labels.suggestions().get(name)
        return {"text": self._reading(name) if text is None else text}

    def _reading(self, name):
        with self._lock:
            if name not in self._read:
                self._read[name] = self._read_line(self.labels.folder / name) if self.reader else ""
            return self._read[name]

    def _read_line(self, path):
        try:
            _, line = read_line(read_image(path))
        except MinirnnError:  # a damaged image, which the page says itself
            return ""
        return self.reader.texts([line.strokes])[0].strip() if line else ""

    def answer(self, asked):
        """Save a text; the new state."""
        self.labels.answer(*texts(asked, "name", "text"))
        return self.state({})

    def undo(self, asked):
        """Take the last text back; whose it was and what."""
        taken = self.labels.undo(*texts(asked, "name"))
        name, text = taken or (None, None)
        return {"name": name, "text": text}
