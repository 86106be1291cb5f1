"""``loadstore address`` on the built-in model, in tables and for a machine."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from each import each

import loadstore as ls
from loadstore.cli.question import ARTICLE

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(loadstore: Run) -> Run:
    return partial(loadstore, "address")


def test_the_induction_head_reads_what_the_previous_token_head_stored(command: Run):
    code, text, _ = command("--head", "L1.H10", "--at", "10")
    assert code == 0
    lines = text.splitlines()
    assert lines[0].startswith("L1.H10  Q ␣sat·10:embed")
    assert lines[1].startswith("L1.H10@␣sat·10 → ␣on·4 .9")
    for side in "QKV":
        assert f"{side} (of" in text
    assert text.count("const ") == text.count("remainder") == 3


def test_the_document_is_that_of_the_api(command: Run):
    document = json.loads(command("builtin", ARTICLE, "--head", "L1.H4", "--at", "10", "--about", "4,2", "--json")[1])
    assert document["schema"] == "loadstore/address@1"
    found = ls.address(ls.run(ls.load("builtin"), ARTICLE), "L1.H4", 10, about=(4, 2))
    assert (document["key"], document["than"]) == (4, 2)
    assert document["shares"]["K"] == pytest.approx(dict(found.shares["K"]))
    assert [token["weight"] for token in document["tokens"]] == pytest.approx(list(found.weights))


@each(
    ("arguments", "words"),
    [
        ([], "which head?"),
        (["--head", "L1.H99"], "Nearest: L1.H11"),
        (["--head", "L1.H4", "--at", "40"], "there is no token 40: the prompt has tokens 0 to 14"),
        (["--head", "L1.H4", "--at", "3", "--about", "5"], "cannot attend to the later token 5"),
        (["--head", "L1.H4", "--about", "much"], "--about 'much'"),
        (["--head", "L1.H4", "--about", "1,2,3"], "expected 'most', 'row'"),
    ],
)
def test_bad_input_is_one_sentence(command: Run, arguments: list[str], words: str):
    code, out, error = command("builtin", ARTICLE, *arguments)
    assert (code, out) == (2, "")
    assert words in error
    assert error.count("\n") == 1


def test_an_undefined_side_says_why(command: Run):
    assert "Q: undefined, one key" in command("builtin", ARTICLE, "--head", "L1.H4", "--at", "0")[1]


def test_token_ids_stand_for_a_text(command: Run):
    text = command("--ids", "0,17,4,17", "--head", "L1.H4")[1]
    assert "effective tokens" in text
    assert command("--ids", "a", "--head", "L1.H4")[2].startswith("loadstore: --ids 'a'")
