"""The recipe of a generated task: its templates, their fillers, and a function that draws one pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from loadstore.circuits.example import Example, Kind
from loadstore.circuits.places import Span, filled
from loadstore.errors import LoadstoreError
from loadstore.model.target import target_id
from loadstore.model.weights import Weights

Filler: TypeAlias = tuple[str, ...]
"""Words that belong together, such as a country and its capital; the first one identifies them."""
Pools: TypeAlias = Mapping[str, Sequence[Filler]]


@dataclass(frozen=True)
class Drawn:
    """One generated pair, and the spans of its template's fields in the clean text."""

    example: Example
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A task that is generated for a model's tokenizer.

    Args:
        name: Its name.
        about: One line: the question, and how the counterfactual differs.
        metric: The kind of its metric.
        templates: Sentences with fields; with three or more, the *judge* pairs have templates of their own.
        pools: The fillers that a model's tokenizer can express, by kind; each split gets its own fillers.
        draw: Makes one pair from a template, the fillers of its split and a random generator.
        least: The minimum number of fillers of each kind for a split.
        texts: Whether prompts are texts, which need a tokenizer.
    """

    name: str
    about: str
    metric: Kind
    templates: tuple[str, ...]
    pools: Callable[[Weights], Pools]
    draw: Callable[[str, Pools, Random], Drawn]
    least: int = 2
    texts: bool = True

    def templates_of(self, split: str) -> tuple[str, ...]:
        """The templates of a split: of three or more, the last half (rounded down) are only for *judge*."""
        if len(self.templates) < 3:
            return self.templates
        kept = len(self.templates) - len(self.templates) // 2
        return self.templates[kept:] if split == "judge" else self.templates[:kept]


def pair(
    template: str,
    clean: Mapping[str, str],
    counterfactual: Mapping[str, str],
    good: Sequence[str],
    bad: Sequence[str],
    fillers: Sequence[str],
) -> Drawn:
    """A pair whose two prompts fill in the fields of one template.

    Args:
        template: The template.
        clean: The fields of the clean prompt.
        counterfactual: The fields that differ in the counterfactual prompt.
        good: The targets that the metric counts for the clean prompt.
        bad: The targets that the metric counts against it.
        fillers: The words that no other split may use.
    """
    text, spans = filled(template, clean)
    other, _ = filled(template, {**clean, **counterfactual})
    return Drawn(Example(text, other, tuple(good), tuple(bad), template=template, fillers=tuple(fillers)), tuple(spans))


def is_token(weights: Weights, *texts: str) -> bool:
    """Whether each text is exactly one token of the model."""
    try:
        for text in texts:
            target_id(weights, text)
    except LoadstoreError:
        return False
    return True
