"""A real server of an explorer, in a thread of this process, and who asks it."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from loadstore.explorer.serve import Served
    from loadstore.explorer.state import Explorer
    from loadstore.model.weights import Weights

ARTICLE = "the cat sat on the mat. the dog sat on the log."


@cache
def builtin() -> "Weights":
    """The built-in model, loaded once in a process."""
    import loadstore as ls

    return ls.load("builtin")


def on_builtin(prompt: str = ARTICLE, asked: Mapping[str, int] | None = None) -> "Explorer":
    """An explorer of the built-in model. What one of them has measured of the model alone all others find."""
    from loadstore.explorer.state import Explorer
    from loadstore.figures.subject.results import results_of

    explorer = Explorer(builtin(), prompt, asked)
    explorer.results = results_of(explorer.weights)
    return explorer


@dataclass
class Client:
    """Who asks: a host, a port, a key."""

    address: str
    host: str = ""
    port: int = 0
    key: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        self.host, self.port, self.key = str(parts.hostname), int(parts.port or 80), parts.fragment.removeprefix("key=")
        self.headers = {"content-type": "application/json", "x-loadstore-key": self.key}

    def send(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; a header of None is left out, and `_` in a name is `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (self.headers | named).items() if value is not None}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def ask(self, name: str, **fields: Any) -> tuple[int, Any]:
        """One question; bytes where the answer is no JSON, a list of lines where it is many."""
        status, headers, body = self.send("POST", f"/api/{name}", json.dumps(fields).encode())
        kind = headers.get("content-type", "")
        if kind.startswith("application/x-ndjson"):
            return status, [json.loads(line) for line in body.splitlines()]
        return status, json.loads(body) if kind.startswith("application/json") else body


def answer(connection: socket.socket) -> int:
    """The status of the next answer on a connection; the answer is read to its end."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


@contextmanager
def serving(explorer: "Explorer", port: int | None = 0, host: str = "127.0.0.1") -> "Iterator[Served]":
    """The explorer, served until the block ends."""
    from loadstore.explorer.serve import Served

    served = Served(explorer, host, port)
    begun = threading.Event()
    thread = threading.Thread(target=served.serve_until_stopped, args=(begun.set,), daemon=True)
    thread.start()
    assert begun.wait(60)
    try:
        yield served
    finally:
        served.stop()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def launched(*options: str) -> Iterator[tuple[str, int]]:
    """The address of `loadstore explore` in a process of its own, as users run it, and the number of that process."""
    command = [sys.executable, "-m", "loadstore", "explore", *options, "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1], process.pid
        finally:
            process.terminate()


@contextmanager
def started(*options: str) -> Iterator[str]:
    """The address of `loadstore explore` in a process of its own: without the checks of the tests."""
    with launched(*options) as (address, _):
        yield address


def until(met: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
