"""The result of a comparison of logits with a reference implementation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Logits were compared on ``tokens`` tokens; ``difference`` and ``tolerance`` are shares of the largest logit."""

    against: str
    tokens: int
    difference: float
    tolerance: float

    def __str__(self) -> str:
        """One line for a person."""
        return (
            f"{self.against} computes the same logits on {self.tokens} tokens: they differ by up to "
            f"{self.difference:.1e} of the largest (tolerance {self.tolerance:.0e})"
        )
