"""Validates each request before it is answered: Host, Origin, key and body size.

======  ===========================================================================================
status  when
======  ===========================================================================================
421     the Host header is not this server (a page elsewhere that resolves its name to this machine)
403     the Origin or Sec-Fetch-Site header is that of another site
401     a question without the key of this run of the server
503     more than ``TOGETHER`` questions at once, all with the key
413     a body of more than ``BODY`` bytes
408     a body that does not arrive within ``PATIENCE`` seconds
======  ===========================================================================================

A request without the key is answered from its headers: its body is not read, and it does not count as active.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from loadstore.explorer.connections import Connection, Connections
from loadstore.explorer.here import Here

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY = 256 * 1024  # bytes of a question
PATIENCE = 10.0  # seconds for a body
TOGETHER = 64  # concurrent questions with the key
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


def refusal(status: int, kind: str, message: str, **more: Any) -> Response:
    """An error in the format that the page reads."""
    retry = {"retry-after": "1"} if status == 503 else {}
    return JSONResponse({"error": {"kind": kind, "message": message, **more}}, status, headers=retry)


class Guard:
    """Refuses the requests in the table above, limits bodies, and adds the headers to every answer."""

    def __init__(self, app: App, here: Here, entered: Callable[[], None]) -> None:
        """Guard ``app``; ``entered`` is called at each request with the key."""
        self.app = app
        self.here = here
        self.entered = entered
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in present]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        asks = scope["path"].startswith("/api/")
        stranger = self._stranger(Headers(scope=scope), asks=asks)
        connection: Connection = scope["state"]["connection"]
        connections: Connections = scope["state"]["connections"]
        connections.begun(connection, key=asks and stranger is None)
        try:
            if stranger is not None:
                await stranger(scope, receive, headed)
            elif not asks:
                await self.app(scope, _again(b"", receive), headed)
            else:
                await self._question(scope, receive, headed)
        finally:
            connections.ended(connection)

    def _stranger(self, headers: Headers, *, asks: bool) -> Response | None:
        """The refusal of a request that is not the owner's; a duplicate header is not accepted."""
        if not self.here.named(",".join(headers.getlist("host"))):
            return refusal(421, "host", "this server answers only to the address that it printed")
        elsewhere = asks and {"cross-site", "same-site"} & set(headers.getlist("sec-fetch-site"))
        if elsewhere or not all(map(self.here.own, headers.getlist("origin"))):
            return refusal(403, "origin", "this server answers only to its own page")
        key = "\n".join(headers.getlist(KEY)).encode()
        if asks and not hmac.compare_digest(key, self.here.key.encode()):
            return refusal(
                401, "key", "the key is missing or belongs to another run: open the address that loadstore printed"
            )
        return None

    async def _question(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the key."""
        self.entered()
        self.active += 1
        try:
            if self.active > TOGETHER:
                body = refusal(503, "busy", f"more than {TOGETHER} questions at once; try again")
            else:
                body = await self._body(Headers(scope=scope), receive)
            if isinstance(body, Response):
                await body(scope, receive, send)
            else:
                await self.app(scope, _again(body, receive), send)
        finally:
            self.active -= 1

    async def _body(self, headers: Headers, receive: Receive) -> Response | bytes:
        """The whole body, or a refusal; ``protocol.py`` discards the unread part."""
        length = headers.get("content-length", "0")
        large = refusal(413, "too-large", f"a question has at most {BODY:,} bytes")
        if length.isdecimal() and int(length) > BODY:
            return large
        kept = bytearray()
        try:
            async with asyncio.timeout(PATIENCE):
                while len(kept) <= BODY:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return b""
                    kept += message.get("body", b"")
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            slow = refusal(408, "slow", f"the question did not arrive within {PATIENCE:.0f} seconds")
            slow.headers["connection"] = "close"
            return slow
        return large if len(kept) > BODY else bytes(kept)


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive that returns the body already read, then the next messages of the client."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay
