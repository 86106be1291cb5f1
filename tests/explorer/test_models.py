"""Opening another model in a running server: only listed names, and every answer is about one model alone."""

import threading
from typing import Any

import pytest
from each import each
from served import ARTICLE, Client, on_builtin, serving
from tiny import KINDS, tiny

import loadstore as ls
from loadstore.errors import BadRequest
from loadstore.explorer.current import Current
from loadstore.explorer.examples import examples_of
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.explorer.work import Hung
from loadstore.model.weights import Weights


def other() -> Weights:
    return tiny(KINDS[0]).map(lambda tensor: tensor.float())


def shelf() -> Current:
    name = other().name
    return Current(on_builtin(), {name: lambda prompt: Explorer(other(), [1, 2, 3])})


def silent(done: int, of: int) -> None: ...


def test_models_are_listed_with_sentences_that_they_take() -> None:
    current = Current(on_builtin())
    found = answered("models", current, {})["models"]
    assert [one["name"] for one in found if one["shown"]] == [found[0]["name"]] == ["builtin"]
    assert {one["name"] for one in found} <= {"builtin", "smollm2", "gemma3-270m"}
    assert all(3 <= len(one["examples"]) <= 4 for one in found)
    assert examples_of("smollm2")[0] == "When Mary and John went to the store, John gave a drink to"
    for example in range(len(examples_of("builtin"))):
        answered("open", current, {"model": "builtin", "example": example})(silent)
        shown = current.now.explorer
        assert answered("run", shown, {})["prompt"] == examples_of("builtin")[example]
    assert current.now.number == len(examples_of("builtin"))
    from_another = Current(Explorer(other(), [1, 2, 3]))
    answered("open", from_another, {"model": "builtin"})(silent)
    assert answered("run", from_another.now.explorer, {})["prompt"] == examples_of("builtin")[0]


@each(
    "name, example, said",
    [
        ("/etc/passwd", None, "model: expected 'builtin'"),
        ("../smollm2", None, "model: expected 'builtin'"),
        ("owner/name", None, "model: expected 'builtin'"),
        ("", None, "model: expected 'builtin'"),
        ("builtin", 4, "example: 4, and builtin has sentences 0 to 3"),
        ("builtin", -1, "example: -1, and builtin has sentences 0 to 3"),
    ],
)
def test_only_what_the_server_lists_is_opened(name: str, example: int | None, said: str) -> None:
    current = shelf()
    with pytest.raises(BadRequest, match=said):
        answered("open", current, {"model": name, "example": example})
    assert current.now.number == 0


def test_a_model_that_cannot_be_opened_or_whose_reader_has_gone_changes_nothing() -> None:
    def missing(prompt: str | None) -> Explorer:
        raise FileNotFoundError("gone.gguf")

    current = Current(
        Explorer(ls.load("builtin"), ARTICLE), {"gone": missing, "slow": lambda prompt: Explorer(other(), [1])}
    )
    with pytest.raises(BadRequest, match=r"gone cannot be opened here \(FileNotFoundError: gone.gguf\)"):
        answered("open", current, {"model": "gone"})(silent)

    def leave(done: int, of: int) -> None:
        if done == 2:
            raise Hung

    with pytest.raises(Hung):
        answered("open", current, {"model": "slow"})(leave)
    assert current.now.explorer.weights.name == "builtin"


def test_questions_during_a_switch_are_answered_about_one_model_or_refused() -> None:
    current = shelf()
    first, second = "builtin", other().name
    with serving(current) as served:
        client = Client(served.address)
        run = client.ask("run", prompt=ARTICLE)[1]["run"]
        stop, seen = threading.Event(), list[tuple[int, Any]]()

        def keep_asking(number: str | None) -> None:
            own = Client(served.address)
            while not stop.is_set():
                status, _, body = own.send(
                    "POST", "/api/question", b'{"run": "%s"}' % run.encode(), x_loadstore_model=number
                )
                seen.append((status, body))

        threads = [threading.Thread(target=keep_asking, args=(number,)) for number in ("0", None)]
        for thread in threads:
            thread.start()
        for name in (second, first, second):
            status, lines = client.ask("open", model=name)
            assert status == 200
            assert lines[0] == {"progress": [0, 1]}
            assert lines[-1]["result"]["name"] == name
        stop.set()
        for thread in threads:
            thread.join()
        assert {status for status, _ in seen} <= {200, 404, 409}
        assert {body for status, body in seen if status == 200} == {
            next(body for status, body in seen if status == 200)
        }
        told = client.ask("model")[1]
        assert (told["name"], told["number"]) == (second, 3)
        assert client.ask("question", run=run)[0] == 404
        client.headers["x-loadstore-model"] = "0"
        status, answer = client.ask("wires", measure="alignment")
        assert status == 409
        assert answer["error"]["message"] == f"this server shows {second} now, another page opened it: reload this page"
        assert client.ask("model")[0] == 409
