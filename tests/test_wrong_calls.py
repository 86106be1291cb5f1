"""Every public function with every argument replaced by wrong values: documented errors only, and no hang."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapes
import torch
from depth import deep
from public import public
from tiny import FEW, tiny
from wrong_calls import IDS, right_calls

import loadstore as ls
from loadstore.errors import BadPrompt, BadRequest, LoadstoreError

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def base() -> dict[str, dict[str, object]]:
    return right_calls()


def test_every_public_function_is_tried(base):
    assert sorted(base) == sorted({name.rpartition(".")[2] for name in public()} - {"Head", "Trace", "Weights"})


def test_wrong_values_raise_documented_errors_only(tmp_path):
    paths = [str(TESTS), *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(TESTS / "wrong_calls.py")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    *bad, count = done.stdout.splitlines()
    assert not bad, "\n".join(bad)
    assert int(count.split()[0]) > deep(5_000, usual=2_500)
    assert not list(tmp_path.iterdir()), "a wrong call wrote a file"


def test_missing_and_unknown_arguments_are_named(base):
    with pytest.raises(BadRequest, match=r"ls\.run: missing a required argument: 'prompt'; its arguments are weights"):
        ls.run(base["run"]["weights"])
    with pytest.raises(BadRequest, match=r"ls\.metrics\.kl: got an unexpected keyword argument 'foo'; its arguments"):
        ls.metrics.kl(foo=1)
    with pytest.raises(BadRequest, match=r"ls\.head_roles\(sequences=True\): expected a whole number from 1 to 10,000"):
        ls.head_roles(base["run"]["weights"], sequences=True)
    with pytest.raises(BadPrompt, match=r"ls\.run\(prompt=3\.5\): expected a text"):
        ls.run(base["run"]["weights"], 3.5)


def test_a_text_is_not_a_list_of_its_letters(base):
    with pytest.raises(BadRequest, match=r"ls\.verify\(paraphrases='the cat'\): expected a list of"):
        ls.verify(base["verify"]["listing"], paraphrases="the cat")
    assert ls.subspace_scores(base["run"]["weights"], readers="L1.H0.K").sizes["reader"] == 1


def test_counts_are_real(base):
    model = base["run"]["weights"]
    with pytest.raises(BadRequest, match="are not counts"):
        ls.subspace_scores(model, frequencies=torch.ones(model.architecture.vocab, dtype=torch.complex64))


def test_a_number_is_not_a_list_of_prompts(base):
    with pytest.raises(BadRequest, match="labels= are of a list of prompts"):
        ls.policies.subspace(base["run"]["weights"], torch.tensor(2.5), labels=[0, 1], layer=0, at=0)


def test_scalars_of_other_libraries_are_numbers(base):
    trace = base["address"]["trace"]
    assert ls.address(trace, "L1.H0", np.int64(4)).tokens == ls.address(trace, "L1.H0", torch.tensor(4)).tokens
    assert ls.run(trace.weights, np.array(IDS)).logits.equal(trace.logits)


def test_values_of_other_kinds_are_refused_in_one_line(base) -> None:
    with shapes.unchecked(), pytest.raises(BadRequest, match=r"^Circuit\(by=array"):
        ls.types.Circuit(**base["Circuit"] | {"by": np.ones(2)})
    for rows in (torch.eye(3).to_sparse(), torch.eye(3, device="meta")):
        with pytest.raises(BadRequest, match="give a dense tensor"):
            ls.policies.Subspace(rows, "a test")
    with shapes.unchecked(), pytest.raises(BadRequest) as refused:
        ls.run(tiny(FEW[4]), [0, 1], edits=[ls.ablate("L0.H0", by="L" * 5000)])
    assert len(str(refused.value)) < 300


def test_weights_may_be_parameters() -> None:
    model = tiny(FEW[4])
    trained = model.map(lambda tensor: tensor.clone().requires_grad_())
    for function in (ls.subspace_scores, lambda of: ls.parts.score_parts(ls.run(of, [0, 1, 2], record=True), "L1.H0")):
        assert function(trained).identical(function(model))


def test_a_head_is_two_whole_numbers():
    assert str(ls.Head(0, 11)) == "L0.H11"
    with pytest.raises(LoadstoreError, match="expected a layer and an index"):
        ls.Head(0, -1)


def test_counts_are_bounded_at_their_edges(base):
    model = base["run"]["weights"]
    for right in (1, 10_000 - 9_999):
        assert ls.head_roles(model, sequences=right).sizes["head"] == 9
    for wrong in (0, 10_001):
        with pytest.raises(BadRequest, match="expected a number from 1 to 10,000"):
            ls.head_roles(model, sequences=wrong)
    for right in (0, 2**63 - 1):
        ls.head_roles(model, sequences=1, seed=right)
    for wrong in (-1, 2**63):
        with pytest.raises(BadRequest, match="expected a number from 0"):
            ls.head_roles(model, sequences=1, seed=wrong)
