"""Random and wrong questions to the explorer of adversarial models: documented statuses, and its owner is served."""

import json
import random
import re
import socket
from dataclasses import replace
from typing import Any

from served import Client, serving

import loadstore as ls
from attack.folders import hostile
from attack.tally import Tally, Wrong
from attack.zoo import Animal, zoo
from loadstore.errors import BadRequest
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import QUICK, SLOW
from loadstore.model.wiring import wiring

STATUSES = {200, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 503, 504}
EACH = 300  # questions to the explorer of one model
BARE = re.compile(rb"[\[:,] ?-?(NaN|Infinity)[,\]}]")  # outside of texts
READABLE = (0, 1, 2)  # kinds of broken requests that are whole, so that an answer is due
SECONDS = 60.0
ODD: list[Any] = [
    None,
    -1,
    2**31,
    10**12,
    1.5,
    True,
    "x" * 100,
    [],
    {},
    [[1]],
    "\ud800",
    "\x00",
    {"a": 1},
    "L0.H0\u202e",
]
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"{" * 3000,
    b'{"run": 1}',
    b'{"run": "' + b"a" * 300_000 + b'"}',
    b"1e999",
]


def attack(tally: Tally, seed: int, *, few: bool = False) -> None:
    """Serve one model after the other until the time is up."""
    for turn in range(1 if few else 1000):
        for animal in zoo(seed + turn)[:: 30 if few else 1]:
            ask(tally, animal, seed + turn, 10 if few else EACH)
            if tally.over and not few:
                return


def ask(tally: Tally, animal: Animal, seed: int, count: int) -> None:
    """Ask the explorer of one model so many questions, then one as its owner."""
    dice, model = random.Random(f"{seed} {animal.name}"), animal.born(seed)
    model = replace(model, name=f"{animal.name}\x1b\u202e")
    where = f"{animal.name} (seed {seed})"
    ids = [dice.randrange(model.architecture.vocab) for _ in range(min(6, model.architecture.context))]
    with serving(Explorer(model, ids)) as served:
        client = Client(served.address)
        runs = ["000000000000"]
        for number in range(count):
            name = dice.choice([*SLOW]) if dice.random() < 0.15 else dice.choice([*QUICK])
            if name == "open":
                continue  # the models that are installed are not small
            fields = fields_of(dice, name, model, dice.choice(runs))
            place = f"{where}: {name} {fields!r:.150}"
            trouble = dice.random() < 0.2
            made = tally.attempt(
                "a broken request" if trouble else "a question",
                place,
                lambda n=name, f=fields, t=trouble: broken(dice, client, n, f) if t else question(client, n, f),
                SECONDS,
            )
            if isinstance(made, str):
                runs = [made, *runs[:5]]
            if number % 100 == 99 and tally.over:
                break
        tally.attempt("the owner is served afterwards", where, lambda: owner(client))


def fields_of(dice: random.Random, name: str, model: ls.Weights, run: str) -> dict[str, Any]:
    """Fields of a question, each wrong now and then."""
    network, shape = wiring(model), model.architecture
    writer, reader = str(dice.choice(network.writers)), str(dice.choice(network.readers))
    head, at = str(dice.choice(shape.heads)), dice.randrange(-1, shape.context + 1)
    edits = [{"kind": "cut", "writer": writer, "reader": reader}, {"kind": "ablate", "writer": writer}]
    target = dice.choice([None, 0, shape.vocab - 1, "w1", "\x1b", shape.vocab])
    place = {"run": run, "at": at}
    aimed = {**place, "predict": target, "against": dice.choice([None, 0, 1])}
    fields: dict[str, dict[str, Any]] = {
        "run": dice.choice([{"prompt": hostile(dice)}, {"ids": [dice.randrange(shape.vocab + 1) for _ in range(4)]}]),
        "patterns": {"run": run, "first": at},
        "head": {"run": run, "head": head},
        "question": aimed,
        "listing": aimed,
        "compare": {**aimed, "ids": [0] * dice.randrange(1, 7)},
        "search": {"run": run, "text": dice.choice([head, writer, "9.9", "0", "\x1b", "w1:" + writer, ":", "·"])},
        "channel": {"writer": writer, "reader": reader, "offset": dice.choice([None, 0, 1, -1, 99])},
        "address": {**place, "head": head, "about": dice.choice([None, "most", "row", 0, at])},
        "steps": {**place, "head": head, "about": dice.choice([None, "most", "row", 0, at])},
        "decoded": {**place, "writer": writer},
        "effect": {**place, "edits": dice.sample(edits, dice.randrange(3)), "by": dice.choice([None, "mean", "zero"])},
        "controls": {**place, "edits": dice.sample(edits, dice.randrange(3)), "predict": target},
        "verify": {**aimed, "controls": 2, "replicates": 2},
        "memory": {"run": run, "first": at, "measure": dice.choice([None, "stored", "loaded"])},
        "store": {**place, "writer": writer, "by": dice.choice(["share", "traffic"]), "predict": target},
        "region": {"writer": writer},
        "nulls": {"head": head, "wires": [{"writer": writer, "side": dice.choice("QKV")}]},
        "walk": dice.choice([{}, place]),
        "wires": {"measure": dice.choice(["alignment", "traffic"])},
        "circuit/find": {
            "task": dice.choice(["induction", "ioi", "x"]),
            "pairs": 8,
            "size": dice.choice(["3", "1%", "x"]),
        },
        "circuit/picture": {"circuit": "x", "pair": at},
        "circuit/switch": {"circuit": "x", "off": [0, 1]},
    }
    chosen = dict(fields.get(name, {}))
    if dice.random() < 0.2:
        chosen[dice.choice([*chosen, "more"])] = dice.choice(ODD)
    return chosen


