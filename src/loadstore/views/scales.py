"""The rule that chooses between a linear and a logarithmic colour scale."""

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np

Transform: TypeAlias = Literal["linear", "log"]
MOST = 0.95  # fraction of the values that must be small
SMALL = 0.1  # fraction of the largest magnitude, below which a value is small


def transform_of(values: Iterable[Any]) -> Transform:
    """Choose logarithmic colours if a linear scale would give most cells the same colour.

    That is if 95 % of the finite nonzero values have a magnitude below a tenth of the largest: a few wires would then
    dominate the scale. Logarithmic colours resolve three powers of ten.

    Args:
        values: The matrices of all panels; NaN if there is no wire.

    Returns:
        ``"log"`` or ``"linear"``.
    """
    sizes = np.abs(np.concatenate([np.zeros(0), *(np.ravel(np.asarray(matrix, dtype=float)) for matrix in values)]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return "log" if len(sizes) and float(np.quantile(sizes, MOST)) < SMALL * float(sizes.max()) else "linear"
