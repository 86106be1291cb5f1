"""The result of a comparison of logits with a reference implementation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Logits compared on ``tokens`` tokens; ``difference`` and ``tolerance`` are relative to the largest logit."""

    against: str
    tokens: int
    difference: float
    tolerance: float

    def __str__(self) -> str:
        """The comparison as one line of text."""
        return (
            f"{self.against} computes the same logits on {self.tokens} tokens: they differ by up to "
            f"{self.difference:.1e} of the largest (tolerance {self.tolerance:.0e})"
        )
