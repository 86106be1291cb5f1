"""The driver of a cluster, on a stand-in that runs at once: the same files, a lost worker, a cluster that refuses.

Real clusters of Ray are tests/live/cluster.py.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hostile import refusal
from sweep.small_models import small_models

from loadstore.cost.machine import ORDINARY
from loadstore.errors import BadRequest
from loadstore.sweep.engine import Here
from loadstore.sweep.on_ray import TRIES, OnRay
from loadstore.sweep.plan import plan_of
from loadstore.sweep.store import Store
from loadstore.sweep.sweep import sweep


class RayError(Exception):
    """What Ray raises where a worker or its node is lost."""


class StandIn:
    """As much of Ray as the driver uses. ``lost`` numbers the calls whose worker dies for good."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, lost: int | None = None, refuses: bool = False) -> None:
        self.lost, self.refuses, self.calls, self.ended = lost, refuses, 0, False
        self.asked: dict[str, int] = {}

    def init(self, address: str, **_: object) -> None:
        if self.refuses:
            raise ConnectionError("another version of Ray")

    def remote(self, function: Any) -> Any:
        def call(*given: Any) -> object:
            self.calls += 1
            return (self.calls, lambda: function(*given))

        def options(**asked: int) -> Any:
            self.asked = asked
            return SimpleNamespace(remote=call)

        return SimpleNamespace(options=options)

    def wait(self, pending: list[Any]) -> tuple[list[Any], list[Any]]:
        return pending[-1:], pending[:-1]  # the last first

    def get(self, ready: Any) -> Any:
        number, result = ready
        if number == self.lost:
            raise RayError("the node died")
        return result()

    def shutdown(self) -> None:
        self.ended = True


def on(ray: StandIn, monkeypatch: pytest.MonkeyPatch) -> OnRay:
    monkeypatch.setitem(sys.modules, "ray", ray)  # pyright: ignore[reportArgumentType]
    return OnRay("auto")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "results").iterdir())}


def test_a_cluster_writes_the_files_of_this_process_also_after_a_worker_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(small_models(tmp_path / "models"), ["spectrum", "heads"])
    here = sweep(plan, Store(tmp_path / "here"), Here(), ORDINARY, lambda *_: None)
    ray = StandIn(lost=2)
    first = sweep(plan, Store(tmp_path / "there"), on(ray, monkeypatch), ORDINARY, lambda *_: None)
    assert (first.computed, len(first.failed)) == (3, 1)
    assert f"died more than {TRIES} times: the node died" in str(first.failed)
    assert ray.asked == {"num_cpus": 1, "max_retries": TRIES}
    assert ray.ended
    again = sweep(plan, Store(tmp_path / "there"), on(StandIn(), monkeypatch), ORDINARY, lambda *_: None)
    assert (again.computed, again.failed) == (1, ())
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert here.computed == 4


def test_a_cluster_that_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(small_models(tmp_path / "models", [0]), ["spectrum"])
    engine = on(StandIn(refuses=True), monkeypatch)
    refusal(
        lambda: sweep(plan, Store(tmp_path / "out"), engine, ORDINARY, lambda *_: None),
        BadRequest,
        "there is no Ray cluster at 'auto' (another version of Ray)",
    )
