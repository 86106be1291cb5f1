"""Centred principal components of rows, and the number of directions that hold a fraction of the variance."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Spectrum
from loadstore.errors import Undefined
from loadstore.linear.decompositions import eigvalsh
from loadstore.linear.factored import Factored

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
        """(Σλ)²/Σλ²: the number of equal eigenvalues with the same spread."""
        return float(self.eigenvalues.sum() ** 2 / self.eigenvalues.square().sum())

    def random_band(self) -> tuple[float, float]:
        """Marchenko–Pastur edges: the range of eigenvalues of structureless rows with the same variance.

        λ± = σ²(1 ± √(d/n))², σ² = Σλ/d; the lower edge is 0 if d ≥ n. Source: Marchenko & Pastur 1967.
        """
        d, n = self.eigenvalues.shape[0], self.rows
        variance = float(self.eigenvalues.sum()) / d
        ratio = (d / n) ** 0.5
        return (variance * (1 - ratio) ** 2 if d < n else 0.0), variance * (1 + ratio) ** 2


def principal_spectrum(rows: Float[Tensor, "n d"] | Factored) -> PrincipalSpectrum:
    """Spectrum of the centred covariance Xᵀ(I − 11ᵀ/n)X/(n − 1), in double precision.

    A factored X = A B is handled through its rank × rank core: the centred rows are (I − 11ᵀ/n)A B, and X is never
    formed. Raises Undefined for fewer than two rows or rows that are all equal.
    """
    n, d = rows.shape
    if n < 2:
        raise Undefined("a spectrum needs at least two rows")
    if isinstance(rows, Factored):
        left = rows.left.double()
        centred = Factored(left - left.mean(0), rows.right.double())
        values = centred.singular_values().square() / (n - 1)
    else:
        centred = rows.double() - rows.double().mean(0)
        gram = centred.mT @ centred if d <= n else centred @ centred.mT
        values = eigvalsh(gram / (n - 1)).flip(0).clamp(min=0)
    values = torch.cat([values, values.new_zeros(d - values.shape[0])])
    if float(values.sum()) == 0:
        raise Undefined("all rows are equal, so there is no variance to decompose")
    return PrincipalSpectrum(values, n)


def structureless(n: int, d: int, total: float) -> Spectrum:
    """Expected eigenvalues of n Gaussian rows in d columns with the same total variance.

    Quantiles of the Marchenko–Pastur density √((λ₊ − λ)(λ − λ₋))/(2π r σ² λ), r = d/(n − 1): the null of a spectrum.
    Centring removes one dimension; for d ≥ n there are only n − 1 nonzero eigenvalues.
    """
    rank, variance, ratio = min(d, n - 1), total / d, d / (n - 1)
    low, high = variance * (1 - ratio**0.5) ** 2, variance * (1 + ratio**0.5) ** 2
    angle = torch.linspace(0, torch.pi, 4097, dtype=torch.float64)
    grid = (low + high) / 2 - (high - low) / 2 * angle.cos()
    density = angle.sin().square() / grid.clamp(min=high * 1e-12)
    mass = torch.cat([density.new_zeros(1), torch.cumulative_trapezoid(density, angle)])
    wanted = (torch.arange(rank, 0, -1, dtype=torch.float64) - 0.5) / rank * mass[-1]
    index = torch.searchsorted(mass, wanted).clamp(1, len(mass) - 1)
    part = (wanted - mass[index - 1]) / (mass[index] - mass[index - 1])
    values = grid[index - 1] + part * (grid[index] - grid[index - 1])
    values = torch.cat([values, values.new_zeros(d - rank)])
    return values / values.sum() * total
