"""The rule that chooses between a linear and a logarithmic colour scale."""

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np

Transform: TypeAlias = Literal["linear", "log"]
MOST = 0.95  # so many of the values
SMALL = 0.1  # below so much of the largest are too many for a linear scale


def transform_of(values: Iterable[Any]) -> Transform:
    """Choose logarithmic colours where one linear scale would give most cells one colour.

    That is where 95 % of the finite values other than 0 are below a tenth of the largest, whatever their sign: a few
    wires then own the scale. Logarithmic colours tell three powers of ten apart.

    Args:
        values: The matrices of all panels; NaN where there is no wire.

    Returns:
        ``"log"`` or ``"linear"``.
    """
    sizes = np.abs(np.concatenate([np.zeros(0), *(np.ravel(np.asarray(matrix, dtype=float)) for matrix in values)]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return "log" if len(sizes) and float(np.quantile(sizes, MOST)) < SMALL * float(sizes.max()) else "linear"
