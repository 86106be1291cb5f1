"""Values by name, as many as have room: what was used longest ago goes first."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Newest(Generic[Key, Value]):
    """At most so many values, for several threads."""

    def __init__(self, most: int) -> None:
        """Begin with none.

        Args:
            most: How many values are kept.
        """
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[Key, Value] = OrderedDict()

    @property
    def keys(self) -> tuple[Key, ...]:
        """The names of what is kept, what was used longest ago first."""
        with self._lock:
            return tuple(self._values)

    def get(self, key: Key) -> Value | None:
        """The value of a name; None where there is none, or no longer."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value as the one that was used last."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
