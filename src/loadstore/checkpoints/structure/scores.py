"""The patterns of one layer: which scale, which cap and which rotary positions make softmax of q·k the live model's."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loadstore.checkpoints.structure.differs import PIECE, apart
from loadstore.checkpoints.structure.hints import Hints
from loadstore.execution.attention import causal_softmax
from loadstore.model.caps import capped
from loadstore.model.rotary import Rotary


@dataclass(frozen=True)
class Scores:
    """How a layer makes scores of queries and keys; ``difference``: between its patterns and the live model's."""

    rotary: Rotary | None
    scale: float
    cap: float | None
    difference: float

    def same(self, other: "Scores") -> bool:
        """Whether another layer makes scores in the same way."""
        return (self.rotary, self.scale, self.cap) == (other.rotary, other.scale, other.cap)


def scores_of(
    q: Tensor,
    k: Tensor,
    pattern: Tensor,
    turns: Sequence[Rotary | None],
    hints: Hints,
    eps: float,
    like: Scores | None = None,
) -> Scores:
    """Return the scores whose patterns differ least from a pattern.

    Args:
        q: Queries before they turn [batch, token, head, d_head].
        k: Keys, repeated for every query head.
        pattern: The pattern of the live model [batch, head, query, key].
        turns: Rotary positions to try, None for none.
        hints: Numbers of the config; those that are called caps are tried as caps.
        eps: ε of the pass.
        like: The scores of another layer, which are taken where no others are closer.
    """
    window, usual = window_of(pattern), q.shape[-1] ** -0.5
    likely = (usual,) if like is None else (like.scale, usual)
    tried: list[Scores] = []
    for rotary in turns:
        left, right = (q, k) if rotary is None else (rotary.at(q), rotary.at(k))
        products = left.transpose(1, 2) @ right.transpose(1, 2).mT
        scale = hints.near(_scale(products, pattern, usual), likely, 64 * eps)
        ways = [(scale, None), *((each, cap) for cap in hints.caps for each in (*likely, *_stated(hints)))]
        if like is not None and like.rotary == rotary:
            ways = [(like.scale, like.cap), *ways]
        for each, cap in ways:
            made = causal_softmax(capped(products * each, cap), window)
            tried.append(Scores(rotary, each, cap, apart(made, pattern)))
            if tried[-1].difference <= PIECE * eps:
                break
    best = min(tried, key=lambda scores: scores.difference)
    alike = [each for each in tried if like is not None and each.same(like)]
    return next((each for each in alike if each.difference <= 2 * best.difference + eps), best)


def window_of(pattern: Tensor) -> int | None:
    """How many keys the last query sees, None if it sees all."""
    seen = int((pattern[:, :, -1] != 0).flatten(0, 1).any(0).nonzero()[0]) if bool(pattern.any()) else 0
    return None if seen == 0 else pattern.shape[-1] - seen


def _stated(hints: Hints) -> tuple[float, ...]:
    """Scales that a config may state: 1/√n of its numbers, and the numbers."""
    return tuple(dict.fromkeys(each for number in hints.numbers for each in (number**-0.5, number) if each <= 1))


def _scale(products: Tensor, pattern: Tensor, usual: float) -> float:
    """Return c with which softmax(c q·k) is closest to a pattern, from its logarithms, weighted by the pattern."""
    seen = pattern > 0
    logs = pattern.masked_fill(~seen, 1).log()
    of_logs = logs - (pattern * logs).sum(-1, keepdim=True)
    of_products = products - (pattern * products).sum(-1, keepdim=True)
    squares = float((pattern * of_products.square()).sum())
    along = float((pattern * of_logs * of_products).sum())
    fitted = along / squares if squares > 0 else usual
    return fitted if fitted > 0 and torch.isfinite(torch.tensor(fitted)) else usual
