"""Connections, by whether they have shown the key: how many there may be, and how long each may stay.

=========  ==========================  ==========================  ===============================================
group      enters                      longest stay, seconds       when the group is full
=========  ==========================  ==========================  ===============================================
stranger   on connecting, and after a  HEADER until the request    its oldest member is dropped, so that a newcomer
           request without the key     line and headers are there  always has room
busy       a request with the key      BUSY                        guard.py refuses further requests (503)
idle       the answer to that request  IDLE                        its oldest member is dropped
=========  ==========================  ==========================  ===============================================

uvicorn's ``limit_concurrency`` answers 503 to everyone, and its ``timeout_keep_alive`` begins after the first answer
and ends at the next byte. Neither separates the owner from others, so this module does.
"""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["stranger", "busy", "idle"]

HEADER = 10.0  # seconds from a connection, or from the last answer, to the end of the next headers
ANSWER = 30.0  # seconds in which a stranger takes the answer, which is a file of the page or a refusal
IDLE = 30.0  # seconds between requests with the key
BUSY = 2000.0  # seconds of one request with the key; work.LONG ends a slow analysis before
UNREAD = 64 * 1024  # bytes of a stranger's request; they are thrown away
DRAINED = 32 * 2**20  # bytes of a request with the key; those beyond guard.BODY are thrown away
SPARE = 40  # file descriptors that are left to the model's files and to Python


@dataclass(frozen=True)
class Room:
    """How many connections each group may have, and how many are accepted in one turn of the event loop."""

    strangers: int
    idle: int
    at_once: int


def room(most: int | None = None, used: int | None = None) -> Room:
    """The room that file descriptors leave.

    A newcomer's request is read at most three turns of the loop after it is accepted. ``strangers`` is eight times
    ``at_once``, so that a flood of others does not drop it before.

    Args:
        most: how many file descriptors this process may have; default: its soft limit.
        used: how many it has; default: counted.

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
    """One connection: when its group last changed, how long it may stay there, and the bytes since then."""

    drop: Callable[[], None]
    group: Group = "stranger"
    since: float = 0.0
    patience: float = HEADER
    read: int = 0

    def reads(self, size: int) -> bool:
        """Count bytes before they are parsed; False where the request has too many."""
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
        """Begin with none; ``tell`` gets the reason when connections are dropped."""
        self._limits: dict[Group, int] = {"stranger": limits.strangers, "idle": limits.idle}
        self._tell = tell
        self._clock = clock
        self._groups: dict[Group, dict[Connection, None]] = {"stranger": {}, "busy": {}, "idle": {}}

    def __len__(self) -> int:
        """How many are open."""
        return sum(map(len, self._groups.values()))

    def made(self, connection: Connection) -> None:
        """A connection was accepted."""
        self._enter(connection, "stranger", HEADER)

    def begun(self, connection: Connection, *, key: bool) -> None:
        """The headers of a request are there, with the key or without."""
        self._move(connection, "busy" if key else "stranger", BUSY if key else ANSWER)

    def ended(self, connection: Connection) -> None:
        """Its answer is complete, or nobody waits for it."""
        key = connection.group == "busy"
        self._move(connection, "idle" if key else "stranger", IDLE if key else HEADER)

    def lost(self, connection: Connection) -> None:
        """It is closed."""
        self._groups[connection.group].pop(connection, None)

    def sweep(self) -> None:
        """Drop those that stay too long."""
        now = self._clock()
        late = [each for group in self._groups.values() for each in group if now - each.since > each.patience]
        for connection in late:
            self._drop(connection)

    def drop_all(self) -> None:
        """Drop every connection."""
        for connection in [each for group in self._groups.values() for each in group]:
            self._drop(connection)

    def _move(self, connection: Connection, group: Group, patience: float) -> None:
        if connection in self._groups[connection.group]:  # else it was closed meanwhile
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
