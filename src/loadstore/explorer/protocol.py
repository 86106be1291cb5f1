"""HTTP by uvicorn and h11, with each connection registered in ``Connections``."""

import asyncio
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from loadstore.explorer.connections import Connection, Connections

HEADERS = 16 * 1024  # bytes of a request line and its headers


class Watched(H11Protocol):
    """One connection. The application finds it, and all others, in the state of its scope."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Accept uvicorn's arguments for each connection."""
        self._all: Connections = app_state["connections"]
        self._own = Connection(lambda: self.transport.abort())
        super().__init__(config, server_state, {**app_state, "connection": self._own}, _loop)

    def connection_made(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, transport: asyncio.Transport
    ) -> None:
        """Register the connection."""
        super().connection_made(transport)
        self._all.made(self._own)

    def data_received(self, data: bytes) -> None:
        """Parse data within the byte limit of a request."""
        try:
            if self._own.reads(len(data)):
                super().data_received(data)
                return
        except h11.ProtocolError:
            pass  # malformed bytes after an early answer: nothing more to send
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the connection."""
        self._all.lost(self._own)
        super().connection_lost(exc)
