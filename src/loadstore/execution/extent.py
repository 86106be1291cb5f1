"""Which rows of a batch are tokens. Shorter prompts are padded at the end, and a run may begin at a later token.

Attention is causal, so padding cannot change a prompt's own tokens. Only means over tokens must exclude it.
Test: tests/execution/test_unequal.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor


@dataclass(frozen=True)
class Extent:
    """The tokens of a batch.

    Args:
        lengths: The number of tokens of each prompt; empty if every row is a token.
        first: The first token of the run.
    """

    lengths: tuple[int, ...] = ()
    first: int = 0

    def chosen(self, at: Sequence[int], value: Tensor) -> Bool[Tensor, "*prompt token 1"]:
        """A mask of the rows that hold the given tokens; negative indices count from the end of each prompt."""
        rows = value.shape[-2]
        masks = [self._row(at, length, rows) for length in self.lengths or (rows + self.first,)]
        return torch.stack(masks).to(value.device) if self.lengths else masks[0].to(value.device)

    def _row(self, at: Sequence[int], length: int, rows: int) -> Bool[Tensor, "token 1"]:
        chosen = torch.zeros(rows, 1, dtype=torch.bool)
        chosen[[row for row in (index % length - self.first for index in at) if row >= 0]] = True
        return chosen

    def mean(self, store: Tensor) -> Tensor:
        """The mean of a store over batch and tokens, excluding the first position unless it is the only one."""
        if not self.lengths:
            later = store[..., 1:, :] if store.shape[-2] > 1 else store
            return later.flatten(0, -2).mean(0)
        real = tokens_of(self.lengths, store.shape[-2], store.device)
        real[:, 0] = False
        return store.expand(*real.shape, -1)[real].mean(0)


def tokens_of(lengths: Sequence[int], rows: int, device: torch.device | None = None) -> Bool[Tensor, "prompt token"]:
    """Which rows of a batch are tokens of its prompts, not padding."""
    return torch.arange(rows, device=device) < torch.tensor(lengths, device=device)[:, None]


def blanked(value: Tensor, lengths: Sequence[int], *, keys: bool = False) -> Tensor:
    """A value [prompt, token, …] with NaN after the end of each prompt; ``keys``: also along its last axis."""
    if min(lengths) == max(lengths):
        return value
    real = tokens_of(lengths, value.shape[1], value.device)
    value = value.masked_fill(~real.view(*real.shape, *[1] * (value.dim() - 2)), torch.nan)
    return value.masked_fill(~real[:, None], torch.nan) if keys else value
