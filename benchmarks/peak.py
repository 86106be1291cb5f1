"""Anonymous memory of this process, and its peak increase during some work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def peak(found: dict[str, float]) -> Iterator[None]:
    """Watch anonymous memory during a block of work; ``peak`` is the increase."""
    before, over = anonymous(), threading.Event()
    most = [before]

    def watch() -> None:
        while not over.wait(0.005):
            most[0] = max(most[0], anonymous())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        found["peak"] = most[0] - before


def anonymous() -> int:
    """Bytes of this process that are not backed by a file."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
