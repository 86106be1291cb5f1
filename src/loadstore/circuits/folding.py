"""The matrices of every writer and reader, with the norms where they belong.

A norm's centring and gain, N = (I − 11ᵀ/d) diag(γ), belong to the reader: x̂ W = (x/σ) N W + const, and the
per-token 1/σ is a positive number that cancels in a score. W_QK is folded on both of its sides; a head's W_V
by its own layer's norm. A writer that is read through a LayerNorm loses its mean: A ← A (I − 11ᵀ/d).
"""

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.rotary import averaged
from loadstore.errors import Undefined
from loadstore.linear.factored import Factored
from loadstore.models.weights import Norm, Weights
from loadstore.sites import Head, Reader, Writer

Norms: TypeAlias = Literal["fold", "ignore"]


def centre(rows: Float[Tensor, "source d_model"]) -> Float[Tensor, "source d_model"]:
    """A (I − 11ᵀ/d): every row without its mean."""
    return rows - rows.mean(-1, keepdim=True)


def fold(matrix: Float[Tensor, "d_model inside"], norm: Norm | None) -> Float[Tensor, "d_model inside"]:
    """Return N W = (I − 11ᵀ/d) diag(γ) W; W itself without a norm."""
    if norm is None:
        return matrix
    gained = matrix if norm.gain is None else norm.gain[:, None] * matrix
    return gained - gained.mean(0, keepdim=True) if norm.centres else gained


def _norm(weights: Weights, layer: int, norms: Norms) -> Norm | None:
    return weights.layers[layer].norm if norms == "fold" else None


def ov(weights: Weights, head: Head, norms: Norms = "fold") -> Factored:
    """W_OV = N W_V · W_O of one head, factored through d_head. Raises NoSuchSite."""
    weights.architecture.check(head, weights.name)
    layer = weights.layers[head.layer]
    return Factored(fold(layer.W_V[head.index], _norm(weights, head.layer, norms)), layer.W_O[head.index])


def qk(weights: Weights, head: Head, norms: Norms = "fold", *, offset: int | None = None) -> Factored:
    """W_QK = N W_Q · (N W_K)ᵀ of one head, factored through d_head; under rotary positions it needs an ``offset``.

    Raises NoSuchSite, or Undefined where rotary positions make W_QK depend on an offset that is not given.
    """
    weights.architecture.check(head, weights.name)
    layer, norm = weights.layers[head.layer], _norm(weights, head.layer, norms)
    query, key = fold(layer.W_Q[head.index], norm), fold(layer.W_K[head.index], norm)
    if (rotary := weights.architecture.rotary) is None:
        return Factored(query, key.mT)
    if offset is None:
        raise Undefined(f"W_QK of {head} depends on query − key under rotary positions; give one, offset=")
    return Factored(rotary.turn(query, rotary.angles(1, offset)), key.mT)


def reads_after_norm(weights: Weights, writer: Writer) -> bool:
    """Whether a writer is added behind the norms: shortformer positions are."""
    return writer.kind == "pos" and weights.architecture.positions == "shortformer"


def writer_map(weights: Weights, writer: Writer, norms: Norms = "fold") -> Factored | Float[Tensor, "source d_model"]:
    """Return A: W_E, W_pos, W_OV or b_O, as it is stored (not yet centred by any reader)."""
    match writer.kind:
        case "embed":
            return weights.W_E
        case "pos":
            assert weights.W_pos is not None
            return weights.W_pos
        case "bias":
            bias = weights.layers[writer.layer].b_O
            assert bias is not None
            return bias[None]
        case _:
            return ov(weights, writer.head, norms)


def reader_map(
    weights: Weights, reader: Reader, norms: Norms = "fold", *, behind: bool = False, offsets: range | None = None
) -> Factored:
    """Return B: W_QK for Q, W_QKᵀ for K, W_OV for V, W_U (centred over the vocabulary) for the unembedding.

    ``behind`` is the reader as a writer behind the norm meets it (shortformer positions): this side's W_Q or
    W_K raw, the other side folded, since there it still meets the normed stream. Under rotary positions B Bᵀ of
    Q and K is the mean over ``offsets``, the whole context if None.
    """
    if reader.is_unembed:
        norm = weights.final_norm if norms == "fold" else None
        matrix = weights.W_U - weights.W_U.mean(1, keepdim=True)
        return Factored(torch.eye(matrix.shape[0], dtype=matrix.dtype), fold(matrix, norm))
    layer, norm = weights.layers[reader.layer], _norm(weights, reader.layer, norms)
    if reader.side == "V":
        return ov(weights, reader.head, norms)
    one, other = (layer.W_Q, layer.W_K) if reader.side == "Q" else (layer.W_K, layer.W_Q)
    near, far = one[reader.index], fold(other[reader.index], norm)
    near = near if behind else fold(near, norm)
    if (rotary := weights.architecture.rotary) is None:
        return Factored(near, far.mT)
    return averaged(rotary, near, far, offsets or range(weights.architecture.context), key_side=reader.side == "K")
