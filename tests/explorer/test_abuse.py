"""Whatever is sent, the server answers with a status that docs/explorer.md names, and is well afterwards."""

import gc
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from served import Client, until

from loadstore.explorer import guard, table
from loadstore.explorer.body import DEPTH, TEXTS
from loadstore.explorer.guard import HEADERS
from loadstore.explorer.here import Here
from loadstore.explorer.requests import Request
from loadstore.explorer.state import Document, Explorer
from loadstore.progress import Progress

BIG = 10_000_000
DOCUMENTED = set(map(int, re.findall(r"^\| (\d{3}) \|", Path("docs/explorer.md").read_text(encoding="utf-8"), re.M)))


def well(client: Client) -> bool:
    """Whether the server answers a question as it should."""
    status, found = client.ask("run", prompt="the cat sat on the")
    return status == 200 and len(found["labels"]) == 6


BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"3", 400),
    (b"null", 400),
    (b'{"prompt": NaN}', 400),
    (b'{"prompt": "\xff"}', 400),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
    (b"[" * 100_000, 400),
    (b'{"ids": [' + b"9" * 5000 + b"]}", 400),
    (b'{"prompt": 5}', 422),
    (b'{"prompt": ""}', 422),
    (b'{"ids": []}', 422),
    (b'{"ids": [99999999]}', 422),
    (b'{"ids": [1], "path": "/etc/passwd"}', 422),
    (b'{"run": "../../etc/passwd"}', 404),
    (b'{"prompt": "\\ud800"}', 422),
    (b'{"prompt": "((((((((x))))))))"}', 200),
    (b'{"prompt": "[[[[[[[[[1]]]]]]]]]"}', 200),
    (b'{"prompt": "{{{{{{{{{ \\" }}}}}}}}}"}', 200),
    (b'{"prompt": "a quote \\\\"}', 200),
    (b'{"prompt": "[[[[[[[[[', 400),
    (b'{"prompt": "\\', 400),
    (b'{"prompt": "\\"[[[[[[[[[", "ids": [[[[[[[[9]]]]]]]]}', 400),
    (b'{"prompt": "</script><b>\\u202e\\u0000\\ud83d\\ude00"}', 200),
]


def test_every_body_has_its_status(client: Client) -> None:
    wrong: dict[bytes, object] = {}
    for body, status in BODIES:
        got, _, answer = client.send("POST", "/api/run", body)
        error = None if got == 200 else json.loads(answer)["error"]["message"]
        if got != status or error == "" or "site-packages" in (error or ""):
            wrong[body[:40]] = f"{got}, expected {status}: {answer[:300]!r}"
        if not well(client):
            wrong[body[:40]] = "the server is not well afterwards"
    assert not wrong


@pytest.mark.parametrize(("deep", "status"), [(DEPTH, 422), (DEPTH + 1, 400)])
def test_brackets_nest_up_to_the_limit_and_those_in_texts_do_not_count(client: Client, deep: int, status: int) -> None:
    inner = deep - 1
    body = b'{"prompt": "[[[[", "ids": ' + b"[" * inner + b'"{{{{"' + b"]" * inner + b"}"
    got, _, answer = client.send("POST", "/api/run", body)
    assert got == status, answer[:300]


