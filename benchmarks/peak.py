"""Anonymous memory of this process, and how far some work raises it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def peak(found: dict[str, float]) -> Iterator[None]:
    """Watch anonymous memory while something works; ``peak`` is what came on top."""
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
    """Bytes of this process that no file backs."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
