"""Many mixed requests, some of them wrong, some from clients that leave: documented answers, and memory at its level.

Prompts come from a fixed pool, since recorded runs are kept up to runs.RECORDED. ``LOADSTORE_SOAK=2000`` asks so many;
the suite asks a sample. Then the counts and the memory are printed.
"""

import json
import os
import random
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from served import ARTICLE, Client, launched

from loadstore.explorer.table import QUICK, SLOW

SAMPLE = 150
COUNT = int(os.environ.get("LOADSTORE_SOAK", SAMPLE))
PARTS = 10  # after each of which the memory is read
GROWTH = 48 * 1024  # kB that the second half may add
ANSWERS = {200, 400, 401, 403, 404, 405, 413, 415, 421, 422, 503}
PROMPTS = [" ".join(ARTICLE.split()[:length]) for length in range(1, 12)] + ["", "a" * 2000, "\u202e\x00☃"]
WRITERS = [f"L0.H{head}" for head in range(12)] + [f"L1.H{head}" for head in range(12)] + ["embedding", "L9.H1", "x"]
HEADS = [f"L{layer}.H{head}" for layer in (0, 1) for head in range(12)] + ["L2.H0", "L1"]
WRONG: list[Any] = [None, -1, 10**12, 1.5, True, "x" * 100, [], {}, [[1]], "\ud800", {"a": 1}]


@dataclass(frozen=True)
class Request:
    """One request: its name, its fields, and what is wrong with it or its client."""

    name: str
    fields: dict[str, Any]
    trouble: str


def memory(pid: int) -> int:
    """Resident kilobytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def fields_of(draw: random.Random, name: str, run: str, tokens: int) -> dict[str, Any]:
    """Fields of a question, mostly right."""
    at, writer, head = draw.randrange(tokens), draw.choice(WRITERS), draw.choice(HEADS)
    edit = draw.choice([{"kind": "ablate", "writer": writer}, {"kind": "cut", "writer": writer, "reader": f"{head}.K"}])
    match name:
        case "model" | "walk":
            return {}
        case "run":
            return draw.choice([{"prompt": draw.choice(PROMPTS)}, {"ids": [draw.randrange(20)] * 5}])
        case "patterns":
            return {"run": run}
        case "model" | "models" | "roles":
            return {}
        case "open":
            return {"model": draw.choice(["builtin", "/etc/passwd"])}
        case "search":
            return {"run": run, "text": draw.choice([head, writer, "9.9", "3"])}
        case "head":
            return {"run": run, "head": head}
        case "channel":
            return {"writer": writer, "reader": f"{head}.{draw.choice('QKV')}"}
        case "question":
            return {"run": run, "at": at}
        case "address" | "steps":
            return {"run": run, "head": head, "at": at}
        case "effect" | "controls":
            return {"run": run, "at": at, "edits": [edit]}
        case "memory":
            return {"run": run, "measure": draw.choice(["stored", "loads", "x"])}
        case "store":
            return {"run": run, "at": at, "writer": writer, "by": draw.choice(["share", "traffic"])}
        case "decoded":
            return {"run": run, "at": at, "writer": writer}
        case "nulls":
            return {"head": head, "wires": [{"writer": writer, "side": draw.choice("QKV")}]}
        case "verify":
            return {"run": run, "at": at, "controls": 3, "replicates": 2}
        case "wires":
            return {"measure": draw.choice(["alignment", "traffic"])}
        case _:
            return {"run": run, "at": at}


def requests(seed: int, count: int, runs: list[tuple[str, int]]) -> Iterator[Request]:
    """Requests of every kind; a third of them wrong in some way, or from a client that leaves."""
    draw = random.Random(seed)
    for _ in range(count):
        name = draw.choice([*SLOW]) if draw.random() < 0.08 else draw.choice([*QUICK])
        fields = fields_of(draw, name, *draw.choice(runs))
        trouble = "none"
        if draw.random() < 0.33:
            trouble = draw.choice(
                ["field", "lost", "key", "host", "origin", "type", "body", "leaves", "resets", "idle"]
            )
        if trouble == "field":
            fields[draw.choice([*fields, "more"])] = draw.choice(WRONG)
        if trouble == "lost":
            fields["run"] = "000000000000"
        yield Request(name, fields, trouble)


def send(client: Client, request: Request) -> int:
    """The status of a request, or 0 where its client left."""
    body, path = json.dumps(request.fields).encode(), f"/api/{request.name}"
    match request.trouble:
        case "key":
            return client.send("POST", path, body, x_loadstore_key="x" * 32)[0]
        case "host":
            return client.send("POST", path, body, host="evil.com")[0]
        case "origin":
            return client.send("POST", path, body, origin="http://evil.com")[0]
        case "type":
            return client.send("POST", path, body, content_type="text/plain")[0]
        case "body":
            return client.send("POST", path, body[:-1])[0]
        case "leaves" | "resets" | "idle":
            with socket.create_connection((client.host, client.port), timeout=30) as one:
                head = f"POST {path} HTTP/1.1\r\nhost: {client.host}:{client.port}\r\nx-loadstore-key: {client.key}\r\n"
                head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                if request.trouble != "idle":
                    one.sendall(head.encode() + body)
                if request.trouble == "resets":
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return 0
        case _:
            return client.send("POST", path, body)[0]


@pytest.mark.nightly
def test_mixed_requests_are_answered_and_memory_stays_at_its_level(capfd: pytest.CaptureFixture[str]) -> None:
    answers: Counter[int] = Counter()
    levels: list[int] = []
    with launched("builtin") as (address, pid):
        client = Client(address)
        runs: list[tuple[str, int]] = []
        for prompt in PROMPTS[:11]:
            _, found = client.ask("run", prompt=prompt)
            runs.append((found["run"], len(found["labels"])))
        for name in SLOW:  # what is made once and kept
            draw = random.Random(0)
            assert client.ask(name, **fields_of(draw, name, *runs[-1]))[0] in ANSWERS
        with ThreadPoolExecutor(4) as pool:
            for part in range(PARTS):
                asked = list(requests(part, COUNT // PARTS, runs))
                for request, status in zip(asked, pool.map(lambda one: send(client, one), asked), strict=True):
                    assert status in ANSWERS or (status == 0 and request.trouble in {"leaves", "resets", "idle"}), (
                        request
                    )
                    answers[status] += 1
                levels.append(memory(pid))
        status, found = client.ask("run", prompt=ARTICLE)
        assert status == 200
        assert len(found["labels"]) == 15
    assert "Traceback" not in capfd.readouterr().err
    if COUNT > SAMPLE:
        with capfd.disabled():
            megabytes = [kilobytes // 1024 for kilobytes in levels]
            print(f"\n{sum(answers.values()):,} requests: {dict(sorted(answers.items()))}; MB {megabytes}")
    assert answers[200] > 0.4 * sum(answers.values())
    assert max(levels[-2:]) - max(levels[: PARTS // 2]) < GROWTH, levels
