"""A cache of bounded size: the least recently used value is dropped first."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Newest(Generic[Key, Value]):
    """At most ``most`` values, for several threads."""

    def __init__(self, most: int) -> None:
        """Start empty.

        Args:
            most: The maximum number of values.
        """
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[Key, Value] = OrderedDict()

    @property
    def keys(self) -> tuple[Key, ...]:
        """The names of the values, least recently used first."""
        with self._lock:
            return tuple(self._values)

    def get(self, key: Key) -> Value | None:
        """The value with that name, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value as the most recently used one."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
