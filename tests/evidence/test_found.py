"""Induction circuits are found where they are, by every kind of evidence, and nowhere else."""

import math

import planted as p
import pytest
import torch
from close import assert_close
from hostile import refusal
from tiny import KINDS, tiny

import loadstore as ls
from loadstore.errors import BadRequest
from loadstore.evidence.found import induction_circuits
from loadstore.heads.roles import random_repeats


@pytest.mark.parametrize("positions", ["learned", "shortformer"])
def test_the_planted_circuit_is_found_by_every_kind_of_evidence(positions: p.Positions) -> None:
    found = induction_circuits(p.with_noise(p.planted(positions), 1e-3), controls=1)
    assert list(found["pair"].values) == ["L0.H0 → L1.H0"]
    one = found.isel(pair=0)
    assert float(one.alignment) > 0.9
    assert float(one.p) < 1e-9
    assert float(one.previous) > 0.99 > float(one.previous_uniform)
    assert float(one.induction) > 0.99 > float(one.induction_uniform)
    assert float(one.change) > max(0.5, float(one.control))
    assert float(one.beyond) == 1


def test_a_model_without_one_has_none() -> None:
    found = induction_circuits(tiny(KINDS[0]))
    assert found.sizes["pair"] == 0
    assert found.attrs["found"] == 0
    assert math.isnan(found.attrs["together"])


def test_on_the_builtin_model_each_number_is_that_of_the_function_that_measures_it() -> None:
    model = ls.load("builtin")
    found = ls.experiments.induction_circuits(model, controls=2, sequences=3)
    assert set(found["pair"].values) == {"L0.H7 → L1.H4", "L0.H7 → L1.H10"}
    assert float(found.beyond.min()) == 1
    scores = ls.subspace_scores(model, writers="L0.H7", readers=["L1.H4.K", "L1.H10.K"])
    roles = ls.head_roles(model)
    tokens = random_repeats(model, 3, 25)
    size = float(ls.run(model, tokens).logits.abs().max())
    for one in (found.isel(pair=i) for i in range(2)):
        head = str(one["induction_head"].values)
        assert float(one.alignment) == pytest.approx(float(scores.alignment.sel(reader=f"{head}.K")[0]), abs=1e-6)
        assert float(one.induction) == float(roles.induction.sel(head=head))
        assert float(one.traffic_rank) == pytest.approx(1 / 14)  # of 14 writers none carries as much
        cut = ls.effect(model, tokens, [ls.cut("L0.H7", f"{head}.K")], ls.metrics.loss(start=26))
        assert_close(one.change, cut.change, dtype=torch.float32, scale=size)
        assert_close(one.change_se, cut.standard_error, dtype=torch.float32, scale=size)
    both = [ls.cut("L0.H7", f"L1.H{index}.K") for index in (4, 10)]
    together = ls.effect(model, tokens, both, ls.metrics.loss(start=26)).change
    assert_close(found.attrs["together"], together, dtype=torch.float32, scale=size)
    assert found.attrs["together"] > 2 * float(found.change.max())  # each stands in for the other


def test_uniform_attention_scores_what_its_rows_give() -> None:
    found = induction_circuits(p.planted(bos=False), sequences=2, controls=1)
    length = 16
    rows = [1 / (query + 1) for query in range(1, length)]
    assert float(found.previous_uniform[0]) == pytest.approx(sum(rows) / len(rows), abs=1e-6)


def test_bad_requests_name_the_way_out() -> None:
    model = tiny(KINDS[0])
    refusal(lambda: induction_circuits(model, least=2.0), BadRequest, "least=2")
    refusal(lambda: induction_circuits(model, sequences=1), BadRequest, "two sequences")
