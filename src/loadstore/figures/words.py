"""Small pieces of sentences, so that numbers have one format everywhere."""

import math
from collections.abc import Iterable, Sequence

MINUS = "−"


def number(value: float, digits: int = 2) -> str:
    """``.97``, ``−.12``, ``13.4``, ``1.00``; a word for NaN."""
    if math.isnan(value):
        return "undefined"
    text = f"{abs(value):.{digits}f}"
    text = text.removeprefix("0") if text.startswith("0.") else text
    return (MINUS if value < 0 and float(f"{value:.{digits}f}") != 0 else "") + text


def signed_number(value: float, digits: int = 2) -> str:
    """A number with its sign: ``+.97``, ``−.12``; ``0`` if it rounds to zero."""
    text = number(value, digits)
    if math.isnan(value) or text.startswith(MINUS):
        return text
    return f"+{text}" if float(f"{value:.{digits}f}") != 0 else "0"


def with_error(value: float, error: float, digits: int = 2) -> str:
    """``.97 ± .01``; an undefined error is left out."""
    return number(value, digits) if math.isnan(error) else f"{number(value, digits)} ± {number(error, digits)}"


def listed(items: Sequence[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    names = [str(item) for item in items]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, singular: str, many: str | None = None) -> str:
    """``1 head``, ``3 heads``."""
    return f"{count:,} {singular if count == 1 else many or singular + 's'}"


def last_tokens(windows: Iterable[int]) -> str:
    """The tokens that windows show a query: ``last token``, ``last 3 tokens``, ``last 3 or 1,024 tokens``."""
    near = sorted(set(windows))
    sizes = " or ".join(f"{window:,}" for window in near)
    return "last token" if near == [1] else f"last {sizes} tokens"


def unseen(window: int | None) -> str:
    """The meaning of a hatched cell of a pattern."""
    near = "" if window is None else f", nor to any before its {last_tokens([window])}"
    return f"a query cannot attend to later tokens{near}"


def chance(p: float) -> str:
    """A probability under a null: ``p .03``, ``p 4e−7``; ``p < 1e−300`` below the smallest double, never ``p 0``."""
    return f"p < 1e{MINUS}300" if p < 1e-300 else f"p {size(p)}"


def percent(share: float, digits: int = 0) -> str:
    """A share as ``80 %``; zero as ``0 %``."""
    return f"{number(100 * share, digits if share else 0)} %"


def size(value: float) -> str:
    """The magnitude of an error or a small probability: ``0`` (below the smallest double), ``4e−7``, ``.03``."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "undefined"
    if value >= 0.01:
        return number(value)
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}e{MINUS}{abs(int(power))}"


def sentence(text: object) -> str:
    """A text, or the message of an error, as a sentence with a capital and a full stop."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:]}."
