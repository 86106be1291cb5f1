"""The patterns of one layer: the scale, cap and positions with which a softmax of q·k is the live model's pattern."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from loadstore.checkpoints.families.slopes import halved_slopes, slopes
from loadstore.checkpoints.structure.differs import PIECE, apart
from loadstore.checkpoints.structure.hints import Hints
from loadstore.execution.patterns import causal_softmax
from loadstore.model.caps import capped
from loadstore.model.rotary import Rotary


@dataclass(frozen=True)
class Scores:
    """How a layer makes scores of queries and keys; ``difference``: between its patterns and the live model's."""

    rotary: Rotary | None
    scale: float
    cap: float | None
    difference: float
    slopes: tuple[float, ...] | None = None

    def same(self, other: "Scores") -> bool:
        """Whether another layer makes scores in the same way."""
        return replace(self, difference=other.difference) == other


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

    def made(products: Tensor, rotary: Rotary | None, scale: float, cap: float | None) -> Scores:
        computed = causal_softmax(capped(products * scale, cap), window)
        return Scores(rotary, scale, cap, apart(computed, pattern))

    products = {rotary: _products(q, k, rotary) for rotary in turns}
    plain = [
        made(product, rotary, hints.near(_scale(product, pattern, usual), likely, 64 * eps), None)
        for rotary, product in products.items()
    ]
    fitting = [scores for scores in plain if scores.difference <= PIECE * eps] or plain
    tried = [
        made(products[scores.rotary], scores.rotary, scale, cap)
        for scores in fitting
        for cap in hints.caps
        for scale in dict.fromkeys((*likely, *_stated(hints)))
        if scores.scale / 2 <= scale <= scores.scale * 4
    ]
    if like is not None and like.rotary in products:
        tried.append(made(products[like.rotary], like.rotary, like.scale, like.cap))
    if not any(scores.difference <= PIECE * eps for scores in (*plain, *tried)):
        tried += _sloped(products[None], pattern, window, tuple(dict.fromkeys((*likely, *_stated(hints)))))
    best = min((*plain, *tried), key=lambda scores: scores.difference)
    likeliest = [*(scores for scores in tried if like is not None and scores.same(like)), *plain, *tried]
    return next(scores for scores in likeliest if scores.difference <= 2 * best.difference + eps)


def _sloped(products: Tensor, pattern: Tensor, window: int | None, scales: Sequence[float]) -> list[Scores]:
    """Scores that fall by published slopes of ALiBi for every token between query and key."""
    heads, tokens = products.shape[1:3]
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
    tried: list[Scores] = []
    for falls in dict.fromkeys((slopes(heads), halved_slopes(heads))):
        bias = (-torch.tensor(falls, dtype=torch.float64)[:, None, None] * distance).to(products)
        for scale in scales:
            computed = causal_softmax(products * scale + bias, window)
            tried.append(Scores(None, scale, None, apart(computed, pattern), falls))
    return tried


def _products(q: Tensor, k: Tensor, rotary: Rotary | None) -> Tensor:
    left, right = (q, k) if rotary is None else (rotary.at(q), rotary.at(k))
    return left.transpose(1, 2) @ right.transpose(1, 2).mT


def window_of(pattern: Tensor) -> int | None:
    """How many keys the last query sees, None if it sees all."""
    seen = (pattern[:, :, -1] != 0).flatten(0, 1).any(0).nonzero().flatten().tolist()
    return pattern.shape[-1] - seen[0] if seen and seen[0] else None


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
