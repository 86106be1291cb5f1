"""Calls into the tokenizers library, whose panics are not Exceptions; they too become documented errors."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from loadstore.errors import LoadstoreError
from loadstore.quote import quote

PANIC = "PanicException"  # pyo3's class, a BaseException that cannot be imported


@contextmanager
def guarded(refusal: Callable[[str], LoadstoreError]) -> Generator[None]:
    """Raise ``refusal(why)`` instead of any Exception or Rust panic; other errors propagate."""
    try:
        yield
    except LoadstoreError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        raise refusal(quote(error)) from None
