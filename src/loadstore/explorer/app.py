"""The web application: the page, its two files, and ``POST /api/<name>``.

======  ==============================================================================
status  of a question (with those of guard.py)
======  ==============================================================================
400     the body is not a JSON object
404     no such question, or a run or a circuit that this server does not have
405     a question sent with another method than POST
409     the page belongs to another model than the current one
413     a prompt longer than the explorer accepts
415     the content type is not JSON
422     a prompt, site or option that the model does not have, or an undefined quantity
503     too many questions are waiting
504     the time limit was reached
======  ==============================================================================

A slow question answers 200 and lines of JSON: {"progress": [done, of]}, then {"result": …} or {"error": …}.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from loadstore.errors import LoadstoreError, Undefined
from loadstore.explorer.body import DEPTH, object_of
from loadstore.explorer.connections import Connections
from loadstore.explorer.current import Current
from loadstore.explorer.guard import App, Guard, refusal
from loadstore.explorer.here import Here
from loadstore.explorer.quiet import Quiet
from loadstore.explorer.runs import NoSuchRun, TooLong
from loadstore.explorer.state import Document
from loadstore.explorer.switchable import NoSuchCircuit
from loadstore.explorer.table import OF_SERVER, POOLS, QUICK, SLOW, answered
from loadstore.explorer.work import Busy, Hung, Pool, Work
from loadstore.overflows import out_of_range
from loadstore.quote import quote
from loadstore.views.base import plain
from loadstore.visible import dumps, shown

NUMBER = "x-loadstore-model"  # header with the page's model number; answers never mix two models
LOST = {404: "there is nothing here", 405: "send questions by POST; the files of the page can only be read"}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>loadstore</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/explorer.css">
</head>
<body>
<main id="loadstore"></main>
<noscript><p class="noscript">This page draws its figures with JavaScript; please allow scripts for it. \
Nothing is loaded from anywhere else.</p></noscript>
<script src="/explorer.js" defer></script>
</body>
</html>
"""


def application(
    current: Current, here: Here, connections: Connections, quiet: Quiet, entered: Callable[[], None]
) -> App:
    """The application behind its guard."""
    work = Work()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[dict[str, Any]]:
        warm = asyncio.ensure_future(work.quick(current.now.explorer.warm))
        yield {"connections": connections}
        warm.cancel()
        work.close()

    routes = [
        Route("/", partial(_file, PAGE.encode(), "text/html")),
        Route("/explorer.js", partial(_file, bundled("explorer.js"), "text/javascript")),
        Route("/explorer.css", partial(_file, bundled("explorer.css"), "text/css")),
        Route("/api/{name}", partial(_question, current, work, quiet), methods=["POST"]),
        Route("/api/{screen}/{name}", partial(_question, current, work, quiet), methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _lost, 405: _lost})
    app.router.redirect_slashes = False
    return Guard(app, here, entered)


def bundled(name: str) -> bytes:
    """A file of the page, from the package."""
    return files("loadstore.views").joinpath("bundle", name).read_bytes()


async def _file(body: bytes, kind: str, request: Request) -> Response:
    return Response(body, media_type=kind)


async def _lost(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = refusal(error.status_code, "address", LOST[error.status_code])
    answer.headers.update(error.headers or {})  # a 405 lists the allowed methods
    return answer


async def _question(current: Current, work: Work, quiet: Quiet, request: Request) -> Response:
    name = "/".join(request.path_params.values())
    if name not in QUICK and name not in SLOW:
        return refusal(404, "address", "there is no such question")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return refusal(415, "json", "a question is JSON: send content-type application/json")
    fields = object_of(await request.body())
    if fields is None:
        return refusal(400, "json", f"a question is one JSON object, with at most {DEPTH} brackets in each other")
    now = current.now  # one value for the whole request
    if request.headers.get(NUMBER, str(now.number)) != str(now.number):
        name = quote(now.explorer.weights.name, 60)
        return refusal(409, "model", f"this server shows {name} now, another page opened it: reload this page")
    try:
        answer = await work.quick(partial(answered, name, current if name in OF_SERVER else now.explorer, fields))
    except Exception as error:  # every error becomes an answer; unexpected ones are printed too
        return refused(error, quiet)
    if name in SLOW:
        lines = _lines(work, quiet, answer, POOLS.get(name, "slow"))
        return StreamingResponse(lines, media_type="application/x-ndjson")
    kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
    return Response(answer if isinstance(answer, bytes) else _json(answer), media_type=kind)


async def _lines(work: Work, quiet: Quiet, call: Any, pool: Pool) -> AsyncGenerator[bytes]:
    try:
        async for line in work.slow(call, pool):
            yield _json(line) + b"\n"
    except Exception as error:  # the status is already sent: the last line has the error
        yield bytes(refused(error, quiet).body) + b"\n"


def refused(error: Exception, quiet: Quiet) -> Response:
    """Convert an error to an answer, by the table above."""
    match error:
        case NoSuchRun():
            return refusal(404, "run", "this run is not on this server: it was restarted, or has forgotten it")
        case NoSuchCircuit():
            gone = "this circuit is not on this server: it was restarted, or has forgotten it; find it again"
            return refusal(404, "circuit", gone)
        case TooLong():
            return refusal(413, "too-long", str(error), tokens=error.args[1:] or None)
        case LoadstoreError():
            kind = "undefined" if isinstance(error, Undefined) else "bad"
            return refusal(422, kind, str(error), name=type(error).__name__)
        case FloatingPointError() | OverflowError() | RuntimeWarning():  # NumPy's warnings are exceptions here
            return refused(out_of_range(error), quiet)
        case Busy():
            return refusal(503, "busy", "too many questions are waiting; try again")
        case TimeoutError():
            return refusal(504, "slow", "this took longer than is allowed here; ask for less")
        case Hung():
            return refusal(504, "gone", "this was stopped")
        case _:
            quiet.tell("an error in loadstore", error)
            return refusal(500, "fault", f"an error in loadstore ({type(error).__name__}); see the terminal for more")


def _json(document: Document) -> bytes:
    return dumps(_plain(plain(document)), compact=True).encode()


def _plain(value: Any) -> Any:
    """Replace NaN and infinities by the words of view models, and escape hidden characters except in a prompt.

    The page puts the prompt into a field and sends it again, so it must stay unchanged.
    """
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {key: part if key == "prompt" else _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
