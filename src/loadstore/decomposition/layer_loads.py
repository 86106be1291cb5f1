"""The loads of all heads of one layer on a prompt, computed together: rows, contrasts and outputs.

d_i = A_i − 1/n over the n keys allowed for query i, a sink being one more; the contrast of its row
C_i = Σ_j d_ij s_ij = KL(A‖U) + KL(U‖A).
Tests: tests/decomposition/test_store_loads.py.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.sides import VANISHED
from loadstore.execution.patterns import allowed
from loadstore.execution.trace import Trace
from loadstore.model.ports import heads_out
from loadstore.model.recency import recency


@dataclass(frozen=True, eq=False)
class LayerLoads:
    """The loads of all heads of a layer, in double precision.

    Args:
        layer: The layer.
        scale: The factor of attention scores, 1/√d_head.
        rows: The patterns A.
        mixing: The coefficients of the values in z: A, times the scale of a norm after the heads.
        directions: d.
        q: The queries.
        k: The keys of every query head, copied where heads share them.
        z: The weighted sum of values; a head's store is linear in it.
        gram: W Wᵀ, where W maps z to the store.
        met: Σ_j d_ij k_j, the vector whose product with a query is its contrast.
        contrast: C, in nats.
        size: ‖q_i‖ max ‖k_j‖/√d_head, the scale for deciding whether a contrast vanishes.
        squares: ‖o_i‖², where o is the head's store.
        sunk: Whether a sink takes the rest of each row.
    """

    layer: int
    scale: float
    rows: Float[Tensor, "head query key"]
    mixing: Float[Tensor, "head query key"]
    directions: Float[Tensor, "head query key"]
    q: Float[Tensor, "head token d_head"]
    k: Float[Tensor, "head token d_head"]
    z: Float[Tensor, "head token d_value"]
    gram: Float[Tensor, "head d_value d_value2"]
    met: Float[Tensor, "head query d_head"]
    contrast: Float[Tensor, "head query"]
    size: Float[Tensor, "head query"]
    squares: Float[Tensor, "head query"]
    sunk: bool


def layer_loads(trace: Trace, layer: int) -> LayerLoads:
    """The loads of the heads of a layer on one prompt."""
    shape, record = trace.weights.architecture, trace.record.layers[layer]
    rows = record.pattern[0].double()
    seen = allowed(rows.shape[-1], shape.window(layer), rows.device).to(rows)
    sinks = trace.weights.sinks(layer)
    directions = rows - seen / (seen.sum(-1, keepdim=True) + (sinks is not None))
    q, k, z = (side[0].transpose(0, 1).double() for side in (record.q, record.k, record.inner))
    out, scale = heads_out(trace.weights, layer).double(), shape.attention_scale
    gram, met = out @ out.mT, directions @ k
    bias = recency(shape, rows.shape[1:], rows)
    alone = 0.0 if bias is None else (directions * bias).sum(-1)
    alone = alone if sinks is None else alone - directions.sum(-1) * sinks[:, None]
    return LayerLoads(
        layer=layer,
        scale=scale,
        rows=rows,
        mixing=record.mixing[0].double(),
        directions=directions,
        q=q,
        k=k,
        z=z,
        gram=gram,
        met=met,
        contrast=(met * q).sum(-1) * scale + alone,
        size=q.norm(dim=-1) * k.norm(dim=-1).amax(-1, keepdim=True) * scale,
        squares=(torch.einsum("hie,hef->hif", z, gram) * z).sum(-1),
        sunk=sinks is not None,
    )


def share_of(part: Tensor, whole: Tensor, size: Tensor) -> Tensor:
    """A part relative to the whole; NaN if the whole vanishes relative to ``size``."""
    return torch.where(whole.abs() > VANISHED * size, part / whole, torch.nan)
