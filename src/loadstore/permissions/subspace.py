"""A subspace of the residual stream, with its source."""

from dataclasses import dataclass

import torch
from torch import Tensor

from loadstore.errors import BadRequest

ORTHONORMAL = 1e-3  # largest accepted deviation of given rows from orthonormality


@dataclass(frozen=True, eq=False)
class Subspace:
    """Orthonormal ``rows`` [rank, d_model] that span a subspace of the stream; ``source`` names their origin.

    Raises BadRequest for rows that are not a matrix of finite numbers, not orthonormal, empty, or as many as d_model.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> space.rows.shape
        torch.Size([2, 384])
    """

    rows: Tensor
    source: str

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadRequest(f"the source of a subspace is a text, not a {type(self.source).__name__}")
        checked_rows(self.rows, self.source)
        rank = len(self.rows)
        far = float((self.rows.double() @ self.rows.double().mT - torch.eye(rank, device=self.rows.device)).abs().max())
        if far > ORTHONORMAL:
            raise BadRequest(
                f"the rows of {self.source} are not orthonormal (off by {far:.2g}); ls.policies.subspace(model, rows) "
                "makes them so"
            )

    def __repr__(self) -> str:
        return f"Subspace({self.rank} of {self.rows.shape[1]} dimensions, from {self.source})"

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.rows)

    @classmethod
    def of_region(cls, rows: Tensor, source: str) -> "Subspace":
        """Return the subspace of a writer's region, from its orthonormal rows [rank, d_model] in a memory map."""
        return cls(rows, source)


def given_rows(rows: Tensor, source: str) -> Tensor:
    """Check that the rows are a matrix of finite numbers, and return them. Raises BadRequest."""
    if not isinstance(rows, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BadRequest(f"the rows of {source} are a {type(rows).__name__}; expected a tensor [rank, d_model]")
    if rows.layout != torch.strided or rows.is_meta:
        raise BadRequest(f"the rows of {source} are a sparse tensor or one without numbers; give a dense tensor")
    if rows.dim() != 2 or not rows.is_floating_point():
        raise BadRequest(f"the rows of {source} are {list(rows.shape)} of {rows.dtype}; expected [rank, d_model]")
    if not bool(torch.isfinite(rows).all()):
        raise BadRequest(f"the rows of {source} are not finite; give a basis without NaN and infinities")
    return rows


def checked_rows(rows: Tensor, source: str) -> Tensor:
    """Check that rows can span a subspace: finite, at least one, fewer than d_model. Raises BadRequest."""
    given_rows(rows, source)
    rank, d = rows.shape
    if rank == 0:
        raise BadRequest(f"{source} spans no dimension; protect a subspace of at least one")
    if rank >= d:
        raise BadRequest(f"{source} spans {rank} of {d} dimensions, the whole stream; protect a subspace of fewer")
    return rows
