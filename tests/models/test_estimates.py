"""Estimates are of the order of what happens: counts against a profiler's, memory against shapes."""

import pytest
import torch
from tiny import KINDS, tiny
from torch.utils.flop_counter import FlopCounterMode

import loadstore as ls
from loadstore.models.estimates import _run, estimates, matmul_rate


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_operations_of_a_run_are_what_a_counter_counts(kind) -> None:
    model = tiny(kind)
    tokens = torch.arange(1, 9)
    with FlopCounterMode(display=False) as counter:
        ls.run(model, tokens, record=True)
    assert _run(model.architecture, 8) == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_more_is_estimated_to_cost_more() -> None:
    small, large = (estimates(tiny(KINDS[0], n_layers=n)) for n in (2, 6))
    costs = {one.analysis: one for one in small}
    for one in large:
        assert one.operations >= costs[one.analysis].operations > 0
        assert one.memory >= costs[one.analysis].memory > 0
    assert [one.operations for one in large] == sorted(one.operations for one in large)


def test_the_rate_is_that_of_a_product_here() -> None:
    assert 1e8 < matmul_rate(256, 3) < 1e14
