"""The spectra of many ends at once: the eigenvalues of AᵀA or B Bᵀ that can be nonzero.

LAPACK reduces a matrix to tridiagonal form by products with vectors, which the memory bounds and a second thread of the
same matrix hardly helps. Different matrices therefore go to different threads.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import eigvalsh
from loadstore.linear.ends import End
from loadstore.linear.subspace import gram_eigenvalues
from loadstore.threads import at_once

CORES = 16  # of equal rank that one thread decomposes together


def spectra(ends: Sequence[End], dtype: torch.dtype) -> list[Float[Tensor, " _"]]:
    """Return the spectrum of each end, largest eigenvalue first, in double precision on the CPU.

    Args:
        ends: The ends.
        dtype: The dtype in which ends of full rank are decomposed; cores are decomposed in double precision.

    Raises:
        Undefined: An entry is not finite.
    """

    def of(part: Sequence[End]) -> list[Tensor]:
        if not part[0].full:
            return [values.cpu() for values in gram_eigenvalues([end.matrix for end in part])]
        return [eigvalsh(end.matrix.to(dtype)).double().flip(-1).clamp(min=0).cpu() for end in part]

    parts = list(_parts(ends))
    work = at_once(of, parts) if ends[0].matrix.device.type == "cpu" else [of(part) for part in parts]
    return [values for part in work for values in part]


def _parts(ends: Sequence[End]) -> Iterator[Sequence[End]]:
    """Consecutive ends that one thread decomposes together: a dense one alone, some cores of the same rank."""
    for (full, _), group in groupby(ends, key=lambda end: (end.full, end.rank)):
        alike, together = list(group), 1 if full else CORES
        for start in range(0, len(alike), together):
            yield alike[start : start + together]
