"""LAPACK's decompositions of finite matrices; any other input raises an error before LAPACK is called.

LAPACK does not check its input. Given infinity or NaN, some routines return nonsense, some never converge, and
``eigvals`` ends the process with a segmentation fault. All decompositions in loadstore go through this file
(tests/theorems/test_decompositions.py).
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.threads import threads_for

_Result = TypeVar("_Result")


def eigh(matrix: Float[Tensor, "*batch n n"]) -> tuple[Float[Tensor, "*batch n"], Float[Tensor, "*batch n n"]]:
    """Return eigenvalues, ascending, and eigenvectors, as columns, of symmetric matrices. Raises Undefined."""
    values, vectors = _of_finite(torch.linalg.eigh, matrix)
    return values, vectors


def eigvalsh(matrix: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n"]:
    """Return the eigenvalues of symmetric matrices, ascending. Raises Undefined."""
    return _of_finite(torch.linalg.eigvalsh, matrix)


def eigvals(matrix: Float[Tensor, "n n"]) -> Complex[Tensor, " n"]:
    """Return the eigenvalues of a square matrix. Raises Undefined."""
    return _of_finite(torch.linalg.eigvals, matrix)


def qr(matrix: Float[Tensor, "m n"]) -> tuple[Float[Tensor, "m k"], Float[Tensor, "k n"]]:
    """Return Q and R, k = min(m, n). Raises Undefined."""
    q, r = _of_finite(torch.linalg.qr, matrix)
    return q, r


def svd(matrix: Float[Tensor, "m n"]) -> tuple[Float[Tensor, "m k"], Float[Tensor, " k"], Float[Tensor, "k n"]]:
    """Return U, the singular values, descending, and Vᵀ, k = min(m, n). Raises Undefined."""
    u, strengths, v = _of_finite(lambda finite: torch.linalg.svd(finite, full_matrices=False), matrix)
    return u, strengths, v


def svdvals(matrix: Float[Tensor, "m n"]) -> Float[Tensor, " k"]:
    """Return the singular values, descending. Raises Undefined."""
    return _of_finite(torch.linalg.svdvals, matrix)


def finite(matrix: Tensor) -> Tensor:
    """Return the matrix. Raises Undefined if an entry is not finite."""
    if not bool(torch.isfinite(matrix).all()):
        raise Undefined(
            f"a product of weights overflows {str(matrix.dtype).removeprefix('torch.')}: its entries are not finite. "
            "Load the model with dtype='float64', or check the file for damaged weights"
        )
    return matrix


def _of_finite(work: Callable[[Tensor], _Result], matrix: Tensor) -> _Result:
    try:
        with threads_for(0):  # LAPACK would wake its threads thousands of times: six times slower at d = 576
            return work(finite(matrix))
    except torch.linalg.LinAlgError as error:  # pyright: ignore[reportPrivateImportUsage]
        raise Undefined(f"a decomposition of a {list(matrix.shape)} matrix does not converge ({error})") from None
