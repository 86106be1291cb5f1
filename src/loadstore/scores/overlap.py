"""Decomposes one wire into the directions written, the directions read, and their overlap.

With A = … diag(s) Uᵀ (directions u_i written with strength s_i) and B = V diag(t) … (directions v_j read),

    ‖A B‖² = Σ_ij s_i² t_j² (u_i · v_j)²

The squared score is therefore a weighted mean of squared cosines; chance is 1/d, the mean square of a random cosine.
Test: tests/theorems/test_overlap.py.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import svd
from loadstore.linear.null import Null, null, unit
from loadstore.linear.subspace import reader_cores, writer_cores
from loadstore.model.ports import Norms, reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.cores import centre, double
from loadstore.sites import Reader, Writer


@dataclass(frozen=True)
class Overlap:
    """Strengths of the written and read directions, strongest first, their cosines, and the null of their score.

    ``written``: s_i; ``read``: t_j; ``cosines``: u_i · v_j; ``squared``: ‖A B‖²; all in double precision.
    A and B are scaled by powers of two, which changes neither the cosines nor the score.
    """

    writer: str
    reader: str
    written: Float[Tensor, " source"]
    read: Float[Tensor, " target"]
    cosines: Float[Tensor, "source target"]
    squared: float
    chance: Null

    def held_by(self, top: int) -> float:
        """The share of ‖A B‖² from the ``top`` strongest directions of both sides."""
        weights = self.written[:top, None].square() * self.read[None, :top].square()
        return float((weights * self.cosines[:top, :top].square()).sum() / self.squared)


def overlap(weights: Weights, writer: Writer | str, reader: Reader | str, norms: Norms = "fold") -> Overlap:
    """Decompose one wire. Raises NoSuchSite, NoSuchWire."""
    source, target = wiring(weights).wire(writer, reader)
    stores, loads = writing(weights, source), reading(weights, target)
    bypassing = stores.bypasses_norm
    centred = loads.centres(norms) and not bypassing
    (left,) = writer_cores([double(stores.map(norms))])
    (right,) = reader_cores([double(loads.map(norms, bypassing=bypassing))])
    left, right = _near_one(centre(left) if centred else left), _near_one(right)
    _, written, u = svd(left)
    v, read, _ = svd(right)
    d = weights.architecture.d_model - centred
    return Overlap(
        str(source),
        str(target),
        written,
        read,
        u @ v,
        float((left @ right).square().sum()),
        null(written.square()[None], read.square()[None], d),
    )


def _near_one(core: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """A core scaled by a power of two so that its fourth power does not overflow or underflow."""
    return core * unit(core.abs().flatten()[None])
