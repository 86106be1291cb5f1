"""The facts of a part of an architecture, by their names."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any


def stated(part: Any, later: Collection[str]) -> dict[str, Any]:
    """Every fact of ``part`` by its name.

    Args:
        part: The facts, a dataclass.
        later: Names of facts that older files and digests do not have. One is left out where it equals its default, so
            that older files and digests stay valid.

    Returns:
        The facts in their order.
    """
    named = {each.name: (getattr(part, each.name), each.default) for each in fields(part)}
    return {name: value for name, (value, usual) in named.items() if name not in later or value != usual}


def shown(part: Any, facts: dict[str, Any]) -> str:
    """The ``repr`` of a part of an architecture that states these facts; digests contain it."""
    return f"{type(part).__name__}({', '.join(f'{name}={value!r}' for name, value in facts.items())})"


def complete(kind: type[Any], facts: object, later: Collection[str]) -> bool:
    """Whether a file states every fact of ``kind`` except later ones, and no fact that it does not have."""
    names = {each.name for each in fields(kind)}
    return isinstance(facts, dict) and names - set(later) <= set(facts) <= names
