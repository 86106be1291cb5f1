"""The target tokens of a metric: one for all prompts, or one or several for each prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.model.target import target_id
from loadstore.model.weights import Weights

Token: TypeAlias = int | str
Targets: TypeAlias = Token | Sequence[Token] | Sequence[Sequence[Token]]


@dataclass(frozen=True)
class Chosen:
    """Target tokens: one set for all prompts, or one set for each prompt."""

    sets: tuple[tuple[Token, ...], ...]
    each: bool

    def rows(self, indices: Sequence[int]) -> "Chosen":
        """The targets of some of the prompts."""
        return Chosen(tuple(self.sets[index] for index in indices), each=True) if self.each else self

    def ids(self, weights: Weights, rows: int) -> list[list[int]]:
        """The token ids of each row; a batch of several runs repeats its prompts. Raises BadRequest, BadPrompt."""
        if rows % len(self.sets):
            raise BadRequest(
                f"the metric has targets for {len(self.sets)} prompts, and there are {rows}; give one each"
            )
        ids = [[target_id(weights, token) for token in tokens] for tokens in self.sets]
        return ids * (rows // len(ids))

    def total(self, weights: Weights, values: Float[Tensor, "batch vocab"]) -> Float[Tensor, " batch"]:
        """The sum of the values of each row's targets."""
        ids = self.ids(weights, len(values))
        row = torch.tensor([row_index for row_index, choices in enumerate(ids) for _ in choices], device=values.device)
        column = torch.tensor([token for choices in ids for token in choices], device=values.device)
        return values.new_zeros(len(values)).index_add(0, row, values[row, column])

    def mean(self, weights: Weights, values: Float[Tensor, "batch vocab"]) -> Float[Tensor, " batch"]:
        """The mean of the values of each row's targets."""
        sizes = torch.tensor([len(tokens) for tokens in self.sets], device=values.device, dtype=values.dtype)
        return self.total(weights, values) / sizes.repeat(len(values) // len(sizes))

    def named(self, role: str, *, again: bool = False) -> str:
        """The targets in words: the token itself, or the role of each prompt's own targets.

        Args:
            role: The role of a target, such as ``answer``.
            again: Whether other targets of each prompt have just been named.
        """
        if not self.each:
            return repr(self.sets[0][0])
        several = any(len(tokens) > 1 for tokens in self.sets)
        owner = "its" if again else "each prompt's own"
        return f"{owner} {role}{'s' if several else ''}"

    def __str__(self) -> str:
        return self.named("answer")


def chosen(tokens: Targets) -> Chosen:
    """Parse targets: a token (text or id), a list with one per prompt, or a list of lists. Raises BadRequest."""
    if isinstance(tokens, str) or not isinstance(tokens, Sequence):
        return Chosen(((tokens,),), each=False)
    sets = tuple((each,) if isinstance(each, str) or not isinstance(each, Sequence) else tuple(each) for each in tokens)
    if not sets or not all(sets):
        raise BadRequest("targets are a token, or a list with at least one token for each prompt; one of them is empty")
    return Chosen(sets, each=True)
