"""YaRN: slow dimensions turn slower by a factor, fast ones as before, and queries and keys are multiplied by a number.

The expressions are those of the reference in float32. Source: Peng et al., YaRN, 2023.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.checkpoints.families.scaling import Scaling

NEVER = 0.001  # between equal ends of a ramp


def yarn(scaling: Scaling, dimensions: int) -> Float[Tensor, " pair"]:
    """The frequencies of ``dimensions`` dimensions, two for each."""

    def place(turns: float) -> float:
        """The dimension that turns so often over the original context."""
        return (dimensions * math.log(scaling.old / (turns * 2 * math.pi))) / (2 * math.log(scaling.base))

    low, high = place(scaling.high), place(scaling.low)
    if scaling.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dimensions - 1)
    high = high + NEVER if low == high else high
    ramp = ((torch.arange(dimensions // 2, dtype=torch.float32) - low) / (high - low)).clamp(0, 1)
    lengths = scaling.base ** (torch.arange(0, dimensions, 2).to(torch.float) / dimensions)
    kept = 1 - ramp
    return 1.0 / (scaling.factor * lengths) * (1 - kept) + 1.0 / lengths * kept
