"""Every refusal has its status and kind, without a server: errors as answers, and what the guard lets through."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from loops import run_apart
from starlette.responses import Response

from loadstore.errors import BadRequest, Undefined
from loadstore.explorer import guard
from loadstore.explorer.app import refused
from loadstore.explorer.connections import Connection, Connections, Room
from loadstore.explorer.guard import Guard, refusal
from loadstore.explorer.here import Here
from loadstore.explorer.quiet import Quiet
from loadstore.explorer.runs import NoSuchRun, TooLong
from loadstore.explorer.work import Busy, Hung

OWN = [(b"host", b"127.0.0.1:8421"), (b"x-loadstore-key", b"secret")]
TAKEN = [b"{}", 200]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NoSuchRun("x"), 404, "run"),
        (TooLong(300, 256), 413, "too-long"),
        (BadRequest("no"), 422, "bad"),
        (Undefined("no"), 422, "undefined"),
        (FloatingPointError("overflow"), 422, "undefined"),
        (RuntimeWarning("overflow"), 422, "undefined"),
        (OverflowError("math range error"), 422, "undefined"),
        (Busy("7"), 503, "busy"),
        (TimeoutError(), 504, "slow"),
        (Hung(), 504, "gone"),
        (ZeroDivisionError("secret"), 500, "fault"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_becomes_its_answer(error: Exception, status: int, kind: str) -> None:
    answer = refused(error, Quiet())
    said = json.loads(bytes(answer.body))["error"]
    assert (answer.status_code, said["kind"]) == (status, kind)
    assert said["message"]
    assert "secret" not in said["message"]
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)


def test_only_who_is_sent_away_is_told_to_try_again() -> None:
    assert refusal(503, "busy", "wait").headers["retry-after"] == "1"
    assert "retry-after" not in refusal(504, "slow", "no").headers


def asked(
    *parts: bytes, headers: list[tuple[bytes, bytes]] | None = None, active: int = 0, path: str = "/api/x"
) -> list[Any]:
    """Pass one request through a guard: the body, if it reaches the application, then the status."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]]
    messages.append({"type": "http.request", "body": parts[-1], "more_body": False})
    got: list[Any] = []

    async def app(
        scope: Any, receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        got.append((await receive())["body"])
        await Response(b"", 200)(scope, receive, send)

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            got.append(message["status"])

    checked = Guard(app, Here("127.0.0.1", "127.0.0.1", 8421, "secret"), lambda: None)
    checked.active = active
    connections, connection = Connections(Room(9, 9, 1)), Connection(lambda: None)
    connections.made(connection)
    state = {"connection": connection, "connections": connections}
    scope = {"type": "http", "path": path, "method": "POST", "headers": headers or OWN, "state": state}
    run_apart(checked(scope, receive, send))
    assert checked.active == active
    return got


@pytest.mark.parametrize(("size", "taken"), [(262_144, True), (262_145, False)])
def test_a_body_has_at_most_256_kilobytes(size: int, *, taken: bool) -> None:
    whole = b"x" * size
    for parts in ([whole], [whole[:100], whole[100:]]):
        *body, status = asked(*parts)
        assert (status, b"".join(body) == whole) == ((200, True) if taken else (413, False))
    stated = [*OWN, (b"content-length", str(size).encode())]
    assert asked(b"{}", headers=stated) == (TAKEN if taken else [413])


@pytest.mark.parametrize(("active", "found"), [(0, TAKEN), (63, TAKEN), (64, [503]), (70, [503])])
def test_64_questions_are_answered_at_once(active: int, found: list[Any]) -> None:
    assert asked(b"{}", active=active) == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], TAKEN),
        ([(b"sec-fetch-site", b"same-origin")], TAKEN),
        ([(b"sec-fetch-site", b"cross-site")], [403]),
        ([(b"sec-fetch-site", b"same-site")], [403]),
        ([(b"origin", b"http://127.0.0.1:8421")], TAKEN),
        ([(b"origin", b"http://127.0.0.1:8422")], [403]),
        ([(b"origin", b"http://127.0.0.1:8421"), (b"origin", b"http://evil.com")], [403]),
        ([(b"x-loadstore-key", b"secret")], [401]),  # twice
        ([(b"host", b"127.0.0.1:8421")], [421]),
    ],
)
def test_another_site_and_a_header_that_is_there_twice_are_refused(
    headers: list[tuple[bytes, bytes]], found: list[Any]
) -> None:
    assert asked(b"{}", headers=[*OWN, *headers]) == found


def test_the_key_is_for_questions_and_the_host_for_everything() -> None:
    assert asked(b"{}", headers=OWN[:1]) == [401]
    assert asked(b"{}", headers=[OWN[0], (b"x-loadstore-key", b"secre")]) == [401]
    assert asked(b"", headers=OWN[:1], path="/") == [b"", 200]
    assert asked(b"", headers=[(b"host", b"evil.com")], path="/") == [421]


def test_a_body_that_does_not_come_is_waited_for_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert guard.PATIENCE == 10.0
    monkeypatch.setattr(guard, "PATIENCE", 0.01)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def ask() -> Any:
        checked = Guard(lambda *_: asyncio.sleep(0), Here("127.0.0.1", "127.0.0.1", 8421, "secret"), lambda: None)
        return await checked._body(guard.Headers(raw=OWN), never)

    answer = run_apart(ask())
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
