"""Listening: a port, a key, and the address that is printed."""

import secrets
import socket
from collections.abc import Callable

import uvicorn

from loadstore.errors import BadRequest
from loadstore.explorer.app import application
from loadstore.explorer.guard import Here
from loadstore.explorer.state import Explorer

PORT = 8421
TRIED = 20  # ports after it, where it is taken and none was asked for


class Served(uvicorn.Server):
    """An explorer on its socket; ``address`` has the key in it."""

    def __init__(self, explorer: Explorer, host: str = "127.0.0.1", port: int | None = None) -> None:
        """Bind the socket; requests are accepted once ``run`` has begun. Raises BadRequest."""
        self._socket = _listen(host, port)
        bound: int = self._socket.getsockname()[1]
        here = Here(host, bound, secrets.token_urlsafe(24))
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        self.address = f"http://{name}:{bound}/?key={here.key}"
        super().__init__(
            uvicorn.Config(
                application(explorer, here),
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=1,
                ws="none",
            )
        )
        self._ready: Callable[[str], None] | None = None

    def serve_until_stopped(self, ready: Callable[[str], None]) -> None:
        """Serve; ``ready`` is told the address once requests are accepted."""
        self._ready = ready
        self.run(sockets=[self._socket])

    def stop(self) -> None:
        """End soon."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, and say so."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready(self.address)


def _listen(host: str, port: int | None) -> socket.socket:
    """A bound socket: of the port that was asked for, or else of the first free one from PORT on."""
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except OSError:
        raise BadRequest(
            f"--host {host!r} is not an address of this machine; 127.0.0.1 is this machine alone"
        ) from None
    reason = ""
    tried = [port] if port is not None else [*range(PORT, PORT + TRIED), 0]
    for one in tried:
        # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, one))
            listening.listen(128)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
        else:
            return listening
    raise BadRequest(f"cannot listen on {host} port {tried[0]}: {reason}; choose another --port")
