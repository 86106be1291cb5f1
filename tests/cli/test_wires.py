"""``loadstore wires`` on the built-in model, in tables and for a machine."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import loadstore as ls
from loadstore.errors import NoSuchSite

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(loadstore: Run) -> Run:
    return partial(loadstore, "wires", "builtin")


def test_the_induction_heads_key_reads_the_previous_token_head(command: Run, tmp_path: Path):
    table = tmp_path / "wires.csv"
    arguments = ["--reader", "L1.H10.?", "--tokens", "600", "--top", "4"]
    code, text, _ = command(*arguments, "--effect", "-o", str(table))
    assert code == 0
    assert "into K (traffic in nats" in text
    assert "L0.H7   L1.H10.K" in text
    assert "5 documents (640 tokens)" in text
    assert len(table.read_text().splitlines()) == 13
    document = json.loads(command(*arguments, "--json")[1])
    assert document["schema"] == "loadstore/wires@1"
    first = next(wire for wire in document["wires"] if wire["kind"] == "K")
    assert (first["writer"], first["reader"]) == ("L0.H7", "L1.H10.K")
    assert first["change"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--corpus", "no-such-folder"], "no-such-folder"),
        (["--reader", "L7.*"], "nothing matches"),
        (["--writer", "L5.H1"], "no writer L5.H1"),
        (["-o", "wires.txt"], ".csv or .nc"),
        (["--where", "L0.H7"], "expected 'WRITERS -> READERS'"),
    ],
)
def test_bad_input_is_one_sentence(command: Run, arguments: list[str], words: str):
    code, out, error = command(*arguments)
    assert (code, out) == (2, "")
    assert words in error
    assert error.count("\n") == 1


def test_where_lists_the_named_wires_alone(command: Run):
    wires = ["--where", "L0.H[67] -> L1.H10.K", "--where", "embed -> L1.H10.V"]
    document = json.loads(command(*wires, "--tokens", "300", "--json")[1])
    named = {(wire["writer"], wire["reader"]) for wire in document["wires"]}
    assert named == {("L0.H6", "L1.H10.K"), ("L0.H7", "L1.H10.K"), ("embed", "L1.H10.V")}
    assert "no wire of --where exists" in command("--where", "L1.H0 -> L0.H0.Q", "--tokens", "300")[1]


@pytest.mark.parametrize("sites", [{"writers": "L5.H1"}, {"readers": "L7.*"}])
def test_an_unknown_site_is_refused_before_the_corpus_is_measured(sites: dict[str, str]) -> None:
    steps: list[int] = []
    with pytest.raises(NoSuchSite):
        ls.wires(ls.load("builtin"), **sites, progress=lambda done, _: steps.append(done))
    assert steps == []
