"""What a client asks: one JSON object, each of its fields read by name and kind. Nothing else gets in."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from loadstore.errors import BadRequest
from loadstore.quote import quote

Choice = TypeVar("Choice", bound=str)
NAME = 64  # characters of a name
LEAST, MOST = -(2**31), 2**31  # of any number


class Ask:
    """The fields of a request. Each reader raises BadRequest naming the field, what it is and what was expected."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        """Keep the fields, which are what the client sent and nothing more."""
        self._fields = fields
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Whether a field was given, and not as null."""
        return self._take(name) is not None

    def is_number(self, name: str) -> bool:
        """Whether a field that may be a text or a number is a number."""
        return type(self._take(name)) is int

    def text(self, name: str, default: str | None = None, *, most: int = NAME) -> str:
        """A text of at most ``most`` characters."""
        value = self._take(name)
        value = default if value is None else value
        if not isinstance(value, str):
            raise BadRequest(f"{name}: expected a text, got {_shown(value)}")
        if len(value) > most:
            raise BadRequest(f"{name}: {len(value):,} characters; at most {most:,} are taken")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._take(name)
        value = default if value is None else value
        if type(value) is not int or not LEAST <= value < MOST:
            raise BadRequest(f"{name}: expected a whole number, got {_shown(value)}")
        return value

    def numbers(self, name: str, *, most: int) -> list[int]:
        """A list of whole numbers."""
        value = self._take(name)
        if not isinstance(value, list) or not all(type(each) is int and LEAST <= each < MOST for each in value):
            raise BadRequest(f"{name}: expected a list of whole numbers, got {_shown(value)}")
        if len(value) > most:
            raise BadRequest(f"{name}: {len(value):,} numbers; at most {most:,} are taken")
        return list(value)

    def choice(self, name: str, options: Sequence[Choice], default: Choice | None = None) -> Choice:
        """One of some words."""
        value = self._take(name)
        value = default if value is None else value
        for option in options:
            if value == option:
                return option
        raise BadRequest(f"{name}: expected one of {', '.join(options)}, got {_shown(value)}")

    def parts(self, name: str, *, most: int) -> list["Ask"]:
        """A list of objects, each of which must be read to its end too."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise BadRequest(f"{name}: expected a list of objects, got {_shown(value)}")
        if len(value) > most:
            raise BadRequest(f"{name}: {len(value)} objects; at most {most} are taken")
        return [Ask(each) for each in value]

    def done(self) -> None:
        """Refuse fields that nothing read."""
        unknown = sorted(set(self._fields) - self._read)
        if unknown:
            known = ", ".join(sorted(self._read)) or "none"
            raise BadRequest(f"unknown field {quote(repr(unknown[0]), 40)}; the fields here are: {known}")

    def _take(self, name: str) -> object:
        self._read.add(name)
        return self._fields.get(name)


def _shown(value: object) -> str:
    return "nothing" if value is None else quote(repr(value), 40)
