"""Checks the arguments of public functions against the annotations of their signatures.

The annotation of a parameter states its allowed values: ``top: Count = 8``. ``checked`` turns any other value into a
BadRequest (a BadPrompt for ``prompt``). The message names the function, the argument, the expectation and the value.
Code of the package calls the bare functions. Test: tests/test_wrong_calls.py.
"""

import inspect
import operator
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, wraps
from types import SimpleNamespace
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from loadstore.bounds import Within
from loadstore.errors import BadPrompt, BadRequest
from loadstore.overflows import in_range
from loadstore.visible import line

_Function = TypeVar("_Function", bound=Callable[..., Any])
SHOWN = 60  # characters of a value in a message


_Public = TypeVar("_Public")


def public(value: _Public, namespace: str = "ls") -> _Public:
    """Return a public function with its arguments checked; any other value (a class, a module) unchanged."""
    return cast("_Public", checked(value, namespace)) if inspect.isfunction(value) else value


def checked(function: _Function, namespace: str = "ls", names: Callable[[], Mapping[str, Any]] = dict) -> _Function:
    """Return a function that checks its arguments against its annotations before it runs.

    Args:
        function: A function or method; parameters without an annotation are not checked.
        namespace: The prefix of the function name in messages.
        names: Called once; returns the values of names in annotations that the function's module imports only for type
            checkers.

    Returns:
        A function with the same signature. It raises BadRequest for missing, unknown or invalid arguments, and
        BadPrompt for an invalid ``prompt``.
    """
    signature = inspect.signature(function)
    name = function.__qualname__ if "." in function.__qualname__ else f"{namespace}.{function.__name__}"
    hints = lru_cache(1)(lambda: _hints(function, names()))

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise BadRequest(f"{name}: {error}; its arguments are {', '.join(signature.parameters)}") from None
        for parameter, value in bound.arguments.items():
            if parameter in hints():
                bound.arguments[parameter] = _fit(name, parameter, value, hints()[parameter])
        import torch

        # Weights may be parameters in training; no analysis keeps a graph through them.
        with in_range(name), torch.no_grad():
            return function(*bound.args, **bound.kwargs)

    return cast("_Function", call)


def _hints(function: Callable[..., Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations of the parameters, resolved; xarray is imported only for a function that takes a Dataset."""
    stated = {name: hint for name, hint in inspect.get_annotations(function).items() if name != "return"}
    if any("xr." in hint for hint in stated.values() if isinstance(hint, str)):
        import xarray

        names = {**names, "xr": xarray}
    bare = SimpleNamespace(__annotations__=stated)
    return get_type_hints(bare, inspect.unwrap(function).__globals__, dict(names), include_extras=True)


def _fit(function: str, parameter: str, value: Any, hint: Any) -> Any:
    """Return the value, with scalars as Python's own. Raises BadRequest or BadPrompt if it does not fit."""
    from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

    parts = list(_parts(hint))
    if Any in parts:
        return value
    plain = _plain(value)
    unfit = isinstance(plain, bool) and bool not in parts  # True is an int to Python
    if isinstance(plain, str):  # a text is a sequence of letters to Python
        parts_of_text = tuple(part for part in parts if get_origin(part) is not Sequence)
        hint, unfit = Union[parts_of_text or (None,)], not parts_of_text  # noqa: UP007
    try:
        check_type(plain, hint, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
    except TypeCheckError:
        unfit = True
    if unfit:
        kind = BadPrompt if parameter == "prompt" else BadRequest
        raise kind(f"{function}({parameter}={_shown(value)}): expected {' or '.join(dict.fromkeys(map(_said, parts)))}")
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        for bounds in (each for part in parts for each in getattr(part, "__metadata__", ())):
            if isinstance(bounds, Within) and not bounds.least <= plain <= bounds.most:
                raise BadRequest(f"{function}({parameter}={_shown(value)}): expected a number {bounds}")
    return plain if isinstance(plain, int | float) or type(value).__module__ == "numpy" else value


def _parts(hint: Any) -> Iterator[Any]:
    """The members of a union, else the hint itself."""
    if get_origin(hint) in (Union, types.UnionType):
        for part in get_args(hint):
            yield from _parts(part)
    else:
        yield hint


def _plain(value: Any) -> Any:
    """The value as the type checker expects it: NumPy and torch scalars as numbers, NumPy arrays as lists."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
    if not isinstance(value, bool | int) and hasattr(value, "__index__") and not getattr(value, "shape", ()):
        with suppress(TypeError, ValueError, RuntimeError):
            return operator.index(value)
    return value


def _shown(value: Any) -> str:
    """A value in a message: its representation if it is short, else its type and size."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"a {type(value).__name__} {value.dtype} {list(value.shape)}"
    try:
        text = line(repr(value))
    except Exception:  # a repr of the caller's class may raise anything
        return f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _said(hint: Any) -> str:
    """One member of an annotation in words."""
    origin = get_origin(hint)
    if hint is None or hint is type(None):
        return "None"
    if origin is Annotated:
        bounds = [each for each in hint.__metadata__ if isinstance(each, Within)]
        return " ".join([_said(get_args(hint)[0]), *map(str, bounds)])
    if origin is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if origin in (Sequence, list):
        return f"a list of ({' or '.join(map(_said, _parts(get_args(hint)[0])))})"
    if origin is Callable:
        return "a function"
    if hasattr(hint, "dim_str"):
        return f"a tensor [{hint.dim_str}] of {hint.__name__.partition('[')[0].lower()}"
    return {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}.get(
        hint, getattr(hint, "__name__", None) or str(hint).replace("typing.", "")
    )
