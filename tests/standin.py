"""A stand-in for the hub on 127.0.0.1: lists repositories, serves files, and can be made to misbehave."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories as name → files; ``told`` overrides what the listing says of a file, the rest are faults."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    revisions: tuple[str, ...] = ("main", COMMIT)
    told: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    errors: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    cut: int = 0  # how many downloads of a model file stop half-way
    seen: list[str] = field(default_factory=list[str])  # "GET name bytes=…"
    url: str = ""

    def fetched(self) -> list[str]:
        """The files whose content was asked for."""
        return [line.split()[1] for line in self.seen if line.startswith("GET")]


class Answer(BaseHTTPRequestHandler):
    """What the hub's own server answers, with the headers that huggingface-hub reads."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return cast("Any", self.server).hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
        api = parts[:2] == ["api", "models"]
        owner, name, _, revision, *rest = [*(parts[2:] if api else parts), *["", "", "", ""]]
        repository = f"{owner}/{name}"
        if repository in self.hub.errors:
            self._say(*self.hub.errors[repository])
        elif repository not in self.hub.repositories:
            self._say(404, "RepoNotFound")
        elif revision not in self.hub.revisions:
            self._say(404, "RevisionNotFound")
        elif api:
            self._list(repository)
        elif rest[0] not in self.hub.repositories[repository]:
            self._say(404, "EntryNotFound")
        else:
            self._file(rest[0], self.hub.repositories[repository][rest[0]], body=body)

    def _say(self, status: int, code: str) -> None:
        self._send(status, {"X-Error-Code": code, "X-Error-Message": code}, b"")

    def _send(self, status: int, headers: dict[str, str], content: bytes, stop: int | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), "Connection": "close", **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:stop])
        self.close_connection = True  # a stopped server must not answer on a line that is still open

    def _list(self, repository: str) -> None:
        files: list[dict[str, Any]] = []
        for name, content in self.hub.repositories[repository].items():
            one: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": git_hash(content)}
            if not name.endswith(".json"):
                one["lfs"] = {"size": len(content), "sha256": sha256(content), "pointerSize": 134}
            told = dict(self.hub.told.get(name, {}))
            if "sha256" in told:
                one["lfs"]["sha256"] = told.pop("sha256")
            files.append({**one, **told})
        found = {
            "id": repository,
            "modelId": repository,
            "sha": COMMIT,
            "siblings": files,
            "tags": [],
            "private": False,
        }
        self._send(200, {"Content-Type": "application/json"}, json.dumps(found).encode())

    def _file(self, name: str, content: bytes, *, body: bool) -> None:
        wanted = self.headers.get("Range")
        linked = not name.endswith(".json")
        headers = {
            "ETag": f'"{sha256(content) if linked else git_hash(content)}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
            **({"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{sha256(content)}"'} if linked else {}),
        }
        if not body:
            return self._send(200, headers, content)
        self.hub.seen.append(f"GET {name} {wanted}")
        if wanted is not None:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            content = content[start:]
        status = 200 if wanted is None else 206
        if linked and self.hub.cut > 0:
            self.hub.cut -= 1
            return self._send(status, headers, content, stop=len(content) // 2)
        return self._send(status, headers, content)


def sha256(content: bytes) -> str:
    """What the hub calls a large file by."""
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    """What git calls a small file by."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Run the stand-in on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    cast("Any", server).hub = hub
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