def question(client: Client, name: str, fields: dict[str, Any]) -> str | None:
    """Ask; the name of a run where one was made. Raises Wrong for a status or an error that nothing documents."""
    status, _, body = client.send("POST", f"/api/{name}", json.dumps(fields).encode())
    answered(status, body)
    return json.loads(body).get("run") if name == "run" else None


def answered(status: int, body: bytes) -> None:
    """Raise Wrong for an answer that is a fault, BadRequest for one that refuses."""
    if status not in STATUSES:
        raise Wrong(f"status {status}: {body[:300]!r}")
    if b'"kind":"fault"' in body.replace(b" ", b"") or b"Traceback" in body:
        raise Wrong(f"a fault in an answer of status {status}: {body[-300:]!r}")
    if bad := BARE.search(body):
        raise Wrong(f"JSON that browsers refuse: {body[max(0, bad.start() - 80) :][:160]!r}")
    if status != 200:
        raise BadRequest(f"status {status}")


def broken(dice: random.Random, client: Client, name: str, fields: dict[str, Any]) -> None:
    """A request that is wrong in its key, its host, its page, its method, its body or its client."""
    kind = dice.randrange(9)
    try:
        _broken(dice, client, name, fields, kind)
    except ConnectionError:
        if kind in READABLE:
            raise
        raise BadRequest("the server closed the connection before the request was whole") from None


def _broken(dice: random.Random, client: Client, name: str, fields: dict[str, Any], kind: int) -> None:
    body, path = json.dumps(fields).encode(), f"/api/{name}"
    wanted: set[int] | None = None
    match kind:
        case 0:
            status, _, answer = client.send(
                "POST", path, body, x_loadstore_key=dice.choice(["", "x" * 32, "\u00ff", None])
            )
            wanted = {401}
        case 1:
            status, _, answer = client.send("POST", path, body, host=dice.choice(["evil.com", "127.0.0.1", "[::1]:80"]))
            wanted = {421}
        case 2:
            status, _, answer = client.send("POST", path, body, origin=dice.choice(["http://evil.com", "null", "x"]))
            wanted = {403}
        case 3:
            status, _, answer = client.send("POST", path, dice.choice(BODIES))
        case 4:
            status, _, answer = client.send(dice.choice(["GET", "PUT", "DELETE", "OPTIONS", "BREW"]), path, body)
        case 5:
            odd = dice.choice(
                ["/api/", "/api/../x", "/%00", "/api/run%0d%0a", "/" + "a" * 5000, "/assets/../../etc/passwd"]
            )
            status, _, answer = client.send("POST" if dice.random() < 0.5 else "GET", odd, body)
        case 6:
            status, _, answer = client.send("POST", path, body, content_type=dice.choice(["text/plain", "x", "a/b;c"]))
        case 7:
            length = dice.choice(["-1", "99999999999999999999", "1e3", "0x10", "5"])
            status, _, answer = client.send("POST", path, b"{}   "[:5], content_length=length)
        case _:
            with socket.create_connection((client.host, client.port), timeout=30) as one:
                one.sendall(
                    dice.choice([b"\x00" * 50, b"POST / HTTP/9.9\r\n\r\n", b"GET " + b"a" * 70_000, body, b"\r\n" * 9])
                )
            return
    if wanted is not None and status not in wanted:
        raise Wrong(f"status {status}, expected {wanted}")
    answered(status, answer)


def owner(client: Client) -> None:
    """Raise Wrong unless the owner has an answer."""
    status, answer = client.ask("model")
    if status != 200 or "facts" not in answer:
        raise Wrong(f"the owner gets {status}: {answer!r:.200}")
