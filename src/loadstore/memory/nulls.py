"""Two nulls of a term E⟨x̂, ŵ⟩: shuffled tokens and a rotated store. Both have exact moments, so neither is sampled.

With n tokens, X and W the centred stores [n, d], C_x = XᵀX/n, C_w = WᵀW/n and M = WᵀX/n, so that the term is tr M:

    shuffled   x̂_π(t) for x̂_t, π uniform over all orders:  mean 0, variance tr(C_x C_w)/(n − 1)      (Hoeffding 1951)
    turned     x̂ R for x̂, R Haar on O(d):                  mean 0, variance ‖M‖²_F/d

The first tests whether x covaries with w from token to token, as nearly all writers with a common cause do. The second
tests whether x then stores where w stores rather than elsewhere. In a model with random output matrices, the rotated
store has exactly the law of the true one. Across tokens, the centred rows Σ_{i > j} A_ij x̂_i replace X, and both nulls
apply to them. p is two-sided, from a normal with this variance. Test: tests/memory/test_lifetimes.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jaxtyping import Float
from torch import Tensor

from loadstore.model.ports import banks
from loadstore.sites import Writer
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True)
class Deviations:
    """Standard deviations of a term under its two nulls, in the units of E⟨x̂, ŵ⟩."""

    shuffled: float
    turned: float


class Nulls:
    """The nulls of the terms of one corpus.

    With ŵ = z W for heads (W = W_O; the identity for other writers), Σ = zᵀz/n, Z = z_wᵀz_x/n, G = W Wᵀ and
    H = W_x W_wᵀ, all as small as a head: tr(C_x C_w) = tr(Σ_x H Σ_w Hᵀ) and ‖M‖² = tr(G_w Z G_x Zᵀ).
    """

    def __init__(self, moments: Moments, loads: Mapping[Writer, Tensor] | None = None) -> None:
        """Prepare terms at one token, or across tokens with ``loads`` of the later heads (memory/terms.py)."""
        self._moments = moments
        self._rows = cache(self._read)
        self._later = self._rows if loads is None else loads.__getitem__
        self._second = cache(lambda writer: _second(self._rows(writer)))
        self._second_of_later = cache(lambda writer: _second(self._later(writer)))

    def of(self, writer: Writer, later: Writer) -> Deviations:
        """Both standard deviations of the term of two writers."""
        w, x, into, out = self._rows(writer), self._later(later), self._out(writer), self._out(later)
        n, d = len(w), self._moments.weights.architecture.d_model
        cross = w.mT @ x / n
        left = cross if into is None else into @ (into.mT @ cross)
        right = cross if out is None else cross @ out @ out.mT
        moved = self._second(writer)
        if into is not None:
            moved = into.mT @ moved @ into if out is None else (out @ into.mT) @ moved @ (into @ out.mT)
        elif out is not None:
            moved = out @ moved @ out.mT
        together = float((self._second_of_later(later) * moved).double().sum())
        turned = float((left * right).double().sum())
        return Deviations(math.sqrt(max(0.0, together) / max(1, n - 1)), math.sqrt(max(0.0, turned) / d))

    def _read(self, writer: Writer) -> Float[Tensor, "token inner"]:
        (bank,) = banks(self._moments.weights, [writer])
        return self._moments.stored(bank)[self._moments.later][:, 0]

    def _out(self, writer: Writer) -> Float[Tensor, "inner d_model"] | None:
        (bank,) = banks(self._moments.weights, [writer])
        return None if bank.out is None else bank.out[0]


def _second(rows: Float[Tensor, "token inner"]) -> Float[Tensor, "inner inner"]:
    return rows.mT @ rows / len(rows)


def two_sided(z: float) -> float:
    """P(|normal| ≥ |z|)."""
    return math.erfc(abs(z) / math.sqrt(2))
