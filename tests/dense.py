"""What writers write and readers read as dense matrices, straight from the definitions; for the models of tiny.py."""

import math

import torch
from tiny import of_head, sized, stored_rows, turning
from torch import Tensor

from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp import activate
from loadstore.model.weights import Weights
from loadstore.sites import Head, Reader, Writer


def through(norm: Norm | None, width: int) -> Tensor:
    """(I − 11ᵀ/d) diag(γ), diag(γ) under an RMSNorm, or the identity."""
    if norm is None:
        return torch.eye(width, dtype=torch.float64)
    assert norm.gain is not None
    return (torch.eye(width, dtype=torch.float64) - (1 / width if norm.centres else 0.0)) @ norm.gain.diag()


def kv_of(model: Weights, index: int) -> int:
    """Which keys and values a head reads: neighbours share."""
    return index // (model.architecture.n_heads // len(model.layers[0].W_K))


def writes(model: Weights, writer: Writer) -> Tensor:
    """Return A, dense."""
    if writer.kind in ("embed", "pos"):
        return stored_rows(model) if writer.kind == "embed" else model.W_pos
    layer = model.layers[writer.layer]
    if writer.kind == "bias":
        assert layer.b_O is not None
        return layer.b_O[None] * model.architecture.residual_scale
    if writer.kind == "mlp":
        after = through(layer.mlp.after, model.architecture.d_model)
        return stored_by_units(layer.mlp) @ after * model.architecture.residual_scale
    return ov(model, writer.head)


def ov(model: Weights, head: Head) -> Tensor:
    """Return W_OV, with the norm before it and the gain of one behind it."""
    layer, d_model = model.layers[head.layer], model.architecture.d_model
    W_V = layer.W_V[kv_of(model, head.index)] * sized(model, head.layer, "V")
    W_O = layer.W_O[head.index] @ through(layer.after_heads, d_model)
    return through(layer.norm, d_model) @ W_V @ W_O * model.architecture.residual_scale


def qk(model: Weights, head: Head, offset: int | None) -> Tensor:
    """Return W_QK of one offset, with the norms before it and the gains behind it."""
    layer, d_head = model.layers[head.layer], model.architecture.d_head
    rotary = model.architecture.rotary_of(head.layer)
    N, R = through(layer.norm, model.architecture.d_model), turning(rotary, offset or 0, d_head)
    kv = kv_of(model, head.index)
    W_Q = layer.W_Q[head.index] * sized(model, head.layer, "Q")
    W_K = layer.W_K[kv] * sized(model, head.layer, "K")
    q_norm, k_norm = of_head(layer.q_norm, head.index), of_head(layer.k_norm, kv)
    return N @ W_Q @ through(q_norm, d_head) @ R @ (N @ W_K @ through(k_norm, d_head)).mT


def reads(model: Weights, reader: Reader, writer: Writer) -> Tensor:
    """Return B, dense; shortformer positions meet this side's W_Q or W_K raw.

    Under rotary positions the B_Δ of all offsets side by side over √n, so that B Bᵀ is their mean.
    """
    d_model, d_head = model.architecture.d_model, model.architecture.d_head
    if reader.is_unembed:
        return through(model.final_norm, d_model) @ (model.W_U - model.W_U.mean(1, keepdim=True))
    layer, h, kv = model.layers[reader.layer], reader.index, kv_of(model, reader.index)
    if reader.is_mlp:
        return through(layer.mlp.norm, d_model) @ loaded_by_units(layer.mlp)
    N = through(layer.norm, d_model)
    if reader.side == "V":
        return ov(model, reader.head)
    W_Q = layer.W_Q[h] @ through(of_head(layer.q_norm, h), d_head) * sized(model, reader.layer, "Q")
    W_K = layer.W_K[kv] @ through(of_head(layer.k_norm, kv), d_head) * sized(model, reader.layer, "K")
    near, far = (W_Q, W_K) if reader.side == "Q" else (W_K, W_Q)
    raw = writer.kind == "pos" and model.architecture.positions == "shortformer"
    context = model.architecture.context
    reach = min(model.architecture.window(reader.layer) or context, context)  # keys beyond it are never met
    near, offsets = near if raw else N @ near, range(reach)
    if (rotary := model.architecture.rotary_of(reader.layer)) is None:
        return near @ (N @ far).mT
    turns = [turning(rotary, offset if reader.side == "Q" else -offset, d_head) for offset in offsets]
    return torch.cat([near @ R @ (N @ far).mT for R in turns], 1) / len(offsets) ** 0.5


