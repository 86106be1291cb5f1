"""A sweep on a Ray cluster of two and of four nodes, with a worker and then a node killed, beside local processes.

python tests/live/cluster.py    in an environment with Ray, pyarrow and loadstore (docs/sweeps.md)
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ray.cluster_utils import Cluster
from sweep.small_models import small_models

from loadstore.cost.machine import ORDINARY
from loadstore.sweep.compute import Outcome
from loadstore.sweep.engine import Engine, Unit
from loadstore.sweep.local import Local
from loadstore.sweep.on_ray import OnRay
from loadstore.sweep.plan import plan_of
from loadstore.sweep.store import Store
from loadstore.sweep.sweep import Swept, sweep

MODELS = 24


class Disturbed:
    """Runs an engine, and does something once a few items have ended."""

    def __init__(self, engine: Engine, after: int, act: Callable[[], None]) -> None:
        self._engine, self._after, self._act = engine, after, act

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        for number, outcome in enumerate(self._engine.run(units, store)):
            if number == self._after:
                self._act()
            yield outcome


def kill_worker() -> None:
    """Kill a process of Ray that computes now."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"ray::compute"):
                os.kill(int(process.name), signal.SIGKILL)
                print("killed worker", process.name, flush=True)
                return
        except OSError:
            continue
    print("no worker was computing", flush=True)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir()}


def main(folder: Path) -> int:
    models = small_models(folder / "models", range(MODELS))
    plan = plan_of(models, ["scores", "heads", "spectrum"], {"heads": {"sequences": 40}})

    def run(name: str, engine: Engine) -> Swept:
        start = time.monotonic()
        swept = sweep(plan, Store(folder / name), engine, ORDINARY, lambda *_: None)
        print(
            f"{name}: {swept.computed} computed, {len(swept.failed)} failed, {time.monotonic() - start:.1f} s",
            flush=True,
        )
        return swept

    run("local", Local(2))
    expected = files(folder / "local")
    wrong = 0
    for nodes in (2, 4):
        cluster = Cluster()
        added = [cluster.add_node(num_cpus=1) for _ in range(nodes)]
        try:
            os.environ["RAY_ADDRESS"] = cluster.address
            runs: dict[str, Callable[[Engine], Engine]] = {
                "undisturbed": lambda engine: engine,
                "worker": lambda engine: Disturbed(engine, 6, kill_worker),
                "node": lambda engine: Disturbed(
                    engine,
                    9,
                    partial(cluster.remove_node, added[-1], allow_graceful=False),  # noqa: B023
                ),
            }
            for name, make in runs.items():
                swept = run(f"{nodes}-{name}", make(OnRay(None)))
                same = files(folder / f"{nodes}-{name}") == expected
                print(f"{nodes} nodes, {name}: {'identical' if same else 'DIFFERENT'} {swept.failed[:2]}", flush=True)
                wrong += not same
        finally:
            cluster.shutdown()
    return wrong


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(Path(folder)))
