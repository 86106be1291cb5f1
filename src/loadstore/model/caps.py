"""Soft caps: c tanh(x / c) keeps a score or a logit between −c and c. Sums over writers are of what goes in."""

from torch import Tensor


def capped(x: Tensor, cap: float | None) -> Tensor:
    """Scores or logits behind their cap; as they are without one."""
    return x if cap is None else (x / cap).tanh() * cap


def slope(x: Tensor, cap: float) -> Tensor:
    """How much of a small change of ``x`` passes the cap: 1 − tanh²(x / c)."""
    return 1 - (x / cap).tanh().square()