def test_brackets_are_counted_in_time_that_is_linear_in_the_body() -> None:
    start = time.process_time()
    for body in (b'"' * guard.BODY, b'"' + b"\\" * guard.BODY, b'"' + b'\\"' * (guard.BODY // 2)):
        assert len(TEXTS.sub(b"", body)) == 0
    assert time.process_time() - start < 5


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_of_ten_megabytes_is_refused(client: Client, *, chunked: bool) -> None:
    body: Any = b'{"prompt": "' + b"x" * BIG + b'"}'
    if chunked:
        body = iter([body[i : i + 65536] for i in range(0, len(body), 65536)])
    status, _, answer = client.send("POST", "/api/run", body)
    assert status == 413
    assert json.loads(answer)["error"]["kind"] == "too-large"
    assert well(client)


def test_prompts_that_are_too_long_are_told_by_how_much(client: Client) -> None:
    status, found = client.ask("run", ids=[5] * 300)
    assert status == 422
    assert re.search(r"300 tokens; builtin takes at most 256", found["error"]["message"])
    status, found = client.ask("run", prompt="a" * 20_001)
    assert status == 422
    assert "20,001 characters" in found["error"]["message"]


SENT: list[tuple[dict[str, str | None], int]] = [
    ({"host": "evil.com"}, 421),
    ({"host": "evil.com:{port}"}, 421),
    ({"host": "127.0.0.1:1"}, 421),
    ({"host": ""}, 421),
    ({"host": "localhost:{port}"}, 200),
    ({"origin": "http://evil.com"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "http://127.0.0.1:1"}, 403),
    ({"origin": "https://127.0.0.1:{port}"}, 403),
    ({"origin": "http://localhost:{port}"}, 200),
    ({"sec_fetch_site": "cross-site"}, 403),
    ({"sec_fetch_site": "same-site"}, 403),
    ({"sec_fetch_site": "same-origin"}, 200),
    ({"x_loadstore_key": None}, 401),
    ({"x_loadstore_key": "wrong"}, 401),
    ({"x_loadstore_key": "\xff\xe9"}, 401),
    ({"content_type": "text/plain"}, 415),
    ({"content_type": None}, 415),
]


def test_every_header_has_its_status(client: Client) -> None:
    wrong: dict[str, object] = {}
    for headers, status in SENT:
        sent = {name: None if value is None else value.format(port=client.port) for name, value in headers.items()}
        got, answered, _ = client.send("POST", "/api/model", b"{}", **sent)
        if got != status or "server" in answered or any(answered[name] != value for name, value in HEADERS.items()):
            wrong[str(headers)] = f"{got}, expected {status}; {answered}"
    assert not wrong


PATHS = [
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/explorer.js/../../../pyproject.toml",
    "/api/../../etc/passwd",
    "/..\\..\\etc\\passwd",
    "/explorer.js%00.css",
    "/static/",
    "/bundle/loadstore.js",
]


def test_no_path_leads_to_a_file(client: Client) -> None:
    for path in PATHS:
        status, _, body = client.send("GET", path)
        assert (status, b"root:" in body, b"hatchling" in body) == (404, False, False), path


def test_questions_are_posted(client: Client) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert client.send(method, "/api/model")[0] == 405, method
    assert client.ask("nothing")[0] == 404


def test_the_page_needs_no_key_and_holds_none(client: Client) -> None:
    for path in ("/", "/explorer.js", "/explorer.css"):
        status, _, body = client.send("GET", path, x_loadstore_key=None)
        assert status == 200
        assert client.key.encode() not in body


def test_a_malformed_request_closes_its_own_connection_only(client: Client) -> None:
    for raw in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 200_000,
        b"POST /api/run HTTP/1.1\r\n",
    ):
        with socket.create_connection((client.host, client.port), timeout=10) as one:
            one.sendall(raw)
    assert well(client)


def test_a_body_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 0.3)
    head = f"POST /api/run HTTP/1.1\r\nhost: 127.0.0.1:{client.port}\r\nx-loadstore-key: {client.key}\r\n"
    with socket.create_connection((client.host, client.port), timeout=30) as one:
        one.sendall(f"{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{".encode())
        assert b"408" in one.recv(4096).split(b"\r\n")[0]
    assert well(client)


def test_two_hundred_requests_at_once_are_answered_or_sent_away(client: Client) -> None:
    start = threading.Barrier(200)

    def one(index: int) -> int:
        start.wait()
        return client.ask("run", prompt=f"the cat sat on the mat {index}")[0]

    with ThreadPoolExecutor(200) as pool:
        statuses = Counter(pool.map(one, range(200)))
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= 40
    assert well(client)


def test_two_browsers_do_not_disturb_each_other(client: Client) -> None:
    def one(word: str) -> list[str]:
        labels: list[str] = []
        for length in range(1, 9):
            status, run = client.ask("run", prompt=f"{word} " * length)
            assert status == 200
            status, found = client.ask("question", run=run["run"], at=len(run["labels"]) - 1)
            assert (status, found["next"][: len(run["next"])]) == (200, run["next"])
            labels += run["labels"]
        return labels

    with ThreadPoolExecutor(2) as pool:
        cats, dogs = pool.map(one, ("cat", "dog"))
    assert any("cat" in label for label in cats)
    assert not any("dog" in label for label in cats)
    assert not any("cat" in label for label in dogs)


