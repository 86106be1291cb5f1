"""Pairs of prompts, clean and counterfactual, with a metric; circuits are found and judged on them.

Prompts of unequal length share one batch: a shorter one is padded on the right with its last token, which earlier
tokens cannot see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.causal.predictions import Prediction
from loadstore.errors import BadPrompt, BadRequest
from loadstore.model.weights import Weights


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a clean and a counterfactual prompt of equal token length.

    Args:
        model: The model that runs them.
        clean: Token ids [pair, token].
        counterfactual: Token ids [pair, token].
        ends: The last token of each prompt, after which the metric is measured.
        metric: The metric, with one target (or one set of targets) for each pair or the same for all.
        templates: The template of each pair; "" for pairs without one.
        places: The name of each token's place in its template, for each pair; () for pairs without a template.
    """

    model: Weights
    clean: Tokens
    counterfactual: Tokens
    ends: tuple[int, ...]
    metric: Prediction
    templates: tuple[str, ...]
    places: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Raise BadPrompt unless the prompts of each pair match."""
        if self.clean.shape != self.counterfactual.shape or len(self.clean) != len(self.ends):
            raise BadPrompt(
                f"the clean prompts are {list(self.clean.shape)} tokens, the counterfactual ones "
                f"{list(self.counterfactual.shape)}; give as many of each"
            )

    def __repr__(self) -> str:
        """The number of pairs, their length, and the metric."""
        length = self.clean.shape[1]
        return f"{len(self)} pairs of prompts of {length} tokens for {self.model.name}; {self.metric}"

    def __len__(self) -> int:
        return len(self.clean)

    def rows(self, indices: Sequence[int]) -> "Pairs":
        """The pairs with these indices; trailing tokens that none of them needs are dropped."""
        if not indices:
            raise BadRequest("no pair is left; give at least one")
        chosen = list(indices)
        ends = tuple(self.ends[index] for index in chosen)
        length = max(ends) + 1
        return Pairs(
            self.model,
            self.clean[chosen, :length],
            self.counterfactual[chosen, :length],
            ends,
            self.metric.rows(chosen),
            tuple(self.templates[index] for index in chosen),
            tuple(self.places[index] for index in chosen),
        )

    def measure(
        self, logits: Float[Tensor, "pair vocab"], intact: Float[Tensor, "pair vocab"]
    ) -> Float[Tensor, " pair"]:
        """The metric of each pair from the logits after its last token; ``intact``: the clean prompts' logits."""
        return self.metric.of(self.model, logits, intact)


def paired(
    model: Weights,
    clean: Sequence[Sequence[int]],
    counterfactual: Sequence[Sequence[int]],
    metric: Prediction,
    templates: Sequence[str] = (),
    places: Sequence[Sequence[str]] = (),
) -> Pairs:
    """Batch the token ids of prompts.

    Args:
        model: The model that runs them.
        clean: The token ids of each clean prompt.
        counterfactual: The token ids of each counterfactual prompt, as many as for its clean prompt.
        metric: The metric, ``at=-1``: measured after the last token of each prompt.
        templates: The template of each pair.
        places: The place names of each pair's tokens.

    Raises:
        BadPrompt: There are no pairs, a prompt is empty, or the prompts of a pair differ in length.
        BadRequest: The metric is for another token than the last.
    """
    if metric.at != -1:
        raise BadRequest(f"the metric is measured after token {metric.at}; for pairs it must be the last one, at=-1")
    if not clean or len(clean) != len(counterfactual):
        raise BadPrompt(
            f"there are {len(clean)} clean and {len(counterfactual)} counterfactual prompts; give one of each, or more"
        )
    for number, (first, other) in enumerate(zip(clean, counterfactual, strict=True)):
        if not first or len(first) != len(other):
            raise BadPrompt(
                f"pair {number} has {len(first)} and {len(other)} tokens; a pair needs equally many, and at least one"
            )
    length = max(map(len, clean))
    return Pairs(
        model,
        torch.tensor([[*ids, *[ids[-1]] * (length - len(ids))] for ids in clean]),
        torch.tensor([[*ids, *[ids[-1]] * (length - len(ids))] for ids in counterfactual]),
        tuple(len(ids) - 1 for ids in clean),
        metric,
        tuple(templates) or ("",) * len(clean),
        tuple(map(tuple, places)) or ((),) * len(clean),
    )
