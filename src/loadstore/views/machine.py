"""The machine: the stream with the components that load from it and store to it, and their formulas."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from loadstore.views.base import Value, View

Source: TypeAlias = Literal["stream", "pos"]
Kind: TypeAlias = Literal["embed", "pos", "head", "mlp", "unembed"]


class Loaded(Value, frozen=True, kw_only=True):
    """One load of a step, and its source."""

    label: str
    source: Source


class Step(Value, frozen=True, kw_only=True):
    """One component along the stream.

    Args:
        stores: The content of its store; null if it stores nothing.
        more: The number of parallel siblings left out.
    """

    name: str
    kind: Kind
    detail: str
    loads: tuple[Loaded, ...]
    stores: str | None
    more: int


class Composition(Value, frozen=True, kw_only=True):
    """A wire of a diagram: a later step loads the store of an earlier one.

    Args:
        writer: The name of the step that stores.
        reader: The name of the step that loads.
        side: The side of the reader.
        label: The name of the wire.
    """

    writer: str
    reader: str
    side: str
    label: str


class Diagram(View, frozen=True, kw_only=True, tag="loadstore/diagram@1"):
    """The residual stream as a bus, and the components that load from it and store to it, in order.

    Args:
        stream: The name of the bus.
        reading: How to read the picture.
        wires: From a store to a load, drawn along the stream.
    """

    stream: str
    steps: tuple[Step, ...]
    reading: str | None = None
    wires: tuple[Composition, ...] = ()


class Term(Value, frozen=True, kw_only=True):
    """One symbol of a formula.

    Args:
        sub: Its subscript.
        sup: Its superscript.
        shape: The sizes of a matrix.
    """

    text: str
    sub: str | None
    sup: str | None
    shape: str | None
    kind: Literal["matrix", "operator", "word"]


class Equation(Value, frozen=True, kw_only=True):
    """One formula with its name and meaning."""

    name: str
    terms: tuple[Term, ...]
    meaning: str


class Formula(View, frozen=True, kw_only=True, tag="loadstore/formula@1"):
    """Formulas, with the shape of every matrix under it."""

    rows: tuple[Equation, ...]


def step(
    name: str,
    kind: Kind,
    detail: str,
    loads: Sequence[tuple[str, Source]] = (),
    stores: str | None = None,
    more: int = 0,
) -> Step:
    """One component along the stream: its loads with their sources, its store, and the number of siblings left out."""
    loaded = tuple(Loaded(label=label, source=source) for label, source in loads)
    return Step(name=name, kind=kind, detail=detail, loads=loaded, stores=stores, more=more)


def diagram(
    title: str, stream: str, steps: Sequence[Step], wires: Sequence[Composition] = (), reading: str | None = None
) -> Diagram:
    """The residual stream as a bus, with the components that load from it and store to it, and wires between them."""
    return Diagram(title=title, stream=stream, steps=tuple(steps), wires=tuple(wires), reading=reading)


def term(
    text: str,
    *,
    sub: str | None = None,
    sup: str | None = None,
    shape: Sequence[int] | None = None,
    kind: Literal["matrix", "operator", "word"] | None = None,
) -> Term:
    """One symbol of a formula; a symbol with a shape is a matrix."""
    sizes = None if shape is None else " × ".join(f"{size:,}" for size in shape)
    return Term(text=text, sub=sub, sup=sup, shape=sizes, kind=kind or ("operator" if sizes is None else "matrix"))


def formula(title: str, rows: Sequence[tuple[str, Sequence[Term], str]]) -> Formula:
    """Formulas, each (name, terms, meaning), with the shape of every matrix under it."""
    equations = (Equation(name=name, terms=tuple(terms), meaning=meaning) for name, terms, meaning in rows)
    return Formula(title=title, rows=tuple(equations))
