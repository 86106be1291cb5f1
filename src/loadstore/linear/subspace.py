"""The subspace score ‖A B‖_F / (‖A‖_F ‖B‖_F) through small cores.

A writer's core C (r × d) has CᵀC = AᵀA, and a reader's core D (d × r) has D Dᵀ = B Bᵀ. Then
‖A B‖² = tr(AᵀA · B Bᵀ) = ‖C D‖². Only A's output side and B's input side matter.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import eigh, eigvalsh
from loadstore.linear.factored import Factored


def writer_cores(writers: Sequence[Factored | Tensor]) -> list[Tensor]:
    """Return C [core, d_model] with CᵀC = AᵀA for each writer, with as few rows as possible.

    C is a root of the small Gram matrix AᵀA (of the left factor's, if there is one), from Cholesky or as Λ^½ Vᵀ. Only
    AᵀA enters a score, and this is far cheaper than QR of a tall matrix. Scores below about 1e-8 are rounding errors.
    """
    roots = _by_shape([w.left if isinstance(w, Factored) else w for w in writers], _roots)
    return [root @ w.right if isinstance(w, Factored) else root for w, root in zip(writers, roots, strict=True)]


def reader_cores(readers: Sequence[Factored | Tensor]) -> list[Tensor]:
    """Return D [d_model, core] with D Dᵀ = B Bᵀ for each reader, with as few columns as possible."""
    flipped = writer_cores([reader.T if isinstance(reader, Factored) else reader.mT for reader in readers])
    return [core.mT for core in flipped]


def gram_eigenvalues(cores: Sequence[Float[Tensor, "_ d_model"]]) -> list[Float[Tensor, " _"]]:
    """Eigenvalues of each CᵀC that can be nonzero, largest first, in double precision."""
    return _by_shape(cores, _spectra)


def _roots(stack: Float[Tensor, "site source d_model"]) -> Float[Tensor, "site core d_model"]:
    if stack.shape[1] <= stack.shape[2]:
        return stack
    gram = stack.mT @ stack
    roots, failed = torch.linalg.cholesky_ex(gram, upper=True)
    if bool(failed.any()):  # not of full rank
        values, vectors = eigh(gram[failed > 0])
        roots[failed > 0] = values.clamp(min=0).sqrt()[..., None] * vectors.mT
    return roots


def _spectra(stack: Float[Tensor, "site core d_model"]) -> Float[Tensor, "site rank"]:
    wide = stack.double() if stack.shape[1] <= stack.shape[2] else stack.double().mT
    return eigvalsh(wide @ wide.mT).flip(-1).clamp(min=0)


def _by_shape(matrices: Sequence[Tensor], work: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Apply a batched function to matrices, with one batch per shape; results keep the given order."""
    places: dict[torch.Size, list[int]] = {}
    for index, matrix in enumerate(matrices):
        places.setdefault(matrix.shape, []).append(index)
    results: dict[int, Tensor] = {}
    for same in places.values():
        stack = matrices[same[0]][None] if len(same) == 1 else torch.stack([matrices[index] for index in same])
        results |= dict(zip(same, work(stack), strict=True))
    return [results[index] for index in range(len(matrices))]


def subspace_score(writer: Float[Tensor, "source d_model"], reader: Float[Tensor, "d_model target"]) -> float:
    """‖A B‖_F / (‖A‖_F ‖B‖_F), in [0, 1]; NaN if a side is zero. Source: Elhage et al. 2021."""
    (c,), (d,) = writer_cores([writer.double()]), reader_cores([reader.double()])
    return float(torch.linalg.matrix_norm(c @ d) / (torch.linalg.matrix_norm(c) * torch.linalg.matrix_norm(d)))
