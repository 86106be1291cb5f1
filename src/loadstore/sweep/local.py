"""Local processes: each takes the next unit of items when it is free, and computes on one thread.

The items go to ``python -m loadstore.sweep.worker`` as lines of JSON, and an outcome comes back for each. A worker that
dies, for example for want of memory, is replaced and its item tried once more; then the item has failed. If this
process dies, the workers end after their present item, because their input ends.
"""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import msgspec

from loadstore.quote import quote
from loadstore.sweep.compute import Outcome
from loadstore.sweep.engine import Unit
from loadstore.sweep.item import Item
from loadstore.sweep.store import Store
from loadstore.sweep.worker import Task

TRIES = 2  # of an item whose worker dies
SINGLE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Local:
    """Computes in processes of this machine.

    Args:
        workers: The number of processes; each computes on one thread.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        """Yield outcomes as they come; the workers are ended when the iterator is closed."""
        waiting: deque[Unit] = deque(units)
        outcomes: SimpleQueue[Outcome] = SimpleQueue()
        workers = [_Worker(store) for _ in range(min(self.workers, len(units)))]
        others = threading.Semaphore(len(workers) - 1)
        shared = (waiting, outcomes, others)
        threads = [threading.Thread(target=worker.serve, args=shared, daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        try:
            for _ in range(sum(map(len, units))):
                yield outcomes.get()
        finally:
            waiting.clear()
            for worker in workers:
                worker.stop()
            for thread in threads:
                thread.join()


class _Worker:
    """One process, started with its first item. Its thread serves, and any thread may stop it."""

    def __init__(self, store: Store) -> None:
        self._store, self._process, self._stopped = store, None, False

    def serve(self, waiting: deque[Unit], outcomes: SimpleQueue[Outcome], others: threading.Semaphore) -> None:
        """Take units until none is left.

        A worker that cannot start leaves its unit to the others; the last one reports it. ``others`` counts them.
        """
        with suppress(IndexError):
            while not self._stopped:
                unit = waiting.popleft()
                for done, item in enumerate(unit):
                    try:
                        outcomes.put(self._outcome(item))
                    except OSError as error:  # too many processes, or no memory for another
                        if others.acquire(blocking=False):
                            waiting.appendleft(unit[done:])
                            return
                        why = f"its process could not be started ({quote(error)}); use fewer workers"
                        outcomes.put(Outcome(item.key, why))
        others.acquire(blocking=False)
        self._end()

    def stop(self) -> None:
        """Kill the process, which ends what its thread waits for."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()

    def _outcome(self, item: Item) -> Outcome:
        task = msgspec.json.encode(Task(str(self._store.folder), self._store.suffix, item)) + b"\n"
        code = 0
        for _ in range(TRIES):
            if self._stopped:
                break
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(OSError, msgspec.DecodeError):  # it died before, while or after it was asked
                process.stdin.write(task)
                process.stdin.flush()
                return msgspec.json.decode(process.stdout.readline(), type=Outcome)
            code = self._end()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Outcome(item.key, f"its process died {TRIES} times ({how}); there may be too little memory for it")

    def _end(self) -> int:
        """End the process, and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written before it died
                    pipe.close()
        return process.wait()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            # A session of its own, so that Ctrl-C reaches only the parent, which then ends it.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "loadstore.sweep.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,
            )
            if self._stopped:  # while it started
                self._process.kill()
        return self._process


def _environment() -> dict[str, str]:
    """One thread, and the same loadstore as here, from wherever it was imported."""
    here = str(Path(__file__).parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **SINGLE, "PYTHONPATH": os.pathsep.join(paths)}
