"""Type what line images say: a page in the browser, one line after the other, by keyboard alone.

    python -m minirnn.label LINES

LINES is a folder of line images, such as `python -m minirnn.prepare page.jpg --out LINES` makes. Every answer is saved
at once to LINES/metadata.csv (file_name, text), which `minirnn.prepare` reads; other columns and rows stay as they are.
Started again, it goes on with the first line that has no text. Ctrl-C ends it.

The page is served to this computer alone: on the loopback address, and to no page of another origin.
"""

import csv
import importlib.resources
import io
import json
import pathlib
import sys
import threading
import unicodedata
import urllib.parse
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

from minirnn.arguments import Parser
from minirnn.datasets.labelled import IMAGE_SUFFIXES
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.images.reading import read_image

HOST = "127.0.0.1"
PORT = 8765
LARGEST_REQUEST = 100_000  # bytes; a line of handwriting is far shorter
COLUMNS = ["file_name", "text"]


class Labels:
    """The texts of the line images in a folder, kept in its metadata.csv, which is read anew for every change."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "metadata.csv"
        self._lock = threading.Lock()
        if not self.folder.is_dir():
            raise MinirnnError(f"{self.folder}: no such folder; give the folder of line images")
        if not self.names():
            raise MinirnnError(f"{self.folder}: no image in it; python -m minirnn.prepare cuts a page into lines")

    def names(self):
        """The file names of the images, sorted: the order in which they are shown."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)

    def texts(self):
        """{file name: text} of all that have one."""
        return {row["file_name"]: row["text"] for row in self._read()[1] if row["text"]}

    def answer(self, name, text):
        """Save the text of the image called ``name``. MinirnnError if there is no such image, or no text."""
        text = unicodedata.normalize("NFC", text).strip()
        if name not in self.names():
            raise MinirnnError(f"there is no image {name!r} in the folder any more; load the page again")
        if not text:
            raise MinirnnError("type what the line says; the down arrow skips it")
        if not text.isprintable():
            raise MinirnnError("the text holds a character that cannot be printed; type it again")
        with self._lock:
            self._set(name, text)

    def undo(self, name):
        """Take back the last text before the image called ``name``, or of all if it is none of them.

        Returns (name, text) of what was taken back, or None if there is nothing.
        """
        with self._lock:
            names, texts = self.names(), self.texts()
            before = names[: names.index(name)] if name in names else names
            for last in reversed(before):
                if last in texts:
                    self._set(last, "")
                    return last, texts[last]
        return None

    def _set(self, name, text):
        columns, rows = self._read()
        of_name = [row for row in rows if row["file_name"] == name]
        if not of_name:
            of_name = [dict.fromkeys(columns, "") | {"file_name": name}]
            rows += of_name
        of_name[0]["text"] = text
        with atomic(self.path, newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def _read(self):
        """(columns, rows as dicts) of metadata.csv; no rows if there is none yet."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return COLUMNS, []
        except UnicodeDecodeError:
            raise MinirnnError(f"{self.path} is not UTF-8 text; save it as UTF-8") from None
        except OSError as error:
            raise MinirnnError(f"cannot read {self.path}: {error.strerror}") from None
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
        try:
            rows = list(reader)
        except csv.Error as error:
            raise MinirnnError(f"{self.path}, line {reader.line_num}: not valid CSV ({error}); mend the line") from None
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise MinirnnError(f"{self.path}, line 1: expected the columns file_name and text")
        if any(None in row for row in rows):
            raise MinirnnError(f"{self.path}: a row has more fields than there are columns; mend it")
        return reader.fieldnames, rows


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
        page = importlib.resources.files("minirnn").joinpath("label_page.html").read_bytes()
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


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(prog="python -m minirnn.label", description="Type what line images say.")
    parser.add_argument("folder", type=pathlib.Path, help="folder of line images")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the page; 0 takes a free one (default {PORT})")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser, only print the address")
    options = parser.parse_args(argv)
    if not 0 <= options.port < 65536:
        parser.error(f"--port {options.port} is not from 0 to 65535")
    labels = Labels(options.folder)
    labels.texts()  # a metadata.csv that cannot be read is said now
    with Server(labels, options.port) as server:
        print(f"type what the lines say at {server.url} (Ctrl-C ends)", flush=True)
        if not options.no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            done = len(labels.texts().keys() & set(labels.names()))
            print(f"\n{done} of {len(labels.names())} lines have a text in {labels.path}")


if __name__ == "__main__":
    sys.exit(run_command(main))
