"""Give a trained model's heads the numbers that its recipe names: an exact permutation, nothing else."""

from loadstore.heads.roles import head_roles
from loadstore.model.gauge import permute_heads
from loadstore.model.weights import Weights
from loadstore.sites import Head, parse_head
from loadstore.training.recipe import Recipe


def numbered(recipe: Recipe, weights: Weights) -> tuple[Weights, dict[str, str]]:
    """Renumber so that the strongest heads of each named role carry the recipe's names, strongest first.

    Returns the model and what moved (new name → trained name). Raises NoSuchSite for names that do not exist.
    """
    moved: dict[str, str] = {}
    roles = head_roles(weights)
    for role, names in recipe.names.items():
        wanted = [weights.architecture.check(parse_head(name), weights.name) for name in names]
        for layer in {head.layer for head in wanted}:
            here = [str(head) for head in weights.architecture.heads if head.layer == layer]
            strongest = roles[role].sel(head=here).to_series().sort_values(ascending=False).index
            places = [head.index for head in wanted if head.layer == layer]
            chosen = [parse_head(str(name)).index for name in strongest[: len(places)]]
            rest = iter([i for i in range(len(here)) if i not in chosen])
            order = [chosen[places.index(i)] if i in places else next(rest) for i in range(len(here))]
            weights = permute_heads(weights, layer, order)
            moved |= {str(Head(layer, new)): str(Head(layer, old)) for new, old in enumerate(order) if new in places}
    return weights, moved
