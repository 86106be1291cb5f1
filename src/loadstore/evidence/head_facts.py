"""The values in a head's dossier."""

from dataclasses import dataclass, fields

from loadstore.scores.measures import SINGLE


@dataclass(frozen=True, slots=True)
class RoleScore:
    """Mean attention on a role's keys, its standard error over sequences, and the kind of tokens; NaN if unknown."""

    role: str
    on: str
    score: float
    error: float


@dataclass(frozen=True, slots=True)
class WireScore:
    """One wire of the head: alignment, z and p of its subspace score, and whether it is significantly above chance."""

    writer: str
    reader: str
    alignment: float
    z: float
    p: float
    above: bool


WIRE_SCORES = tuple(name for name in SINGLE if name in {field.name for field in fields(WireScore)})
"""The measures of a wire in a dossier, in the order of their table."""


@dataclass(frozen=True, slots=True)
class MovedToken:
    """A token that the head moves, ‖W_E[t] W_OV‖, and the tokens that its store promotes."""

    text: str
    norm: float
    promotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MatchedPair:
    """A query and a key token that match by content, and their centred score."""

    query: str
    key: str
    score: float


@dataclass(frozen=True, slots=True)
class AblationEffect:
    """Loss in nats per token, its change by mean-ablating the head, and the standard error of the change."""

    on: str
    intact: float
    effect: float
    error: float


@dataclass(frozen=True)
class Dossier:
    """All results for one head. ``reads`` and ``readers`` hold every wire, best aligned first.

    ``unmatched``: why there are no matched pairs. ``averaged``: whether Q and K scores are averages over offsets, on
    which they depend under rotary positions.
    """

    model: str
    head: str
    roles: tuple[RoleScore, ...]
    reads: tuple[WireScore, ...]
    readers: tuple[WireScore, ...]
    singular_values: tuple[float, ...]
    structureless: tuple[float, ...]
    accuracy: tuple[tuple[int, float], ...]
    eigenvalue_score: float
    moved: tuple[MovedToken, ...]
    typical_norm: float
    matched: tuple[MatchedPair, ...]
    unmatched: str
    ablation: tuple[AblationEffect, ...]
    averaged: bool = False

    @property
    def participation(self) -> float:
        """The number of equal singular values with the same spread as those of W_OV, (Σσ²)²/Σσ⁴."""
        return participation(self.singular_values)

    def __repr__(self) -> str:
        """The largest role, and the effect of ablation."""
        roles = sorted((score for score in self.roles if score.score == score.score), key=lambda score: -score.score)
        role = f"largest role {roles[0].role} ({roles[0].score:.2f} on {roles[0].on})" if roles else "no role"
        costs = ", ".join(f"{effect.effect:+.3f} nats on {effect.on}" for effect in self.ablation)
        return f"Dossier of {self.head} in {self.model}: {role}\n  mean ablation changes the loss by {costs or 'n/a'}"

    def side(self, side: str) -> tuple[WireScore, ...]:
        """The wires into Q, K or V, best aligned first."""
        return tuple(wire for wire in self.reads if wire.reader == f"{self.head}.{side}")


def participation(singular_values: tuple[float, ...]) -> float:
    """(Σσ²)²/Σσ⁴; NaN for a zero map."""
    fourth = sum(value**4 for value in singular_values)
    return sum(value**2 for value in singular_values) ** 2 / fourth if fourth > 0 else float("nan")
