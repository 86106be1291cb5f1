"""Rotary positions: queries and keys are rotated by an angle proportional to their position.

Row vectors: q_m → q_m R_m with R_m = ⊕_i rotation by m θ_i over 2-D pairs, so that q_m R_m (k_n R_n)ᵀ depends on
m − n only. Dimensions beyond the pairs stay unchanged (partial rotary). Source: Su et al. 2021, RoFormer.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import NotThisModel
from loadstore.quote import quote

Pairs = Literal["halves", "adjacent"]
MOST_DIMENSIONS = 1 << 12
FASTEST = 1e3  # radians per token; above it an angle has no significant digits left


@dataclass(frozen=True, slots=True)
class Rotary:
    """Angular frequencies θ_i (radians per token) of the pairs, and which dimensions form a pair.

    ``halves`` pairs (i, i + n) for n frequencies (GPT-NeoX, Llama), ``adjacent`` pairs (2i, 2i + 1) (GPT-J).
    ``single``: angles are rounded to float32, as in a family's reference implementation, for any compute dtype. Late
    positions lose digits; this reproduces the reference logits. Raises NotThisModel if a frequency is not a finite
    number ≤ 1,000.
    """

    frequencies: tuple[float, ...]
    pairs: Pairs = "halves"
    single: bool = False

    def __post_init__(self) -> None:
        finite = all(type(f) is float and abs(f) <= FASTEST for f in self.frequencies)
        if not self.frequencies or not finite:
            raise NotThisModel(
                f"rotary positions need at least one frequency, all of them finite numbers up to {FASTEST:g}"
            )
        if self.pairs not in ("halves", "adjacent"):
            raise NotThisModel(
                f"rotary pairs {quote(repr(self.pairs), 40)} are not supported; use 'halves' or 'adjacent'"
            )

    @staticmethod
    def of(dimensions: int, base: float = 10_000.0, pairs: Pairs = "halves") -> "Rotary":
        """Return θ_i = base^(−2i / dimensions), the published choice. Raises NotThisModel on odd sizes or base < 1."""
        if not 2 <= dimensions <= MOST_DIMENSIONS or dimensions % 2 or not 1 <= base < math.inf:
            raise NotThisModel(
                f"rotary positions over {dimensions} dimensions with base {base} are impossible: expected an even "
                f"number of dimensions up to {MOST_DIMENSIONS} and a base of at least 1"
            )
        return Rotary(tuple(base ** (-2 * i / dimensions) for i in range(dimensions // 2)), pairs)

    @property
    def dimensions(self) -> int:
        """How many dimensions of a head rotate."""
        return 2 * len(self.frequencies)

    def first_and_second(self) -> tuple[list[int], list[int]]:
        """The first dimension of each pair, and their partners."""
        n = len(self.frequencies)
        if self.pairs == "halves":
            return list(range(n)), list(range(n, 2 * n))
        return list(range(0, 2 * n, 2)), list(range(1, 2 * n, 2))

    def turn(self, x: Float[Tensor, "*any d_head"], angles: Float[Tensor, "*any2 pair"]) -> Float[Tensor, "..."]:
        """Rotate vectors by given angles: (x₁, x₂) → (x₁ cos − x₂ sin, x₂ cos + x₁ sin) in every pair."""
        n = len(self.frequencies)
        first, second = (
            (slice(n), slice(n, 2 * n)) if self.pairs == "halves" else (slice(0, 2 * n, 2), slice(1, 2 * n, 2))
        )
        left, two = x[..., first], x[..., second]
        cos, sin = angles.cos().to(x), angles.sin().to(x)
        out = x.clone()
        out[..., first] = left * cos - two * sin
        out[..., second] = two * cos + left * sin
        return out

    def at(self, x: Float[Tensor, "batch token head d_head"], start: int = 0) -> Float[Tensor, "..."]:
        """Rotate queries or keys by their positions, which count from ``start``."""
        return self.turn(x, self.angles(x.shape[1], start)[:, None].to(x.device))

    def angles(self, tokens: int, start: int = 0) -> Float[Tensor, "token pair"]:
        """m θ_i in radians, as float64; if ``single``, the products are first rounded to float32."""
        kind = torch.float32 if self.single else torch.float64
        positions = torch.arange(start, start + tokens, dtype=kind)
        return (positions[:, None] * torch.tensor(self.frequencies, dtype=kind)).double()


def as_rotary(facts: object) -> Rotary | None:
    """Parse the rotary entry of a file: None, or the fields of a Rotary. Raises NotThisModel for anything else."""
    if facts is None or isinstance(facts, Rotary):
        return facts
    stated = cast("dict[str, Any]", facts) if isinstance(facts, dict) else {}
    frequencies: object = stated.get("frequencies")
    if set(stated) | {"single"} != {"frequencies", "pairs", "single"} or not isinstance(frequencies, list):
        raise NotThisModel("rotary positions are stated as an object of frequencies (a list of numbers) and pairs")
    return Rotary(tuple(cast("list[float]", frequencies)), stated["pairs"], stated.get("single", False))
