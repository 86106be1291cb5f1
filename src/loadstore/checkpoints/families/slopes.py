"""The slopes of ALiBi, by the expressions of the reference in float32, so that they are the same numbers."""

import math

import torch


def slopes(n_heads: int) -> tuple[float, ...]:
    """2^(−8 k/p) for p heads, a power of two; then every second one of 2 p heads, as BLOOM has them."""
    whole = 2 ** math.floor(math.log2(n_heads))
    powers = torch.pow(_base(whole), torch.arange(1, 1 + whole, dtype=torch.int32))
    between = torch.arange(1, 1 + 2 * (n_heads - whole), 2, dtype=torch.int32)
    return tuple(torch.cat([powers, torch.pow(_base(2 * whole), between)]).tolist())


def halved_slopes(n_heads: int) -> tuple[float, ...]:
    """The same with other roundings, as MPT has them."""
    whole = 2 ** math.ceil(math.log2(n_heads))
    powers = 1.0 / torch.pow(2, torch.arange(1, whole + 1, dtype=torch.int64).float() * (8 / whole))
    chosen = powers if whole == n_heads else torch.cat([powers[1::2], powers[::2]])[:n_heads]
    return tuple(chosen.tolist())


def _base(heads: int) -> torch.Tensor:
    return torch.full((), 2 ** (-(2 ** -(math.log2(heads) - 3))), dtype=torch.float32)
