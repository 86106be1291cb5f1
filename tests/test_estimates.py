"""Estimates are of the order of what happens: counts against a profiler's, memory against shapes."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from pace import processor, slowness
from tiny import FEW, KINDS, tiny
from torch.utils.flop_counter import FlopCounterMode

import loadstore as ls
from loadstore.cost.machine import Machine, measured
from loadstore.cost.passes import run
from loadstore.cost.table import START, Estimate, estimates, expected
from loadstore.cost.work import Cost, Work
from loadstore.sites import SIDES

SLOW = Machine(1e9, 1e8, 1e9, 1e5)


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_operations_of_a_run_are_what_a_counter_counts(kind) -> None:
    model = tiny(kind)
    tokens = torch.arange(1, 9)
    with FlopCounterMode(display=False) as counter:
        ls.run(model, tokens, record=True)
    latents = [layer.latent(side) for layer in model.layers for side in SIDES]  # their ranks are in no architecture
    more = sum(2 * 8 * latent.W.numel() for latent in latents if latent is not None)
    assert run(model.architecture, 8).products + more == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_more_is_estimated_to_cost_more() -> None:
    small, large = (estimates(tiny(KINDS[0], n_layers=n)) for n in (2, 6))
    costs = {one.analysis: one for one in small}
    for one in large:
        assert one.cost.operations >= costs[one.analysis].cost.operations > 0
        assert one.cost.memory >= costs[one.analysis].cost.memory > 0
    assert [one.cost.operations for one in large] == sorted(one.cost.operations for one in large)


def test_every_command_that_computes_has_an_estimate() -> None:
    from loadstore.cli.app import app

    known = {one.call.split()[1] for one in estimates(tiny(KINDS[0])) if one.call.startswith("loadstore ")}
    commands = {(command.name or command.callback.__name__) for command in app.registered_commands if command.callback}
    assert commands == known
    assert all(expected(tiny(KINDS[0]), name, SLOW) > 0 for name in known)


def test_a_time_is_the_start_and_the_work_at_the_rates() -> None:
    one = Estimate("x", "loadstore x MODEL", Cost(Work(3e9, 2e8, 4e9, 1e5), 1.0))
    assert one.seconds(SLOW) == pytest.approx(START + 3 + 2 + 4 + 1)
    assert one.bound(SLOW) == "bytes, 40 %"
    assert replace(one, start=0.0).seconds(SLOW) == pytest.approx(10)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("builtin", ["heads", "builtin"]),
        ("builtin", ["head", "builtin", "L0.H0"]),
        pytest.param("smollm2", ["heads", "smollm2"], marks=pytest.mark.nightly),
    ],
)
def test_an_expected_time_is_within_a_factor_of_two(model: str, options: list[str]) -> None:
    """Processor time of one thread, which does not depend on other work of the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here = measured(1, time.process_time)
    finally:
        torch.set_num_threads(threads)
    one = next(one for one in estimates(ls.load(model)) if one.call.startswith(f"loadstore {options[0]} "))
    before = processor()
    subprocess.run(
        [sys.executable, "-m", "loadstore", *options],
        check=True,
        capture_output=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    took = processor() - before
    expects = one.seconds(here) - one.start + one.start * slowness()
    print(f"{' '.join(options)}: expected {expects:.1f} s, took {took:.1f} s")
    assert took / 2 < expects < took * 2
