"""Verifies weights against the live model that they were made of: logits, patterns and streams on random tokens.

Attention is causal, so a pass of many tokens also checks the shorter ones it begins with; several lengths show where
a model changes with the length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loadstore.checkpoints.structure.blocks import Block
from loadstore.checkpoints.structure.differs import WHOLE, apart, differs, off
from loadstore.checkpoints.structure.hints import Hints
from loadstore.checkpoints.structure.passes import Pass, passed
from loadstore.errors import Undefined
from loadstore.execution.forward import forward
from loadstore.execution.record import Record
from loadstore.model.comparison import Comparison
from loadstore.model.weights import Weights

LONGEST = 512
SHORTER = (1, 2, 3, 5, 8, 13, 34, 89, 233)
MOST_ROWS = 64
WORK = 1e11  # multiplications of a batch, which decide how many tokens it has:
FEWEST, MOST = 64, 400


@dataclass(frozen=True)
class Samples:
    """Batches of random tokens, of every length that is tried; together they have as many different ids as they can."""

    vocab: int
    longest: int
    special: tuple[int, ...] = ()
    parameters: int = 1

    def batches(self) -> list[Tensor]:
        """Token ids [batch, token] of each length, the special ones first in the longest."""
        generator = torch.Generator().manual_seed(0)
        first = torch.tensor([each for each in self.special if 0 <= each < self.vocab], dtype=torch.int64)
        lengths = [self.longest, *(length for length in SHORTER if length < self.longest)]
        each = max(FEWEST, min(MOST, int(WORK / self.parameters)))
        sizes = [(max(1, min(MOST_ROWS, each // length)), length) for length in lengths]
        needed = sum(rows * length for rows, length in sizes)
        drawn = [torch.randperm(self.vocab, generator=generator) for _ in range(needed // self.vocab + 1)]
        ids = torch.cat([first, *drawn])
        batches: list[Tensor] = []
        for rows, length in sizes:
            batches.append(ids[: rows * length].reshape(rows, length))
            ids = ids[rows * length :]
        return batches


def longest_of(hints: Hints, positions: int | None) -> int:
    """How many tokens to verify: what the model takes, at most LONGEST."""
    return min(each for each in (LONGEST, hints.longest, positions) if each is not None)


def verified(
    weights: Weights,
    own: nn.Module,
    explicit: nn.Module,
    names: Sequence[str],
    blocks: Sequence[Block],
    samples: Samples,
    eps: float,
) -> Comparison:
    """Compare weights with the live model.

    Args:
        weights: What was made of it.
        own: A copy of it, which computes attention as it does.
        explicit: A copy that computes patterns.
        names: Of its blocks.
        blocks: What was found in them.
        samples: The tokens.
        eps: ε of its passes.

    Returns:
        The comparison over all lengths.

    Raises:
        NotThisModel: They differ. The message names the first layer and piece.
    """
    worst, count = 0.0, 0
    for tokens in samples.batches():
        plain = passed(own, tokens, patterns=False)
        seen = passed(explicit, tokens, [*names, *(name for block in blocks for name in block.stores)])
        record = Record()
        with torch.no_grad():
            try:
                logits = forward(weights, tokens, (), record)
            except Undefined as error:
                raise differs("the model", "numbers that stay finite", str(error)) from None
        at = "1 token" if tokens.shape[1] == 1 else f"{tokens.shape[1]} tokens"
        _streams(at, seen, record, names, blocks, eps * WHOLE)
        for what, theirs in (("with its patterns", seen), ("as it computes attention", plain)):
            difference = apart(logits, theirs.logits)
            if difference > eps * WHOLE:
                raise differs(f"logits, {what}, of {at}", "the same", off(difference))
            worst = max(worst, difference)
        count += tokens.numel()
    return Comparison(f"the live {type(own).__name__}", count, worst, eps * WHOLE)


def _streams(
    at: str, seen: Pass, record: Record, names: Sequence[str], blocks: Sequence[Block], tolerance: float
) -> None:
    """Refuse the first layer and piece that differ."""
    assert record.final is not None
    left = [*(step.stream for step in record.layers[1:]), record.final]
    for layer, (name, block, step) in enumerate(zip(names, blocks, record.layers, strict=True)):
        given, mlp = seen.only(name).given, 0 if step.mlp is None else step.mlp
        stored = [seen.only(each).result * block.residual for each in block.stores]
        compared = [
            ("embedding" if layer == 0 else f"layer {layer - 1}, sum", "stream", step.stream, given),
            (f"layer {layer}, attention", "patterns", step.pattern, seen.patterns[layer]),
            (f"layer {layer}, attention, its store", "stream", left[layer] - mlp, given + stored[0]),
            (f"layer {layer}, MLP", "stream", left[layer], seen.only(name).result),
        ]
        for piece, what, ours, theirs in compared:
            difference = apart(ours, theirs)
            if difference > tolerance:
                raise differs(f"{piece}, of {at}", f"the same {what}", off(difference))
