"""Generates a task: divides the fillers between the splits, then draws pairs until every split has its number."""

from dataclasses import replace
from random import Random

from loadstore.circuits.example import Example, check_example
from loadstore.circuits.places import named_places
from loadstore.circuits.recipe import Pools, Recipe
from loadstore.circuits.splits import SPLITS, divided, shares
from loadstore.circuits.task import Task, task_of
from loadstore.errors import BadPrompt, BadRequest
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import require

STALLED = 500  # consecutive draws without a new pair before giving up


def generated(weights: Weights, recipe: Recipe, pairs: int, seed: int) -> Task:
    """Make the pairs of a recipe for a model; deterministic for a given tokenizer, number and seed.

    A pair is dropped if its prompts differ in length, a target is not one token, or it was drawn before.

    Raises:
        BadRequest: The tokenizer leaves too few pairs; the message states how many.
        Undefined: The task consists of text, and the model has no tokenizer.
    """
    if recipe.texts:
        require(weights.tokens, weights.name, weights.untokenised)
    wanted = dict(zip(SPLITS, shares(pairs), strict=True))
    pools = recipe.pools(weights)
    parts = {kind: divided(pool, recipe.least, Random(f"{recipe.name} {seed} {kind}")) for kind, pool in pools.items()}
    examples: list[Example] = []
    for split, count in wanted.items():
        own = {kind: part[split] for kind, part in parts.items()}
        if all(len(pool) >= recipe.least for pool in own.values()):
            examples += _drawn(weights, recipe, own, split, count, Random(f"{recipe.name} {seed} {split}"))
    if len(examples) < pairs:
        counts = ", ".join(f"{sum(example.split == split for example in examples)} to {split}" for split in SPLITS)
        under = "tokenizer" if recipe.texts else "vocabulary"
        raise BadRequest(
            f"{recipe.name} gives {len(examples)} pairs of {pairs} under the {under} of {weights.name} ({counts}); "
            "ask for fewer pairs, choose another task, or give pairs of your own (docs/tasks.md)"
        )
    return task_of(weights, recipe.name, recipe.metric, examples, seed)


def _drawn(weights: Weights, recipe: Recipe, pools: Pools, split: str, count: int, random: Random) -> list[Example]:
    """Up to ``count`` different pairs of one split, cycling through its templates."""
    templates = recipe.templates_of(split)
    examples: dict[tuple[object, object], Example] = {}
    number = last = 0
    while len(examples) < count and number - last < STALLED:
        number += 1
        drawn = recipe.draw(templates[(number - 1) % len(templates)], pools, random)
        example = replace(drawn.example, split=split)
        if (example.clean, example.counterfactual) in examples:
            continue
        try:
            check_example(weights, example)
        except (BadPrompt, BadRequest):
            continue
        if isinstance(example.clean, str):
            example = replace(example, places=named_places(weights, example.clean, drawn.spans))
        examples[example.clean, example.counterfactual] = example
        last = number
    return list(examples.values())
