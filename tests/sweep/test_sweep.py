"""A sweep computes what is missing and nothing else, whichever engine runs it, and one failure stops nothing."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hostile import refusal
from sweep.small_models import small_models

from loadstore.cost.machine import ORDINARY
from loadstore.errors import BadRequest
from loadstore.sweep.compute import Outcome
from loadstore.sweep.engine import Engine, Here, Unit
from loadstore.sweep.item import Item
from loadstore.sweep.local import Local
from loadstore.sweep.on_ray import OnRay
from loadstore.sweep.plan import Plan, plan_of
from loadstore.sweep.store import Store
from loadstore.sweep.sweep import Swept, sweep
from loadstore.sweep.worker import Task


class Counted:
    """Computes here, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Item] = []

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        self.asked += [item for unit in units for item in unit]
        yield from Here().run(units, store)


def swept(plan: Plan, folder: Path, engine: Engine) -> Swept:
    return sweep(plan, Store(folder), engine, ORDINARY, lambda *_: None)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir()}


def test_a_rerun_computes_only_what_is_missing_or_damaged_or_new(tmp_path: Path) -> None:
    models, out = small_models(tmp_path / "models"), tmp_path / "out"
    plan = plan_of(models, ["spectrum", "heads"], {"heads": {"sequences": 2}})
    first = swept(plan, out, Here())
    assert (first.computed, first.kept, first.failed) == (4, 0, ())
    before, tables = files(out), (out / "table.csv").read_bytes()
    again = swept(plan, out, Here())
    assert (again.computed, again.kept, again.comparison) == (0, 4, first.comparison)
    gone, torn, changed, _ = sorted((out / "results").iterdir())
    gone.unlink()
    torn.write_bytes(torn.read_bytes()[:-40])
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    third = swept(plan, out, Here())
    assert (third.computed, third.kept) == (3, 1)
    assert files(out) == before
    assert (out / "table.csv").read_bytes() == tables
    other = Counted()
    more = plan_of([*models, *small_models(tmp_path / "models", [2])], ["heads"], {"heads": {"sequences": 3}})
    swept(more, out, other)
    assert len(other.asked) == 3  # other options have other keys
    copied = Counted()
    Path(models[0]).rename(tmp_path / "moved.safetensors")
    swept(plan_of([str(tmp_path / "moved.safetensors")], ["spectrum"]), out, copied)
    assert copied.asked == []


def test_processes_of_any_number_give_the_files_of_one(tmp_path: Path) -> None:
    plan = plan_of(small_models(tmp_path / "models", range(3)), ["spectrum", "heads"], {"heads": {"sequences": 2}})
    swept(plan, tmp_path / "here", Here())
    apart = swept(plan, tmp_path / "apart", Local(2))
    assert (apart.computed, apart.failed) == (6, ())
    assert files(tmp_path / "apart") == files(tmp_path / "here")


class Disturbed:
    """Does something to the files once items are known, then computes."""

    def __init__(self, engine: Engine, path: Path, content: bytes | None) -> None:
        self._engine, self._path, self._content = engine, path, content

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        if self._content is None:
            self._path.unlink()
        else:
            self._path.write_bytes(self._content)
        yield from self._engine.run(units, store)


def test_a_checkpoint_that_disappears_or_changes_fails_alone_and_is_tried_again(tmp_path: Path) -> None:
    one, two = map(Path, small_models(tmp_path / "models"))
    plan, before = plan_of([str(one), str(two)], ["spectrum"]), one.read_bytes()
    gone = swept(plan, tmp_path / "out", Disturbed(Here(), one, None))
    assert gone.computed == 1
    assert [item for item, _ in gone.failed] == [f"spectrum of {one}"]
    assert "there is no model" in gone.failed[0][1]
    one.write_bytes(before)
    changed = swept(plan, tmp_path / "out", Disturbed(Here(), one, two.read_bytes()))
    assert (changed.computed, changed.kept) == (0, 1)
    assert "has changed since the sweep began" in changed.failed[0][1]
    one.write_bytes(before)
    assert swept(plan, tmp_path / "out", Here()).failed == ()


def test_a_damaged_checkpoint_is_reported_and_a_missing_one_refused_before_anything_runs(tmp_path: Path) -> None:
    one, two = map(Path, small_models(tmp_path / "models"))
    one.write_bytes(one.read_bytes()[:-100])
    result = swept(plan_of([str(one), str(two)], ["spectrum"]), tmp_path / "out", Here())
    assert (result.computed, [item for item, _ in result.failed]) == (1, [f"every analysis of {one}"])
    assert [bool(row.headline) for row in result.comparison.rows] == [False, True]
    engine = Counted()
    with pytest.raises(BadRequest, match="there is no model"):
        swept(plan_of([str(two), "nowhere"], ["heads"]), tmp_path / "out", engine)
    assert engine.asked == []


