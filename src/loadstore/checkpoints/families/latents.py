"""The heads' matrices where they load through a latent: products with its projection, which are computed on use.

Rotary columns come first, as they are turned there; a file has them last.
"""

from typing import Any

import torch
from torch import Tensor

from loadstore.checkpoints.families.huggingface import Reader, heads_of, some_bias
from loadstore.model.architecture import Architecture
from loadstore.model.composed import Composed, Piece
from loadstore.model.latent import Latent
from loadstore.model.quantised import Quantised


def queries(
    read: Reader, at: str, shape: Architecture, turned: int, rank: int | None, *, biased: bool
) -> dict[str, Any]:
    """W_Q and, with a rank, b_Q and the latent, as fields of a layer.

    Args:
        read: The file.
        at: What stands before ``q_proj``, such as ``layers.0.self_attn.``.
        shape: The architecture.
        turned: How many columns of a head are turned.
        rank: How many numbers the latent of queries has; None if they have none.
        biased: Whether the projection to the latent has a bias.
    """
    heads, d, e = shape.n_heads, shape.d_model, shape.d_head
    plain = e - turned
    if rank is None:
        own = read(f"{at}q_proj.weight", heads * e, d).unflatten(0, (heads, e))
        pieces = [Piece(part) for head in own for part in (head[plain:], head[:plain])]
        return {"W_Q": _composed(read, {f"{at}q_proj.weight": own}, pieces, heads)}
    down, gain = read(f"{at}q_a_proj.weight", rank, d), read(f"{at}q_a_layernorm.weight", rank)
    bias = some_bias(read.maybe(f"{at}q_a_proj.bias", rank)) if biased else None
    up = read(f"{at}q_b_proj.weight", heads * e, rank).unflatten(0, (heads, e))
    named = {f"{at}q_a_proj.weight": down, f"{at}q_a_layernorm.weight": gain, f"{at}q_b_proj.weight": up}
    ups = [part for head in up for part in (head[plain:], head[:plain])]
    return {
        "W_Q": _composed(read, named, [Piece(down, part, gain) for part in ups], heads),
        "b_Q": None if bias is None else _sent(torch.cat(ups), gain, bias).unflatten(0, (heads, e)),
        "q_latent": Latent(down.mT, bias),
    }


def keys_and_values(
    read: Reader, at: str, shape: Architecture, turned: int, rank: int, *, biased: bool
) -> dict[str, Any]:
    """W_K, W_V, their biases and the latent, as fields of a layer; arguments as for ``queries``."""
    heads, d, value = shape.n_heads, shape.d_model, shape.value_width
    plain = shape.d_head - turned
    whole = read(f"{at}kv_a_proj_with_mqa.weight", rank + turned, d)
    down, shared, gain = whole[:rank], whole[rank:], read(f"{at}kv_a_layernorm.weight", rank)
    bias = some_bias(read.maybe(f"{at}kv_a_proj_with_mqa.bias", rank + turned)) if biased else None
    up = read(f"{at}kv_b_proj.weight", heads * (plain + value), rank).unflatten(0, (heads, plain + value))
    named = {f"{at}kv_a_proj_with_mqa.weight": whole, f"{at}kv_a_layernorm.weight": gain, f"{at}kv_b_proj.weight": up}
    keys = [piece for head in up for piece in (Piece(shared), Piece(down, head[:plain], gain))]
    fields: dict[str, Any] = {
        "W_K": _composed(read, named, keys, heads),
        "W_V": _composed(read, named, [Piece(down, head[plain:], gain) for head in up], heads),
        "kv_latent": Latent(down.mT, None if bias is None else bias[:rank], turned),
    }
    if bias is not None:
        own = _sent(up.flatten(0, 1), gain, bias[:rank]).unflatten(0, (heads, plain + value))
        rotary = bias[rank:].to(own).expand(heads, -1)
        fields |= {"b_K": torch.cat([rotary, own[:, :plain]], 1), "b_V": own[:, plain:]}
    return fields


def _composed(read: Reader, named: dict[str, Tensor], pieces: list[Piece], heads: int) -> Tensor:
    """Pieces of all heads, one below the other, as [head, d_model, columns]; ``named``: what they are products of."""
    parts = {f"{read.prefix}{name}": part for name, part in named.items()}
    matrix = Composed(pieces, read.checkpoint.path, parts)
    return heads_of(Quantised.of(matrix, (matrix.rows, matrix.width)), heads)


def _sent(up: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """What the bias of a projection to a latent becomes behind it, in at least float32."""
    kind = torch.promote_types(up.dtype, torch.float32)
    return up.to(kind) @ (gain.to(kind) * bias.to(kind))
