"""LayerNorm and RMSNorm, and what passes through one whose scale is frozen."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.model.layers import Norm

UNGAINED = Norm(centres=False)  # what only divides


def normalise(
    stream: Float[Tensor, "*any width"], norm: Norm | None, eps: float, frozen: Tensor | None = None
) -> tuple[Float[Tensor, "*any width"], Float[Tensor, "*any 1"]]:
    """LayerNorm or RMSNorm of a stream (or of queries and keys) as (output, 1/σ); without a norm itself and ones.

    A norm across heads takes one scale from all heads, the last axis but one, and gives it to each. ``frozen``: a 1/σ
    of another run, in the place of this one's.
    """
    if norm is None:
        return stream, torch.ones_like(stream[..., :1])
    x = centred(stream, norm)
    if frozen is None:
        squares = x.pow(2).mean((-2, -1) if norm.across_heads else -1, keepdim=True)
        inverse_scale = (squares + eps).rsqrt().expand(*x.shape[:-1], 1)
    else:
        inverse_scale = frozen.expand(*x.shape[:-1], 1)
    out = apply_gain(x * inverse_scale, norm)
    return (out if norm.bias is None else out + norm.bias), inverse_scale


def of_heads(norm: Norm | None, heads: Sequence[int]) -> Norm | None:
    """A norm of queries or keys with the gains of some heads, where each has its own."""
    if norm is None or norm.gain is None or norm.gain.dim() == 1:
        return norm
    return replace(norm, gain=norm.gain[list(heads)])


def centred(x: Tensor, norm: Norm) -> Tensor:
    """Without its mean where the norm removes it."""
    return x - x.mean(-1, keepdim=True) if norm.centres else x


def apply_gain(x: Tensor, norm: Norm) -> Tensor:
    """Multiply by γ where there is one."""
    return x if norm.gain is None else x * norm.gain


def less_beta(x: Tensor, norm: Norm | None) -> Tensor:
    """The output of a norm without β."""
    return x if norm is None or norm.bias is None else x - norm.bias


def through_norm(store: Stream, norm: Norm | None, inverse_scale: Float[Tensor, "batch token 1"]) -> Stream:
    """Send a part of the stream through a norm whose scale is frozen: linear, without β."""
    if norm is None:
        return store
    return apply_gain(centred(store, norm) * inverse_scale, norm)
