"""Greater-Than: a period that began in 1743 ends in 17.. with a later year; the counterfactual begins in 1701.

With a tokenizer of two-digit tokens, the targets are the two digits above YY, against those up to YY. With a tokenizer
that splits single digits, they are the decade digits above that of YY, against those below it; the same decade is in
neither set.
"""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.circuits.tasks.words import listed
from loadstore.errors import LoadstoreError
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import require

TEMPLATES = (
    "The {noun} lasted from the year {start} to the year {century}",
    "The {noun} began in the year {start} and ended in the year {century}",
    "According to the book, the {noun} went on from {start} until {century}",
    "The {noun} started in {start} and it was over by {century}",
)
NOUNS = listed(
    "war siege revolt conflict dispute campaign famine plague project voyage expedition rebellion crisis treaty "
    "alliance occupation reign drought construction debate journey mission struggle strike"
)
CENTURIES = ("14", "15", "16", "17", "18")
YEARS = [f"{year:02}" for year in range(40, 80)]


def pools(weights: Weights) -> Pools:
    """Nouns, and years that the tokenizer splits as the targets require; the last part of a year names the split."""
    way = _way(weights)
    years = [(f"{century}{year}", century, year, way) for century in CENTURIES for year in YEARS] if way else []
    return {"noun": [(noun,) for noun in NOUNS], "year": years}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair: the counterfactual starts in year 01 of the same century."""
    (noun,), (start, century, year, way) = random.choice(fillers["noun"]), random.choice(fillers["year"])
    if way == "two":
        good, bad = [f"{n:02}" for n in range(int(year) + 1, 100)], [f"{n:02}" for n in range(2, int(year) + 1)]
    else:
        good, bad = [str(n) for n in range(int(year[0]) + 1, 10)], [str(n) for n in range(int(year[0]))]
    fields = {"noun": noun, "start": start, "century": century}
    return pair(template, fields, {"start": f"{century}01"}, good, bad, [noun, start])


def _way(weights: Weights) -> str:
    """How the tokenizer splits 1743: "two" (17, 43), "one" (1, 7, 4, 3), or "" for any other split."""
    tokens = require(weights.tokens, weights.name, weights.untokenised)
    try:
        whole, before = (tokens.encode(f" from {text}") for text in ("1743", "17"))
    except LoadstoreError:
        return ""
    rest = [tokens.text(token) for token in whole[len(before) :]]
    if whole[: len(before)] != before:
        return ""
    if rest == ["43"] and is_token(weights, *(f"{n:02}" for n in range(2, 100))):
        return "two"
    return "one" if rest == ["4", "3"] and is_token(weights, *map(str, range(10))) else ""


GREATER_THAN = Recipe(
    "greater_than",
    "later years: 'The war lasted from the year 1743 to the year 17' → above 43; it begins in 1701 instead",
    "probability_difference",
    TEMPLATES,
    pools,
    draw,
)
