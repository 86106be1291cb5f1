"""Results beyond the range of double precision are documented errors, in calls, commands and the explorer."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from attack.made import Plan, made
from attack.tokens import plain_tokens
from loops import run_apart

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.errors import Undefined
from loadstore.explorer.app import refused
from loadstore.explorer.quiet import Quiet
from loadstore.explorer.work import Work
from loadstore.overflows import in_range

TEXTS = [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]]


def test_overflow_and_no_result_are_refused_and_nothing_else():
    says = r"^ls\.f: a number leaves the range of double precision \(overflow .*scale of the weights$"
    with pytest.raises(Undefined, match=says), in_range("ls.f"):
        np.square(np.array([1e154, 1.4e154]))
    with pytest.raises(Undefined, match="invalid value"), in_range("ls.f"):
        np.array([np.inf]) - np.inf
    with in_range("ls.f"):
        assert np.square(np.array([1.3e154])) < np.inf
        assert np.square(np.array([1e-200])) == 0  # an underflow to zero is the nearest number
        assert np.isnan(np.array([np.nan]) * 2)  # what was undefined before stays so


@pytest.mark.parametrize("name", ["traffic", "memory_map", "lifetimes", "reach"])
def test_weights_beyond_measure_are_a_documented_error(name: str):
    model = made(Plan(), 2026, "large").map(lambda tensor: tensor * 1e30)
    with pytest.raises(Undefined, match=r"range of double precision|overflows"):
        getattr(ls, name)(model, TEXTS)


def test_a_command_says_so_in_one_line(tmp_path):
    path = tmp_path / "large.safetensors"
    model = made(Plan(), 2026, "large").map(lambda tensor: tensor * 1e30)
    save_weights(replace(model, tokens=plain_tokens(model.architecture.vocab)), path)
    (tmp_path / "texts").mkdir()
    for name in ("a", "b"):
        (tmp_path / "texts" / f"{name}.txt").write_text("w1 w2 w3 w4 w5", encoding="utf-8")
    command = [sys.executable, "-m", "loadstore", "lifetimes", str(path), "--corpus", str(tmp_path / "texts")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "a number leaves the range of double precision" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_explorers_threads_keep_no_graph():
    assert run_apart(Work().quick(torch.is_grad_enabled)) is False
    assert torch.is_grad_enabled()


def test_the_explorer_answers_422():
    with pytest.raises(FloatingPointError) as caught:
        run_apart(Work().quick(lambda: np.square(np.array([1e200]))))
    answer = refused(caught.value, Quiet())
    assert answer.status_code == 422
    assert json.loads(bytes(answer.body))["error"]["kind"] == "undefined"
