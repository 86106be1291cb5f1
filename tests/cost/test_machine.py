"""Rates are measured by a clock, once in a process, and are those of this machine."""

import itertools

import pytest

from loadstore.cost import machine
from loadstore.cost.machine import DECOMPOSED, PASS, SIDE, Machine, decomposition_rate, measured, memory_rate


def test_a_rate_is_the_work_over_the_median_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = itertools.count()
    one = measured(3, clock=lambda: float(next(tick)))  # every run takes one second
    assert one.products == 2 * SIDE**3
    assert one.decompositions == pytest.approx(3 * 4 / 3 * DECOMPOSED**3)
    assert one.moved == 2 * 4 * PASS
    assert one.calls == machine.CALLS
    times = iter([0, 9, 0, 9, 0, 1, 0, 2, 0, 3, 0, 9])  # the first run is not counted; the median of 9, 1, 2, 3, 9 is 3
    assert memory_rate(lambda: float(next(times)), 8) == pytest.approx(2 * 4 * 8 / 3)


def test_a_machine_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(machine, "measured", lambda threads: seen.append(threads) or Machine(1.0, 1.0, 1.0, 1.0))
    machine._measured.cache_clear()
    try:
        assert machine.machine() is machine.machine()
        assert len(seen) == 1
    finally:
        machine._measured.cache_clear()


def test_the_rates_of_this_machine_are_of_the_order_of_a_computer() -> None:
    assert 1e8 < machine.product_rate(256, 3) < 1e14
    assert 1e7 < decomposition_rate(size=64) < 1e13
    assert 1e7 < memory_rate(size=1 << 16) < 1e13
