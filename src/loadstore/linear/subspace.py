"""The subspace score ‖A B‖_F / (‖A‖_F ‖B‖_F) through small cores.

A writer's core C (r × d) has CᵀC = AᵀA, a reader's core D (d × r) has D Dᵀ = B Bᵀ; then
‖A B‖² = tr(AᵀA · B Bᵀ) = ‖C D‖². Only A's output side and B's input side matter.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.factored import Factored


def writer_core(writer: Factored | Float[Tensor, "source d_model"]) -> Float[Tensor, "core d_model"]:
    """Return C with CᵀC = AᵀA and as few rows as possible.

    C = Λ^½ Vᵀ of the small Gram matrix AᵀA = V Λ Vᵀ (of the left factor's, if there is one): only AᵀA enters a
    score, and this is far cheaper than the QR of a tall matrix. Scores below about 1e-8 are rounding.
    """
    if isinstance(writer, Factored):
        return writer_core(writer.left) @ writer.right
    if writer.shape[0] <= writer.shape[1]:
        return writer
    values, vectors = torch.linalg.eigh(writer.mT @ writer)
    return values.clamp(min=0).sqrt()[:, None] * vectors.mT


def reader_core(reader: Factored | Float[Tensor, "d_model target"]) -> Float[Tensor, "d_model core"]:
    """Return D with D Dᵀ = B Bᵀ and as few columns as possible."""
    return writer_core(reader.T if isinstance(reader, Factored) else reader.mT).mT


def gram_eigenvalues(core: Float[Tensor, "core d_model"]) -> Float[Tensor, " core"]:
    """Eigenvalues of CᵀC that can differ from zero, largest first, in double precision."""
    core = core.double()
    small = core @ core.mT if core.shape[0] <= core.shape[1] else core.mT @ core
    return torch.linalg.eigvalsh(small).flip(0).clamp(min=0)


def subspace_score(writer: Float[Tensor, "source d_model"], reader: Float[Tensor, "d_model target"]) -> float:
    """‖A B‖_F / (‖A‖_F ‖B‖_F), in [0, 1]; NaN if a side is zero. Source: Elhage et al. 2021."""
    c, d = writer_core(writer.double()), reader_core(reader.double())
    return float(torch.linalg.matrix_norm(c @ d) / (torch.linalg.matrix_norm(c) * torch.linalg.matrix_norm(d)))
