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


def serve(explorer: Explorer, host: str, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve until interrupted; ``ready`` is told the address once requests are accepted. Raises BadRequest."""
    listening = _listen(host, port)
    bound: int = listening.getsockname()[1]
    here = Here(host, bound, secrets.token_urlsafe(24))
    config = uvicorn.Config(
        application(explorer, here),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    server = _Server(config, lambda: ready(f"http://{name}:{bound}/?key={here.key}"))
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells when it has begun."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._begun()


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
        listening = socket.socket(family, socket.SOCK_STREAM)
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
