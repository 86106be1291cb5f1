"""What stands before every request: whose name it was sent to, from which page, with which key, and how large it is.

======  ===========================================================================================
status  when
======  ===========================================================================================
421     the Host header is not this server (a page elsewhere that resolves its name to this machine)
403     the Origin or Sec-Fetch-Site header is another site's
401     a question without the key of this run of the server
413     a body of more than ``BODY`` bytes
408     a body that does not arrive within ``PATIENCE`` seconds
503     more than ``TOGETHER`` requests at once
======  ===========================================================================================
"""

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY = 256 * 1024  # bytes of a question
DRAINED = 32 * 2**20  # bytes of a body that is too large and is read to its end, so that its sender hears why
PATIENCE = 10.0  # seconds for a body
TOGETHER = 64  # requests
KEY = "x-loadstore-key"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Here:
    """Where the server listens, and the key of this run of it."""

    host: str
    port: int
    key: str

    def named(self, host: str) -> bool:
        """Whether a Host header names this server: loopback, the address it was told to bind, or one of all."""
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not name:
            name, port = port, "80"
        name = name.strip("[]").lower()
        if port not in (str(self.port), "" if self.port == 80 else str(self.port)):
            return False
        if name in {"127.0.0.1", "::1", "localhost", self.host.lower()}:
            return True
        if self.host not in {"0.0.0.0", "::"}:
            return False
        return name == socket.gethostname().lower() or _is_address(name)

    def own(self, origin: str) -> bool:
        """Whether an Origin header is this server's."""
        scheme, _, host = origin.partition("://")
        return scheme == "http" and self.named(host)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def refusal(status: int, kind: str, message: str, **more: Any) -> Response:
    """An error as the page reads it."""
    retry = {"retry-after": "1"} if status == 503 else {}
    return JSONResponse({"error": {"kind": kind, "message": message, **more}}, status, headers=retry)


class Guard:
    """Refuses what the table above names, reads bodies within their limit, and gives every answer its headers."""

    def __init__(self, app: App, here: Here) -> None:
        """Stand before ``app``."""
        self.app = app
        self.here = here
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                added = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in known]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        self.active += 1
        try:
            refused = self._refused(scope) or await self._body(scope, receive)
            if isinstance(refused, Response):
                await refused(scope, receive, headed)
            else:
                await self.app(scope, _again(refused, receive), headed)
        finally:
            self.active -= 1

    def _refused(self, scope: Scope) -> Response | None:
        """Everything that headers decide."""
        headers = Headers(scope=scope)
        if not self.here.named(headers.get("host", "")):
            return refusal(421, "host", "this server answers only to the address that it printed")
        origin, asks = headers.get("origin"), scope["path"].startswith("/api/")
        elsewhere = asks and headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        if elsewhere or (origin is not None and not self.here.own(origin)):
            return refusal(403, "origin", "this server answers only to its own page")
        if self.active > TOGETHER:
            return refusal(503, "busy", f"more than {TOGETHER} requests at once; try again")
        if asks and not hmac.compare_digest(headers.get(KEY, "").encode(), self.here.key.encode()):
            return refusal(401, "key", "the key is missing or another run's: open the address that loadstore printed")
        return None

    async def _body(self, scope: Scope, receive: Receive) -> Response | bytes:
        """The whole body. One that is too large is read and thrown away, up to ``DRAINED``."""
        read, kept = 0, bytearray()
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return b""
                    part: bytes = message.get("body", b"")
                    read += len(part)
                    if read <= BODY:
                        kept += part
                    if not message.get("more_body", False) or read > DRAINED:
                        break
        except TimeoutError:
            return refusal(408, "slow", f"the question did not arrive within {PATIENCE:.0f} seconds")
        if read > BODY:
            return refusal(413, "too-large", f"a question has at most {BODY:,} bytes")
        return bytes(kept)


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body that was read, then what the client does next."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay
