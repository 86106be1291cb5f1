"""Scores under rotary positions, averaged over the offset Δ = query − key on which a side's reading matrix depends.

On the Q side B_Δ = W_Q R_Δ W_Kᵀ and B_Δ B_Δᵀ = W_Q (R_Δ G R_Δᵀ) W_Qᵀ, with the small Gram matrix G = W_Kᵀ W_K of the
*other* side. On the K side the roles change and R_Δ is transposed. The numerator of a score and ‖B‖² are linear in
B Bᵀ. Their average over a window therefore needs only the average of the small Gram matrix, which has a closed form.
In the complex basis of the pairs R_Δ is diag(e^{iΔω}) with ω = ±θ (0 for dimensions that do not rotate), and

    mean_Δ R_Δ G R_Δᵀ  ↔  G_ab · mean_Δ e^{iΔ(ω_a − ω_b)}

Derivation and test: docs/rotary.md, tests/theorems/test_rotary.py.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.linear.decompositions import eigh
from loadstore.linear.ends import exponent_of, levelled
from loadstore.linear.factored import Factored
from loadstore.model.rotary import Rotary


def averaged(
    rotary: Rotary,
    near: Float[Tensor, "d_model d_head"],
    far: Float[Tensor, "d_model d_head"],
    offsets: range,
    *,
    key_side: bool,
) -> Factored:
    """Return a map whose B Bᵀ is the mean of B_Δ B_Δᵀ over ``offsets``; ``near`` is the reading side.

    Computed in double precision. Raises BadRequest for an empty range or one whose step is not 1.
    """
    if not len(offsets) or offsets.step != 1:
        raise BadRequest(f"offsets {offsets}: expected a range of one or more, without steps")
    exponent = exponent_of(far)
    level = levelled(far.double(), exponent)  # a square of an extreme weight would not be a number
    values, vectors = eigh(mean_turned(rotary, level.mT @ level, offsets, sign=-1 if key_side else 1))
    root = levelled(vectors * values.clamp(min=0).sqrt(), -exponent)
    return Factored(near.double(), root)


def mean_turned(
    rotary: Rotary, gram: Float[Tensor, "d_head d_head"], offsets: range, sign: int
) -> Float[Tensor, "d_head d_head"]:
    """The mean over Δ of R_{±Δ} G R_{±Δ}ᵀ, in closed form and double precision."""
    basis, speeds = (each.to(gram.device) for each in _complex_basis(rotary, gram.shape[0]))
    difference = sign * (speeds[:, None] - speeds[None, :])
    inside = basis.mH @ gram.to(basis.dtype) @ basis * _mean_phase(difference, offsets)
    return (basis @ inside @ basis.mH).real


def _complex_basis(rotary: Rotary, d_head: int) -> tuple[Complex[Tensor, "d_head d_head"], Float[Tensor, " d_head"]]:
    """A unitary U and angular frequencies ω with R_Δ = U diag(e^{iΔω}) Uᴴ (row vectors: x ↦ x R_Δ)."""
    basis = torch.eye(d_head, dtype=torch.complex128)
    speeds = torch.zeros(d_head, dtype=torch.float64)
    half = 0.5**0.5
    for first, second, frequency in zip(*rotary.first_and_second(), rotary.frequencies, strict=True):
        # x ↦ x R with R = [[cos, sin], [−sin, cos]], so R (1, i)ᵀ = e^{iΔθ} (1, i)ᵀ and R (1, −i)ᵀ = e^{−iΔθ} (1, −i)ᵀ
        basis[first, first], basis[second, first] = half, half * 1j
        basis[first, second], basis[second, second] = half, -half * 1j
        speeds[first], speeds[second] = frequency, -frequency
    return basis, speeds


def _mean_phase(difference: Float[Tensor, "a b"], offsets: range) -> Complex[Tensor, "a b"]:
    """mean over Δ of e^{iΔφ} = e^{i(s + (n−1)/2)φ} · sin(nφ/2) / (n sin(φ/2)); φ is taken modulo 2π, as Δ is whole."""
    difference = difference - 2 * torch.pi * (difference / (2 * torch.pi)).round()
    n, middle = len(offsets), offsets.start + (len(offsets) - 1) / 2
    small = (difference / 2).sin()
    ratio = torch.where(small.abs() < 1e-12, torch.ones_like(small), (n * difference / 2).sin() / (n * small))
    return torch.polar(ratio.abs(), difference * middle) * ratio.sign()
