"""The region of a writer: the smallest subspace that holds most of the variance of its stores.

    C_w = E ŵᵀŵ        region = the first k eigenvectors, Σ_{i ≤ k} λ_i ≥ share · tr C_w

For heads, C_w = W_Oᵀ Σ_z W_O, so the eigenvectors are the right singular vectors of Σ_z^½ W_O, which is small.
Docs: docs/memory.md. Tests: tests/memory/test_regions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan

from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import eigh, svd
from loadstore.memory.decoded import Direction, decoded
from loadstore.memory.stores import blocks, in_stream, stream
from loadstore.sites import Writer
from loadstore.wire_traffic.moments import Moments

SHARE = 0.9
ROUNDING = 1e-12  # of a cumulative share


@dataclass(frozen=True, eq=False)
class Region:
    """The subspace in which one writer stores.

    Args:
        writer: Its name.
        rows: Orthonormal directions [rank, d_model], strongest first; empty for a writer that stores nothing.
        held: The fraction of the writer's own variance that each direction holds [rank].
        variance: E‖ŵ‖², in squared units of the stream.
        power: E‖ŵ‖²/E‖x̂‖², x̂ the centred last stream: may exceed 1, as stores can cancel. NaN for positions
            that bypass the stream.
        share: E⟨ŵ, x̂⟩/E‖x̂‖²: signed, sums to 1 over all writers. NaN if ``power`` is.
        directions: The strongest directions as tokens.
    """

    writer: str
    rows: Float[Tensor, "rank d_model"]
    held: Float[Tensor, " rank"]
    variance: float
    power: float
    share: float
    directions: tuple[Direction, ...] = ()

    @property
    def rank(self) -> int:
        """The number of directions of the region."""
        return len(self.rows)


def principal(rows: Float[Tensor, "token inner"], out: Float[Tensor, "inner d_model"] | None) -> tuple[Tensor, Tensor]:
    """Eigenvalues in descending order and eigenvectors (as rows) of the covariance of centred rows times ``out``.

    Double precision.
    """
    wide = rows.double()
    values, vectors = eigh(wide.mT @ wide / len(wide))
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
    if out is None:
        return values, vectors.mT
    _, strengths, directions = svd(values.sqrt()[:, None] * vectors.mT @ out.double())
    return strengths.square(), directions


def rank_of(values: Float[Tensor, " most"], share: float) -> int:
    """The smallest number of the descending eigenvalues that sum to ``share`` of all; 0 if all are 0."""
    total = float(values.sum())
    return 0 if total == 0 else int((values.cumsum(0) / total < share - ROUNDING).sum()) + 1


def regions(
    moments: Moments, writers: tuple[Writer, ...], share: float, decode: Mapping[str, int] | None = None
) -> tuple[Region, ...]:
    """The region of each writer whose store varies.

    Args:
        moments: The moments of a corpus.
        writers: Writers in depth order.
        share: The fraction of each writer's variance that its region holds, above 0 and below 1.
        decode: The number of directions to decode, by writer.
    """
    whole = stream(moments)
    size = float(whole.double().square().sum() / len(whole))
    seen, result = set(in_stream(moments.weights)), list[Region]()
    for bank, rows in blocks(moments, writers):
        part = (bank.back(whole) * rows).double().sum((0, -1)) / len(rows)
        for index, writer in enumerate(bank.writers):
            values, directions = principal(rows[:, index], None if bank.out is None else bank.out[index])
            rank, total = rank_of(values, share), float(values.sum())
            held = values[:rank] / total if rank else values[:0]
            parts = (total / size, float(part[index]) / size) if writer in seen and size > 0 else (nan, nan)
            result.append(Region(str(writer), directions[:rank], held, total, *parts))
    if decode is None:
        return tuple(result)
    counts = [decode.get(each.writer, 0) for each in result]
    rows = [each.rows[:count] for each, count in zip(result, counts, strict=True)]
    held = [each.held[:count] for each, count in zip(result, counts, strict=True)]
    named = decoded(moments.weights, writers, rows, held)
    return tuple(
        replace(each, directions=decoded_directions) for each, decoded_directions in zip(result, named, strict=True)
    )
