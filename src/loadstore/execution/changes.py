"""The questions that the forward pass asks of edits, at each store, each reader, each pattern and each norm."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor

from loadstore.linear.blocked import Blocked
from loadstore.model.points import ScaleName
from loadstore.sites import Reader, Side, Writer

Part: TypeAlias = Side | Literal["mlp", ""]
"""One side of a layer's heads, its MLP, or (layer −1) the unembedding."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is taken from one reader's input before its norm, in some rows of the batch."""

    writer: Writer
    reader: Reader
    value: Tensor
    rows: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True, slots=True)
class Denial:
    """What one reader does not load, in some rows of the batch."""

    reader: Reader
    out: Blocked
    rows: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True, slots=True)
class Frozen:
    """The pattern that one head has instead of its own, in some rows of the batch."""

    head: int
    pattern: Tensor
    rows: slice = field(default_factory=lambda: slice(None))


class Changes(ABC):
    """The edits of one run (``Edited``) or of several runs side by side (``Together``)."""

    @abstractmethod
    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Edit a writer's store (for heads, z), and keep it if a cut needs it."""

    @abstractmethod
    def heads(self, layer: int) -> Collection[Writer]:
        """The heads of a layer whose z ``store`` must see."""

    @abstractmethod
    def ablates(self, layer: int) -> bool:
        """Whether the store of a head of this layer is replaced."""

    @abstractmethod
    def losses(self, layer: int, part: Part) -> Iterator[Loss]:
        """What is taken from the readers of one part of a layer."""

    @abstractmethod
    def denials(self, layer: int, part: Part) -> Iterator[Denial]:
        """What the readers of one part of a layer do not load."""

    @abstractmethod
    def scale(self, which: ScaleName, layer: int = -1) -> Tensor | None:
        """The frozen 1/σ of a norm, if norms are frozen."""

    @abstractmethod
    def frozen(self, layer: int) -> Sequence[Frozen]:
        """The frozen patterns of a layer."""
