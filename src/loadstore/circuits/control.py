"""Controls of a score: what writers write, in other coordinates."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.options import Control


def controlled(
    core: Float[Tensor, "core d_model"], control: Control, seed: int, *, centred: bool
) -> Float[Tensor, "core d_model"]:
    """Reverse or rotate what a writer writes; under a LayerNorm only within the centred subspace."""
    if control == "none":
        return core
    if control == "reversed":
        return core.flip(-1)
    d = core.shape[1]
    generator = torch.Generator().manual_seed(seed)
    if not centred:
        return core @ haar(d, generator)
    basis = torch.linalg.svd(torch.ones(1, d, dtype=core.dtype))[2][1:]
    return core @ basis.mT @ haar(d - 1, generator) @ basis


def haar(d: int, generator: torch.Generator) -> Float[Tensor, "d d"]:
    """Draw from the uniform distribution on O(d): QR of a Gaussian, signs of R made positive (Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))
    return q * r.diagonal().sign()
