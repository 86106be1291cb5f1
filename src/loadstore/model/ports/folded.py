"""Folds a norm's gain and centring into the matrix after it."""

from jaxtyping import Float
from torch import Tensor

from loadstore.model.layers import Norm


def fold(matrix: Float[Tensor, "d_model inside"], norm: Norm | None) -> Float[Tensor, "d_model inside"]:
    """Return N W = (I − 11ᵀ/d) diag(γ) W, or W if there is no norm."""
    if norm is None:
        return matrix
    gained = matrix if norm.gain is None else norm.gain[:, None] * matrix
    return gained - gained.mean(0, keepdim=True) if norm.centres else gained
