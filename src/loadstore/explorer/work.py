"""Work off the event loop: quick questions in two threads, slow ones and those aside in one each, for so long only.

A thread cannot be stopped from outside, so a slow analysis is stopped where it reports its progress, and a quick one
is bounded by what it may be asked; whoever waits for it is let go after ``SECONDS``.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from loadstore.explorer.state import Document
from loadstore.progress import Progress
from loadstore.threads import threads_for

SECONDS = 60.0  # for a quick question
LONG = 1800.0  # for a slow one
WAITING = 48  # quick questions, in work or before it
QUEUED = 6  # slow ones


class Busy(RuntimeError):
    """Too many wait already."""


class Hung(RuntimeError):
    """Whoever asked has gone, or time is up: the analysis ends here."""


class Work:
    """Three pools of threads and how many wait for them."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._quick = ThreadPoolExecutor(2, "quick")
        self._slow = ThreadPoolExecutor(1, "slow")
        self._aside = ThreadPoolExecutor(1, "aside")
        self._waiting = {"quick": 0, "slow": 0, "aside": 0}

    async def quick(self, call: Callable[[], Any]) -> Any:
        """The result of a call. Raises Busy, TimeoutError, and what the call raises."""
        future = self._begin(self._quick, "quick", WAITING, call)
        return await asyncio.wait_for(asyncio.shield(future), SECONDS)

    async def slow(self, call: Callable[[Progress], Document], *, aside: bool = False) -> AsyncGenerator[Document]:
        """Progress as it comes, then the result: {"progress": [done, of]} …, {"result": …}. Raises Busy.

        ``aside``: what fills in a picture that is there already, and waits for no slow analysis.
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

        pool, name = (self._aside, "aside") if aside else (self._slow, "slow")
        future = self._begin(pool, name, QUEUED, whole)
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
        """Let threads end."""
        for pool in (self._quick, self._slow, self._aside):
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor, name: str, most: int, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        if self._waiting[name] >= most:
            raise Busy(f"{self._waiting[name]} questions wait already")
        self._waiting[name] += 1
        future = asyncio.get_running_loop().run_in_executor(pool, threads_for(0)(call))
        future.add_done_callback(lambda done: self._ended(name, done))
        return future

    def _ended(self, name: str, done: "asyncio.Future[Any]") -> None:
        self._waiting[name] -= 1
        if not done.cancelled():
            done.exception()  # looked at, so that an answer that nobody waits for is not reported as lost
