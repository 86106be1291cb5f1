"""Types and shapes of arguments and results, checked on calls of the package while tests run.

jaxtyping's import hook puts its decorator on every function. That decorator binds the arguments and checks them twice,
whether or not an annotation names an axis: nine tenths of the time of a test of small models. Here beartype checks
a call once, and only functions with axes in their annotations get a memory of what the axes are. A function that is
called very often is checked now and then: its first ``ALWAYS`` calls in a process, then one in ``EVERY``.
"""

import functools
import inspect
import types
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, TypeCheckError, jaxtyped

check = beartype(conf=BeartypeConf(violation_type=TypeCheckError))  # a TypeError, as without checks
checking = True
ALWAYS, EVERY = 200, 13


@contextmanager
def unchecked() -> Generator[None]:
    """Run as users do, without run-time type checks: a wrong type must meet our own error."""
    global checking
    checking = False
    try:
        yield
    finally:
        checking = True


def install() -> None:
    """Take the place of jaxtyping's decorator in what its import hook decorates from now on."""
    jaxtyping.jaxtyped = checked  # pyright: ignore


def checked(thing: Any = None, *, typechecker: object = None) -> Any:
    """Decorate a function, or the ``__init__`` of a dataclass."""
    if thing is None:
        return checked
    if inspect.isclass(thing):
        if hasattr(thing, "__dataclass_fields__") and "__init__" in vars(thing):
            thing.__init__ = checked(thing.__init__)
        return thing
    hints = {name: hint(of, thing.__globals__) for name, of in thing.__annotations__.items()}
    copy = types.FunctionType(thing.__code__, thing.__globals__, thing.__name__, thing.__defaults__, thing.__closure__)
    copy.__qualname__, copy.__module__, copy.__kwdefaults__ = thing.__qualname__, thing.__module__, thing.__kwdefaults__
    copy.__annotations__ = hints
    careful = check(copy)

    memory, calls = any(map(has_axes, hints.values())), 0

    def call(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if not checking or (calls > ALWAYS and calls % EVERY):
            return thing(*args, **named)
        if not memory:
            return careful(*args, **named)
        with jaxtyped("context"):  # where a name of an axis has one size in all arguments and the result
            return careful(*args, **named)

    return functools.wraps(thing)(call)


def hint(annotation: object, names: dict[str, Any]) -> object:
    """What an annotation says; Any where a name in it is imported for type checkers alone."""
    holder = types.SimpleNamespace(__annotations__={"of": annotation})
    try:
        return get_type_hints(holder, names, include_extras=True)["of"]
    except NameError:
        return Any


def has_axes(annotation: object) -> bool:
    """Whether the shape of an array is anywhere in it."""
    if isinstance(annotation, list):
        return any(has_axes(part) for part in annotation)
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    return any(has_axes(part) for part in get_args(annotation))
