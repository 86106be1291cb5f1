"""Refuses results that leave the range of double precision, instead of NumPy's warning and an infinite result."""

from collections.abc import Generator
from contextlib import contextmanager

from loadstore.errors import Undefined


def out_of_range(fault: Exception, what: str = "") -> Undefined:
    """Return the error for arithmetic that overflows, or that has no result, such as ∞ − ∞."""
    prefix = f"{what}: " if what else ""
    return Undefined(f"{prefix}a number leaves the range of double precision ({fault}); check the scale of the weights")


def raise_out_of_range() -> None:
    """Have NumPy raise FloatingPointError, instead of a warning, in this thread from now on."""
    import numpy as np

    np.seterr(over="raise", invalid="raise")


@contextmanager
def in_range(what: str) -> Generator[None]:
    """Raise Undefined where Python overflows, or NumPy would warn of that or of an operation without a result."""
    import numpy as np

    try:
        with np.errstate(over="raise", invalid="raise"):
            yield
    except (FloatingPointError, OverflowError) as fault:
        raise out_of_range(fault, what) from None
