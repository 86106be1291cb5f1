"""One site's loads at one token, divided among writers: the lines of a listing.

    unembed     c_w / Σ c         c the parts of the target's contrast
    Q, K        the shares of an address about the most attended key
    V           ⟨o_j^w, o⟩/‖o‖²  by token and writer
    MLP         ⟨o − mlp(x − x_w), o⟩/‖o‖²    without one writer; an MLP is nonlinear, so these need not sum to 1

A load lists its largest parts until the remainder, and every part in it, is at most 1 − ``share`` of the whole.
Derivations: docs/listing.md. Tests: tests/decomposition/test_listing.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch

from loadstore.decomposition.contrast import direction_of
from loadstore.decomposition.outputs import output_along
from loadstore.decomposition.reading import norm_of, read_at
from loadstore.decomposition.sides import VANISHED, divided
from loadstore.execution.trace import Trace
from loadstore.model.layers import Norm
from loadstore.model.mlp import mlp_output
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Reader, Side, Writer

Kind: TypeAlias = Side | Literal["mlp", "unembed"]
Cell: TypeAlias = tuple[str, int]  # a writer, and the token of its store
ROUNDING = 1e-6  # of the parts' absolute sum; smaller parts are not counted


@dataclass(frozen=True, slots=True)
class Part:
    """The share of one writer, at one token, in a load."""

    writer: str
    token: int
    share: float


@dataclass(frozen=True, slots=True)
class Load:
    """One load: its largest parts, with the sum and maximum of the omitted ones, or why it cannot be divided.

    ``others``: how many parts are omitted; ``rest``: their sum, NaN for an MLP, whose parts do not sum to 1.
    ``largest``: the largest absolute value among them.
    """

    kind: Kind
    parts: tuple[Part, ...] = ()
    others: int = 0
    rest: float = 0.0
    largest: float = 0.0
    undefined: str = ""

    @property
    def additive(self) -> bool:
        """Whether the parts and the rest sum to 1."""
        return self.kind != "mlp"

    @property
    def explained(self) -> float:
        """The sum of the listed parts; NaN if the load is not additive."""
        return math.fsum(part.share for part in self.parts) if self.additive else math.nan


def chosen(kind: Kind, shares: Mapping[Cell, float], share: float) -> Load:
    """Take the largest parts until neither the remainder nor any part of it exceeds 1 − ``share``.

    What is only rounding is not counted among the others: ``const`` gives every key the same score, so that its share
    is 0 or some 10⁻⁸, by chance.
    """
    noise = ROUNDING * math.fsum(map(abs, shares.values()))
    order = sorted((cell for cell in shares if abs(shares[cell]) > noise), key=lambda cell: -abs(shares[cell]))
    additive = kind != "mlp"
    count, rest = 0, math.fsum(shares.values())
    while count < len(order):
        largest = abs(shares[order[count]])
        if largest <= 1 - share and not (additive and abs(rest) > 1 - share):
            break
        rest -= shares[order[count]]
        count += 1
    left = [shares[cell] for cell in order[count:]]
    return Load(
        kind,
        tuple(Part(*cell, shares[cell]) for cell in order[:count]),
        len(left),
        rest if additive else math.nan,
        max(map(abs, left), default=0.0),
    )


def head_loads(trace: Trace, head: Head, at: int, share: float) -> tuple[Load, Load, Load]:
    """The loads of a head at one query token, on Q, K and V. Raises Undefined for an ablated head."""
    row = trace.pattern(head)[at].double()
    first = max(0, at + 1 - (trace.weights.architecture.window(head.layer) or at + 1))
    key = int(row.argmax())
    sides = divided((trace,), head, at, first, direction_of(row[first : at + 1], key - first, None))
    why = "one key: there is nothing to choose" if at == first else "every key has the same score"
    loads = [
        Load(side, undefined=why)
        if sides[side].vanished
        else chosen(
            side, {(name, at if side == "Q" else key): part for name, part in sides[side].shares.items()}, share
        )
        for side in ("Q", "K")
    ]
    return loads[0], loads[1], _values(trace, head, at, share)


def _values(trace: Trace, head: Head, at: int, share: float) -> Load:
    output = trace.store(Writer("head", head.layer, head.index))[0, at]
    parts = {name: part.double() for name, part in output_along(trace, head, at, output).items()}
    whole = float(output.double().square().sum())
    if not whole > VANISHED * math.fsum(float(part.abs().sum()) for part in parts.values()):
        return Load("V", undefined="the head stores nothing here")
    cells = {
        (name, j): value / whole for name, part in parts.items() for j, value in enumerate(part[: at + 1].tolist())
    }
    return chosen("V", cells, share)


def mlp_load(trace: Trace, layer: int, at: int, share: float) -> Load:
    """The loss of an MLP's store, along itself, when each writer is removed from its input; norm scale frozen."""
    weights, shape = trace.weights, trace.weights.architecture
    reader = Reader(layer, -1, "mlp")
    writers = wiring(weights).writers_of(reader)
    part, stored = weights.layer(layer).mlp, trace.store(Writer("mlp", layer))[0, at]
    assert part is not None
    rows = read_at(trace, reader, writers, at)
    norm, _ = norm_of(trace, reader)
    x = rows.sum(0) + _shift(norm, rows)
    without = mlp_output((x - rows)[None], part, shape)[0]
    size = float(stored.double().square().sum())
    if not size > 0:
        return Load("mlp", undefined="the MLP stores nothing here")
    shares = ((stored - without).double() @ stored.double() / size).tolist()
    return chosen("mlp", {(str(writer), at): value for writer, value in zip(writers, shares, strict=True)}, share)


def _shift(norm: Norm | None, like: torch.Tensor) -> torch.Tensor:
    """The constant that a norm adds: β, or 0."""
    return like.new_zeros(like.shape[-1]) if norm is None or norm.bias is None else norm.bias
