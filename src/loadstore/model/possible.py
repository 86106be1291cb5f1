"""Which facts of an architecture are possible; a check raises NotThisModel and names the fact and what it expected."""

from loadstore.errors import NotThisModel
from loadstore.model.rotary import Rotary
from loadstore.quote import one_of, quote

MOST_SCALE = 1e6


def whole(name: str, value: object, most: int) -> None:
    """A whole number from 1."""
    if type(value) is not int or not 1 <= value <= most:
        raise NotThisModel(f"{name} = {_shown(value)} is impossible: expected a whole number from 1 to {most}")


def among(name: str, value: object, names: tuple[str, ...]) -> None:
    """One of some names."""
    if value not in names:
        raise NotThisModel(f"{name} = {_shown(value)} is not supported; use {one_of(names)}")


def scale(name: str, value: object) -> None:
    """A multiplier."""
    if type(value) is not float or not 0 < value <= MOST_SCALE:
        raise NotThisModel(f"{name} = {_shown(value)} is impossible: expected a number above 0, at most {MOST_SCALE:g}")


def fraction(name: str, value: object) -> None:
    """A number between 0 and 1."""
    if type(value) is not float or not 0 < value < 1:
        raise NotThisModel(f"{name} = {_shown(value)} is impossible: expected a number between 0 and 1")


def divisor(name: str, value: object, heads: int) -> None:
    """A divisor of the number of heads."""
    if type(value) is not int or value < 1 or heads % value:
        raise NotThisModel(f"{name} = {value!r} is impossible: expected a divisor of {heads} heads")


def turning(rotary: Rotary, d_head: int) -> None:
    """Rotary positions that a head has room for."""
    if rotary.dimensions > d_head:
        raise NotThisModel(f"rotary positions turn {rotary.dimensions} dimensions, a head has {d_head}")


def windows(sizes: tuple[object, ...], layers: int) -> None:
    """A window or None for each layer."""
    if len(sizes) != layers or any(size is not None and (type(size) is not int or size < 1) for size in sizes):
        raise NotThisModel(f"windows are impossible: expected {layers} whole numbers from 1, or None each")


def slopes(values: tuple[object, ...], heads: int) -> None:
    """A number above 0 for each head."""
    if len(values) != heads or any(type(value) is not float or not 0 < value <= MOST_SCALE for value in values):
        raise NotThisModel(f"slopes are impossible: expected {heads} numbers above 0, at most {MOST_SCALE:g}")


def layers(name: str, listed: tuple[object, ...], count: int) -> None:
    """Some layers, each once, in their order."""
    if any(type(layer) is not int for layer in listed) or list(listed) != [n for n in range(count) if n in listed]:
        raise NotThisModel(f"{name} = {_shown(listed)} is impossible: expected layers from 0 to {count - 1} in order")


def _shown(value: object) -> str:
    return quote(repr(value), 40)
