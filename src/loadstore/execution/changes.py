"""The interface between edits and the forward pass, which queries it at every store, reader, pattern and norm."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor

from loadstore.linear.blocked import Blocked
from loadstore.model.points import ScaleName
from loadstore.sites import Inside, Reader, Side, Writer

Part: TypeAlias = Side | Inside | Literal[""]
"""One side of a layer's heads, its MLP or a kind of part of it, or (layer −1) the unembedding."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The part removed from one reader's input before its norm, in some rows of the batch."""

    writer: Writer
    reader: Reader
    value: Tensor
    rows: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True, slots=True)
class Denial:
    """The subspace that one reader does not load, in some rows of the batch."""

    reader: Reader
    out: Blocked
    rows: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True, slots=True)
class Frozen:
    """The pattern that replaces one head's own, in some rows of the batch."""

    head: int
    pattern: Tensor
    rows: slice = field(default_factory=lambda: slice(None))


class Changes(ABC):
    """The edits of one run (``Edited``) or of several parallel runs (``Together``)."""

    @abstractmethod
    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Edit a writer's store (for heads, z); keep it if a cut needs it."""

    @abstractmethod
    def heads(self, layer: int) -> Collection[Writer]:
        """The heads of a layer whose z must pass through ``store``."""

    @abstractmethod
    def ablates(self, layer: int) -> bool:
        """Whether the store of any head of this layer is replaced."""

    @abstractmethod
    def losses(self, layer: int, part: Part) -> Iterator[Loss]:
        """The parts removed from the readers of one part of a layer."""

    @abstractmethod
    def denials(self, layer: int, part: Part) -> Iterator[Denial]:
        """The subspaces that the readers of one part of a layer do not load."""

    @abstractmethod
    def scale(self, which: ScaleName, layer: int = -1) -> Tensor | None:
        """The frozen 1/σ of a norm, if norms are frozen."""

    @abstractmethod
    def frozen(self, layer: int) -> Sequence[Frozen]:
        """The frozen patterns of a layer."""
