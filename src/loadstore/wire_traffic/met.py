"""The opposite side of each query and key of a layer: its second moments, in the frame of the side that reads.

    Q:  M_Q = Σ_i S_i F_i( Σ_j A_ij k_jᵀk_j − k̄_iᵀk̄_i ) S_i,  k̄_i = Σ_j A_ij k_j
    K:  M_K = Σ_j S_j F_j( Σ_i A_ij (1 − A_ij) q_iᵀq_i ) S_j

times the square of the attention scale, where q and k are those that the head used (after its norms and rotary
turns), S the scale of the reading side's own q- or k-norm or latent (diagonal, by columns), and F_t(M) = R_t M R_tᵀ
brings M into position t's unturned frame. Behind a soft cap of scores a change passes by the cap's slope g_ij:
A_ij g_ij is in the place of A_ij in k̄, g_ij² beside the products. A change δ of q_i or k_j before its turn then costs
δ M δᵀ of variance. Derivation: docs/traffic.md.
"""

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.execution.record import LayerRecord
from loadstore.model.architecture import Architecture
from loadstore.model.caps import slope
from loadstore.threads import threads_for

Inside: TypeAlias = Float[Tensor, "head d_head d_head"]


Met: TypeAlias = Literal["Q", "K", "K first"]
TILE = 1 << 22  # numbers processed at a time
MET: tuple[Met, ...] = ("Q", "K", "K first")


def met(layer: LayerRecord, shape: Architecture, index: int) -> dict[Met, Inside]:
    """The moments M for the heads of layer ``index`` on one prompt (batch of one), summed over its queries.

    Keys at the first position, where attention rests, are kept separate. A query at the first position chooses between
    one key and, in some models, a sink; on Q it is left out.
    """
    rotary = shape.rotary_of(index)
    pattern, q, k = layer.pattern[0], layer.q[0].transpose(0, 1), layer.k[0].transpose(0, 1)
    heads, tokens, d_head = q.shape
    angles = None if rotary is None else rotary.angles(tokens)

    def framed(x: Tensor, at: Int[Tensor, " row"]) -> Tensor:
        """Rows in the frames of the positions ``at``: x R_tᵀ, so that their second moment is F_t."""
        return x if rotary is None or angles is None else rotary.turn(x, -angles[at].to(x.device))

    every = torch.arange(tokens)
    passing = torch.ones_like(pattern)  # of a change of scores, through a soft cap
    if shape.score_cap is not None:
        passing = slope(q @ k.mT * shape.attention_scale, shape.score_cap)
    mean = framed((pattern * passing) @ k, every)
    moments: dict[Met, Inside] = {what: q.new_zeros(heads, d_head, d_head) for what in MET}
    moments["Q"] -= _moment(mean * _own(layer.q_scale, every).to(q), (every > 0).expand(heads, tokens).to(q))
    pairs = torch.tril_indices(tokens, tokens)
    for query, key in zip(*(each.split(max(1, TILE // (heads * d_head))) for each in pairs), strict=True):
        seen, squared, later = pattern[:, query, key], passing[:, query, key].square(), key > 0
        moments["Q"] += _moment(
            framed(k[:, key], query) * _own(layer.q_scale, query).to(q), seen * squared * (query > 0).to(q)
        )
        queries = framed(q[:, query], key) * _own(layer.k_scale, key).to(q)
        weight = seen * (1 - seen) * squared
        moments["K"] += _moment(queries[:, later], weight[:, later])
        moments["K first"] += _moment(queries[:, ~later], weight[:, ~later])
    return {what: inside * shape.attention_scale**2 for what, inside in moments.items()}


def _own(scale: Tensor | None, at: Int[Tensor, " row"]) -> Float[Tensor, "head row _"]:
    """The scale of a side's own norm or latent at some tokens, which multiplies its columns; 1 without any."""
    return torch.ones(1, len(at), 1) if scale is None else scale[0, at].transpose(0, 1)


def _moment(rows: Float[Tensor, "head row d_head"], weight: Float[Tensor, "head row"]) -> Inside:
    """Σ weight xᵀx."""
    with threads_for(rows.numel() * rows.shape[-1]):
        return rows.mT @ (rows * weight[..., None])
