"""A server of pages for one user of this computer: the safety that the label page and every other page share.

It listens on the loopback address, so that no other computer reaches it. Others still might, and are refused:

    other users of this computer         do not know the token in the address, which is drawn anew at every start
    pages of other sites in the browser  show in Origin and Sec-Fetch-Site, a name that was made to point to this
                                         computer (DNS rebinding) in Host; and what is answered may not be embedded
                                         in another site's page (Cross-Origin-Resource-Policy)
    requests without end                 have SECONDS to arrive; MOST are served at a time, and further ones closed
"""

import contextlib
import dataclasses
import hmac
import json
import os
import re
import secrets
import socket
import socketserver
import sys
import threading
import traceback
import urllib.parse
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from minirnn.errors import MinirnnError, printable

HOST = "127.0.0.1"
SECONDS = 30  # that a request may take to arrive, and its answer to be taken
MOST = 32  # requests at a time; a browser opens six connections
LARGEST_QUESTION = 100_000  # bytes of JSON; a line of handwriting is far shorter
LARGEST_UPLOAD = 64_000_000  # bytes; a photograph has ten million
POLICY = (
    "default-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclasses.dataclass(frozen=True)
class Content:
    """An answer that is not JSON: its media type, as "image/png", and its bytes."""

    kind: str
    data: bytes


class LocalServer(ThreadingHTTPServer):
    """Serves pages to this computer alone; ``port`` 0 takes a free one. MinirnnError if the port is taken.

    get     : {path: function of the query, a dict of texts}
    post    : {path: function of the JSON object that was sent, a dict}
    uploads : {path: function of the query and of the bytes that were sent}

    A path has no slash at its beginning; the page itself is "", and names the others by relative addresses. A function
    returns `Content` or what JSON can say; a `MinirnnError` is answered as {"error": its message}. Functions are called
    from several threads at once.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # on Windows this would let another program take the port

    def __init__(self, port, get, post, uploads=None):
        self.get, self.post, self.uploads = get, post, uploads or {}
        self.token, self._ticket = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self._places, self._lock = threading.Semaphore(MOST), threading.Lock()
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise MinirnnError(f"cannot use port {port}: {error.strerror}; choose another one with --port") from None

    def server_bind(self):
        """Bind the socket, without the question for the computer's name, which may take long to be answered."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    @property
    def url(self):
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def open_browser(self):
        """Open the page in the user's browser, and do not wait: some browsers return only when they are closed.

        Other users can see the command line of a browser, so that it names a ticket that is good for one use."""
        address = f"http://{HOST}:{self.server_port}/{self._ticket}/"
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def takes_ticket(self, word):
        """Whether ``word`` is the ticket of `open_browser`, which is then used up."""
        with self._lock:
            good = self._ticket is not None and same(word, self._ticket)
            if good:
                self._ticket = None
            return good

    def verify_request(self, request, client_address):
        """Whether there is a place for one more request."""
        return self._places.acquire(blocking=False)

    def process_request_thread(self, request, client_address):
        """Serve one request, then free its place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request, client_address):
        """A browser that closes a connection in the middle is no fault; anything else is shown."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            show_fault()


class Handler(BaseHTTPRequestHandler):
    """One request to a `LocalServer`."""

    timeout = SECONDS  # of a read or a write
    server_version, sys_version = "minirnn", ""

    def setup(self):
        """Start the clock: whoever sends a byte now and then would never reach ``timeout``."""
        super().setup()
        self.clock = threading.Timer(self.timeout, self._break_off)
        self.clock.daemon = True
        self.clock.start()

    def finish(self):
        """Stop the clock."""
        self.clock.cancel()
        super().finish()

    def _break_off(self):
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self):
        """Answer a GET request."""
        self._serve(self.server.get, lambda function: function(self.query))

    def do_POST(self):
        """Answer a POST request, by the type of what it carries."""
        if self.headers.get("Content-Type") == "application/octet-stream":
            self._serve(self.server.uploads, lambda function: function(self.query, self._body(LARGEST_UPLOAD)))
        else:
            self._serve(self.server.post, lambda function: function(self._question()))

    def _serve(self, routes, call):
        """Refuse the request of a stranger; else answer with what ``call`` makes of the function in ``routes``."""
        place, _, query = self.path.partition("?")
        token, slash, path = place.lstrip("/").partition("/")
        self.query = dict(urllib.parse.parse_qsl(query))
        try:
            if not self._is_own_page():
                self._send(403, "text/plain", b"only the page of this program on this computer may ask")
            elif self.command == "GET" and not path and self.server.takes_ticket(token):
                self._send(303, "text/plain", b"", Location=f"/{self.server.token}/")
            elif not slash or not same(token, self.server.token):
                message = "this address is not the one that the program printed when it was started; open that one"
                self._send_json({"error": message}, 403)
            elif path not in routes:
                self._send_json({"error": "there is nothing here"}, 404)
            else:
                answer = call(routes[path])
                if isinstance(answer, Content):
                    self._send(200, answer.kind, answer.data)
                else:
                    self._send_json(answer)
        except MinirnnError as error:
            self._send_json({"error": str(error)}, 400)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:  # what no part of the program has put into better words
            self._send_json({"error": f"{error.filename or 'the file'}: {error.strerror or error}"}, 400)
        except Exception:
            show_fault()
            self._send_json({"error": "this is a fault of the program; its window says more"}, 500)

    def _is_own_page(self):
        """Whether the request comes from our own page, or from the user who typed its address."""
        hosts = [f"{name}:{self.server.server_port}" for name in (HOST, "localhost")]
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site")
        return (
            self.headers.get("Host") in hosts
            and (origin is None or origin in [f"http://{host}" for host in hosts])
            and (site is None or site in ("same-origin", "none"))
        )

    def _question(self):
        """The JSON object of the request."""
        if self.headers.get("Content-Type") != "application/json":  # what a form of another page cannot send
            raise MinirnnError("expected application/json")
        try:
            asked = json.loads(self._body(LARGEST_QUESTION))
        except (ValueError, RecursionError):
            raise MinirnnError("the request is not JSON") from None
        if not isinstance(asked, dict):
            raise MinirnnError("the request is not a JSON object")
        return asked

    def _body(self, largest):
        """The bytes that came with the request, at most ``largest``."""
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not re.fullmatch("[0-9]{1,12}", lengths[0]) or int(lengths[0]) > largest:
            raise MinirnnError(f"the request has no length, or is larger than {largest:,} bytes")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise MinirnnError("the request broke off")
        self.clock.cancel()  # it has arrived: what is asked for may take as long as it takes
        return body

    def _send_json(self, answer, status=200):
        self._send(status, "application/json", json.dumps(answer).encode())

    def _send(self, status, kind, content, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self):
        """End the headers with those of every answer, those of http.server's own errors among them."""
        self.clock.cancel()
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Referrer-Policy", "same-origin")
        super().end_headers()

    def log_message(self, *arguments):
        """Nothing: the terminal is for what the user should read."""


def texts(asked, *keys):
    """The values of ``keys`` in a JSON object that was sent. MinirnnError if one of them is no text."""
    if not all(isinstance(asked.get(key), str) for key in keys):
        raise MinirnnError(f"the request needs the texts {', '.join(keys)}")
    return [asked[key] for key in keys]


def same(word, secret):
    """Whether the two are the same, without telling by the time it takes how much of ``word`` is right."""
    return hmac.compare_digest(word.encode("utf-8", "surrogatepass"), secret.encode())


def show_fault():
    """Show the traceback of a fault of the program, without the control characters of whoever asked."""
    print(*map(printable, traceback.format_exc().splitlines()), sep="\n", file=sys.stderr)
