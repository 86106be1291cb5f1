"""Listening: a port, a key, and the printed address."""

import asyncio
import contextlib
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

import uvicorn

from loadstore.errors import BadRequest
from loadstore.explorer.app import application
from loadstore.explorer.connections import IDLE, Connections, room
from loadstore.explorer.current import Current
from loadstore.explorer.here import Here
from loadstore.explorer.protocol import HEADERS, Watched
from loadstore.explorer.quiet import Quiet
from loadstore.explorer.redirect import Redirect
from loadstore.explorer.state import Explorer

PORT = 8421
TRIED = 20  # further ports to try if the default is taken
QUEUE = 512  # connections that the system queues
TURNS = 4  # of the event loop, before it ends


class Served(uvicorn.Server):
    """An explorer on its socket.

    Attributes:
        here: The server's location.
        addresses: Its addresses, each with the key.
    """

    def __init__(self, explorer: Explorer | Current, host: str = "127.0.0.1", port: int | None = None) -> None:
        """Bind the socket; requests are accepted once ``run`` has started. Raises BadRequest."""
        host = host.removeprefix("[").removesuffix("]")
        self._socket = _listen(host, port)
        bound, number = self._socket.getsockname()[:2]
        self.here = Here(host, bound, number, secrets.token_urlsafe(24))
        self.addresses = [self.here.address(name) for name in self.here.names()]
        self._quiet = Quiet()
        self._redirect: Redirect | None = None
        self._hangup = False
        self._ready: Callable[[], None] | None = None
        current = explorer if isinstance(explorer, Current) else Current(explorer)
        limits = room()
        self._connections = Connections(limits, self._quiet.tell)
        super().__init__(
            uvicorn.Config(
                application(current, self.here, self._connections, self._quiet, self._opened),
                loop="asyncio",  # its use of ``backlog`` is required
                http=Watched,
                ws="none",
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=_logging(self._quiet),
                log_level="warning",
                backlog=limits.at_once,
                h11_max_incomplete_event_size=HEADERS,
                timeout_keep_alive=int(IDLE),
                timeout_graceful_shutdown=1,
                timeout_notify=1,
                callback_notify=self._each_second,
            )
        )

    @property
    def address(self) -> str:
        """The address for a browser on this machine, with the key."""
        return self.addresses[0]

    def redirect(self) -> str:
        """The address of a file that redirects this user's browser here; deleted after the page's first request."""
        self._redirect = Redirect(self.address)
        return self._redirect.address

    def serve_until_stopped(self, ready: Callable[[], None]) -> None:
        """Serve; ``ready`` is called once requests are accepted."""
        self._ready = ready
        try:
            self.run(sockets=[self._socket])
        finally:
            self._opened()

    def stop(self) -> None:
        """Stop soon."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting requests and call ``ready``."""
        asyncio.get_running_loop().set_exception_handler(self._fault)
        await super().startup(sockets)
        self._socket.listen(QUEUE)  # asyncio uses ``backlog`` for this and for accepts per turn
        if self.started and self._ready is not None:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down; uvicorn re-raises the signal that ended it right after this."""
        self._opened()
        await super().shutdown(sockets)
        for _ in range(TURNS):  # late connections appear one turn later, and are lost one turn after that
            await asyncio.sleep(0)
            self._connections.drop_all()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Shut down cleanly on SIGHUP too, unless the command was started to ignore it."""
        alone = threading.current_thread() is not threading.main_thread()
        if alone or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            with super().capture_signals():
                yield
            return
        before = signal.signal(signal.SIGHUP, self._hang_up)
        try:
            with super().capture_signals():
                yield
        finally:
            signal.signal(signal.SIGHUP, before)
        if self._hangup:
            signal.raise_signal(signal.SIGHUP)

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        self._hangup = self.should_exit = True

    def _opened(self) -> None:
        if self._redirect is not None:
            self._redirect.remove()
            self._redirect = None

    async def _each_second(self) -> None:
        self._connections.sweep()
        self._quiet.summarise()

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._quiet.tell(str(context["message"]), context.get("exception"))


def _logging(quiet: Quiet) -> dict[str, Any]:
    """Route uvicorn's messages to ``quiet`` alone."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"quiet": {"()": lambda: quiet}},
        "loggers": {"uvicorn": {"handlers": ["quiet"], "level": "WARNING", "propagate": False}},
    }


def _listen(host: str, port: int | None) -> socket.socket:
    """A bound socket: on the requested port, or else on the first free one starting at PORT."""
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except OSError:
        raise BadRequest(
            f"--host {host!r} is not an address of this machine; 127.0.0.1 is this machine alone"
        ) from None
    reason = ""
    tried = [port] if port is not None else [*range(PORT, PORT + TRIED), 0]
    for candidate in tried:
        # asyncio disables Nagle's delay (40 ms per answer) only if the protocol is specified
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen(128)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
        else:
            return listening
    raise BadRequest(f"cannot listen on {host} port {tried[0]}: {reason}; choose another --port")
