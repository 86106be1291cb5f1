"""The matrices of every writer and reader, with the norms where they belong.

A norm's centring and gain, N = (I − 11ᵀ/d) diag(γ), belong to the reader: x̂ W = (x/σ) N W + const, and the
per-token 1/σ is a positive number that cancels in a score. W_QK is folded on both of its sides; a head's W_V
by its own layer's norm. A writer that is read through a LayerNorm loses its mean: A ← A (I − 11ᵀ/d).
"""

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.factored import Factored
from loadstore.model.folded import fold
from loadstore.model.weights import Norm, Weights
from loadstore.scores.rotary import averaged
from loadstore.sites import Head, Reader, Writer

Norms: TypeAlias = Literal["fold", "ignore"]


def centre(rows: Float[Tensor, "source d_model"]) -> Float[Tensor, "source d_model"]:
    """A (I − 11ᵀ/d): every row without its mean."""
    return rows - rows.mean(-1, keepdim=True)


def _norm(weights: Weights, layer: int | None, norms: Norms) -> Norm | None:
    return weights.norm(layer) if norms == "fold" else None


def ov(weights: Weights, head: Head, norms: Norms = "fold") -> Factored:
    """W_OV = N W_V · W_O of one head, factored through d_head. Raises NoSuchSite."""
    own = weights.head(head)
    return Factored(fold(own.W_V, _norm(weights, head.layer, norms)), own.W_O)


def qk(
    weights: Weights,
    head: Head,
    norms: Norms = "fold",
    *,
    offset: int | None = None,
    behind: Literal["", "Q", "K", "QK"] = "",
) -> Factored:
    """W_QK = N W_Q · (N W_K)ᵀ of one head, factored through d_head; under rotary positions it needs an ``offset``.

    ``behind``: the sides that are met behind the norm, and so without N (by shortformer positions).
    Raises NoSuchSite, or Undefined where rotary positions make W_QK depend on an offset that is not given.
    """
    query, key = (folded_side(weights, head, side, norms, behind=side in behind) for side in ("Q", "K"))
    if (rotary := weights.architecture.rotary) is None:
        return Factored(query, key.mT)
    if offset is None:
        raise Undefined(f"W_QK of {head} depends on query − key under rotary positions; give one, offset=")
    return Factored(rotary.turn(query, rotary.angles(1, offset)), key.mT)


def folded_side(
    weights: Weights, head: Head, side: Literal["Q", "K"], norms: Norms = "fold", *, behind: bool = False
) -> Tensor:
    """Return W_Q or W_K with the norm before it (unless ``behind``) and the gain of a q- or k-norm after it."""
    own, layer = weights.head(head), weights.layers[head.layer]
    matrix = own.side(side)[0]
    if not behind:
        matrix = fold(matrix, _norm(weights, head.layer, norms))
    after = layer.q_norm if side == "Q" else layer.k_norm
    return matrix if norms == "ignore" or after is None or after.gain is None else matrix * weights.wide(after.gain)


def reader_norm(weights: Weights, reader: Reader) -> Norm | None:
    """The norm through which a reader loads."""
    if reader.is_mlp:
        return weights.mlp_norm(reader.layer)
    return weights.norm(None if reader.is_unembed else reader.layer)


def reads_after_norm(weights: Weights, writer: Writer) -> bool:
    """Whether a writer is added behind the norms: shortformer positions are."""
    return writer.kind == "pos" and weights.architecture.positions == "shortformer"


def writer_map(weights: Weights, writer: Writer, norms: Norms = "fold") -> Factored | Float[Tensor, "source d_model"]:
    """Return A: W_E, W_pos, W_OV, W_out or b_O, as it is stored (not yet centred by any reader)."""
    match writer.kind:
        case "embed":
            return weights.wide(weights.W_E)
        case "pos":
            assert weights.W_pos is not None
            return weights.wide(weights.W_pos)
        case "bias":
            bias = weights.layers[writer.layer].b_O
            assert bias is not None
            return weights.wide(bias)[None]
        case "mlp":
            mlp = weights.layers[writer.layer].mlp
            assert mlp is not None
            return weights.wide(mlp.W_out)
        case _:
            return ov(weights, writer.head, norms)


def reader_map(
    weights: Weights, reader: Reader, norms: Norms = "fold", *, behind: bool = False, offsets: range | None = None
) -> Factored:
    """Return B: W_QK for Q, W_QKᵀ for K, W_OV for V, W_in for an MLP, W_U (centred) for the unembedding.

    ``behind`` is the reader as a writer behind the norm meets it (shortformer positions): this side's W_Q or
    W_K raw, the other side folded, since there it still meets the normed stream. Under rotary positions B Bᵀ of
    Q and K is the mean over ``offsets``; None takes every offset that the layer lets meet, its window or the context.
    """
    if reader.is_unembed:
        norm, W_U = _norm(weights, None, norms), weights.wide(weights.W_U)
        matrix = W_U - W_U.mean(1, keepdim=True)
        return Factored(torch.eye(matrix.shape[0], dtype=matrix.dtype), fold(matrix, norm))
    if reader.is_mlp:
        mlp = weights.layers[reader.layer].mlp
        assert mlp is not None
        norm = weights.mlp_norm(reader.layer) if norms == "fold" else None
        wide = [weights.wide(matrix) for matrix in (mlp.W_in, mlp.W_gate) if matrix is not None]
        matrix = fold(torch.cat(wide, 1), norm)
        return Factored(torch.eye(matrix.shape[0], dtype=matrix.dtype), matrix)
    if reader.side == "V":
        return ov(weights, reader.head, norms)
    one, other = ("Q", "K") if reader.side == "Q" else ("K", "Q")
    near = folded_side(weights, reader.head, one, norms, behind=behind)
    far = folded_side(weights, reader.head, other, norms)
    if (rotary := weights.architecture.rotary) is None:
        return Factored(near, far.mT)
    reach = weights.architecture.reach(reader.layer)
    met = range(reach) if offsets is None else range(offsets.start, min(offsets.stop, reach))
    return averaged(rotary, near, far, met, key_side=reader.side == "K")
