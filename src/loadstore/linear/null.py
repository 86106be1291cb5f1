"""The exact null of the subspace score, under a random rotation between writer and reader.

Let a = AᵀA, b = B Bᵀ, X = tr(a b) and R Haar on O(d). Then tr(a R b Rᵀ) has

    E X   = tr a · tr b / d
    Var X = 2/((d − 1)(d + 2)) · (tr a² − (tr a)²/d) · (tr b² − (tr b)²/d)
    max X = Σ λ↓(a) λ↓(b),   min X = Σ λ↓(a) λ↑(b)          (von Neumann)

Derivation: docs/null-by-rotation.md, checked by tests/theorems/test_null.py.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

FLAT = 1e-4  # relative spread of a spectrum below which z and alignment are not defined


@dataclass(frozen=True)
class Null:
    """Mean, variance and range of X = ‖A B‖² under rotation, and the product of the two squared norms, per wire.

    ``scale``: the factor by which X and all of these were multiplied; see ``unit``.
    """

    mean: Float[Tensor, "*wire"]
    variance: Float[Tensor, "*wire"]
    most: Float[Tensor, "*wire"]
    least: Float[Tensor, "*wire"]
    flat: Float[Tensor, "*wire"]
    norms: Float[Tensor, "*wire"]
    scale: Float[Tensor, "*wire"] | float = 1.0

    def chance(self) -> Float[Tensor, "*wire"]:
        """√(E X)/(‖A‖‖B‖), which is 1/√d for all spectra."""
        return (self.mean / self.norms).sqrt()

    def ceiling(self) -> Float[Tensor, "*wire"]:
        """√(max X)/(‖A‖‖B‖): the score if both spectra had the same axes, strongest on strongest."""
        return (self.most / self.norms).sqrt()

    def z(self, x: Float[Tensor, "*wire"]) -> Float[Tensor, "*wire"]:
        """(X − E X)/√Var X. Not normal: P(z > 3) is about 2 % for rank one, so use p."""
        return self._defined((x - self.mean) / self.variance.sqrt())

    def p(self, x: Float[Tensor, "*wire"]) -> Float[Tensor, "*wire"]:
        """Upper tail of the Gamma distribution with the same mean and variance."""
        shape = self.mean**2 / self.variance
        scale = self.variance / self.mean
        return self._defined(torch.special.gammaincc(shape, x / scale))

    def density(self, score: Float[Tensor, "*point"]) -> Float[Tensor, "*point"]:
        """Density of a single wire's score under the Gamma distribution: f(s) = 2 s ‖A‖²‖B‖² · gamma(s² ‖A‖²‖B‖²)."""
        mean, variance, norms = (value.reshape(()) for value in (self.mean, self.variance, self.norms))
        shape, scale = mean**2 / variance, variance / mean
        x = score**2 * norms
        log = torch.special.xlogy(shape - 1, x) - x / scale - torch.lgamma(shape) - shape * scale.log()
        return log.exp() * 2 * score * norms

    def alignment(self, x: Float[Tensor, "*wire"]) -> Float[Tensor, "*wire"]:
        """0 at chance, 1 at the maximum, −1 at the minimum; NaN if a side is flat or zero."""
        above = (x - self.mean) / (self.most - self.mean)
        below = (x - self.mean) / (self.mean - self.least)
        return self._defined(torch.where(x >= self.mean, above, below).clamp(-1, 1))

    def _defined(self, value: Tensor) -> Tensor:
        return torch.where(self.flat < FLAT, torch.nan, value)


def null(writers: Float[Tensor, "writer most"], readers: Float[Tensor, "reader width"], d: int) -> Null:
    """The null of every pair, from the eigenvalues of a and b; either list may be shorter than d.

    ``d`` is the dimension of the rotated space: d_model, or d_model − 1 under a LayerNorm.
    """
    a, b = _padded(writers, d), _padded(readers, d)
    tr_a, tr_b = a.sum(-1), b.sum(-1)
    spread_a, spread_b = _spread(a), _spread(b)
    factor = 2 / ((d - 1) * (d + 2)) if d > 1 else 0.0
    relative = torch.minimum(_relative(spread_a, tr_a, d)[:, None], _relative(spread_b, tr_b, d)[None])
    return Null(
        mean=tr_a[:, None] * tr_b / d,
        variance=factor * spread_a[:, None] * spread_b,
        most=a @ b.mT,
        least=a @ b.flip(-1).mT,
        flat=relative,
        norms=tr_a[:, None] * tr_b,
    )


def unit(spectra: Float[Tensor, "site most"]) -> Float[Tensor, " site"]:
    """Powers of two that scale the traces of a and b to about 1; 1 for a zero matrix.

    No measure of a wire depends on the sizes of its ends, but Var X is of fourth order in both and may be out of range.
    Multiplication by a power of two is exact.
    """
    exponent = torch.frexp(spectra.double().sum(-1)).exponent.clamp(-1000, 1000)
    return torch.ldexp(torch.ones(len(spectra), dtype=torch.float64, device=spectra.device), -exponent)


def _padded(eigenvalues: Float[Tensor, "site most"], d: int) -> Float[Tensor, "site d"]:
    """Eigenvalues in descending order, padded with zeros to length d."""
    values = eigenvalues.double().sort(-1, descending=True).values[:, :d]
    return torch.cat([values, values.new_zeros(values.shape[0], d - values.shape[1])], -1)


def _spread(a: Float[Tensor, "site d"]) -> Float[Tensor, " site"]:
    """Return tr a² − (tr a)²/d as Σ(λ − λ̄)², without cancellation."""
    return (a - a.mean(-1, keepdim=True)).square().sum(-1)


def _relative(spread: Float[Tensor, " site"], trace: Float[Tensor, " site"], d: int) -> Float[Tensor, " site"]:
    """√(d · tr a²/(tr a)² − 1): 0 for a flat spectrum of full rank, and set to 0 for a zero matrix."""
    return torch.where(trace > 0, (d * spread).sqrt() / trace, 0.0)