def test_an_analysis_that_a_model_does_not_define_fails_with_its_reason(tmp_path: Path) -> None:
    result = swept(plan_of(small_models(tmp_path / "models", [0]), ["traffic", "spectrum"]), tmp_path / "out", Here())
    assert result.computed == 1
    assert "tokenizer" in result.failed[0][1]


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(small_models(tmp_path / "models"), ["spectrum", "heads"], {"heads": {"sequences": 2}})
    started: list[subprocess.Popen[bytes]] = []

    class Start(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self)
            if len(started) == 1:
                os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr("loadstore.sweep.local.subprocess.Popen", Start)
    result = swept(plan, tmp_path / "out", Local(1))
    assert (result.computed, result.failed, len(started)) == (4, (), 2)
    monkeypatch.setattr("loadstore.sweep.local.TRIES", 1)
    started.clear()
    result = swept(plan, tmp_path / "other", Local(1))
    assert result.computed == 3
    assert "its process died 1 times (signal 9)" in result.failed[0][1]


def test_a_worker_that_cannot_be_started_fails_its_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(small_models(tmp_path / "models"), ["spectrum"])

    def refused(*_: Any, **__: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    started: list[subprocess.Popen[bytes]] = []

    class Once(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            started.append(self)
            if started[0] is not self:
                refused()
            super().__init__(*words, **options)

    monkeypatch.setattr("loadstore.sweep.local.subprocess.Popen", Once)
    result = swept(plan, tmp_path / "one", Local(2))
    assert (result.computed, result.failed) == (2, ())  # the other worker does its share
    monkeypatch.setattr("loadstore.sweep.local.subprocess.Popen", refused)
    result = swept(plan, tmp_path / "out", Local(2))
    assert (result.computed, len(result.failed)) == (0, 2)
    assert "could not be started ([Errno 11] Resource temporarily unavailable); use" in result.failed[0][1]


def test_a_worker_that_is_stopped_starts_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted()
    swept(plan_of(small_models(tmp_path / "models"), ["spectrum"]), tmp_path / "here", counted)
    started: list[subprocess.Popen[bytes]] = []

    class Stuck(subprocess.Popen[bytes]):
        def __init__(self, words: list[str], **options: Any) -> None:
            started.append(self)
            super().__init__(words if len(started) == 1 else ["sleep", "60"], **options)

    monkeypatch.setattr("loadstore.sweep.local.subprocess.Popen", Stuck)
    outcomes = cast("Generator[Outcome]", Local(2).run([[item] for item in counted.asked], Store(tmp_path / "here")))
    assert not next(outcomes).reason
    outcomes.close()
    assert len(started) == 2


def test_two_equal_checkpoints_are_computed_once(tmp_path: Path) -> None:
    one = Path(small_models(tmp_path / "models", [0])[0])
    (tmp_path / "copy.safetensors").write_bytes(one.read_bytes())
    engine = Counted()
    result = swept(plan_of([str(one), str(tmp_path / "copy.safetensors")], ["spectrum"]), tmp_path / "out", engine)
    assert len(engine.asked) == 1
    assert result.comparison.rows[0].headline == result.comparison.rows[1].headline


def test_without_ray_or_a_cluster_the_way_out_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    refusal(lambda: OnRay("127.0.0.1:1"), BadRequest, "pip install 'loadstore[ray]'")
    monkeypatch.setattr("loadstore.sweep.on_ray._ray", lambda: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    refusal(lambda: OnRay(None), BadRequest, "set RAY_ADDRESS")
    for address in ("127.0.0.1:1", "nonsense", "127.0.0.1:99999999"):
        refusal(lambda given=address: OnRay(given), BadRequest, f"no Ray cluster at '{address}'")


def test_a_worker_answers_each_task_with_one_line_and_ends_with_its_input(tmp_path: Path) -> None:
    engine, store = Counted(), Store(tmp_path / "other")
    swept(plan_of(small_models(tmp_path / "models", [0]), ["spectrum"]), tmp_path / "out", engine)
    store.prepare()
    (item,) = engine.asked
    task = msgspec.json.encode(Task(str(store.folder), store.suffix, item)) + b"\n"
    command = [sys.executable, "-m", "loadstore.sweep.worker"]
    done = subprocess.run(command, input=task + task, capture_output=True, check=True)
    answers = [msgspec.json.decode(line, type=Outcome) for line in done.stdout.splitlines()]
    assert [(answer.key, answer.reason) for answer in answers] == [(item.key, "")] * 2
    assert store.read(item.key) is not None
