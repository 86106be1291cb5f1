"""Converts a request's fields to a question of its type; errors name the field, its value and the expectation.

msgspec validates the fields. Its messages do not reliably name fields, so the error messages are derived here from the
same types.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec.inspect import (
    IntType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from loadstore.errors import BadRequest
from loadstore.explorer.requests import Request
from loadstore.quote import quote

Question = TypeVar("Question", bound=Request)


def asked(wanted: type[Question], fields: Mapping[str, object]) -> Question:
    """The question of a request. Raises BadRequest."""
    try:
        return msgspec.convert(fields, wanted)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the second for an invalid field name
        wrong = next(_wrong(cast(StructType, type_info(wanted)), fields), "the fields are not those of a question")
        raise BadRequest(wrong) from None


def _wrong(kind: StructType, fields: Mapping[str, object]) -> Iterator[str]:
    """Errors in the fields of a question or of one of its parts."""
    tag = kind.tag_field or ""
    if kind.tag_field == "schema" and fields.get(tag, kind.tag) != kind.tag:
        yield f"{tag}: expected {kind.tag}, got {_shown(fields[tag])}: reload the page, which is from another version"
    hints = get_type_hints(kind.cls)
    for field in kind.fields:
        yield from _value(field.name, field.type, fields.get(field.name), _words(hints[field.name]))
    named = {field.name for field in kind.fields}
    for name in sorted(set(fields) - named - {tag}):
        fields_here = ", ".join(sorted(named)) or "none"
        yield f"unknown field {quote(repr(name), 40)}; the fields here are: {fields_here}"


def _words(hint: Any) -> Sequence[str]:
    """The literal values of a field in their order, which ``type_info`` does not preserve."""
    return [word for part in (hint, *get_args(hint)) if get_origin(part) is Literal for word in get_args(part)]


def _value(name: str, kind: Type, value: object, words: Sequence[str]) -> Iterator[str]:
    """Errors in the value of a field; ``words``: its possible values, if it is a literal."""
    kinds = kind.types if isinstance(kind, UnionType) else (kind,)
    if value is None and any(isinstance(each, NoneType) for each in kinds):
        return
    parts = [each for each in kinds if not isinstance(each, NoneType)]
    if len(parts) > 1:  # a union of number and text
        parts = [each for each in parts if isinstance(each, IntType) == (type(value) is int)]
    match parts[0]:
        case IntType():
            if not _whole(parts[0], value):
                yield f"{name}: expected a whole number, got {_shown(value)}"
        case LiteralType():
            if not any(value == word for word in words):
                yield _choice(name, words, value)
        case StrType(max_length=most):
            if not isinstance(value, str):
                yield f"{name}: expected a text, got {_shown(value)}"
            elif most is not None and len(value) > most:
                yield f"{name}: {len(value):,} characters; at most {most:,} are taken"
        case VarTupleType(item_type=item, max_length=most):
            yield from _list(name, item, most or 0, value)
        case other:
            raise TypeError(f"{name}: a question has no fields of type {other}")


def _list(name: str, item: Type, most: int, value: object) -> Iterator[str]:
    """Errors in a list of numbers or of objects, tagged or of one type."""
    parts = cast(list[Any], value) if isinstance(value, list) else None
    whole = item if isinstance(item, IntType) else None
    plain = whole is not None
    if parts is None or not all(isinstance(each, dict) if whole is None else _whole(whole, each) for each in parts):
        yield f"{name}: expected a list of {'whole numbers' if plain else 'objects'}, got {_shown(value)}"
    elif len(parts) > most:
        yield f"{name}: {len(parts):,} {'numbers' if plain else 'objects'}; at most {most:,} are taken"
    elif not plain:
        kinds = cast(Sequence[StructType], item.types if isinstance(item, UnionType) else (item,))
        for part in parts:
            tag = kinds[0].tag_field
            own = next((each for each in kinds if tag is None or part.get(tag) == each.tag), None)
            if own is None:
                yield _choice(tag or "", [str(each.tag) for each in kinds], part.get(tag))
            else:
                yield from _wrong(own, part)


def _whole(kind: IntType, value: object) -> bool:
    low, high = kind.ge, kind.lt
    return type(value) is int and (low is None or value >= low) and (high is None or value < high)


def _choice(name: str, options: Sequence[str], value: object) -> str:
    return f"{name}: expected one of {', '.join(options)}, got {_shown(value)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else quote(repr(value), 40)
