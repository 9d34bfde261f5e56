"""The server that all pages share: attacked as other users, other pages and endless requests would do it."""

import contextlib
import http.client
import io
import json
import re
import socket
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minirnn.errors import MinirnnError
from minirnn.web import local_server
from minirnn.web.local_server import Content, LocalServer, texts

KEPT = []  # what was posted


def broken(query):
    raise RuntimeError("\x1b]0;forged title\a")


def keep(asked):
    KEPT.append(texts(asked, "word"))
    return {"kept": len(KEPT)}


@pytest.fixture
def server():
    KEPT.clear()
    get = {"": lambda query: Content("text/html", b"<p>the page"), "state": lambda query: query, "broken": broken}
    uploads = {"picture": lambda query, data: {"bytes": len(data)} | query}
    with LocalServer(0, get, {"keep": keep}, uploads) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, body=None, **headers):
    """(status, headers, content) of a request for ``path`` from its first slash on. Headers are given with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def own(server, path, body=None, **headers):
    """`ask` by who knows the token; a ``body`` that is no bytes is sent as JSON."""
    if body is not None and not isinstance(body, bytes):
        headers = {"Content_Type": "application/json"} | headers
        body = json.dumps(body).encode()
    return ask(server, f"/{server.token}/{path}", body, **headers)


def send(server, data, end=False):
    """What comes back for these bytes, however it ends; with ``end`` it is said that no more bytes come."""
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(2**16):
            answer += piece
    return answer


def test_only_this_computer_reaches_it(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert re.fullmatch(rf"http://127\.0\.0\.1:{server.server_port}/[\w-]{{22}}/", server.url)


def test_who_knows_the_address_is_answered(server):
    assert own(server, "")[2] == b"<p>the page"
    assert json.loads(own(server, "state?a=%C3%A9&b=2")[2]) == {"a": "é", "b": "2"}
    assert json.loads(own(server, "keep", {"word": "yes"})[2]) == {"kept": 1}
    status, _, content = own(server, "picture?name=x", b"\0" * 200_000, Content_Type="application/octet-stream")
    assert (status, json.loads(content)) == (200, {"bytes": 200_000, "name": "x"})
    assert own(server, "nowhere")[0] == 404


@pytest.mark.parametrize("token", ["", "x", "/", "\xe9", "A" * 22, "%00", "A" * 60_000])
def test_other_users_of_the_computer_do_not_know_the_token(server, token):
    for path in ("", "state", "keep", "nowhere"):
        request = f"GET /{token}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n"
        answer = send(server, request.encode("latin-1"))
        assert b" 403 " in answer.split(b"\r\n")[0]
        assert server.token.encode() not in answer
    assert LocalServer(0, {}, {}).token != server.token


def test_a_part_of_the_token_or_more_than_it_is_refused(server):
    for token in (server.token[:-1], server.token + "A", server.token.lower(), ""):
        assert ask(server, f"/{token}/state")[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://example.org"},
        {"Origin": "null"},
        {"Origin": "{own}.example.org"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1"},
        {"Host": "example.org"},
        {"Host": "example.org:{port}"},
        {"Host": "127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},  # an <img> of another page, which sends no Origin
        {"Sec_Fetch_Site": "same-site"},  # a page of this computer, but of another port
        {"Sec_Fetch_Site": "?"},
    ],
)
def test_pages_of_other_sites_are_refused_even_if_they_knew_the_token(server, headers):
    port = server.server_port
    headers = {name: value.format(own=f"http://127.0.0.1:{port}", port=port) for name, value in headers.items()}
    for path, body in (("", None), ("state", None), ("keep", {"word": "forged"})):
        assert own(server, path, body, **headers)[0] == 403
    assert not KEPT


def test_a_form_of_another_page_cannot_post(server):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "APPLICATION/json"):
        assert own(server, "keep", {"word": "forged"}, Content_Type=kind)[0] == 400
    assert not KEPT


def test_our_own_page_may_ask_by_either_name(server):
    for host in (f"localhost:{server.server_port}", f"127.0.0.1:{server.server_port}"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        assert own(server, "keep", {"word": "yes"}, **headers)[0] == 200
    assert own(server, "", Sec_Fetch_Site="none")[0] == 200  # the user typed the address


def test_no_answer_can_be_embedded_or_kept(server):
    for _, headers, _ in (own(server, ""), own(server, "nowhere"), ask(server, "/"), own(server, "broken")):
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    answer = send(server, b"BREW / HTTP/1.1\r\n\r\n")
    assert b" 501 " in answer and b"Cross-Origin-Resource-Policy: same-origin" in answer


def test_the_ticket_of_the_browser_is_good_for_one_use(server, monkeypatch):
    opened = []
    monkeypatch.setattr(local_server.webbrowser, "open", opened.append)
    server.open_browser()
    while not opened:
        time.sleep(0.01)
    assert server.token not in opened[0]  # other users see the command line of a browser
    path = opened[0].partition(str(server.server_port))[2]
    assert ask(server, path, Origin="http://example.org")[0] == 403  # which does not use it up
    status, headers, _ = ask(server, path)
    assert (status, headers["Location"]) == (303, f"/{server.token}/")
    assert ask(server, path)[0] == 403


def test_a_browser_that_blocks_does_not_stop_the_server(server, monkeypatch):
    monkeypatch.setattr(local_server.webbrowser, "open", lambda address: time.sleep(3600))
    server.open_browser()
    assert own(server, "state")[0] == 200


@pytest.mark.parametrize("length", ["9" * 5_000, "-1", "1e3", "٣", "", "100001", "0x10", "5\r\nContent-Length: 6"])
def test_lengths_that_make_no_sense_are_refused(server, length):
    head = f"POST /{server.token}/keep HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    assert b" 400 " in send(server, head.encode() + b'{"word": ""}').split(b"\r\n")[0]
    assert not KEPT


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"[" * 50_000, b"9" * 6_000, b'{"word": 5}', b"{}", b"\xff"])
def test_questions_that_make_no_sense_are_refused(server, body):
    status, _, content = own(server, "keep", body, Content_Type="application/json")
    assert status == 400 and json.loads(content)["error"]


@pytest.mark.parametrize("target", ["http://[", "//[", "/%zz", "*", "/?" + "a=b&" * 9_000, "/\xff", "?"])
def test_addresses_that_make_no_sense_are_refused(server, target, capsys):
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n"
    assert b" 403 " in send(server, request.encode("latin-1")).split(b"\r\n")[0]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"POST /{token}/keep HTTP/1.1\r\nHost: {host}\r\n"])
def test_a_request_that_does_not_end_is_broken_off(server, monkeypatch, start):
    monkeypatch.setattr(local_server.Handler, "timeout", 0.5)
    host = f"127.0.0.1:{server.server_port}"
    start = start.replace(b"{token}", server.token.encode()).replace(b"{host}", host.encode())
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(start)
        with pytest.raises(ConnectionError):  # a byte now and then does not keep it alive
            while time.monotonic() < begin + 15:
                connection.sendall(b"X")
                time.sleep(0.1)
    assert time.monotonic() < begin + 10


def test_a_body_that_does_not_come_is_broken_off(server, monkeypatch):
    monkeypatch.setattr(local_server.Handler, "timeout", 0.5)
    head = f"POST /{server.token}/keep HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    begin = time.monotonic()
    send(server, head.encode())
    assert time.monotonic() < begin + 10 and not KEPT


def test_many_connections_are_closed_and_the_server_goes_on(server, monkeypatch):
    monkeypatch.setattr(local_server.Handler, "timeout", 1)
    with contextlib.ExitStack() as stack:
        crowd = []
        for _ in range(3 * local_server.MOST):
            crowd.append(stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port), timeout=20)))
        time.sleep(0.3)
        assert threading.active_count() < 3 * local_server.MOST
        with contextlib.suppress(ConnectionError):
            assert crowd[-1].recv(1) == b""  # closed at once
    deadline = time.monotonic() + 20
    while True:  # places get free as the others are broken off
        with contextlib.suppress(ConnectionError, http.client.HTTPException):
            assert own(server, "state")[0] == 200
            break
        assert time.monotonic() < deadline


def test_a_fault_is_shown_without_control_characters_and_answered(server, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    status, _, content = own(server, "broken")
    assert status == 500 and "fault of the program" in json.loads(content)["error"]
    assert "RuntimeError" in sys.stderr.getvalue() and "\x1b" not in sys.stderr.getvalue()


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(MinirnnError, match=r"cannot use port .* --port"):
            LocalServer(taken.getsockname()[1], {}, {})


# --- requests that nobody thought of --------------------------------------------------------------------------------

WORDS = [b"GET ", b"POST ", b"/", b"{token}", b"{host}", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Host: ", b"Origin: ",
         b"Content-Length: ", b"Content-Type: application/json", b"Transfer-Encoding: chunked", b"keep", b"picture",
         b"state", b"?a=%", b"Sec-Fetch-Site: ", b"{", b'{"word": "', b"\x1b[2J", b"9" * 30, b"\0", b"\xff", b"%00",
         b"//", b".."]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=20), max_size=30).map(b"".join), st.booleans())
def test_whatever_is_sent_the_server_goes_on_and_shows_no_fault(server, capfd, data, own_page):
    host = f"127.0.0.1:{server.server_port}".encode()
    if own_page:  # beyond what refuses strangers
        data = b"POST /{token}/keep HTTP/1.1\r\nHost: {host}\r\n" + data
    send(server, data.replace(b"{token}", server.token.encode()).replace(b"{host}", host), end=True)
    assert own(server, "state")[0] == 200
    assert capfd.readouterr().err == ""
