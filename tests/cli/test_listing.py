"""The program of a prediction on the command line, its proof, and what is refused."""

import json
from collections.abc import Callable

import pytest
from each import each

Run = Callable[..., tuple[int, str, str]]
SENTENCE = "the cat sat on the mat. the dog sat on the log."


def test_the_article_as_a_program(loadstore: Run) -> None:
    code, text, _ = loadstore("listing", "builtin", SENTENCE, "--at", "10", "--predict", " on")
    assert code == 0
    lines = text.splitlines()
    assert lines[0].split()[:3] == ["target", "␣sat·10", "␣on"]
    assert any(line.split()[:4] == ["LOAD.K", "␣on·4", "L0.H7", "1.04"] for line in lines)
    assert "estimated" in text


def test_the_document(loadstore: Run) -> None:
    document = json.loads(loadstore("listing", "builtin", SENTENCE, "--at", "10", "--predict", " on", "--json")[1])
    assert document["schema"] == "loadstore/listing@1"
    assert document["target"] == "␣on"
    assert {"logit", "probability", "explained", "steps"} <= document.keys()
    step = next(step for step in document["steps"] if step["site"] == "L1.H4")
    assert [load["kind"] for load in step["loads"]] == ["Q", "K", "V"]
    assert step["loads"][1]["parts"][0] == {
        "writer": "L0.H7",
        "index": 4,
        "token": "␣on·4",
        "share": pytest.approx(1.15, abs=0.01),
    }
    assert sum(cell["weight"] for cell in step["address"]) == pytest.approx(1, abs=1e-5)


def test_the_proof(loadstore: Run) -> None:
    options = ("builtin", SENTENCE, "--at", "10", "--top", "3")
    document = json.loads(loadstore("verify", *options, "--json")[1])
    assert document["schema"] == "loadstore/verified@1"
    assert document["holds"] is True
    pairs = [check for check in document["checks"] if len(check["wires"]) == 2]
    pair = next(check for check in pairs if check["wires"][0]["writer"] == "L0.H7")
    assert pair["verified"] is True
    assert len(pair["controls"]) == 20
    assert all(cell["after"] < 0.1 for cell in pair["attention"])
    text = loadstore("verify", *options)[1]
    assert "the listing holds" in text
    assert "✔ verified" in text


@each(
    ("options", "words"),
    [
        (["--predict", " sat on"], ["2 tokens", "␣sat ␣on", "must be one"]),
        (["--at", "99"], ["no token 99"]),
        (["--share", "2"], ["share=2.0", "between 0 and 1"]),
        (["--ids", "0,1,x"], ["--ids"]),
        (["--against", " on", "--predict", " on"], ["compared with itself"]),
    ],
)
def test_what_is_refused(loadstore: Run, options: list[str], words: list[str]) -> None:
    for command in ("listing", "verify"):
        code, _, error = loadstore(command, "builtin", SENTENCE, *options)
        assert code == 2
        assert "Traceback" not in error
        for word in words:
            assert word in error
