"""Numbers that a live model states in its config. They are hints: each is tried, and the model's own pass decides."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

LENGTHS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length", "seq_length")
USUAL_EPS = (1e-5, 1e-6, 1e-8, 1e-12)


@dataclass(frozen=True)
class Hints:
    """The entries of a config, nested ones too, in their order."""

    entries: tuple[tuple[str, Any], ...]

    @staticmethod
    def of(config: dict[str, Any]) -> "Hints":
        """Read a config."""
        return Hints(tuple(_entries(config)))

    @property
    def numbers(self) -> tuple[float, ...]:
        """All numbers above 0."""
        return tuple(float(value) for _, value in self.entries if _positive(value))

    @property
    def caps(self) -> tuple[float, ...]:
        """Numbers whose name says that they cap something."""
        return tuple(dict.fromkeys(float(value) for key, value in self.entries if "cap" in key and _positive(value)))

    @property
    def longest(self) -> int | None:
        """How many tokens the model takes; None if the config does not say."""
        stated = [int(value) for key, value in self.entries if key in LENGTHS and _positive(value)]
        return min(stated) if stated else None

    @property
    def special(self) -> tuple[int, ...]:
        """Ids of tokens that a model may treat in a way of their own."""
        return tuple(value for key, value in self.entries if key.endswith("_token_id") and type(value) is int)

    def eps(self, module: nn.Module) -> tuple[float, ...]:
        """Values of ε to try for a norm: its own attributes, the config's, the usual ones."""
        own = [value for value in vars(module).values() if type(value) is float]
        return tuple(dict.fromkeys(value for value in (*own, *self.numbers, *USUAL_EPS) if 0 < value <= 0.1))

    def near(self, fitted: float, others: Sequence[float], within: float) -> float:
        """The number that a fitted one stands for: one of ``others``, one of the config's, or itself."""
        derived = [number**power for number in self.numbers for power in (1, -1, -0.5, 0.5)]
        for number in (1.0, *others, *derived):
            if abs(fitted - number) <= within * number:
                return number
        return fitted

    def factor(self, x: Tensor, y: Tensor, others: Sequence[float], eps: float) -> float:
        """What x is multiplied by to be closest to y, as the number that it stands for; ``others``: as in ``near``."""
        wide, squares = x.double(), float(x.double().square().sum())
        fitted = float((wide * y.double()).sum()) / squares if squares else 1.0
        return self.near(fitted, others, 64 * eps)


def _entries(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _entries(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _entries(inner, key)
    else:
        yield key, value


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
