"""How far two results are apart, and the refusal that names the first piece where they are."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from loadstore.errors import NotThisModel

PIECE = 2**8  # of one piece, in multiples of ε
WHOLE = 2**10  # of a whole pass


def apart(result: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest entry expected.

    Args:
        result: A result.
        expected: The result of the live model.

    Returns:
        The difference; infinity where shapes differ or an entry is not finite.
    """
    if result.shape != expected.shape:
        return math.inf
    largest = float(expected.abs().max()) if expected.numel() else 0.0
    difference = float((result - expected).abs().max()) if expected.numel() else 0.0
    relative = difference / largest if largest else difference
    return relative if math.isfinite(relative) and math.isfinite(largest) else math.inf


def rounding(patterns: Sequence[Tensor], others: Sequence[Tensor] = ()) -> float:
    """Return ε of the digits that a pass has.

    Args:
        patterns: Its patterns. Most models compute their softmax in float32.
        others: Results of submodules without parameters, such as sines and cosines.

    Returns:
        ε of float32 if all patterns, or any of the others, are rounded to it; else ε of float64.
    """
    single = all(map(_single, patterns)) or any(map(_single, others))
    return torch.finfo(torch.float32 if single else torch.float64).eps


def _single(values: Tensor) -> bool:
    return torch.equal(values, values.float().to(values.dtype))


def differs(piece: str, expected: str, instead: str) -> NotThisModel:
    """Return the error for a piece that is not as expected.

    Args:
        piece: Where it is: a layer and a piece, or the name of a submodule.
        expected: What loadstore computes.
        instead: What the live model does.
    """
    return NotThisModel(f"{piece}: expected {expected}, found {instead}")


def off(difference: float) -> str:
    """A difference in words."""
    if not math.isfinite(difference):
        return "numbers that are not finite or of another shape"
    return f"a difference of {difference:.1e} of the largest"
