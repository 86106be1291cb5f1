"""Gendered pronouns: he or she, from a name; the counterfactual has a name of the other gender (as used in the US)."""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.circuits.tasks.words import FEMALE, MALE
from loadstore.model.weights import Weights

TEMPLATES = (
    "So {name} is such a great friend, isn't",
    "{name} stayed at home yesterday because",
    "My friend {name} went to bed early because",
    "I have known {name} for years, and I think that",
)
PRONOUNS = (" he", " she")


def pools(weights: Weights) -> Pools:
    """Names of one token, with a leading space; empty if a pronoun is not one token."""
    if not is_token(weights, *PRONOUNS):
        return {"male": [], "female": []}
    return {
        kind: [(name,) for name in names if is_token(weights, f" {name}")]
        for kind, names in (("male", MALE), ("female", FEMALE))
    }


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair, clean male or clean female."""
    (he,), (she,) = random.choice(fillers["male"]), random.choice(fillers["female"])
    way = random.choice((1, -1))
    names, (good, bad) = (he, she)[::way], PRONOUNS[::way]
    return pair(template, {"name": names[0]}, {"name": names[1]}, [good], [bad], [he, she])


GENDER = Recipe(
    "gender",
    "pronoun: 'So Mary is such a great friend, isn't' → she; the name is exchanged for one of the other gender",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
)
