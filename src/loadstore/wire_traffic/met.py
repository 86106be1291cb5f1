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
from jaxtyping import Float
from torch import Tensor

from loadstore.execution.record import LayerRecord
from loadstore.model.architecture import Architecture
from loadstore.model.caps import slope
from loadstore.wire_traffic.frames import Frames, second_moment

Inside: TypeAlias = Float[Tensor, "head d_head d_head"]
Met: TypeAlias = Literal["Q", "K", "K first"]
MET: tuple[Met, ...] = ("Q", "K", "K first")


def met(layer: LayerRecord, shape: Architecture, index: int) -> dict[Met, Inside]:
    """The moments M for the heads of layer ``index`` on one prompt (batch of one), summed over its queries.

    Keys at the first position, where attention rests, are kept separate. A query at the first position chooses between
    one key and, in some models, a sink; on Q it is left out.
    """
    rotary = shape.rotary_of(index)
    pattern, q, k = layer.pattern[0], layer.q[0].transpose(0, 1), layer.k[0].transpose(0, 1)
    q_scale, k_scale = (None if x is None else x[0].transpose(0, 1).to(q) for x in (layer.q_scale, layer.k_scale))
    frames = Frames.of(rotary, q.shape[1], q)
    passing = torch.ones_like(pattern)  # of a change of scores, through a soft cap
    if shape.score_cap is not None:
        passing = slope(q @ k.mT * shape.attention_scale, shape.score_cap)
    on_q = pattern * passing.square()
    on_q[:, 0] = 0
    on_k = (pattern * (1 - pattern) * passing.square()).mT
    first = on_k[:, :1].clone()
    on_k[:, 0] = 0
    mean = (pattern * passing) @ k
    if rotary is not None:
        mean = rotary.turn(mean, -rotary.angles(q.shape[1]).to(q.device))
    mean = (mean if q_scale is None else mean * q_scale)[:, 1:]
    moments: dict[Met, Inside] = {
        "Q": second_moment(k, on_q, frames, q_scale) - mean.mT @ mean,
        "K": second_moment(q, on_k, frames, k_scale),
        "K first": second_moment(q, first, Frames.of(None, 1, q), None if k_scale is None else k_scale[:, :1]),
    }
    return {what: inside * shape.attention_scale**2 for what, inside in moments.items()}
