"""Eigenspectra of writers: the size of the subspace of the stream that each writes to."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.errors import Undefined
from loadstore.linear.spectrum import FRACTIONS, PrincipalSpectrum, principal_spectrum, structureless
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Writer

if TYPE_CHECKING:
    import xarray as xr


def spectrum(weights: Weights, site: Writer | str = "embed") -> "xr.Dataset":
    """Centred PCA of a writer's rows: Dataset over rank with eigenvalue, cumulative and its null, structureless.

    Args:
        weights: The model.
        site: A writer. W_E and W_pos are decomposed over their rows. A head's rows are those of W_OV, so its spectrum
            is the covariance of its store for white input.

    Returns:
        Over fraction: ``directions``, the number that hold 50/80/90/95/99 % of the variance. attrs: the participation
        ratio and the Marchenko–Pastur band of structureless rows.

    Raises:
        NoSuchSite: The writer does not exist.
        Undefined: The writer is a constant, which has no spectrum.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> spectrum = ls.spectrum(model, "pos")
        >>> spectrum.sizes["rank"], int(spectrum.directions.sel(fraction=0.8)) <= 10
        (384, True)
    """
    import xarray as xr

    writer = wiring(weights).writer(site)
    matrix = writing(weights, writer).map()
    try:
        result: PrincipalSpectrum = principal_spectrum(matrix)
    except Undefined as reason:
        raise Undefined(f"what {writer} of {weights.name} writes has no spectrum: {reason}") from None
    low, high = result.random_band()
    values = result.eigenvalues.cpu().numpy()
    null = structureless(result.rows, len(values), float(result.eigenvalues.sum())).numpy()
    return xr.Dataset(
        {
            "eigenvalue": ("rank", values),
            "cumulative": ("rank", result.cumulative.cpu().numpy()),
            "structureless": ("rank", null),
            "directions": ("fraction", [result.directions(fraction) for fraction in FRACTIONS]),
        },
        coords={"rank": np.arange(1, len(values) + 1), "fraction": list(FRACTIONS)},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "site": str(writer),
            "definition": "eigenvalues of the covariance of the rows, centred, n - 1 in the denominator",
            "rows": result.rows,
            "participation_ratio": result.participation_ratio,
            "random_band": [low, high],
        },
    )