def is_centred(model: Weights, reader: Reader, writer: Writer) -> bool:
    if writer.kind == "pos" and model.architecture.positions == "shortformer":
        return False
    norm = model.final_norm if reader.is_unembed else model.layers[reader.layer].norm
    norm = model.layers[reader.layer].mlp.norm if reader.is_mlp else norm
    return norm is not None and norm.centres


def loaded_by_units(mlp: MlpLayer) -> Tensor:
    """W_in beside W_gate of all units, those of experts first, beside W_router and W_shared."""
    experts = mlp.experts
    units = [*(() if experts is None else experts.stored), mlp]
    gates = [unit.W_gate for unit in units if unit.W_gate is not None]
    routers = [] if experts is None else [one for one in (experts.W_router, experts.W_shared) if one is not None]
    return torch.cat([*(unit.W_in for unit in units), *gates, *routers], 1)


def biases_by_units(mlp: MlpLayer) -> Tensor | float:
    """b_in beside b_gate of all units and b_router, in the order of ``loaded_by_units``; 0 without biases."""
    experts = mlp.experts
    if experts is None or experts.b_router is None:
        return 0.0
    parts = [*(unit.b_in for unit in experts), *(unit.b_gate for unit in experts), experts.b_router]
    return torch.cat(parts)


def stored_by_units(mlp: MlpLayer) -> Tensor:
    """W_out of all units, those of experts first, and what experts store beside."""
    experts = [] if mlp.experts is None else list(mlp.experts.stored)
    biases = [expert.b_out[None] for expert in experts if expert.b_out is not None]
    return torch.cat([*(unit.W_out for unit in (*experts, mlp)), *biases])


def used_units(loads: Tensor, shape: Architecture, mlp: MlpLayer) -> Tensor:
    """The coefficients of ``stored_by_units``, by what every unit loads, its gate, and the scores of the router."""
    count, mixture, facts = sum(len(part.W_out) for part in mlp.parts), shape.experts, shape.mlp
    if not facts.gated:
        return activate(loads, facts.activation, facts.slope)
    gates, inside = loads[..., count : 2 * count], loads[..., :count]
    if facts.clip is not None:
        gates, inside = gates.clamp(max=facts.clip), inside.clamp(-facts.clip, facts.clip) + 1
    units = activate(gates, facts.activation, facts.slope) * inside
    if mlp.experts is None or mixture is None:
        return units
    scores, shared = loads[..., 2 * count :][..., : mixture.count], loads[..., 2 * count + mixture.count :]
    rows = [weights_of_experts(row, mlp.experts, mixture) for row in scores.reshape(-1, mixture.count).tolist()]
    weights = torch.tensor(rows, dtype=loads.dtype).reshape(scores.shape)
    inside = units[..., : mixture.count * mixture.width] * weights.repeat_interleave(mixture.width, -1)
    beside = units[..., mixture.count * mixture.width :] * (shared.sigmoid() if shared.shape[-1] else 1)
    biased = mlp.experts.stored[0].b_out is not None
    return torch.cat([inside, beside, weights if biased else weights[..., :0]], -1)


def weights_of_experts(scores: list[float], experts: Experts, mixture: Mixture) -> list[float]:
    """The weights of one token's experts, in words: share, judge groups, choose, divide, multiply."""
    shares = [math.exp(score) / sum(map(math.exp, scores)) for score in scores]
    if mixture.scheme == "sigmoid":
        shares = [1 / (1 + math.exp(-score)) for score in scores]
    chosen_by = (
        shares if experts.b_choice is None else [s + float(b) for s, b in zip(shares, experts.b_choice, strict=True)]
    )
    size = mixture.count // mixture.groups
    groups = [list(range(first, first + size)) for first in range(0, mixture.count, size)]
    groups.sort(key=lambda group: -sum(sorted((chosen_by[e] for e in group), reverse=True)[: mixture.judged_by]))
    eligible = [expert for group in groups[: mixture.chosen_groups] for expert in group]
    used = sorted(eligible, key=lambda expert: -chosen_by[expert])[: mixture.chosen]
    whole = sum(shares[expert] for expert in used) if mixture.normalised else 1
    return [mixture.scale * shares[expert] / whole if expert in used else 0.0 for expert in range(mixture.count)]
