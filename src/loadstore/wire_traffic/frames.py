"""Second moments of vectors in the turned frames of many positions, without turning each vector for each of them.

    Σ_f Σ_r w_fr F_f(x_rᵀ x_r)        F_f(M) = R_f M R_fᵀ, the frame of position f

In a plane (u, v) that a rotation turns, z = u + iv becomes z e^{−iθ_f}. The products z_a z̄_b and z_a z_b of two planes
turn by the difference and by the sum of their angles. So the products are computed once for each vector, one matrix
product weights them for each frame, and the frame turns the sums. What no rotation turns has the angle 0.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.model.rotary import Rotary
from loadstore.threads import threads_for

TILE = 1 << 22  # products of planes that are held at a time
STEP = 64  # frames at a time: those of a tile share the vectors that weigh nothing, which are left out


@dataclass(frozen=True, eq=False)
class Frames:
    """The planes of a head's dimensions, and how the frame of each position turns them.

    ``u`` and ``v``: the two dimensions of every plane. A dimension that is left over is in a plane with the index
    d_head, which stands for zeros. ``a`` and ``b``: the pairs of planes, a ≤ b.
    """

    u: Tensor
    v: Tensor
    a: Tensor
    b: Tensor
    cos: Float[Tensor, "plane frame"]
    sin: Float[Tensor, "plane frame"]
    d_head: int
    still: bool

    @staticmethod
    def of(rotary: Rotary | None, positions: int, like: Float[Tensor, "*any d_head"]) -> "Frames":
        """The planes of a rotation, then the dimensions that it leaves, two by two."""
        d_head = like.shape[-1]
        first, second = ([], []) if rotary is None else rotary.first_and_second()
        rest = sorted(set(range(d_head)) - set(first) - set(second))
        u, v = [*first, *rest[::2]], [*second, *rest[1::2], *[d_head] * (len(rest) % 2)]
        angles = torch.zeros(len(u), positions, dtype=torch.float64)
        if rotary is not None:
            angles[: len(first)] = rotary.angles(positions).mT
        a, b = torch.triu_indices(len(u), len(u), device=like.device)
        u, v = (torch.tensor(each, device=like.device) for each in (u, v))
        return Frames(u, v, a, b, angles.cos().to(like), angles.sin().to(like), d_head, rotary is None)

    def products(self, rows: Float[Tensor, "head row d_head"]) -> Float[Tensor, "head products row"]:
        """Real and imaginary parts of z_a z̄_b and of z_a z_b for all pairs of planes, one after another."""
        wide = F.pad(rows, (0, 1)).mT.contiguous()
        u_a, u_b, v_a, v_b = (wide.index_select(1, of[at]) for of in (self.u, self.v) for at in (self.a, self.b))
        uu, vv, vu, uv = u_a * u_b, v_a * v_b, v_a * u_b, u_a * v_b
        return torch.cat([uu + vv, vu - uv, uu - vv, vu + uv], 1)

    def turned(self, sums: Float[Tensor, "head products frame"], frames: slice) -> list[Float[Tensor, "..."]]:
        """Products in the frames of some positions: z_a z̄_b by the angle θ_b − θ_a, z_a z_b by −θ_a − θ_b."""
        apart, across, alike, both = sums.chunk(4, 1)
        cos_a, cos_b, sin_a, sin_b = (x[at, frames] for x in (self.cos, self.sin) for at in (self.a, self.b))
        cos, sin = cos_a * cos_b + sin_a * sin_b, sin_a * cos_b - cos_a * sin_b
        cos2, sin2 = cos_a * cos_b - sin_a * sin_b, sin_a * cos_b + cos_a * sin_b
        return [
            apart * cos + across * sin,
            across * cos - apart * sin,
            alike * cos2 + both * sin2,
            both * cos2 - alike * sin2,
        ]

    def matrix(self, products: list[Float[Tensor, "*any pair"]]) -> Float[Tensor, "*any d_head d_head"]:
        """The symmetric matrix that has these products."""
        apart, across, alike, both = products
        out = apart.new_zeros(*apart.shape[:-1], self.d_head + 1, self.d_head + 1)
        u_a, u_b, v_a, v_b = self.u[self.a], self.u[self.b], self.v[self.a], self.v[self.b]
        for row, column, twice in (
            (u_a, u_b, apart + alike),
            (v_a, v_b, apart - alike),
            (v_a, u_b, both + across),
            (u_a, v_b, both - across),
        ):
            out[..., row, column] = out[..., column, row] = twice / 2
        return out[..., : self.d_head, : self.d_head]


def second_moment(
    rows: Float[Tensor, "head row d_head"],
    weight: Float[Tensor, "head frame row"],
    frames: Frames,
    scale: Float[Tensor, "any_head frame columns"] | None = None,
) -> Float[Tensor, "head d_head d_head"]:
    """Σ weight F_f(xᵀx), the columns and rows of each frame's part multiplied by the frame's ``scale``."""
    if scale is not None and (scale == scale[..., :1]).all():
        weight, scale = weight * scale[..., :1].square(), None
    if frames.still and scale is None:
        with threads_for(rows.numel() * rows.shape[-1]):
            return rows.mT @ (rows * weight.sum(1)[..., None])
    heads, count = max(1, TILE // (4 * len(frames.a) * rows.shape[1])), weight.shape[1]
    parts: list[Tensor] = []
    for first in range(0, len(rows), heads):
        batch = slice(first, first + heads)
        weights, own = weight[batch], None if scale is None else scale.expand(len(rows), -1, -1)[batch]
        products = frames.products(rows[batch])
        total = rows.new_zeros(len(products), frames.d_head, frames.d_head)
        for start in range(0, count, STEP):
            at = slice(start, min(start + STEP, count))
            weighing = (weights[:, at] != 0).any(0).any(0).nonzero()[:, 0]
            if not len(weighing):
                continue
            near = slice(int(weighing[0]), int(weighing[-1]) + 1)
            with threads_for(weights[:, at, near].numel() * products.shape[1]):
                turned = frames.turned(products[:, :, near] @ weights[:, at, near].mT, at)
            if own is None:
                total += frames.matrix([each.sum(-1) for each in turned])
            else:
                each = frames.matrix([each.mT for each in turned])
                total += (each * own[:, at, :, None] * own[:, at, None]).sum(1)
        parts.append(total)
    return torch.cat(parts)
