"""Which connection is dropped, and when: by group, age and room."""

import resource

from each import each

from loadstore.explorer import connections
from loadstore.explorer.connections import Connection, Connections, Room, room


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_connections_are_dropped_by_group_age_and_room() -> None:
    clock, dropped, told = Clock(), list[str](), list[str]()
    all_ = Connections(Room(strangers=3, idle=2, at_once=1), told.append, clock)

    def come(name: str) -> Connection:
        made = Connection(lambda: dropped.append(name))
        all_.made(made)
        return made

    owner = come("owner")
    all_.begun(owner, key=True)
    for name in "abcd":
        clock.now += 1
        come(name)
    assert (dropped, len(all_), len(told)) == (["a"], 4, 1)
    all_.ended(owner)
    assert owner.group == "idle"
    clock.now += connections.HEADER - 2
    all_.sweep()
    assert dropped == ["a"]  # b came exactly HEADER seconds ago
    clock.now += 0.5
    all_.sweep()
    assert dropped == ["a", "b"]
    clock.now += connections.IDLE
    all_.sweep()
    assert sorted(dropped) == ["a", "b", "c", "d", "owner"]
    assert len(all_) == 0


def test_a_connection_that_closed_during_its_request_is_forgotten() -> None:
    all_ = Connections(Room(3, 2, 1))
    one = Connection(lambda: None)
    all_.made(one)
    all_.begun(one, key=True)
    all_.lost(one)
    all_.ended(one)
    assert len(all_) == 0


@each("most", [20, 64, 100, 256, 1024, 20_000, resource.RLIM_INFINITY])
def test_the_room_fits_the_file_descriptors_that_there_are(most: int) -> None:
    given = room(most, used=20)
    assert given.strangers >= 8 * given.at_once
    if most < 0 or most >= 256:
        free = (2**20 if most < 0 else most) - 20 - connections.SPARE
        assert given.strangers + given.idle + 2 * given.at_once <= free
    assert given.strangers <= 256
