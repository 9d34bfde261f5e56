"""The server of the label page: for this computer alone, on the loopback address, and for no page of another origin.
"""

import importlib.resources
import io
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

from minirnn.errors import MinirnnError
from minirnn.images.image_files import read_image

HOST = "127.0.0.1"
PORT = 8765
LARGEST_REQUEST = 100_000  # bytes; a line of handwriting is far shorter


class Handler(BaseHTTPRequestHandler):
    """Serves the page, the images, and what the page asks for as JSON."""

    def do_GET(self):
        """Answer a GET request: the page, its state, an image."""
        self._serve({"/": self._page, "/state": self._state, "/image": self._image})

    def do_POST(self):
        """Answer a POST request: an answer, an undo."""
        self._serve({"/answer": self._answer, "/undo": self._undo})

    def _serve(self, routes):
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        try:
            if not self._is_own_page():
                self._send(403, "text/plain", b"only the page of this program on this computer may ask")
            elif url.path not in routes:
                self._send(404, "text/plain", b"there is nothing here")
            else:
                routes[url.path]()
        except MinirnnError as error:
            self._send_json({"error": str(error)}, 400)

    def _is_own_page(self):
        """Whether the request comes from our own page: another one in the same browser has another Origin, and a
        name that was made to point to this computer (DNS rebinding) shows in Host."""
        hosts = [f"{name}:{self.server.server_port}" for name in (HOST, "localhost")]
        origin = self.headers.get("Origin")
        return self.headers.get("Host") in hosts and (origin is None or origin in [f"http://{host}" for host in hosts])

    def _page(self):
        page = importlib.resources.files("minirnn.labelling").joinpath("label_page.html").read_bytes()
        self._send(200, "text/html; charset=utf-8", page)

    def _state(self):
        names, texts = self.server.labels.names(), self.server.labels.texts()
        self._send_json({"names": names, "done": [name for name in names if name in texts]})

    def _image(self):
        name = self.query.get("name", [""])[0]
        if name not in self.server.labels.names():  # a name of the list, and so no path to anywhere
            raise MinirnnError(f"there is no image {name!r} in the folder")
        memory = io.BytesIO()
        levels = np.round(read_image(self.server.labels.folder / name) * 255).astype(np.uint8)
        Image.fromarray(levels).save(memory, "PNG", compress_level=1)
        self._send(200, "image/png", memory.getvalue())

    def _answer(self):
        asked = self._asked("name", "text")
        self.server.labels.answer(asked["name"], asked["text"])
        self._state()

    def _undo(self):
        taken = self.server.labels.undo(self._asked("name")["name"])
        name, text = taken or (None, None)
        self._send_json({"name": name, "text": text})

    def _asked(self, *keys):
        """The request's JSON object, whose ``keys`` are texts."""
        if self.headers.get("Content-Type") != "application/json":  # what a form of another page cannot send
            raise MinirnnError("expected application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_REQUEST:
            raise MinirnnError("the request is too large, or has no length")
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise MinirnnError("the request is not JSON") from None
        if not isinstance(asked, dict) or not all(isinstance(asked.get(key), str) for key in keys):
            raise MinirnnError(f"the request needs the texts {', '.join(keys)}")
        return asked

    def _send_json(self, answer, status=200):
        self._send(status, "application/json", json.dumps(answer).encode())

    def _send(self, status, kind, content):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        """Nothing: the terminal is for what the user should read."""


class Server(ThreadingHTTPServer):
    """Serves the label page of one folder on this computer's loopback address; ``port`` 0 takes a free one."""

    daemon_threads = True

    def __init__(self, labels, port=PORT):
        self.labels = labels
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise MinirnnError(f"cannot use port {port}: {error.strerror}; choose another one with --port") from None

    @property
    def url(self):
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request, client_address):
        """A browser that closes a connection in the middle is no fault; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
