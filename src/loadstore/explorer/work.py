"""Work off the event loop: two threads for quick questions, one for each of three kinds of slow ones, with time limits.

A thread cannot be stopped from outside, so a slow analysis stops when it reports progress. A quick one is bounded by
the limits of its question, and its client waits at most ``SECONDS``.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias

from loadstore.explorer.state import Document
from loadstore.overflows import raise_out_of_range
from loadstore.progress import Progress
from loadstore.threads import threads_for

Pool: TypeAlias = Literal["slow", "aside", "opening"]
SECONDS = 60.0  # for a quick question
LONG = 1800.0  # for a slow one
WAITING = 48  # maximum quick questions, running or queued
QUEUED = 6  # maximum slow ones


def _as_in_a_public_function() -> None:
    """Set this thread as public functions do: weights may be parameters in training, and an overflow is an error."""
    import torch

    torch.set_grad_enabled(False)
    raise_out_of_range()


class Busy(RuntimeError):
    """Too many questions are waiting."""


class Hung(RuntimeError):
    """The client disconnected, or the time limit was reached; the analysis stops."""


class Work:
    """Pools of threads and the number of questions in each."""

    def __init__(self) -> None:
        """Start without questions."""
        sizes = {"quick": 2, "slow": 1, "aside": 1, "opening": 1}
        self._pools = {name: ThreadPoolExecutor(size, name, _as_in_a_public_function) for name, size in sizes.items()}
        self._waiting = dict.fromkeys(sizes, 0)

    async def quick(self, call: Callable[[], Any]) -> Any:
        """The result of a call. Raises Busy, TimeoutError, and the errors of the call."""
        future = self._begin("quick", WAITING, call)
        return await asyncio.wait_for(asyncio.shield(future), SECONDS)

    async def slow(self, call: Callable[[Progress], Document], pool: Pool = "slow") -> AsyncGenerator[Document]:
        """Progress as it comes, then the result: {"progress": [done, of]} …, {"result": …}. Raises Busy.

        ``pool``: the queue; ``aside`` is for work that completes an existing picture.
        """
        loop = asyncio.get_running_loop()
        reports: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        gone = threading.Event()

        def report(done: int, of: int) -> None:
            if gone.is_set():
                raise Hung
            loop.call_soon_threadsafe(reports.put_nowait, (done, of))

        def whole() -> Document:
            report(0, 1)
            return call(report)

        future = self._begin(pool, QUEUED, whole)
        waiting = asyncio.ensure_future(reports.get())
        try:
            async with asyncio.timeout(LONG):
                while not future.done():
                    await asyncio.wait({waiting, future}, return_when=asyncio.FIRST_COMPLETED)
                    if waiting.done():
                        yield {"progress": list(waiting.result())}
                        waiting = asyncio.ensure_future(reports.get())
                yield {"result": await future}
        finally:
            waiting.cancel()
            gone.set()

    def close(self) -> None:
        """Shut the pools down without waiting."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, name: str, most: int, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        if self._waiting[name] >= most:
            raise Busy(f"{self._waiting[name]} questions are waiting")
        self._waiting[name] += 1
        future = asyncio.get_running_loop().run_in_executor(self._pools[name], threads_for(0)(call))
        future.add_done_callback(lambda done: self._ended(name, done))
        return future

    def _ended(self, name: str, done: "asyncio.Future[Any]") -> None:
        self._waiting[name] -= 1
        if not done.cancelled():
            done.exception()  # retrieved, so that asyncio does not report an unread exception
