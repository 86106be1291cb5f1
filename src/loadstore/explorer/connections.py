"""Limits connections by whether they have sent the key: their number and the duration of each.

=========  ==========================  ==========================  ===============================================
group      enters                      longest stay, seconds       when the group is full
=========  ==========================  ==========================  ===============================================
stranger   on connecting, and after a  HEADER until the request    its oldest member is dropped, so that a newcomer
           request without the key     line and headers arrive     always has room
busy       a request with the key      BUSY                        guard.py refuses further requests (503)
idle       the answer to that request  IDLE                        its oldest member is dropped
=========  ==========================  ==========================  ===============================================

uvicorn's ``limit_concurrency`` answers 503 to everyone, and its ``timeout_keep_alive`` begins after the first answer
and ends at the next byte. Neither distinguishes the owner from others, so this module does.
"""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["stranger", "busy", "idle"]

HEADER = 10.0  # seconds from a connection, or from the last answer, to the end of the next headers
ANSWER = 30.0  # seconds for a stranger to receive the answer, a file of the page or a refusal
IDLE = 30.0  # seconds between requests with the key
BUSY = 2000.0  # seconds for one request with the key; work.LONG ends a slow analysis earlier
UNREAD = 64 * 1024  # bytes of a stranger's request, which are discarded
DRAINED = 32 * 2**20  # bytes of a request with the key; those beyond guard.BODY are discarded
SPARE = 40  # file descriptors reserved for the model's files and for Python


@dataclass(frozen=True)
class Room:
    """The maximum number of connections in each group and of those accepted in one turn of the event loop."""

    strangers: int
    idle: int
    at_once: int


def room(most: int | None = None, used: int | None = None) -> Room:
    """The limits that the available file descriptors allow.

    A newcomer's request is read at most three turns of the loop after it is accepted. ``strangers`` is at least
    eight times ``at_once``, so that a flood of others does not drop it first.

    Args:
        most: The maximum number of file descriptors of this process; default: its soft limit.
        used: The number of descriptors in use; default: counted.

    Returns:
        At most 256 strangers and 128 idle connections, at least 16 and 8.
    """
    if most is None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most == resource.RLIM_INFINITY:
        most = 2**20
    if used is None:
        used = len(os.listdir("/dev/fd"))
    free = most - used - SPARE
    strangers = max(16, min(256, free // 2))
    return Room(strangers, max(8, strangers // 2), max(2, strangers // 8))


@dataclass(eq=False)
class Connection:
    """One connection: when it entered its group, how long it may stay there, and the bytes received since."""

    drop: Callable[[], None]
    group: Group = "stranger"
    since: float = 0.0
    patience: float = HEADER
    read: int = 0

    def reads(self, size: int) -> bool:
        """Count bytes before they are parsed; False if the request has too many."""
        if self.read > (UNREAD if self.group == "stranger" else DRAINED):
            return False
        self.read += size
        return True


class Connections:
    """Every open connection, in its group, oldest first."""

    def __init__(
        self,
        limits: Room,
        tell: Callable[[str], object] = lambda message: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without connections; ``tell`` receives the reason when connections are dropped."""
        self._limits: dict[Group, int] = {"stranger": limits.strangers, "idle": limits.idle}
        self._tell = tell
        self._clock = clock
        self._groups: dict[Group, dict[Connection, None]] = {"stranger": {}, "busy": {}, "idle": {}}

    def __len__(self) -> int:
        """The number of open connections."""
        return sum(map(len, self._groups.values()))

    def made(self, connection: Connection) -> None:
        """Enter an accepted connection."""
        self._enter(connection, "stranger", HEADER)

    def begun(self, connection: Connection, *, key: bool) -> None:
        """Enter the group of a request whose headers have arrived, with or without the key."""
        self._move(connection, "busy" if key else "stranger", BUSY if key else ANSWER)

    def ended(self, connection: Connection) -> None:
        """Leave that group: the answer is complete, or the client disconnected."""
        key = connection.group == "busy"
        self._move(connection, "idle" if key else "stranger", IDLE if key else HEADER)

    def lost(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self._groups[connection.group].pop(connection, None)

    def sweep(self) -> None:
        """Drop connections past their time limit."""
        now = self._clock()
        late = [each for group in self._groups.values() for each in group if now - each.since > each.patience]
        for connection in late:
            self._drop(connection)

    def drop_all(self) -> None:
        """Drop every connection."""
        for connection in [each for group in self._groups.values() for each in group]:
            self._drop(connection)

    def _move(self, connection: Connection, group: Group, patience: float) -> None:
        if connection in self._groups[connection.group]:  # otherwise it has been closed
            self._groups[connection.group].pop(connection)
            self._enter(connection, group, patience)

    def _enter(self, connection: Connection, group: Group, patience: float) -> None:
        members = self._groups[group]
        members[connection] = None
        connection.group, connection.since = group, self._clock()
        connection.patience, connection.read = patience, 0
        if len(members) > self._limits.get(group, len(members)):
            if group == "stranger":
                self._tell("connections without the key were closed to make room for others")
            self._drop(next(iter(members)))

    def _drop(self, connection: Connection) -> None:
        self.lost(connection)
        connection.drop()
