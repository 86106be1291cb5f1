"""``loadstore patch`` on the built-in model: patched and cut wires, in a table and for a machine."""

import json
from collections.abc import Callable
from functools import partial

import pytest
import torch
from close import assert_close
from each import each

import loadstore as ls

Run = Callable[..., tuple[int, str, str]]
PROMPT, OTHER = "the cat sat on the mat. the cat", "the cat sat on the mat. the dog"


@pytest.fixture
def command(loadstore: Run) -> Run:
    return partial(loadstore, "patch", "builtin")


def test_patched_wires_are_those_of_the_python_call(command: Run):
    arguments = [PROMPT, "--counterfactual", OTHER, "--where", "embed -> L1.*.Q", "--where", "L0.H7 -> L1.H10.?"]
    code, out, _ = command(*arguments, "--predict", " sat", "--json", "--top", "3")
    document = json.loads(out)
    assert (code, document["schema"], document["from"]) == (0, "loadstore/patch@1", OTHER)
    model = ls.load("builtin")
    here, there = ls.run(model, PROMPT), ls.run(model, OTHER)
    before, size = here.logits[-1].log_softmax(-1)[here.tokens[0, 3]], float(here.logits.abs().max())
    assert_close(document["before"], float(before), dtype=torch.float32, scale=size)  # two passes in float32
    assert document["there"] < document["before"]
    assert len(document["wires"]) == 15
    first = document["wires"][0]
    edit = ls.patch(first["writer"], there, reader=first["reader"])
    alone = ls.effect(model, PROMPT, [edit], ls.metrics.log_probability(" sat"))
    assert_close(first["change"], alone.change, dtype=torch.float32, scale=size)
    assert first["change"] < -0.01
    assert document["seconds"] > 0
    code, text, _ = command(*arguments, "--predict", " sat", "--top", "3")
    assert code == 0
    assert "after ␣cat·9: log-probability of ' sat'" in text
    assert "3 of 15 wires" in text
    assert f"{first['writer']}" in text.splitlines()[6]


def test_without_another_prompt_wires_are_cut_and_the_first_prediction_is_watched(command: Run):
    code, text, _ = command(PROMPT, "--where", "L0.H7 -> L1.*.K")
    assert code == 0
    assert "(␣sat, the first prediction)" in text
    assert "wire cut, by the mean of the run" in text
    assert "12 wires" in text
    code, out, _ = command(
        "--ids", "0,5,6,7,5,6", "--where", "embed -> L1.H4.*", "--predict", "7", "--against", "5", "--json"
    )
    assert code == 0
    assert json.loads(out)["metric"] == "logit difference, 7 minus 5, after the last token"


def test_a_long_sweep_is_announced(command: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loadstore.cli.patch.LONG", 0.0)
    code, _, error = command(PROMPT, "--where", "embed -> L1.H4.*")
    assert code == 0
    assert error.startswith("about 0 s for all of these wires")


@each(
    ("arguments", "words"),
    [
        ([PROMPT, "--predict", " sat on"], "is 2 tokens (␣sat ␣on)"),
        ([PROMPT, "--counterfactual", "the cat"], "give prompts of equal length"),
        ([PROMPT, "--where", "L1.* -> L0.*"], "names no wire"),
        ([PROMPT, "--where", "L0.H7"], "WRITERS -> READERS"),
        ([PROMPT, "--where", "L7.* -> *"], "nothing matches"),
        ([PROMPT, "--at", "40"], "there is no token 40"),
        ([PROMPT, "--against", " on"], "--predict"),
        (["--ids", "a,b"], "whole numbers between commas"),
        (["--ids", "1,2", "--predict", "3,4"], "one id with --ids"),
    ],
)
def test_bad_input_is_one_sentence(command: Run, arguments: list[str], words: str):
    code, out, error = command(*arguments)
    assert (code, out) == (2, "")
    assert words in error
    assert error.count("\n") == 1
