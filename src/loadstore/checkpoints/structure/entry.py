"""How tokens enter the stream: the embedding, its multiplier or norm, and learned positions."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from loadstore.checkpoints.structure.differs import PIECE, apart, differs, off
from loadstore.checkpoints.structure.heads import Subject
from loadstore.checkpoints.structure.norms import NormForm, norm_of
from loadstore.checkpoints.structure.passes import Call, Pass
from loadstore.model.layers import map_tensors
from loadstore.model.norms import normalise
from loadstore.quote import quote


@dataclass(frozen=True)
class Entry:
    """The embedding's name and multiplier, the norm of its rows, the name of the positions and the row of the first."""

    name: str
    scale: float
    norm: NormForm | None
    positions: str | None
    offset: int = 0

    def rows(self, source: nn.Module, eps: float) -> Float[Tensor, "vocab d_model"]:
        """W_E: the parameter of ``source``, behind the norm if there is one."""
        rows = _rows(source, self.name)
        if self.norm is None:
            return rows
        wide = rows.to(torch.promote_types(rows.dtype, torch.float32))
        return normalise(wide, map_tensors(self.norm.norm(source), lambda each: each.to(wide.dtype)), eps)[0]

    def places(self, source: nn.Module, tokens: int) -> Float[Tensor, "ctx d_model"] | None:
        """W_pos for so many tokens."""
        return None if self.positions is None else _rows(source, self.positions)[self.offset :][:tokens]

    def most(self, source: nn.Module) -> int | None:
        """How many tokens have positions, None if any number."""
        return None if self.positions is None else len(_rows(source, self.positions)) - self.offset


def entry_of(subject: Subject, seen: Pass, first: Tensor, outside: list[Call]) -> Entry:
    """Return how tokens enter.

    Args:
        subject: The model.
        seen: A pass.
        first: The stream that the first block finds.
        outside: The calls outside the blocks.

    Raises:
        NotThisModel: That stream is not the embedding's rows, scaled or normed, and rows for the positions.
    """
    d_model = first.shape[-1]
    embedding = next((call for call in outside if _looks_up(subject.model, call, seen.tokens, d_model)), None)
    if embedding is None:
        raise differs("embedding", f"a row of {d_model} numbers for every token", "no such submodule")
    rows = _rows(subject.model, embedding.name)[seen.tokens]
    tried: list[tuple[float, Entry]] = []
    for positions, offset, places in [(None, 0, None), *_places(subject.model, outside, first)]:
        rest = first if places is None else first - places
        scale = subject.hints.factor(rows, rest, (rows.shape[-1] ** 0.5,), subject.eps)
        tried.append((apart(rows * scale, rest), Entry(embedding.name, scale, None, positions, offset)))
        for norm, normed in _normed(subject, outside, rows):
            tried.append((apart(normed, rest), Entry(embedding.name, 1.0, norm, positions, offset)))
    difference, best = min(tried, key=lambda pair: pair[0])
    if difference > PIECE * subject.eps or best.scale <= 0:
        at = f"embedding ({quote(best.name, 80)})"
        raise differs(at, "rows of its weight, scaled or normed, and learned positions or none", off(difference))
    return best


def _looks_up(model: nn.Module, call: Call, tokens: Tensor, d_model: int) -> bool:
    same = call.given.shape == tokens.shape and not call.given.is_floating_point()
    return same and bool((call.given == tokens).all()) and _table(model, call, d_model)


def _table(model: nn.Module, call: Call, d_model: int) -> bool:
    weight: object = getattr(model.get_submodule(call.name), "weight", None)
    return isinstance(weight, Tensor) and weight.dim() == 2 and weight.shape[1] == d_model


def _rows(source: nn.Module, name: str) -> Tensor:
    held: Any = source.get_submodule(name)
    return held.weight.detach()


def _normed(subject: Subject, outside: list[Call], rows: Tensor) -> list[tuple[NormForm, Tensor]]:
    """Norms of the rows, and what they return."""
    return [
        (form, call.result)
        for call in outside
        if call.given.shape == rows.shape
        and apart(call.given, rows) <= PIECE * subject.eps
        and (form := norm_of(subject.model, call, subject.hints, subject.eps)) is not None
    ]


def _places(model: nn.Module, outside: list[Call], first: Tensor) -> list[tuple[str, int, Tensor]]:
    """Submodules whose result are consecutive rows of their weight, the row of the first position, and the rows."""
    consecutive: list[tuple[str, int, Tensor]] = []
    for call in outside:
        tokens = first.shape[1]
        if not _table(model, call, first.shape[-1]) or call.result.shape[-2:] != first.shape[-2:]:
            continue
        rows = _rows(model, call.name)
        starts = range(max(0, min(len(rows) - tokens + 1, 8)))
        consecutive += [
            (call.name, start, rows[start : start + tokens])
            for start in starts
            if apart(rows[start : start + tokens].expand_as(call.result), call.result) == 0
        ]
    return consecutive
