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
        pieces = [Piece(part) for head in own.unbind(0) for part in (head[plain:], head[:plain])]
        return {"W_Q": _composed(read, {f"{at}q_proj.weight": own}, pieces, heads)}
    down, gain = read(f"{at}q_a_proj.weight", rank, d), read(f"{at}q_a_layernorm.weight", rank)
    bias = some_bias(read.maybe(f"{at}q_a_proj.bias", rank)) if biased else None
    up = read(f"{at}q_b_proj.weight", heads * e, rank).unflatten(0, (heads, e))
    named = {f"{at}q_a_proj.weight": down, f"{at}q_a_layernorm.weight": gain, f"{at}q_b_proj.weight": up}
    ups = [part for head in up.unbind(0) for part in (head[plain:], head[:plain])]
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
    named = {f"{at}kv_a_proj_with_mqa.weight": whole, f"{at}kv_a_layernorm.weight": gain}
    if read.has(f"{at}k_b_proj.weight"):  # GGUF has two matrices, of which that of keys is transposed
        up_keys = read(f"{at}k_b_proj.weight", heads, rank, plain).mT
        up_values = read(f"{at}v_b_proj.weight", heads, value, rank)
        named |= {f"{at}k_b_proj.weight": up_keys, f"{at}v_b_proj.weight": up_values}
    else:
        both = read(f"{at}kv_b_proj.weight", heads * (plain + value), rank).unflatten(0, (heads, plain + value))
        named[f"{at}kv_b_proj.weight"] = both
        up_keys, up_values = both[:, :plain], both[:, plain:]
    keys = [piece for head in up_keys.unbind(0) for piece in (Piece(shared), Piece(down, head, gain))]
    fields: dict[str, Any] = {
        "W_K": _composed(read, named, keys, heads),
        "W_V": _composed(read, named, [Piece(down, head, gain) for head in up_values.unbind(0)], heads),
        "kv_latent": Latent(down.mT, None if bias is None else bias[:rank], turned),
    }
    if bias is not None:
        own, values = (_sent(up, gain, bias[:rank]) for up in (up_keys, up_values))
        fields |= {"b_K": torch.cat([bias[rank:].to(own).expand(heads, -1), own], 1), "b_V": values}
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
