"""Centred principal components of a cloud of rows, and how many directions hold how much of it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Spectrum
from loadstore.errors import Undefined

FRACTIONS = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class PrincipalSpectrum:
    """Eigenvalues of the covariance (n − 1 in the denominator), largest first, of n rows in d columns."""

    eigenvalues: Spectrum
    rows: int

    @property
    def cumulative(self) -> Spectrum:
        """Fraction of variance held by the first k directions."""
        return self.eigenvalues.cumsum(0) / self.eigenvalues.sum()

    def directions(self, fraction: float) -> int:
        """Smallest number of directions that hold ``fraction`` of the variance."""
        return int((self.cumulative < fraction - 1e-12).sum()) + 1

    @property
    def participation_ratio(self) -> float:
        """(Σλ)²/Σλ²: how many equal directions would be as spread out."""
        return float(self.eigenvalues.sum() ** 2 / self.eigenvalues.square().sum())

    def random_band(self) -> tuple[float, float]:
        """Marchenko–Pastur edges: where eigenvalues of structureless rows of the same variance lie.

        λ± = σ²(1 ± √(d/n))², σ² = Σλ/d; the lower edge is 0 when d ≥ n. Source: Marchenko & Pastur 1967.
        """
        d, n = self.eigenvalues.shape[0], self.rows
        variance = float(self.eigenvalues.sum()) / d
        ratio = (d / n) ** 0.5
        return (variance * (1 - ratio) ** 2 if d < n else 0.0), variance * (1 + ratio) ** 2


def principal_spectrum(rows: Float[Tensor, "n d"]) -> PrincipalSpectrum:
    """Spectrum of the centred covariance Xᵀ(I − 11ᵀ/n)X/(n − 1), in double precision.

    Raises Undefined for fewer than two rows or rows that are all equal.
    """
    n, d = rows.shape
    if n < 2:
        raise Undefined("a spectrum needs at least two rows")
    centred = rows.double() - rows.double().mean(0)
    gram = centred.mT @ centred if d <= n else centred @ centred.mT
    values = torch.linalg.eigvalsh(gram / (n - 1)).flip(0).clamp(min=0)
    values = torch.cat([values, values.new_zeros(d - values.shape[0])]) if d > n else values
    if float(values.sum()) == 0:
        raise Undefined("all rows are equal, so there is no variance to decompose")
    return PrincipalSpectrum(values, n)
