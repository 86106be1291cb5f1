"""Clients without the key leave the owner served, whatever they send and however many they are."""

import contextlib
import gc
import http.client
import json
import select
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Generator

import pytest
from pace import slowness
from served import Client, answer, builtin, serving, until

from loadstore.explorer import connections
from loadstore.explorer.app import bundled
from loadstore.explorer.guard import HEADERS
from loadstore.explorer.state import Explorer

SOON = 1.0  # seconds for an answer to the owner


@contextlib.contextmanager
def connected(client: Client, count: int, sent: bytes = b"") -> Generator[list[socket.socket]]:
    """So many connections, each of which has sent this much."""
    with contextlib.ExitStack() as stack:
        opened: list[socket.socket] = []
        for _ in range(count):
            opened.append(stack.enter_context(socket.create_connection((client.host, client.port), timeout=30)))
            with contextlib.suppress(OSError):
                opened[-1].sendall(sent)
        yield opened


def answered_soon(client: Client) -> bool:
    begun = time.monotonic()
    status, found = client.ask("run", prompt="the cat sat on the")
    assert (status, len(found["labels"])) == (200, 6)
    return time.monotonic() - begun < SOON * slowness()


def head(client: Client, more: str) -> bytes:
    return f"POST /api/run HTTP/1.1\r\nhost: {client.host}:{client.port}\r\n{more}\r\n\r\n".encode()


@pytest.mark.parametrize("more", ["content-length: 1000", "content-length: 99999999999", "transfer-encoding: chunked"])
def test_seventy_unfinished_bodies_without_a_key_are_refused_at_once(client: Client, more: str) -> None:
    for path, status in ((b"/", 405), (b"/nothing", 404), (b"/api/run", 401)):
        with connected(client, 70, head(client, more).replace(b"/api/run", path) + b"5\r\n{") as opened:
            assert answered_soon(client)
            assert {answer(one) for one in opened} == {status}


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\n", b"POST /api/run HTTP/1.1\r\nx: "], ids=["idle", "line", "half"]
)
def test_four_hundred_idle_connections_leave_the_owner_served(client: Client, sent: bytes) -> None:
    with connected(client, 400, sent):
        assert all(answered_soon(client) for _ in range(5))


def test_the_owner_works_on_while_others_connect(client: Client) -> None:
    """A connection that has shown the key stays, however many come after it."""
    own = http.client.HTTPConnection(client.host, client.port, timeout=30)
    for _ in range(3):
        own.request("POST", "/api/model", b"{}", client.headers)
        assert own.sock is not None
        port = own.sock.getsockname()[1]
        assert json.loads(own.getresponse().read())["name"] == "builtin"
        with connected(client, 300):
            assert answered_soon(client)
        own.request("POST", "/api/model", b"{}", client.headers)
        assert own.getresponse().read()
        assert own.sock.getsockname()[1] == port  # and not connected anew
    own.close()


def test_a_stranger_who_sends_more_and_more_is_cut_off(client: Client) -> None:
    with connected(client, 1, head(client, "content-length: 99999999")) as (one,):
        assert answer(one) == 401
        sent = 0
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 64 * 2**20:
                sent += one.send(b"x" * 65536)
        assert sent < 16 * 2**20  # most of it in the buffers of the system


def test_headers_that_do_not_come_are_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER", 0.3)
    with connected(client, 2, b"GET / HTTP/1.1\r\nhost:") as opened:
        opened[0].settimeout(30)
        ended = time.monotonic() + 30
        while time.monotonic() < ended:  # a byte now and then does not prolong it
            try:
                opened[0].send(b"x")
            except OSError:
                break
            time.sleep(0.1)
        assert time.monotonic() < ended
        with contextlib.suppress(ConnectionResetError):
            assert opened[1].recv(4096) == b""
    assert answered_soon(client)


def test_headers_of_seventeen_kilobytes_are_refused(client: Client) -> None:
    with connected(client, 1, b"GET / HTTP/1.1\r\nx: " + b"y" * 17_000) as (one,):
        assert answer(one) == 400
    assert client.send("GET", "/", x="y" * 15_000)[0] == 200


def test_four_hundred_idle_connections_where_256_files_may_be_open_flood_no_terminal() -> None:
    """The server of users, with the limit that macOS sets."""
    command = [sys.executable, "-m", "loadstore", "explore", "builtin", "--no-browser", "--port", "0"]
    limit = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)); "
    with subprocess.Popen(
        [sys.executable, "-c", f"{limit}os.execv(sys.executable, {command!r})"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            ready, _, _ = select.select([process.stdout], [], [], 60 * slowness())
            assert ready
            client = Client(process.stdout.readline().split()[-1])
            with connected(client, 400):
                assert all(answered_soon(client) for _ in range(3))
                with connected(client, 200, b"\x00nonsense\r\n\r\n"):
                    assert all(answered_soon(client) for _ in range(3))
        finally:
            process.terminate()
            process.wait(30)
        told = process.stderr.read()
    assert len(told) < 2000, told[:2000]
    assert len(told.splitlines()) <= 4
    assert "to make room" in told


def test_nothing_of_the_model_is_told_without_the_key(client: Client) -> None:
    name = client.ask("model")[1]["name"]
    assert name == "builtin"
    for path in ("/", "/nothing", "/api/model", "/api/run"):
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            _, headers, body = client.send(method, path, b"{}", x_loadstore_key=None)
            assert name.encode() not in body
            assert name not in str(headers)
            assert headers["referrer-policy"] == HEADERS["referrer-policy"] == "no-referrer"
    for file in ("explorer.js", "explorer.css"):  # the same in every run
        assert client.send("GET", f"/{file}", x_loadstore_key=None)[2] == bundled(file)


def test_a_connection_is_reused_after_a_refusal(client: Client) -> None:
    """The body that came after the refusal is thrown away, and is not taken for the next request."""
    with connected(client, 1) as (one,):
        one.sendall(head(client, "content-length: 2000"))
        assert answer(one) == 401
        one.sendall(b"GET /x HTTP/1.1\r\n" + b"z" * 1983)
        one.sendall(f"GET / HTTP/1.1\r\nhost: {client.host}:{client.port}\r\n\r\n".encode())
        assert answer(one) == 200


def test_wrong_keys_cost_little(client: Client) -> None:
    begun = time.monotonic()
    for index in range(200):
        assert client.send("POST", "/api/run", b"{}", x_loadstore_key=f"{index:032}")[0] == 401
    assert time.monotonic() - begun < 5 * slowness()
    assert until(lambda: answered_soon(client))


def connect_until(ended: threading.Event, port: int, made: list[socket.socket]) -> None:
    while not ended.is_set():
        try:
            made.append(socket.create_connection(("127.0.0.1", port), 1))
        except OSError:
            return


def test_connections_that_come_while_the_server_ends_are_closed(recwarn: pytest.WarningsRecorder) -> None:
    explorer = Explorer(builtin(), [0, 1, 2])
    warnings.simplefilter("always")
    for _ in range(4):
        ended, made = threading.Event(), list[socket.socket]()
        with serving(explorer) as served:
            port = Client(served.address).port
            thread = threading.Thread(target=connect_until, args=(ended, port, made))
            thread.start()
            time.sleep(0.05)
        ended.set()
        thread.join()
        for each in made:
            each.close()
    gc.collect()
    assert [str(each.message) for each in recwarn if "unclosed" in str(each.message)] == []
