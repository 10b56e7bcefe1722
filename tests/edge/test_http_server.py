"""One connection to the HTTP server: kept, pipelined, chunked, invited, closed, as RFC 9112 has it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import eventlet
import pytest

from shared.edge.http_server import HttpServer

CLOSE = b"Connection: close\r\n\r\n"


class Place:
    """A server in a thread of its own, and what its application does: tell what it saw, or as the path says."""

    def __init__(self) -> None:
        self.closed, self.seen = 0, []
        self.entered, self.leave, self._stop = threading.Event(), False, False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        self.server = HttpServer(self, "127.0.0.1", 0, max_body=1000, streamed=frozenset({"/streamed"}))
        self.server.start()
        self._ready.set()
        while not self._stop:
            eventlet.sleep(0.01)
        self.server.stop(5)

    def __call__(self, environ, start_response):
        self.seen.append(environ)
        path = environ["PATH_INFO"]
        if path == "/fails":
            raise ValueError("secret words")
        if path == "/slow":
            self.entered.set()
            while not self.leave:
                eventlet.sleep(0.01)
        body = environ["wsgi.input"].read(1000)
        if path in ("/parts", "/breaks"):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return Parts(self, breaks=path == "/breaks")
        if path == "/known":
            start_response("304 Not Modified", [("ETag", '"1"')])
            return []
        told = json.dumps([environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], body.decode()]).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(told)))])
        return [told]

    def stop(self) -> None:
        self._stop = True
        self._thread.join(10)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=10)

    def send(self, request: bytes) -> bytes:
        """All that comes back until the server hangs up."""
        with self.connect() as line:
            line.sendall(request)
            return rest(line)


class Parts:
    """Three parts whose length nobody tells beforehand."""

    def __init__(self, place: Place, breaks: bool) -> None:
        self.place, self.breaks = place, breaks

    def __iter__(self) -> Iterator[bytes]:
        if self.breaks:
            raise ValueError("secret words")
        yield from (b"one,", b"", b"x" * 40_000, b",three")

    def close(self) -> None:
        self.place.closed += 1


def rest(line: socket.socket) -> bytes:
    found = b""
    with suppress(ConnectionError):
        while part := line.recv(65536):
            found += part
    return found


def bodies(answer: bytes) -> list[list[str]]:
    """What the application told, of answers one behind the other."""
    return [json.loads(part[: part.index(b"]") + 1]) for part in answer.split(b"\r\n\r\n")[1:] if part[:1] == b"["]


@pytest.fixture
def place() -> Iterator[Place]:
    found = Place()
    yield found
    found.leave = True
    found.stop()


def test_requests_that_arrive_together_are_answered_one_after_the_other(place: Place) -> None:
    answer = place.send(
        b"GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"
        b"POST /b%20c HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
        b"GET /d HTTP/1.1\r\n" + CLOSE
    )

    assert bodies(answer) == [["GET", "/a", "x=1", ""], ["POST", "/b c", "", "hi"], ["GET", "/d", "", ""]]
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"Connection: close") == 1


@pytest.mark.capability("R33")
def test_what_follows_a_good_request_and_is_none_is_refused_and_ends_the_connection(place: Place) -> None:
    answer = place.send(b"GET /a HTTP/1.1\r\n\r\nnonsense\r\n\r\nGET /b HTTP/1.1\r\n\r\n")

    assert bodies(answer) == [["GET", "/a", "", ""]]
    assert b"HTTP/1.1 400 Bad Request" in answer
    assert b"MALFORMED_REQUEST" in answer
    assert len(place.seen) == 1


def test_a_body_in_chunks_arrives_whole_and_what_is_behind_it_adds_no_header(place: Place) -> None:
    chunks = b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-Tenant: other\r\n\r\n"
    answer = place.send(b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nX-A: 2\r\n" + CLOSE + chunks)

    assert bodies(answer) == [["POST", "/c", "", "abcde"]]
    [environ] = place.seen
    assert (environ["CONTENT_LENGTH"], environ["HTTP_X_A"]) == ("5", "1,2")
    assert "HTTP_X_TENANT" not in environ
    assert "HTTP_TRANSFER_ENCODING" not in environ


@pytest.mark.capability("T09")
def test_a_header_with_an_underscore_does_not_pass_for_another(place: Place) -> None:
    place.send(b"GET /a HTTP/1.1\r\nX_Api_Key: forged\r\nX-Other: 1\r\n" + CLOSE)

    assert "HTTP_X_API_KEY" not in place.seen[0]
    assert place.seen[0]["HTTP_X_OTHER"] == "1"


@pytest.mark.parametrize("path", ["/a", "/streamed"])
def test_a_client_that_asks_whether_it_may_send_its_body_is_told_to_go_on(place: Place, path: str) -> None:
    with place.connect() as line:
        head = f"POST {path} HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode())
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"abc")
        assert bodies(rest(line)) == [["POST", path, "", "abc"]]


def test_a_body_that_would_be_refused_is_not_invited(place: Place) -> None:
    answer = place.send(b"POST /a HTTP/1.1\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert place.seen == []


def test_answers_without_a_body_have_none(place: Place) -> None:
    answer = place.send(b"HEAD /a HTTP/1.1\r\n\r\nGET /known HTTP/1.1\r\n" + CLOSE)

    first, second, nothing = answer.split(b"\r\n\r\n")
    assert b"Content-Length: 22" in first
    assert second.startswith(b"HTTP/1.1 304 ")
    assert b"Content-Length" not in second
    assert b"Transfer-Encoding" not in second
    assert nothing == b""


def test_a_body_of_unknown_length_comes_in_chunks_and_to_an_old_client_until_the_end(place: Place) -> None:
    new = place.send(b"GET /parts HTTP/1.1\r\n" + CLOSE)
    old = place.send(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    head, _, body = new.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"4\r\none,\r\n9c40\r\n" + b"x" * 40_000 + b"\r\n6\r\n,three\r\n0\r\n\r\n"
    head, _, body = old.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Connection: close" in head
    assert body == b"one," + b"x" * 40_000 + b",three"
    assert place.closed == 2


def test_an_old_client_keeps_its_connection_only_when_it_asks_for_it(place: Place) -> None:
    kept = b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    answer = place.send(kept + b"GET /b HTTP/1.0\r\n\r\n")

    assert len(bodies(answer)) == 2
    assert (answer.count(b"Connection: keep-alive"), answer.count(b"Connection: close")) == (1, 1)


@pytest.mark.parametrize(("path", "closed"), [("/fails", 0), ("/breaks", 1)])
def test_an_application_that_fails_is_answered_without_its_words(place: Place, caplog, path: str, closed: int) -> None:
    answer = place.send(f"GET {path} HTTP/1.1\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"INTERNAL_ERROR" in answer
    assert b"secret" not in answer
    assert "the application failed" in caplog.text
    assert place.closed == closed


@pytest.mark.capability("R33")
def test_half_a_body_is_refused_and_the_application_does_not_see_it(place: Place) -> None:
    with place.connect() as line:
        line.sendall(b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
        line.shutdown(socket.SHUT_WR)
        answer = rest(line)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"INCOMPLETE_BODY" in answer
    assert place.seen == []


def test_a_stop_lets_a_request_finish_and_hangs_up_on_who_is_idle(place: Place) -> None:
    with place.connect() as idle, place.connect() as busy:
        idle.sendall(b"GET /a HTTP/1.1\r\n\r\n")
        assert bodies(idle.recv(65536)) == [["GET", "/a", "", ""]]
        busy.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        assert place.entered.wait(10)
        stopping = threading.Thread(target=place.stop)
        stopping.start()
        assert rest(idle) == b""  # hung up at once, while the other is still answered
        place.leave = True
        answer = rest(busy)
        stopping.join(10)

    assert bodies(answer) == [["GET", "/slow", "", ""]]
    assert b"Connection: close" in answer
    with pytest.raises(OSError):
        place.connect().close()
