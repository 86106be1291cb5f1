"""Calls into the tokenizers library, whose panics are no Exception: they become documented errors too."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from loadstore.errors import LoadstoreError
from loadstore.quote import quote

PANIC = "PanicException"  # of pyo3, a BaseException that cannot be imported


@contextmanager
def guarded(refusal: Callable[[str], LoadstoreError]) -> Generator[None]:
    """Raise ``refusal(why)`` in place of every Exception and every panic of Rust; anything else passes."""
    try:
        yield
    except LoadstoreError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        raise refusal(quote(error)) from None
