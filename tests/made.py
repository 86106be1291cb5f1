"""Values with a few fields by hand, for sentences and thresholds that read no more than those."""

from typing import Any, TypeVar

_Kind = TypeVar("_Kind")


def made(kind: type[_Kind], **known: Any) -> _Kind:
    """An instance whose fields and cached properties are ``known``; nothing else of it is there."""
    one = object.__new__(kind)
    vars(one).update(known)
    return one
