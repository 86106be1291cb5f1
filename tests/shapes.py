"""Types and shapes of arguments and results, checked on calls of the package while tests run.

jaxtyping's import hook puts its decorator on every function. That decorator binds the arguments and checks them twice,
whether or not an annotation names an axis: nine tenths of the time of a test of small models. Here beartype checks
a call once, and only functions with axes in their annotations get a memory of what the axes are. A function that is
called very often is checked now and then: its first ``ALWAYS`` calls in a process, then one in ``EVERY``; of a
function within a function the first ``INNER`` that are made.
"""

import functools
import inspect
import types
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, TypeCheckError, jaxtyped

check = beartype(conf=BeartypeConf(violation_type=TypeCheckError))  # a TypeError, as without checks
checking = True
ALWAYS, EVERY = 100, 31
INNER = 3  # checks cost more to make than a function within a function, which is made anew at each call, takes
made: Counter[types.CodeType] = Counter()


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
    if "<locals>" in thing.__qualname__:
        made[thing.__code__] += 1
        if made[thing.__code__] > INNER:
            return thing
    calls, memory, careful = 0, False, None

    def call(*args: Any, **named: Any) -> Any:
        nonlocal calls, memory, careful
        calls += 1
        if not checking or (calls > ALWAYS and calls % EVERY):
            return thing(*args, **named)
        if careful is None:  # not when it is imported: most functions are never called in a process
            memory, careful = carefully(thing)
        if not memory:
            return careful(*args, **named)
        with jaxtyped("context"):  # where a name of an axis has one size in all arguments and the result
            return careful(*args, **named)

    return functools.wraps(thing)(call)


def carefully(function: types.FunctionType) -> tuple[bool, Callable[..., Any]]:
    """Whether axes are in the annotations of a function, and the function with checks."""
    hints = {name: hint(of, function.__globals__) for name, of in function.__annotations__.items()}
    copy = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    copy.__kwdefaults__ = function.__kwdefaults__  # pyright: ignore[reportAttributeAccessIssue]
    copy.__annotations__ = hints
    return any(map(has_axes, hints.values())), check(copy)


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