class Steps(Request, frozen=True, kw_only=True):
    steps: int = 10_000


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A slow question that counts its steps, and what became of it."""
    seen = {"steps": 0, "stopped": 0}

    def question(explorer: Explorer, ask: Steps) -> Callable[[Progress], Document]:
        steps = ask.steps

        def work(progress: Progress) -> Document:
            try:
                for step in range(steps):
                    seen["steps"] += 1
                    time.sleep(0.005)
                    progress(step, steps)
            except RuntimeError:
                seen["stopped"] += 1
                raise
            return {"done": steps}

        return work

    monkeypatch.setitem(cast("Any", table.SLOW), "slow", (Steps, question))
    return seen


def test_a_client_that_hangs_up_stops_its_analysis(client: Client, slow: dict[str, int]) -> None:
    head = f"POST /api/slow HTTP/1.1\r\nhost: 127.0.0.1:{client.port}\r\nx-loadstore-key: {client.key}\r\n"
    with socket.create_connection((client.host, client.port), timeout=30) as one:
        one.sendall(f"{head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        assert b"200" in one.recv(4096).split(b"\r\n")[0]
        assert until(lambda: slow["steps"] > 3)
    assert until(lambda: slow["stopped"] == 1)
    status, lines = client.ask("slow", steps=2)
    assert status == 200
    assert lines[-1] == {"result": {"done": 2}}
    assert lines[0] == {"progress": [0, 1]}


def test_slow_questions_do_not_hold_up_quick_ones_and_too_many_are_sent_away(
    client: Client, slow: dict[str, int]
) -> None:
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(client.ask, "slow", steps=150) for _ in range(12)]
        assert until(lambda: slow["steps"] > 3)
        assert well(client)
        answers = [one.result() for one in asked]
    kinds = Counter("result" if "result" in lines[-1] else lines[-1]["error"]["kind"] for _, lines in answers)
    assert set(kinds) == {"result", "busy"}


def test_an_answer_that_takes_too_long_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleepy(explorer: Explorer, ask: Request) -> Document:
        time.sleep(0.5)
        return {}

    monkeypatch.setattr("loadstore.explorer.work.SECONDS", 0.1)
    monkeypatch.setitem(cast("Any", table.QUICK), "sleepy", (Request, sleepy))
    status, found = client.ask("sleepy")
    assert (status, found["error"]["kind"]) == (504, "slow")
    monkeypatch.undo()
    assert well(client)


def test_a_fault_is_told_without_its_inside(
    client: Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def faulty(explorer: Explorer, ask: Request) -> Document:
        raise ZeroDivisionError("secret/path")

    monkeypatch.setitem(cast("Any", table.QUICK), "faulty", (Request, faulty))
    status, found = client.ask("faulty")
    assert status == 500
    assert "secret" not in json.dumps(found)
    assert "secret/path" in capfd.readouterr().err


@pytest.mark.nightly
def test_memory_comes_back_to_its_level(client: Client) -> None:
    def storm() -> int:  # twice the 256 MB of recorded runs that are kept
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda index: client.ask("run", ids=[index % 500] * 200), range(40)))
        gc.collect()
        return next(
            int(line.split()[1])
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )

    levels = [storm() for _ in range(4)]
    growth = [(after - before) / 1024 for before, after in pairwise(levels[1:])]
    assert min(growth) < 15  # MB; what is lost with every run is lost in every storm


def test_what_was_met_here_is_documented() -> None:
    assert {400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 422, 503, 504} == DOCUMENTED


NAMED = [
    ("127.0.0.1", "127.0.0.1:8421", True),
    ("127.0.0.1", "LOCALHOST:8421", True),
    ("127.0.0.1", "[::1]:8421", True),
    ("127.0.0.1", "127.0.0.1", False),
    ("127.0.0.1", "127.0.0.1:84210", False),
    ("127.0.0.1", "192.168.1.5:8421", False),
    ("127.0.0.1", "localhost.evil.com:8421", False),
    ("192.168.1.5", "192.168.1.5:8421", True),
    ("0.0.0.0", "192.168.1.5:8421", True),
    ("0.0.0.0", "evil.com:8421", False),
    ("::", "[fe80::1]:8421", True),
]


def test_which_host_headers_name_this_server() -> None:
    assert [(host, name, Here(host, host, 8421, "key").named(name)) for host, name, _ in NAMED] == NAMED
